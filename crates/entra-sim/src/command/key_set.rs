//! `key-set`: prints the public half of the key that signs assertions.

use std::path::PathBuf;

use super::{CommandError, Output, concluded};
use crate::connection::signing_key;
use crate::exit::Exit;

/// What `entra-sim key-set` is asked to do.
#[derive(Debug, clap::Args)]
pub struct KeySetOptions {
    /// Private RSA key (PKCS #8, PEM) that signs assertions
    #[arg(long, value_name = "FILE")]
    pub assertion_key: PathBuf,
}

/// Prints the JSON Web Key Set to paste, or to serve at the JWKS address that the server reads.
pub fn key_set(options: &KeySetOptions, mut output: Output<'_>) -> Exit {
    let result = print(options, &mut output);
    concluded(result, &mut output)
}

fn print(options: &KeySetOptions, output: &mut Output<'_>) -> Result<Exit, CommandError> {
    let keys = signing_key(&options.assertion_key)?.key_set();
    writeln!(output.out, "{keys:#}")?;
    Ok(Exit::Success)
}
