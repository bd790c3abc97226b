//! When a request is due: by the clock, whatever became of the one before (an open loop).

use std::time::{Duration, Instant};

/// When a tenant's requests are due, and when they end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// When the run starts.
    pub start: Instant,
    /// Requests a second; `None`: each as soon as the one before is answered.
    pub rate: Option<f64>,
    /// How far this tenant's first request is moved, in parts of its interval, so that tenants do not knock together.
    pub phase: f64,
    /// When it ends.
    pub until: Until,
}

/// When a run ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Until {
    /// After this time.
    Time(Duration),
    /// After so many requests of each tenant.
    Count(u64),
}

/// When one request is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// At that moment.
    At(Instant),
    /// As soon as possible.
    Now,
    /// Never: the run is over.
    Over,
}

impl Pace {
    /// When the request of that number (from 0) is due, asked at `now`.
    pub(super) fn due(&self, number: u64, now: Instant) -> Due {
        let is_over = match (self.until, self.rate) {
            (Until::Count(count), _) => number >= count,
            (Until::Time(time), Some(rate)) => number >= scheduled(rate, time),
            (Until::Time(time), None) => now >= self.start + time,
        };
        match self.rate {
            _ if is_over => Due::Over,
            Some(rate) => Due::At(self.start + Duration::from_secs_f64((number as f64 + self.phase) / rate)),
            None => Due::Now,
        }
    }

    /// How many requests are due in all, if that is known beforehand.
    pub(super) fn scheduled(&self) -> Option<u64> {
        match (self.until, self.rate) {
            (Until::Count(count), _) => Some(count),
            (Until::Time(time), Some(rate)) => Some(scheduled(rate, time)),
            (Until::Time(_), None) => None,
        }
    }

    /// When the last request is due, if that is known beforehand.
    pub(super) fn end(&self) -> Option<Instant> {
        match (self.until, self.rate) {
            (Until::Time(time), _) => Some(self.start + time),
            (Until::Count(count), Some(rate)) => {
                Some(self.start + Duration::from_secs_f64(count as f64 / rate))
            }
            (Until::Count(_), None) => None,
        }
    }
}

fn scheduled(rate: f64, time: Duration) -> u64 {
    (rate * time.as_secs_f64()).round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(rate: Option<f64>, until: Until) -> Pace {
        Pace { start: Instant::now(), rate, phase: 0.5, until }
    }

    #[test]
    fn a_rate_and_a_time_make_a_count() {
        let pace = pace(Some(25.0), Until::Time(Duration::from_secs(60)));
        assert_eq!(pace.scheduled(), Some(1_500));
        assert_eq!(pace.due(0, pace.start), Due::At(pace.start + Duration::from_millis(20)));
        assert_eq!(pace.due(50, pace.start), Due::At(pace.start + Duration::from_millis(2_020)));
        assert_eq!(pace.due(1_500, pace.start), Due::Over);
    }

    #[test]
    fn without_a_rate_the_clock_or_the_count_ends_it() {
        let timed = pace(None, Until::Time(Duration::from_secs(1)));
        assert_eq!(timed.due(1_000_000, timed.start), Due::Now);
        assert_eq!(timed.due(0, timed.start + Duration::from_secs(1)), Due::Over);
        let counted = pace(None, Until::Count(3));
        assert_eq!((counted.due(2, counted.start), counted.due(3, counted.start)), (Due::Now, Due::Over));
    }
}
