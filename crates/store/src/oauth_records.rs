//! The rows of OAuth: statements that both databases take as diesel writes them (see `records.rs`).

use crate::{
    credential::Seen,
    engine::OauthEngine,
    model::{StoreError, TenantId},
    oauth::{ClientSecret, Federation, OauthClient, OauthClientOwner, SigningKey},
    postgres::PostgresEngine,
    records::TenantRecord,
    schema::{client_secrets, federations, oauth_clients, signing_keys, tenants, types::Id, used_assertions},
    sqlite::SqliteEngine,
};
use diesel::{
    Insertable, Queryable,
    prelude::*,
    result::{DatabaseErrorKind, Error},
};
use scim::Timestamp;
use uuid::Uuid;
use zeroize::Zeroizing;

#[derive(Insertable, Queryable)]
#[diesel(table_name = oauth_clients)]
struct ClientRecord {
    tenant_id: Id,
    id: Id,
    label: String,
    created_at: i64,
    revoked_at: Option<i64>,
}

impl From<&OauthClient> for ClientRecord {
    fn from(client: &OauthClient) -> Self {
        ClientRecord {
            tenant_id: Id(client.tenant.0),
            id: Id(client.id),
            label: client.label.clone(),
            created_at: client.created.0,
            revoked_at: client.revoked.map(|time| time.0),
        }
    }
}

impl From<ClientRecord> for OauthClient {
    fn from(record: ClientRecord) -> Self {
        OauthClient {
            id: record.id.0,
            tenant: TenantId(record.tenant_id.0),
            label: record.label,
            created: Timestamp(record.created_at),
            revoked: record.revoked_at.map(Timestamp),
        }
    }
}

