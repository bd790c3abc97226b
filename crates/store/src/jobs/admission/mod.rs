//! Admission control: a request has a cost in work, bytes and time, and each of the three is a budget.
//!
//! | what | unit | where | what happens beyond it |
//! |---|---|---|---|
//! | work in flight of a tenant | units ([`weight`]) | [`work`] | it waits, then 429 with `Retry-After` |
//! | work a second of a tenant while others are busy | units a second | [`work`] | it waits for its share |
//! | turns of threads and batches | units | [`queue`] | lighter lines go first; heavy jobs run alone |
//! | turns of work on large bodies | bytes | [`turns`] | the same |
//! | time of a job | seconds ([`crate::jobs::lane::Lane`]) | [`crate::jobs::limit`] | it is ended: 503, or 400 if it is too dear |
//!
//! Bytes in memory are reserved where bodies are read, in `scim-api`. All budgets are of one process.
//! `docs/adr/0021-admission-control.md` says why.

pub(crate) mod line;
pub(crate) mod queue;
pub(crate) mod scans;
pub(crate) mod turns;
pub(crate) mod weight;
pub(crate) mod work;
