//! [`Lane`]: threads and connections that share nothing with those of other lanes.

use std::time::Duration;

/// What everybody needs never queues behind what one tenant can make slow: each lane has threads and connections of its
/// own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lane {
    /// Credentials, sessions, readiness, signing keys.
    Vital,
    /// What operators ask and do, and timers.
    Operators,
    /// Lookups by a unique key, which are answered together.
    Lookups,
    /// Lists that an index serves, and members of groups.
    Quick,
    /// Lists that read much: filters that no index serves, sorted lists, histories.
    Slow,
    /// Changes of resources.
    Writes,
}

impl Lane {
    /// All of them.
    pub const ALL: [Lane; 6] =
        [Lane::Vital, Lane::Operators, Lane::Lookups, Lane::Quick, Lane::Slow, Lane::Writes];

    /// Its name in metrics and thread names.
    pub fn name(self) -> &'static str {
        match self {
            Lane::Vital => "vital",
            Lane::Operators => "operators",
            Lane::Lookups => "lookups",
            Lane::Quick => "quick",
            Lane::Slow => "slow",
            Lane::Writes => "writes",
        }
    }

    /// The most time that a job may take, from when it is asked for to its end. A change that has begun is not ended by
    /// it: its statements have this time.
    pub fn time(self) -> Duration {
        Duration::from_secs(match self {
            Lane::Vital => 5,
            Lane::Lookups | Lane::Quick | Lane::Slow => 10,
            Lane::Operators | Lane::Writes => 30,
        })
    }

    /// The longest wait of a statement for a row that another transaction holds.
    pub(crate) fn lock_time(self) -> Duration {
        // A batch has changes of several tenants, and another process may hold the row of one of them.
        if self == Lane::Writes { Duration::from_secs(1) } else { self.time() / 3 }
    }

    /// How much of the database each SQLite connection keeps in memory, in KiB.
    pub(crate) fn cache(self) -> u32 {
        match self {
            Lane::Vital => 512,
            Lane::Operators => 2048,
            Lane::Lookups | Lane::Writes => 16384,
            Lane::Quick | Lane::Slow => 8192,
        }
    }

    /// How many threads read in it, where `readers` read resources.
    pub(crate) fn threads(self, readers: usize) -> usize {
        match self {
            Lane::Vital | Lane::Operators => 2,
            // Lookups are cheapest in large batches.
            Lane::Lookups => (readers / 4).max(1),
            // Two at least, since one line never has more than half.
            Lane::Quick => (readers / 4).max(2),
            Lane::Slow => readers.saturating_sub(2 * (readers / 4)).max(2),
            Lane::Writes => 0,
        }
    }

    /// Most jobs of one line that run at the same time.
    pub(crate) fn running(self, readers: usize) -> usize {
        match self {
            Lane::Lookups | Lane::Writes => usize::MAX,
            _ => (self.threads(readers) / 2).max(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_has_all_threads_of_a_lane_of_single_jobs() {
        for readers in 1..64 {
            for lane in [Lane::Vital, Lane::Operators, Lane::Quick, Lane::Slow] {
                let (threads, running) = (lane.threads(readers), lane.running(readers));
                assert!(running >= 1 && running <= threads / 2, "{} of {readers} readers", lane.name());
            }
        }
    }
}
