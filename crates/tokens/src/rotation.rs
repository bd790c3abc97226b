//! How far a rotation is, judged by evidence: what was seen of the old credential and of the new one.

use scim::Timestamp;
use std::time::Duration;
use store::{CredentialKind, Outcome, Rotation, Seen};

/// A credential as its rotation sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotating {
    /// How people speak of it.
    pub key_id: String,
    /// When it was issued.
    pub created: Timestamp,
    /// From when on it is refused.
    pub expires: Option<Timestamp>,
    /// Since when it is revoked, itself or with its client.
    pub revoked: Option<Timestamp>,
    /// What is known of its use.
    pub seen: Option<Seen>,
}

impl Rotating {
    /// When it ended, if it has.
    fn ended(&self, now: Timestamp) -> Option<Timestamp> {
        let expired = self.expires.filter(|end| *end <= now);
        [self.revoked, expired].into_iter().flatten().min()
    }
}

/// How far a rotation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RotationState {
    /// The new credential was never used.
    Waiting,
    /// The new one was used, and the old one lately too.
    BothInUse,
    /// The old one has been silent since this time, and it is safe to end it at that.
    OldSilent {
        /// Its last use, or the first one of the new credential if that was later.
        since: Timestamp,
        /// When it will have been silent long enough.
        safe_at: Timestamp,
    },
    /// The old one has been silent for as long as it takes; nothing breaks when it ends.
    Safe {
        /// As above.
        since: Timestamp,
        /// Whether the new one has been silent for as long as well: whoever uses them may have stopped altogether, and
        /// still hold the old one.
        is_quiet: bool,
    },
    /// The old one has ended.
    Completed {
        /// When.
        at: Timestamp,
    },
    /// The new one has ended.
    Cancelled {
        /// When.
        at: Timestamp,
    },
}

/// Judges a rotation by what was seen until `now`. `silence` is how long the old credential must not be used: two cycles of
/// Entra, which come every 40 minutes.
///
/// What has happened to the credentials counts, whoever did it: a rotation whose old one was revoked otherwise, or has
/// expired, is completed; one whose new one has ended is cancelled.
pub fn judge(
    rotation: &Rotation,
    old: &Rotating,
    new: &Rotating,
    silence: Duration,
    now: Timestamp,
) -> RotationState {
    match rotation.ended {
        Some((at, Outcome::Completed)) => return RotationState::Completed { at },
        Some((at, Outcome::Cancelled)) => return RotationState::Cancelled { at },
        None => {}
    }
    if let Some(at) = new.ended(now) {
        return RotationState::Cancelled { at };
    }
    if let Some(at) = old.ended(now) {
        return RotationState::Completed { at };
    }
    let Some(new_seen) = &new.seen else { return RotationState::Waiting };
    let silence = i64::try_from(silence.as_millis()).unwrap_or(i64::MAX);
    let old_last = old.seen.as_ref().map(|seen| seen.last);
    let since = old_last.map_or(new_seen.first, |last| last.max(new_seen.first));
    let silent_for = now.0.saturating_sub(since.0);
    if silent_for >= silence {
        let is_quiet = now.0.saturating_sub(new_seen.last.0) >= silence;
        return RotationState::Safe { since, is_quiet };
    }
    // Used after the new one was seen, and not a cycle ago.
    if old_last.is_some_and(|last| last > new_seen.first) && silent_for < silence / 2 {
        return RotationState::BothInUse;
    }
    RotationState::OldSilent { since, safe_at: Timestamp(since.0.saturating_add(silence)) }
}

