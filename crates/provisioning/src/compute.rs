//! Where requests are computed: small ones in place, large ones on a thread of their own, so that a thread that speaks HTTP
//! is never held for longer than about a millisecond.

use crate::Failure;
use std::sync::Arc;
use tokio::{sync::Semaphore, task};

/// Up to this much work is done in place. Its unit is a byte of request or document that is read once.
const IN_PLACE: usize = 64 * 1024;

/// Most computations on threads of their own at the same time. Further ones wait in the order in which they came.
const AT_ONCE: usize = 4;

/// Runs computations. Cheap to clone; the clones share the threads.
#[derive(Clone)]
pub(crate) struct Computing(Arc<Semaphore>);

impl Default for Computing {
    fn default() -> Self {
        Computing(Arc::new(Semaphore::new(AT_ONCE)))
    }
}

impl Computing {
    /// Runs a computation of so much work. It owns what it needs: on a thread of its own it runs to its end, even if its
    /// caller no longer waits.
    ///
    /// # Errors
    /// Those of `computation`; `Internal` if it panics on a thread of its own.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: usize,
        computation: impl FnOnce() -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        if work <= IN_PLACE {
            return computation();
        }
        let place = Arc::clone(&self.0).acquire_owned().await;
        let place = place.map_err(|error| Failure::Internal(format!("computation: {error}")))?;
        let result = task::spawn_blocking(move || {
            let result = computation();
            drop(place);
            result
        });
        result.await.map_err(|error| Failure::Internal(format!("computation: {error}")))?
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[tokio::test]
    async fn only_large_work_leaves_its_thread() {
        let computing = Computing::default();
        let here = thread::current().id();
        for (work, stays) in [(0, true), (IN_PLACE, true), (IN_PLACE + 1, false)] {
            let computed_on = computing.run(work, || Ok(thread::current().id())).await.unwrap();
            assert_eq!(computed_on == here, stays, "{work}");
        }
    }

    #[tokio::test]
    async fn a_failed_computation_gives_its_place_back() {
        let computing = Computing::default();
        for _ in 0..2 * AT_ONCE {
            let failed = computing.run(usize::MAX, || Err::<(), _>(Failure::TenantGone)).await;
            assert_eq!(failed, Err(Failure::TenantGone));
            let panicked = computing.run::<()>(usize::MAX, || panic!("a bug")).await;
            assert!(matches!(panicked, Err(Failure::Internal(_))));
        }
        assert_eq!(computing.run(usize::MAX, || Ok(7)).await, Ok(7));
    }
}
