//! Workload identity federation: whether an assertion of another identity provider (RFC 7523 section 3) is one that a
//! tenant takes.

use keys::{KeySetSettings, KeySets, NoKey, Unverified};
use scim::Timestamp;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use store::{Federation, Store, TenantId};

/// How far the clocks of provider and gateway may be apart, in seconds.
const LEEWAY: i64 = 60;
/// The longest that an assertion may still live, in seconds; those of Entra live 65 minutes.
const MAX_LIFE: i64 = 24 * 3600;

/// Why an assertion was not taken; for our log, never for the client.
#[derive(Debug)]
pub(crate) enum Rejection {
    /// It is not what the tenant takes.
    Invalid(&'static str),
    /// The database or the provider could not be asked.
    Unavailable(String),
}

/// Checks assertions. Share one a process.
pub struct Federations {
    store: Store,
    jwks: KeySets,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    exp: f64,
    nbf: Option<f64>,
    iat: Option<f64>,
    jti: Option<String>,
}

/// RFC 7519 section 4.1.3: one text or several.
#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

impl Audience {
    fn names(&self, audience: &str) -> bool {
        match self {
            Audience::One(one) => one == audience,
            Audience::Several(several) => several.iter().any(|one| one == audience),
        }
    }
}

/// An assertion as it arrived, well-formed and valid at this time. Who signed it is not known yet.
pub(crate) struct Assertion<'t> {
    token: Unverified<'t>,
    kid: String,
    claims: Claims,
    /// When it ends, and need not be remembered any more.
    ends: Timestamp,
}

/// An assertion that fulfils the terms, and is not used up.
pub(crate) struct Shown {
    tenant: TenantId,
    /// The digest of its issuer and id (`jti`), if it has one.
    id: Option<[u8; 32]>,
    /// When it ends, and need not be remembered any more.
    ends: Timestamp,
}

impl Federations {
    /// Remembers used assertions in `store`.
    ///
    /// # Errors
    /// The HTTP client cannot be set up.
    pub fn new(store: Store, settings: KeySetSettings) -> Result<Federations, String> {
        let jwks = KeySets::new(settings).map_err(|cause| format!("no HTTP client for keys: {cause}"))?;
        Ok(Federations { store, jwks })
    }

    /// Whether an assertion fulfils the terms. What costs nothing is asked first; the provider is asked only for an
    /// assertion that names it. It is used up by itself, see [`Federations::use_up`].
    pub(crate) async fn check(
        &self,
        terms: &Federation,
        assertion: &Assertion<'_>,
        now: Timestamp,
    ) -> Result<Shown, Rejection> {
        let invalid = Rejection::Invalid;
        let Assertion { token, kid, claims, ends } = assertion;
        judge(claims, terms).map_err(invalid)?;
        let key = self.jwks.key(&terms.jwks_url, kid, now).await.map_err(|no_key| match no_key {
            NoKey::Unknown => invalid("its issuer publishes no such key"),
            NoKey::Unavailable(cause) => Rejection::Unavailable(cause),
        })?;
        if !token.is_signed_by(&key) {
            return Err(invalid("its signature is not by the key that it names"));
        }
        let id = claims.jti.as_ref().map(|jti| {
            Sha256::new().chain_update(&claims.iss).chain_update([0]).chain_update(jti).finalize().into()
        });
        Ok(Shown { tenant: terms.tenant, id, ends: *ends })
    }

    /// An assertion that has an id (`jti`) is taken once. One without may be shown again until it ends: Entra's have
    /// none, and RFC 7523 section 3 leaves both to the parties. To be asked once nothing else can refuse it.
    pub(crate) async fn use_up(&self, shown: &Shown) -> Result<(), Rejection> {
        let Some(id) = shown.id else { return Ok(()) };
        let noted = self.store.note_assertion(shown.tenant, id, shown.ends).await;
        match noted.map_err(|error| Rejection::Unavailable(error.to_string()))? {
            true => Ok(()),
            false => Err(Rejection::Invalid("it was used before")),
        }
    }
}

