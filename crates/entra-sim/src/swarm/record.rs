//! What was measured of one tenant.

use super::mix::Operation;
use hdrhistogram::Histogram;
use std::collections::BTreeMap;
use std::time::Duration;

/// Longest time that is told apart, in microseconds: ten minutes.
const LONGEST: u64 = 600_000_000;
/// Two significant digits: a percentile is right to 1 %, and a thousand tenants fit in memory.
const DIGITS: u8 = 2;

/// Latencies and errors of one tenant.
#[derive(Clone, Debug)]
pub(super) struct Record {
    /// From the moment at which the request was due to the end of its answer, by operation, in microseconds.
    pub latency: [Histogram<u64>; Operation::ALL.len()],
    /// From the sending to the end of the answer, in microseconds: what a closed loop would have seen.
    pub service: Histogram<u64>,
    /// How late the swarm itself woke for a request that no other one held up, in microseconds.
    pub lag: Histogram<u64>,
    /// Wrong statuses, and troubles without a status, by operation and word.
    pub errors: BTreeMap<(Operation, String), u64>,
    /// Requests that were due but not sent when the run had to end.
    pub unsent: u64,
}

impl Default for Record {
    fn default() -> Record {
        Record {
            latency: std::array::from_fn(|_| histogram()),
            service: histogram(),
            lag: histogram(),
            errors: BTreeMap::new(),
            unsent: 0,
        }
    }
}

impl Record {
    /// Notes one request that was due `latency` and sent `service` before its end.
    pub(super) fn note(&mut self, operation: Operation, latency: Duration, service: Duration) {
        self.latency[operation as usize].saturating_record(micros(latency));
        self.service.saturating_record(micros(service));
    }

    /// Notes that it went wrong.
    pub(super) fn note_error(&mut self, operation: Operation, word: String) {
        *self.errors.entry((operation, word)).or_default() += 1;
    }

    /// Notes how late the swarm woke.
    pub(super) fn note_lag(&mut self, lag: Duration) {
        self.lag.saturating_record(micros(lag));
    }

    /// How many requests ended, well or not.
    pub(super) fn requests(&self) -> u64 {
        self.latency.iter().map(Histogram::len).sum()
    }

    /// How many of them went wrong.
    pub(super) fn failed(&self) -> u64 {
        self.errors.values().sum()
    }

    /// The latencies of all operations.
    pub(super) fn all_latencies(&self) -> Histogram<u64> {
        merged(self.latency.iter())
    }
}

/// The sum of histograms.
pub(super) fn merged<'a>(parts: impl Iterator<Item = &'a Histogram<u64>>) -> Histogram<u64> {
    let mut sum = histogram();
    for part in parts {
        // All have the same bounds, so nothing is out of them.
        let _ = sum.add(part);
    }
    sum
}

pub(super) fn histogram() -> Histogram<u64> {
    // Constant bounds, which are valid; the other arm has no bounds but its digits.
    Histogram::new_with_bounds(1, LONGEST, DIGITS)
        .unwrap_or_else(|_| unreachable!("constant bounds are valid"))
}

pub(super) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(LONGEST)
}
