//! How a check ends, and the exchange that shows why.

use crate::http::Exchange;

/// What a check's function returns: `Ok` if the server behaved.
pub(crate) type Verdict = Result<(), Stop>;

/// Why a check ended before its last step.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The server is to blame.
    Fail(Box<Failure>),
    /// The check does not apply to this server or run; the reason.
    Skip(String),
}

impl Stop {
    /// A failure that `exchange` shows.
    pub(crate) fn fail(reason: impl Into<String>, exchange: Exchange) -> Stop {
        Stop::Fail(Box::new(Failure { reason: reason.into(), exchange }))
    }
}

/// What was wrong, and the request and answer that show it.
#[derive(Clone, Debug)]
pub struct Failure {
    /// One sentence: what was expected and what came.
    pub reason: String,
    /// The exchange that showed it, without credentials.
    pub exchange: Exchange,
}

/// The result of one check.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// The server behaved as the source demands.
    Pass,
    /// It did not.
    Fail(Box<Failure>),
    /// The check was not carried out, for this reason.
    Skip(String),
}

impl From<Verdict> for Outcome {
    fn from(verdict: Verdict) -> Outcome {
        match verdict {
            Ok(()) => Outcome::Pass,
            Err(Stop::Fail(failure)) => Outcome::Fail(failure),
            Err(Stop::Skip(reason)) => Outcome::Skip(reason),
        }
    }
}
