//! The header Idempotency-Key: a request that makes something may come again, and makes one thing.
//!
//! The id of what is made is derived from who asks, from what is asked for and from the key, so that nothing has to be
//! remembered: the second time it is there already.

use crate::Failure;
use actix_web::{FromRequest, HttpRequest, dev::Payload};
use scim::Timestamp;
use sha2::{Digest, Sha256};
use std::{
    convert::Infallible,
    future::{Ready, ready},
    time::Duration,
};
use store::By;
use store::id::new_id;
use utoipa::{
    IntoParams,
    openapi::{
        Required,
        path::{Parameter, ParameterBuilder, ParameterIn},
        schema::{ObjectBuilder, Type},
    },
};
use uuid::Uuid;

/// Longest key, in bytes.
const MAX_KEY: usize = 255;

/// Makes something once: `make` under an id, by which `find` finds it. What came before is found first, so that it is never
/// one too many; and again where it cannot be made, as the same request may have made it at this moment. Whether it is what
/// is asked for now, says `is_same`: by what cannot change once it is made, as somebody may have changed the rest since the
/// request came first. `what` is its kind, and whose it is.
///
/// # Errors
/// A key that is none, or was used for something else; those of `find` and `make`.
pub(crate) async fn once<T>(
    (what, by, key): (&str, &By, Option<&str>),
    find: impl AsyncFn(Uuid) -> Result<Option<T>, Failure>,
    is_same: impl FnOnce(&T) -> bool,
    make: impl AsyncFnOnce(Uuid) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let id = id(what, by, key)?;
    if key.is_none() {
        return make(id).await;
    }
    let earlier = match find(id).await? {
        Some(earlier) => earlier,
        None => match make(id).await {
            Ok(made) => return Ok(made),
            Err(failure) => find(id).await?.ok_or(failure)?,
        },
    };
    if is_same(&earlier) { Ok(earlier) } else { Err(Failure::KeyReused) }
}

/// Whether something was made for this long.
pub(crate) fn lasts(created: Timestamp, expires: Timestamp, lifetime: Duration) -> bool {
    u64::try_from((expires.0 - created.0) / 1000).is_ok_and(|seconds| seconds == lifetime.as_secs())
}

/// The id of what is made: without a key a new one, with a key always the same.
fn id(what: &str, by: &By, key: Option<&str>) -> Result<Uuid, Failure> {
    match key {
        Some(key) if key.is_empty() || key.len() > MAX_KEY => {
            Err(Failure::Invalid(format!("An Idempotency-Key has 1 to {MAX_KEY} bytes.")))
        }
        Some(key) => Ok(of_key(what, &by.actor.to_string(), key)),
        None => new_id(by.at).map_err(Failure::internal),
    }
}

/// UUID version 8 (RFC 9562 section 5.8).
fn of_key(what: &str, actor: &str, key: &str) -> Uuid {
    let digest = Sha256::digest(format!("juno {what} {}:{actor}:{key}", actor.len()));
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    // Ids that begin with 32 ones belong to scratch tenants.
    if bytes.starts_with(&[0xff; 4]) {
        bytes[0] = 0;
    }
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

/// What the description of the API says of it.
impl IntoParams for IdempotencyKey {
    fn into_params(_parameter_in: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let words = "Chosen by the client, 1 to 255 bytes: with it the same request of the same operator does once what it \
            does, however often it is sent, and only its first answer has what is shown once.";
        let key = ParameterBuilder::new()
            .name("Idempotency-Key")
            .parameter_in(ParameterIn::Header)
            .required(Required::False)
            .description(Some(words))
            .schema(Some(ObjectBuilder::new().schema_type(Type::String)));
        vec![key.build()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use std::cell::RefCell;
    use store::Actor;

    fn by(actor: &str) -> By {
        By { actor: Actor::CommandLine { user: actor.to_owned() }, origin: String::new(), at: Timestamp(1) }
    }

    /// What was made, in a store that has nothing to wait for.
    #[derive(Default)]
    struct Made(RefCell<Vec<(Uuid, &'static str)>>);

    impl Made {
        fn find(&self, id: Uuid) -> Option<&'static str> {
            self.0.borrow().iter().find(|(made, _)| *made == id).map(|(_, word)| *word)
        }

        /// `refused`: somebody else makes it at this moment.
        fn once(
            &self,
            key: Option<&str>,
            word: &'static str,
            refused: bool,
        ) -> Result<&'static str, Failure> {
            let find = async |id| Ok(self.find(id));
            let make = async |id| {
                self.0.borrow_mut().push((id, word));
                if refused { Err(Failure::Conflict("One too many.".to_owned())) } else { Ok("made") }
            };
            let by = by("anna");
            let made = once(("word", &by, key), find, |found| *found == word, make).now_or_never();
            made.unwrap()
        }
    }

    #[test]
    fn the_same_request_makes_one_thing() {
        let made = Made::default();
        assert_eq!(made.once(Some("k"), "a", false).unwrap(), "made");
        assert_eq!(made.once(Some("k"), "a", false).unwrap(), "a", "there already");
        assert!(matches!(made.once(Some("k"), "b", false), Err(Failure::KeyReused)));
        assert_eq!(
            made.once(Some("other"), "a", true).unwrap(),
            "a",
            "made at this moment by the same request"
        );
        assert_eq!(made.0.borrow().len(), 2);
        for _ in 0..2 {
            assert_eq!(made.once(None, "a", false).unwrap(), "made");
        }
        assert!(matches!(made.once(None, "a", true), Err(Failure::Conflict(_))));
    }

    #[test]
    fn a_life_is_counted_in_seconds() {
        let lasts =
            |millis: i64, seconds| lasts(Timestamp(5), Timestamp(5 + millis), Duration::from_secs(seconds));
        assert!(lasts(2000, 2) && !lasts(2000, 3) && !lasts(-1, 1));
    }

    #[test]
    fn the_same_key_of_the_same_operator_is_the_same_id() {
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
