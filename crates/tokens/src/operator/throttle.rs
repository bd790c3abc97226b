//! The brake on guessing: after a number of wrong sign-ins, a name or an address is blocked for a time.

use scim::Timestamp;
use sha2::{Digest, Sha256};
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use store::Network;

/// How much guessing is borne.
#[derive(Clone, Copy, Debug)]
pub struct ThrottleSettings {
    /// Most wrong sign-ins of a name; an address has ten times as many.
    pub attempts: u32,
    /// Within this time, and then none for as long.
    pub window: Duration,
}

/// Too many were wrong: try again after this time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blocked {
    /// How long, in whole seconds, one at least.
    pub retry_after: u64,
}

/// Many people may sit behind one address.
const ADDRESS_SHARE: u32 = 10;
/// Most names and addresses that are remembered. Beyond it the windows of some are over early.
const MAX_KEYS: usize = if cfg!(test) { 100 } else { 100_000 };
/// How many are forgotten at once where there is no room: to find them takes a walk through all.
const FORGOTTEN_AT_ONCE: usize = MAX_KEYS / 10;

/// A digest of a name or an address: what strangers type is not kept.
type Key = [u8; 32];

#[derive(Clone, Copy, Debug)]
struct Count {
    wrong: u32,
    most: u32,
    until: Timestamp,
}

impl Count {
    fn is_blocked(&self) -> bool {
        self.wrong >= self.most
    }
}

/// Counts wrong sign-ins of one process.
pub struct Throttle {
    settings: ThrottleSettings,
    counts: Mutex<HashMap<Key, Count>>,
}

impl Throttle {
    /// With nobody blocked.
    pub fn new(settings: ThrottleSettings) -> Throttle {
        Throttle { settings, counts: Mutex::default() }
    }

    /// Counts a sign-in of a name (in the one spelling that is looked up) as wrong before it is looked at, so that guesses at
    /// the same moment count too; [`Throttle::forgive`] takes a right one back.
    ///
    /// # Errors
    /// [`Blocked`] if there were too many before it.
    pub fn admit(&self, name: &str, address: IpAddr, now: Timestamp) -> Result<(), Blocked> {
        let mut counts = self.counts();
        let keys = self.keys(name, address);
        check(&counts, keys, now)?;
        if counts.len() + keys.len() > MAX_KEYS {
            make_room(&mut counts, now);
        }
        let window = i64::try_from(self.settings.window.as_millis()).unwrap_or(i64::MAX);
        let until = Timestamp(now.0.saturating_add(window));
        for (key, most) in keys {
            let count = counts.entry(key).or_insert(Count { wrong: 0, most, until });
            if now >= count.until {
                *count = Count { wrong: 0, most, until };
            }
            count.wrong += 1;
            // The wait begins with the last wrong one.
            count.until = count.until.max(until);
        }
        Ok(())
    }

    /// Whether one more would be looked at, without counting it.
    ///
    /// # Errors
    /// [`Blocked`] if there were too many before it.
    pub fn check(&self, name: &str, address: IpAddr, now: Timestamp) -> Result<(), Blocked> {
        check(&self.counts(), self.keys(name, address), now)
    }

    /// The sign-in was right: the name begins anew, and the address has one wrong one less.
    pub fn forgive(&self, name: &str, address: IpAddr) {
        let mut counts = self.counts();
        let [(of_name, _), (of_address, _)] = self.keys(name, address);
        counts.remove(&of_name);
        if let Some(count) = counts.get_mut(&of_address) {
            count.wrong = count.wrong.saturating_sub(1);
        }
    }

    fn keys(&self, name: &str, address: IpAddr) -> [(Key, u32); 2] {
        let attempts = self.settings.attempts;
        [
            (digest("name", name.as_bytes()), attempts),
            (
                digest("address", Network::of(address).to_string().as_bytes()),
                attempts.saturating_mul(ADDRESS_SHARE),
            ),
        ]
    }

    fn counts(&self) -> MutexGuard<'_, HashMap<Key, Count>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn check(counts: &HashMap<Key, Count>, keys: [(Key, u32); 2], now: Timestamp) -> Result<(), Blocked> {
    for (key, _) in keys {
        if let Some(count) = counts.get(&key)
            && now < count.until
            && count.is_blocked()
        {
            let millis = count.until.0.saturating_sub(now.0).unsigned_abs();
            return Err(Blocked { retry_after: millis.div_ceil(1000).max(1) });
        }
    }
    Ok(())
}

