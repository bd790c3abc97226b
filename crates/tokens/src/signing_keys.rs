//! The keys that sign access tokens: shared by all processes through the database, and replaced on time.
//!
//! A key is published before it signs and until the last token that it signed has ended, so that whoever verifies never
//! meets an unknown one. A successor begins where its predecessor ends; the database keeps that instant unique, so that
//! processes that see the need together make one successor.

use crate::{issuer::new_id, jws::VerifyingKey};
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
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};
use store::{SigningKey, Store, StoreError};
use uuid::Uuid;
use zeroize::Zeroizing;

/// The longest that an access token may live, in seconds: what Microsoft takes.
pub const MAX_TOKEN_LIFETIME: Duration = Duration::from_secs(6 * 3600);
/// How often a token with an unknown key may make a process look for it in the database.
const LOOK_AGAIN_MS: u64 = 1000;

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
    known: RwLock<Arc<Vec<Key>>>,
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
        (self.lifetime / 2).min(Duration::from_secs(86_400))
    }

    /// How often [`SigningKeys::refresh`] has to be called so that every process knows a key before it signs.
    pub fn refresh_interval(&self) -> Duration {
        (self.lead() / 4).clamp(Duration::from_millis(100), Duration::from_secs(60))
    }

    /// Reads the keys, makes the next one when it is time, and deletes those that no living token needs.
    ///
    /// # Errors
    /// See [`KeyError`]; what was known stays known.
    pub async fn refresh(&self, now: Timestamp) -> Result<(), KeyError> {
        let mut asked = self.asked.lock().await;
        let rows = self.store.signing_keys().await?;
        let is_missing = match rows.last() {
            None => Some(now),
            Some(last) if last.signs_until <= now => Some(now),
            Some(last) => (last.signs_until.0 - millis(self.lead()) <= now.0).then_some(last.signs_until),
        };
        if let Some(signs_from) = is_missing {
            let key = self.generate(signs_from, now)?;
            let (id, mine) = (key.id, self.store.insert_signing_key(key).await?);
            if mine {
                tracing::info!(key = %id, from = signs_from.to_rfc3339(), "a new key will sign access tokens");
            }
        }
        self.store.delete_signing_keys(now).await?;
        self.read().await?;
        *asked = Some(now);
        Ok(())
    }

    async fn read(&self) -> Result<(), KeyError> {
        let rows = self.store.signing_keys().await?;
        let keys = rows.iter().map(Key::read).collect::<Result<Vec<_>, _>>()?;
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

    fn known(&self) -> Arc<Vec<Key>> {
        Arc::clone(&self.known.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Signs claims with the key whose time it is. A key signs beyond its time where the database could not be asked for
    /// its successor.
    ///
    /// # Errors
    /// No key is known.
    pub(crate) fn sign(&self, claims: &impl Serialize, now: Timestamp) -> Result<String, KeyError> {
        let known = self.known();
        let current = known.iter().rev().find(|key| key.signs_from <= now && now < key.published_until);
        let key = current.ok_or_else(|| KeyError::Unusable("none is known".to_owned()))?;
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some(key.id.to_string());
        // RFC 9068 section 2.1.
        header.typ = Some("at+jwt".to_owned());
        jsonwebtoken::encode(&header, claims, &key.private)
            .map_err(|cause| KeyError::Unusable(format!("{}: {cause}", key.id)))
    }

    /// The key with this id. The database is asked for an unknown one, at most once a second, as another process may
    /// just have made it.
    ///
    /// # Errors
    /// Faults of the database.
    pub(crate) async fn find(&self, id: Uuid, now: Timestamp) -> Result<Option<VerifyingKey>, StoreError> {
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

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
