//! The results of a run in the XML that build servers read.

use super::Finding;
use super::outcome::Failure;
use super::registry::Check;
use super::report::{Report, Standing, Tally, exchange, profile};
use std::fmt::Write;

/// Longest body that is kept of a failing exchange, in characters.
const KEPT: usize = 20_000;

/// The report as one JUnit test suite. JUnit has no warnings: a warning is a skipped test with output.
pub(super) fn document(report: &Report) -> String {
    let seconds: f64 = report.findings.iter().map(|finding| finding.duration.as_secs_f64()).sum();
    let Tally { failed, warnings, blocked, skipped, .. } = report.tally();
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    // Writing to a String cannot fail.
    let _ = writeln!(
        out,
        "<testsuite name=\"entra-sim check {}\" tests=\"{}\" failures=\"{failed}\" skipped=\"{}\" errors=\"0\" time=\"{seconds:.3}\">",
        profile(report.profile),
        report.findings.len(),
        warnings + blocked + skipped
    );
    for finding in &report.findings {
        case(&mut out, report, finding);
    }
    out.push_str("</testsuite>\n");
    out
}

fn case(out: &mut String, report: &Report, finding: &Finding) {
    let Finding { check, duration, .. } = finding;
    let (name, level, time) = (escape(check.name), check.level.word(), duration.as_secs_f64());
    let _ =
        write!(out, "  <testcase classname=\"entra-sim.check.{level}\" name=\"{name}\" time=\"{time:.3}\"");
    let inner = match report.standing(finding) {
        Standing::Pass => {
            out.push_str("/>\n");
            return;
        }
        Standing::Skip(reason) => format!("<skipped message=\"{}\"/>", escape(reason)),
        Standing::Blocked(cause, failure) => {
            let message = format!("because of {cause}: {}", failure.reason);
            format!("<skipped message=\"{}\"/>", escape(&message))
        }
        Standing::Warn(failure) => {
            let message = escape(&format!("warning ({level}): {}", failure.reason));
            let text = escape(&evidence(report, check, failure));
            format!("<skipped message=\"{message}\"/>\n    <system-out>{text}</system-out>")
        }
        Standing::Fail(failure) => {
            let (kind, message) = (report.level(finding).word(), escape(&failure.reason));
            let text = escape(&evidence(report, check, failure));
            format!("<failure type=\"{kind}\" message=\"{message}\">{text}</failure>")
        }
    };
    let _ = writeln!(out, ">\n    {inner}\n  </testcase>");
}

/// The source, what else fails for this cause, and the exchange that shows it.
fn evidence(report: &Report, check: &Check, failure: &Failure) -> String {
    let blocked: Vec<_> = report.blocked_by(check).map(|check| check.name).collect();
    let blocks = if blocked.is_empty() { String::new() } else { format!("blocks: {}\n", blocked.join(", ")) };
    let exchange = exchange(failure, KEPT);
    format!("source: {}\nproves: {}\n{blocks}{exchange}", check.source, check.proves)
}

/// Text as XML 1.0 allows it: markup escaped, characters that XML cannot hold replaced.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'.. => out.push(char),
            _ => out.push('\u{fffd}'),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_breaks_out_of_an_attribute() {
        assert_eq!(escape("a\"b<c>&\u{0}\u{1b}é"), "a&quot;b&lt;c&gt;&amp;\u{fffd}\u{fffd}é");
    }
}
