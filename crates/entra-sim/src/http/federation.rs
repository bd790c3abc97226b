//! Workload identity federation: makes the assertion that Entra would make, and publishes the key to check it with.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair, RsaPublicKeyComponents};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// Entra's assertions live about this long.
const LIFE: SignedDuration = SignedDuration::from_mins(65);

/// A private RSA key that signs assertions (RS256).
#[derive(Debug)]
pub struct SigningKey {
    id: String,
    key: RsaKeyPair,
}

impl SigningKey {
    /// Reads a private RSA key (PKCS #8, PEM).
    ///
    /// # Errors
    /// A sentence that says why the key cannot be used.
    pub fn from_pem(pem: &str) -> Result<Self, String> {
        let inner: String = pem.lines().filter(|line| !line.starts_with("-----")).map(str::trim).collect();
        let der = STANDARD.decode(inner).map_err(|error| format!("the signing key is not PEM: {error}"))?;
        let key = RsaKeyPair::from_pkcs8(&der)
            .map_err(|error| format!("the signing key is not an RSA key in PKCS #8: {error}"))?;
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, key.public_key().as_ref());
        let id = URL_SAFE_NO_PAD.encode(&digest.as_ref()[..16]);
        Ok(Self { id, key })
    }

    /// The public half as a JSON Web Key Set (RFC 7517 section 5): what a server checks assertions with.
    pub fn key_set(&self) -> Value {
        let public = RsaPublicKeyComponents::<Vec<u8>>::from(self.key.public_key());
        json!({"keys": [{
            "kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.id,
            "n": URL_SAFE_NO_PAD.encode(public.n), "e": URL_SAFE_NO_PAD.encode(public.e),
        }]})
    }
}

/// An issuer of assertions: claims and the key that signs them.
#[derive(Debug)]
pub struct Issuer {
    /// `iss`, such as `https://login.microsoftonline.com/{tenant}/v2.0`.
    pub issuer: String,
    /// `sub`, the object id of Entra's application.
    pub subject: String,
    /// `aud`; Microsoft's documents disagree on it, so it is free.
    pub audience: String,
    key: SigningKey,
}

impl Issuer {
    /// An issuer that signs with `key`.
    pub fn new(key: SigningKey, issuer: &str, subject: &str, audience: &str) -> Self {
        Self { issuer: issuer.to_owned(), subject: subject.to_owned(), audience: audience.to_owned(), key }
    }

    /// The claims of an assertion made at `now`.
    pub fn claims(&self, now: Timestamp) -> Value {
        let (from, until) = (now.as_second(), (now + LIFE).as_second());
        let app = self.audience.trim_start_matches("api://");
        json!({
            "aud": self.audience, "iss": self.issuer, "iat": from, "nbf": from, "exp": until, "appid": app,
            "oid": self.subject, "sub": self.subject, "ver": "2.0",
        })
    }

    /// A signed assertion with Entra's claims.
    ///
    /// # Errors
    /// When signing fails.
    pub fn assertion(&self, now: Timestamp) -> Result<String, String> {
        self.sign(&self.claims(now))
    }

    /// Signs any claims: for servers that must refuse them.
    ///
    /// # Errors
    /// When signing fails.
    pub fn sign(&self, claims: &Value) -> Result<String, String> {
        let header = json!({"typ": "JWT", "alg": "RS256", "kid": self.key.id});
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(&header), part(claims));
        let mut signature = vec![0; self.key.key.public_modulus_len()];
        self.key
            .key
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message.as_bytes(), &mut signature)
            .map_err(|error| format!("the assertion cannot be signed: {error}"))?;
        Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}
