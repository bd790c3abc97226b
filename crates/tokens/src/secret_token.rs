//! The format of a secret: a prefix that says what it is for, key id, `_`, secret, checksum; letters and digits only, 63
//! bytes. Kinds of secrets differ in their prefix, so that none is taken for another.
//!
//! Entra keeps all credentials of an application in about 1 KB, so a token is short. It has no character that a double
//! click would stop at, a prefix that secret scanners can look for, a key id by which people can speak of it, and a
//! checksum, so that a mistyped or foreign one is refused without a query.

use sha2::{Digest, Sha256};
use std::{fmt, marker::PhantomData};
use zeroize::Zeroizing;

const PREFIX_LENGTH: usize = 5;
const KEY_ID_LENGTH: usize = 8;
/// 43 of 62 letters and digits: 256.03 bits.
const SECRET_LENGTH: usize = 43;
/// 6 of 62 letters and digits hold the 32 bits of a CRC-32.
const CHECKSUM_LENGTH: usize = 6;
const CHECKED_LENGTH: usize = PREFIX_LENGTH + KEY_ID_LENGTH + 1 + SECRET_LENGTH;
const LENGTH: usize = CHECKED_LENGTH + CHECKSUM_LENGTH;

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// What a secret is for.
pub trait Purpose {
    /// What it begins with.
    const PREFIX: &'static str;
}

macro_rules! kinds {
    ($($(#[$doc:meta])+ $kind:ident for $purpose:ident = $prefix:literal;)+) => {$(
        /// What such a secret is for.
        pub enum $purpose {}

        impl Purpose for $purpose {
            const PREFIX: &'static str = $prefix;
        }

        const _: () = assert!($prefix.len() == PREFIX_LENGTH);

        $(#[$doc])+
        pub type $kind = Secret<$purpose>;
    )+};
}

kinds! {
    /// A Secret Token of a tenant.
    SecretToken for Provisioning = "juno_";
    /// A secret of an OAuth client.
    ClientSecretText for OauthClient = "jsec_";
    /// The token in the address of a setup link.
    SetupToken for SetupLink = "jset_";
    /// A token by which an operator's script uses the operators' API.
    ApiToken for OperatorsApi = "jopr_";
}

/// A secret in clear. It is never printed: whoever shows it calls [`Secret::reveal`]. Its memory is overwritten when it
/// is dropped.
pub struct Secret<P>(Zeroizing<String>, PhantomData<P>);

impl<P: Purpose> Secret<P> {
    /// A new secret.
    ///
    /// # Errors
    /// The operating system has no random bytes.
    pub fn random() -> Result<Secret<P>, getrandom::Error> {
        Secret::generate(getrandom::fill)
    }

    /// A new secret from random bytes that `fill` provides.
    ///
    /// # Errors
    /// What `fill` fails with.
    pub(crate) fn generate<E>(mut fill: impl FnMut(&mut [u8]) -> Result<(), E>) -> Result<Secret<P>, E> {
        // At full capacity from the start: growing would leave copies behind.
        let mut text = Zeroizing::new(String::with_capacity(LENGTH));
        text.push_str(P::PREFIX);
        push_random(&mut text, KEY_ID_LENGTH, &mut fill)?;
        text.push('_');
        push_random(&mut text, SECRET_LENGTH, &mut fill)?;
        let sum = checksum(text.as_bytes());
        text.extend(sum.map(char::from));
        Ok(Secret(text, PhantomData))
    }

    /// The text to show, once.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// The part by which people name the secret; not secret.
    pub fn key_id(&self) -> &str {
        key_id(&self.0)
    }

    /// The digest under which it is stored, if it is one of those that are stored so.
    pub fn digest(&self) -> [u8; 32] {
        digest(&self.0)
    }

    /// Whether a text has the shape and the checksum of such a secret.
    pub fn is_well_formed(text: &str) -> bool {
        let bytes = text.as_bytes();
        if bytes.len() != LENGTH || !text.starts_with(P::PREFIX) {
            return false;
        }
        let (checked, sum) = bytes.split_at(CHECKED_LENGTH);
        let (key_id, secret) = checked[PREFIX_LENGTH..].split_at(KEY_ID_LENGTH);
        let [b'_', secret @ ..] = secret else { return false };
        key_id.iter().chain(secret).all(u8::is_ascii_alphanumeric) && sum == checksum(checked)
    }

    /// The key id inside a text that is well formed.
    pub fn key_id_of(text: &str) -> Option<&str> {
        Self::is_well_formed(text).then(|| key_id(text))
    }

    /// Reads a text; none if it is not well formed.
    pub fn parse(text: &str) -> Option<Secret<P>> {
        Self::is_well_formed(text).then(|| Secret(Zeroizing::new(text.to_owned()), PhantomData))
    }
}

impl<P: Purpose> fmt::Debug for Secret<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({}{}, redacted)", P::PREFIX, self.key_id())
    }
}

fn key_id(text: &str) -> &str {
    &text[PREFIX_LENGTH..PREFIX_LENGTH + KEY_ID_LENGTH]
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
        SecretToken::random().expect("random bytes")
    }

    #[test]
    fn a_token_is_short_and_of_one_shape() {
        for _ in 0..1000 {
            let token = token();
            let text = token.reveal();
            assert_eq!(text.len(), 63);
            assert!(SecretToken::is_well_formed(text), "{text}");
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
                    assert!(!SecretToken::is_well_formed(&text), "{text}");
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
            assert!(!SecretToken::is_well_formed(text), "{text}");
        }
        assert!(!SecretToken::is_well_formed(&format!("{good}0")));
        // As long as a token in bytes, with a character that is cut by every place of division.
        assert!(!SecretToken::is_well_formed(&format!("juno_{}", "é".repeat(29))));
        assert!(!SecretToken::is_well_formed(&format!("juno_1{}a", "é".repeat(28))));
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
    fn a_secret_of_one_kind_is_none_of_another() {
        let secret = ClientSecretText::random().expect("random bytes");
        assert_eq!(ClientSecretText::key_id_of(secret.reveal()), Some(secret.key_id()));
        assert_eq!(ClientSecretText::parse(secret.reveal()).map(|read| read.digest()), Some(secret.digest()));
        assert!(!SecretToken::is_well_formed(secret.reveal()));
        assert!(!ApiToken::is_well_formed(secret.reveal()));
        assert_eq!(ClientSecretText::key_id_of(token().reveal()), None);
        assert_eq!(ApiToken::parse(token().reveal()).map(|read| read.digest()), None);
        // Another prefix before the same characters breaks the checksum, too.
        assert!(!ApiToken::is_well_formed(&token().reveal().replace("juno_", "jopr_")));
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
