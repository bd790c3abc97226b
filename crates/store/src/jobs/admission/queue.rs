//! A queue that is fair by work: lines take turns, and the line that has asked for less work is first.
//!
//! Self-clocked fair queueing (S. J. Golestani, INFOCOM 1994): a job's turn is the work of its line before it plus its
//! own weight, and the smallest turn is next. A line that was idle starts where the queue is. So a light job passes a
//! heavy one of another line, and each line that waits gets the same work. The turn of a heavy job counts at most
//! [`LATE`]: that bounds how long the others can pass it. The line pays the whole weight afterwards.

use super::{line::Line, weight::Weight};
use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// The most work of each other line that passes a job: its longest wait is this, times the lines that wait.
pub(crate) const LATE: u32 = 512;
/// The most that a line owes to the others: after a very heavy job it waits no longer than for this, times the lines.
const DEBT: u64 = 4096;
/// A job above this weight is taken alone.
pub(crate) const ALONE: Weight = Weight(200);
/// Most jobs of strangers of one network that wait.
const STRANGERS: usize = 1024;

/// Jobs that wait for a thread.
pub(crate) struct FairQueue<T> {
    state: Mutex<State<T>>,
    /// For threads that take light jobs, or all.
    filled: Condvar,
    /// For threads that take heavy jobs only.
    heavy: Condvar,
    /// Most jobs of one line that may be taken and not yet done.
    running: usize,
}

/// A job that was taken.
pub(crate) struct Taken<T> {
    pub(crate) line: Line,
    pub(crate) weight: Weight,
    /// How long it has waited.
    pub(crate) waited: Duration,
    pub(crate) job: T,
}

/// Which jobs a thread takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    All,
    /// Those up to [`ALONE`].
    Light,
    /// Those above it.
    Heavy,
}

/// How much a thread takes at once: at least one job.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Portion {
    pub(crate) jobs: usize,
    pub(crate) weight: Weight,
}

impl Portion {
    pub(crate) const ONE: Portion = Portion { jobs: 1, weight: ALONE };
}

/// Why a job was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rejected {
    /// Too many strangers of this network wait.
    Full,
    /// Nobody takes from the queue any more.
    Closed,
}

/// Who waits, and whose turn is next: without a lock and without threads.
pub(super) struct State<T> {
    lines: HashMap<Line, Waiting<T>>,
    /// The turns of lines whose next job is light, and of those whose next job is heavy.
    light: BTreeSet<Turn>,
    heavy: BTreeSet<Turn>,
    /// The turn that was taken last.
    now: u64,
    /// Numbers turns, so that equal ones are in the order in which they came.
    number: u64,
    asleep: Asleep,
    closed: bool,
}

/// How many threads sleep and were not woken yet, by what they wait for. A thread that wakes by itself and sleeps again counts
/// twice, which costs a needless wake-up; none ever counts too little.
#[derive(Default)]
struct Asleep {
    filled: usize,
    heavy: usize,
}

/// Takes one of a count, if it has any.
fn take_one(count: &mut usize) -> bool {
    let has_any = *count > 0;
    *count -= usize::from(has_any);
    has_any
}

type Turn = (u64, u64, Line);

struct Waiting<T> {
    jobs: VecDeque<(Weight, Instant, T)>,
    running: usize,
    /// Whether one that runs was taken alone: then no other of the line is taken.
    is_alone: bool,
    /// The work of the line so far, on the clock of the turns.
    served: u64,
    turn: Option<Turn>,
}

