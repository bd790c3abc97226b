//! `juno tenant export`.

use super::api::{Api, Request};
use crate::answer::{Answer, CommandError};
use serde_json::json;
use std::{
    fs::OpenOptions,
    io::{self, BufWriter},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

/// Writes the lines to a new file that nobody else may read, or to stdout; whether they are whole, the last one says.
pub(super) async fn export(
    api: &Api,
    request: Request,
    output: Option<&Path>,
) -> Result<Answer, CommandError> {
    let last = match output {
        Some(file) => {
            let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file);
            let opened =
                opened.map_err(|cause| CommandError::Failed(format!("{}: {cause}", file.display())))?;
            api.lines(request, &mut BufWriter::new(opened)).await
        }
        None => api.lines(request, &mut io::stdout().lock()).await,
    };
    let last = match (last, output) {
        // Nothing is left of what was refused.
        (Err(error), Some(file)) => {
            let _ = std::fs::remove_file(file);
            return Err(error);
        }
        (last, _) => last?,
    };
    if last["type"] != "end" {
        return Err(CommandError::Failed(
            "the export broke off: its last line is not of the type \"end\"".to_owned(),
        ));
    }
    let lines = last["lines"].clone();
    let Some(file) = output else { return Ok(Answer::silent()) };
    let text = format!("{} in {}.", lines_are(lines.as_u64().unwrap_or_default()), file.display());
    Ok(Answer { json: json!({ "lines": lines, "file": file }), text })
}

/// `1 line is`, `2 lines are`.
fn lines_are(count: u64) -> String {
    if count == 1 { "1 line is".to_owned() } else { format!("{count} lines are") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_is_singular() {
        assert_eq!([0, 1, 2].map(lines_are), ["0 lines are", "1 line is", "2 lines are"]);
    }
}
