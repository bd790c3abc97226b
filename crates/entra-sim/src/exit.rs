//! What the exit code of the program means.

use std::process::ExitCode;

use crate::http::ClientError;

/// How a command ended; the number is the exit code of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Exit {
    /// Everything asked for was done and nothing failed.
    Success = 0,
    /// The command ran, and some objects, checks or requests failed.
    Failures = 1,
    /// The command line, a configuration file or a directory file is wrong; nothing was sent.
    Usage = 2,
    /// The server could not be reached or refused the credentials.
    Connection = 3,
    /// At least one job ended in quarantine.
    Quarantine = 4,
    /// A file could not be read or written (state, report, export).
    Files = 5,
}

/// The table of exit codes, shown by `--help`.
pub const EXIT_CODES: &str = "Exit codes:
  0  everything asked for was done and nothing failed
  1  it ran, and some objects, checks or requests failed
  2  the command line, a configuration file or a directory file is wrong; nothing was sent
  3  the server could not be reached or refused the credentials
  4  at least one job ended in quarantine
  5  a file could not be read or written";

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl From<&ClientError> for Exit {
    fn from(_: &ClientError) -> Self {
        Self::Usage
    }
}