impl<T> FairQueue<T> {
    /// `running`: most jobs of one line that may be taken and not yet done.
    pub(crate) fn new(running: usize) -> Self {
        FairQueue { state: Mutex::new(State::new()), filled: Condvar::new(), heavy: Condvar::new(), running }
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        // No code panics while it holds the lock. If one did, the state would still be complete.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a job at the end of its line.
    pub(crate) fn push(&self, line: Line, weight: Weight, job: T) -> Result<(), Rejected> {
        let mut state = self.state();
        if state.closed {
            return Err(Rejected::Closed);
        }
        let waits = state.lines.get(&line).map_or(0, |waiting| waiting.jobs.len());
        if matches!(line, Line::Unverified(_)) && waits >= STRANGERS {
            return Err(Rejected::Full);
        }
        state.push(line, weight, job, self.running);
        self.wake(state);
        Ok(())
    }

    /// Wakes a thread of each kind that sleeps and finds something. The lock is given back first: a thread that wakes wants it.
    /// A wake-up is a call of the operating system, so no thread is woken twice.
    fn wake(&self, mut state: MutexGuard<'_, State<T>>) {
        let heavy = !state.heavy.is_empty() && take_one(&mut state.asleep.heavy);
        let filled =
            (!state.light.is_empty() || !state.heavy.is_empty()) && take_one(&mut state.asleep.filled);
        drop(state);
        if heavy {
            self.heavy.notify_one();
        }
        if filled {
            self.filled.notify_one();
        }
    }

    /// Wakes all threads: what each of them may take has changed.
    fn wake_all(&self, mut state: MutexGuard<'_, State<T>>) {
        state.asleep = Asleep::default();
        drop(state);
        self.heavy.notify_all();
        self.filled.notify_all();
    }

    /// Waits until something may be taken, then takes a portion; empty once the queue is closed and drained. Each job
    /// that was taken is [`FairQueue::done`] later.
    pub(crate) fn take(&self, which: Which, portion: Portion) -> Vec<Taken<T>> {
        let mut state = self.state();
        loop {
            let taken = state.take(which, portion, self.running);
            if !taken.is_empty() {
                self.wake(state);
                return taken;
            }
            if state.closed && state.lines.values().all(|line| line.jobs.is_empty()) {
                self.wake_all(state);
                return taken;
            }
            let asleep = &mut state.asleep;
            let (count, filled) = match which {
                Which::Heavy => (&mut asleep.heavy, &self.heavy),
                Which::All | Which::Light => (&mut asleep.filled, &self.filled),
            };
            *count += 1;
            state = filled.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Says that jobs that were taken are done, and how much heavier each was than estimated.
    pub(crate) fn done(&self, jobs: impl IntoIterator<Item = (Line, Weight)>) {
        let mut state = self.state();
        for (line, extra) in jobs {
            state.done(line, extra, self.running);
        }
        if state.closed { self.wake_all(state) } else { self.wake(state) }
    }

    /// How many jobs wait.
    pub(crate) fn depth(&self) -> usize {
        self.state().lines.values().map(|line| line.jobs.len()).sum()
    }

    /// Accepts nothing more; what waits is still taken.
    pub(crate) fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        self.wake_all(state);
    }
}

impl<T> State<T> {
    pub(super) fn new() -> State<T> {
        let (lines, light, heavy, asleep) = Default::default();
        State { lines, light, heavy, now: 0, number: 0, asleep, closed: false }
    }

    /// Puts a job at the end of its line. `running`: most jobs of one line that may be taken and not yet done.
    pub(super) fn push(&mut self, line: Line, weight: Weight, job: T, running: usize) {
        let waiting = self.lines.entry(line).or_insert_with(Waiting::new);
        waiting.jobs.push_back((weight, Instant::now(), job));
        self.line_up(line, running);
    }

    /// Gives a line a turn, if it has a job and may have one more taken.
    fn line_up(&mut self, line: Line, running: usize) {
        let Some(waiting) = self.lines.get_mut(&line) else { return };
        let Some((weight, ..)) = waiting.jobs.front() else { return };
        let is_heavy = *weight > ALONE;
        // A heavy job runs alone in its line, so it waits for those before it.
        let may_run = waiting.running < if is_heavy { 1 } else { running };
        if waiting.turn.is_some() || waiting.is_alone || !may_run {
            return;
        }
        let turn = (waiting.served.max(self.now) + u64::from(weight.0.min(LATE)), self.number, line);
        self.number += 1;
        waiting.turn = Some(turn);
        if is_heavy {
            self.heavy.insert(turn)
        } else {
            self.light.insert(turn)
        };
    }

    /// Takes a portion of what may be taken. Each job that was taken is [`State::done`] later.
    pub(super) fn take(&mut self, which: Which, portion: Portion, running: usize) -> Vec<Taken<T>> {
        let (mut taken, mut sum) = (Vec::new(), Weight::default());
        while taken.len() < portion.jobs
            && let Some((turn @ (at, _, line), is_heavy)) = self.next(which)
        {
            let Some(waiting) = self.lines.get_mut(&line) else { break };
            let weight = waiting.jobs.front().map_or(Weight::ONE, |(weight, ..)| *weight);
            sum += weight;
            if !taken.is_empty() && (is_heavy || sum > portion.weight) {
                break;
            }
            if is_heavy {
                self.heavy.remove(&turn)
            } else {
                self.light.remove(&turn)
            };
            waiting.turn = None;
            // From where the line stood when it got its turn.
            let served = at + u64::from(weight.0) - u64::from(weight.0.min(LATE));
            self.now = self.now.max(at);
            waiting.served = served.min(self.now + DEBT);
            if let Some((weight, since, job)) = waiting.jobs.pop_front() {
                waiting.running += 1;
                waiting.is_alone = is_heavy;
                taken.push(Taken { line, weight, waited: since.elapsed(), job });
            }
            self.line_up(line, running);
            if is_heavy {
                break;
            }
        }
        taken
    }

    /// The next turn that this taker may take, and whether it is that of a heavy job.
    fn next(&self, which: Which) -> Option<(Turn, bool)> {
        let light = self.light.first().filter(|_| which != Which::Heavy).map(|turn| (*turn, false));
        let heavy = self.heavy.first().filter(|_| which != Which::Light).map(|turn| (*turn, true));
        light.into_iter().chain(heavy).min()
    }

    /// A job that was taken is done, and was so much heavier than estimated.
    pub(super) fn done(&mut self, line: Line, extra: Weight, running: usize) {
        let Some(waiting) = self.lines.get_mut(&line) else { return };
        waiting.running = waiting.running.saturating_sub(1);
        waiting.is_alone &= waiting.running > 0;
        waiting.served = (waiting.served + u64::from(extra.0)).min(self.now + DEBT);
        self.line_up(line, running);
        // A line that owes nothing is as one that was never there.
        let is_idle = |line: &Waiting<T>| line.running == 0 && line.jobs.is_empty();
        if self.lines.get(&line).is_some_and(|waiting| is_idle(waiting) && waiting.served <= self.now) {
            self.lines.remove(&line);
        }
        if self.lines.len() > KNOWN {
            let now = self.now;
            self.lines.retain(|_, waiting| !is_idle(waiting) || waiting.served > now);
        }
    }
}

/// Lines that are known before those without a job or a debt are forgotten.
const KNOWN: usize = 4096;

impl<T> Waiting<T> {
    fn new() -> Self {
        Waiting { jobs: VecDeque::new(), running: 0, is_alone: false, served: 0, turn: None }
    }
}

#[cfg(test)]
#[path = "queue_tests.rs"]
mod tests;
