//! Session tokens: 256 random bits in a cookie, stored as a digest; the CSRF token comes of them.

use sha2::{Digest, Sha256};
use std::fmt::{self, Write};
use zeroize::Zeroizing;

const BYTES: usize = 32;

/// The token of a session in clear, as it stands in the cookie: 64 hexadecimal digits. Its memory is overwritten when it
/// is dropped.
pub struct SessionToken(Zeroizing<String>);

impl SessionToken {
    /// A new one.
    ///
    /// # Errors
    /// The operating system has no random bytes.
    pub fn generate() -> Result<SessionToken, getrandom::Error> {
        let mut random = Zeroizing::new([0u8; BYTES]);
        getrandom::fill(&mut random[..])?;
        Ok(SessionToken(Zeroizing::new(hex(&random[..]))))
    }

    /// Reads a cookie; none if it is nothing of ours.
    pub fn parse(text: &str) -> Option<SessionToken> {
        let is_ours =
            text.len() == 2 * BYTES && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        is_ours.then(|| SessionToken(Zeroizing::new(text.to_owned())))
    }

    /// The text of the cookie.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Under which it is stored.
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.0.as_bytes()).into()
    }

    /// What every request that changes something must show beside the cookie: a page of another site cannot know it.
    pub fn csrf(&self) -> String {
        csrf_of("juno csrf 1", &self.0)
    }

    /// Compares in constant time.
    pub fn is_csrf(&self, shown: &str) -> bool {
        subtle::ConstantTimeEq::ct_eq(self.csrf().as_bytes(), shown.as_bytes()).into()
    }
}

impl fmt::Debug for SessionToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionToken(redacted)")
    }
}

/// A CSRF token that comes of a secret; `purpose` keeps those of different kinds of secrets apart.
pub(crate) fn csrf_of(purpose: &str, secret: &str) -> String {
    let mut hasher = Sha256::new();
    hasher.update(purpose.as_bytes());
    hasher.update(b" ");
    hasher.update(secret.as_bytes());
    hex(&hasher.finalize())
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_reads_back_and_its_csrf_token_is_its_own() {
        let (one, two) = (SessionToken::generate().unwrap(), SessionToken::generate().unwrap());
        let read = SessionToken::parse(one.reveal()).unwrap();
        assert_eq!((read.digest(), read.csrf()), (one.digest(), one.csrf()));
        assert!(one.is_csrf(&one.csrf()) && !one.is_csrf(&two.csrf()) && !one.is_csrf(""));
        assert_ne!(one.csrf(), one.reveal());
        for text in ["", "x", &one.reveal().to_uppercase(), &format!("{}0", one.reveal())] {
            assert!(SessionToken::parse(text).is_none() || text == one.reveal(), "{text}");
        }
        assert!(!format!("{one:?}").contains(one.reveal()));
    }
}
