//! What a database must be able to do; blocking, called on the store's own threads.

use crate::{
    clock::ClockRow,
    connection::AnyConnection,
    erase::EraseEngine,
    figures::Connections,
    history::{ChangeRow, DeletedRow},
    lane::Lane,
    lookups::LookupEngine,
    model::*,
    overview::OverviewEngine,
    pages::{PageBounds, Slice},
    plan::{Facts, Questions, Writes},
    purge::PurgeStep,
    user_names::UserNameEngine,
};
use diesel::QueryResult;
use scim::{Timestamp, schema::ResourceKind};
use std::sync::Arc;

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

/// A database.
pub(crate) trait Engine:
    OverviewEngine
    + PurgeEngine
    + EraseEngine
    + ClockEngine
    + LookupEngine
    + UserNameEngine
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

    /// Asks the control plane something: one statement, or several that need not see one state.
    fn read_control(
        &self,
        question: &mut dyn FnMut(&mut AnyConnection) -> QueryResult<()>,
    ) -> Result<(), StoreError>;
    /// Writes in the control plane. `write` begins the transaction, which nobody else writes between on SQLite.
    fn write_control(
        &self,
        write: &mut dyn FnMut(&mut AnyConnection) -> QueryResult<()>,
    ) -> Result<(), StoreError>;
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
}
