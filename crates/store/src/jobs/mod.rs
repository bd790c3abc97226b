//! How work gets to a connection: lanes and lines, admission, the threads that run it, and how long it may take.

pub(crate) mod admission;
pub(crate) mod figures;
pub(crate) mod lane;
pub(crate) mod limit;
pub(crate) mod threads;
pub(crate) mod workers;
