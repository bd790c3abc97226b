//! Passwords: argon2id, computed off the threads of requests, few at once.

use crate::secret_hash::{self, HashError};
use std::sync::Arc;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

/// Most hashes that are computed at the same time: each takes 19 MiB and a core for some tens of milliseconds.
const AT_ONCE: usize = 2;
/// Shortest password that an operator may choose (NIST SP 800-63B-4 asks for 15 where it is the only factor, and 8
/// beside another).
const MIN_CHARACTERS: usize = 12;
/// Longest, in bytes: nobody makes us hash a novel.
const MAX_BYTES: usize = 256;
/// Letters and digits of a one-time password that nobody takes for one another.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
/// 100 bits.
const ONCE_CHARACTERS: usize = 20;

/// A password that may not be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WeakPassword {
    /// Too short.
    #[error("a password has {MIN_CHARACTERS} characters or more")]
    Short,
    /// Too long.
    #[error("a password has at most {MAX_BYTES} bytes")]
    Long,
    /// Easy to guess.
    #[error("the password must not have the name in it, nor be one character over and over")]
    Guessable,
}

/// Why a password was not hashed or checked.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// The operating system has no random bytes.
    #[error("no random bytes: {0}")]
    Random(#[from] getrandom::Error),
    /// A bug, or a stored hash that is none.
    #[error("argon2: {0}")]
    Hash(String),
}

impl From<HashError> for PasswordError {
    fn from(error: HashError) -> Self {
        PasswordError::Hash(error.to_string())
    }
}

/// Hashes and checks passwords. Cheap to clone; the clones share the limit.
#[derive(Clone)]
pub struct Passwords {
    places: Arc<Semaphore>,
    /// Of a password that nobody knows, for names that nobody has.
    decoy: Arc<str>,
}

impl Passwords {
    /// With the recommended cost of OWASP: 19 MiB, two passes, one lane.
    ///
    /// # Errors
    /// See [`PasswordError`].
    pub fn new() -> Result<Passwords, PasswordError> {
        let decoy = secret_hash::hash(&once()?)?;
        Ok(Passwords { places: Arc::new(Semaphore::new(AT_ONCE)), decoy: decoy.into() })
    }

    /// The PHC string of a password.
    ///
    /// # Errors
    /// See [`PasswordError`].
    pub async fn hash(&self, password: Zeroizing<String>) -> Result<String, PasswordError> {
        Ok(self.off_thread(move || secret_hash::hash(&password)).await??)
    }

    /// Whether this is the password of the hash. Without a hash the answer is no, after the same time.
    ///
    /// # Errors
    /// See [`PasswordError`].
    pub async fn check(
        &self,
        password: Zeroizing<String>,
        stored: Option<String>,
    ) -> Result<bool, PasswordError> {
        // Longer ones are nobody's; they cost what a wrong one costs.
        let stored = stored.filter(|_| password.len() <= MAX_BYTES);
        let decoy = self.decoy.clone();
        self.off_thread(move || {
            let is_known = stored.is_some();
            let text = stored.as_deref().unwrap_or(&decoy);
            let bytes = &password.as_bytes()[..password.len().min(MAX_BYTES)];
            Ok(secret_hash::compare(bytes, text)? && is_known)
        })
        .await?
    }

    async fn off_thread<A: Send + 'static>(
        &self,
        work: impl FnOnce() -> A + Send + 'static,
    ) -> Result<A, PasswordError> {
        let lost = |error: &dyn std::fmt::Display| PasswordError::Hash(error.to_string());
        let place = self.places.clone().acquire_owned().await.map_err(|error| lost(&error))?;
        let done = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(place);
            done
        });
        done.await.map_err(|error| lost(&error))
    }

    /// A new one-time password, to be shown once.
    ///
    /// # Errors
    /// No random bytes.
    pub fn once() -> Result<Zeroizing<String>, PasswordError> {
        once()
    }

    /// Whether an operator may choose this password.
    ///
    /// # Errors
    /// Why not.
    pub fn judge(password: &str, name: &str) -> Result<(), WeakPassword> {
        if password.chars().count() < MIN_CHARACTERS {
            return Err(WeakPassword::Short);
        }
        if password.len() > MAX_BYTES {
            return Err(WeakPassword::Long);
        }
        let first = password.chars().next();
        let has_one_character = password.chars().all(|character| Some(character) == first);
        if has_one_character || password.to_lowercase().contains(&name.to_lowercase()) {
            return Err(WeakPassword::Guessable);
        }
        Ok(())
    }
}

fn once() -> Result<Zeroizing<String>, PasswordError> {
    let mut random = Zeroizing::new([0u8; ONCE_CHARACTERS]);
    getrandom::fill(&mut random[..])?;
    let mut text = Zeroizing::new(String::with_capacity(ONCE_CHARACTERS));
    // 256 is a multiple of 32: each character is equally likely.
    text.extend(random.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])));
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Zeroizing<String> {
        Zeroizing::new(text.to_owned())
    }

    #[tokio::test]
    async fn a_password_is_its_own_and_nobody_elses() {
        let passwords = Passwords::new().unwrap();
        let stored = passwords.hash(text("correct horse battery")).await.unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert_ne!(stored, passwords.hash(text("correct horse battery")).await.unwrap(), "salted");
        assert!(passwords.check(text("correct horse battery"), Some(stored.clone())).await.unwrap());
        for wrong in ["", "correct horse batterY", &"x".repeat(100_000)] {
            assert!(!passwords.check(text(wrong), Some(stored.clone())).await.unwrap());
            assert!(!passwords.check(text(wrong), None).await.unwrap());
        }
        assert!(passwords.check(text("x"), Some("no hash".to_owned())).await.is_err());
    }

    #[test]
    fn one_time_passwords_differ_and_may_be_chosen() {
        let (one, two) = (Passwords::once().unwrap(), Passwords::once().unwrap());
        assert_ne!(*one, *two);
        assert_eq!(one.len(), ONCE_CHARACTERS);
        assert_eq!(Passwords::judge(&one, "anna"), Ok(()));
    }

    #[test]
    fn weak_passwords_are_refused() {
        for (password, why) in [
            ("short", WeakPassword::Short),
            ("elevenchars", WeakPassword::Short),
            ("aaaaaaaaaaaaaaa", WeakPassword::Guessable),
            ("my name is Anna", WeakPassword::Guessable),
            (&"ab".repeat(200), WeakPassword::Long),
        ] {
            assert_eq!(Passwords::judge(password, "anna"), Err(why), "{password}");
        }
        assert_eq!(Passwords::judge("zwölf Zeichen", "anna"), Ok(()));
    }
}
