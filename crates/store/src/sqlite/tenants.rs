//! Tenants and their Secret Tokens.

use crate::{
    model::{SecretTokenOwner, SecretTokenRow, Tenant, TenantId, TenantState},
    schema::types::{Id, Key},
    sql::{Bind, Sql, Statement, sql},
};
use diesel::{
    QueryResult, RunQueryDsl,
    result::Error,
    sql_types::{BigInt, Binary, Nullable, Text},
    sqlite::{Sqlite, SqliteConnection},
};
use scim::{Profile, Timestamp};
use uuid::Uuid;

/// Every table with rows of tenants, each before those that it refers to.
const TABLES: [&str; 8] = [
    "DELETE FROM events",
    "DELETE FROM change_log",
    "DELETE FROM deleted_resources",
    "DELETE FROM group_members",
    "DELETE FROM \"groups\"",
    "DELETE FROM users",
    "DELETE FROM feeds",
    "DELETE FROM secret_tokens",
];

/// How many rows a statement changed.
fn execute(connection: &mut SqliteConnection, sql: Sql) -> QueryResult<usize> {
    Statement::<Sqlite, ()>::cached(sql).execute(connection)
}

// ---------------------------------------------------------------------------------------------------------- tenants

/// `false` if the label is taken.
pub(super) fn create(connection: &mut SqliteConnection, tenant: &Tenant) -> QueryResult<bool> {
    let created = execute(
        connection,
        sql!(
            "INSERT INTO tenants (id, label, name, profile, state, created_at) VALUES (",
            Bind::key(tenant.id.0),
            ", ",
            Bind::text(&tenant.label),
            ", ",
            Bind::text(&tenant.name),
            ", ",
            Bind::text(tenant.profile.as_str()),
            ", ",
            Bind::text(tenant.state.as_str()),
            ", ",
            Bind::number(tenant.created.0),
            ") ON CONFLICT (label) DO NOTHING"
        ),
    )?;
    if created > 0 {
        let feed = sql!("INSERT INTO feeds (tenant_id, position) VALUES (", Bind::key(tenant.id.0), ", 0)");
        execute(connection, feed)?;
    }
    Ok(created > 0)
}

type TenantTypes = (Key, Text, Text, Text, Text, BigInt);
type TenantColumns = (Id, String, String, String, String, i64);

const TENANT_COLUMNS: &str = "t.id, t.label, t.name, t.profile, t.state, t.created_at";

fn tenant((id, label, name, profile, state, created): TenantColumns) -> QueryResult<Tenant> {
    let unknown = |word: &str| Error::DeserializationError(format!("no such word: {word}").into());
    Ok(Tenant {
        id: TenantId(id.0),
        label,
        name,
        profile: Profile::parse(&profile).ok_or_else(|| unknown(&profile))?,
        state: TenantState::parse(&state).ok_or_else(|| unknown(&state))?,
        created: Timestamp(created),
    })
}

fn load_tenants(connection: &mut SqliteConnection, behind: Sql) -> QueryResult<Vec<Tenant>> {
    let statement = Statement::<Sqlite, TenantTypes>::cached(sql!(
        "SELECT ",
        TENANT_COLUMNS,
        " FROM tenants AS t ",
        behind
    ));
    statement.load::<TenantColumns>(connection)?.into_iter().map(tenant).collect()
}

/// Every tenant, by label.
pub(super) fn all(connection: &mut SqliteConnection) -> QueryResult<Vec<Tenant>> {
    load_tenants(connection, sql!("ORDER BY t.label"))
}

/// By id, if it is one, else by label. A label may look like an id, so the label is tried as well.
pub(super) fn find(connection: &mut SqliteConnection, label_or_id: &str) -> QueryResult<Option<Tenant>> {
    if let Ok(id) = Uuid::try_parse(label_or_id)
        && let Some(found) = load_tenants(connection, sql!("WHERE t.id = ", Bind::key(id)))?.pop()
    {
        return Ok(Some(found));
    }
    Ok(load_tenants(connection, sql!("WHERE t.label = ", Bind::text(label_or_id)))?.pop())
}

pub(super) fn set_state(
    connection: &mut SqliteConnection,
    tenant: TenantId,
    state: TenantState,
) -> QueryResult<bool> {
    let sql =
        sql!("UPDATE tenants SET state = ", Bind::text(state.as_str()), " WHERE id = ", Bind::key(tenant.0));
    Ok(execute(connection, sql)? > 0)
}

/// With every row of it.
pub(super) fn delete(connection: &mut SqliteConnection, tenant: TenantId) -> QueryResult<bool> {
    for table in TABLES {
        execute(connection, sql!(table, " WHERE tenant_id = ", Bind::key(tenant.0)))?;
    }
    Ok(execute(connection, sql!("DELETE FROM tenants WHERE id = ", Bind::key(tenant.0)))? > 0)
}

// ---------------------------------------------------------------------------------------------------------- tokens

