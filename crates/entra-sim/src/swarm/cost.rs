//! What the swarm itself costs: processor time of this process.

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;
use std::time::Duration;

/// Processor time that this process has used.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cost {
    /// In user mode.
    pub user: Duration,
    /// In the kernel, on its behalf.
    pub system: Duration,
}

impl Cost {
    /// What has been used until now; nothing if the system does not tell.
    pub(super) fn now() -> Cost {
        let micros = |time: nix::sys::time::TimeVal| {
            Duration::from_micros(u64::try_from(time.num_microseconds()).unwrap_or(0))
        };
        match getrusage(UsageWho::RUSAGE_SELF) {
            Ok(usage) => Cost { user: micros(usage.user_time()), system: micros(usage.system_time()) },
            Err(_) => Cost::default(),
        }
    }

    /// What was used since `earlier`.
    pub(super) fn since(self, earlier: Cost) -> Cost {
        Cost {
            user: self.user.saturating_sub(earlier.user),
            system: self.system.saturating_sub(earlier.system),
        }
    }

    /// Both kinds together.
    pub(super) fn total(self) -> Duration {
        self.user + self.system
    }
}
