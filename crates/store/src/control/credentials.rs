//! What all kinds of credentials have in common: evidence of their use, and their ends.

use super::{act::Unreadable, tenants::Tenant};
use crate::{
    connection::AnyConnection,
    data::model::{StoreError, TenantId},
    jobs::admission::line::Line,
    jobs::lane::Lane,
    schema::{client_secrets, federations, oauth_clients, secret_tokens, tenants, types::Id},
    store::Store,
    tx::Tx,
};
use diesel::{prelude::*, sql_types};
use scim::Timestamp;
use uuid::Uuid;

/// A kind of credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CredentialKind {
    /// A Secret Token.
    SecretToken,
    /// A secret of an OAuth client.
    ClientSecret,
    /// An identity provider whose assertions a tenant takes.
    Federation,
}

impl CredentialKind {
    /// The stored word.
    pub fn as_str(self) -> &'static str {
        match self {
            CredentialKind::SecretToken => "secret-token",
            CredentialKind::ClientSecret => "client-secret",
            CredentialKind::Federation => "federation",
        }
    }

    /// Reads the stored word.
    pub fn parse(word: &str) -> Option<CredentialKind> {
        let all = [CredentialKind::SecretToken, CredentialKind::ClientSecret, CredentialKind::Federation];
        all.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// What is known of the use of a credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The first use.
    pub first: Timestamp,
    /// The last use.
    pub last: Timestamp,
    /// From which address the last one came: that of a proxy that is not trusted, where there is one in front.
    pub from: Option<String>,
    /// What the last one was: a method and a route, as `GET /Users/{id}`.
    pub doing: Option<String>,
}

impl Seen {
    /// Out of columns: nothing without a last use; the first and the last are the same one if only the last is known.
    pub(crate) fn read(
        (first, last): (Option<i64>, Option<i64>),
        from: Option<String>,
        doing: Option<String>,
    ) -> Option<Seen> {
        let last = last?;
        Some(Seen { first: Timestamp(first.unwrap_or(last)), last: Timestamp(last), from, doing })
    }
}

/// Uses of a credential that shall be noted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotedUse {
    /// Of which kind it is.
    pub kind: CredentialKind,
    /// The tenant that it belongs to.
    pub tenant: TenantId,
    /// Its key.
    pub id: Uuid,
    /// What was seen of it; the first time counts if none was noted before.
    pub seen: Seen,
}

/// A Secret Token that was used lately.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsedToken {
    /// Its digest.
    pub digest: [u8; 32],
    /// Its tenant.
    pub tenant: TenantId,
    /// The time of its last use.
    pub at: Timestamp,
}

/// A credential with an end that comes, or has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndingCredential {
    /// A Secret Token or a client secret.
    pub kind: CredentialKind,
    /// Key.
    pub id: Uuid,
    /// Whose.
    pub tenant: Tenant,
    /// The OAuth client that a client secret belongs to.
    pub client: Option<Uuid>,
    /// How people speak of it.
    pub key_id: String,
    /// The word of the operator's for the token, or for the client of the secret.
    pub label: String,
    /// From when on it is refused.
    pub expires: Timestamp,
    /// What is known of its use.
    pub seen: Option<Seen>,
}

diesel::define_sql_function! {
    /// The first of the two that is not null.
    fn coalesce(one: sql_types::Nullable<sql_types::BigInt>, other: sql_types::Nullable<sql_types::BigInt>)
        -> sql_types::Nullable<sql_types::BigInt>;
}

/// Notes a use. The time of a last use never moves back; that of a first use never moves.
fn note(db: &mut AnyConnection, used: &NotedUse) -> QueryResult<()> {
    let (key, seen) = ((Id(used.tenant.0), Id(used.id)), &used.seen);
    let (first, last) = (seen.first.0, seen.last.0);
    let (from, doing) = (seen.from.as_deref(), seen.doing.as_deref());
    let noted = match used.kind {
        CredentialKind::SecretToken => {
            let row = secret_tokens::table
                .find(key)
                .filter(secret_tokens::last_used_at.is_null().or(secret_tokens::last_used_at.lt(last)));
            let set = (
                secret_tokens::last_used_at.eq(Some(last)),
                secret_tokens::first_used_at.eq(coalesce(secret_tokens::first_used_at, Some(first))),
                secret_tokens::last_used_from.eq(from),
                secret_tokens::last_used_for.eq(doing),
            );
            diesel::update(row).set(set).execute(db)
        }
        CredentialKind::ClientSecret => {
            let row = client_secrets::table
                .find(key)
                .filter(client_secrets::last_used_at.is_null().or(client_secrets::last_used_at.lt(last)));
            let set = (
                client_secrets::last_used_at.eq(Some(last)),
                client_secrets::first_used_at.eq(coalesce(client_secrets::first_used_at, Some(first))),
                client_secrets::last_used_from.eq(from),
                client_secrets::last_used_for.eq(doing),
            );
            diesel::update(row).set(set).execute(db)
        }
        CredentialKind::Federation => {
            let row = federations::table
                .find(key.0)
                .filter(federations::id.eq(key.1))
                .filter(federations::last_used_at.is_null().or(federations::last_used_at.lt(last)));
            let set = (
                federations::last_used_at.eq(Some(last)),
                federations::first_used_at.eq(coalesce(federations::first_used_at, Some(first))),
                federations::last_used_from.eq(from),
                federations::last_used_for.eq(doing),
            );
            diesel::update(row).set(set).execute(db)
        }
    };
    noted.map(drop)
}

