//! Counts the steps of algorithms, in debug builds only. Tests bound the steps by the size of the
//! input, so that no loop of (request × stored data) can come back unseen.

use std::cell::Cell;

thread_local! {
    static TAKEN: Cell<u64> = const { Cell::new(0) };
}

/// Counts `steps`: keys, values or names that are looked at.
pub fn take(steps: usize) {
    if cfg!(debug_assertions) {
        TAKEN.set(TAKEN.get().saturating_add(steps as u64));
    }
}

/// Runs `work`. Returns its result and the steps that it took on this thread: always 0 in a release build.
pub fn of<T>(work: impl FnOnce() -> T) -> (T, u64) {
    let before = TAKEN.get();
    let result = work();
    (result, TAKEN.get() - before)
}
