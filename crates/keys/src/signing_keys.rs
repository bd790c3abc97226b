//! The keys that sign access tokens: shared by all processes through the database, and replaced on time.
//!
//! A key is published before it signs and until the last token that it signed has ended, so that whoever verifies never
//! meets an unknown one. A successor begins where its predecessor ends; the database keeps that instant unique, so that
//! processes that see the need together make one successor.

use crate::jws::VerifyingKey;
use aws_lc_rs::{
    rand::SystemRandom,
    signature::{Ed25519KeyPair, KeyPair},
};
use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey, Header,
    jwk::{Jwk, JwkSet, PublicKeyUse},
};
use scim::Timestamp;
use serde::Serialize;
use std::{
    ops::Range,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};
use store::{SigningKey, Store, StoreError, id::new_id};
use uuid::Uuid;
use zeroize::Zeroizing;

/// The longest that an access token may live, in seconds: what Microsoft takes.
pub const MAX_TOKEN_LIFETIME: Duration = Duration::from_secs(6 * 3600);
/// How often a token with an unknown key may make a process look for it in the database.
const LOOK_AGAIN_MS: u64 = 1000;
const DAY: Duration = Duration::from_secs(86_400);

/// Why there is no key to sign with.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The operating system has no random bytes, or a stored key is damaged.
    #[error("no signing key: {0}")]
    Unusable(String),
}

/// The signing keys as one process knows them. Share one a process.
pub struct SigningKeys {
    store: Store,
    lifetime: Duration,
    known: RwLock<Arc<Vec<Arc<Key>>>>,
    /// When the database was last asked; whoever holds it is asking.
    asked: tokio::sync::Mutex<Option<Timestamp>>,
}

struct Key {
    id: Uuid,
    private: EncodingKey,
    /// As it is published.
    jwk: Jwk,
    public: VerifyingKey,
    signs_from: Timestamp,
    published_until: Timestamp,
}

impl SigningKeys {
    /// Keys in `store` that each sign for `lifetime`. Nothing is read before [`SigningKeys::refresh`].
    pub fn new(store: Store, lifetime: Duration) -> SigningKeys {
        SigningKeys { store, lifetime, known: RwLock::default(), asked: tokio::sync::Mutex::new(None) }
    }

    /// How long before it signs a key is published: a day, or half the life of a shorter-lived one.
    fn lead(&self) -> Duration {
        (self.lifetime / 2).min(DAY)
    }

    /// How often [`SigningKeys::refresh`] has to be called so that every process knows a key before it signs.
    pub fn refresh_interval(&self) -> Duration {
        (self.lead() / 4).clamp(Duration::from_millis(100), Duration::from_secs(60))
    }

    /// Reads the keys, and makes the next one when it is time.
    ///
    /// # Errors
    /// See [`KeyError`]; the keys that were known stay known.
    pub async fn refresh(&self, now: Timestamp) -> Result<(), KeyError> {
        let mut asked = self.asked.lock().await;
        self.renew(now).await?;
        *asked = Some(now);
        Ok(())
    }

    /// Deletes the keys that ended more than a day ago, so that no valid token needs them. The caller makes sure that the
    /// clock is right: after a jump ahead the keys of today look as if they had ended long ago.
    ///
    /// # Errors
    /// See [`KeyError`]; the keys stay, and the next call tries again.
    pub async fn delete_ended(&self, now: Timestamp) -> Result<(), KeyError> {
        // The last key is never deleted, whatever the clock says.
        if self.current(now).is_some() {
            self.store.delete_signing_keys(Timestamp(now.0.saturating_sub(millis(DAY)))).await?;
        }
        Ok(())
    }

    async fn renew(&self, now: Timestamp) -> Result<(), KeyError> {
        let rows = self.store.signing_keys().await?;
        let spans: Vec<_> = rows.iter().map(|row| row.signs_from..row.signs_until).collect();
        if let Some(signs_from) = missing_from(&spans, now, millis(self.lead())) {
            let key = self.generate(signs_from, now)?;
            let (id, mine) = (key.id, self.store.insert_signing_key(key).await?);
            if mine {
                tracing::info!(key = %id, from = signs_from.to_rfc3339(), "a new key will sign access tokens");
            }
        }
        self.read().await
    }

    async fn read(&self) -> Result<(), KeyError> {
        let rows = self.store.signing_keys().await?;
        let keys = rows.iter().map(|row| Key::read(row).map(Arc::new)).collect::<Result<Vec<_>, _>>()?;
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
        Ok(())
    }

    fn generate(&self, signs_from: Timestamp, now: Timestamp) -> Result<SigningKey, KeyError> {
        let unusable = |cause: &dyn std::fmt::Display| KeyError::Unusable(cause.to_string());
        let pair = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(|cause| unusable(&cause))?;
        let signs_until = Timestamp(signs_from.0.saturating_add(millis(self.lifetime)));
        Ok(SigningKey {
            id: new_id(now).map_err(|cause| unusable(&cause))?,
            private_key: Zeroizing::new(pair.as_ref().to_vec()),
            signs_from,
            signs_until,
            published_until: Timestamp(signs_until.0.saturating_add(millis(MAX_TOKEN_LIFETIME))),
        })
    }

