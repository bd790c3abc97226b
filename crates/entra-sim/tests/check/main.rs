//! `entra-sim check` and `entra-sim swarm` against a stand-in server that is correct, or wrong in one named way.

mod conformance;
mod load;
mod program;
mod stand_in;
