//! Lookup keys (`docs/adr/0024`): what a tenant has been seen to match on is found by keys, not by a scan.
//!
//! Which paths are in use is a row of the tenant's data, which every batch reads with the tenant's feed. A path is filled in
//! slices, which are work of the tenant; until then, and where there is none, a list is a scan.

mod find;
mod memory;
mod records;
mod together;

use find::Keys;
pub(crate) use memory::Memory;
use records::{ByKeys, NotBegun, PathRow, PathState};
pub(crate) use records::{Step, clear_path, end_path, lookup_path, paths_to_tend};
pub(crate) use together::SharedScans;

use crate::{
    control::Refused,
    data::model::{Listing, Page, StoreError, TenantId},
    data::sql::{listing, together::shape},
    engine::Engine,
    jobs::admission::{line::Line, weight::Weight},
    jobs::lane::Lane,
    store::Store,
    tx::Tx,
};
use scim::Timestamp;
use scim::lookup::Lookup;

/// After how much time without use a path ends, in milliseconds: 90 days.
const UNUSED: i64 = 90 * 24 * 3_600_000;

/// What a slice of work is estimated at: its time corrects that.
const SLICE: Weight = Weight(16);

impl Store {
    /// The page of a list that looks for a text by `eq`: by keys if they are complete, else by a scan that waiting lists share;
    /// `None` if the list needs a scan of its own.
    pub(crate) async fn list_by_lookup(
        &self,
        tenant: TenantId,
        asked: &Listing,
    ) -> Result<Option<Page>, StoreError> {
        let lookups = listing::lookups(asked);
        let Some(best) = lookups.first().map(|lookup| lookup.path.clone()) else { return Ok(None) };
        let mut found = self.list_by_keys(tenant, asked, &lookups, Keys::Few).await?;
        if matches!(found, ByKeys::TooMany) {
            // Many resources have the text, and reading them takes time.
            found = self.list_by_keys(tenant, asked, &lookups, Keys::Any).await?;
        }
        if let ByKeys::Page(page, path) = found {
            self.lookups.used(tenant, path);
            return Ok(Some(page));
        }
        // What operators look for by hand is nothing that a client matches on.
        if self.is_for_clients() {
            self.lookups.scanned(tenant, best);
        }
        match shape(asked) {
            Some(shape) => self.list_together(tenant, &shape, asked).await,
            None => Ok(None),
        }
    }

    async fn list_by_keys(
        &self,
        tenant: TenantId,
        asked: &Listing,
        lookups: &[Lookup],
        keys: Keys,
    ) -> Result<ByKeys, StoreError> {
        let is_quick = keys == Keys::Few;
        let scan = (!is_quick).then(|| self.scans.of(tenant));
        let admitted = self.admit(tenant, Weight::of_listing(asked, scan)).await?;
        let (asked, lookups) = (asked.clone(), lookups.to_vec());
        let work = move |engine: &dyn Engine| {
            engine.snapshot(|tx| records::list_by_keys(tx, tenant, &asked, &lookups, keys))
        };
        let weigh = |found: &ByKeys| match found {
            ByKeys::Page(page, _) => Weight::of_page(page),
            ByKeys::TooMany | ByKeys::Scan => Weight::ONE,
        };
        self.threads.run(if is_quick { Lane::Quick } else { Lane::Slow }, admitted, work, weigh).await
    }

    /// Keeps the lookup keys of all tenants: begins to keep those that several scans have asked for, fills them by a slice
    /// each, removes those that nobody has used for 90 days. `true`: there is more to do at once. Any number of processes
    /// may do it.
    ///
    /// # Errors
    /// The first fault of the database. What is left undone is done by a later call.
    pub async fn tend_lookups(&self, now: Timestamp) -> Result<bool, StoreError> {
        for (tenant, path, uses) in self.lookups.take_uses() {
            let note = move |tx: &mut Tx<'_>| records::note_uses_of_path(tx, tenant, path, uses, now);
            self.write_one(Lane::Operators, Line::Process, note).await?;
        }
        for wanted in self.lookups.take_wanted() {
            let tenant = wanted.tenant;
            let begin = move |tx: &mut Tx<'_>| records::begin_path(tx, &wanted, now);
            match self.write_or_refuse(Lane::Operators, Line::Process, begin).await {
                Ok(()) | Err(Refused::Because(NotBegun)) => {}
                Err(Refused::Failed(error)) => return Err(error),
            }
            self.lookups.forget(tenant);
        }
        // After a jump of the clock everything seems unused.
        let is_steady = self.observe_clock(now).await?.is_steady;
        let unused = Timestamp(if is_steady { now.0.saturating_sub(UNUSED) } else { i64::MIN });
        let due = self.read(Lane::Operators, Line::Process, move |tx| paths_to_tend(tx, unused)).await?;
        let (mut is_more, mut fault) = (false, None);
        for (tenant, row) in due {
            // One tenant's trouble does not keep the others'.
            match self.tend(tenant, row).await {
                Ok(step) => is_more |= step == Step::More,
                Err(error) => fault = fault.or(Some(error)),
            }
        }
        fault.map_or(Ok(is_more), Err)
    }

    /// A slice of the work on one path: work of its tenant, in the tenant's line.
    async fn tend(&self, tenant: TenantId, row: PathRow) -> Result<Step, StoreError> {
        let admitted = self.for_clients().admit(tenant, SLICE).await?;
        let work = move |engine: &dyn Engine| match row.state {
            PathState::Filling => records::fill_path(engine, tenant, &row),
            PathState::Filled => engine.write(|tx| end_path(tx, tenant, row.id)).map(|()| Step::More),
            PathState::Ending => engine.write(|tx| clear_path(tx, tenant, row.id)),
        };
        self.threads.run(Lane::Slow, admitted, work, |_| Weight::ONE).await
    }
}
