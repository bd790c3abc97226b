//! The results of a run, for people and for machines.

use super::outcome::{Failure, Outcome};
use super::registry::Check;
use super::{Applies, Finding, Profile};
use crate::http::Exchange;
use serde_json::{Value, json};
use std::io::{self, Write};

/// Longest body that is printed for people, in characters.
const PRINTED: usize = 3_000;

/// The results of a run.
#[derive(Clone, Debug)]
pub struct Report {
    /// What was tried.
    pub tenant_url: String,
    /// What it was held to.
    pub profile: Profile,
    /// One a check, in the order of the registry.
    pub findings: Vec<Finding>,
}

impl Report {
    /// How many checks failed.
    pub fn failed(&self) -> usize {
        self.count("fail")
    }

    /// How many checks ended with that word: `pass`, `fail` or `skip`.
    pub fn count(&self, word: &str) -> usize {
        self.findings.iter().filter(|finding| finding.outcome.word() == word).count()
    }

    /// Failures with their exchange, then a table, then the sum.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        for finding in &self.findings {
            if let Outcome::Fail(failure) = &finding.outcome {
                let Check { name, source, proves, .. } = finding.check;
                writeln!(
                    out,
                    "FAIL {name}\n  proves: {proves}\n  source: {source}\n  reason: {}",
                    failure.reason
                )?;
                writeln!(out, "{}\n", indent(&exchange(failure, PRINTED)))?;
            }
        }
        let width = self.findings.iter().map(|finding| finding.check.name.len()).max().unwrap_or_default();
        for Finding { check, outcome, duration } in &self.findings {
            let note = match outcome {
                Outcome::Pass => check.source,
                Outcome::Fail(failure) => &failure.reason,
                Outcome::Skip(reason) => reason,
            };
            let (word, time) = (outcome.word(), duration.as_millis());
            writeln!(out, "{word}  {:width$}  {time:>6} ms  {}", check.name, first_line(note))?;
        }
        let [pass, fail, skip] = ["pass", "fail", "skip"].map(|word| self.count(word));
        writeln!(
            out,
            "\n{pass} passed, {fail} failed, {skip} skipped: {} (profile {})",
            self.tenant_url,
            profile(self.profile)
        )
    }

    /// One JSON document.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write_json(&self, out: &mut dyn Write) -> io::Result<()> {
        let checks: Vec<_> = self.findings.iter().map(finding_json).collect();
        let document = json!({
            "tenantUrl": self.tenant_url,
            "profile": self.profile,
            "passed": self.count("pass"),
            "failed": self.count("fail"),
            "skipped": self.count("skip"),
            "checks": checks
        });
        writeln!(out, "{document:#}")
    }
}

fn finding_json(Finding { check, outcome, duration }: &Finding) -> Value {
    let mut value = json!({
        "name": check.name,
        "source": check.source,
        "proves": check.proves,
        "result": outcome.word(),
        "milliseconds": duration.as_secs_f64() * 1e3
    });
    match outcome {
        Outcome::Pass => {}
        Outcome::Fail(failure) => {
            value["reason"] = json!(failure.reason);
            value["exchange"] = json!(failure.exchange);
        }
        Outcome::Skip(reason) => value["reason"] = json!(reason),
    }
    value
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
    }
}

/// What there is to check.
pub(super) fn list(checks: &[&Check], out: &mut dyn Write) -> io::Result<()> {
    for check in checks {
        let only = match check.applies {
            Applies::Always => "",
            Applies::Entra => " (profile entra)",
            Applies::Rfc => " (profile rfc)",
        };
        writeln!(out, "{}{only}\n  {}\n  source: {}", check.name, check.proves, check.source)?;
    }
    writeln!(out, "\n{} checks", checks.len())
}
