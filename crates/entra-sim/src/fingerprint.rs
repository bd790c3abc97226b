//! A short, stable digest that tells whether something changed.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

/// Sixteen hexadecimal digits; the same on every machine and in every release.
pub fn of(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().take(8).fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
