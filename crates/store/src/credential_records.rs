//! Uses, rotations and ends of credentials: statements that both databases take as diesel writes them (see `records.rs`).

use crate::{
    credential::{
        CredentialKind, Ending, EndingCredential, NotedUse, Outcome, Rotation, Seen, Successor, UsedToken,
    },
    engine::CredentialEngine,
    model::{StoreError, TenantId},
    oauth_records,
    postgres::PostgresEngine,
    records::{self, TenantRecord},
    schema::{client_secrets, federations, oauth_clients, rotations, secret_tokens, tenants, types::Id},
    sqlite::SqliteEngine,
};
use diesel::{Insertable, Queryable, prelude::*, sql_types};
use scim::Timestamp;
use uuid::Uuid;

diesel::define_sql_function! {
    /// The first of the two that is not null.
    fn coalesce(one: sql_types::Nullable<sql_types::BigInt>, other: sql_types::Nullable<sql_types::BigInt>)
        -> sql_types::Nullable<sql_types::BigInt>;
}

#[derive(Insertable, Queryable)]
#[diesel(table_name = rotations)]
struct RotationRecord {
    tenant_id: Id,
    id: Id,
    kind: String,
    old_id: Id,
    old_key_id: String,
    new_id: Id,
    new_key_id: String,
    started_at: i64,
    automatic: bool,
    ended_at: Option<i64>,
    outcome: Option<String>,
}

impl From<&Rotation> for RotationRecord {
    fn from(rotation: &Rotation) -> Self {
        RotationRecord {
            tenant_id: Id(rotation.tenant.0),
            id: Id(rotation.id),
            kind: rotation.kind.as_str().to_owned(),
            old_id: Id(rotation.old),
            old_key_id: rotation.old_key_id.clone(),
            new_id: Id(rotation.new),
            new_key_id: rotation.new_key_id.clone(),
            started_at: rotation.started.0,
            automatic: rotation.is_automatic,
            ended_at: rotation.ended.map(|(at, _)| at.0),
            outcome: rotation.ended.map(|(_, outcome)| outcome.as_str().to_owned()),
        }
    }
}

impl TryFrom<RotationRecord> for Rotation {
    type Error = StoreError;

    fn try_from(record: RotationRecord) -> Result<Self, StoreError> {
        let unknown = |word: &str| StoreError::Failed(format!("a rotation has the unknown word {word}"));
        let outcome = record.outcome.as_deref().map(|word| Outcome::parse(word).ok_or_else(|| unknown(word)));
        Ok(Rotation {
            id: record.id.0,
            tenant: TenantId(record.tenant_id.0),
            kind: CredentialKind::parse(&record.kind).ok_or_else(|| unknown(&record.kind))?,
            old: record.old_id.0,
            old_key_id: record.old_key_id,
            new: record.new_id.0,
            new_key_id: record.new_key_id,
            started: Timestamp(record.started_at),
            is_automatic: record.automatic,
            ended: record.ended_at.map(Timestamp).zip(outcome.transpose()?),
        })
    }
}

type EndingRecord =
    (Id, Option<Id>, String, String, Option<i64>, Option<i64>, Option<i64>, Option<String>, Option<String>);

fn ending(
    kind: CredentialKind,
    (record, tenant): (EndingRecord, TenantRecord),
) -> Result<EndingCredential, StoreError> {
    let (id, client, key_id, label, expires, first, last, from, doing) = record;
    Ok(EndingCredential {
        kind,
        id: id.0,
        tenant: tenant.try_into()?,
        client: client.map(|client| client.0),
        key_id,
        label,
        expires: Timestamp(expires.unwrap_or(i64::MAX)),
        seen: Seen::read((first, last), from, doing),
    })
}

fn used_token((digest, tenant, at): (Vec<u8>, Id, i64)) -> Result<UsedToken, StoreError> {
    let digest = digest.try_into();
    Ok(UsedToken {
        digest: digest.map_err(|_| StoreError::Failed("a token's digest has not 32 bytes".to_owned()))?,
        tenant: TenantId(tenant.0),
        at: Timestamp(at),
    })
}

