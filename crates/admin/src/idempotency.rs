//! The header Idempotency-Key: a request that makes something may come again, and makes one thing.
//!
//! The id of what is made is derived from who asks, from what is asked for and from the key, so that nothing has to be
//! remembered: the second time it is there already.

use crate::Failure;
use actix_web::{FromRequest, HttpRequest, dev::Payload};
use sha2::{Digest, Sha256};
use std::{
    convert::Infallible,
    future::{Ready, ready},
};
use store::By;
use tokens::operator;
use uuid::Uuid;

/// Longest key, in bytes.
const MAX_KEY: usize = 255;

/// The id of what is made: without a key a new one, with a key always the same. `what` is its kind, and whose it is.
///
/// # Errors
/// A key that is none.
pub(crate) fn id(what: &str, by: &By, key: Option<&str>) -> Result<Uuid, Failure> {
    match key {
        Some(key) if key.is_empty() || key.len() > MAX_KEY => {
            Err(Failure::Invalid(format!("An Idempotency-Key has 1 to {MAX_KEY} bytes.")))
        }
        Some(key) => Ok(of_key(what, &by.actor, key)),
        None => operator::new_id(by.at).map_err(Failure::internal),
    }
}

/// UUID version 8 (RFC 9562 section 5.8).
fn of_key(what: &str, actor: &str, key: &str) -> Uuid {
    let digest = Sha256::digest(format!("juno {what} {}:{actor}:{key}", actor.len()));
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

/// The header of a request.
pub(crate) struct IdempotencyKey(Result<Option<String>, ()>);

impl IdempotencyKey {
    /// The key, if there is one.
    ///
    /// # Errors
    /// It is not ASCII.
    pub(crate) fn read(&self) -> Result<Option<&str>, Failure> {
        match &self.0 {
            Ok(key) => Ok(key.as_deref()),
            Err(()) => Err(Failure::Invalid("An Idempotency-Key is ASCII.".to_owned())),
        }
    }
}

impl FromRequest for IdempotencyKey {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let header = request.headers().get("idempotency-key").map(|value| value.to_str());
        let key = header.transpose().map(|key| key.map(str::to_owned)).map_err(drop);
        ready(Ok(IdempotencyKey(key)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use scim::Timestamp;

    #[test]
    fn the_same_key_of_the_same_operator_is_the_same_id() {
        let by = |actor: &str| By { actor: actor.to_owned(), origin: String::new(), at: Timestamp(1) };
        let of = |what, actor, key| id(what, &by(actor), Some(key)).unwrap();
        assert_eq!(of("tenant", "anna", "1"), of("tenant", "anna", "1"));
        let others = [of("tenant", "anna", "2"), of("tenant", "ann", "a:1"), of("client", "anna", "1")];
        assert!(!others.contains(&of("tenant", "anna", "1")));
        assert_ne!(id("tenant", &by("anna"), None).unwrap(), id("tenant", &by("anna"), None).unwrap());
        for wrong in ["", &"k".repeat(256)] {
            assert!(id("tenant", &by("anna"), Some(wrong)).is_err(), "{wrong}");
        }
    }
}