impl<'t> Assertion<'t> {
    /// As it arrived.
    pub(crate) fn text(&self) -> &'t str {
        self.token.text()
    }

    /// Reads an assertion: a signed JWT with the claims of RFC 7523 section 3, which names its key and is valid at this
    /// time. Nothing is proven by that, but what is not so cannot be an assertion of anybody.
    pub(crate) fn read(text: &'t str, now: Timestamp) -> Result<Assertion<'t>, Rejection> {
        let invalid = Rejection::Invalid;
        let token = Unverified::parse(text).ok_or(invalid("it is no signed JWT"))?;
        let claims: Claims =
            token.claims().ok_or(invalid("iss, sub, aud or exp is missing or of another kind"))?;
        let kid = token.kid.clone().ok_or(invalid("its header names no key (kid)"))?;
        let ends = judge_times(&claims, now).map_err(invalid)?;
        Ok(Assertion { token, kid, claims, ends })
    }
}

/// Judges whom an assertion is from and for.
fn judge(claims: &Claims, terms: &Federation) -> Result<(), &'static str> {
    if claims.iss != terms.issuer {
        return Err("its issuer (iss) is another one");
    }
    if claims.sub != terms.subject {
        return Err("its subject (sub) is another one");
    }
    if !claims.aud.names(&terms.audience) {
        return Err("its audience (aud) is another one");
    }
    Ok(())
}

/// Judges its times; returns when the assertion ends.
fn judge_times(claims: &Claims, now: Timestamp) -> Result<Timestamp, &'static str> {
    let seconds = now.0 as f64 / 1000.0;
    let leeway = LEEWAY as f64;
    let begins_later = |time: Option<f64>| time.is_some_and(|time| time - leeway > seconds);
    if claims.exp + leeway <= seconds {
        return Err("it has ended (exp)");
    }
    if begins_later(claims.nbf) || begins_later(claims.iat) {
        return Err("it has not begun (nbf, iat)");
    }
    if claims.exp - seconds > MAX_LIFE as f64 {
        return Err("it lives too long (exp)");
    }
    Ok(Timestamp(((claims.exp + leeway) * 1000.0).ceil() as i64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};
    use store::TenantId;
    use uuid::Uuid;

    const NOW: Timestamp = Timestamp(1_795_521_600_000);

    fn terms() -> Federation {
        Federation {
            id: Uuid::from_u128(1),
            tenant: TenantId(Uuid::from_u128(2)),
            client: Uuid::from_u128(3),
            issuer: "https://login.example.com/v2.0".to_owned(),
            subject: "subject".to_owned(),
            audience: "api://juno".to_owned(),
            jwks_url: "https://login.example.com/keys".to_owned(),
            created: NOW,
            seen: None,
        }
    }

    fn judged(changes: Value) -> Result<(), &'static str> {
        let seconds = NOW.0 / 1000;
        let mut claims = json!({"iss": "https://login.example.com/v2.0", "sub": "subject", "aud": "api://juno",
            "iat": seconds, "nbf": seconds, "exp": seconds + 3900});
        for (name, value) in changes.as_object().expect("object") {
            claims[name] = value.clone();
        }
        let claims = serde_json::from_value(claims).map_err(|_| "unreadable")?;
        judge(&claims, &terms())?;
        judge_times(&claims, NOW).map(drop)
    }

    #[test]
    fn everything_is_compared_exactly() {
        let at = NOW.0 / 1000;
        for good in [
            json!({}),
            json!({"aud": ["api://other", "api://juno"]}),
            json!({"exp": at - 59}),
            json!({"nbf": at + 60, "iat": at + 60}),
            json!({"nbf": null, "iat": null}),
            json!({"exp": at + 86_400}),
        ] {
            assert_eq!(judged(good.clone()), Ok(()), "{good}");
        }
        for bad in [
            json!({"iss": "https://login.example.com/v2.0/"}),
            json!({"iss": "https://LOGIN.example.com/v2.0"}),
            json!({"sub": "Subject"}),
            json!({"aud": "api://juno/.default"}),
            json!({"aud": []}),
            json!({"exp": at - 60}),
            json!({"nbf": at + 61}),
            json!({"iat": at + 61}),
            json!({"exp": at + 86_401}),
            json!({"exp": 1e300}),
            json!({"exp": null}),
            json!({"exp": (at + 60).to_string()}),
            json!({"sub": 7}),
        ] {
            assert!(judged(bad.clone()).is_err(), "{bad}");
        }
    }
}
