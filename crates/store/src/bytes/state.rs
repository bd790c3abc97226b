//! Who holds how many bytes, and who waits for them: a pure state, given the time and never reading it.
//!
//! Each holder has a budget of its own, in which its requests are served in order. What it holds up to [`FLOOR`] never waits
//! for other holders. What it holds beyond counts against the budget of all, for which holders take turns.

use super::{Holder, Limits};
use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

/// What each holder may hold whatever the others hold, in bytes: a few ordinary requests.
pub(super) const FLOOR: usize = 256 * 1024;
/// Longest wait for bytes; beyond it the request is refused.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
/// Most requests of one holder that wait. Each keeps a connection open, which holds what its client has sent already.
pub(super) const WAITING: usize = 256;
/// Over about which time it is judged how fast a holder gives bytes back, in seconds.
const JUDGED: f64 = 5.0;
/// Longest and shortest time after which a refused client is asked to come again.
const RETRY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));
/// Holders that are known before those that hold nothing are forgotten.
const KNOWN: usize = 1024;

/// The holders. `W` is how a waiting request is told that it was served.
pub(super) struct State<W> {
    limits: Limits,
    holders: HashMap<Holder, Line<W>>,
    /// Holders whose next request fits into their own budget and waits for the budget of all, in the order of their turns.
    turns: VecDeque<Holder>,
    held: usize,
    /// The part of `held` that is beyond the floors.
    beyond: usize,
    tickets: u64,
    /// At how many holders the idle ones are forgotten.
    forget_at: usize,
}

/// The requests of one holder.
struct Line<W> {
    held: usize,
    waiting: VecDeque<Waiting<W>>,
    in_turns: bool,
    /// The size of the largest resource that it met lately.
    largest: usize,
    /// Bytes a second that it has given back lately, and when that was judged.
    pace: (f64, Duration),
}

struct Waiting<W> {
    ticket: u64,
    /// Whether the request goes on, and holds something meanwhile.
    goes_on: bool,
    bytes: usize,
    wake: W,
}

/// A request that was served after it had waited. Its bytes are held from now on.
#[derive(Debug, PartialEq)]
pub(super) struct Served<W> {
    pub(super) holder: Holder,
    pub(super) bytes: usize,
    pub(super) wake: W,
}

impl<W> State<W> {
    pub(super) fn new(limits: Limits) -> Self {
        State {
            limits,
            holders: HashMap::new(),
            turns: VecDeque::new(),
            held: 0,
            beyond: 0,
            tickets: 0,
            forget_at: KNOWN,
        }
    }

    /// All bytes that are held.
    pub(super) fn held(&self) -> usize {
        self.held
    }

    /// What a request is charged for: never more than the budget of its holder, so that it can be served once its holder
    /// holds nothing else.
    pub(super) fn charge(&self, bytes: usize) -> usize {
        bytes.min(self.limits.per_holder)
    }

    /// Takes bytes if they are free and nobody waits for them; whether they are held now.
    pub(super) fn take(&mut self, holder: Holder, bytes: usize) -> bool {
        self.forget_the_idle();
        let (limits, nobody_waits, beyond) = (self.limits, self.turns.is_empty(), self.beyond);
        let line = self.holders.entry(holder).or_insert_with(Line::new);
        let is_free = line.waiting.is_empty()
            && limits.own_fits(line.held, bytes)
            && (line.held + bytes <= FLOOR || nobody_waits && limits.all_fit(line.held, bytes, beyond));
        if is_free {
            self.set_held(holder, |held| held + bytes);
        }
        is_free
    }

    /// Lines a request up that could not be served at once. Returns its ticket; `None` if too many wait.
    pub(super) fn line_up(&mut self, holder: Holder, bytes: usize, wake: W) -> Option<u64> {
        let line = self.holders.entry(holder).or_insert_with(Line::new);
        if line.waiting.len() >= WAITING {
            return None;
        }
        self.tickets += 1;
        line.waiting.push_back(Waiting { ticket: self.tickets, goes_on: false, bytes, wake });
        self.take_a_turn(holder);
        Some(self.tickets)
    }

    /// Lines a request up that goes on: before those that hold nothing yet. Else all of them would come to hold a part, one
    /// after the other, and each would wait for the rest. Returns its ticket.
    pub(super) fn line_up_to_go_on(&mut self, holder: Holder, bytes: usize, wake: W) -> u64 {
        let line = self.holders.entry(holder).or_insert_with(Line::new);
        self.tickets += 1;
        let place = line.waiting.partition_point(|waiting| waiting.goes_on);
        line.waiting.insert(place, Waiting { ticket: self.tickets, goes_on: true, bytes, wake });
        self.take_a_turn(holder);
        self.tickets
    }

    /// A request does not wait any more. Returns the requests that are served now.
    pub(super) fn leave(&mut self, holder: Holder, ticket: u64) -> Vec<Served<W>> {
        if let Some(line) = self.holders.get_mut(&holder) {
            line.waiting.retain(|waiting| waiting.ticket != ticket);
        }
        self.serve(holder)
    }

    /// Gives bytes back. Returns the requests that are served now.
    pub(super) fn give_back(&mut self, holder: Holder, bytes: usize, now: Duration) -> Vec<Served<W>> {
        if let Some(line) = self.holders.get_mut(&holder) {
            let pace = line.pace_at(now);
            line.pace = (pace + bytes as f64 / JUDGED, now);
        }
        self.set_held(holder, |held| held.saturating_sub(bytes));
        self.serve(holder)
    }

