//! The list of all checks: what each one proves, and on whose word.

mod acceptance_direct;
mod acceptance_groups;
mod acceptance_users;
mod basics;
mod connection;
mod creation;
mod credentials;
mod dialects;
mod discovery;
mod errors;
mod filters;
mod interop;
mod members;
mod patches;
mod roles;

use crate::check::outcome::Verdict;
use crate::check::probe::Probe;
use serde::Serialize;
use std::future::Future;
use std::pin::Pin;

/// One requirement on a SCIM server, with the function that tries it.
#[derive(Clone, Copy, Debug)]
pub struct Check {
    /// Stable name, for `--only` and reports.
    pub name: &'static str,
    /// Who says so: a Microsoft document, an issue, or a section of an RFC.
    pub source: &'static str,
    /// What a pass proves, in one sentence.
    pub proves: &'static str,
    /// In which profiles it is carried out.
    pub applies: Applies,
    /// Carried out alone, after all others, because other checks' objects would disturb it.
    pub alone: bool,
    /// What its failure means.
    pub level: Level,
    /// Why the level is only [`Level::Should`]. A must is demanded by `source`.
    pub should_because: Option<&'static str>,
    /// Checks of the same behaviour. If one of them fails as well, this check fails for the same cause.
    pub same_cause_as: &'static [&'static str],
    run: Run,
}

/// What the failure of a check means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Recommended, or seen from few clients: a failure is a warning
    Should,
    /// Provisioning from Entra, or the RFC, does not work without it
    Must,
}

impl Level {
    /// `must` or `should`.
    pub fn word(self) -> &'static str {
        match self {
            Level::Must => "must",
            Level::Should => "should",
        }
    }
}

/// The profiles in which a check is carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applies {
    /// In all.
    Always,
    /// Only towards servers that claim to understand Entra's deviations from the RFC.
    Entra,
    /// Only towards servers that claim RFC 7644 to the letter: profiles `rfc` and `interop`.
    Strict,
    /// Everywhere but in the profile `interop`, which forbids what the check sends.
    NotInterop,
    /// Only towards servers that claim the profile `interop`.
    Interop,
}

type Run = for<'a> fn(&'a Probe) -> Pin<Box<dyn Future<Output = Verdict> + Send + 'a>>;

impl Check {
    /// A check of all profiles that a server must pass.
    pub(super) const fn new(
        name: &'static str,
        source: &'static str,
        proves: &'static str,
        run: Run,
    ) -> Check {
        Check {
            name,
            source,
            proves,
            applies: Applies::Always,
            alone: false,
            level: Level::Must,
            should_because: None,
            same_cause_as: &[],
            run,
        }
    }

    /// The same, but a failure is only a warning; `because` says why.
    pub(super) const fn should(self, because: &'static str) -> Check {
        Check { level: Level::Should, should_because: Some(because), ..self }
    }

    /// The same; if one of `checks` fails as well, both fail for the same cause.
    pub(super) const fn same_cause_as(self, checks: &'static [&'static str]) -> Check {
        Check { same_cause_as: checks, ..self }
    }

    /// The same, for the profile `entra` alone.
    pub(super) const fn entra(self) -> Check {
        Check { applies: Applies::Entra, ..self }
    }

    /// The same, for the profiles `rfc` and `interop`.
    pub(super) const fn strict(self) -> Check {
        Check { applies: Applies::Strict, ..self }
    }

    /// The same, for the profiles `entra` and `rfc`.
    pub(super) const fn not_interop(self) -> Check {
        Check { applies: Applies::NotInterop, ..self }
    }

    /// The same, for the profile `interop` alone.
    pub(super) const fn interop(self) -> Check {
        Check { applies: Applies::Interop, ..self }
    }

    /// The same, carried out while no other check runs.
    pub(super) const fn alone(self) -> Check {
        Check { alone: true, ..self }
    }

    /// Carries it out.
    pub(super) async fn run(&self, probe: &Probe) -> Verdict {
        (self.run)(probe).await
    }
}

/// Every check, in the order of reports: what all others need, then Microsoft's 25 tests, then the rest.
pub fn checks() -> impl Iterator<Item = &'static Check> {
    let rooms: [&'static [Check]; 15] = [
        basics::CHECKS,
        acceptance_users::CHECKS,
        acceptance_groups::CHECKS,
        acceptance_direct::CHECKS,
        credentials::CHECKS,
        connection::CHECKS,
        discovery::CHECKS,
        filters::CHECKS,
        creation::CHECKS,
        errors::CHECKS,
        patches::CHECKS,
        dialects::CHECKS,
        roles::CHECKS,
        members::CHECKS,
        interop::CHECKS,
    ];
    rooms.into_iter().flatten()
}
