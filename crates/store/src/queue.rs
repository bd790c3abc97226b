//! A queue that is fair to tenants: bounded for each, taken from each in turn, and with a bound on how many entries of
//! one tenant are being worked on at once.

use crate::model::TenantId;
use std::{
    collections::{HashMap, VecDeque},
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};

/// How much of the queue one tenant may have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Share {
    /// Entries that may wait.
    pub(crate) waiting: usize,
    /// Entries that may be taken and not yet [`FairQueue::done`].
    pub(crate) running: usize,
}

/// Entries of tenants, waiting.
pub(crate) struct FairQueue<T> {
    state: Mutex<State<T>>,
    filled: Condvar,
    share: Share,
}

struct State<T> {
    tenants: HashMap<TenantId, Line<T>>,
    /// Tenants that have something waiting and may have it taken, in the order of their turns.
    turns: VecDeque<TenantId>,
    closed: bool,
}

struct Line<T> {
    entries: VecDeque<T>,
    running: usize,
    in_turns: bool,
}

/// Why an entry was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rejected {
    /// The tenant has its share waiting already.
    Full,
    /// Nobody takes from the queue any more.
    Closed,
}

impl<T> FairQueue<T> {
    pub(crate) fn new(share: Share) -> Self {
        let state = State { tenants: HashMap::new(), turns: VecDeque::new(), closed: false };
        FairQueue { state: Mutex::new(state), filled: Condvar::new(), share }
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        // No code panics while it holds the lock; if one did, the state is whole all the same.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts an entry at the end of its tenant's line.
    pub(crate) fn push(&self, tenant: TenantId, entry: T) -> Result<(), Rejected> {
        let mut state = self.state();
        if state.closed {
            return Err(Rejected::Closed);
        }
        let state = &mut *state;
        let line = state.tenants.entry(tenant).or_insert_with(Line::new);
        if line.entries.len() >= self.share.waiting {
            return Err(Rejected::Full);
        }
        line.entries.push_back(entry);
        line.take_a_turn(tenant, self.share, &mut state.turns);
        self.filled.notify_one();
        Ok(())
    }

    /// Waits until something may be taken, then takes at most `most` entries, one of each tenant in turn; empty once the
    /// queue is closed and drained. Each entry taken is [`FairQueue::done`] later.
    pub(crate) fn take(&self, most: usize) -> Vec<(TenantId, T)> {
        let mut state = self.state();
        while state.turns.is_empty() {
            if state.closed && state.tenants.values().all(|line| line.entries.is_empty()) {
                return Vec::new();
            }
            state = self.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let state = &mut *state;
        let mut taken = Vec::new();
        while taken.len() < most
            && let Some(tenant) = state.turns.pop_front()
        {
            let Some(line) = state.tenants.get_mut(&tenant) else { continue };
            line.in_turns = false;
            if let Some(entry) = line.entries.pop_front() {
                line.running += 1;
                taken.push((tenant, entry));
            }
            line.take_a_turn(tenant, self.share, &mut state.turns);
        }
        if !state.turns.is_empty() {
            self.filled.notify_one();
        }
        taken
    }

    /// Says that entries that were taken are finished.
    pub(crate) fn done(&self, tenants: impl IntoIterator<Item = TenantId>) {
        let mut state = self.state();
        let state = &mut *state;
        for tenant in tenants {
            let Some(line) = state.tenants.get_mut(&tenant) else { continue };
            line.running = line.running.saturating_sub(1);
            line.take_a_turn(tenant, self.share, &mut state.turns);
            if line.running == 0 && line.entries.is_empty() {
                state.tenants.remove(&tenant);
            }
        }
        if !state.turns.is_empty() || state.closed {
            self.filled.notify_all();
        }
    }

    /// Accepts nothing more; what waits is still taken.
    pub(crate) fn close(&self) {
        self.state().closed = true;
        self.filled.notify_all();
    }
}

impl<T> Line<T> {
    fn new() -> Self {
        Line { entries: VecDeque::new(), running: 0, in_turns: false }
    }

    /// Lines up for a turn, if there is something to take and the tenant's share of running is not used up.
    fn take_a_turn(&mut self, tenant: TenantId, share: Share, turns: &mut VecDeque<TenantId>) {
        if !self.in_turns && !self.entries.is_empty() && self.running < share.running {
            self.in_turns = true;
            turns.push_back(tenant);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn tenant(n: u128) -> TenantId {
        TenantId(Uuid::from_u128(n))
    }
    fn queue(waiting: usize, running: usize) -> FairQueue<u32> {
        FairQueue::new(Share { waiting, running })
    }
    fn values(taken: Vec<(TenantId, u32)>) -> Vec<u32> {
        taken.into_iter().map(|(_, value)| value).collect()
    }

    #[test]
    fn a_loud_tenant_waits_for_its_turns() {
        let queue = queue(10, usize::MAX);
        for n in 0..5 {
            queue.push(tenant(1), n).unwrap();
        }
        queue.push(tenant(2), 20).unwrap();
        queue.push(tenant(3), 30).unwrap();
        assert_eq!(values(queue.take(4)), [0, 20, 30, 1]);
        assert_eq!(values(queue.take(10)), [2, 3, 4]);
    }

    #[test]
    fn each_tenant_has_its_own_bound() {
        let queue = queue(2, usize::MAX);
        assert_eq!(queue.push(tenant(1), 1), Ok(()));
        assert_eq!(queue.push(tenant(1), 2), Ok(()));
        assert_eq!(queue.push(tenant(1), 3), Err(Rejected::Full));
        assert_eq!(queue.push(tenant(2), 4), Ok(()));
    }

    #[test]
    fn no_tenant_has_more_than_its_share_running() {
        let queue = queue(10, 1);
        for n in 0..3 {
            queue.push(tenant(1), n).unwrap();
        }
        queue.push(tenant(2), 20).unwrap();
        assert_eq!(values(queue.take(10)), [0, 20]);
        queue.done([tenant(1)]);
        assert_eq!(values(queue.take(10)), [1]);
        queue.done([tenant(1), tenant(2)]);
        assert_eq!(values(queue.take(10)), [2]);
    }

    #[test]
    fn a_closed_queue_is_drained_and_then_empty() {
        let queue = queue(10, 1);
        queue.push(tenant(1), 1).unwrap();
        queue.push(tenant(1), 2).unwrap();
        queue.close();
        assert_eq!(queue.push(tenant(1), 3), Err(Rejected::Closed));
        assert_eq!(values(queue.take(10)), [1]);
        queue.done([tenant(1)]);
        assert_eq!(values(queue.take(10)), [2]);
        queue.done([tenant(1)]);
        assert!(queue.take(10).is_empty());
    }
}
