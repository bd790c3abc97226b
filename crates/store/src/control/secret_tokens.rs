//! Secret Tokens: what a tenant's provisioning client shows to be let in.

use super::{
    act::{Acted, Refused, Unreadable},
    audit::AuditEntry,
    credentials::Seen,
    tenants::{self, Tenant},
};
use crate::{
    connection::read_by,
    data::model::{StoreError, TenantId},
    jobs::admission::line::Line,
    jobs::lane::Lane,
    schema::{secret_tokens, tenants as tenants_table, types::Id},
    store::{BEFORE_ALL, Store},
    tx::Tx,
};
use diesel::prelude::*;
use scim::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

/// A Secret Token as it is stored: everything but the token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretTokenRow {
    /// Key.
    pub id: Uuid,
    /// The tenant that it belongs to.
    pub tenant: TenantId,
    /// The key id inside the token, shown to operators.
    pub key_id: String,
    /// SHA-256 of the whole token.
    pub digest: [u8; 32],
    /// A word of the operator's.
    pub label: String,
    /// When it was issued.
    pub created: Timestamp,
    /// From when on it is refused.
    pub expires: Option<Timestamp>,
    /// Since when it is revoked.
    pub revoked: Option<Timestamp>,
    /// What is known of its use, some seconds late.
    pub seen: Option<Seen>,
}

impl SecretTokenRow {
    /// Whether it is neither revoked nor expired.
    pub fn is_alive(&self, now: Timestamp) -> bool {
        self.revoked.is_none() && self.expires.is_none_or(|end| now < end)
    }

    /// When it was last used.
    pub fn last_used(&self) -> Option<Timestamp> {
        self.seen.as_ref().map(|seen| seen.last)
    }

    /// As the audit log shows it. Its label stays out: it may name somebody of the customer.
    pub(super) fn shown(&self) -> Value {
        json!({
            "key_id": self.key_id,
            "expires": self.expires.map(Timestamp::to_rfc3339),
            "revoked": self.revoked.map(Timestamp::to_rfc3339),
        })
    }
}

/// A Secret Token together with its tenant, as authentication needs them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretTokenOwner {
    /// The token.
    pub token: SecretTokenRow,
    /// Its tenant.
    pub tenant: Tenant,
}

