//! `juno config`.

use crate::{answer::Answer, settings::Settings};

/// What is in force; wrong settings never come so far.
pub(crate) fn check(settings: &Settings) -> Answer {
    let json = settings.show();
    let sections = json.as_object().into_iter().flatten().map(|(section, keys)| {
        let keys = keys.as_object().into_iter().flatten();
        // A JSON scalar is a TOML value as well.
        let lines: Vec<String> = keys.map(|(key, value)| format!("{key} = {value}")).collect();
        format!("[{section}]\n{}", lines.join("\n"))
    });
    let text = sections.collect::<Vec<_>>().join("\n\n");
    Answer { json, text }
}
