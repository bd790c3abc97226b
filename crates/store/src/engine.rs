//! What a database must be able to do; blocking, called on the store's own threads.

use crate::{
    act::Act,
    api_tokens::ApiTokenEngine,
    audit::{AuditHead, AuditRow, By},
    clock::ClockRow,
    credential::{CredentialKind, EndingCredential, NotedUse, Rotation, UsedToken},
    erase::EraseEngine,
    figures::Connections,
    history::{ChangeRow, DeletedRow},
    lane::Lane,
    lookups::LookupEngine,
    model::*,
    oauth::*,
    operator::{Operator, Session},
    overview::OverviewEngine,
    pages::{PageBounds, Slice},
    plan::{Facts, Questions, Writes},
    purge::PurgeStep,
    setup_links::SetupEngine,
    user_names::UserNameEngine,
};
use scim::{Timestamp, schema::ResourceKind};
use std::sync::Arc;
use uuid::Uuid;

/// A database as each lane sees it: with connections of its own.
pub(crate) struct Engines(Vec<(Lane, Arc<dyn Engine>)>);

impl Engines {
    /// Opens the database for each lane.
    ///
    /// # Errors
    /// The first that cannot be opened.
    pub(crate) fn open<E: Engine>(
        open: impl Fn(Lane) -> Result<E, StoreError>,
    ) -> Result<Engines, StoreError> {
        let opened = Lane::ALL.into_iter().map(|lane| Ok((lane, Arc::new(open(lane)?) as Arc<dyn Engine>)));
        Ok(Engines(opened.collect::<Result<_, StoreError>>()?))
    }

    /// The database as a lane sees it.
    pub(crate) fn of(&self, lane: Lane) -> Arc<dyn Engine> {
        // Every lane is there; the first one stands for none.
        let found = self.0.iter().find(|(of, _)| *of == lane).unwrap_or(&self.0[0]);
        Arc::clone(&found.1)
    }
}

/// One lookup by a unique key, of any tenant; lookups that wait together are answered by one statement.
#[derive(Clone, Debug)]
pub(crate) struct Lookup {
    pub(crate) tenant: TenantId,
    pub(crate) key: LookupKey,
    pub(crate) with_groups: bool,
}

/// A unique key within a tenant.
#[derive(Clone, Debug)]
pub(crate) enum LookupKey {
    Id(ResourceKind, ResourceId),
    /// The key of `userName`, or its lower case.
    UserName(String),
}

/// What is stored of OAuth (migration 0002).
pub(crate) trait OauthEngine {
    fn oauth_clients(&self, tenant: TenantId) -> Result<Vec<OauthClient>, StoreError>;
    /// Of all clients of the tenant, oldest first.
    fn client_secrets(&self, tenant: TenantId) -> Result<Vec<ClientSecret>, StoreError>;
    /// The client of the tenant with this label, alive or not; the caller judges.
    fn oauth_client(&self, label: &str, client: Uuid) -> Result<Option<OauthClientOwner>, StoreError>;

    fn federation(&self, tenant: TenantId) -> Result<Option<Federation>, StoreError>;
    /// `Ok(false)`: it was noted before.
    fn note_assertion(
        &self,
        tenant: TenantId,
        digest: &[u8; 32],
        expires: Timestamp,
    ) -> Result<bool, StoreError>;
    /// Forgets the assertions that have ended.
    fn forget_assertions(&self, now: Timestamp) -> Result<(), StoreError>;

    /// The earliest first.
    fn signing_keys(&self) -> Result<Vec<SigningKey>, StoreError>;
    /// `Ok(false)`: another process has made this one's equal.
    fn insert_signing_key(&self, key: &SigningKey) -> Result<bool, StoreError>;
    /// Deletes the keys that are not published any more.
    fn delete_signing_keys(&self, now: Timestamp) -> Result<(), StoreError>;
}

/// The row of the clock (migration 0012).
pub(crate) trait ClockEngine {
    fn clock(&self) -> Result<Option<ClockRow>, StoreError>;
    /// Replaces it, or inserts the first one.
    fn set_clock(&self, row: ClockRow) -> Result<(), StoreError>;
}

/// What the purge asks (migration 0007).
pub(crate) trait PurgeEngine {
    /// What was deleted before a time, over all tenants, the longest deleted first.
    fn due_for_purge(&self, before: Timestamp, limit: i64)
    -> Result<Vec<(TenantId, ResourceId)>, StoreError>;
    /// Empties some of a resource's change log, and erases the resource once all of that is empty; if it is still deleted
    /// since before that time.
    fn purge_step(
        &self,
        tenant: TenantId,
        id: ResourceId,
        before: Timestamp,
    ) -> Result<PurgeStep, StoreError>;
}

