//! The format of a Secret Token: `juno_`, key id, `_`, secret, checksum; letters and digits only, 63 bytes. A client secret
//! has the same format with `jsec_` in front, so that neither is taken for the other.
//!
//! Entra keeps all credentials of an application in about 1 KB, so a token is short. It has no character that a double
//! click would stop at, a prefix that secret scanners can look for, a key id by which people can speak of it, and a
//! checksum, so that a mistyped or foreign one is refused without a query.

use sha2::{Digest, Sha256};
use std::fmt;
use zeroize::Zeroizing;

const PREFIX: &str = "juno_";
/// As long as the other.
const CLIENT_SECRET_PREFIX: &str = "jsec_";
const KEY_ID_LENGTH: usize = 8;
/// 43 of 62 letters and digits: 256.03 bits.
const SECRET_LENGTH: usize = 43;
/// 6 of 62 letters and digits hold the 32 bits of a CRC-32.
const CHECKSUM_LENGTH: usize = 6;
const CHECKED_LENGTH: usize = PREFIX.len() + KEY_ID_LENGTH + 1 + SECRET_LENGTH;
const LENGTH: usize = CHECKED_LENGTH + CHECKSUM_LENGTH;

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A Secret Token in clear. It is never printed: whoever shows it calls [`SecretToken::reveal`]. Its memory is
/// overwritten when it is dropped.
pub struct SecretToken(Zeroizing<String>);

impl SecretToken {
    /// A new token from random bytes that `fill` provides.
    ///
    /// # Errors
    /// What `fill` fails with.
    pub(crate) fn generate<E>(fill: impl FnMut(&mut [u8]) -> Result<(), E>) -> Result<SecretToken, E> {
        SecretToken::with_prefix(PREFIX, fill)
    }

    /// The same format with another prefix, of the same length.
    pub(crate) fn with_prefix<E>(
        prefix: &str,
        mut fill: impl FnMut(&mut [u8]) -> Result<(), E>,
    ) -> Result<SecretToken, E> {
        // At full capacity from the start: growing would leave copies behind.
        let mut text = Zeroizing::new(String::with_capacity(LENGTH));
        text.push_str(prefix);
        push_random(&mut text, KEY_ID_LENGTH, &mut fill)?;
        text.push('_');
        push_random(&mut text, SECRET_LENGTH, &mut fill)?;
        let sum = checksum(text.as_bytes());
        text.extend(sum.map(char::from));
        Ok(SecretToken(text))
    }

    /// A text that has the format.
    pub(crate) fn of_text(text: &str) -> SecretToken {
        SecretToken(Zeroizing::new(text.to_owned()))
    }

    /// The text to show, once.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// The part by which people name the token; not secret.
    pub fn key_id(&self) -> &str {
        &self.0[PREFIX.len()..PREFIX.len() + KEY_ID_LENGTH]
    }

    /// The digest under which it is stored.
    pub fn digest(&self) -> [u8; 32] {
        digest(&self.0)
    }
}

impl fmt::Debug for SecretToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretToken({}, redacted)", self.key_id())
    }
}

/// A secret of an OAuth client in clear; kept like a [`SecretToken`].
#[derive(Debug)]
pub struct ClientSecretText(SecretToken);

impl ClientSecretText {
    /// A new secret from random bytes that `fill` provides.
    ///
    /// # Errors
    /// What `fill` fails with.
    pub(crate) fn generate<E>(fill: impl FnMut(&mut [u8]) -> Result<(), E>) -> Result<Self, E> {
        SecretToken::with_prefix(CLIENT_SECRET_PREFIX, fill).map(ClientSecretText)
    }

    /// The text to show, once.
    pub fn reveal(&self) -> &str {
        self.0.reveal()
    }

    /// The part by which people name the secret; not secret.
    pub fn key_id(&self) -> &str {
        self.0.key_id()
    }

    /// The key id inside a text with the shape and the checksum of a client secret.
    pub(crate) fn key_id_of(text: &str) -> Option<&str> {
        let is_one = has_format(text, CLIENT_SECRET_PREFIX);
        is_one.then(|| &text[CLIENT_SECRET_PREFIX.len()..CLIENT_SECRET_PREFIX.len() + KEY_ID_LENGTH])
    }
}

/// Whether a text has the shape and the checksum of a Secret Token.
pub(crate) fn is_well_formed(text: &str) -> bool {
    has_format(text, PREFIX)
}

/// Whether a text has the shape and the checksum of a token with this prefix.
pub(crate) fn has_format(text: &str, prefix: &str) -> bool {
    let bytes = text.as_bytes();
    if bytes.len() != LENGTH || !text.starts_with(prefix) {
        return false;
    }
    let (checked, sum) = bytes.split_at(CHECKED_LENGTH);
    let (key_id, secret) = checked[prefix.len()..].split_at(KEY_ID_LENGTH);
    let [b'_', secret @ ..] = secret else { return false };
    key_id.iter().chain(secret).all(u8::is_ascii_alphanumeric) && sum == checksum(checked)
}

