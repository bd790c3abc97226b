//! The purge: what was deleted long ago is erased for good, with the documents that its change log keeps of it
//! (`docs/adr/0019`). Any number of processes may do it at the same time.

use crate::{
    engine::PurgeEngine,
    model::{ResourceId, StoreError, TenantId},
    postgres::PostgresEngine,
    schema::{deleted_resources, feeds, types::Id},
    sqlite::SqliteEngine,
    store::Store,
};
use diesel::prelude::*;
use scim::Timestamp;

/// Most rows of the change log that are emptied, and most memberships that are removed, in one transaction: a writer of
/// the tenant waits no longer than this takes.
const AT_ONCE: i64 = 500;

/// How far the purge of a resource has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PurgeStep {
    /// Its history is long, or its members are many: there is more to erase before it can go.
    More,
    /// It is gone.
    Purged,
    /// Somebody else has restored or purged it.
    NotThere,
}

/// What a round of the purge has done.
#[derive(Debug, Default)]
pub struct Purged {
    /// How many resources this process has purged; another one may have been faster with others.
    pub resources: u64,
    /// Whether as many were due as a round takes, so that there may be more.
    pub is_more: bool,
    /// The first fault, if some could not be purged: they stay due.
    pub fault: Option<StoreError>,
}

impl Store {
    /// Deletes permanently what was deleted before a time, the longest deleted first: at most `limit` resources, in a
    /// transaction each (or several, where the history is long).
    ///
    /// # Errors
    /// The database cannot say what is due.
    pub async fn purge(&self, before: Timestamp, limit: u32) -> Result<Purged, StoreError> {
        let due = self.ask_for_process(move |engine| engine.due_for_purge(before, limit.into())).await?;
        let mut purged = Purged { is_more: due.len() >= limit as usize, ..Purged::default() };
        for (tenant, id) in due {
            match self.purge_one(tenant, id, before).await {
                Ok(PurgeStep::Purged) => purged.resources += 1,
                Ok(_) => {}
                // One tenant's trouble does not keep the others'.
                Err(fault) => purged.fault = purged.fault.or(Some(fault)),
            }
        }
        Ok(purged)
    }

    async fn purge_one(
        &self,
        tenant: TenantId,
        id: ResourceId,
        before: Timestamp,
    ) -> Result<PurgeStep, StoreError> {
        loop {
            match self.ask_for_process(move |engine| engine.purge_step(tenant, id, before)).await? {
                PurgeStep::More => {}
                step => return Ok(step),
            }
        }
    }
}

/// The steps on a connection of each database; those of an engine, whose way to write is `$write`.
macro_rules! purge_engine {
    ($module:ident, $connection:ty, $engine:ty, $write:ident) => {
        mod $module {
            use super::AT_ONCE;
            use crate::schema::{
                change_log, group_members,
                types::{Id, Json},
            };
            use diesel::prelude::*;

            /// Empties rows of the change log of a resource; whether there may be more.
            pub(super) fn empty_history(
                connection: &mut $connection,
                tenant: Id,
                id: Id,
            ) -> QueryResult<bool> {
                let full: Vec<i64> = change_log::table
                    .filter(change_log::tenant_id.eq(tenant).and(change_log::resource_id.eq(id)))
                    .filter(
                        change_log::before
                            .is_not_null()
                            .or(change_log::old_values.is_not_null())
                            .or(change_log::after.is_not_null())
                            .or(change_log::members.is_not_null()),
                    )
                    .select(change_log::position)
                    .limit(AT_ONCE)
                    .load(connection)?;
                let is_more = full.len() == AT_ONCE as usize;
                let nothing: Option<Json> = None;
                let rows = change_log::table.filter(change_log::tenant_id.eq(tenant));
                diesel::update(rows.filter(change_log::position.eq_any(full)))
                    .set((
                        change_log::before.eq(nothing.clone()),
                        change_log::old_values.eq(nothing.clone()),
                        change_log::after.eq(nothing.clone()),
                        change_log::members.eq(nothing),
                    ))
                    .execute(connection)?;
                Ok(is_more)
            }

            /// Removes memberships of a deleted group; whether there may be more.
            pub(super) fn remove_hidden_members(
                connection: &mut $connection,
                tenant: Id,
                group: Id,
            ) -> QueryResult<bool> {
                let rows = group_members::table
                    .filter(group_members::tenant_id.eq(tenant).and(group_members::group_id.eq(group)));
                let members: Vec<Id> =
                    rows.select(group_members::member_id).limit(AT_ONCE).load(connection)?;
                let is_more = members.len() == AT_ONCE as usize;
                diesel::delete(rows.filter(group_members::member_id.eq_any(members))).execute(connection)?;
                Ok(is_more)
            }
        }

        impl PurgeEngine for $engine {
            fn due_for_purge(
                &self,
                before: Timestamp,
                limit: i64,
            ) -> Result<Vec<(TenantId, ResourceId)>, StoreError> {
                let due = self.run(|connection| {
                    deleted_resources::table
                        .select((deleted_resources::tenant_id, deleted_resources::id))
                        .filter(deleted_resources::deleted_at.lt(before.0))
                        .order(deleted_resources::deleted_at)
                        .limit(limit)
                        .load::<(Id, Id)>(connection)
                })?;
                Ok(due.into_iter().map(|(tenant, id)| (TenantId(tenant.0), ResourceId(id.0))).collect())
            }

            fn purge_step(
                &self,
                tenant: TenantId,
                id: ResourceId,
                before: Timestamp,
            ) -> Result<PurgeStep, StoreError> {
                let (tenant, id) = (Id(tenant.0), Id(id.0));
                self.$write(|connection| {
                    connection.transaction(|connection| {
                        // Moving the feed keeps writers out and tells one that has read before that its facts are old:
                        // a restore happens before this or not at all.
                        diesel::update(feeds::table.find(tenant))
                            .set(feeds::position.eq(feeds::position + 1))
                            .execute(connection)?;
                        let row = deleted_resources::table.find((tenant, id));
                        let is_due =
                            deleted_resources::purging.or(deleted_resources::deleted_at.lt(before.0));
                        let found = row.filter(is_due).select(deleted_resources::id);
                        if found.first::<Id>(connection).optional()?.is_none() {
                            return Ok(PurgeStep::NotThere);
                        }
                        let has_history = $module::empty_history(connection, tenant, id)?;
                        let has_members = $module::remove_hidden_members(connection, tenant, id)?;
                        if has_history || has_members {
                            // Part of it is gone: nobody restores the rest.
                            diesel::update(row)
                                .set(deleted_resources::purging.eq(true))
                                .execute(connection)?;
                            return Ok(PurgeStep::More);
                        }
                        diesel::delete(row).execute(connection)?;
                        Ok(PurgeStep::Purged)
                    })
                })
            }
        }
    };
}

purge_engine!(postgres_steps, diesel::PgConnection, PostgresEngine, run);
purge_engine!(sqlite_steps, diesel::SqliteConnection, SqliteEngine, write);
