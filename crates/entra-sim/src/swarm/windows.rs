//! Latency in the course of a load: that of all tenants together, one window of time after the other.

use super::record::{histogram, micros};
use super::report::Percentiles;
use hdrhistogram::Histogram;
use serde::Serialize;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Most windows, an hour of seconds; what is due behind the last one is in none.
const MOST: usize = 3_600;

/// The latency of what was due in one window of time.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Window {
    /// When it begins, in seconds since the start.
    pub from: f64,
    /// From the moment at which a request was due to the end of its answer.
    pub latency: Percentiles,
}

/// Windows of one length, from the start on.
pub(super) struct Windows {
    length: Duration,
    all: Mutex<Vec<Histogram<u64>>>,
}

impl Windows {
    /// None yet.
    pub(super) fn new(length: Duration) -> Windows {
        Windows { length, all: Mutex::default() }
    }

    fn all(&self) -> MutexGuard<'_, Vec<Histogram<u64>>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a request that was due so long after the start.
    pub(super) fn note(&self, due: Duration, latency: Duration) {
        let nth = (due.as_secs_f64() / self.length.as_secs_f64()) as usize;
        if nth < MOST {
            let mut all = self.all();
            if all.len() <= nth {
                all.resize_with(nth + 1, histogram);
            }
            all[nth].saturating_record(micros(latency));
        }
    }

    /// What was noted, in the order of time; a window in which nothing was due has a count of 0.
    pub(super) fn results(&self) -> Vec<Window> {
        let window = |(nth, times): (usize, &Histogram<u64>)| Window {
            from: self.length.as_secs_f64() * nth as f64,
            latency: Percentiles::of(times),
        };
        self.all().iter().enumerate().map(window).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_counts_where_it_was_due_and_not_where_it_ended() {
        let windows = Windows::new(Duration::from_millis(500));
        windows.note(Duration::from_millis(499), Duration::from_secs(3));
        windows.note(Duration::from_millis(1000), Duration::from_millis(2));
        windows.note(Duration::from_millis(1499), Duration::from_millis(4));
        windows.note(Duration::from_secs(500_000), Duration::from_secs(1));
        let seen: Vec<_> =
            windows.results().iter().map(|window| (window.from, window.latency.count)).collect();
        assert_eq!(seen, [(0.0, 1), (0.5, 0), (1.0, 2)]);
        let max = windows.results()[2].latency.max;
        assert!((3.9..4.1).contains(&max), "{max}");
    }
}
