//! Setup links: a customer's administrator sets up provisioning by one.

use super::{
    act::{Acted, Refused, Unreadable},
    audit::AuditEntry,
    secret_tokens::{self, SecretTokenRow},
    tenants::{self, Tenant},
};
use crate::{
    connection::read_by,
    data::model::{StoreError, TenantId},
    jobs::admission::line::Line,
    jobs::lane::Lane,
    schema::{setup_links, tenants as tenants_table, types::Id},
    store::{BEFORE_ALL, Store},
    tx::Tx,
};
use diesel::{dsl::auto_type, prelude::*};
use scim::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

/// A link by which a customer's administrator sets up provisioning, as it is stored: everything but its token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetupLink {
    /// Key.
    pub id: Uuid,
    /// The tenant that it belongs to.
    pub tenant: TenantId,
    /// For whom, in the operator's words.
    pub label: String,
    /// SHA-256 of the token.
    pub digest: [u8; 32],
    /// When it was made.
    pub created: Timestamp,
    /// By whom, as the audit log names them.
    pub created_by: String,
    /// From when on it cannot be opened.
    pub expires: Timestamp,
    /// Since when it is revoked, and what it has opened with it.
    pub revoked: Option<Timestamp>,
    /// What opening it has begun; it is opened once.
    pub opening: Option<SetupOpening>,
}

/// What opening a setup link begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetupOpening {
    /// When it was opened.
    pub at: Timestamp,
    /// From which address.
    pub from: String,
    /// SHA-256 of the cookie of the browser in which it was opened.
    pub session: [u8; 32],
    /// When that session ends.
    pub session_ends: Timestamp,
    /// The last Secret Token that was issued in it.
    pub secret_token: Uuid,
    /// How many were issued in it.
    pub tokens_issued: u32,
}

/// The end of a link, as somebody saw it.
#[derive(Clone, Copy, Debug)]
pub struct SetupRevocation {
    /// The tenant that it belongs to.
    pub tenant: TenantId,
    /// Id of the link.
    pub link: Uuid,
    /// The Secret Token that it had issued last; none if it was not opened.
    pub issued: Option<Uuid>,
    /// Whether that ends, too.
    pub with_token: bool,
}

/// Another Secret Token in the place of the one that a setup link has issued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetupReplacement {
    /// Of which link.
    pub link: Uuid,
    /// How many it had issued, as far as the caller knows.
    pub tokens_issued: u32,
    /// The one that is revoked; none if it has ended already.
    pub old: Option<Uuid>,
    /// The new one.
    pub new: SecretTokenRow,
}

impl SetupLink {
    /// As the audit log shows it, which names it by its id: its label may name a person.
    fn shown(&self) -> Value {
        json!({
            "expires": self.expires.to_rfc3339(),
            "revoked": self.revoked.map(Timestamp::to_rfc3339),
            "opened": self.opening.as_ref().map(|opening| opening.at.to_rfc3339()),
            "tokens_issued": self.opening.as_ref().map(|opening| opening.tokens_issued),
        })
    }
}

/// The row as it is stored. It is public only because diesel reads [`SetupLink`] by it.
#[doc(hidden)]
#[derive(Insertable, Queryable, AsChangeset)]
#[diesel(table_name = setup_links, primary_key(tenant_id, id), treat_none_as_null = true)]
pub struct LinkRecord {
    tenant_id: Id,
    id: Id,
    label: String,
    digest: Vec<u8>,
    created_at: i64,
    created_by: String,
    expires_at: i64,
    revoked_at: Option<i64>,
    opened_at: Option<i64>,
    opened_from: Option<String>,
    session_digest: Option<Vec<u8>>,
    session_ends_at: Option<i64>,
    secret_token_id: Option<Id>,
    tokens_issued: Option<i32>,
}

impl From<&SetupLink> for LinkRecord {
    fn from(link: &SetupLink) -> Self {
        let opening = link.opening.as_ref();
        LinkRecord {
            tenant_id: Id(link.tenant.0),
            id: Id(link.id),
            label: link.label.clone(),
            digest: link.digest.to_vec(),
            created_at: link.created.0,
            created_by: link.created_by.clone(),
            expires_at: link.expires.0,
            revoked_at: link.revoked.map(|time| time.0),
            opened_at: opening.map(|opening| opening.at.0),
            opened_from: opening.map(|opening| opening.from.clone()),
            session_digest: opening.map(|opening| opening.session.to_vec()),
            session_ends_at: opening.map(|opening| opening.session_ends.0),
            secret_token_id: opening.map(|opening| Id(opening.secret_token)),
            tokens_issued: opening.map(|opening| column(opening.tokens_issued)),
        }
    }
}

