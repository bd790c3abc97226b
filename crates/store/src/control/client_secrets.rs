//! Secrets by which an OAuth client authenticates.

use super::{
    act::{Acted, Refused},
    audit::AuditEntry,
    credentials::Seen,
    tenants,
};
use crate::{
    connection::read_by,
    data::model::{StoreError, TenantId},
    jobs::lane::Lane,
    schema::{client_secrets, types::Id},
    store::Store,
    tx::Tx,
};
use diesel::prelude::*;
use scim::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

/// A client secret as it is stored: everything but the secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientSecret {
    /// Key.
    pub id: Uuid,
    /// The tenant that it belongs to.
    pub tenant: TenantId,
    /// The client that it belongs to.
    pub client: Uuid,
    /// The key id inside the secret, shown to operators.
    pub key_id: String,
    /// argon2id, as a PHC string.
    pub hash: String,
    /// When it was issued.
    pub created: Timestamp,
    /// From when on it is refused.
    pub expires: Timestamp,
    /// Since when it is revoked.
    pub revoked: Option<Timestamp>,
    /// What is known of the use of access tokens that were issued for it, some seconds late.
    pub seen: Option<Seen>,
}

impl ClientSecret {
    /// Whether it is neither revoked nor expired; its client may be.
    pub fn is_alive(&self, now: Timestamp) -> bool {
        self.revoked.is_none() && now < self.expires
    }

    /// When it was last used.
    pub fn last_used(&self) -> Option<Timestamp> {
        self.seen.as_ref().map(|seen| seen.last)
    }

    /// As the audit log shows it.
    pub(super) fn shown(&self) -> Value {
        json!({
            "key_id": self.key_id,
            "client_id": self.client,
            "expires": self.expires.to_rfc3339(),
            "revoked": self.revoked.map(Timestamp::to_rfc3339),
        })
    }
}

/// The row as it is stored. It is public only because diesel reads [`ClientSecret`] by it.
#[doc(hidden)]
#[derive(Insertable, Queryable)]
#[diesel(table_name = client_secrets)]
pub struct SecretRecord {
    tenant_id: Id,
    id: Id,
    client_id: Id,
    key_id: String,
    hash: String,
    created_at: i64,
    expires_at: i64,
    revoked_at: Option<i64>,
    last_used_at: Option<i64>,
    first_used_at: Option<i64>,
    last_used_from: Option<String>,
    last_used_for: Option<String>,
}

impl From<&ClientSecret> for SecretRecord {
    fn from(secret: &ClientSecret) -> Self {
        SecretRecord {
            tenant_id: Id(secret.tenant.0),
            id: Id(secret.id),
            client_id: Id(secret.client),
            key_id: secret.key_id.clone(),
            hash: secret.hash.clone(),
            created_at: secret.created.0,
            expires_at: secret.expires.0,
            revoked_at: secret.revoked.map(|time| time.0),
            last_used_at: secret.seen.as_ref().map(|seen| seen.last.0),
            first_used_at: secret.seen.as_ref().map(|seen| seen.first.0),
            last_used_from: secret.seen.as_ref().and_then(|seen| seen.from.clone()),
            last_used_for: secret.seen.as_ref().and_then(|seen| seen.doing.clone()),
        }
    }
}

impl From<SecretRecord> for ClientSecret {
    fn from(record: SecretRecord) -> Self {
        ClientSecret {
            id: record.id.0,
            tenant: TenantId(record.tenant_id.0),
            client: record.client_id.0,
            key_id: record.key_id,
            hash: record.hash,
            created: Timestamp(record.created_at),
            expires: Timestamp(record.expires_at),
            revoked: record.revoked_at.map(Timestamp),
            seen: Seen::read(
                (record.first_used_at, record.last_used_at),
                record.last_used_from,
                record.last_used_for,
            ),
        }
    }
}

read_by!(ClientSecret, SecretRecord);

/// Why a secret was not stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IssueRefused {
    /// There is no such tenant, or it is being erased.
    TenantGone,
    /// There is a secret of this id.
    Exists,
}

/// Why a secret was not revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevokeRefused {
    /// There is no such tenant, or it is being erased.
    TenantGone,
    /// There is no such secret, or it is revoked.
    NotAlive,
}

/// Stores one more secret of a client.
///
/// # Errors
/// [`IssueRefused`].
pub fn issue(tx: &mut Tx<'_>, secret: &ClientSecret) -> Acted<((), AuditEntry), IssueRefused> {
    tenants::lock_or(tx, secret.tenant, IssueRefused::TenantGone)?;
    if !insert(tx, secret)? {
        return Err(Refused::Because(IssueRefused::Exists));
    }
    Ok(((), entry("client-secret.issue", secret).makes(secret.shown())))
}

/// Inserts the row of a secret, for an action that issues it as a part. Returns `false` if its key is taken.
pub(super) fn insert(tx: &mut Tx<'_>, secret: &ClientSecret) -> QueryResult<bool> {
    let row = diesel::insert_into(client_secrets::table).values(SecretRecord::from(secret));
    tx.insert(|db| row.execute(db))
}

/// Revokes a secret. Returns it as it is then.
///
/// # Errors
/// [`RevokeRefused`].
pub fn revoke(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    id: Uuid,
    at: Timestamp,
) -> Acted<(ClientSecret, AuditEntry), RevokeRefused> {
    tenants::lock_or(tx, tenant, RevokeRefused::TenantGone)?;
    let row = client_secrets::table.find((Id(tenant.0), Id(id)));
    let found: Option<ClientSecret> =
        row.filter(client_secrets::revoked_at.is_null()).first(tx.db).optional()?;
    let before = found.ok_or(Refused::Because(RevokeRefused::NotAlive))?;
    diesel::update(row).set(client_secrets::revoked_at.eq(Some(at.0))).execute(tx.db)?;
    let after = ClientSecret { revoked: Some(at), ..before.clone() };
    let entry = entry("client-secret.revoke", &before).changes(before.shown(), after.shown());
    Ok((after, entry))
}

/// Revokes a secret if it is alive, for an action that has its own entry.
pub(super) fn end(tx: &mut Tx<'_>, tenant: TenantId, id: Uuid, at: Timestamp) -> QueryResult<()> {
    let row = client_secrets::table.find((Id(tenant.0), Id(id)));
    let alive = row.filter(client_secrets::revoked_at.is_null());
    diesel::update(alive).set(client_secrets::revoked_at.eq(Some(at.0))).execute(tx.db).map(drop)
}

/// The secrets of a client, oldest first.
pub(super) fn of_client(tx: &mut Tx<'_>, tenant: TenantId, client: Uuid) -> QueryResult<Vec<ClientSecret>> {
    client_secrets::table
        .filter(client_secrets::tenant_id.eq(Id(tenant.0)).and(client_secrets::client_id.eq(Id(client))))
        .order((client_secrets::created_at, client_secrets::id))
        .load(tx.db)
}

fn entry(action: &'static str, secret: &ClientSecret) -> AuditEntry {
    AuditEntry::of_tenant(action, secret.key_id.clone(), secret.tenant)
}

impl Store {
    /// The secrets of all clients of a tenant, oldest first, ended ones too.
    ///
    /// # Errors
    /// Faults of the database.
    pub async fn client_secrets(&self, tenant: TenantId) -> Result<Vec<ClientSecret>, StoreError> {
        let all = client_secrets::table
            .filter(client_secrets::tenant_id.eq(Id(tenant.0)))
            .order((client_secrets::created_at, client_secrets::id));
        self.read(Lane::Operators, tenant, move |tx| all.load(tx.db)).await
    }
}
