//! Credentials that end soon: warned of 60, 30 and 7 days before, and for a while once they have ended.

use crate::{
    Admin, Failure, Listed,
    paging::{self, Moment},
};
use scim::Timestamp;
use std::time::Duration;
use store::{EndingCredential, Store, StoreError};

const DAY: i64 = 86_400;
/// For so many days an ended credential is warned of: whoever still uses it has noticed by then.
const ENDED_FOR: i64 = 7;

/// How soon a credential ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Within {
    /// It has ended, at most seven days ago.
    Expired,
    /// In at most 7 days.
    Days7,
    /// In at most 30 days, and more than 7.
    Days30,
    /// In at most 60 days, and more than 30.
    Days60,
}

impl Within {
    /// All, the most urgent first.
    pub const ALL: [Within; 4] = [Within::Expired, Within::Days7, Within::Days30, Within::Days60];

    /// The word in metrics and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Within::Expired => "expired",
            Within::Days7 => "7d",
            Within::Days30 => "30d",
            Within::Days60 => "60d",
        }
    }

    /// Of a credential that ends then; none while nobody need be warned, or need be any more.
    pub fn of(expires: Timestamp, now: Timestamp) -> Option<Within> {
        if expires <= now.plus_seconds(-ENDED_FOR * DAY) {
            return None;
        }
        if expires <= now {
            return Some(Within::Expired);
        }
        Within::left(Duration::from_millis(expires.0.abs_diff(now.0)))
    }

    /// Of a credential that is good for so long; none while nobody need be warned.
    pub fn left(left: Duration) -> Option<Within> {
        let days = |days: u64| left <= Duration::from_secs(days * DAY.unsigned_abs());
        let found = [(7, Within::Days7), (30, Within::Days30), (60, Within::Days60)];
        found.into_iter().find(|(limit, _)| days(*limit)).map(|(_, within)| within)
    }

    /// The ends of credentials that are warned of now: from this one, until before that one.
    fn bounds(now: Timestamp) -> (Timestamp, Timestamp) {
        let after = |time: Timestamp| Timestamp(time.0 + 1);
        (after(now.plus_seconds(-ENDED_FOR * DAY)), after(now.plus_seconds(60 * DAY)))
    }
}

/// How many credentials of a kind (a stored word) are warned of at each nearness, of all tenants; combinations of which there
/// are none are there too.
///
/// # Errors
/// Faults of the store only.
pub async fn counts(store: &Store, now: Timestamp) -> Result<Vec<(&'static str, Within, usize)>, StoreError> {
    use store::CredentialKind::{ClientSecret, SecretToken};
    let ends = store.ends_of_credentials(Within::bounds(now)).await?;
    let count = |kind, within| {
        let found = ends.iter().filter(|(of, at)| *of == kind && Within::of(*at, now) == Some(within));
        (kind.as_str(), within, found.count())
    };
    let all = Within::ALL.into_iter().flat_map(|within| [(SecretToken, within), (ClientSecret, within)]);
    Ok(all.map(|(kind, within)| count(kind, within)).collect())
}

impl Admin {
    /// A page of the credentials of all tenants that are warned of, in the order in which they end.
    ///
    /// # Errors
    /// A cursor of another list.
    pub async fn expiring_credentials(
        &self,
        cursor: Option<&str>,
        count: Option<u32>,
    ) -> Result<Listed<EndingCredential>, Failure> {
        let Moment(at, id) = paging::place(cursor, |text| text.parse().ok())?.unwrap_or(Moment::START);
        let limit = paging::limit(count);
        let rows = self.store.ending_credentials(Within::bounds(self.now()), (at, id), limit + 1).await?;
        Ok(Listed::cut(rows, limit, |row| Moment(row.expires, row.id).to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_come_closer_and_stop() {
        let now = Timestamp(1_795_521_600_000);
        let second = 1;
        for (seconds, expected) in [
            (60 * DAY + second, None),
            (60 * DAY, Some("60d")),
            (30 * DAY + second, Some("60d")),
            (30 * DAY, Some("30d")),
            (7 * DAY + second, Some("30d")),
            (7 * DAY, Some("7d")),
            (second, Some("7d")),
            (0, Some("expired")),
            (-7 * DAY + second, Some("expired")),
            (-7 * DAY, None),
        ] {
            let expires = now.plus_seconds(seconds);
            assert_eq!(Within::of(expires, now).map(Within::as_str), expected, "{seconds}");
            let (from, until) = Within::bounds(now);
            assert_eq!((from..until).contains(&expires), expected.is_some(), "{seconds}");
        }
    }
}
