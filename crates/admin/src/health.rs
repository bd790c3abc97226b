//! Health of a tenant at a glance: judged from its state and the use of its credentials, with the reasons in words.

use crate::expiry::Within;
use scim::Timestamp;
use std::{fmt, time::Duration};
use store::{CredentialUse, TenantState};

/// How often Entra comes: an incremental cycle follows another at this interval, which nobody can change
/// (Microsoft, "How application provisioning works in Microsoft Entra ID").
pub const CYCLE: Duration = Duration::from_secs(40 * 60);

/// How a tenant is, the worse the greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// All well.
    Well,
    /// Not connected yet.
    New,
    /// Something to plan for.
    Notice,
    /// Something to look at.
    Warning,
    /// Provisioning has stopped, or will within days.
    Critical,
    /// Stopped by an operator; whatever else is so.
    Suspended,
}

impl Level {
    /// The word of the JSON API and of the style sheet.
    pub fn as_str(self) -> &'static str {
        match self {
            Level::Well => "well",
            Level::New => "new",
            Level::Notice => "notice",
            Level::Warning => "warning",
            Level::Critical => "critical",
            Level::Suspended => "suspended",
        }
    }

    /// The same for people.
    pub fn title(self) -> &'static str {
        match self {
            Level::Well => "All well",
            Level::New => "Not connected yet",
            Level::Notice => "Plan ahead",
            Level::Warning => "Needs a look",
            Level::Critical => "Needs action",
            Level::Suspended => "Suspended",
        }
    }
}

/// Why a tenant is as it is. Its text is a sentence for an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// An operator has suspended it.
    Suspended,
    /// No credential of it was ever used.
    NeverConnected,
    /// It has no credential to connect with, and never had one in use.
    NoCredential,
    /// The last good credential has expired so long ago.
    Expired(Duration),
    /// The last good credential was revoked so long ago.
    Revoked(Duration),
    /// It was last seen so long ago.
    Silent(Duration),
    /// The credential in use expires in so long.
    Expires(Duration),
    /// It was last seen so long ago, and nothing is wrong.
    Seen(Duration),
}

impl Reason {
    fn level(self) -> Level {
        match self {
            Reason::Suspended => Level::Suspended,
            Reason::NeverConnected | Reason::NoCredential => Level::New,
            Reason::Expired(_) | Reason::Revoked(_) => Level::Critical,
            Reason::Silent(_) => Level::Warning,
            Reason::Expires(left) => expiry_level(left).unwrap_or(Level::Well),
            Reason::Seen(_) => Level::Well,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Reason::Suspended => f.write_str("Suspended: every request of its provisioning client gets 403."),
            Reason::NeverConnected => f.write_str("Never connected: no credential of it was ever used."),
            Reason::NoCredential => f.write_str("It has no credential to connect with."),
            Reason::Expired(ago) => write!(f, "Its last credential expired {} ago.", words(ago)),
            Reason::Revoked(ago) => write!(f, "Its last credential was revoked {} ago.", words(ago)),
            Reason::Silent(time) => {
                write!(f, "Silent for {}: Entra comes every {} minutes.", words(time), CYCLE.as_secs() / 60)
            }
            Reason::Expires(left) => write!(f, "The credential in use expires in {}.", words(left)),
            Reason::Seen(ago) => write!(f, "Last seen {} ago.", words(ago)),
        }
    }
}

/// A judgement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// That of the worst reason.
    pub level: Level,
    /// The worst first; never empty.
    pub reasons: Vec<Reason>,
}

