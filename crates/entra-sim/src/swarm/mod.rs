//! Load: many tenants at once, each with Entra's mix of requests.

use std::io::Write;

use crate::clock::Clock;
use crate::exit::Exit;
use crate::tenants::TenantList;

/// What `entra-sim swarm` is asked to do.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// The tenants that take part.
    #[command(flatten)]
    pub tenants: TenantList,
}

/// Runs the load and writes its result to `out`.
pub async fn run(options: Options, clock: Clock, out: &mut (dyn Write + Send)) -> Exit {
    let answer = options.tenants.clients(&clock).map(|_| writeln!(out, "no load is built in yet"));
    match answer {
        Ok(_) => Exit::Usage,
        Err(error) => Exit::from(&error),
    }
}
