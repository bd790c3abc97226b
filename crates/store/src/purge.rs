//! The purge: what was deleted long ago is erased for good, with the documents that its change log keeps of it
//! (`docs/adr/0019`). Any number of processes may do it at the same time.

use crate::{
    data::model::{ResourceId, StoreError, TenantId},
    jobs::admission::line::Line,
    jobs::lane::Lane,
    schema::{
        change_log, deleted_resources, feeds, group_members,
        types::{Id, Json},
    },
    store::Store,
    tx::Tx,
};
use diesel::prelude::*;
use scim::Timestamp;

/// Most rows of the change log that are emptied, and most memberships that are removed, in one transaction: a writer of
/// the tenant waits no longer than this takes.
const AT_ONCE: i64 = 500;

/// How far the purge of a resource has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PurgeStep {
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
        let due = self.read(Lane::Operators, Line::Process, move |tx| due(tx, before, limit.into())).await?;
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
        let step = move |tx: &mut Tx<'_>| step(tx, Id(tenant.0), Id(id.0), before);
        loop {
            match self.write(Lane::Operators, Line::Process, step).await? {
                PurgeStep::More => {}
                end => return Ok(end),
            }
        }
    }
}

fn due(tx: &mut Tx<'_>, before: Timestamp, limit: i64) -> QueryResult<Vec<(TenantId, ResourceId)>> {
    let due: Vec<(Id, Id)> = deleted_resources::table
        .select((deleted_resources::tenant_id, deleted_resources::id))
        .filter(deleted_resources::deleted_at.lt(before.0))
        .order(deleted_resources::deleted_at)
        .limit(limit)
        .load(tx.db)?;
    Ok(due.into_iter().map(|(tenant, id)| (TenantId(tenant.0), ResourceId(id.0))).collect())
}

/// Empties some of a resource's change log, and erases the resource once all of that is empty, if it is still deleted since
/// before that time.
fn step(tx: &mut Tx<'_>, tenant: Id, id: Id, before: Timestamp) -> QueryResult<PurgeStep> {
    // Moving the feed keeps writers out, and tells one that has read before that its facts are old: a restore happens before
    // this or not at all.
    diesel::update(feeds::table.find(tenant)).set(feeds::position.eq(feeds::position + 1)).execute(tx.db)?;
    let row = deleted_resources::table.find((tenant, id));
    let is_due = deleted_resources::purging.or(deleted_resources::deleted_at.lt(before.0));
    let found = row.filter(is_due).select(deleted_resources::id);
    if found.first::<Id>(tx.db).optional()?.is_none() {
        return Ok(PurgeStep::NotThere);
    }
    let has_history = empty_history(tx, tenant, id)?;
    let has_members = remove_hidden_members(tx, tenant, id)?;
    if has_history || has_members {
        // Part of it is gone: nobody restores the rest.
        diesel::update(row).set(deleted_resources::purging.eq(true)).execute(tx.db)?;
        return Ok(PurgeStep::More);
    }
    diesel::delete(row).execute(tx.db)?;
    Ok(PurgeStep::Purged)
}

/// Empties rows of the change log of a resource. Returns whether there may be more.
fn empty_history(tx: &mut Tx<'_>, tenant: Id, id: Id) -> QueryResult<bool> {
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
        .load(tx.db)?;
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
        .execute(tx.db)?;
    Ok(is_more)
}

/// Removes memberships of a deleted group. Returns whether there may be more.
fn remove_hidden_members(tx: &mut Tx<'_>, tenant: Id, group: Id) -> QueryResult<bool> {
    let rows = group_members::table
        .filter(group_members::tenant_id.eq(tenant).and(group_members::group_id.eq(group)));
    let members: Vec<Id> = rows.select(group_members::member_id).limit(AT_ONCE).load(tx.db)?;
    let is_more = members.len() == AT_ONCE as usize;
    diesel::delete(rows.filter(group_members::member_id.eq_any(members))).execute(tx.db)?;
    Ok(is_more)
}
