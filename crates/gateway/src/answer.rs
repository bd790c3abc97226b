//! What a command says: text for people, or exactly one JSON object for programs, on stdout; all else goes to stderr.

use crate::settings::WrongSettings;
use serde_json::{Value, json};
use std::{
    io::{self, Write},
    process::ExitCode,
};

/// What a command found or did.
#[derive(Debug)]
pub(crate) struct Answer {
    /// For programs: an object.
    pub(crate) json: Value,
    /// For people: lines without the last line break.
    pub(crate) text: String,
}

impl Answer {
    /// Of a command that has written what it found by itself.
    pub(crate) fn silent() -> Answer {
        Answer { json: Value::Null, text: String::new() }
    }

    /// An object; people read it as lines of `key: value`, without the keys that say nothing; an object in it as lines of
    /// `key.key: value`.
    pub(crate) fn fields(json: Value) -> Answer {
        let mut fields = Vec::new();
        collect_fields("", &json, &mut fields);
        let width = fields.iter().map(|(key, _)| key.len() + 2).max().unwrap_or(0);
        let line = |(key, value): &(String, String)| format!("{:<width$}{value}", format!("{key}:"));
        let text = fields.iter().map(line).collect::<Vec<_>>().join("\n");
        Answer { json, text }
    }

    /// An object with a list under `name`; people read a table of these columns of it.
    pub(crate) fn table(json: Value, name: &str, columns: &[&str]) -> Answer {
        let rows = json[name].as_array().map(Vec::as_slice).unwrap_or_default();
        Answer { text: Answer::lines(rows, columns), json }
    }

    /// A table for people.
    pub(crate) fn lines(rows: &[Value], columns: &[&str]) -> String {
        let head: Vec<String> = columns.iter().map(|column| column.to_uppercase()).collect();
        let body =
            rows.iter().map(|row| columns.iter().map(|column| plain(&row[*column])).collect::<Vec<_>>());
        let lines: Vec<Vec<String>> = std::iter::once(head).chain(body).collect();
        let width = |n: usize| lines.iter().map(|line| line[n].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns.len()).map(width).collect();
        let print = |line: &Vec<String>| {
            let cells = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
            cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        };
        lines.iter().map(print).collect::<Vec<_>>().join("\n")
    }
}

fn collect_fields(prefix: &str, json: &Value, fields: &mut Vec<(String, String)>) {
    for (key, value) in json.as_object().into_iter().flatten() {
        let key = format!("{prefix}{key}");
        match value {
            Value::Null => {}
            Value::Object(_) => collect_fields(&format!("{key}."), value, fields),
            value => fields.push((key, plain(value))),
        }
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.iter().all(Value::is_string) => {
            items.iter().map(plain).collect::<Vec<_>>().join(" ")
        }
        other => other.to_string(),
    }
}

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommandError {
    /// Exit code 2.
    #[error("{0}")]
    Settings(WrongSettings),
    /// The command line asks for something impossible: exit code 2.
    #[error("{0}")]
    Usage(String),
    /// Exit code 1.
    #[error("{0}")]
    Failed(String),
}

impl CommandError {
    /// A failure with its cause.
    pub(crate) fn failed(what: &str) -> impl Fn(&dyn std::fmt::Display) -> CommandError {
        move |cause| CommandError::Failed(format!("{what}: {cause}"))
    }
}

impl From<store::StoreError> for CommandError {
    fn from(error: store::StoreError) -> Self {
        CommandError::Failed(error.to_string())
    }
}

impl From<admin::Failure> for CommandError {
    fn from(failure: admin::Failure) -> Self {
        match failure {
            admin::Failure::Invalid(words) => CommandError::Usage(words),
            other => CommandError::Failed(other.to_string()),
        }
    }
}

/// Prints the outcome; a command without an answer has spoken for itself.
pub(crate) fn print(outcome: Result<Option<Answer>, CommandError>, json: bool) -> ExitCode {
    match outcome {
        Ok(None) => ExitCode::SUCCESS,
        Ok(Some(answer)) if answer.json.is_null() => ExitCode::SUCCESS,
        Ok(Some(answer)) => say(&if json { answer.json.to_string() } else { answer.text }),
        Err(error) => {
            // Nobody is left to tell if stderr is closed.
            let _ = writeln!(io::stderr(), "juno: {error}");
            let failed = if json {
                say(&json!({ "error": error.to_string() }).to_string())
            } else {
                ExitCode::SUCCESS
            };
            match error {
                _ if failed != ExitCode::SUCCESS => failed,
                CommandError::Failed(_) => ExitCode::FAILURE,
                CommandError::Settings(_) | CommandError::Usage(_) => ExitCode::from(2),
            }
        }
    }
}

/// Writes one line to stdout; a reader that went away is a failure, as nobody got the answer.
pub(crate) fn say(line: &str) -> ExitCode {
    let mut stdout = io::stdout().lock();
    match writeln!(stdout, "{line}").and_then(|()| stdout.flush()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