/// The row as it is stored. It is public only because diesel reads [`SecretTokenRow`] by it.
#[doc(hidden)]
#[derive(Insertable, Queryable)]
#[diesel(table_name = secret_tokens)]
pub struct SecretTokenRecord {
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

impl From<&SecretTokenRow> for SecretTokenRecord {
    fn from(token: &SecretTokenRow) -> Self {
        let millis = |time: Option<Timestamp>| time.map(|time| time.0);
        SecretTokenRecord {
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

impl TryFrom<SecretTokenRecord> for SecretTokenRow {
    type Error = Unreadable;

    fn try_from(record: SecretTokenRecord) -> Result<Self, Unreadable> {
        let digest = record.digest.try_into();
        Ok(SecretTokenRow {
            id: record.id.0,
            tenant: TenantId(record.tenant_id.0),
            key_id: record.key_id,
            digest: digest.map_err(|_| Unreadable("a token's digest has not 32 bytes".to_owned()))?,
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

read_by!(SecretTokenRow, SecretTokenRecord);

/// Why a token was not stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IssueRefused {
    /// There is no such tenant, or it is being erased.
    TenantGone,
    /// There is a token of this id.
    Exists,
}

/// Why a token was not revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevokeRefused {
    /// There is no such tenant, or it is being erased.
    TenantGone,
    /// There is no such token, or it is revoked.
    NotAlive,
}

/// Stores a new token.
///
/// # Errors
/// [`IssueRefused`].
pub fn issue(tx: &mut Tx<'_>, token: &SecretTokenRow) -> Acted<((), AuditEntry), IssueRefused> {
    tenants::lock_or(tx, token.tenant, IssueRefused::TenantGone)?;
    if !insert(tx, token)? {
        return Err(Refused::Because(IssueRefused::Exists));
    }
    Ok(((), entry("secret-token.issue", token).makes(token.shown())))
}

/// Inserts the row of a token, for an action that issues it as a part. Returns `false` if its key is taken.
pub(super) fn insert(tx: &mut Tx<'_>, token: &SecretTokenRow) -> QueryResult<bool> {
    let row = diesel::insert_into(secret_tokens::table).values(SecretTokenRecord::from(token));
    tx.insert(|db| row.execute(db))
}

/// Revokes a token. Returns it as it is then.
///
/// # Errors
/// [`RevokeRefused`].
pub fn revoke(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    id: Uuid,
    at: Timestamp,
) -> Acted<(SecretTokenRow, AuditEntry), RevokeRefused> {
    tenants::lock_or(tx, tenant, RevokeRefused::TenantGone)?;
    let row = secret_tokens::table.find((Id(tenant.0), Id(id)));
    let found: Option<SecretTokenRow> =
        row.filter(secret_tokens::revoked_at.is_null()).first(tx.db).optional()?;
    let before = found.ok_or(Refused::Because(RevokeRefused::NotAlive))?;
    diesel::update(row).set(secret_tokens::revoked_at.eq(Some(at.0))).execute(tx.db)?;
    let after = SecretTokenRow { revoked: Some(at), ..before.clone() };
    let entry = entry("secret-token.revoke", &before).changes(before.shown(), after.shown());
    Ok((after, entry))
}

/// Revokes a token if it is alive, for an action that has its own entry.
pub(super) fn end(tx: &mut Tx<'_>, tenant: TenantId, id: Uuid, at: Timestamp) -> QueryResult<()> {
    let row = secret_tokens::table.find((Id(tenant.0), Id(id)));
    let alive = row.filter(secret_tokens::revoked_at.is_null());
    diesel::update(alive).set(secret_tokens::revoked_at.eq(Some(at.0))).execute(tx.db).map(drop)
}

fn entry(action: &'static str, token: &SecretTokenRow) -> AuditEntry {
    AuditEntry::of_tenant(action, token.key_id.clone(), token.tenant)
}

impl Store {
    /// The Secret Tokens of a tenant, oldest first, ended ones too.
    ///
    /// # Errors
    /// Faults of the database.
    pub async fn secret_tokens(&self, tenant: TenantId) -> Result<Vec<SecretTokenRow>, StoreError> {
        self.secret_tokens_behind(tenant, BEFORE_ALL, u32::MAX).await
    }

    /// Those behind a place (time of issue and id), oldest first.
    ///
    /// # Errors
    /// Faults of the database.
    pub async fn secret_tokens_behind(
        &self,
        tenant: TenantId,
        (at, id): (Timestamp, Uuid),
        limit: u32,
    ) -> Result<Vec<SecretTokenRow>, StoreError> {
        let question = move |tx: &mut Tx<'_>| {
            let same_time = secret_tokens::created_at.eq(at.0);
            let later = secret_tokens::created_at.gt(at.0).or(same_time.and(secret_tokens::id.gt(Id(id))));
            secret_tokens::table
                .filter(secret_tokens::tenant_id.eq(Id(tenant.0)).and(later))
                .order((secret_tokens::created_at, secret_tokens::id))
                .limit(limit.into())
                .load(tx.db)
        };
        self.read(Lane::Operators, tenant, question).await
    }

    /// The Secret Token with this digest, alive or not, and its tenant. It is looked up in `line`: the tenant is not known
    /// before.
    ///
    /// # Errors
    /// Faults of the database.
    pub async fn secret_token(
        &self,
        digest: [u8; 32],
        line: Line,
    ) -> Result<Option<SecretTokenOwner>, StoreError> {
        let question = move |tx: &mut Tx<'_>| {
            let found = secret_tokens::table
                .inner_join(tenants_table::table.on(tenants_table::id.eq(secret_tokens::tenant_id)))
                .filter(secret_tokens::digest.eq(digest.as_slice()))
                .first(tx.db)
                .optional()?;
            Ok(found.map(|(token, tenant)| SecretTokenOwner { token, tenant }))
        };
        self.read(Lane::Vital, line, question).await
    }
}