fn used_token((digest, tenant, at): (Vec<u8>, Id, i64)) -> Result<UsedToken, Unreadable> {
    let digest = digest.try_into();
    Ok(UsedToken {
        digest: digest.map_err(|_| Unreadable("a token's digest has not 32 bytes".to_owned()))?,
        tenant: TenantId(tenant.0),
        at: Timestamp(at),
    })
}

/// Which credentials that end are asked for: those of a time, behind a place in the order in which they end.
#[derive(Clone, Copy)]
struct Ends {
    from: i64,
    until: i64,
    behind: (i64, Id),
    limit: i64,
}

type Used = (Option<i64>, Option<i64>, Option<String>, Option<String>);

fn ending_tokens(tx: &mut Tx<'_>, ends: Ends) -> QueryResult<Vec<EndingCredential>> {
    let (place, behind) = ends.behind;
    let is_behind = secret_tokens::expires_at
        .gt(place)
        .or(secret_tokens::expires_at.eq(place).and(secret_tokens::id.gt(behind)));
    let used = (
        secret_tokens::first_used_at,
        secret_tokens::last_used_at,
        secret_tokens::last_used_from,
        secret_tokens::last_used_for,
    );
    let found = secret_tokens::table
        .inner_join(tenants::table.on(tenants::id.eq(secret_tokens::tenant_id)))
        .filter(secret_tokens::revoked_at.is_null())
        .filter(secret_tokens::tenant_id.lt(Id(TenantId::FIRST_SCRATCH.0)))
        .filter(secret_tokens::expires_at.ge(ends.from).and(secret_tokens::expires_at.lt(ends.until)))
        .filter(is_behind)
        .order((secret_tokens::expires_at, secret_tokens::id))
        .limit(ends.limit)
        .select((
            (secret_tokens::id, secret_tokens::key_id, secret_tokens::label),
            secret_tokens::expires_at.assume_not_null(),
            used,
            tenants::all_columns,
        ))
        .load::<((Id, String, String), i64, Used, Tenant)>(tx.db)?;
    let ending = |((id, key_id, label), expires, (first, last, from, doing), tenant): (_, i64, Used, _)| {
        let (id, expires): (Id, _) = (id, Timestamp(expires));
        let seen = Seen::read((first, last), from, doing);
        let kind = CredentialKind::SecretToken;
        EndingCredential { kind, id: id.0, tenant, client: None, key_id, label, expires, seen }
    };
    Ok(found.into_iter().map(ending).collect())
}

fn ending_secrets(tx: &mut Tx<'_>, ends: Ends) -> QueryResult<Vec<EndingCredential>> {
    let (place, behind) = ends.behind;
    let is_behind = client_secrets::expires_at
        .gt(place)
        .or(client_secrets::expires_at.eq(place).and(client_secrets::id.gt(behind)));
    let of_client = oauth_clients::tenant_id
        .eq(client_secrets::tenant_id)
        .and(oauth_clients::id.eq(client_secrets::client_id));
    let used = (
        client_secrets::first_used_at,
        client_secrets::last_used_at,
        client_secrets::last_used_from,
        client_secrets::last_used_for,
    );
    let found = client_secrets::table
        .inner_join(oauth_clients::table.on(of_client))
        .inner_join(tenants::table.on(tenants::id.eq(client_secrets::tenant_id)))
        .filter(client_secrets::revoked_at.is_null().and(oauth_clients::revoked_at.is_null()))
        .filter(client_secrets::expires_at.ge(ends.from).and(client_secrets::expires_at.lt(ends.until)))
        .filter(is_behind)
        .order((client_secrets::expires_at, client_secrets::id))
        .limit(ends.limit)
        .select((
            (client_secrets::id, client_secrets::client_id, client_secrets::key_id, oauth_clients::label),
            client_secrets::expires_at,
            used,
            tenants::all_columns,
        ))
        .load::<((Id, Id, String, String), i64, Used, Tenant)>(tx.db)?;
    let ending =
        |((id, client, key_id, label), expires, (first, last, from, doing), tenant): (_, i64, Used, _)| {
            let (id, client): (Id, Id) = (id, client);
            let (client, expires) = (Some(client.0), Timestamp(expires));
            let seen = Seen::read((first, last), from, doing);
            let kind = CredentialKind::ClientSecret;
            EndingCredential { kind, id: id.0, tenant, client, key_id, label, expires, seen }
        };
    Ok(found.into_iter().map(ending).collect())
}

