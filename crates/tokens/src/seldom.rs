//! Log lines that anybody on the network can cause: one a second is written, the others are
//! counted.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// The shortest time between two lines.
const INTERVAL: Duration = Duration::from_secs(1);

/// Decides which log lines of one kind are written. Metrics have the exact numbers.
#[derive(Debug, Default)]
pub struct Seldom(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    written: Option<Instant>,
    omitted: u64,
}

impl Seldom {
    /// Nothing is written yet.
    pub const fn new() -> Seldom {
        Seldom(Mutex::new(State { written: None, omitted: 0 }))
    }

    /// Whether to write a line now: `Some` with the number of lines that were left out since the
    /// last one, which the line must name, or `None` if this line is left out too.
    pub fn admit(&self, now: Instant) -> Option<u64> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.written.is_some_and(|written| now.saturating_duration_since(written) < INTERVAL) {
            state.omitted += 1;
            return None;
        }
        state.written = Some(now);
        Some(std::mem::take(&mut state.omitted))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_a_second_names_those_that_were_left_out() {
        let (seldom, start) = (Seldom::new(), Instant::now());
        for (millis, expected) in [
            (0, Some(0)),
            (0, None),
            (999, None),
            (1000, Some(2)),
            (1500, None),
            (9000, Some(1)),
            (60_000, Some(0)),
        ] {
            assert_eq!(seldom.admit(start + Duration::from_millis(millis)), expected, "{millis} ms");
        }
    }

    #[test]
    fn a_flood_writes_one_line_a_second() {
        let (seldom, start) = (Seldom::new(), Instant::now());
        let admitted = (0..10_000).filter_map(|n| seldom.admit(start + Duration::from_millis(n)));
        let (lines, omitted) = admitted.fold((0, 0), |(lines, omitted), more| (lines + 1, omitted + more));
        assert_eq!((lines, omitted), (10, 9 * 999));
    }
}
