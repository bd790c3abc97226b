//! Time as a value: real, compressed (40 minutes in seconds) or moved by hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

/// A source of simulated time. Cloning gives another handle on the same clock.
#[derive(Clone, Debug)]
pub struct Clock {
    start: Timestamp,
    kind: Kind,
    /// Nanoseconds added by hand or by waiting on a clock that stands still.
    moved: Arc<AtomicI64>,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Running { since: Instant, factor: f64 },
    Standing,
}

impl Clock {
    /// A clock that runs at the speed of the world and shows `start` now.
    pub fn real(start: Timestamp) -> Self {
        Self::compressed(start, 1.0)
    }

    /// A clock that runs `factor` times faster than the world: with 240, forty minutes pass in ten seconds.
    pub fn compressed(start: Timestamp, factor: f64) -> Self {
        let factor = if factor.is_finite() && factor > 0.0 { factor } else { 1.0 };
        Self { start, kind: Kind::Running { since: Instant::now(), factor }, moved: Arc::default() }
    }

    /// A clock that stands still until it is moved; waiting on it moves it and returns at once.
    pub fn standing(start: Timestamp) -> Self {
        Self { start, kind: Kind::Standing, moved: Arc::default() }
    }

    /// The simulated time.
    pub fn now(&self) -> Timestamp {
        let running = match self.kind {
            Kind::Running { since, factor } => since.elapsed().mul_f64(factor),
            Kind::Standing => Duration::ZERO,
        };
        let moved = SignedDuration::from_nanos(self.moved.load(Ordering::Relaxed));
        let running = SignedDuration::try_from(running).unwrap_or(SignedDuration::ZERO);
        self.start.saturating_add(running + moved).unwrap_or(self.start)
    }

    /// Moves the clock forward by hand.
    pub fn advance(&self, by: SignedDuration) {
        let nanos = i64::try_from(by.as_nanos()).unwrap_or(i64::MAX);
        self.moved.fetch_add(nanos, Ordering::Relaxed);
    }

    /// Waits until the clock shows `when`.
    pub async fn wait_until(&self, when: Timestamp) {
        let left = when.duration_since(self.now());
        if left <= SignedDuration::ZERO {
            return;
        }
        match self.kind {
            Kind::Running { factor, .. } => tokio::time::sleep(left.unsigned_abs().div_f64(factor)).await,
            Kind::Standing => self.advance(left),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn waiting_on_a_standing_clock_moves_it() {
        let clock = Clock::standing(Timestamp::UNIX_EPOCH);
        let later = Timestamp::from_second(2400).expect("in range");
        clock.wait_until(later).await;
        assert_eq!(clock.now(), later);
        clock.wait_until(Timestamp::UNIX_EPOCH).await;
        assert_eq!(clock.now(), later, "time does not run backwards");
    }

    #[test]
    fn a_copy_is_the_same_clock() {
        let clock = Clock::standing(Timestamp::UNIX_EPOCH);
        clock.clone().advance(SignedDuration::from_secs(5));
        assert_eq!(clock.now().as_second(), 5);
    }
}
