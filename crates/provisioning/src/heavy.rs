//! Work that takes longer than about a millisecond leaves the thread that serves requests: while it lasts, that thread
//! serves nobody else.

use crate::Failure;
use std::sync::LazyLock;
use store::{Line, Turns};

/// How many bytes of JSON may be read or written where requests are served: about a millisecond's work.
const LIGHT: usize = 64 * 1024;

/// As many at once as half of the cores, so that the threads that serve requests find a core that is free. Tenants take turns.
/// How much one tenant can have waiting is bounded by its budget of bytes.
static TURNS: LazyLock<Turns> = LazyLock::new(|| {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    Turns::new(cores.div_ceil(2))
});

/// Does work that reads or writes `bytes` bytes of JSON: in place if it is light, otherwise on a thread of its own when it is the
/// turn of `line`. It owns what it needs: on a thread of its own it runs to its end, even if its caller no longer waits.
///
/// # Errors
/// `Internal` if the work panics on a thread of its own.
pub async fn off_worker<T: Send + 'static>(
    line: impl Into<Line>,
    bytes: usize,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Failure> {
    if bytes <= LIGHT {
        return Ok(work());
    }
    let turn = TURNS.wait(line.into(), bytes).await;
    let work = move || {
        // Held until the work ends, also if nobody waits for it any more.
        let _turn = turn;
        work()
    };
    tokio::task::spawn_blocking(work).await.map_err(|error| Failure::Internal(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[tokio::test]
    async fn only_heavy_work_leaves_the_thread() {
        let here = thread::current().id();
        assert_eq!(off_worker(Line::Operators, LIGHT, || thread::current().id()).await, Ok(here));
        assert_ne!(off_worker(Line::Operators, LIGHT + 1, || thread::current().id()).await, Ok(here));
    }

    #[tokio::test]
    async fn a_panic_is_a_failure() {
        let failed: Result<(), Failure> =
            off_worker(Line::Operators, LIGHT + 1, || panic!("on purpose")).await;
        assert!(matches!(failed, Err(Failure::Internal(_))));
    }
}
