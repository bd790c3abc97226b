//! Whether the clock can be trusted with deleting what is old (`docs/adr/0030`).
//!
//! A clock that is weeks ahead makes everything look old. So the latest time that was seen is kept
//! in the database, and after a jump nothing is deleted by its age until the clock has run steadily
//! for a day.

use crate::{
    data::model::StoreError,
    data::sql::{Bind, Common, Statement, sql},
    engine::Engine,
    jobs::admission::line::Line,
    jobs::lane::Lane,
    store::Store,
};
use diesel::{OptionalExtension, RunQueryDsl, sql_types::BigInt};
use scim::Timestamp;

const DAY: i64 = 86_400_000;
/// A longer step, ahead or back, is a jump. A process that did not run for longer cannot tell its
/// absence from a jump.
const JUMP: i64 = DAY;
/// How long the clock must run without a jump.
const STEADY: i64 = DAY;
/// How old the stored time may get before it is written again.
const WRITTEN_EVERY: i64 = 60_000;

/// What is known of the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ObservedClock {
    /// Whether it has run without a jump for a day.
    pub is_steady: bool,
    /// The jump that was seen just now, in milliseconds: negative if the clock went back.
    pub jump: Option<i64>,
}

/// The row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct ClockRow {
    seen: i64,
    steady_since: i64,
}

/// The row after a look at the clock, and the jump if there was one.
fn observe(before: Option<ClockRow>, now: i64) -> (ClockRow, Option<i64>) {
    // A database that has no row is new, or from before there was one: nothing tells that its clock
    // is wrong.
    let Some(before) = before else { return (ClockRow { seen: now, steady_since: i64::MIN }, None) };
    let step = now.saturating_sub(before.seen);
    match step.abs() > JUMP {
        true => (ClockRow { seen: now, steady_since: now }, Some(step)),
        false => (ClockRow { seen: before.seen.max(now), ..before }, None),
    }
}

impl Store {
    /// Notes the time, and says whether what is old by it may be deleted. Processes whose clocks
    /// are days apart keep each other from it.
    ///
    /// # Errors
    /// Faults of the database.
    pub async fn observe_clock(&self, now: Timestamp) -> Result<ObservedClock, StoreError> {
        let work = move |engine: &dyn Engine| {
            let before = engine.read(|tx| the_row().get_result(tx.db).optional())?.map(row);
            let (after, jump) = observe(before, now.0);
            let is_worth_a_write = before.is_none_or(|before| {
                jump.is_some() || after.seen.saturating_sub(before.seen) >= WRITTEN_EVERY
            });
            if is_worth_a_write {
                engine.write_one(|tx| set_the_row(&after).execute(tx.db))?;
            }
            let is_steady = now.0.saturating_sub(after.steady_since) >= STEADY;
            Ok(ObservedClock { is_steady, jump })
        };
        self.ask_in(Lane::Operators, Line::Process, work).await
    }
}

/// The one row, if it is there.
fn the_row() -> Common<(BigInt, BigInt)> {
    Statement::cached(sql!("SELECT seen, steady_since FROM clock WHERE id = 1"))
}

fn set_the_row(row: &ClockRow) -> Common<()> {
    Statement::cached(sql!(
        "INSERT INTO clock (id, seen, steady_since) VALUES (1, ",
        Bind::number(row.seen),
        ", ",
        Bind::number(row.steady_since),
        ") ON CONFLICT (id) DO UPDATE SET seen = excluded.seen, steady_since = excluded.steady_since"
    ))
}

fn row((seen, steady_since): (i64, i64)) -> ClockRow {
    ClockRow { seen, steady_since }
}
