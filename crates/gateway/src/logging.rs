//! Log lines on stderr, as text or JSON.

use crate::settings::{Log, LogFormat};
use std::io;

/// Starts logging; the second call in a process does nothing.
pub(crate) fn start(settings: &Log) {
    let subscriber =
        tracing_subscriber::fmt().with_env_filter(settings.level.filter()).with_writer(io::stderr);
    let _ = match settings.format {
        LogFormat::Text => subscriber.with_ansi(false).try_init(),
        LogFormat::Json => {
            subscriber.json().flatten_event(true).with_current_span(true).with_span_list(false).try_init()
        }
    };
}