/// SHA-256 of the whole text.
pub(crate) fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

/// CRC-32 in base 62, most significant digit first.
fn checksum(bytes: &[u8]) -> [u8; CHECKSUM_LENGTH] {
    let mut rest = crc32fast::hash(bytes);
    let mut digits = [b'0'; CHECKSUM_LENGTH];
    for digit in digits.iter_mut().rev() {
        *digit = ALPHABET[(rest % 62) as usize];
        rest /= 62;
    }
    digits
}

/// Pushes characters, each of them equally likely.
fn push_random<E>(
    text: &mut String,
    length: usize,
    fill: &mut impl FnMut(&mut [u8]) -> Result<(), E>,
) -> Result<(), E> {
    let mut missing = length;
    let mut random = Zeroizing::new([0u8; 64]);
    while missing > 0 {
        fill(&mut *random)?;
        // 248 is the largest multiple of 62 below 256: a remainder of larger bytes would favour some characters.
        for byte in random.iter().filter(|byte| **byte < 248).take(missing) {
            text.push(char::from(ALPHABET[usize::from(*byte % 62)]));
            missing -= 1;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{collections::HashSet, convert::Infallible};

    fn token() -> SecretToken {
        SecretToken::generate(getrandom::fill).expect("random bytes")
    }

    #[test]
    fn a_token_is_short_and_of_one_shape() {
        for _ in 0..1000 {
            let token = token();
            let text = token.reveal();
            assert_eq!(text.len(), 63);
            assert!(is_well_formed(text), "{text}");
            assert_eq!(text.split('_').map(str::len).collect::<Vec<_>>(), [4, 8, 49]);
            assert_eq!(token.key_id(), text.split('_').nth(1).expect("key id"));
            assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'));
        }
    }

    #[test]
    fn tokens_differ_in_key_id_and_secret() {
        let tokens: Vec<_> = (0..1000).map(|_| token()).collect();
        let secrets: HashSet<_> = tokens.iter().map(|token| &token.reveal()[14..57]).collect();
        let key_ids: HashSet<_> = tokens.iter().map(SecretToken::key_id).collect();
        assert_eq!((secrets.len(), key_ids.len()), (1000, 1000));
    }

    #[test]
    fn every_change_of_one_character_is_noticed() {
        let token = token();
        for index in 0..token.reveal().len() {
            for other in ALPHABET.iter().chain(b"_-. \n\0") {
                let mut bytes = token.reveal().as_bytes().to_vec();
                if std::mem::replace(&mut bytes[index], *other) != *other {
                    let text = String::from_utf8(bytes).expect("ASCII");
                    assert!(!is_well_formed(&text), "{text}");
                }
            }
        }
    }

    #[test]
    fn other_texts_are_no_tokens() {
        let good = token().reveal().to_owned();
        let foreign =
            ["", "juno_", "garbage", "eyJhbGciOiJFUzI1NiJ9.e30.c2ln", &good[..62], &good.to_uppercase()];
        for text in foreign {
            assert!(!is_well_formed(text), "{text}");
        }
        assert!(!is_well_formed(&format!("{good}0")));
        // As long as a token in bytes, with a character that is cut by every place of division.
        assert!(!is_well_formed(&format!("juno_{}", "é".repeat(29))));
        assert!(!is_well_formed(&format!("juno_1{}a", "é".repeat(28))));
    }

    #[test]
    fn large_random_bytes_are_drawn_again() {
        let mut draws = 0;
        let token = SecretToken::generate(|bytes: &mut [u8]| -> Result<(), Infallible> {
            draws += 1;
            bytes.fill(if draws % 2 == 1 { 255 } else { 61 });
            Ok(())
        });
        let Ok(token) = token;
        assert_eq!(token.key_id(), "zzzzzzzz");
        assert_eq!(draws, 4);
    }

    #[test]
    fn a_client_secret_is_no_secret_token() {
        let secret = ClientSecretText::generate(getrandom::fill).expect("random bytes");
        assert_eq!(ClientSecretText::key_id_of(secret.reveal()), Some(secret.key_id()));
        assert!(!is_well_formed(secret.reveal()));
        assert_eq!(ClientSecretText::key_id_of(token().reveal()), None);
        assert!(!format!("{secret:?}").contains(&secret.reveal()[14..]));
    }

    #[test]
    fn failing_randomness_gives_no_token() {
        assert_eq!(SecretToken::generate(|_: &mut [u8]| Err("none")).err(), Some("none"));
    }

    #[test]
    fn a_token_does_not_print() {
        let token = token();
        let printed = format!("{token:?} {:#?} {:?}", token, Some(&token));
        assert!(!printed.contains(&token.reveal()[14..]), "{printed}");
        assert!(printed.contains(token.key_id()));
    }
}