impl RotationState {
    /// A word for programs.
    pub fn as_str(self) -> &'static str {
        match self {
            RotationState::Waiting => "waiting",
            RotationState::BothInUse => "both-in-use",
            RotationState::OldSilent { .. } => "old-silent",
            RotationState::Safe { .. } => "safe",
            RotationState::Completed { .. } => "completed",
            RotationState::Cancelled { .. } => "cancelled",
        }
    }

    /// The words of those that are not over, in the order of the way.
    pub const UNDER_WAY: [&'static str; 4] = ["waiting", "both-in-use", "old-silent", "safe"];

    /// Whether there is nothing left to do.
    pub fn is_over(self) -> bool {
        matches!(self, RotationState::Completed { .. } | RotationState::Cancelled { .. })
    }

    /// Whether the old credential can end without harm, as far as can be seen.
    pub fn is_safe(self) -> bool {
        matches!(self, RotationState::Safe { .. })
    }

    /// Whether it may be completed without anybody looking: not while nobody is seen at all.
    pub fn completes_by_itself(self) -> bool {
        matches!(self, RotationState::Safe { is_quiet: false, .. })
    }

    /// The state in words, with its times; `kind` is that of the two credentials.
    pub fn words(self, kind: CredentialKind) -> String {
        let what = match kind {
            CredentialKind::SecretToken => "token",
            CredentialKind::ClientSecret | CredentialKind::Federation => "secret",
        };
        match self {
            RotationState::Waiting => format!("Waiting for the new {what}"),
            RotationState::BothInUse => "Both in use".to_owned(),
            RotationState::OldSilent { since, safe_at } => {
                format!("Old {what} silent since {}, safe at {}", since.to_rfc3339(), safe_at.to_rfc3339())
            }
            RotationState::Safe { is_quiet: false, .. } => "Safe to complete".to_owned(),
            RotationState::Safe { is_quiet: true, .. } => "Safe to complete, but nobody is seen".to_owned(),
            RotationState::Completed { .. } => "Completed".to_owned(),
            RotationState::Cancelled { .. } => "Cancelled".to_owned(),
        }
    }

    /// What to do next, for the one who looks at it.
    pub fn advice(self) -> &'static str {
        match self {
            RotationState::Waiting => {
                "Give the new one to the customer's administrator, who pastes it into Entra, presses Test Connection and \
                 saves."
            }
            RotationState::BothInUse => {
                "The new one was seen, but the old one is still in use: the administrator may have tested it without \
                 saving, or uses the old one in a second application."
            }
            RotationState::OldSilent { .. } => {
                "Wait: Entra comes every 40 minutes, and the old one must be silent for two of its cycles."
            }
            RotationState::Safe { is_quiet: false, .. } => "Complete it: nobody uses the old one any more.",
            RotationState::Safe { is_quiet: true, .. } => {
                "Make sure that provisioning runs: neither of the two was used lately, and Entra may still hold the old one."
            }
            RotationState::Completed { .. } => "Nothing: the old one has ended.",
            RotationState::Cancelled { .. } => "Nothing: the new one has ended, the old one stays.",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use store::TenantId;
    use uuid::Uuid;

    const SILENCE: Duration = Duration::from_secs(80 * 60);

    /// Minutes after a start.
    fn minute(minutes: i64) -> Timestamp {
        Timestamp(1_795_521_600_000).plus_seconds(minutes * 60)
    }

    fn rotation() -> Rotation {
        Rotation {
            id: Uuid::from_u128(1),
            tenant: TenantId(Uuid::from_u128(2)),
            kind: CredentialKind::SecretToken,
            old: Uuid::from_u128(3),
            old_key_id: "old".to_owned(),
            new: Uuid::from_u128(4),
            new_key_id: "new".to_owned(),
            started: minute(0),
            is_automatic: false,
            ended: None,
        }
    }

    /// Used first and last at these minutes.
    fn used(times: Option<(i64, i64)>) -> Rotating {
        Rotating {
            key_id: "key".to_owned(),
            created: minute(-1000),
            expires: None,
            revoked: None,
            seen: times.map(|(first, last)| Seen {
                first: minute(first),
                last: minute(last),
                from: None,
                doing: None,
            }),
        }
    }

    fn words(old: &Rotating, new: &Rotating, now: i64) -> String {
        judge(&rotation(), old, new, SILENCE, minute(now)).words(CredentialKind::SecretToken)
    }

    #[test]
    fn evidence_decides() {
        let silent = |since, safe| {
            format!(
                "Old token silent since {}, safe at {}",
                minute(since).to_rfc3339(),
                minute(safe).to_rfc3339()
            )
        };
        let waiting = "Waiting for the new token".to_owned();
        let (both, safe) = ("Both in use".to_owned(), "Safe to complete".to_owned());
        for (old, new, now, expected) in [
            // The old one goes on, whatever time passes.
            (Some((-500, 5)), None, 6, waiting.clone()),
            (Some((-500, -400)), None, 1000, waiting.clone()),
            (None, None, 1000, waiting),
            // Test Connection at 10, saved; the next cycles come with the new one.
            (Some((-500, 5)), Some((10, 10)), 10, silent(10, 90)),
            (Some((-500, 5)), Some((10, 50)), 89, silent(10, 90)),
            (Some((-500, 5)), Some((10, 50)), 90, safe.clone()),
            (Some((-500, 5)), Some((10, 90)), 90, safe.clone()),
            // Tested, not saved: the old one is back.
            (Some((-500, 40)), Some((10, 10)), 45, both.clone()),
            (Some((-500, 40)), Some((10, 10)), 79, both),
            (Some((-500, 40)), Some((10, 80)), 80, silent(40, 120)),
            (Some((-500, 40)), Some((10, 80)), 120, safe.clone()),
            // An old one that nobody ever used.
            (None, Some((10, 10)), 20, silent(10, 90)),
            (None, Some((10, 50)), 90, safe),
            // Nobody is seen any more.
            (Some((-500, 5)), Some((10, 10)), 90, "Safe to complete, but nobody is seen".to_owned()),
            (Some((-500, 5)), Some((10, 50)), 130, "Safe to complete, but nobody is seen".to_owned()),
        ] {
            assert_eq!(words(&used(old), &used(new), now), expected, "{old:?} {new:?} at {now}");
        }
    }

    #[test]
    fn what_has_ended_ends_the_rotation() {
        let (old, new) = (used(Some((-500, 5))), used(Some((10, 20))));
        let expiring = |credential: &Rotating| Rotating { expires: Some(minute(30)), ..credential.clone() };
        let revoked = |credential: &Rotating| Rotating { revoked: Some(minute(25)), ..credential.clone() };
        let at = |old: &Rotating, new: &Rotating, now| judge(&rotation(), old, new, SILENCE, minute(now));
        assert!(matches!(at(&expiring(&old), &new, 29), RotationState::OldSilent { .. }));
        assert_eq!(at(&expiring(&old), &new, 30), RotationState::Completed { at: minute(30) });
        assert_eq!(at(&revoked(&expiring(&old)), &new, 40), RotationState::Completed { at: minute(25) });
        assert_eq!(at(&old, &expiring(&new), 30), RotationState::Cancelled { at: minute(30) });
        assert_eq!(at(&revoked(&old), &revoked(&new), 30), RotationState::Cancelled { at: minute(25) });
        // Once it has ended, it stays so.
        for (outcome, words) in [(Outcome::Completed, "Completed"), (Outcome::Cancelled, "Cancelled")] {
            let ended = Rotation { ended: Some((minute(12), outcome)), ..rotation() };
            let state = judge(&ended, &old, &revoked(&new), SILENCE, minute(40));
            assert_eq!(state.words(CredentialKind::ClientSecret), words);
        }
    }

    #[test]
    fn only_what_is_safe_beyond_doubt_completes_by_itself() {
        for (new, now, is_safe, by_itself) in [
            (None, 500, false, false),
            (Some((10, 50)), 89, false, false),
            (Some((10, 50)), 90, true, true),
            (Some((10, 10)), 90, true, false),
        ] {
            let state = judge(&rotation(), &used(Some((-500, 5))), &used(new), SILENCE, minute(now));
            assert_eq!(
                (state.is_safe(), state.completes_by_itself()),
                (is_safe, by_itself),
                "{new:?} at {now}"
            );
            assert!(!state.is_over() && RotationState::UNDER_WAY.contains(&state.as_str()));
        }
    }
}