impl TryFrom<LinkRecord> for SetupLink {
    type Error = Unreadable;

    fn try_from(record: LinkRecord) -> Result<Self, Unreadable> {
        let digest = |bytes: Vec<u8>| {
            let digest = bytes.try_into();
            digest.map_err(|_| Unreadable("a setup link's digest has not 32 bytes".to_owned()))
        };
        let opening = match (
            (record.opened_at, record.opened_from),
            (record.session_digest, record.session_ends_at),
            (record.secret_token_id, record.tokens_issued),
        ) {
            ((Some(at), Some(from)), (Some(session), Some(ends)), (Some(token), Some(issued))) => {
                Some(SetupOpening {
                    at: Timestamp(at),
                    from,
                    session: digest(session)?,
                    session_ends: Timestamp(ends),
                    secret_token: token.0,
                    tokens_issued: issued.unsigned_abs(),
                })
            }
            _ => None,
        };
        Ok(SetupLink {
            id: record.id.0,
            tenant: TenantId(record.tenant_id.0),
            label: record.label,
            digest: digest(record.digest)?,
            created: Timestamp(record.created_at),
            created_by: record.created_by,
            expires: Timestamp(record.expires_at),
            revoked: record.revoked_at.map(Timestamp),
            opening,
        })
    }
}

fn column(count: u32) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

read_by!(SetupLink, LinkRecord);

/// Why a link was not stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CreateRefused {
    /// There is no such tenant, or it is being erased.
    TenantGone,
    /// There is a link of this id.
    Exists,
}

/// Why a link was not opened, revoked or used. It is not the one that the caller has seen: another one was faster, or it has
/// ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkChanged;

/// Stores a new link.
///
/// # Errors
/// [`CreateRefused`].
pub fn create(tx: &mut Tx<'_>, link: &SetupLink) -> Acted<((), AuditEntry), CreateRefused> {
    tenants::lock_or(tx, link.tenant, CreateRefused::TenantGone)?;
    let row = diesel::insert_into(setup_links::table).values(LinkRecord::from(link));
    if !tx.insert(|db| row.execute(db))? {
        return Err(Refused::Because(CreateRefused::Exists));
    }
    Ok(((), entry("setup-link.create", link).makes(link.shown())))
}

/// Opens a link and issues its first Secret Token.
///
/// # Errors
/// [`LinkChanged`] if it was opened before, has ended, or its tenant is gone.
pub fn open(
    tx: &mut Tx<'_>,
    id: Uuid,
    opening: SetupOpening,
    token: &SecretTokenRow,
) -> Acted<((), [AuditEntry; 2]), LinkChanged> {
    let before = lock(tx, token.tenant, id)?;
    if before.opening.is_some() || before.expires <= opening.at {
        return Err(Refused::Because(LinkChanged));
    }
    let after = SetupLink { opening: Some(opening), ..before.clone() };
    let opened = change(tx, "setup-link.open", &before, &after)?;
    let issued = issue(tx, token)?;
    Ok(((), [opened, issued]))
}

/// Issues a Secret Token in the place of the one that the link has issued.
///
/// # Errors
/// [`LinkChanged`] if the link has issued another one meanwhile, or has ended, or the old token has.
pub fn replace_token(
    tx: &mut Tx<'_>,
    replacement: &SetupReplacement,
    at: Timestamp,
) -> Acted<((), Vec<AuditEntry>), LinkChanged> {
    let SetupReplacement { link, tokens_issued, old, new } = replacement;
    let before = lock(tx, new.tenant, *link)?;
    let opening = before.opening.clone().filter(|opening| opening.tokens_issued == *tokens_issued);
    let opening = opening.ok_or(Refused::Because(LinkChanged))?;
    let opening = SetupOpening { secret_token: new.id, tokens_issued: tokens_issued + 1, ..opening };
    let after = SetupLink { opening: Some(opening), ..before.clone() };
    let mut entries = vec![change(tx, "setup-link.issue-again", &before, &after)?];
    if let Some(old) = old {
        entries.push(revoke_token(tx, new.tenant, *old, at)?);
    }
    entries.push(issue(tx, new)?);
    Ok(((), entries))
}

/// Revokes a link, and its Secret Token if asked.
///
/// # Errors
/// [`LinkChanged`] if one of them is not alive, or the link has issued another token meanwhile.
pub fn revoke(
    tx: &mut Tx<'_>,
    revocation: SetupRevocation,
    at: Timestamp,
) -> Acted<((), Vec<AuditEntry>), LinkChanged> {
    let SetupRevocation { tenant, link, issued, with_token } = revocation;
    let before = lock(tx, tenant, link)?;
    if before.opening.as_ref().map(|opening| opening.secret_token) != issued {
        return Err(Refused::Because(LinkChanged));
    }
    let after = SetupLink { revoked: Some(at), ..before.clone() };
    let mut entries = vec![change(tx, "setup-link.revoke", &before, &after)?];
    if let Some(token) = issued.filter(|_| with_token) {
        entries.push(revoke_token(tx, tenant, token, at)?);
    }
    Ok(((), entries))
}