/// Implements the trait for an engine; `$write` is its way to write.
macro_rules! credential_engine {
    ($engine:ty, $write:ident) => {
        impl CredentialEngine for $engine {
            fn note_uses(&self, uses: &[NotedUse]) -> Result<(), StoreError> {
                macro_rules! note {
                    ($connection:ident, $table:ident, $used:ident) => {{
                        let NotedUse { tenant, id, seen, .. } = $used;
                        let earlier = $table::table
                            .filter($table::tenant_id.eq(Id(tenant.0)).and($table::id.eq(Id(*id))))
                            .filter($table::last_used_at.is_null().or($table::last_used_at.lt(seen.last.0)));
                        let set = (
                            $table::last_used_at.eq(Some(seen.last.0)),
                            $table::first_used_at.eq(coalesce($table::first_used_at, Some(seen.first.0))),
                            $table::last_used_from.eq(seen.from.as_deref()),
                            $table::last_used_for.eq(seen.doing.as_deref()),
                        );
                        diesel::update(earlier).set(set).execute($connection)?;
                    }};
                }
                self.$write(|connection| {
                    connection.transaction(|connection| {
                        for used in uses {
                            match used.kind {
                                CredentialKind::SecretToken => note!(connection, secret_tokens, used),
                                CredentialKind::ClientSecret => note!(connection, client_secrets, used),
                                CredentialKind::Federation => note!(connection, federations, used),
                            }
                        }
                        Ok(())
                    })
                })
            }

            fn secret_tokens_used_since(
                &self,
                since: Timestamp,
                limit: i64,
            ) -> Result<Vec<UsedToken>, StoreError> {
                let used = self.run(|connection| {
                    secret_tokens::table
                        .filter(secret_tokens::revoked_at.is_null())
                        .filter(secret_tokens::last_used_at.ge(since.0))
                        .order(secret_tokens::last_used_at.desc())
                        .limit(limit)
                        .select((
                            secret_tokens::digest,
                            secret_tokens::tenant_id,
                            secret_tokens::last_used_at.assume_not_null(),
                        ))
                        .load(connection)
                })?;
                used.into_iter().map(used_token).collect()
            }

            fn rotations_before(
                &self,
                tenant: TenantId,
                before: Uuid,
                limit: i64,
            ) -> Result<Vec<Rotation>, StoreError> {
                let found = self.run(|connection| {
                    rotations::table
                        .filter(rotations::tenant_id.eq(Id(tenant.0)).and(rotations::id.lt(Id(before))))
                        .order(rotations::id.desc())
                        .limit(limit)
                        .load::<RotationRecord>(connection)
                })?;
                found.into_iter().map(Rotation::try_from).collect()
            }

            fn rotation(&self, tenant: TenantId, id: Uuid) -> Result<Option<Rotation>, StoreError> {
                let found = self.run(|connection| {
                    let row = rotations::table.find((Id(tenant.0), Id(id)));
                    row.first::<RotationRecord>(connection).optional()
                })?;
                found.map(Rotation::try_from).transpose()
            }

            fn rotation_to(&self, tenant: TenantId, new: Uuid) -> Result<Option<Rotation>, StoreError> {
                let found = self.run(|connection| {
                    rotations::table
                        .filter(rotations::tenant_id.eq(Id(tenant.0)).and(rotations::new_id.eq(Id(new))))
                        .first::<RotationRecord>(connection)
                        .optional()
                })?;
                found.map(Rotation::try_from).transpose()
            }

            fn rotations_under_way(&self, tenant: TenantId) -> Result<Vec<Rotation>, StoreError> {
                let found = self.run(|connection| {
                    rotations::table
                        .filter(rotations::tenant_id.eq(Id(tenant.0)).and(rotations::ended_at.is_null()))
                        .order(rotations::id.desc())
                        .load::<RotationRecord>(connection)
                })?;
                found.into_iter().map(Rotation::try_from).collect()
            }

            fn open_rotations(&self) -> Result<Vec<Rotation>, StoreError> {
                let found = self.run(|connection| {
                    let open = rotations::table.filter(rotations::ended_at.is_null());
                    open.order((rotations::tenant_id, rotations::id)).load::<RotationRecord>(connection)
                })?;
                found.into_iter().map(Rotation::try_from).collect()
            }

            fn ending_credentials(
                &self,
                (from, until): (Timestamp, Timestamp),
                (place, id): (Timestamp, Uuid),
                limit: i64,
            ) -> Result<Vec<EndingCredential>, StoreError> {
                macro_rules! behind {
                    ($table:ident) => {
                        $table::revoked_at
                            .is_null()
                            .and($table::expires_at.ge(from.0))
                            .and($table::expires_at.lt(until.0))
                            .and(
                                $table::expires_at
                                    .gt(place.0)
                                    .or($table::expires_at.eq(place.0).and($table::id.gt(Id(id)))),
                            )
                    };
                }
                macro_rules! seen {
                    ($table:ident) => {
                        (
                            $table::first_used_at,
                            $table::last_used_at,
                            $table::last_used_from,
                            $table::last_used_for,
                        )
                    };
                }
                type Used = (Option<i64>, Option<i64>, Option<String>, Option<String>);
                type Token = (Id, String, String, Option<i64>, Used);
                type Secret = (Id, Id, String, i64, Used);
                let (tokens, secrets) = self.run(|connection| {
                    let tokens = secret_tokens::table
                        .inner_join(tenants::table.on(tenants::id.eq(secret_tokens::tenant_id)))
                        .filter(behind!(secret_tokens))
                        .order((secret_tokens::expires_at, secret_tokens::id))
                        .limit(limit)
                        .select((
                            (
                                secret_tokens::id,
                                secret_tokens::key_id,
                                secret_tokens::label,
                                secret_tokens::expires_at,
                                seen!(secret_tokens),
                            ),
                            tenants::all_columns,
                        ))
                        .load::<(Token, TenantRecord)>(connection)?;
                    let of_client = oauth_clients::tenant_id
                        .eq(client_secrets::tenant_id)
                        .and(oauth_clients::id.eq(client_secrets::client_id));
                    let secrets = client_secrets::table
                        .inner_join(oauth_clients::table.on(of_client))
                        .inner_join(tenants::table.on(tenants::id.eq(client_secrets::tenant_id)))
                        .filter(behind!(client_secrets).and(oauth_clients::revoked_at.is_null()))
                        .order((client_secrets::expires_at, client_secrets::id))
                        .limit(limit)
                        .select((
                            (
                                client_secrets::id,
                                client_secrets::client_id,
                                client_secrets::key_id,
                                client_secrets::expires_at,
                                seen!(client_secrets),
                            ),
                            oauth_clients::label,
                            tenants::all_columns,
                        ))
                        .load::<(Secret, String, TenantRecord)>(connection)?;
                    Ok((tokens, secrets))
                })?;
                let of_token = |((id, key_id, label, expires, used), tenant): (Token, TenantRecord)| {
                    let (first, last, from, doing) = used;
                    let record = (id, None, key_id, label, expires, first, last, from, doing);
                    ending(CredentialKind::SecretToken, (record, tenant))
                };
                let of_secret =
                    |((id, client, key_id, expires, used), label, tenant): (Secret, String, TenantRecord)| {
                        let (first, last, from, doing) = used;
                        let record =
                            (id, Some(client), key_id, label, Some(expires), first, last, from, doing);
                        ending(CredentialKind::ClientSecret, (record, tenant))
                    };
                let found = tokens.into_iter().map(of_token).chain(secrets.into_iter().map(of_secret));
                let mut found: Vec<_> = found.collect::<Result<_, _>>()?;
                found.sort_by_key(|credential| (credential.expires, credential.id));
                found.truncate(usize::try_from(limit).unwrap_or_default());
                Ok(found)
            }

            fn ends_of_credentials(
                &self,
                (from, until): (Timestamp, Timestamp),
            ) -> Result<Vec<(CredentialKind, Timestamp)>, StoreError> {
                let (tokens, secrets) = self.run(|connection| {
                    let tokens = secret_tokens::table
                        .filter(secret_tokens::revoked_at.is_null())
                        .filter(
                            secret_tokens::expires_at.ge(from.0).and(secret_tokens::expires_at.lt(until.0)),
                        )
                        .select(secret_tokens::expires_at.assume_not_null())
                        .load::<i64>(connection)?;
                    let of_client = oauth_clients::tenant_id
                        .eq(client_secrets::tenant_id)
                        .and(oauth_clients::id.eq(client_secrets::client_id));
                    let secrets = client_secrets::table
                        .inner_join(oauth_clients::table.on(of_client))
                        .filter(client_secrets::revoked_at.is_null().and(oauth_clients::revoked_at.is_null()))
                        .filter(
                            client_secrets::expires_at.ge(from.0).and(client_secrets::expires_at.lt(until.0)),
                        )
                        .select(client_secrets::expires_at)
                        .load::<i64>(connection)?;
                    Ok((tokens, secrets))
                })?;
                let of = |kind| move |at: i64| (kind, Timestamp(at));
                let tokens = tokens.into_iter().map(of(CredentialKind::SecretToken));
                Ok(tokens.chain(secrets.into_iter().map(of(CredentialKind::ClientSecret))).collect())
            }
        }
    };
}

