//! The results of a run, grouped by cause, for people and for machines.

use super::outcome::{Failure, Outcome};
use super::registry::{Check, Level};
use super::{Applies, Finding, Profile};
use crate::http::Exchange;
use serde_json::{Value, json};
use std::io::{self, Write};

/// Longest body that is printed for people, in characters.
const PRINTED: usize = 3_000;

/// The results of a run.
#[derive(Clone, Debug)]
pub struct Report {
    /// The server that was checked.
    pub tenant_url: String,
    /// What it was held to.
    pub profile: Profile,
    /// The lowest level whose failures fail the run.
    pub fail_on: Level,
    /// One for each check, in the order of the registry.
    pub findings: Vec<Finding>,
}

/// The result of one check, seen beside the other results.
#[derive(Clone, Copy, Debug)]
pub(super) enum Standing<'a> {
    /// The server behaved.
    Pass,
    /// It did not, and this fails the run.
    Fail(&'a Failure),
    /// It did not, and the level of the cause is too low to fail the run.
    Warn(&'a Failure),
    /// It did not, for a cause that the named check judges.
    Blocked(&'static str, &'a Failure),
    /// Not carried out, for this reason.
    Skip(&'a str),
}

impl Standing<'_> {
    /// The word of tables and JSON.
    pub(super) fn word(self) -> &'static str {
        match self {
            Standing::Pass => "pass",
            Standing::Fail(_) => "fail",
            Standing::Warn(_) => "warn",
            Standing::Blocked(..) => "blocked",
            Standing::Skip(_) => "skip",
        }
    }
}

/// How many checks ended in which way. `failed` and `warnings` count causes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Checks that passed.
    pub passed: usize,
    /// Causes that fail the run.
    pub failed: usize,
    /// Causes that do not fail the run.
    pub warnings: usize,
    /// Checks that failed for a cause that another check judges.
    pub blocked: usize,
    /// Checks that were not carried out.
    pub skipped: usize,
}

impl Report {
    /// How many checks ended in which way.
    pub fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        for finding in &self.findings {
            let count = match self.standing(finding) {
                Standing::Pass => &mut tally.passed,
                Standing::Fail(_) => &mut tally.failed,
                Standing::Warn(_) => &mut tally.warnings,
                Standing::Blocked(..) => &mut tally.blocked,
                Standing::Skip(_) => &mut tally.skipped,
            };
            *count += 1;
        }
        tally
    }

    /// The result of a check, seen beside the other results.
    pub(super) fn standing<'a>(&self, finding: &'a Finding) -> Standing<'a> {
        match (&finding.outcome, finding.cause) {
            (Outcome::Pass, _) => Standing::Pass,
            (Outcome::Skip(reason), _) => Standing::Skip(reason),
            (Outcome::Fail(failure), Some(cause)) => Standing::Blocked(cause, failure),
            (Outcome::Fail(failure), None) if self.level(finding) >= self.fail_on => Standing::Fail(failure),
            (Outcome::Fail(failure), None) => Standing::Warn(failure),
        }
    }

    /// The checks that failed for the cause that this check judges.
    pub(super) fn blocked_by<'a>(&'a self, check: &'a Check) -> impl Iterator<Item = &'static Check> {
        self.findings.iter().filter(move |it| it.cause == Some(check.name)).map(|it| it.check)
    }

    /// The highest level of the checks that failed for the cause of this one.
    pub(super) fn level(&self, finding: &Finding) -> Level {
        let blocked = self.blocked_by(finding.check).map(|check| check.level);
        blocked.fold(finding.check.level, Level::max)
    }

    /// Causes of failures with their exchange, then a table of all checks, then the sum.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        for finding in &self.findings {
            match self.standing(finding) {
                Standing::Fail(failure) => self.write_cause("FAIL", finding, failure, out)?,
                Standing::Warn(failure) => self.write_cause("WARN", finding, failure, out)?,
                _ => {}
            }
        }
        let width = self.findings.iter().map(|finding| finding.check.name.len()).max().unwrap_or_default();
        for finding in &self.findings {
            let Finding { check, duration, .. } = finding;
            let standing = self.standing(finding);
            let note = match standing {
                Standing::Pass => check.source.to_owned(),
                Standing::Fail(failure) | Standing::Warn(failure) => failure.reason.clone(),
                Standing::Blocked(cause, _) => format!("because of {cause}"),
                Standing::Skip(reason) => reason.to_owned(),
            };
            let (word, level, time) = (standing.word(), check.level.word(), duration.as_millis());
            let note = first_line(&note);
            writeln!(out, "{word:7}  {level:6}  {:width$}  {time:>6} ms  {note}", check.name)?;
        }
        let Tally { passed, failed, warnings, blocked, skipped } = self.tally();
        let (url, profile) = (&self.tenant_url, profile(self.profile));
        writeln!(
            out,
            "\n{passed} passed, {failed} failed, {warnings} warnings, {blocked} blocked, {skipped} skipped: {url} \
             (profile {profile})"
        )
    }

    fn write_cause(
        &self,
        word: &str,
        finding: &Finding,
        failure: &Failure,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let check = finding.check;
        let level = self.level(finding);
        writeln!(
            out,
            "{word} {} ({})\n  proves: {}\n  source: {}",
            check.name,
            level.word(),
            check.proves,
            check.source
        )?;
        if let Some(why) = check.should_because.filter(|_| level == Level::Should) {
            writeln!(out, "  only a should: {why}")?;
        }
        writeln!(out, "  reason: {}", failure.reason)?;
        let blocked: Vec<_> = self.blocked_by(check).map(|check| check.name).collect();
        if !blocked.is_empty() {
            writeln!(out, "  blocks {}: {}", blocked.len(), blocked.join(", "))?;
        }
        writeln!(out, "{}\n", indent(&exchange(failure, PRINTED)))
    }

    /// One JSON document.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write_json(&self, out: &mut dyn Write) -> io::Result<()> {
        let checks: Vec<_> = self.findings.iter().map(|finding| self.finding_json(finding)).collect();
        let Tally { passed, failed, warnings, blocked, skipped } = self.tally();
        let document = json!({
            "tenantUrl": self.tenant_url,
            "profile": self.profile,
            "failOn": self.fail_on,
            "passed": passed,
            "failed": failed,
            "warnings": warnings,
            "blocked": blocked,
            "skipped": skipped,
            "checks": checks
        });
        writeln!(out, "{document:#}")
    }

    fn finding_json(&self, finding: &Finding) -> Value {
        let Finding { check, duration, .. } = finding;
        let standing = self.standing(finding);
        let mut value = json!({
            "name": check.name,
            "source": check.source,
            "proves": check.proves,
            "level": check.level,
            "result": standing.word(),
            "milliseconds": duration.as_secs_f64() * 1e3
        });
        if let Some(why) = check.should_because {
            value["shouldBecause"] = json!(why);
        }
        match standing {
            Standing::Pass => {}
            Standing::Skip(reason) => value["reason"] = json!(reason),
            Standing::Fail(failure) | Standing::Warn(failure) | Standing::Blocked(_, failure) => {
                value["reason"] = json!(failure.reason);
                value["exchange"] = json!(failure.exchange);
            }
        }
        match standing {
            Standing::Blocked(cause, _) => value["cause"] = json!(cause),
            Standing::Fail(_) | Standing::Warn(_) => {
                value["blocks"] = self.blocked_by(check).map(|check| check.name).collect();
            }
            Standing::Pass | Standing::Skip(_) => {}
        }
        value
    }
}

