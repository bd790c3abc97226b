//! Tenants and Secret Tokens: statements that both databases take as diesel writes them.
//!
//! Diesel ties a query to one backend, and the bounds of a function over any would be longer than the function: so the
//! functions are written once and made twice.

use crate::{
    credential::Seen,
    model::{SecretTokenOwner, SecretTokenRow, StoreError, Tenant, TenantId, TenantState},
    schema::types::Id,
};
use diesel::{Insertable, Queryable};
use scim::{Profile, Timestamp};

#[derive(Insertable, Queryable)]
#[diesel(table_name = crate::schema::tenants)]
pub(crate) struct TenantRecord {
    id: Id,
    label: String,
    name: String,
    profile: String,
    state: String,
    created_at: i64,
}

impl From<&Tenant> for TenantRecord {
    fn from(tenant: &Tenant) -> Self {
        TenantRecord {
            id: Id(tenant.id.0),
            label: tenant.label.clone(),
            name: tenant.name.clone(),
            profile: tenant.profile.as_str().to_owned(),
            state: tenant.state.as_str().to_owned(),
            created_at: tenant.created.0,
        }
    }
}

impl TryFrom<TenantRecord> for Tenant {
    type Error = StoreError;

    fn try_from(record: TenantRecord) -> Result<Self, StoreError> {
        let unknown =
            |what: &str, word: &str| StoreError::Failed(format!("a tenant has the unknown {what} {word}"));
        Ok(Tenant {
            id: TenantId(record.id.0),
            label: record.label,
            name: record.name,
            profile: Profile::parse(&record.profile).ok_or_else(|| unknown("profile", &record.profile))?,
            state: TenantState::parse(&record.state).ok_or_else(|| unknown("state", &record.state))?,
            created: Timestamp(record.created_at),
        })
    }
}

#[derive(Insertable, Queryable)]
#[diesel(table_name = crate::schema::secret_tokens)]
pub(crate) struct TokenRecord {
    tenant_id: Id,
    id: Id,
    key_id: String,
    digest: Vec<u8>,
    label: String,
    created_at: i64,
    expires_at: Option<i64>,
    revoked_at: Option<i64>,
    last_used_at: Option<i64>,
    first_used_at: Option<i64>,
    last_used_from: Option<String>,
    last_used_for: Option<String>,
}

impl From<&SecretTokenRow> for TokenRecord {
    fn from(token: &SecretTokenRow) -> Self {
        let millis = |time: Option<Timestamp>| time.map(|time| time.0);
        TokenRecord {
            tenant_id: Id(token.tenant.0),
            id: Id(token.id),
            key_id: token.key_id.clone(),
            digest: token.digest.to_vec(),
            label: token.label.clone(),
            created_at: token.created.0,
            expires_at: millis(token.expires),
            revoked_at: millis(token.revoked),
            last_used_at: millis(token.seen.as_ref().map(|seen| seen.last)),
            first_used_at: millis(token.seen.as_ref().map(|seen| seen.first)),
            last_used_from: token.seen.as_ref().and_then(|seen| seen.from.clone()),
            last_used_for: token.seen.as_ref().and_then(|seen| seen.doing.clone()),
        }
    }
}

impl TryFrom<TokenRecord> for SecretTokenRow {
    type Error = StoreError;

    fn try_from(record: TokenRecord) -> Result<Self, StoreError> {
        let digest = record.digest.try_into();
        Ok(SecretTokenRow {
            id: record.id.0,
            tenant: TenantId(record.tenant_id.0),
            key_id: record.key_id,
            digest: digest.map_err(|_| StoreError::Failed("a token's digest has not 32 bytes".to_owned()))?,
            label: record.label,
            created: Timestamp(record.created_at),
            expires: record.expires_at.map(Timestamp),
            revoked: record.revoked_at.map(Timestamp),
            seen: Seen::read(
                (record.first_used_at, record.last_used_at),
                record.last_used_from,
                record.last_used_for,
            ),
        })
    }
}

impl TryFrom<(TokenRecord, TenantRecord)> for SecretTokenOwner {
    type Error = StoreError;