#[derive(Insertable, Queryable)]
#[diesel(table_name = client_secrets)]
pub(crate) struct SecretRecord {
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

#[derive(Insertable, Queryable)]
#[diesel(table_name = federations)]
struct FederationRecord {
    tenant_id: Id,
    id: Id,
    client_id: Id,
    issuer: String,
    subject: String,
    audience: String,
    jwks_url: String,
    created_at: i64,
    last_used_at: Option<i64>,
    first_used_at: Option<i64>,
    last_used_from: Option<String>,
    last_used_for: Option<String>,
}

impl From<&Federation> for FederationRecord {
    fn from(federation: &Federation) -> Self {
        FederationRecord {
            tenant_id: Id(federation.tenant.0),
            id: Id(federation.id),
            client_id: Id(federation.client),
            issuer: federation.issuer.clone(),
            subject: federation.subject.clone(),
            audience: federation.audience.clone(),
            jwks_url: federation.jwks_url.clone(),
            created_at: federation.created.0,
            last_used_at: federation.seen.as_ref().map(|seen| seen.last.0),
            first_used_at: federation.seen.as_ref().map(|seen| seen.first.0),
            last_used_from: federation.seen.as_ref().and_then(|seen| seen.from.clone()),
            last_used_for: federation.seen.as_ref().and_then(|seen| seen.doing.clone()),
        }
    }
}

impl From<FederationRecord> for Federation {
    fn from(record: FederationRecord) -> Self {
        Federation {
            id: record.id.0,
            tenant: TenantId(record.tenant_id.0),
            client: record.client_id.0,
            issuer: record.issuer,
            subject: record.subject,
            audience: record.audience,
            jwks_url: record.jwks_url,
            created: Timestamp(record.created_at),
            seen: Seen::read(
                (record.first_used_at, record.last_used_at),
                record.last_used_from,
                record.last_used_for,
            ),
        }
    }
}

type KeyRecord = (Id, Vec<u8>, i64, i64, i64);

fn signing_key((id, private_key, signs_from, signs_until, published_until): KeyRecord) -> SigningKey {
    SigningKey {
        id: id.0,
        private_key: Zeroizing::new(private_key),
        signs_from: Timestamp(signs_from),
        signs_until: Timestamp(signs_until),
        published_until: Timestamp(published_until),
    }
}

/// Whether a row was inserted; `false` if its key is taken, or its tenant has gone.
fn is_new(inserted: QueryResult<usize>) -> QueryResult<bool> {
    match inserted {
        Ok(_) => Ok(true),
        Err(Error::DatabaseError(
            DatabaseErrorKind::UniqueViolation | DatabaseErrorKind::ForeignKeyViolation,
            _,
        )) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Implements the trait for an engine; `$write` is its way to write.
macro_rules! oauth_engine {
    ($engine:ty, $write:ident) => {
        impl OauthEngine for $engine {
            fn oauth_clients(&self, tenant: TenantId) -> Result<Vec<OauthClient>, StoreError> {
                let found = self.run(|connection| {
                    oauth_clients::table
                        .filter(oauth_clients::tenant_id.eq(Id(tenant.0)))
                        .order((oauth_clients::created_at, oauth_clients::id))
                        .load::<ClientRecord>(connection)
                })?;
                Ok(found.into_iter().map(OauthClient::from).collect())
            }

            fn client_secrets(&self, tenant: TenantId) -> Result<Vec<ClientSecret>, StoreError> {
                let found = self.run(|connection| {
                    client_secrets::table
                        .filter(client_secrets::tenant_id.eq(Id(tenant.0)))
                        .order((client_secrets::created_at, client_secrets::id))
                        .load::<SecretRecord>(connection)
                })?;
                Ok(found.into_iter().map(ClientSecret::from).collect())
            }

            fn oauth_client(
                &self,
                label: &str,
                client: Uuid,
            ) -> Result<Option<OauthClientOwner>, StoreError> {
                let found = self.run(|connection| {
                    let owner = oauth_clients::table
                        .inner_join(tenants::table.on(tenants::id.eq(oauth_clients::tenant_id)))
                        .filter(tenants::label.eq(label).and(oauth_clients::id.eq(Id(client))))
                        .first::<(ClientRecord, TenantRecord)>(connection)
                        .optional()?;
                    let Some((record, tenant)) = owner else { return Ok(None) };
                    let secrets = client_secrets::table
                        .filter(client_secrets::tenant_id.eq(record.tenant_id))
                        .filter(client_secrets::client_id.eq(Id(client)))
                        .order((client_secrets::created_at, client_secrets::id))
                        .load::<SecretRecord>(connection)?;
                    let federation = federations::table
                        .filter(federations::tenant_id.eq(record.tenant_id))
                        .filter(federations::client_id.eq(Id(client)))
                        .first::<FederationRecord>(connection)
                        .optional()?;
                    Ok(Some((record, tenant, secrets, federation)))
                })?;
                found
                    .map(|(record, tenant, secrets, federation)| {
                        Ok(OauthClientOwner {
                            tenant: tenant.try_into()?,
                            client: record.into(),
                            secrets: secrets.into_iter().map(ClientSecret::from).collect(),
                            federation: federation.map(Federation::from),
                        })
                    })
                    .transpose()
            }

            fn federation(&self, tenant: TenantId) -> Result<Option<Federation>, StoreError> {
                let found = self.run(|connection| {
                    let row = federations::table.find(Id(tenant.0));
                    row.first::<FederationRecord>(connection).optional()
                })?;
                Ok(found.map(Federation::from))
            }

            fn note_assertion(
                &self,
                tenant: TenantId,
                digest: &[u8; 32],
                expires: Timestamp,
            ) -> Result<bool, StoreError> {
                self.$write(|connection| {
                    is_new(
                        diesel::insert_into(used_assertions::table)
                            .values((
                                used_assertions::tenant_id.eq(Id(tenant.0)),
                                used_assertions::digest.eq(digest.as_slice()),
                                used_assertions::expires_at.eq(expires.0),
                            ))
                            .execute(connection),
                    )
                })
            }

            fn forget_assertions(&self, now: Timestamp) -> Result<(), StoreError> {
                self.$write(|connection| {
                    let ended = used_assertions::table.filter(used_assertions::expires_at.lt(now.0));
                    diesel::delete(ended).execute(connection).map(drop)
                })
            }

            fn signing_keys(&self) -> Result<Vec<SigningKey>, StoreError> {
                let found = self.run(|connection| {
                    signing_keys::table.order(signing_keys::signs_from).load::<KeyRecord>(connection)
                })?;
                Ok(found.into_iter().map(signing_key).collect())
            }

            fn insert_signing_key(&self, key: &SigningKey) -> Result<bool, StoreError> {
                self.$write(|connection| {
                    is_new(
                        diesel::insert_into(signing_keys::table)
                            .values((
                                signing_keys::id.eq(Id(key.id)),
                                signing_keys::private_key.eq(key.private_key.as_slice()),
                                signing_keys::signs_from.eq(key.signs_from.0),
                                signing_keys::signs_until.eq(key.signs_until.0),
                                signing_keys::published_until.eq(key.published_until.0),
                            ))
                            .execute(connection),
                    )
                })
            }

            fn delete_signing_keys(&self, now: Timestamp) -> Result<(), StoreError> {
                self.$write(|connection| {
                    let ended = signing_keys::table.filter(signing_keys::published_until.le(now.0));
                    diesel::delete(ended).execute(connection).map(drop)
                })
            }
        }
    };
}

oauth_engine!(PostgresEngine, run);
oauth_engine!(SqliteEngine, write);

/// Administrative writes, which are parts of acts (`act.rs`).
macro_rules! oauth_writes {
    ($module:ident, $connection:ty) => {
        pub(crate) mod $module {
            use super::*;

            /// `Ok(false)`: there is one of its id.
            pub(crate) fn create_oauth_client(
                connection: &mut $connection,
                client: &OauthClient,
                secret: Option<&ClientSecret>,
            ) -> QueryResult<bool> {
                let inserted = diesel::insert_into(oauth_clients::table)
                    .values(ClientRecord::from(client))
                    .on_conflict_do_nothing()
                    .execute(connection)?;
                match secret {
                    Some(secret) if inserted > 0 => insert_client_secret(connection, secret),
                    _ => Ok(inserted > 0),
                }
            }

            /// `Ok(false)`: there is one of its id.
            pub(crate) fn insert_client_secret(
                connection: &mut $connection,
                secret: &ClientSecret,
            ) -> QueryResult<bool> {
                let inserted = diesel::insert_into(client_secrets::table)
                    .values(SecretRecord::from(secret))
                    .on_conflict_do_nothing()
                    .execute(connection)?;
                Ok(inserted > 0)
            }

            /// That of a federation ends with it: it is in use as long as assertions name it. No client becomes that of a
            /// federation but a new one, so the answer holds.
            pub(crate) fn revoke_oauth_client(
                connection: &mut $connection,
                tenant: TenantId,
                client: Uuid,
                at: Timestamp,
            ) -> QueryResult<bool> {
                let federation =
                    federations::table.find(Id(tenant.0)).filter(federations::client_id.eq(Id(client)));
                if diesel::select(diesel::dsl::exists(federation)).get_result(connection)? {
                    return Ok(false);
                }
                let alive = oauth_clients::table
                    .find((Id(tenant.0), Id(client)))
                    .filter(oauth_clients::revoked_at.is_null());
                let set = oauth_clients::revoked_at.eq(Some(at.0));
                Ok(diesel::update(alive).set(set).execute(connection)? > 0)
            }

            pub(crate) fn revoke_client_secret(
                connection: &mut $connection,
                tenant: TenantId,
                id: Uuid,
                at: Timestamp,
            ) -> QueryResult<bool> {
                let alive = client_secrets::table
                    .find((Id(tenant.0), Id(id)))
                    .filter(client_secrets::revoked_at.is_null());
                let set = client_secrets::revoked_at.eq(Some(at.0));
                Ok(diesel::update(alive).set(set).execute(connection)? > 0)
            }

            /// `Ok(false)`: the federation that is set is another than the earlier one.
            pub(crate) fn set_federation(
                connection: &mut $connection,
                federation: &Federation,
                earlier: Option<Uuid>,
            ) -> QueryResult<bool> {
                if let Some(earlier) = earlier
                    && !remove_federation(connection, federation.tenant, earlier)?
                {
                    return Ok(false);
                }
                let inserted = diesel::insert_into(federations::table)
                    .values(FederationRecord::from(federation))
                    .on_conflict_do_nothing()
                    .execute(connection)?;
                Ok(inserted > 0)
            }

            pub(crate) fn remove_federation(
                connection: &mut $connection,
                tenant: TenantId,
                id: Uuid,
            ) -> QueryResult<bool> {
                let row = federations::table.find(Id(tenant.0)).filter(federations::id.eq(Id(id)));
                Ok(diesel::delete(row).execute(connection)? > 0)
            }

            pub(crate) fn client(
                connection: &mut $connection,
                tenant: TenantId,
                id: Uuid,
            ) -> QueryResult<Option<OauthClient>> {
                let row = oauth_clients::table.find((Id(tenant.0), Id(id)));
                Ok(row.first::<ClientRecord>(connection).optional()?.map(OauthClient::from))
            }

            pub(crate) fn client_secret(
                connection: &mut $connection,
                tenant: TenantId,
                id: Uuid,
            ) -> QueryResult<Option<ClientSecret>> {
                let row = client_secrets::table.find((Id(tenant.0), Id(id)));
                Ok(row.first::<SecretRecord>(connection).optional()?.map(ClientSecret::from))
            }

            pub(crate) fn federation(
                connection: &mut $connection,
                tenant: TenantId,
            ) -> QueryResult<Option<Federation>> {
                let row = federations::table.find(Id(tenant.0));
                Ok(row.first::<FederationRecord>(connection).optional()?.map(Federation::from))
            }
        }
    };
}

oauth_writes!(postgres, diesel::PgConnection);
oauth_writes!(sqlite, diesel::SqliteConnection);