fn ends_of_tokens(tx: &mut Tx<'_>, from: i64, until: i64) -> QueryResult<Vec<i64>> {
    secret_tokens::table
        .filter(secret_tokens::revoked_at.is_null())
        .filter(secret_tokens::tenant_id.lt(Id(TenantId::FIRST_SCRATCH.0)))
        .filter(secret_tokens::expires_at.ge(from).and(secret_tokens::expires_at.lt(until)))
        .select(secret_tokens::expires_at.assume_not_null())
        .load(tx.db)
}

fn ends_of_secrets(tx: &mut Tx<'_>, from: i64, until: i64) -> QueryResult<Vec<i64>> {
    let of_client = oauth_clients::tenant_id
        .eq(client_secrets::tenant_id)
        .and(oauth_clients::id.eq(client_secrets::client_id));
    client_secrets::table
        .inner_join(oauth_clients::table.on(of_client))
        .filter(client_secrets::revoked_at.is_null().and(oauth_clients::revoked_at.is_null()))
        .filter(client_secrets::expires_at.ge(from).and(client_secrets::expires_at.lt(until)))
        .select(client_secrets::expires_at)
        .load(tx.db)
}

impl Store {
    /// Notes uses of credentials. The time of a last use never moves back; that of a first use never moves.
    ///
    /// # Errors
    /// Faults of the database.
    pub async fn note_uses(&self, uses: Vec<NotedUse>) -> Result<(), StoreError> {
        let note_all = move |tx: &mut Tx<'_>| uses.iter().try_for_each(|used| note(tx.db, used));
        self.write(Lane::Operators, Line::Process, note_all).await
    }

    /// The Secret Tokens of all tenants that are not revoked and were used since a time: at most `limit`, the last used
    /// first. It reads all tokens, so only a process that starts calls it.
    ///
    /// # Errors
    /// Faults of the database.
    pub async fn secret_tokens_used_since(
        &self,
        since: Timestamp,
        limit: usize,
    ) -> Result<Vec<UsedToken>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let question = move |tx: &mut Tx<'_>| {
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
                .load::<(Vec<u8>, Id, i64)>(tx.db)
        };
        let used = self.read(Lane::Operators, Line::Process, question).await?;
        Ok(used.into_iter().map(used_token).collect::<Result<_, _>>()?)
    }

    /// Credentials of all tenants that nobody revoked and that end in this time (from, until), in the order in which they end.
    /// The first one is behind a place: the end and the id of a credential.
    ///
    /// # Errors
    /// Faults of the database.
    pub async fn ending_credentials(
        &self,
        (from, until): (Timestamp, Timestamp),
        (place, id): (Timestamp, Uuid),
        limit: u32,
    ) -> Result<Vec<EndingCredential>, StoreError> {
        let ends = Ends { from: from.0, until: until.0, behind: (place.0, Id(id)), limit: limit.into() };
        let question = move |tx: &mut Tx<'_>| {
            let mut found = ending_tokens(tx, ends)?;
            found.extend(ending_secrets(tx, ends)?);
            Ok(found)
        };
        let mut found = self.read_for_operators(question).await?;
        found.sort_by_key(|credential| (credential.expires, credential.id));
        found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(found)
    }

    /// When such credentials end, in no order.
    ///
    /// # Errors
    /// Faults of the database.
    pub async fn ends_of_credentials(
        &self,
        (from, until): (Timestamp, Timestamp),
    ) -> Result<Vec<(CredentialKind, Timestamp)>, StoreError> {
        let question = move |tx: &mut Tx<'_>| {
            Ok((ends_of_tokens(tx, from.0, until.0)?, ends_of_secrets(tx, from.0, until.0)?))
        };
        let (tokens, secrets) = self.read(Lane::Operators, Line::Process, question).await?;
        let of = |kind| move |at: i64| (kind, Timestamp(at));
        let tokens = tokens.into_iter().map(of(CredentialKind::SecretToken));
        Ok(tokens.chain(secrets.into_iter().map(of(CredentialKind::ClientSecret))).collect())
    }
}