/// Forgets what is over; if that is not enough, the oldest that block nobody; the oldest that block, last: whoever makes up
/// names ends nobody's wait.
fn make_room(counts: &mut HashMap<Key, Count>, now: Timestamp) {
    counts.retain(|_, count| now < count.until);
    let excess = (counts.len() + FORGOTTEN_AT_ONCE).saturating_sub(MAX_KEYS);
    let mut rest: Vec<_> =
        counts.iter().map(|(key, count)| (count.is_blocked(), count.until, *key)).collect();
    rest.sort_unstable();
    for (.., key) in rest.iter().take(excess) {
        counts.remove(key);
    }
}

fn digest(kind: &str, bytes: &[u8]) -> Key {
    let mut hasher = Sha256::new();
    hasher.update(kind.as_bytes());
    hasher.update([0]);
    hasher.update(bytes);
    hasher.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn throttle(attempts: u32) -> Throttle {
        Throttle::new(ThrottleSettings { attempts, window: MINUTE })
    }

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    #[test]
    fn a_name_is_blocked_from_everywhere_until_the_window_is_over() {
        let throttle = throttle(3);
        for n in 0..3 {
            assert_eq!(throttle.admit("anna", address(n), Timestamp(1000)), Ok(()));
        }
        assert_eq!(throttle.admit("anna", address(9), Timestamp(1000)), Err(Blocked { retry_after: 60 }));
        assert_eq!(throttle.admit("anna", address(9), Timestamp(60_999)), Err(Blocked { retry_after: 1 }));
        assert_eq!(throttle.admit("ben", address(0), Timestamp(1000)), Ok(()));
        assert_eq!(throttle.admit("anna", address(0), Timestamp(61_000)), Ok(()));
    }

    #[test]
    fn an_address_is_blocked_for_every_name() {
        let throttle = throttle(2);
        for n in 0..20 {
            assert_eq!(throttle.admit(&format!("name{n}"), address(1), Timestamp(0)), Ok(()));
        }
        assert!(throttle.admit("somebody", address(1), Timestamp(0)).is_err());
        assert_eq!(throttle.admit("somebody", address(2), Timestamp(0)), Ok(()));
        let v6 = |text: &str| text.parse::<IpAddr>().unwrap();
        assert_eq!(Network::of(v6("2001:db8::1")), Network::of(v6("2001:db8::ffff:2")));
        assert_eq!(Network::of(v6("::ffff:192.0.2.1")), Network::of(address(1)));
    }

    #[test]
    fn who_signs_in_is_forgiven() {
        let throttle = throttle(2);
        for _ in 0..50 {
            assert_eq!(throttle.admit("anna", address(1), Timestamp(0)), Ok(()));
            throttle.forgive("anna", address(1));
        }
    }

    /// Wrong sign-ins of made-up names, each from a network of its own.
    fn flood(throttle: &Throttle, count: u16, now: Timestamp) {
        for n in 0..count {
            let [high, low] = n.to_be_bytes();
            let _ = throttle.admit(&format!("name{n}"), IpAddr::from([198, high, low, 1]), now);
            assert!(throttle.counts().len() <= MAX_KEYS, "after {n}");
        }
    }

    #[test]
    fn made_up_names_fill_no_memory_and_end_nobodys_wait() {
        let throttle = throttle(2);
        for _ in 0..2 {
            assert_eq!(throttle.admit("anna", address(1), Timestamp(0)), Ok(()));
        }
        flood(&throttle, 1000, Timestamp(1000));
        assert!(throttle.check("anna", address(2), Timestamp(1000)).is_err());
    }

    #[test]
    fn what_is_over_is_forgotten_first() {
        let throttle = throttle(2);
        flood(&throttle, 45, Timestamp(0));
        assert_eq!(throttle.admit("anna", address(1), Timestamp(30_000)), Ok(()));
        flood(&throttle, 20, Timestamp(60_000));
        assert_eq!(throttle.admit("anna", address(1), Timestamp(60_000)), Ok(()));
        assert!(throttle.admit("anna", address(1), Timestamp(60_000)).is_err(), "both were counted");
    }
}
