//! What a store counts of its own work, for metrics.

use crate::{jobs::admission::weight::Weight, jobs::lane::Lane};
use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

/// The upper bounds of the buckets of a [`Distribution`] of times, in seconds; the last bucket has none.
pub const TIMES: [f64; 12] =
    [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.0, 10.0];
/// The same, of counts.
pub const COUNTS: [f64; 12] = [1.0, 2.0, 4.0, 8.0, 16.0, 24.0, 32.0, 48.0, 64.0, 128.0, 256.0, 1000.0];

/// How values are distributed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Distribution {
    /// How many values are in each bucket; the last one holds those above all bounds.
    pub buckets: [u64; 13],
    /// Their sum.
    pub sum: f64,
}

/// The connections of a lane to the database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Connections {
    /// Those that are open.
    pub open: u64,
    /// Those on which a job runs.
    pub busy: u64,
}

impl From<r2d2::State> for Connections {
    fn from(state: r2d2::State) -> Self {
        let busy = state.connections.saturating_sub(state.idle_connections);
        Connections { open: state.connections.into(), busy: busy.into() }
    }
}

/// What one lane has done since the start.
#[derive(Clone, Debug, PartialEq)]
pub struct LaneFigures {
    /// Which lane.
    pub lane: Lane,
    /// Its connections now.
    pub connections: Connections,
    /// Jobs that wait now, and requests that wait for the job of another.
    pub depth: u64,
    /// How long jobs have waited for a thread, in seconds.
    pub waited: Distribution,
    /// How long the database has worked on a job or batch, in seconds.
    pub worked: Distribution,
    /// Jobs of a batch.
    pub batch: Distribution,
    /// Units of work that were estimated.
    pub weight: u64,
    /// Units of work above the estimate.
    pub extra: u64,
    /// Jobs that were ended, or not begun, since nobody waited for them any more.
    pub cancelled: u64,
    /// Jobs that missed their deadline.
    pub late: u64,
}

/// The counters behind [`LaneFigures`].
#[derive(Debug)]
pub(crate) struct Counters {
    waited: Buckets,
    worked: Buckets,
    batch: Buckets,
    weight: AtomicU64,
    extra: AtomicU64,
    cancelled: AtomicU64,
    late: AtomicU64,
}

#[derive(Debug)]
struct Buckets {
    bounds: &'static [f64; 12],
    counts: [AtomicU64; 13],
    /// In millionths.
    sum: AtomicU64,
}

impl Buckets {
    fn new(bounds: &'static [f64; 12]) -> Buckets {
        Buckets { bounds, counts: Default::default(), sum: AtomicU64::new(0) }
    }

    fn note(&self, value: f64) {
        let bucket = self.bounds.iter().position(|bound| value <= *bound).unwrap_or(self.bounds.len());
        self.counts[bucket].fetch_add(1, Relaxed);
        self.sum.fetch_add((value * 1e6) as u64, Relaxed);
    }

    fn read(&self) -> Distribution {
        let buckets = std::array::from_fn(|bucket| self.counts[bucket].load(Relaxed));
        Distribution { buckets, sum: self.sum.load(Relaxed) as f64 / 1e6 }
    }
}

impl Default for Counters {
    fn default() -> Self {
        Counters {
            waited: Buckets::new(&TIMES),
            worked: Buckets::new(&TIMES),
            batch: Buckets::new(&COUNTS),
            weight: AtomicU64::new(0),
            extra: AtomicU64::new(0),
            cancelled: AtomicU64::new(0),
            late: AtomicU64::new(0),
        }
    }
}

impl Counters {
    /// A job has got a thread.
    pub(crate) fn taken(&self, weight: Weight, waited: Duration) {
        self.weight.fetch_add(weight.0.into(), Relaxed);
        self.waited.note(waited.as_secs_f64());
    }

    /// The database has worked on `jobs` jobs together.
    pub(crate) fn worked(&self, jobs: usize, time: Duration, extra: Weight) {
        self.worked.note(time.as_secs_f64());
        self.batch.note(jobs as f64);
        self.extra.fetch_add(extra.0.into(), Relaxed);
    }

    pub(crate) fn cancelled(&self) {
        self.cancelled.fetch_add(1, Relaxed);
    }

    pub(crate) fn late(&self) {
        self.late.fetch_add(1, Relaxed);
    }

    pub(crate) fn read(&self, lane: Lane, depth: usize, connections: Connections) -> LaneFigures {
        LaneFigures {
            lane,
            connections,
            depth: depth as u64,
            waited: self.waited.read(),
            worked: self.worked.read(),
            batch: self.batch.read(),
            weight: self.weight.load(Relaxed),
            extra: self.extra.load(Relaxed),
            cancelled: self.cancelled.load(Relaxed),
            late: self.late.load(Relaxed),
        }
    }
}