/// What is stored of the use and the ends of credentials of every kind (migration 0004).
pub(crate) trait CredentialEngine {
    /// Notes uses; never moves the time of the last one back, nor that of the first one at all.
    fn note_uses(&self, uses: &[NotedUse]) -> Result<(), StoreError>;
    /// Secret Tokens that nobody revoked and that were used since, the last used first.
    fn secret_tokens_used_since(&self, since: Timestamp, limit: i64) -> Result<Vec<UsedToken>, StoreError>;
    /// Those of a tenant that began before another, the newest first.
    fn rotations_before(
        &self,
        tenant: TenantId,
        before: Uuid,
        limit: i64,
    ) -> Result<Vec<Rotation>, StoreError>;
    fn rotation(&self, tenant: TenantId, id: Uuid) -> Result<Option<Rotation>, StoreError>;
    /// The one that has made this credential.
    fn rotation_to(&self, tenant: TenantId, new: Uuid) -> Result<Option<Rotation>, StoreError>;
    /// Those of a tenant that are under way, the newest first.
    fn rotations_under_way(&self, tenant: TenantId) -> Result<Vec<Rotation>, StoreError>;
    /// Those under way, of all tenants.
    fn open_rotations(&self) -> Result<Vec<Rotation>, StoreError>;
    /// Credentials that nobody revoked and that end in this time, behind a place (the time and the id of one) in the
    /// order in which they end.
    fn ending_credentials(
        &self,
        ends: (Timestamp, Timestamp),
        behind: (Timestamp, Uuid),
        limit: i64,
    ) -> Result<Vec<EndingCredential>, StoreError>;
    /// When such credentials end, by kind.
    fn ends_of_credentials(
        &self,
        ends: (Timestamp, Timestamp),
    ) -> Result<Vec<(CredentialKind, Timestamp)>, StoreError>;
}

/// A database.
pub(crate) trait Engine:
    OauthEngine
    + CredentialEngine
    + OverviewEngine
    + PurgeEngine
    + EraseEngine
    + ClockEngine
    + LookupEngine
    + SetupEngine
    + UserNameEngine
    + ApiTokenEngine
    + Send
    + Sync
    + 'static
{
    /// Brings the schema up to date, forward only.
    fn migrate(&self) -> Result<(), StoreError>;
    /// The connections of this lane.
    fn connections(&self) -> Connections;
    /// Whether the database answers.
    fn ping(&self) -> Result<(), StoreError>;

    /// Answers the questions, has `decide` turn the answers into rows, and writes those, all or none, if no other process
    /// has written for one of the tenants meanwhile; if one has, does it again: `decide` may be called twice, and its last
    /// word counts. Others see the rows on return; they are durable after [`Engine::flush`].
    fn transact(
        &self,
        questions: &Questions,
        decide: &mut dyn FnMut(Facts) -> Writes,
    ) -> Result<(), StoreError>;
    /// Whether a heavy change is best written beside the others, on a connection of its own: where a transaction locks no
    /// more than its rows.
    fn writes_heavy_changes_apart(&self) -> bool;
    /// Makes everything durable that [`Engine::transact`] had finished before this call.
    fn flush(&self) -> Result<(), StoreError>;

    /// Answers each lookup, in order.
    fn look_up(&self, lookups: &[Lookup]) -> Result<Vec<Option<Row>>, StoreError>;
    fn list(&self, tenant: TenantId, listing: &Listing) -> Result<Page, StoreError>;
    /// Members of a group behind a member, by id.
    fn members_after(
        &self,
        tenant: TenantId,
        group: ResourceId,
        after: Option<ResourceId>,
        limit: u32,
    ) -> Result<Vec<Member>, StoreError>;

    /// Does administrative acts, each with its audit row, all or none; `Ok(false)`: none.
    fn act(&self, by: Option<&By>, acts: &[Act]) -> Result<bool, StoreError>;
    fn audit_head(&self) -> Result<AuditHead, StoreError>;
    /// Oldest first.
    fn audit_rows_behind(&self, position: i64, bounds: PageBounds) -> Result<Slice<AuditRow>, StoreError>;
    /// Newest first.
    fn audit_rows_before(
        &self,
        tenant: Option<TenantId>,
        position: i64,
        bounds: PageBounds,
    ) -> Result<Slice<AuditRow>, StoreError>;

    /// By name.
    fn operators(&self) -> Result<Vec<Operator>, StoreError>;
    fn operator(&self, name: &str) -> Result<Option<Operator>, StoreError>;
    fn session(&self, digest: &[u8; 32]) -> Result<Option<(Session, Operator)>, StoreError>;
    fn touch_session(&self, digest: &[u8; 32], seen: Timestamp) -> Result<(), StoreError>;

    /// Newest first.
    fn changes(
        &self,
        tenant: TenantId,
        resource: Option<ResourceId>,
        before: i64,
        bounds: PageBounds,
    ) -> Result<Slice<ChangeRow>, StoreError>;
    /// Newest first.
    fn deleted_resources(
        &self,
        tenant: TenantId,
        before: (Timestamp, ResourceId),
        bounds: PageBounds,
    ) -> Result<Slice<DeletedRow>, StoreError>;
    /// At most `limit` of the members that a deleted group comes back with, behind another one, by id.
    fn hidden_members(
        &self,
        tenant: TenantId,
        group: ResourceId,
        after: Option<ResourceId>,
        limit: i64,
    ) -> Result<Vec<ResourceId>, StoreError>;
    fn deleted_resource(&self, tenant: TenantId, id: ResourceId) -> Result<Option<DeletedRow>, StoreError>;

    fn tenants(&self) -> Result<Vec<Tenant>, StoreError>;
    /// By label or, if the text is a UUID, by id.
    fn tenant(&self, label_or_id: &str) -> Result<Option<Tenant>, StoreError>;
    /// Ends the changes of a tenant's resources, for good: what comes before its deletion.
    fn close_feed(&self, tenant: TenantId) -> Result<(), StoreError>;

    /// Behind a place (time of issue and id), oldest first.
    fn secret_tokens(
        &self,
        tenant: TenantId,
        behind: (Timestamp, Uuid),
        limit: i64,
    ) -> Result<Vec<SecretTokenRow>, StoreError>;
    /// By digest, alive or not; the caller judges.
    fn secret_token(&self, digest: &[u8; 32]) -> Result<Option<SecretTokenOwner>, StoreError>;
}
