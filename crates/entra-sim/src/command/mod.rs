//! The commands around jobs, and what they share: `test-connection`, `run`, `on-demand`, `discover`, `key-set`.

mod discover;
mod key_set;
mod on_demand;
mod run;
mod source;
mod test_connection;

use std::io::Write;

pub use discover::DiscoverOptions;
pub use key_set::KeySetOptions;
pub use on_demand::OnDemandOptions;
pub use run::RunOptions;
pub use source::SourceOptions;
pub use test_connection::TestConnectionOptions;

pub use self::discover::discover;
pub use self::key_set::key_set;
pub use self::on_demand::on_demand;
pub use self::run::run;
pub use self::test_connection::test_connection;

use crate::clock::Clock;
use crate::cycle::state::StateError;
use crate::directory::DirectoryError;
use crate::exit::Exit;
use crate::http::ClientError;
use crate::job::JobError;

/// What a command writes to.
pub struct Output<'a> {
    /// Results.
    pub out: &'a mut (dyn Write + Send),
    /// Errors.
    pub errors: &'a mut (dyn Write + Send),
}

/// Why a command could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// Address, credential or tenant list.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// Job configuration.
    #[error(transparent)]
    Job(#[from] JobError),
    /// Directory or change script.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// State file.
    #[error(transparent)]
    State(#[from] StateError),
    /// An export or the output itself.
    #[error("writing: {0}")]
    Write(#[from] std::io::Error),
    /// An object that cannot be provisioned on demand.
    #[error(transparent)]
    OnDemand(#[from] crate::cycle::OnDemandError),
    /// A discovery without a report.
    #[error(transparent)]
    Discovery(#[from] crate::accounts::DiscoveryError),
}

impl CommandError {
    fn exit(&self) -> Exit {
        match self {
            Self::Client(_) | Self::Job(_) | Self::Directory(_) | Self::OnDemand(_) => Exit::Usage,
            Self::State(_) | Self::Write(_) => Exit::Files,
            Self::Discovery(error) => discover::exit(error),
        }
    }
}

/// Says an error and turns it into an exit code.
fn concluded(result: Result<Exit, CommandError>, output: &mut Output<'_>) -> Exit {
    match result {
        Ok(exit) => exit,
        Err(error) => {
            // If even this cannot be written, the exit code still says it.
            let _ = writeln!(output.errors, "entra-sim: {error}");
            error.exit()
        }
    }
}

/// A seed for what nobody needs to repeat, such as GUIDs of records.
fn seed(clock: &Clock) -> u64 {
    clock.now().as_nanosecond().unsigned_abs() as u64
}
