//! [`Weight`]: what a job costs, estimated before it runs and corrected after it.

use crate::{
    data::model::{Action, Change, From, Listing, Page, Row},
    engine::Lookup,
};
use std::{iter::Sum, ops::AddAssign, time::Duration};

/// What a job costs, in units of work: one unit is what an ordinary lookup or change costs, about 0.1 ms of a
/// database thread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Weight(pub(crate) u32);

/// How long a thread works for one unit.
const UNIT: Duration = Duration::from_micros(100);
/// How many ids of a change, and rows of an answer, make a unit.
const IDS: usize = 16;
/// How many times heavier a job can turn out by its time than its ids, rows and bytes say.
const BY_TIME: u32 = 16;
/// How many bytes make a unit.
const BYTES: usize = 4096;

impl Weight {
    /// An ordinary lookup or change.
    pub(crate) const ONE: Weight = Weight(1);

    fn of(units: usize) -> Weight {
        Weight(u32::try_from(units).unwrap_or(u32::MAX).max(1))
    }

    /// What a change will cost: its ids, the members that it touches unnamed, and its bytes.
    pub(crate) fn of_change(change: &Change) -> Weight {
        let all_members = usize::try_from(change.member_count).unwrap_or(usize::MAX);
        let (ids, bytes) = match &change.action {
            Action::Create { document, members } => (members.len(), document.json.len()),
            Action::Update { before, document, members, .. } => {
                let document = document.as_ref().map_or(0, |document| document.json.len());
                let before = before.as_ref().map_or(0, |before| before.json.len());
                let unnamed = if members.clear { all_members } else { 0 };
                ((members.add.len() + members.remove.len()).saturating_add(unnamed), before + document)
            }
            Action::Delete { .. } | Action::Record => (0, 0),
            Action::Restore { document, groups, .. } => {
                (all_members.saturating_add(groups.len()), document.json.len())
            }
        };
        Weight::of(1 + ids / IDS + (bytes + change.effects.len()) / BYTES)
    }

    /// What a lookup will cost.
    pub(crate) fn of_lookup(_: &Lookup) -> Weight {
        Weight::ONE
    }

    /// What a listing will cost: the rows that it asks for, the rows that it skips, and `scan` if no index serves it
    /// ([`super::scans::ScanCosts`]).
    pub(crate) fn of_listing(listing: &Listing, scan: Option<Weight>) -> Weight {
        let rows = usize::try_from(listing.limit).unwrap_or(usize::MAX);
        let skipped = match &listing.from {
            From::Offset(offset) => usize::try_from(*offset).unwrap_or(usize::MAX),
            From::After(_) => 0,
        };
        let scan = scan.unwrap_or_default().0;
        let rows = Weight::of(1 + rows / IDS + skipped / (64 * IDS));
        Weight(rows.0.saturating_add(scan))
    }

    /// What a row of an answer has cost: its groups and its document.
    pub(crate) fn of_row(row: &Row) -> Weight {
        Weight::of(1 + row.groups.len() / IDS + row.document.len() / BYTES)
    }

    /// What a page has cost.
    pub(crate) fn of_page(page: &Page) -> Weight {
        let groups: usize = page.rows.iter().map(|row| row.groups.len()).sum();
        let bytes: usize = page.rows.iter().map(|row| row.document.len()).sum();
        Weight::of(1 + (page.rows.len() + groups) / IDS + bytes / BYTES)
    }

    /// What reading or writing `rows` rows costs.
    pub(crate) fn of_rows(rows: usize) -> Weight {
        Weight::of(rows / IDS)
    }

    /// What work on this number of bytes costs.
    pub(crate) fn of_bytes(bytes: usize) -> Weight {
        Weight::of(bytes / BYTES)
    }

    /// What a job has cost that kept a thread busy for this time.
    pub(crate) fn of_time(time: Duration) -> Weight {
        Weight(u32::try_from(time.as_nanos() / UNIT.as_nanos()).unwrap_or(u32::MAX))
    }

    /// What a job of this weight has cost by its time: at most [`BY_TIME`] times as much.
    pub(crate) fn by_time(self, time: Duration) -> Weight {
        Weight::of_time(time).min(Weight(self.0.saturating_mul(BY_TIME)))
    }

    /// What is left above another.
    pub(crate) fn above(self, other: Weight) -> Weight {
        Weight(self.0.saturating_sub(other.0))
    }
}

impl AddAssign for Weight {
    fn add_assign(&mut self, other: Weight) {
        self.0 = self.0.saturating_add(other.0);
    }
}

impl Sum for Weight {
    fn sum<I: Iterator<Item = Weight>>(weights: I) -> Weight {
        let mut sum = Weight::default();
        weights.for_each(|weight| sum += weight);
        sum
    }
}