/// The exchange that shows a failure, as lines like those of a terminal client.
pub(super) fn exchange(failure: &Failure, width: usize) -> String {
    let Exchange { request, outcome, .. } = &failure.exchange;
    let headers = |sign: char, headers: &[(String, String)]| -> Vec<String> {
        headers.iter().map(|(name, value)| format!("{sign} {name}: {value}")).collect()
    };
    let mut lines = vec![format!("> {} {}", request.method, request.url)];
    lines.extend(headers('>', &request.headers));
    lines.extend(request.body.as_deref().map(|body| cut(body, width)));
    match outcome {
        Ok(response) => {
            lines.push(format!("< {}", response.status));
            lines.extend(headers('<', &response.headers));
            lines.push(cut(&response.body, width));
        }
        Err(failure) => lines.push(format!("< {failure}")),
    }
    lines.join("\n")
}

fn cut(text: &str, width: usize) -> String {
    match text.char_indices().nth(width) {
        Some((end, _)) => format!("{}… ({} bytes in all)", &text[..end], text.len()),
        None => text.to_owned(),
    }
}

fn indent(text: &str) -> String {
    text.lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}

fn first_line(text: &str) -> String {
    cut(text.lines().next().unwrap_or_default(), 160)
}

/// The word of a profile.
pub(super) fn profile(profile: Profile) -> &'static str {
    match profile {
        Profile::Entra => "entra",
        Profile::Rfc => "rfc",
        Profile::Interop => "interop",
    }
}

/// The checks with level and source.
pub(super) fn list(checks: &[&Check], out: &mut dyn Write) -> io::Result<()> {
    for check in checks {
        let only = match check.applies {
            Applies::Always => "",
            Applies::Entra => " (profile entra)",
            Applies::Strict => " (profiles rfc and interop)",
            Applies::NotInterop => " (profiles entra and rfc)",
            Applies::Interop => " (profile interop)",
        };
        writeln!(out, "{}{only}\n  {}\n  source: {}", check.name, check.proves, check.source)?;
        match check.should_because {
            Some(why) => writeln!(out, "  level: {}, because {why}", check.level.word())?,
            None => writeln!(out, "  level: {}", check.level.word())?,
        }
    }
    writeln!(out, "\n{} checks", checks.len())
}