    fn try_from((token, tenant): (TokenRecord, TenantRecord)) -> Result<Self, StoreError> {
        Ok(SecretTokenOwner { token: token.try_into()?, tenant: tenant.try_into()? })
    }
}

macro_rules! records {
    ($module:ident, $connection:ty) => {
        pub(crate) mod $module {
            use super::{TenantRecord, TokenRecord};
            use crate::{
                act::Act,
                locks,
                model::{SecretTokenRow, Tenant, TenantId, TenantState, TenantUpdate},
                schema::{
                    client_secrets, erasures, federations, feeds, oauth_clients, rotations, secret_tokens,
                    setup_links, tenants, types::Id, used_assertions,
                },
            };
            use diesel::{
                prelude::*,
                result::{DatabaseErrorKind, Error},
            };
            use scim::{Timestamp, comparison::USER_NAME_KEY_VERSION};
            use uuid::Uuid;

            /// `Ok(false)`: the label is taken.
            pub(crate) fn create_tenant(connection: &mut $connection, tenant: &Tenant) -> QueryResult<bool> {
                let created = connection.transaction(|connection| {
                    diesel::insert_into(tenants::table)
                        .values(TenantRecord::from(tenant))
                        .execute(connection)?;
                    diesel::insert_into(feeds::table)
                        .values((
                            feeds::tenant_id.eq(Id(tenant.id.0)),
                            feeds::position.eq(0),
                            feeds::user_name_key_version.eq(USER_NAME_KEY_VERSION),
                        ))
                        .execute(connection)
                });
                match created {
                    Ok(_) => Ok(true),
                    Err(Error::DatabaseError(DatabaseErrorKind::UniqueViolation, _)) => Ok(false),
                    Err(error) => Err(error),
                }
            }

            pub(crate) fn tenants(connection: &mut $connection) -> QueryResult<Vec<TenantRecord>> {
                tenants::table.order(tenants::label).load(connection)
            }

            /// By label or, if the text is a UUID, by id.
            pub(crate) fn tenant(
                connection: &mut $connection,
                text: &str,
            ) -> QueryResult<Option<TenantRecord>> {
                let id = Id(Uuid::try_parse(text).unwrap_or_default());
                let found = tenants::table.filter(tenants::label.eq(text).or(tenants::id.eq(id)));
                found.first(connection).optional()
            }

            pub(crate) fn set_tenant_state(
                connection: &mut $connection,
                tenant: TenantId,
                state: TenantState,
            ) -> QueryResult<bool> {
                let found = tenants::table.filter(tenants::id.eq(Id(tenant.0)));
                let changed =
                    diesel::update(found).set(tenants::state.eq(state.as_str())).execute(connection)?;
                Ok(changed > 0)
            }

            /// A change that changes nothing is done as well.
            pub(crate) fn change_tenant(
                connection: &mut $connection,
                tenant: TenantId,
                change: &TenantUpdate,
            ) -> QueryResult<bool> {
                let found = tenants::table.filter(tenants::id.eq(Id(tenant.0)));
                let name = change.name.as_ref().map(|name| tenants::name.eq(name));
                let profile = change.profile.map(|profile| tenants::profile.eq(profile.as_str()));
                // Diesel makes no statement of no assignment.
                if name.is_none() && profile.is_none() {
                    return diesel::select(diesel::dsl::exists(found)).get_result(connection);
                }
                Ok(diesel::update(found).set((name, profile)).execute(connection)? > 0)
            }

            /// Takes the feed of a tenant away: its resources cannot be changed any more.
            pub(crate) fn close_feed(connection: &mut $connection, tenant: TenantId) -> QueryResult<()> {
                diesel::delete(feeds::table.find(Id(tenant.0))).execute(connection).map(drop)
            }

            /// Ends what can be done for a tenant: its credentials go, and acts are refused (`locks.rs`). `false` if there
            /// is no such tenant.
            pub(crate) fn begin_erasing(connection: &mut $connection, tenant: TenantId) -> QueryResult<bool> {
                connection.transaction(|connection| {
                    if !locks::$module::lock(connection, &Act::DeleteTenant(tenant))? {
                        return Ok(false);
                    }
                    diesel::insert_into(erasures::table)
                        .values(erasures::tenant_id.eq(Id(tenant.0)))
                        .on_conflict_do_nothing()
                        .execute(connection)?;
                    delete_credentials(connection, tenant)?;
                    Ok(true)
                })
            }

            fn delete_credentials(connection: &mut $connection, tenant: TenantId) -> QueryResult<()> {
                let key = Id(tenant.0);
                macro_rules! delete_from {
                    ($table:ident) => {
                        diesel::delete($table::table.filter($table::tenant_id.eq(key))).execute(connection)?
                    };
                }
                delete_from!(setup_links);
                delete_from!(rotations);
                delete_from!(secret_tokens);
                delete_from!(used_assertions);
                delete_from!(federations);
                delete_from!(client_secrets);
                delete_from!(oauth_clients);
                Ok(())
            }

            /// Deletes the row of a tenant whose resources are erased (`erase.rs`). It is locked (`locks.rs`), so that
            /// nothing is inserted for it meanwhile.
            pub(crate) fn delete_tenant(connection: &mut $connection, tenant: TenantId) -> QueryResult<bool> {
                let key = Id(tenant.0);
                connection.transaction(|connection| {
                    // An assertion that was being exchanged when the erasing began.
                    delete_credentials(connection, tenant)?;
                    diesel::delete(erasures::table.find(key)).execute(connection)?;
                    Ok(diesel::delete(tenants::table.filter(tenants::id.eq(key))).execute(connection)? > 0)
                })
            }

            /// `false`: its key is taken.
            pub(crate) fn insert_secret_token(
                connection: &mut $connection,
                token: &SecretTokenRow,
            ) -> QueryResult<bool> {
                let inserted = diesel::insert_into(secret_tokens::table)
                    .values(TokenRecord::from(token))
                    .on_conflict_do_nothing()
                    .execute(connection)?;
                Ok(inserted > 0)
            }

            /// Behind a place, oldest first.
            pub(crate) fn secret_tokens(
                connection: &mut $connection,
                tenant: TenantId,
                (at, id): (Timestamp, Uuid),
                limit: i64,
            ) -> QueryResult<Vec<TokenRecord>> {
                let same_time = secret_tokens::created_at.eq(at.0);
                let later =
                    secret_tokens::created_at.gt(at.0).or(same_time.and(secret_tokens::id.gt(Id(id))));
                secret_tokens::table
                    .filter(secret_tokens::tenant_id.eq(Id(tenant.0)).and(later))
                    .order((secret_tokens::created_at, secret_tokens::id))
                    .limit(limit)
                    .load(connection)
            }

            pub(crate) fn secret_token_by_id(
                connection: &mut $connection,
                tenant: TenantId,
                id: Uuid,
            ) -> QueryResult<Option<TokenRecord>> {
                secret_tokens::table.find((Id(tenant.0), Id(id))).first(connection).optional()
            }

            /// By digest: the one question whose answer is the tenant.
            pub(crate) fn secret_token(
                connection: &mut $connection,
                digest: &[u8; 32],
            ) -> QueryResult<Option<(TokenRecord, TenantRecord)>> {
                secret_tokens::table
                    .inner_join(tenants::table.on(tenants::id.eq(secret_tokens::tenant_id)))
                    .filter(secret_tokens::digest.eq(digest.as_slice()))
                    .first(connection)
                    .optional()
            }

            pub(crate) fn revoke_secret_token(
                connection: &mut $connection,
                tenant: TenantId,
                id: Uuid,
                at: Timestamp,
            ) -> QueryResult<bool> {
                let alive = secret_tokens::table
                    .find((Id(tenant.0), Id(id)))
                    .filter(secret_tokens::revoked_at.is_null());
                let set = secret_tokens::revoked_at.eq(Some(at.0));
                Ok(diesel::update(alive).set(set).execute(connection)? > 0)
            }
        }
    };
}

records!(postgres, diesel::PgConnection);
records!(sqlite, diesel::SqliteConnection);
