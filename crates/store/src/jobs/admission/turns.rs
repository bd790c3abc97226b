//! [`Turns`]: a few places for work on the processor, for which lines take turns as they do in [`super::queue`].

use super::{
    line::Line,
    queue::{ALONE, Portion, State, Which},
    weight::Weight,
};
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};
use tokio::sync::oneshot;

/// A number of places. Cheap to clone.
#[derive(Clone)]
pub struct Turns(Arc<Mutex<Places>>);

struct Places {
    free: usize,
    waiting: State<oneshot::Sender<Turn>>,
}

/// A place that is taken until it is dropped. The time until then counts against the next turn of its line.
pub struct Turn {
    turns: Turns,
    line: Line,
    weight: Weight,
    since: Instant,
}

impl Turns {
    /// Creates this number of places, at least one.
    pub fn new(places: usize) -> Turns {
        Turns(Arc::new(Mutex::new(Places { free: places.max(1), waiting: State::new() })))
    }

    /// Waits for a place, to work on `bytes` bytes. Where lines wait, the one that has had least is next. Dropping the future
    /// leaves the line.
    pub async fn wait(&self, line: Line, bytes: usize) -> Turn {
        // Work that is heavier than this would keep a tenant that is alone from using several places.
        let weight = Weight::of_bytes(bytes).min(ALONE);
        loop {
            // A sender is dropped only after its receiver, so this ends the first time.
            if let Ok(turn) = self.line_up(line, weight).await {
                return turn;
            }
        }
    }

    /// Puts a request at the end of its line. The receiver gets the place.
    fn line_up(&self, line: Line, weight: Weight) -> oneshot::Receiver<Turn> {
        let (grant, granted) = oneshot::channel();
        let mut places = self.places();
        places.waiting.push(line, weight, grant, usize::MAX);
        self.hand_out(places);
        granted
    }

    fn places(&self) -> MutexGuard<'_, Places> {
        // No code panics while it holds the lock. If one did, the places would still be complete.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives the free places to those whose turn it is.
    fn hand_out(&self, mut places: MutexGuard<'_, Places>) {
        let mut granted = Vec::new();
        while places.free > 0 {
            let Some(next) = places.waiting.take(Which::All, Portion::ONE, usize::MAX).pop() else { break };
            if next.job.is_closed() {
                places.waiting.done(next.line, Weight::default(), usize::MAX);
                continue;
            }
            places.free -= 1;
            granted.push(next);
        }
        // A turn that nobody takes any more is dropped here, and wants the lock.
        drop(places);
        for next in granted {
            let (turns, since) = (self.clone(), Instant::now());
            drop(next.job.send(Turn { turns, line: next.line, weight: next.weight, since }));
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        // A pause of the process is nobody's work, so time adds only so much to what the bytes say.
        let extra = self.weight.by_time(self.since.elapsed()).above(self.weight);
        let mut places = self.turns.places();
        places.free += 1;
        places.waiting.done(self.line, extra, usize::MAX);
        self.turns.hand_out(places);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::model::TenantId;
    use std::{
        pin::{Pin, pin},
        task::{Context, Poll, Waker},
    };
    use uuid::Uuid;

    const KB: usize = 1024;

    fn line(n: u128) -> Line {
        Line::Tenant(TenantId(Uuid::from_u128(n)))
    }

    fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
        future.poll(&mut Context::from_waker(Waker::noop()))
    }

    #[tokio::test]
    async fn a_tenant_with_little_work_passes_one_with_much() {
        let turns = Turns::new(1);
        let first = turns.wait(line(1), 512 * KB).await;
        let mut second = pin!(turns.wait(line(1), 512 * KB));
        let mut third = pin!(turns.wait(line(1), 512 * KB));
        let mut other = pin!(turns.wait(line(2), 64 * KB));
        assert!(poll(second.as_mut()).is_pending() && poll(third.as_mut()).is_pending());
        assert!(poll(other.as_mut()).is_pending());
        drop(first);
        assert!(poll(second.as_mut()).is_pending(), "it had its turn");
        let Poll::Ready(other) = poll(other.as_mut()) else { panic!("the other tenant is next") };
        drop(other);
        assert!(poll(third.as_mut()).is_pending(), "a line is in order");
        assert!(poll(second.as_mut()).is_ready());
    }

    #[tokio::test]
    async fn who_no_longer_waits_takes_no_place() {
        let turns = Turns::new(1);
        let first = turns.wait(line(1), KB).await;
        {
            let mut gone = pin!(turns.wait(line(2), KB));
            assert!(poll(gone.as_mut()).is_pending());
        }
        // Its place was handed out and is not taken.
        let mut granted = Box::pin(turns.wait(line(3), KB));
        assert!(poll(granted.as_mut()).is_pending());
        drop(first);
        drop(granted);
        assert_eq!(turns.places().free, 1);
        let _next = turns.wait(line(4), KB).await;
        assert_eq!(turns.places().free, 0);
    }
}