pub(super) fn insert_secret_token(
    connection: &mut SqliteConnection,
    token: &SecretTokenRow,
) -> QueryResult<()> {
    let time = |time: Option<Timestamp>| Bind::BigInt(time.map(|time| time.0));
    let values = [
        Bind::key(token.tenant.0),
        Bind::key(token.id),
        Bind::text(&token.key_id),
        Bind::Bytes(token.digest.to_vec()),
        Bind::text(&token.label),
        Bind::number(token.created.0),
        time(token.expires),
        time(token.revoked),
        time(token.last_used),
    ];
    let sql = sql!(
        "INSERT INTO secret_tokens (tenant_id, id, key_id, digest, label, created_at, expires_at, revoked_at, \
         last_used_at) VALUES (",
        Sql::joined(values.into_iter().map(|value| sql!(value)), ", "),
        ")"
    );
    execute(connection, sql).map(|_| ())
}

type TokenTypes =
    (Key, Key, Text, Binary, Text, BigInt, Nullable<BigInt>, Nullable<BigInt>, Nullable<BigInt>);
type TokenColumns = (Id, Id, String, Vec<u8>, String, i64, Option<i64>, Option<i64>, Option<i64>);

const TOKEN_COLUMNS: &str = "s.tenant_id, s.id, s.key_id, s.digest, s.label, s.created_at, s.expires_at, s.revoked_at, s.last_used_at";

fn token(columns: TokenColumns) -> QueryResult<SecretTokenRow> {
    let (tenant, id, key_id, digest, label, created, expires, revoked, last_used) = columns;
    let digest =
        digest.try_into().map_err(|_| Error::DeserializationError("a digest is not 32 bytes long".into()))?;
    Ok(SecretTokenRow {
        id: id.0,
        tenant: TenantId(tenant.0),
        key_id,
        digest,
        label,
        created: Timestamp(created),
        expires: expires.map(Timestamp),
        revoked: revoked.map(Timestamp),
        last_used: last_used.map(Timestamp),
    })
}

/// The tokens of a tenant, oldest first.
pub(super) fn secret_tokens(
    connection: &mut SqliteConnection,
    tenant: TenantId,
) -> QueryResult<Vec<SecretTokenRow>> {
    let statement = Statement::<Sqlite, TokenTypes>::cached(sql!(
        "SELECT ",
        TOKEN_COLUMNS,
        " FROM secret_tokens AS s WHERE s.tenant_id = ",
        Bind::key(tenant.0),
        " ORDER BY s.created_at, s.id"
    ));
    statement.load::<TokenColumns>(connection)?.into_iter().map(token).collect()
}

/// The one question that names no tenant: it finds out which.
pub(super) fn secret_token(
    connection: &mut SqliteConnection,
    digest: &[u8; 32],
) -> QueryResult<Option<SecretTokenOwner>> {
    let statement = Statement::<Sqlite, (TokenTypes, TenantTypes)>::cached(sql!(
        "SELECT ",
        TOKEN_COLUMNS,
        ", ",
        TENANT_COLUMNS,
        " FROM secret_tokens AS s JOIN tenants AS t ON t.id = s.tenant_id WHERE s.digest = ",
        Bind::Bytes(digest.to_vec())
    ));
    let found = statement.load::<(TokenColumns, TenantColumns)>(connection)?.pop();
    found
        .map(|(of_token, of_tenant)| {
            Ok(SecretTokenOwner { token: token(of_token)?, tenant: tenant(of_tenant)? })
        })
        .transpose()
}

fn token_key(tenant: TenantId, id: Uuid) -> Sql {
    sql!(" WHERE tenant_id = ", Bind::key(tenant.0), " AND id = ", Bind::key(id))
}

pub(super) fn expire_secret_token(
    connection: &mut SqliteConnection,
    tenant: TenantId,
    id: Uuid,
    expires: Timestamp,
) -> QueryResult<bool> {
    let set = sql!("UPDATE secret_tokens SET expires_at = ", Bind::number(expires.0));
    Ok(execute(connection, sql!(set, token_key(tenant, id), " AND revoked_at IS NULL"))? > 0)
}

pub(super) fn revoke_secret_token(
    connection: &mut SqliteConnection,
    tenant: TenantId,
    id: Uuid,
    at: Timestamp,
) -> QueryResult<bool> {
    let set = sql!("UPDATE secret_tokens SET revoked_at = ", Bind::number(at.0));
    Ok(execute(connection, sql!(set, token_key(tenant, id), " AND revoked_at IS NULL"))? > 0)
}

/// A time never moves back: another process may have noted a later one.
pub(super) fn touch_secret_tokens(
    connection: &mut SqliteConnection,
    used: &[(TenantId, Uuid, Timestamp)],
) -> QueryResult<()> {
    for (tenant, id, at) in used {
        let set = sql!(
            "UPDATE secret_tokens SET last_used_at = max(coalesce(last_used_at, ",
            Bind::number(at.0),
            "), ",
            Bind::number(at.0),
            ")"
        );
        execute(connection, sql!(set, token_key(*tenant, *id)))?;
    }
    Ok(())
}