credential_engine!(PostgresEngine, run);
credential_engine!(SqliteEngine, write);

/// Administrative writes, which are parts of acts (`act.rs`).
macro_rules! rotation_writes {
    ($module:ident, $connection:ty) => {
        pub(crate) mod $module {
            use super::*;

            /// `Ok(false)`: the old credential is part of a rotation that is under way.
            pub(crate) fn start_rotation(
                connection: &mut $connection,
                rotation: &Rotation,
                successor: &Successor,
            ) -> QueryResult<bool> {
                let is_busy = rotations::table
                    .filter(rotations::tenant_id.eq(Id(rotation.tenant.0)))
                    .filter(rotations::ended_at.is_null().and(rotations::new_id.eq(Id(rotation.old))));
                if diesel::select(diesel::dsl::exists(is_busy)).get_result(connection)? {
                    return Ok(false);
                }
                // The unique index decides between two that come at the same moment.
                let started = diesel::insert_into(rotations::table)
                    .values(RotationRecord::from(rotation))
                    .on_conflict_do_nothing()
                    .execute(connection)?;
                if started == 0 {
                    return Ok(false);
                }
                match successor {
                    Successor::SecretToken(token) => records::$module::insert_secret_token(connection, token),
                    Successor::ClientSecret(secret) => {
                        oauth_records::$module::insert_client_secret(connection, secret)
                    }
                }
            }

            /// Whoever comes first ends it; `Ok(false)` for the others.
            pub(crate) fn end_rotation(
                connection: &mut $connection,
                rotation: &Rotation,
                end: &Ending,
            ) -> QueryResult<bool> {
                let open = rotations::table
                    .find((Id(rotation.tenant.0), Id(rotation.id)))
                    .filter(rotations::ended_at.is_null());
                let set = (
                    rotations::ended_at.eq(Some(end.at.0)),
                    rotations::outcome.eq(Some(end.outcome.as_str())),
                );
                if diesel::update(open).set(set).execute(connection)? == 0 {
                    return Ok(false);
                }
                let ends = match end.outcome {
                    Outcome::Completed => rotation.old,
                    Outcome::Cancelled => rotation.new,
                };
                // It may have ended by itself.
                match rotation.kind {
                    CredentialKind::ClientSecret => {
                        oauth_records::$module::revoke_client_secret(
                            connection,
                            rotation.tenant,
                            ends,
                            end.at,
                        )?;
                    }
                    CredentialKind::SecretToken | CredentialKind::Federation => {
                        records::$module::revoke_secret_token(connection, rotation.tenant, ends, end.at)?;
                    }
                }
                Ok(true)
            }

            pub(crate) fn set_automatic(
                connection: &mut $connection,
                rotation: &Rotation,
                is_automatic: bool,
            ) -> QueryResult<bool> {
                let other = rotations::table
                    .find((Id(rotation.tenant.0), Id(rotation.id)))
                    .filter(rotations::ended_at.is_null().and(rotations::automatic.ne(is_automatic)));
                let set = rotations::automatic.eq(is_automatic);
                Ok(diesel::update(other).set(set).execute(connection)? > 0)
            }
        }
    };
}

rotation_writes!(postgres, diesel::PgConnection);
rotation_writes!(sqlite, diesel::SqliteConnection);
