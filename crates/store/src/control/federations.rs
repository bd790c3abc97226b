//! Federations: whose assertions a tenant takes in place of a secret (RFC 7523).

use super::{
    act::{Acted, Refused},
    audit::AuditEntry,
    credentials::Seen,
    oauth_clients::{self, OauthClient},
    tenants,
};
use crate::{
    connection::read_by,
    data::model::{StoreError, TenantId},
    jobs::admission::line::Line,
    jobs::lane::Lane,
    schema::{federations, types::Id, used_assertions},
    store::Store,
    tx::{Tx, is_inserted},
};
use diesel::{
    prelude::*,
    result::{DatabaseErrorKind, Error},
};
use scim::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

/// Whose assertions a tenant takes (RFC 7523); everything is compared exactly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Federation {
    /// Key of these terms: new whenever they change.
    pub id: Uuid,
    /// The tenant that it belongs to.
    pub tenant: TenantId,
    /// The client that authenticates by the assertions.
    pub client: Uuid,
    /// `iss` of its assertions.
    pub issuer: String,
    /// `sub` of its assertions.
    pub subject: String,
    /// `aud` of its assertions.
    pub audience: String,
    /// Where the issuer publishes its keys (RFC 7517).
    pub jwks_url: String,
    /// When these terms were set.
    pub created: Timestamp,
    /// What is known of the use of access tokens that were issued for it, some seconds late.
    pub seen: Option<Seen>,
}

impl Federation {
    /// When it was last used.
    pub fn last_used(&self) -> Option<Timestamp> {
        self.seen.as_ref().map(|seen| seen.last)
    }

    /// As the audit log shows it.
    fn shown(&self) -> Value {
        json!({
            "issuer": self.issuer,
            "subject": self.subject,
            "audience": self.audience,
            "jwks_url": self.jwks_url,
        })
    }
}

/// The row as it is stored. It is public only because diesel reads [`Federation`] by it.
#[doc(hidden)]
#[derive(Insertable, Queryable)]
#[diesel(table_name = federations)]
pub struct FederationRecord {
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

read_by!(Federation, FederationRecord);

/// Why a federation was not set or removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FederationRefused {
    /// There is no such tenant, or it is being erased.
    TenantGone,
    /// Another federation is set by now, or none.
    Changed,
    /// The client cannot be stored: there is one of its id.
    ClientExists,
}

/// Sets whose assertions a tenant takes, in the place of the `earlier` federation or as the first one, with its `client` if
/// that is a new one.
///
/// # Errors
/// [`FederationRefused`].
pub fn set(
    tx: &mut Tx<'_>,
    federation: &Federation,
    earlier: Option<Uuid>,
    client: Option<&OauthClient>,
) -> Acted<((), Vec<AuditEntry>), FederationRefused> {
    let tenant = federation.tenant;
    let before = lock(tx, tenant, earlier)?;
    let mut entries = Vec::new();
    if let Some(client) = client {
        let ((), entry) = oauth_clients::create(tx, client, None)
            .map_err(|refused| refused.map(|_| FederationRefused::ClientExists))?;
        entries.push(entry);
    }
    diesel::delete(federations::table.find(Id(tenant.0))).execute(tx.db)?;
    diesel::insert_into(federations::table).values(FederationRecord::from(federation)).execute(tx.db)?;
    let before = before.as_ref().map(Federation::shown);
    entries.push(AuditEntry { before, ..entry("federation.set", federation).makes(federation.shown()) });
    Ok(((), entries))
}

/// Removes this federation, and revokes its `client` if that is alive.
///
/// # Errors
/// [`FederationRefused`].
pub fn remove(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    id: Uuid,
    client: Option<Uuid>,
    at: Timestamp,
) -> Acted<((), Vec<AuditEntry>), FederationRefused> {
    let before = lock(tx, tenant, Some(id))?.ok_or(Refused::Because(FederationRefused::Changed))?;
    diesel::delete(federations::table.find(Id(tenant.0))).execute(tx.db)?;
    let mut entries = vec![entry("federation.remove", &before).removes(before.shown())];
    if let Some(client) = client {
        let (_, entry) = oauth_clients::revoke(tx, tenant, client, at)
            .map_err(|refused| refused.map(|_| FederationRefused::Changed))?;
        entries.push(entry);
    }
    Ok(((), entries))
}

/// The federation of a tenant, which is the `expected` one. The tenant is locked, so that nobody else sets another.
fn lock(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    expected: Option<Uuid>,
) -> Acted<Option<Federation>, FederationRefused> {
    tenants::lock_or(tx, tenant, FederationRefused::TenantGone)?;
    let found: Option<Federation> = federations::table.find(Id(tenant.0)).first(tx.db).optional()?;
    match found.as_ref().map(|federation| federation.id) == expected {
        true => Ok(found),
        false => Err(Refused::Because(FederationRefused::Changed)),
    }
}

fn entry(action: &'static str, federation: &Federation) -> AuditEntry {
    AuditEntry::of_tenant(action, federation.client.to_string(), federation.tenant)
}

/// The federation whose assertions authenticate this client.
pub(super) fn of_client(tx: &mut Tx<'_>, tenant: TenantId, client: Uuid) -> QueryResult<Option<Federation>> {
    let row = federations::table.find(Id(tenant.0)).filter(federations::client_id.eq(Id(client)));
    row.first(tx.db).optional()
}

impl Store {
    /// Whose assertions a tenant takes.
    ///
    /// # Errors
    /// Faults of the database.
    pub async fn federation(&self, tenant: TenantId) -> Result<Option<Federation>, StoreError> {
        let row = federations::table.find(Id(tenant.0));
        self.read(Lane::Operators, tenant, move |tx| row.first(tx.db).optional()).await
    }

    /// Notes that an assertion was used. Returns `false` if any process has noted it before, or there is no such tenant any
    /// more.
    ///
    /// # Errors
    /// Faults of the database.
    pub async fn note_assertion(
        &self,
        tenant: TenantId,
        digest: [u8; 32],
        expires: Timestamp,
    ) -> Result<bool, StoreError> {
        let note = move |tx: &mut Tx<'_>| {
            let row = diesel::insert_into(used_assertions::table).values((
                used_assertions::tenant_id.eq(Id(tenant.0)),
                used_assertions::digest.eq(digest.as_slice()),
                used_assertions::expires_at.eq(expires.0),
            ));
            match is_inserted(row.execute(tx.db)) {
                Err(Error::DatabaseError(DatabaseErrorKind::ForeignKeyViolation, _)) => Ok(false),
                noted => noted,
            }
        };
        self.write_one(Lane::Vital, tenant, note).await
    }

    /// Forgets the assertions that have ended.
    ///
    /// # Errors
    /// Faults of the database.
    pub async fn forget_assertions(&self, now: Timestamp) -> Result<(), StoreError> {
        let ended = used_assertions::table.filter(used_assertions::expires_at.lt(now.0));
        let forget = move |tx: &mut Tx<'_>| diesel::delete(ended).execute(tx.db).map(drop);
        self.write_one(Lane::Operators, Line::Process, forget).await
    }
}