/// The link of this id, which is not revoked. Its tenant is locked, so that nobody else changes the link.
fn lock(tx: &mut Tx<'_>, tenant: TenantId, id: Uuid) -> Acted<SetupLink, LinkChanged> {
    tenants::lock_or(tx, tenant, LinkChanged)?;
    let alive = setup_links::table.find((Id(tenant.0), Id(id))).filter(setup_links::revoked_at.is_null());
    alive.first(tx.db).optional()?.ok_or(Refused::Because(LinkChanged))
}

fn issue(tx: &mut Tx<'_>, token: &SecretTokenRow) -> Acted<AuditEntry, LinkChanged> {
    let ((), entry) = secret_tokens::issue(tx, token).map_err(|refused| refused.map(|_| LinkChanged))?;
    Ok(entry)
}

fn revoke_token(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    id: Uuid,
    at: Timestamp,
) -> Acted<AuditEntry, LinkChanged> {
    let revoked = secret_tokens::revoke(tx, tenant, id, at);
    let (_, entry) = revoked.map_err(|refused| refused.map(|_| LinkChanged))?;
    Ok(entry)
}

/// Writes a link, and returns the entry of that.
fn change(
    tx: &mut Tx<'_>,
    action: &'static str,
    before: &SetupLink,
    after: &SetupLink,
) -> QueryResult<AuditEntry> {
    let row = setup_links::table.find((Id(before.tenant.0), Id(before.id)));
    diesel::update(row).set(LinkRecord::from(after)).execute(tx.db)?;
    Ok(entry(action, before).changes(before.shown(), after.shown()))
}

fn entry(action: &'static str, link: &SetupLink) -> AuditEntry {
    AuditEntry::of_tenant(action, link.id.to_string(), link.tenant)
}

/// The links with their tenants.
#[auto_type]
fn with_tenants() -> _ {
    setup_links::table.inner_join(tenants_table::table.on(tenants_table::id.eq(setup_links::tenant_id)))
}

impl Store {
    /// The links of a tenant, oldest first, ended ones too.
    ///
    /// # Errors
    /// Faults of the database.
    pub async fn setup_links(&self, tenant: TenantId) -> Result<Vec<SetupLink>, StoreError> {
        self.setup_links_behind(tenant, BEFORE_ALL, u32::MAX).await
    }

    /// Those behind a place (time of making and id), oldest first.
    ///
    /// # Errors
    /// Faults of the database.
    pub async fn setup_links_behind(
        &self,
        tenant: TenantId,
        (at, id): (Timestamp, Uuid),
        limit: u32,
    ) -> Result<Vec<SetupLink>, StoreError> {
        let question = move |tx: &mut Tx<'_>| {
            let same_time = setup_links::created_at.eq(at.0);
            let later = setup_links::created_at.gt(at.0).or(same_time.and(setup_links::id.gt(Id(id))));
            setup_links::table
                .filter(setup_links::tenant_id.eq(Id(tenant.0)).and(later))
                .order((setup_links::created_at, setup_links::id))
                .limit(limit.into())
                .load(tx.db)
        };
        self.read(Lane::Operators, tenant, question).await
    }

    /// The link with this digest, valid or not, and its tenant. It is looked up in `line`: the tenant is not known before.
    ///
    /// # Errors
    /// Faults of the database.
    pub async fn setup_link(
        &self,
        digest: [u8; 32],
        line: Line,
    ) -> Result<Option<(SetupLink, Tenant)>, StoreError> {
        let question = move |tx: &mut Tx<'_>| {
            with_tenants().filter(setup_links::digest.eq(digest.as_slice())).first(tx.db).optional()
        };
        self.read(Lane::Vital, line, question).await
    }

    /// The link that was opened in the browser with this digest of a cookie, valid or not, and its tenant. It is looked up in
    /// `line`: the tenant is not known before.
    ///
    /// # Errors
    /// Faults of the database.
    pub async fn setup_session(
        &self,
        digest: [u8; 32],
        line: Line,
    ) -> Result<Option<(SetupLink, Tenant)>, StoreError> {
        let question = move |tx: &mut Tx<'_>| {
            let session = setup_links::session_digest.eq(Some(digest.as_slice()));
            with_tenants().filter(session).first(tx.db).optional()
        };
        self.read(Lane::Vital, line, question).await
    }
}
