//! The results of a run in the XML that build servers read.

use super::Finding;
use super::outcome::Outcome;
use super::report::{Report, exchange, profile};
use std::fmt::Write;

/// Longest body that is kept of a failing exchange, in characters.
const KEPT: usize = 20_000;

/// The report as one JUnit test suite.
pub(super) fn document(report: &Report) -> String {
    let seconds: f64 = report.findings.iter().map(|finding| finding.duration.as_secs_f64()).sum();
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    // Writing to a String cannot fail.
    let _ = writeln!(
        out,
        "<testsuite name=\"entra-sim check {}\" tests=\"{}\" failures=\"{}\" skipped=\"{}\" errors=\"0\" time=\"{seconds:.3}\">",
        profile(report.profile),
        report.findings.len(),
        report.count("fail"),
        report.count("skip")
    );
    for finding in &report.findings {
        case(&mut out, finding);
    }
    out.push_str("</testsuite>\n");
    out
}

fn case(out: &mut String, Finding { check, outcome, duration }: &Finding) {
    let (name, time) = (escape(check.name), duration.as_secs_f64());
    let _ = write!(out, "  <testcase classname=\"entra-sim.check\" name=\"{name}\" time=\"{time:.3}\"");
    let inner = match outcome {
        Outcome::Pass => {
            out.push_str("/>\n");
            return;
        }
        Outcome::Skip(reason) => format!("<skipped message=\"{}\"/>", escape(reason)),
        Outcome::Fail(failure) => {
            let text =
                format!("source: {}\nproves: {}\n{}", check.source, check.proves, exchange(failure, KEPT));
            format!("<failure message=\"{}\">{}</failure>", escape(&failure.reason), escape(&text))
        }
    };
    let _ = writeln!(out, ">\n    {inner}\n  </testcase>");
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
