//! How many credentials that nobody knows a network may show: each costs a lookup, and anybody can
//! make up well-formed ones.

use scim::Timestamp;
use std::{
    hash::{BuildHasher, RandomState},
    num::NonZeroU32,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use store::Network;

/// How many lookups of unknown credentials a network may cause.
#[derive(Clone, Copy, Debug)]
pub struct RationSettings {
    /// A second.
    pub rate: NonZeroU32,
    /// At once, after a silence: it lets many tenants behind one address begin.
    pub burst: NonZeroU32,
}

/// All networks together have this many times the rate of one.
const RATE_OF_ALL: u64 = 20;
/// All networks together have this many times the burst of one.
const BURST_OF_ALL: u64 = 2;
/// Bounds memory: networks share buckets by a hash that nobody outside can compute.
const BUCKETS: u64 = 16_384;
/// What one lookup takes from a bucket: a rate of one a second gives back one part in a
/// millisecond.
const ONE: u64 = 1000;

/// What networks have used of their ration.
pub(crate) struct Ration {
    of_network: Size,
    of_all: Size,
    used: Mutex<Used>,
    hasher: RandomState,
}

struct Used {
    networks: Vec<Bucket>,
    all: Bucket,
}

/// How much a bucket holds, in parts, and how many parts it gets back in a millisecond.
#[derive(Clone, Copy)]
struct Size {
    most: u64,
    per_millisecond: u64,
}

#[derive(Clone, Copy, Default)]
struct Bucket {
    /// Parts that are used.
    used: u64,
    /// At this time, in milliseconds.
    at: i64,
}

/// One lookup that was taken from the ration.
pub(crate) struct Taken {
    ration: Arc<Ration>,
    bucket: usize,
}

impl Ration {
    /// Nothing is used yet.
    pub(crate) fn new(RationSettings { rate, burst }: RationSettings) -> Ration {
        let size = |rate: u64, burst: u64| Size { most: burst * ONE, per_millisecond: rate };
        let (rate, burst) = (u64::from(rate.get()), u64::from(burst.get()));
        let networks = vec![Bucket::default(); BUCKETS as usize];
        Ration {
            of_network: size(rate, burst),
            of_all: size(rate * RATE_OF_ALL, burst * BURST_OF_ALL),
            used: Mutex::new(Used { networks, all: Bucket::default() }),
            hasher: RandomState::new(),
        }
    }

    /// Takes one lookup.
    ///
    /// # Errors
    /// In how many seconds there is one again, at least 1.
    pub(crate) fn take(self: &Arc<Ration>, network: Network, now: Timestamp) -> Result<Taken, u32> {
        let bucket = (self.hasher.hash_one(network) % BUCKETS) as usize;
        let mut used = self.used();
        let of_network = used.networks[bucket].after_one(self.of_network, now)?;
        let of_all = used.all.after_one(self.of_all, now)?;
        used.networks[bucket] = of_network;
        used.all = of_all;
        Ok(Taken { ration: Arc::clone(self), bucket })
    }

    fn used(&self) -> MutexGuard<'_, Used> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taken {
    /// Gives it back: the credential is valid, or nothing was looked up for it.
    pub(crate) fn give_back(self) {
        let mut used = self.ration.used();
        used.networks[self.bucket].give_back();
        used.all.give_back();
    }
}

impl Bucket {
    /// The bucket after one more lookup, or the seconds until it has room.
    fn after_one(self, size: Size, now: Timestamp) -> Result<Bucket, u32> {
        // A clock that goes back gives nothing back, and begins anew.
        let passed = u64::try_from(now.0.saturating_sub(self.at)).unwrap_or(0);
        let used = self.used.saturating_sub(passed.saturating_mul(size.per_millisecond)) + ONE;
        if used > size.most {
            let millis = (used - size.most).div_ceil(size.per_millisecond);
            return Err(u32::try_from(millis.div_ceil(1000)).unwrap_or(u32::MAX));
        }
        Ok(Bucket { used, at: now.0 })
    }

    fn give_back(&mut self) {
        self.used = self.used.saturating_sub(ONE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::IpAddr;

    const NOW: i64 = 1_795_521_600_000;

    fn ration(rate: u32, burst: u32) -> Arc<Ration> {
        let number = |number| NonZeroU32::new(number).expect("not zero");
        Arc::new(Ration::new(RationSettings { rate: number(rate), burst: number(burst) }))
    }

    fn network(n: u16) -> Network {
        let [high, low] = n.to_be_bytes();
        Network::of(IpAddr::from([203, 0, high, low]))
    }

    /// How many of these a network gets at this time.
    fn taken(ration: &Arc<Ration>, network: Network, asked: usize, at: i64) -> usize {
        (0..asked).filter(|_| ration.take(network, Timestamp(at)).is_ok()).count()
    }

    #[test]
    fn a_network_has_its_burst_and_then_its_rate() {
        let ration = ration(50, 200);
        for (at, expected) in
            [(NOW, 200), (NOW, 0), (NOW + 19, 0), (NOW + 20, 1), (NOW + 1020, 50), (NOW + 3_600_000, 200)]
        {
            assert_eq!(taken(&ration, network(1), 1000, at), expected, "{at}");
        }
        assert_eq!(taken(&ration, network(2), 10, NOW + 3_600_000), 10, "another network");
    }

    #[test]
    fn what_turned_out_to_be_valid_costs_nothing() {
        let ration = ration(1, 3);
        for _ in 0..1000 {
            ration.take(network(1), Timestamp(NOW)).expect("room").give_back();
        }
        assert_eq!(taken(&ration, network(1), 10, NOW), 3);
        assert_eq!(ration.take(network(1), Timestamp(NOW)).err(), Some(1), "seconds");
    }

    #[test]
    fn a_slow_rate_names_the_time_to_wait() {
        let ration = ration(1, 1);
        assert_eq!(taken(&ration, network(1), 1, NOW), 1);
        for (at, seconds) in [(NOW, 1), (NOW + 1, 1), (NOW + 999, 1)] {
            assert_eq!(ration.take(network(1), Timestamp(at)).err(), Some(seconds), "{at}");
        }
    }

    #[test]
    fn a_clock_that_goes_back_gives_nothing_and_locks_nobody_out() {
        let ration = ration(10, 20);
        assert_eq!(taken(&ration, network(1), 15, NOW), 15);
        assert_eq!(taken(&ration, network(1), 20, NOW - 3_600_000), 5);
        assert_eq!(taken(&ration, network(1), 20, NOW - 3_599_000), 10);
    }

    #[test]
    fn many_networks_share_a_ration_too() {
        let ration = ration(50, 200);
        let all: usize = (0..1000).map(|n| taken(&ration, network(n), 10, NOW)).sum();
        assert_eq!(all, 400);
        let all: usize = (0..1000).map(|n| taken(&ration, network(n), 10, NOW + 100)).sum();
        assert_eq!(all, 100, "1,000 a second");
    }
}
