//! What a database must be able to do; blocking, called on the store's own threads.

use crate::{
    connection::AnyConnection,
    data::model::*,
    data::plan::{Facts, Questions, Writes},
    jobs::figures::Connections,
    jobs::lane::Lane,
};
use diesel::QueryResult;
use scim::schema::ResourceKind;
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

/// A database.
pub(crate) trait Engine: Send + Sync + 'static {
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
    /// Members of a group behind a member, by id.
    fn members_after(
        &self,
        tenant: TenantId,
        group: ResourceId,
        after: Option<ResourceId>,
        limit: u32,
    ) -> Result<Vec<Member>, StoreError>;

    /// Runs a question on a connection ([`Tx`](crate::tx::Tx)).
    fn run_read(
        &self,
        question: &mut dyn FnMut(&mut AnyConnection) -> QueryResult<()>,
    ) -> Result<(), StoreError>;
    /// Runs questions that see one state of the database.
    fn run_snapshot(
        &self,
        question: &mut dyn FnMut(&mut AnyConnection) -> QueryResult<()>,
    ) -> Result<(), StoreError>;
    /// Runs something that writes. It begins the transaction; on SQLite nobody else writes meanwhile.
    fn run_write(
        &self,
        write: &mut dyn FnMut(&mut AnyConnection) -> QueryResult<()>,
    ) -> Result<(), StoreError>;
}