    /// Takes bytes that are in memory already. It may be more than is free: then the next requests wait for longer.
    pub(super) fn owe(&mut self, holder: Holder, bytes: usize) {
        self.holders.entry(holder).or_insert_with(Line::new);
        self.set_held(holder, |held| held + bytes);
    }

    /// How long a request for `bytes` bytes will probably wait, judged by how fast the holder gives bytes back.
    pub(super) fn retry_after(&self, holder: Holder, bytes: usize, now: Duration) -> Duration {
        let Some(line) = self.holders.get(&holder) else { return RETRY.0 };
        let ahead: usize = line.waiting.iter().map(|waiting| waiting.bytes).sum();
        let free = self.limits.per_holder.saturating_sub(line.held);
        let pace = line.pace_at(now).max(1.0);
        let seconds = (ahead + bytes).saturating_sub(free) as f64 / pace;
        Duration::from_secs_f64(seconds.min(RETRY.1.as_secs_f64()).ceil()).max(RETRY.0)
    }

    /// Notes the size of a resource that a request of this holder has met.
    pub(super) fn note_resource(&mut self, holder: Holder, bytes: usize) {
        let line = self.holders.entry(holder).or_insert_with(Line::new);
        // Fades with the resources that follow, by a sixteenth each.
        line.largest = bytes.max(line.largest - line.largest / 16);
    }

    /// The size of the largest resource that requests of this holder have met lately; 0 if none is known.
    pub(super) fn largest_resource(&self, holder: Holder) -> usize {
        self.holders.get(&holder).map_or(0, |line| line.largest)
    }

    fn set_held(&mut self, holder: Holder, change: impl FnOnce(usize) -> usize) {
        let Some(line) = self.holders.get_mut(&holder) else { return };
        let (before, after) = (line.held, change(line.held));
        line.held = after;
        self.held = self.held - before + after;
        self.beyond = self.beyond - before.saturating_sub(FLOOR) + after.saturating_sub(FLOOR);
    }

    /// Lines a holder up for the budget of all, if its next request fits into its own.
    fn take_a_turn(&mut self, holder: Holder) {
        let limits = self.limits;
        let Some(line) = self.holders.get_mut(&holder) else { return };
        let fits = line.waiting.front().is_some_and(|next| limits.own_fits(line.held, next.bytes));
        if fits && !line.in_turns {
            line.in_turns = true;
            self.turns.push_back(holder);
        }
    }

    /// Serves the requests that fit now. Called after `holder` has given bytes back, or its next request has changed.
    fn serve(&mut self, holder: Holder) -> Vec<Served<W>> {
        let mut served = Vec::new();
        while let Some(line) = self.holders.get(&holder)
            && let Some(next) = line.waiting.front()
            && self.limits.own_fits(line.held, next.bytes)
            && line.held + next.bytes <= FLOOR
        {
            served.extend(self.serve_next(holder));
        }
        self.take_a_turn(holder);
        while let Some(&turn) = self.turns.front() {
            let Some(line) = self.holders.get_mut(&turn) else { break };
            let next = line.waiting.front().map(|next| next.bytes);
            match next.filter(|bytes| self.limits.own_fits(line.held, *bytes)) {
                // The others wait behind it, so that a large request is served some time.
                Some(bytes) if !self.limits.all_fit(line.held, bytes, self.beyond) => break,
                Some(_) => {
                    line.in_turns = false;
                    self.turns.pop_front();
                    served.extend(self.serve_next(turn));
                    self.take_a_turn(turn);
                }
                // It waits for its own budget now, and takes a turn when it gives something back.
                None => {
                    line.in_turns = false;
                    self.turns.pop_front();
                }
            }
        }
        served
    }

    fn serve_next(&mut self, holder: Holder) -> Option<Served<W>> {
        let Waiting { bytes, wake, .. } = self.holders.get_mut(&holder)?.waiting.pop_front()?;
        self.set_held(holder, |held| held + bytes);
        Some(Served { holder, bytes, wake })
    }

    /// Keeps the number of known holders bounded: one that holds nothing and waits for nothing needs no state.
    fn forget_the_idle(&mut self) {
        if self.holders.len() >= self.forget_at {
            self.holders.retain(|_, line| line.held > 0 || !line.waiting.is_empty() || line.in_turns);
            self.forget_at = KNOWN.max(2 * self.holders.len());
        }
    }
}

impl Limits {
    /// Whether a holder that has `held` bytes may have `bytes` more.
    fn own_fits(self, held: usize, bytes: usize) -> bool {
        held + bytes <= self.per_holder
    }

    /// Whether the budget of all has room for what these bytes add to `beyond` the floors.
    fn all_fit(self, held: usize, bytes: usize, beyond: usize) -> bool {
        beyond - held.saturating_sub(FLOOR) + (held + bytes).saturating_sub(FLOOR) <= self.total
    }
}

impl<W> Line<W> {
    fn new() -> Self {
        Line { held: 0, waiting: VecDeque::new(), in_turns: false, largest: 0, pace: (0.0, Duration::ZERO) }
    }

    /// An average in which the past fades.
    fn pace_at(&self, now: Duration) -> f64 {
        let (pace, judged) = self.pace;
        pace * (-now.saturating_sub(judged).as_secs_f64() / JUDGED).exp()
    }
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
