//! `entra-sim check`, `discover` and `swarm` against a stand-in server that is correct, or wrong in one named way.

mod accounts;
mod conformance;
mod load;
mod program;
mod stand_in;