    fn known(&self) -> Arc<Vec<Arc<Key>>> {
        Arc::clone(&self.known.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Signs claims with the key whose time it is. Makes one if there is none, as after a jump of the clock. A key signs
    /// beyond its time where the database could not be asked for its successor.
    ///
    /// # Errors
    /// See [`KeyError`].
    pub async fn sign(&self, claims: &impl Serialize, now: Timestamp) -> Result<String, KeyError> {
        let key = match self.current(now) {
            Some(key) => key,
            None => self.make_current(now).await?,
        };
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some(key.id.to_string());
        // RFC 9068 section 2.1.
        header.typ = Some("at+jwt".to_owned());
        jsonwebtoken::encode(&header, claims, &key.private)
            .map_err(|cause| KeyError::Unusable(format!("{}: {cause}", key.id)))
    }

    /// The key whose time it is.
    fn current(&self, now: Timestamp) -> Option<Arc<Key>> {
        let known = self.known();
        let current = known.iter().rev().find(|key| key.signs_from <= now && now < key.published_until);
        current.map(Arc::clone)
    }

    async fn make_current(&self, now: Timestamp) -> Result<Arc<Key>, KeyError> {
        let mut asked = self.asked.lock().await;
        // Another request may have made it meanwhile.
        if let Some(key) = self.current(now) {
            return Ok(key);
        }
        self.renew(now).await?;
        *asked = Some(now);
        self.current(now).ok_or_else(|| KeyError::Unusable("none signs at this time".to_owned()))
    }

    /// The key with this id. The database is asked for an unknown one, at most once a second, as another process may
    /// just have made it.
    ///
    /// # Errors
    /// Faults of the database.
    pub async fn find(&self, id: Uuid, now: Timestamp) -> Result<Option<VerifyingKey>, StoreError> {
        if let Some(key) = self.published(id, now) {
            return Ok(Some(key));
        }
        let mut asked = self.asked.lock().await;
        if asked.is_none_or(|before| now.0.abs_diff(before.0) >= LOOK_AGAIN_MS) {
            *asked = Some(now);
            match self.read().await {
                Err(KeyError::Store(error)) => return Err(error),
                Err(KeyError::Unusable(cause)) => tracing::error!(cause, "the signing keys cannot be read"),
                Ok(()) => {}
            }
        }
        Ok(self.published(id, now))
    }

    fn published(&self, id: Uuid, now: Timestamp) -> Option<VerifyingKey> {
        let known = self.known();
        let key = known.iter().find(|key| key.id == id && now < key.published_until)?;
        Some(key.public.clone())
    }

    /// The public keys as a JSON Web Key Set (RFC 7517 section 5), those that do not sign yet among them.
    pub fn jwks(&self, now: Timestamp) -> JwkSet {
        let known = self.known();
        let published = known.iter().filter(|key| now < key.published_until);
        JwkSet { keys: published.map(|key| key.jwk.clone()).collect() }
    }
}

impl Key {
    fn read(row: &SigningKey) -> Result<Key, KeyError> {
        let damaged = |cause: &dyn std::fmt::Display| KeyError::Unusable(format!("{}: {cause}", row.id));
        let private = EncodingKey::from_ed_der(&row.private_key);
        let pair = Ed25519KeyPair::from_pkcs8(&row.private_key).map_err(|cause| damaged(&cause))?;
        let public = DecodingKey::from_ed_der(pair.public_key().as_ref());
        let mut jwk =
            Jwk::from_decoding_key(&public, Some(Algorithm::EdDSA)).map_err(|cause| damaged(&cause))?;
        jwk.common.key_id = Some(row.id.to_string());
        jwk.common.public_key_use = Some(PublicKeyUse::Signature);
        let public = VerifyingKey::from_jwk(&jwk).ok_or_else(|| damaged(&"no key for signatures"))?;
        let (signs_from, published_until) = (row.signs_from, row.published_until);
        Ok(Key { id: row.id, private, jwk, public, signs_from, published_until })
    }
}

/// From when a key is missing, if one is: from now on if none signs now, or from the end of the last one that follows without
/// a gap, once that end is less than `lead` milliseconds ahead. A key of a far future, which a clock that was ahead has
/// made, does not count: it is asked what signs now, and not which key ends last.
fn missing_from(spans: &[Range<Timestamp>], now: Timestamp, lead: i64) -> Option<Timestamp> {
    let mut end = now;
    while let Some(next) = spans.iter().filter(|span| span.contains(&end)).map(|span| span.end).max() {
        end = next;
    }
    (end.0.saturating_sub(lead) <= now.0).then_some(end)
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_missing_when_none_signs_now_or_the_last_one_ends_soon() {
        let lead = 10;
        for (spans, now, expected) in [
            (&[][..], 5, Some(5)),
            (&[(0, 100)], 5, None),
            (&[(0, 100)], 89, None),
            (&[(0, 100)], 90, Some(100)),
            (&[(0, 100)], 100, Some(100)),
            (&[(0, 100), (100, 200)], 95, None),
            (&[(0, 100), (100, 200)], 190, Some(200)),
            // Made by a clock that was ahead.
            (&[(0, 100), (1000, 1100)], 50, None),
            (&[(0, 100), (1000, 1100)], 95, Some(100)),
            (&[(1000, 1100)], 50, Some(50)),
            // One that begins before the other ends.
            (&[(0, 100), (60, 160)], 95, None),
            (&[(0, 100), (60, 160)], 155, Some(160)),
        ] {
            let spans: Vec<_> =
                spans.iter().map(|(from, until)| Timestamp(*from)..Timestamp(*until)).collect();
            let missing = missing_from(&spans, Timestamp(now), lead);
            assert_eq!(missing, expected.map(Timestamp), "{spans:?} at {now}");
        }
    }
}
