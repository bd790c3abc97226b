//! Setup links as they are stored: statements that both databases take as diesel writes them.

use crate::{
    act::Act,
    admission::line::Line,
    lane::Lane,
    model::{SecretTokenRow, StoreError, Tenant, TenantId},
    postgres::PostgresEngine,
    records::TenantRecord,
    schema::{setup_links, tenants, types::Id},
    sqlite::SqliteEngine,
    store::{BEFORE_ALL, Store},
};
use diesel::{Insertable, Queryable, prelude::*};
use scim::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

/// A link by which a customer's administrator sets up provisioning, as it is stored: everything but its token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetupLink {
    /// Key.
    pub id: Uuid,
    /// Whose.
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
    /// Whose it is.
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
    pub(crate) fn shown(&self) -> Value {
        json!({
            "expires": self.expires.to_rfc3339(),
            "revoked": self.revoked.map(Timestamp::to_rfc3339),
            "opened": self.opening.as_ref().map(|opening| opening.at.to_rfc3339()),
            "tokens_issued": self.opening.as_ref().map(|opening| opening.tokens_issued),
        })
    }
}

#[derive(Insertable, Queryable)]
#[diesel(table_name = setup_links)]
struct LinkRecord {
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
    type Error = StoreError;

    fn try_from(record: LinkRecord) -> Result<Self, StoreError> {
        let digest = |bytes: Vec<u8>| {
            let digest = bytes.try_into();
            digest.map_err(|_| StoreError::Failed("a setup link's digest has not 32 bytes".to_owned()))
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

fn owned((link, tenant): (LinkRecord, TenantRecord)) -> Result<(SetupLink, Tenant), StoreError> {
    Ok((link.try_into()?, tenant.try_into()?))
}

/// What is asked of setup links.
pub(crate) trait SetupEngine {
    /// Behind a place (time of making and id), oldest first.
    fn setup_links(
        &self,
        tenant: TenantId,
        behind: (Timestamp, Uuid),
        limit: i64,
    ) -> Result<Vec<SetupLink>, StoreError>;
    /// By the digest of its token, alive or not; the caller judges.
    fn setup_link(&self, digest: &[u8; 32]) -> Result<Option<(SetupLink, Tenant)>, StoreError>;
    /// By the digest of the cookie, ended or not; the caller judges.
    fn setup_session(&self, digest: &[u8; 32]) -> Result<Option<(SetupLink, Tenant)>, StoreError>;
}

macro_rules! setup_engine {
    ($Engine:ident) => {
        impl SetupEngine for $Engine {
            fn setup_links(
                &self,
                tenant: TenantId,
                (at, id): (Timestamp, Uuid),
                limit: i64,
            ) -> Result<Vec<SetupLink>, StoreError> {
                let same_time = setup_links::created_at.eq(at.0);
                let later = setup_links::created_at.gt(at.0).or(same_time.and(setup_links::id.gt(Id(id))));
                let found = self.run(|connection| {
                    setup_links::table
                        .filter(setup_links::tenant_id.eq(Id(tenant.0)).and(later))
                        .order((setup_links::created_at, setup_links::id))
                        .limit(limit)
                        .load::<LinkRecord>(connection)
                })?;
                found.into_iter().map(SetupLink::try_from).collect()
            }

            fn setup_link(&self, digest: &[u8; 32]) -> Result<Option<(SetupLink, Tenant)>, StoreError> {
                let found = self.run(|connection| {
                    setup_links::table
                        .inner_join(tenants::table.on(tenants::id.eq(setup_links::tenant_id)))
                        .filter(setup_links::digest.eq(digest.as_slice()))
                        .first::<(LinkRecord, TenantRecord)>(connection)
                        .optional()
                })?;
                found.map(owned).transpose()
            }

            fn setup_session(&self, digest: &[u8; 32]) -> Result<Option<(SetupLink, Tenant)>, StoreError> {
                let found = self.run(|connection| {
                    setup_links::table
                        .inner_join(tenants::table.on(tenants::id.eq(setup_links::tenant_id)))
                        .filter(setup_links::session_digest.eq(Some(digest.as_slice())))
                        .first::<(LinkRecord, TenantRecord)>(connection)
                        .optional()
                })?;
                found.map(owned).transpose()
            }
        }
    };
}

setup_engine!(PostgresEngine);
setup_engine!(SqliteEngine);

/// Administrative writes, which are parts of acts (`act.rs`).
macro_rules! setup_writes {
    ($module:ident, $connection:ty) => {
        pub(crate) mod $module {
            use super::*;

            /// `Ok(false)`: there is one with this id.
            pub(crate) fn insert_setup_link(
                connection: &mut $connection,
                link: &SetupLink,
            ) -> QueryResult<bool> {
                let row = LinkRecord::from(link);
                let inserted = diesel::insert_into(setup_links::table).values(row).on_conflict_do_nothing();
                Ok(inserted.execute(connection)? > 0)
            }

            /// `Ok(false)`: it has ended, or has issued another Secret Token than this meanwhile.
            pub(crate) fn revoke_setup_link(
                connection: &mut $connection,
                revocation: &SetupRevocation,
                at: Timestamp,
            ) -> QueryResult<bool> {
                let SetupRevocation { tenant, link, issued, .. } = revocation;
                let alive = setup_links::table
                    .find((Id(tenant.0), Id(*link)))
                    .filter(setup_links::revoked_at.is_null());
                let set = setup_links::revoked_at.eq(Some(at.0));
                let changed = match issued.map(Id) {
                    Some(issued) => {
                        let as_seen = alive.filter(setup_links::secret_token_id.eq(Some(issued)));
                        diesel::update(as_seen).set(set).execute(connection)?
                    }
                    None => {
                        let as_seen = alive.filter(setup_links::secret_token_id.is_null());
                        diesel::update(as_seen).set(set).execute(connection)?
                    }
                };
                Ok(changed > 0)
            }

            /// `Ok(false)`: it was opened before, or has ended.
            pub(crate) fn open_setup_link(
                connection: &mut $connection,
                tenant: TenantId,
                id: Uuid,
                opening: &SetupOpening,
            ) -> QueryResult<bool> {
                let open = setup_links::table
                    .find((Id(tenant.0), Id(id)))
                    .filter(setup_links::opened_at.is_null())
                    .filter(setup_links::revoked_at.is_null())
                    .filter(setup_links::expires_at.gt(opening.at.0));
                let set = (
                    setup_links::opened_at.eq(Some(opening.at.0)),
                    setup_links::opened_from.eq(Some(&opening.from)),
                    setup_links::session_digest.eq(Some(opening.session.as_slice())),
                    setup_links::session_ends_at.eq(Some(opening.session_ends.0)),
                    setup_links::secret_token_id.eq(Some(Id(opening.secret_token))),
                    setup_links::tokens_issued.eq(Some(column(opening.tokens_issued))),
                );
                Ok(diesel::update(open).set(set).execute(connection)? > 0)
            }

            /// `Ok(false)`: it has issued another meanwhile, or has ended.
            pub(crate) fn replace_setup_token(
                connection: &mut $connection,
                replacement: &SetupReplacement,
            ) -> QueryResult<bool> {
                let SetupReplacement { link, tokens_issued, new, .. } = replacement;
                let open = setup_links::table
                    .find((Id(new.tenant.0), Id(*link)))
                    .filter(setup_links::tokens_issued.eq(Some(column(*tokens_issued))))
                    .filter(setup_links::revoked_at.is_null());
                let set = (
                    setup_links::secret_token_id.eq(Some(Id(new.id))),
                    setup_links::tokens_issued.eq(Some(column(tokens_issued + 1))),
                );
                Ok(diesel::update(open).set(set).execute(connection)? > 0)
            }

            pub(crate) fn setup_link(
                connection: &mut $connection,
                tenant: TenantId,
                id: Uuid,
            ) -> QueryResult<Option<Result<SetupLink, StoreError>>> {
                let row = setup_links::table.find((Id(tenant.0), Id(id)));
                Ok(row.first::<LinkRecord>(connection).optional()?.map(SetupLink::try_from))
            }
        }
    };
}

setup_writes!(postgres, diesel::PgConnection);
setup_writes!(sqlite, diesel::SqliteConnection);

/// The part of [`Store`] that is about setup links.
impl Store {
    /// Stores a new link; `false` if the tenant has one with this id, or there is no such tenant any more.
    ///
    /// # Errors
    /// Faults of the database, here and below.
    pub async fn create_setup_link(&self, link: SetupLink) -> Result<bool, StoreError> {
        self.act(link.tenant, Act::CreateSetupLink(link)).await
    }

    /// The links of a tenant, oldest first, ended ones too.
    ///
    /// # Errors
    /// As above.
    pub async fn setup_links(&self, tenant: TenantId) -> Result<Vec<SetupLink>, StoreError> {
        self.ask_of(tenant, move |engine| engine.setup_links(tenant, BEFORE_ALL, i64::MAX)).await
    }

    /// Those behind a place (time of making and id), oldest first.
    ///
    /// # Errors
    /// As above.
    pub async fn setup_links_behind(
        &self,
        tenant: TenantId,
        behind: (Timestamp, Uuid),
        limit: u32,
    ) -> Result<Vec<SetupLink>, StoreError> {
        self.ask_of(tenant, move |engine| engine.setup_links(tenant, behind, limit.into())).await
    }

    /// The link with this digest, valid or not, and its tenant; looked up in this line.
    ///
    /// # Errors
    /// As above.
    pub async fn setup_link(
        &self,
        digest: [u8; 32],
        line: Line,
    ) -> Result<Option<(SetupLink, Tenant)>, StoreError> {
        self.ask_in(Lane::Vital, line, move |engine| engine.setup_link(&digest)).await
    }

    /// The link that was opened in the browser with this digest of a cookie, valid or not, and its tenant; looked up in
    /// this line.
    ///
    /// # Errors
    /// As above.
    pub async fn setup_session(
        &self,
        digest: [u8; 32],
        line: Line,
    ) -> Result<Option<(SetupLink, Tenant)>, StoreError> {
        self.ask_in(Lane::Vital, line, move |engine| engine.setup_session(&digest)).await
    }

    /// Revokes a link, and if asked its Secret Token; `false` if one of them is not alive or the link has issued another
    /// one meanwhile, and then both are left.
    ///
    /// # Errors
    /// As above.
    pub async fn revoke_setup_link(
        &self,
        revocation: SetupRevocation,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let SetupRevocation { tenant, issued, with_token, .. } = revocation;
        let mut acts = vec![Act::RevokeSetupLink(revocation, at)];
        let token = issued.filter(|_| with_token);
        acts.extend(token.map(|token| Act::RevokeSecretToken(tenant, token, at)));
        self.act_together(tenant, acts).await
    }

    /// Opens a link and stores the Secret Token that it issues; `false` if it was opened before or has ended, and then
    /// nothing is stored.
    ///
    /// # Errors
    /// As above.
    pub async fn open_setup_link(
        &self,
        link: Uuid,
        opening: SetupOpening,
        token: SecretTokenRow,
    ) -> Result<bool, StoreError> {
        let tenant = token.tenant;
        let acts = vec![Act::OpenSetupLink(tenant, link, opening), Act::InsertSecretToken(token)];
        self.act_together(tenant, acts).await
    }

    /// Puts a Secret Token in the place of the one that a link has issued; `false` if that was replaced or revoked
    /// meanwhile, or the link was, and then nothing is changed.
    ///
    /// # Errors
    /// As above.
    pub async fn replace_setup_token(
        &self,
        replacement: SetupReplacement,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let (tenant, old, new) = (replacement.new.tenant, replacement.old, replacement.new.clone());
        let mut acts = vec![Act::ReplaceSetupToken(replacement)];
        acts.extend(old.map(|old| Act::RevokeSecretToken(tenant, old, at)));
        acts.push(Act::InsertSecretToken(new));
        self.act_together(tenant, acts).await
    }
}
