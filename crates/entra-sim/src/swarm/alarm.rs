//! Wakes at a moment to a tenth of a millisecond: the runtime's own timer counts whole milliseconds, and what it is late
//! would be added to every latency.

use std::io;
use std::time::Instant;

#[cfg(target_os = "linux")]
use nix::sys::{
    time::TimeSpec,
    timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags},
};
#[cfg(target_os = "linux")]
use std::os::fd::AsFd as _;
#[cfg(target_os = "linux")]
use tokio::net::unix::pipe::Receiver;

/// A timer of the operating system.
pub(super) struct Alarm {
    #[cfg(target_os = "linux")]
    timer: TimerFd,
    /// The same timer as the runtime waits for it: like a pipe, it becomes readable, here when it rings.
    #[cfg(target_os = "linux")]
    ringing: Receiver,
}

#[cfg(target_os = "linux")]
impl Alarm {
    /// A timer of this runtime.
    ///
    /// # Errors
    /// Those of the operating system, for example when too many files are open.
    pub(super) fn new() -> io::Result<Alarm> {
        let flags = TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC;
        let timer = TimerFd::new(ClockId::CLOCK_MONOTONIC, flags)?;
        let ringing = Receiver::from_owned_fd_unchecked(timer.as_fd().try_clone_to_owned()?)?;
        Ok(Alarm { timer, ringing })
    }

    /// Waits until `due`.
    ///
    /// # Errors
    /// Those of the operating system.
    pub(super) async fn wait_until(&self, due: Instant) -> io::Result<()> {
        let left = due.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(());
        }
        self.timer.set(Expiration::OneShot(TimeSpec::from_duration(left)), TimerSetTimeFlags::empty())?;
        // What is read is how often it rang.
        let mut rung = [0; size_of::<u64>()];
        loop {
            self.ringing.readable().await?;
            match self.ringing.try_read(&mut rung) {
                Err(early) if early.kind() == io::ErrorKind::WouldBlock => {}
                read => return read.map(drop),
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
impl Alarm {
    /// The runtime's timer, where the system has no better one.
    ///
    /// # Errors
    /// None.
    pub(super) fn new() -> io::Result<Alarm> {
        Ok(Alarm {})
    }

    /// Waits until `due`.
    ///
    /// # Errors
    /// None.
    pub(super) async fn wait_until(&self, due: Instant) -> io::Result<()> {
        tokio::time::sleep_until(due.into()).await;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test]
    async fn it_never_rings_early_and_can_be_set_again() {
        let alarm = Alarm::new().expect("a timer");
        for _ in 0..5 {
            let due = Instant::now() + Duration::from_micros(700);
            alarm.wait_until(due).await.expect("rung");
            assert!(Instant::now() >= due);
        }
        alarm.wait_until(Instant::now()).await.expect("a moment that has passed");
    }
}
