//! After a jump of the clock it is not trusted for a day, whichever process has seen the jump.

use crate::{backend::Backend, on_both_databases};
use scim::Timestamp;
use store::{ObservedClock, Store};

on_both_databases!(
    a_clock_that_jumps_is_steady_again_after_a_day,
    a_clock_that_runs_stays_steady,
    processes_with_different_clocks_trust_neither,
);

const NOW: i64 = 1_795_521_600_000;
const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

/// Whether the clock is steady, and the jump in days.
async fn observe(store: &Store, at: i64) -> (bool, Option<i64>) {
    let ObservedClock { is_steady, jump } = store.observe_clock(Timestamp(at)).await.unwrap();
    // What was seen is written once a minute, so a jump is known to the minute.
    (is_steady, jump.map(|millis| (millis as f64 / DAY as f64).round() as i64))
}

async fn a_clock_that_jumps_is_steady_again_after_a_day(backend: Backend) {
    let store = &backend.store;
    let jumped = NOW + 31 * DAY;
    for (at, expected) in [
        (NOW, (true, None)),
        (jumped, (false, Some(31))),
        (jumped + 1, (false, None)),
        (jumped + DAY - 1, (false, None)),
        (jumped + DAY, (true, None)),
        // And back.
        (NOW + 2 * DAY, (false, Some(-30))),
        (NOW + 3 * DAY - 1, (false, None)),
        (NOW + 3 * DAY, (true, None)),
    ] {
        assert_eq!(observe(store, at).await, expected, "{at}");
        // Another process, or this one after a restart, knows the same.
        let (is_steady, _) = expected;
        assert_eq!(observe(&backend.open_again(), at).await, (is_steady, None), "{at}");
    }
}

async fn a_clock_that_runs_stays_steady(backend: Backend) {
    let mut at = NOW;
    // Seconds, a night without a process, a clock that is set back a little.
    for step in [0, 1_000, 59_000, 60_000, HOUR, DAY, -HOUR, DAY, 1] {
        at += step;
        assert_eq!(observe(&backend.store, at).await, (true, None), "{step}");
    }
}

async fn processes_with_different_clocks_trust_neither(backend: Backend) {
    let (right, ahead) = (&backend.store, &backend.open_again());
    observe(right, NOW).await;
    for hours in 0..50 {
        for (store, at) in [(ahead, NOW + 31 * DAY), (right, NOW)] {
            let (is_steady, _) = observe(store, at + hours * HOUR).await;
            assert!(!is_steady, "{hours}");
        }
    }
    assert_eq!(observe(right, NOW + 49 * HOUR + DAY).await, (true, None));
}
