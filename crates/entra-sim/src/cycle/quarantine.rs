//! Quarantine: when a job has failed too much, and when it is tried again.

use jiff::{SignedDuration, Timestamp};

use crate::job::Thresholds;
use crate::report::status::{JobFault, Quarantine, QuarantineReason};

/// What a cycle is judged by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Events {
    /// Failures, reference failures not counted.
    pub failures: u64,
    /// Failures of managers and members.
    pub reference_failures: u64,
    /// Everything that succeeded.
    pub successes: u64,
}

/// Whether so many failures put the job in quarantine, and why.
pub fn judge(events: Events, thresholds: &Thresholds) -> Option<QuarantineReason> {
    let Events { failures, reference_failures, successes } = events;
    if failures + reference_failures > thresholds.total {
        return Some(QuarantineReason::EncounteredTotalEscrowThreshold);
    }
    if failures < thresholds.evaluated_from {
        return None;
    }
    if failures > thresholds.base {
        return Some(QuarantineReason::EncounteredBaseEscrowThreshold);
    }
    let share = (failures * 100) > (failures + successes) * thresholds.percent;
    share.then_some(QuarantineReason::EncounteredEscrowProportionThreshold)
}

/// The job is disabled after this time in quarantine.
pub const LONGEST: SignedDuration = SignedDuration::from_hours(28 * 24);

/// When a job in quarantine is tried next: 6, 12 and 24 hours after the first failure, then every 24 hours.
pub fn next_attempt(series_began: Timestamp, now: Timestamp) -> Timestamp {
    let passed = now.duration_since(series_began).as_hours();
    let hours = match passed {
        ..6 => 6,
        6..12 => 12,
        _ => (passed / 24 + 1) * 24,
    };
    series_began.saturating_add(SignedDuration::from_hours(hours)).unwrap_or(now)
}

/// The quarantine after another bad cycle.
pub fn impose(
    before: Option<&Quarantine>,
    reason: QuarantineReason,
    error: JobFault,
    now: Timestamp,
) -> Quarantine {
    let series_began = before.map_or(now, |before| before.series_began);
    Quarantine {
        current_began: now,
        next_attempt: next_attempt(series_began, now),
        reason,
        series_began,
        series_count: before.map_or(0, |before| before.series_count + 1),
        error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(failures: u64, reference_failures: u64, successes: u64) -> Option<QuarantineReason> {
        judge(Events { failures, reference_failures, successes }, &Thresholds::default())
    }

    #[test]
    fn the_examples_of_microsoft() {
        assert_eq!(judged(4_000, 0, 0), None);
        assert_eq!(judged(45_000, 0, 1_000_000), Some(QuarantineReason::EncounteredBaseEscrowThreshold));
        assert_eq!(judged(30_000, 0, 5_000), Some(QuarantineReason::EncounteredEscrowProportionThreshold));
        assert_eq!(judged(20_000, 0, 100_000), None);
        assert_eq!(judged(40_000, 21_000, 0), Some(QuarantineReason::EncounteredTotalEscrowThreshold));
    }

    #[test]
    fn the_edges() {
        assert_eq!(judged(4_999, 50_000, 0), None, "reference failures do not make a job be judged");
        assert_eq!(judged(5_000, 0, 7_500), None, "exactly 40 % is not more");
        assert!(judged(5_000, 0, 7_499).is_some());
        assert_eq!(judged(40_000, 20_000, 60_000), None, "exactly 60,000 and 40 % are not more");
    }

    #[test]
    fn attempts_come_after_6_12_24_hours_and_then_daily() {
        let began = Timestamp::UNIX_EPOCH;
        let at = |hours: i64| began + SignedDuration::from_hours(hours);
        let hours = |now: i64| next_attempt(began, at(now)).duration_since(began).as_hours();
        assert_eq!([0, 6, 12, 24, 48].map(hours), [6, 12, 24, 48, 72]);
    }

    #[test]
    fn a_series_keeps_its_beginning() {
        let error = JobFault { code: "x".to_owned(), message: String::new(), tenant_actionable: true };
        let first = impose(None, QuarantineReason::TooManyDeletes, error.clone(), Timestamp::UNIX_EPOCH);
        let later = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(6);
        let second = impose(Some(&first), QuarantineReason::Unknown, error, later);
        assert_eq!((second.series_began, second.series_count), (Timestamp::UNIX_EPOCH, 1));
        assert_eq!((second.current_began, second.reason), (later, QuarantineReason::Unknown));
    }
}
