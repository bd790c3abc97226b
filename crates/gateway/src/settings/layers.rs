//! The layers of settings: built-in defaults, a file, the environment; the later wins.

use config::{Config, File, FileFormat, Map, Source, Value};
use std::path::Path;

/// Environment variables by name.
pub(crate) type Environment = Map<String, String>;

/// The file that documents every key is the built-in layer.
const DEFAULTS: &str = include_str!("../../../../config/default.toml");
/// Read if it is there and no other file is named.
const LOCAL_FILE: &str = "config/local.toml";

/// Reads all layers into one tree.
pub(super) fn read(file: Option<&Path>, environment: Environment) -> Result<Map<String, Value>, String> {
    let file = match file {
        Some(named) => File::from(named).format(FileFormat::Toml),
        None => File::from(Path::new(LOCAL_FILE)).format(FileFormat::Toml).required(false),
    };
    let environment = config::Environment::with_prefix("JUNO")
        .prefix_separator("__")
        .separator("__")
        .source(Some(environment));
    Config::builder()
        .add_source(File::from_str(DEFAULTS, FileFormat::Toml))
        .add_source(file)
        .add_source(environment)
        .build()
        .and_then(|config| config.collect())
        .map_err(|error| error.to_string())
}
