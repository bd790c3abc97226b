//! In which line the lookup of a credential waits, so that nothing a stranger sends can name the
//! line of another.
//!
//! A credential that was valid within the last 24 hours is looked up in the line of its owner.
//! Anything else is looked up in the line of the network that shows it, and within the ration of
//! that network: beyond it nobody is told that a credential is not valid, as it may be.

use crate::{
    ration::{Ration, RationSettings, Taken},
    recent::Recent,
};
use scim::Timestamp;
use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};
use store::{Line, Network};

/// The lookups of one kind of credential. Share one a process.
pub struct Lookups {
    recent: Recent,
    ration: Arc<Ration>,
    refused: AtomicU64,
}

/// Too many unknown credentials were shown from a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many unknown credentials of this network: wait {retry_after} s")]
pub struct TooManyUnknown {
    /// How long to wait, in seconds, at least 1.
    pub retry_after: u32,
}

/// One lookup. Without a verdict it counts as one of an unknown credential.
#[must_use]
pub struct Lookup<'l> {
    lookups: &'l Lookups,
    digest: [u8; 32],
    line: Line,
    taken: Option<Taken>,
}

impl Lookups {
    /// Networks have this ration of lookups of unknown credentials.
    pub fn new(ration: RationSettings) -> Lookups {
        Lookups {
            recent: Recent::default(),
            ration: Arc::new(Ration::new(ration)),
            refused: AtomicU64::new(0),
        }
    }

    /// Begins the lookup of a credential that is shown from this address; `digest` is of everything
    /// that proves it.
    ///
    /// # Errors
    /// [`TooManyUnknown`] if it was not valid lately and the ration of its network is used up.
    pub fn begin(
        &self,
        digest: [u8; 32],
        from: IpAddr,
        now: Timestamp,
    ) -> Result<Lookup<'_>, TooManyUnknown> {
        if let Some(line) = self.recent.line(&digest, now) {
            return Ok(Lookup { lookups: self, digest, line, taken: None });
        }
        let network = Network::of(from);
        let taken = self.ration.take(network, now).map_err(|retry_after| {
            self.refused.fetch_add(1, Ordering::Relaxed);
            TooManyUnknown { retry_after }
        })?;
        Ok(Lookup { lookups: self, digest, line: Line::Unverified(network), taken: Some(taken) })
    }

    /// Notes that a credential was valid at this time, and in which line it is looked up next.
    pub fn remember(&self, digest: [u8; 32], line: Line, at: Timestamp) {
        self.recent.note(digest, line, at);
    }

    /// How many lookups were refused.
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }
}

impl Lookup<'_> {
    /// Where to wait.
    pub fn line(&self) -> Line {
        self.line
    }

    /// The credential is valid: it does not count, and is looked up in the line of its owner from
    /// now on.
    pub fn was_valid(self, owner: Line, now: Timestamp) {
        self.lookups.recent.note(self.digest, owner, now);
        self.was_not_needed();
    }

    /// The credential is not valid.
    pub fn was_invalid(self) {
        self.lookups.recent.forget(&self.digest);
    }

    /// Nothing was looked up, or the credential is known though not valid here: it does not count.
    pub fn was_not_needed(self) {
        if let Some(taken) = self.taken {
            taken.give_back();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::num::NonZeroU32;
    use store::TenantId;
    use uuid::Uuid;

    const NOW: Timestamp = Timestamp(1_795_521_600_000);
    const OWNER: Line = Line::Tenant(TenantId(Uuid::from_u128(1)));

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    #[test]
    fn a_valid_credential_waits_in_the_line_of_its_owner_and_costs_nothing() {
        let lookups = Lookups::new(RationSettings { rate: NonZeroU32::MIN, burst: NonZeroU32::MIN });
        let begin = |digest: u8, from: u8| lookups.begin([digest; 32], address(from), NOW);
        let unverified = |last| Line::Unverified(Network::of(address(last)));
        let first = begin(1, 1).expect("rationed once");
        assert_eq!(first.line(), unverified(1));
        first.was_valid(OWNER, NOW);
        for _ in 0..10 {
            let again = begin(1, 1).expect("known");
            assert_eq!(again.line(), OWNER);
            again.was_valid(OWNER, NOW);
        }
        begin(2, 1).expect("the first one was given back").was_invalid();
        assert_eq!(begin(2, 1).err(), Some(TooManyUnknown { retry_after: 1 }));
        assert!(begin(1, 1).is_ok(), "known all the same");
        let elsewhere = begin(2, 2).expect("another network");
        assert_eq!(elsewhere.line(), unverified(2));
        elsewhere.was_not_needed();
        // What has ended is a stranger's.
        begin(1, 3).expect("known").was_invalid();
        assert_eq!(begin(1, 3).expect("rationed").line(), unverified(3));
        assert_eq!(lookups.refused(), 1);
    }

    #[test]
    fn a_lookup_without_a_verdict_counts() {
        let lookups = Lookups::new(RationSettings { rate: NonZeroU32::MIN, burst: NonZeroU32::MIN });
        drop(lookups.begin([1; 32], address(1), NOW));
        assert!(lookups.begin([1; 32], address(1), NOW).is_err());
    }
}
