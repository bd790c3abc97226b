//! A queue that is fair to tenants: bounded for each, taken in turn.
