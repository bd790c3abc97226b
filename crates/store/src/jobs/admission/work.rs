//! [`Work`]: how much work each tenant may ask for at once, and how much while the others are busy.
//!
//! Two rules, in this order:
//!
//! 1. **In flight.** A tenant may have [`Budget::in_flight`] units of work in flight. What is more waits until some of it
//!    is done, at most [`PATIENCE`], and is then refused with the time after which to ask again.
//! 2. **Share.** A tenant has [`Budget::share`] units a second for itself. What it asks beyond that begins at once while
//!    the other tenants do little. While they are busy, it begins when the share of the tenant has paid for what the
//!    tenant has had before, at most [`DEBT`] later. Nothing is refused for this reason.
//!
//! The queues behind this are fair about turns. That is not all: on cores that are nearly busy, any more work makes
//! everybody wait longer (`docs/adr/0021-admission-control.md`).

use super::weight::Weight;
use crate::data::model::TenantId;
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The longest wait for room in flight.
const PATIENCE: Duration = Duration::from_secs(5);
/// How much of its share an idle tenant may use at once: that of one second.
const BURST: Duration = Duration::from_secs(1);
/// How long a tenant that went beyond its share counts as loud: other tenants' spare work does not wait for its work.
const LOUD: Duration = Duration::from_secs(1);
/// The most that a tenant owes to its share, so the longest wait for it.
const DEBT: Duration = Duration::from_secs(10);
/// How often waiting work looks whether the others leave something.
const ASK_AGAIN: Duration = Duration::from_millis(100);
/// For how much of the time the quiet tenants' work may be in flight while spare work begins at once.
const BUSY: f64 = 0.25;
/// Over about which time that is judged, in seconds.
const JUDGED: f64 = 0.1;
/// Over about which time the speed of a tenant's work is judged, in seconds.
const SPEED: f64 = 1.0;
/// The longest time that a refused client is told to wait, in seconds.
const LONGEST: f64 = 60.0;
/// Tenants that are known before idle ones are forgotten.
const KNOWN: usize = 1024;

/// The budget of each tenant, per process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Units of work that a tenant may have in flight: 512 are 256 PATCH requests of one user.
    pub in_flight: u32,
    /// Units of work a second that a tenant has for itself while others are busy.
    pub share: u32,
}

impl Default for Budget {
    fn default() -> Self {
        Budget { in_flight: 512, share: 50 }
    }
}

/// The work of all tenants of one process.
pub(crate) struct Work {
    budget: Budget,
    started: Instant,
    state: Mutex<State>,
    held_back: AtomicU64,
    refused: AtomicU64,
}

/// Work of a tenant in flight, from its admission to its end.
pub(crate) struct InFlight(Option<Held>);

struct Held {
    work: Arc<Work>,
    tenant: TenantId,
    kind: Kind,
    permit: OwnedSemaphorePermit,
}

/// How work was admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Within the share, of a tenant that is not loud: spare work of others waits for it.
    Quiet,
    /// Paid by the share of a loud tenant.
    Shared,
    /// What the others left; it costs no share.
    Spare,
}

/// A tenant has too much work in flight. Holds the number of seconds after which to ask again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooMuch(pub(crate) u32);

impl InFlight {
    /// Work that no tenant answers for: that of operators and of the process.
    pub(crate) fn uncounted() -> InFlight {
        InFlight(None)
    }

    /// The work was heavier than estimated: the tenant owes the rest.
    pub(crate) fn owe(&self, extra: Weight) {
        if let Some(held) = self.0.as_ref().filter(|held| extra.0 > 0 && held.kind != Kind::Spare) {
            let now = held.work.started.elapsed();
            held.work.state().owe(held.tenant, extra, now);
        }
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        if let Some(Held { work, tenant, kind, permit }) = self.0.take() {
            let now = work.started.elapsed();
            let weight = Weight(u32::try_from(permit.num_permits()).unwrap_or(u32::MAX));
            work.state().end(tenant, weight, kind, now);
        }
    }
}