/// Judges a tenant. It is silent if it was not seen for longer than `silence`: two cycles, as one may be late, or last long.
pub fn judge(state: TenantState, credentials: &[CredentialUse], silence: Duration, now: Timestamp) -> Health {
    let mut reasons = Vec::new();
    if state == TenantState::Suspended {
        reasons.push(Reason::Suspended);
    }
    let seen = credentials.iter().filter_map(|credential| credential.last_used).max();
    let in_use = in_use(credentials, now);
    match (seen, in_use) {
        (None, None) => reasons.extend([Reason::NeverConnected, Reason::NoCredential]),
        (None, Some(_)) => reasons.push(Reason::NeverConnected),
        (Some(_), None) => reasons.extend(end(credentials).map(|(at, is_expiry)| {
            let ago = between(at, now);
            if is_expiry { Reason::Expired(ago) } else { Reason::Revoked(ago) }
        })),
        (Some(seen), Some(_)) => {
            let ago = between(seen, now);
            if ago > silence {
                reasons.push(Reason::Silent(ago));
            }
        }
    }
    let expires = in_use.and_then(|credential| credential.expires).map(|expires| between(now, expires));
    reasons.extend(expires.filter(|left| expiry_level(*left).is_some()).map(Reason::Expires));
    if let (true, Some(seen)) = (reasons.is_empty(), seen) {
        reasons.push(Reason::Seen(between(seen, now)));
    }
    reasons.sort_by_key(|reason| std::cmp::Reverse(reason.level()));
    Health { level: reasons.first().map_or(Level::Well, |reason| reason.level()), reasons }
}

/// The good credential that was used last; where none was, the one that is good for longest. One that nobody uses any more
/// may end: that is how a rotation is completed.
fn in_use(credentials: &[CredentialUse], now: Timestamp) -> Option<&CredentialUse> {
    let live = credentials.iter().filter(|credential| credential.is_live(now));
    live.max_by_key(|credential| (credential.last_used, credential.expires.unwrap_or(Timestamp(i64::MAX))))
}

/// When the last of the ended credentials ended, and whether by expiry.
fn end(credentials: &[CredentialUse]) -> Option<(Timestamp, bool)> {
    let ends = credentials.iter().filter_map(|credential| match (credential.expires, credential.revoked) {
        (Some(expires), Some(revoked)) => Some((expires.min(revoked), expires <= revoked)),
        (Some(expires), None) => Some((expires, true)),
        (None, Some(revoked)) => Some((revoked, false)),
        (None, None) => None,
    });
    ends.max_by_key(|(at, _)| *at)
}

/// How urgent it is that the credential in use ends in so long: a new one has to be pasted by the customer's administrator,
/// who has to be found first.
fn expiry_level(left: Duration) -> Option<Level> {
    Within::left(left).map(|within| match within {
        Within::Expired | Within::Days7 => Level::Critical,
        Within::Days30 => Level::Warning,
        Within::Days60 => Level::Notice,
    })
}

/// From one time to a later one; nothing if it is not later, as where two clocks differ.
fn between(from: Timestamp, to: Timestamp) -> Duration {
    Duration::from_millis(u64::try_from(to.0.saturating_sub(from.0)).unwrap_or_default())
}

