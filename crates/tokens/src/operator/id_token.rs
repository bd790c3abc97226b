//! The identity token of an OpenID provider: whether it is for this sign-in, and which operator it names.

use super::openid::OpenIdSettings;
use scim::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};

/// How far the clocks of provider and gateway may be apart, in seconds.
const LEEWAY: i64 = 60;

/// The claims of an identity token whose signature is verified.
#[derive(Deserialize)]
pub(super) struct IdToken {
    iss: String,
    aud: Audience,
    azp: Option<String>,
    exp: f64,
    iat: f64,
    nonce: Option<String>,
    acr: Option<String>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

/// RFC 7519 section 4.1.3: one text or several.
#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

/// Claims whose case nobody heeds.
const FOLDED: [&str; 3] = ["email", "preferred_username", "upn"];

impl IdToken {
    /// The operator's name, if the token is for this sign-in (OpenID Connect Core 1.0 section 3.1.3.7).
    ///
    /// # Errors
    /// What is wrong with the token, for the operator.
    pub(super) fn name_of_operator(
        &self,
        settings: &OpenIdSettings,
        nonce: &str,
        now: Timestamp,
    ) -> Result<String, &'static str> {
        if self.iss != settings.issuer {
            return Err("The identity token is of another provider.");
        }
        let (is_for_us, is_for_others) = match &self.aud {
            Audience::One(one) => (*one == settings.client_id, false),
            Audience::Several(several) => (several.contains(&settings.client_id), several.len() > 1),
        };
        let is_ours = match &self.azp {
            Some(party) => *party == settings.client_id,
            None => !is_for_others,
        };
        if !is_for_us || !is_ours {
            return Err("The identity token is for somebody else.");
        }
        let seconds = now.0 as f64 / 1000.0;
        let leeway = LEEWAY as f64;
        if self.exp + leeway <= seconds || self.iat - leeway > seconds {
            return Err("The identity token has ended, or has not begun.");
        }
        if self.nonce.as_deref() != Some(nonce) {
            return Err("The identity token belongs to another sign-in.");
        }
        if settings.acr.is_some() && self.acr != settings.acr {
            return Err("The provider did not ask for the proofs that are wanted here.");
        }
        // Whatever the provider does not vouch for, anybody may have typed.
        if settings.claim == "email" && self.others.get("email_verified") != Some(&Value::Bool(true)) {
            return Err("The provider has not verified the e-mail address.");
        }
        let name = self.others.get(&settings.claim).and_then(Value::as_str).unwrap_or_default().trim();
        if name.is_empty() {
            return Err("The identity token does not say who it is.");
        }
        // An identifier is what it is: two that differ in case may be two people. In ASCII alone, where one letter has one
        // lower case: operators' names have no other.
        match FOLDED.contains(&settings.claim.as_str()) {
            true => Ok(name.to_ascii_lowercase()),
            false => Ok(name.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use zeroize::Zeroizing;

    const NOW: Timestamp = Timestamp(1_795_521_600_000);

    fn judged(changes: Value, adjust: impl Fn(&mut OpenIdSettings)) -> Result<String, &'static str> {
        let mut settings = OpenIdSettings {
            issuer: "https://login.example.com/v2.0".to_owned(),
            client_id: "juno".to_owned(),
            client_secret: Zeroizing::new("secret".to_owned()),
            redirect_url: "https://admin.example.com/sign-in/openid/callback".to_owned(),
            claim: "preferred_username".to_owned(),
            acr: None,
        };
        adjust(&mut settings);
        let at = NOW.0 / 1000;
        let mut claims = json!({"iss": settings.issuer, "aud": "juno", "sub": "1", "exp": at + 600, "iat": at,
            "nonce": "n", "preferred_username": " Anna@Example.com ", "email": "anna@example.com"});
        for (name, value) in changes.as_object().expect("object") {
            claims[name] = value.clone();
        }
        let claims: IdToken = serde_json::from_value(claims).map_err(|_| "unreadable")?;
        claims.name_of_operator(&settings, "n", NOW)
    }

    #[test]
    fn an_identity_token_is_for_this_sign_in_and_for_us() {
        let at = NOW.0 / 1000;
        let as_they_are = |_: &mut OpenIdSettings| {};
        for good in [
            json!({}),
            json!({"aud": ["juno"]}),
            json!({"aud": ["juno", "other"], "azp": "juno"}),
            json!({"exp": at - 59}),
            json!({"iat": at + 60}),
        ] {
            assert_eq!(judged(good.clone(), as_they_are).as_deref(), Ok("anna@example.com"), "{good}");
        }
        for bad in [
            json!({"iss": "https://login.example.com/v2.0/"}),
            json!({"aud": "other"}),
            json!({"aud": []}),
            json!({"aud": ["juno", "other"]}),
            json!({"azp": "other"}),
            json!({"exp": at - 60}),
            json!({"exp": null}),
            json!({"iat": at + 61}),
            json!({"nonce": "other"}),
            json!({"nonce": null}),
            json!({"preferred_username": ""}),
            json!({"preferred_username": 7}),
        ] {
            assert!(judged(bad.clone(), as_they_are).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_class_that_is_wanted_is_asked_for_and_an_address_must_be_verified() {
        let strict = |settings: &mut OpenIdSettings| settings.acr = Some("mfa".to_owned());
        assert!(judged(json!({}), strict).is_err());
        assert!(judged(json!({"acr": "pwd"}), strict).is_err());
        assert!(judged(json!({"acr": "mfa"}), strict).is_ok());
        let by_mail = |settings: &mut OpenIdSettings| settings.claim = "email".to_owned();
        assert!(judged(json!({"email_verified": true}), by_mail).is_ok());
        for unverified in [
            json!({}),
            json!({"email_verified": false}),
            json!({"email_verified": null}),
            json!({"email_verified": "true"}),
        ] {
            assert!(judged(unverified.clone(), by_mail).is_err(), "{unverified}");
        }
    }

    #[test]
    fn two_people_are_never_one_operator() {
        let by = |claim: &'static str| move |settings: &mut OpenIdSettings| settings.claim = claim.to_owned();
        assert_eq!(judged(json!({"sub": "AbC"}), by("sub")).as_deref(), Ok("AbC"));
        // The sign of Kelvin is a k in lower case, though not in ASCII.
        let frank = judged(json!({"preferred_username": "Fran\u{212a}"}), |_| {});
        assert_eq!(frank.as_deref(), Ok("fran\u{212a}"));
    }
}