impl Work {
    pub(crate) fn new(budget: Budget) -> Work {
        let budget = Budget { in_flight: budget.in_flight.max(1), share: budget.share.max(1) };
        Work {
            budget,
            started: Instant::now(),
            state: Mutex::new(State::new(budget)),
            held_back: AtomicU64::new(0),
            refused: AtomicU64::new(0),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No code panics while it holds the lock. If one did, the state would still be complete.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns when this work of the tenant may begin.
    ///
    /// # Errors
    /// [`TooMuch`] if there is no room for it in time.
    pub(crate) async fn begin(
        self: &Arc<Self>,
        tenant: TenantId,
        weight: Weight,
    ) -> Result<InFlight, TooMuch> {
        let (permit, begin) = self.room(tenant, weight).await?;
        let Begin { wait, mut kind, booked } = begin;
        // Dropping this future gives the room back from here on.
        let mut in_flight = InFlight(Some(Held { work: Arc::clone(self), tenant, kind, permit }));
        if !wait.is_zero() {
            self.held_back.fetch_add(1, Ordering::Relaxed);
            kind = self.wait(tenant, booked, wait).await;
            in_flight.0.iter_mut().for_each(|held| held.kind = kind);
        }
        Ok(in_flight)
    }

    /// Room in flight, and how the work begins with it. Work that is heavier than all of the room takes all of it.
    async fn room(&self, tenant: TenantId, weight: Weight) -> Result<(OwnedSemaphorePermit, Begin), TooMuch> {
        let units = weight.0.clamp(1, self.budget.in_flight);
        let room = {
            let (mut state, now) = (self.state(), self.started.elapsed());
            let room = state.room(tenant, now);
            if let Ok(permit) = Arc::clone(&room).try_acquire_many_owned(units) {
                return Ok((permit, state.begin(tenant, weight, now)));
            }
            room
        };
        self.held_back.fetch_add(1, Ordering::Relaxed);
        let _waiting = WaitingForRoom::begin(self, tenant, units);
        match tokio::time::timeout(PATIENCE, room.acquire_many_owned(units)).await {
            Ok(Ok(permit)) => Ok((permit, self.state().begin(tenant, weight, self.started.elapsed()))),
            _ => {
                self.refused.fetch_add(1, Ordering::Relaxed);
                Err(TooMuch(self.state().retry_after(tenant)))
            }
        }
    }

    /// Waits until the share has paid, or the others leave something.
    async fn wait(&self, tenant: TenantId, booked: Duration, mut left: Duration) -> Kind {
        let mut booking = Booking { work: self, tenant, booked, is_used: false };
        while !left.is_zero() {
            let part = left.min(ASK_AGAIN);
            tokio::time::sleep(part).await;
            left -= part;
            if self.state().leaves_something(self.started.elapsed()) {
                return Kind::Spare;
            }
        }
        booking.is_used = true;
        Kind::Shared
    }

    /// How much has had to wait, since the start.
    pub(crate) fn held_back(&self) -> u64 {
        self.held_back.load(Ordering::Relaxed)
    }

    /// How much was refused, since the start.
    pub(crate) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// The units of work in flight, of all tenants.
    pub(crate) fn in_flight(&self) -> u64 {
        self.state().in_flight()
    }
}

/// A part of the share that is booked; given back unless it is used, also if nobody waits for it any more.
struct Booking<'a> {
    work: &'a Work,
    tenant: TenantId,
    booked: Duration,
    is_used: bool,
}

impl Drop for Booking<'_> {
    fn drop(&mut self) {
        if !self.is_used {
            self.work.state().give_back(self.tenant, self.booked);
        }
    }
}

/// Units that wait for room, as long as they do.
struct WaitingForRoom<'a>(&'a Work, TenantId, u32);

impl WaitingForRoom<'_> {
    fn begin(work: &Work, tenant: TenantId, units: u32) -> WaitingForRoom<'_> {
        work.state().wait_for_room(tenant, i64::from(units));
        WaitingForRoom(work, tenant, units)
    }
}

impl Drop for WaitingForRoom<'_> {
    fn drop(&mut self) {
        self.0.state().wait_for_room(self.1, -i64::from(self.2));
    }
}

/// What is known at a time, which is given and never read here.
struct State {
    budget: Budget,
    tenants: HashMap<TenantId, Account>,
    /// At how many tenants idle ones are forgotten.
    forget_at: usize,
    /// Work in flight that is within its tenant's share, of tenants that are not loud: the quiet ones.
    quiet: usize,
    /// For which part of the time just passed there was any, and up to when that is true.
    busy: f64,
    judged: Duration,
}

/// What a tenant has asked for lately.
struct Account {
    /// Its room in flight.
    room: Arc<Semaphore>,
    /// Units that wait for room.
    waiting: i64,
    /// Up to when its share is booked.
    booked: Duration,
    /// Until when it is loud.
    loud_until: Duration,
    /// Its part of [`State::quiet`]: none once it is loud, so that its own work never holds it up.
    quiet: usize,
    /// Units that were done a second, and up to when that is true.
    speed: f64,
    judged: Duration,
}

/// When work begins, and how.
#[derive(Debug, PartialEq)]
struct Begin {
    wait: Duration,
    kind: Kind,
    /// How much of the share was booked for it.
    booked: Duration,
}

impl Account {
    fn new(budget: Budget) -> Account {
        let room = Arc::new(Semaphore::new(budget.in_flight as usize));
        let (booked, loud_until, judged) = Default::default();
        Account { room, waiting: 0, booked, loud_until, quiet: 0, speed: 0.0, judged }
    }

    /// It has gone beyond its share: what it has in flight holds up nobody, itself included. Returns how much that was.
    fn turn_loud(&mut self, now: Duration) -> usize {
        self.loud_until = now + LOUD;
        std::mem::take(&mut self.quiet)
    }

    /// A tenant that owes nothing and has nothing in flight is as one that was never seen.
    fn is_idle(&self, now: Duration) -> bool {
        self.booked <= now && self.loud_until <= now && Arc::strong_count(&self.room) == 1
    }
}