/// A duration as people say it, in the largest unit of which there are two at least: `90 minutes`, `3 hours`.
pub fn words(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let units = [("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1)];
    let (unit, size) = units.into_iter().find(|(_, size)| seconds >= 2 * size).unwrap_or(("second", 1));
    let count = seconds / size;
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use store::CredentialKind;

    const NOW: Timestamp = Timestamp(1_795_000_000_000);
    const SILENCE: Duration = Duration::from_secs(80 * 60);

    fn minutes(minutes: i64) -> Timestamp {
        NOW.plus_seconds(minutes * 60)
    }

    fn days(days: i64) -> Timestamp {
        NOW.plus_seconds(days * 86_400)
    }

    fn token(expires: Option<Timestamp>, last_used: Option<Timestamp>) -> CredentialUse {
        CredentialUse { kind: CredentialKind::SecretToken, expires, revoked: None, last_used }
    }

    fn active(credentials: &[CredentialUse]) -> (Level, Vec<Reason>) {
        let Health { level, reasons } = judge(TenantState::Active, credentials, SILENCE, NOW);
        (level, reasons)
    }

    fn hours(hours: u64) -> Duration {
        Duration::from_secs(hours * 3600)
    }

    #[test]
    fn a_tenant_without_use_is_new() {
        assert_eq!(active(&[]), (Level::New, vec![Reason::NeverConnected, Reason::NoCredential]));
        assert_eq!(active(&[token(Some(days(365)), None)]), (Level::New, vec![Reason::NeverConnected]));
        let ended = CredentialUse { revoked: Some(minutes(-1)), ..token(None, None) };
        assert_eq!(active(&[ended]).1, [Reason::NeverConnected, Reason::NoCredential]);
    }

    #[test]
    fn two_cycles_may_pass_without_a_request() {
        let seen = |minute| active(&[token(None, Some(minutes(minute)))]);
        assert_eq!(seen(-5), (Level::Well, vec![Reason::Seen(Duration::from_secs(300))]));
        assert_eq!(seen(-80).0, Level::Well);
        assert_eq!(seen(-81), (Level::Warning, vec![Reason::Silent(Duration::from_secs(81 * 60))]));
        // The clock of the process that noted the use is ahead.
        assert_eq!(seen(1), (Level::Well, vec![Reason::Seen(Duration::ZERO)]));
    }

    #[test]
    fn an_expiry_is_told_at_60_30_and_7_days() {
        let used = |day| active(&[token(Some(days(day)), Some(NOW))]).0;
        for (day, level) in [
            (61, Level::Well),
            (60, Level::Notice),
            (31, Level::Notice),
            (30, Level::Warning),
            (8, Level::Warning),
            (7, Level::Critical),
            (1, Level::Critical),
        ] {
            assert_eq!(used(day), level, "{day} days");
        }
    }

    #[test]
    fn the_credential_in_use_counts_and_not_one_that_was_replaced() {
        let old = token(Some(days(1)), Some(minutes(-90)));
        let new = token(Some(days(365)), Some(minutes(-2)));
        assert_eq!(active(&[old, new]).0, Level::Well);
        // The new one was handed over, but Entra still comes with the old one.
        let unseen = token(Some(days(365)), None);
        assert_eq!(active(&[old, unseen]).1, [Reason::Expires(hours(24)), Reason::Silent(hours(1) * 3 / 2)]);
        assert_eq!(active(&[old, unseen]).0, Level::Critical);
    }

    #[test]
    fn what_has_ended_has_stopped_provisioning() {
        let expired = token(Some(minutes(-180)), Some(minutes(-200)));
        assert_eq!(active(&[expired]), (Level::Critical, vec![Reason::Expired(hours(3))]));
        let revoked = CredentialUse { revoked: Some(minutes(-120)), ..token(None, Some(minutes(-130))) };
        assert_eq!(active(&[expired, revoked]), (Level::Critical, vec![Reason::Revoked(hours(2))]));
        // Revoked after its expiry: it had ended before.
        let both = CredentialUse { revoked: Some(NOW), ..expired };
        assert_eq!(active(&[both]).1, [Reason::Expired(hours(3))]);
    }

    #[test]
    fn a_suspended_tenant_is_that_first() {
        let health =
            judge(TenantState::Suspended, &[token(Some(days(3)), Some(minutes(-500)))], SILENCE, NOW);
        assert_eq!(health.level, Level::Suspended);
        assert_eq!(health.reasons[0], Reason::Suspended);
        assert_eq!(health.reasons.len(), 3);
        assert_eq!(
            judge(TenantState::Suspended, &[token(None, Some(NOW))], SILENCE, NOW).reasons,
            [Reason::Suspended]
        );
    }

    #[test]
    fn durations_are_said_as_people_say_them() {
        for (seconds, text) in [
            (0, "0 seconds"),
            (1, "1 second"),
            (119, "119 seconds"),
            (120, "2 minutes"),
            (7199, "119 minutes"),
            (7200, "2 hours"),
            (172_799, "47 hours"),
            (172_800, "2 days"),
            (31_536_000, "365 days"),
        ] {
            assert_eq!(words(Duration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn reasons_are_sentences() {
        let reasons = [
            Reason::Suspended,
            Reason::NeverConnected,
            Reason::NoCredential,
            Reason::Expired(hours(2)),
            Reason::Revoked(hours(2)),
            Reason::Silent(hours(3)),
            Reason::Expires(hours(72)),
            Reason::Seen(hours(0)),
        ];
        for reason in reasons {
            let text = reason.to_string();
            assert!(text.ends_with('.') && text.starts_with(char::is_uppercase), "{text}");
        }
        assert_eq!(reasons[5].to_string(), "Silent for 3 hours: Entra comes every 40 minutes.");
        assert_eq!(reasons[6].to_string(), "The credential in use expires in 3 days.");
    }
}