impl State {
    fn new(budget: Budget) -> State {
        State {
            budget,
            tenants: HashMap::new(),
            forget_at: KNOWN,
            quiet: 0,
            busy: 0.0,
            judged: Duration::ZERO,
        }
    }

    fn account(&mut self, tenant: TenantId) -> &mut Account {
        let budget = self.budget;
        self.tenants.entry(tenant).or_insert_with(|| Account::new(budget))
    }

    /// The room in flight of a tenant.
    fn room(&mut self, tenant: TenantId, now: Duration) -> Arc<Semaphore> {
        if self.tenants.len() >= self.forget_at {
            self.tenants.retain(|_, account| !account.is_idle(now));
            self.forget_at = KNOWN.max(2 * self.tenants.len());
        }
        Arc::clone(&self.account(tenant).room)
    }

    fn wait_for_room(&mut self, tenant: TenantId, units: i64) {
        self.account(tenant).waiting += units;
    }

    /// How long the share needs to pay for this weight.
    fn price(&self, weight: Weight) -> Duration {
        Duration::from_secs(1) * weight.0 / self.budget.share
    }

    /// Whether and when work that has room may begin.
    fn begin(&mut self, tenant: TenantId, weight: Weight, now: Duration) -> Begin {
        let leaves_something = self.leaves_something(now);
        let price = self.price(weight);
        let account = self.account(tenant);
        let before = account.booked.max(now);
        // Heavy work is not refused for its weight: it waits for what the tenant has had before, and is paid afterwards.
        let wait = (before + price.min(BURST)).saturating_sub(now + BURST);
        let after = (before + price).min(now + DEBT).max(before);
        if wait.is_zero() {
            account.booked = after;
            let is_quiet = account.loud_until <= now;
            account.quiet += usize::from(is_quiet);
            self.quiet += usize::from(is_quiet);
            let kind = if is_quiet { Kind::Quiet } else { Kind::Shared };
            return Begin { wait, kind, booked: after - before };
        }
        let was_quiet = account.turn_loud(now);
        if !leaves_something {
            account.booked = after;
        }
        self.quiet = self.quiet.saturating_sub(was_quiet);
        match leaves_something {
            true => Begin { wait: Duration::ZERO, kind: Kind::Spare, booked: Duration::ZERO },
            false => Begin { wait, kind: Kind::Shared, booked: after - before },
        }
    }

    /// Whether work beyond a share may begin.
    fn leaves_something(&mut self, now: Duration) -> bool {
        self.judge(now);
        self.busy < BUSY
    }

    /// The work of a tenant was heavier than estimated.
    fn owe(&mut self, tenant: TenantId, extra: Weight, now: Duration) {
        let price = self.price(extra);
        let account = self.account(tenant);
        account.booked = (account.booked.max(now) + price).min(now + DEBT);
        if account.booked > now + BURST {
            let was_quiet = account.turn_loud(now);
            self.quiet = self.quiet.saturating_sub(was_quiet);
        }
    }

    /// What was booked last is free again; what others have booked stays.
    fn give_back(&mut self, tenant: TenantId, booked: Duration) {
        let account = self.account(tenant);
        account.booked = account.booked.saturating_sub(booked);
    }

    /// Work is done.
    fn end(&mut self, tenant: TenantId, weight: Weight, kind: Kind, now: Duration) {
        self.judge(now);
        let account = self.account(tenant);
        // Work that began before its tenant turned loud is not counted any more.
        let was_quiet = usize::from(kind == Kind::Quiet && account.quiet > 0);
        account.quiet -= was_quiet;
        let passed = now.saturating_sub(account.judged).as_secs_f64();
        account.speed = account.speed * (-passed / SPEED).exp() + f64::from(weight.0) / SPEED;
        account.judged = account.judged.max(now);
        self.quiet = self.quiet.saturating_sub(was_quiet);
    }

    /// After how many seconds the work that a tenant has asked for is probably done.
    fn retry_after(&mut self, tenant: TenantId) -> u32 {
        let share = f64::from(self.budget.share);
        let most = self.budget.in_flight;
        let account = self.account(tenant);
        let units = f64::from(most) + account.waiting as f64;
        (units / account.speed.max(share)).ceil().clamp(1.0, LONGEST) as u32
    }

    fn in_flight(&self) -> u64 {
        let most = self.budget.in_flight as usize;
        self.tenants.values().map(|account| (most - account.room.available_permits().min(most)) as u64).sum()
    }

    /// Brings the judgement up to date: an average in which the past fades.
    fn judge(&mut self, now: Duration) {
        let passed = now.saturating_sub(self.judged);
        let was = if self.quiet > 0 { 1.0 } else { 0.0 };
        self.busy = was + (self.busy - was) * (-passed.as_secs_f64() / JUDGED).exp();
        self.judged = self.judged.max(now);
    }
}

#[cfg(test)]
#[path = "work_tests.rs"]
mod tests;
