//! JSON Web Signatures in compact form (RFC 7515, 7518, 8037) and the keys that verify them (RFC 7517): jsonwebtoken, held to
//! our rules.
//!
//! A key knows the algorithms that it may be used with; what the header of a token says chooses among those and can
//! never choose another (RFC 8725 section 3.1). There is no `none` and no shared secret here. Times are judged by whoever
//! reads the claims, as time is a parameter.

use jsonwebtoken::{
    Algorithm, DecodingKey, Validation,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse},
};
use serde::{Deserialize, de::DeserializeOwned, de::IgnoredAny};
use std::collections::HashSet;

/// A token as it arrived: nothing in it is proven.
pub struct Unverified<'t> {
    text: &'t str,
    /// The key that it names.
    pub kid: Option<String>,
    /// What it says it is.
    pub typ: Option<String>,
}

impl<'t> Unverified<'t> {
    /// Reads the header; none if the text is no token, or one that asks for what we do not know: extensions that must be
    /// understood (RFC 7515 section 4.1.11), or an unencoded payload (RFC 7797), which is signed differently.
    pub fn parse(text: &'t str) -> Option<Unverified<'t>> {
        let header = jsonwebtoken::decode_header(text).ok()?;
        let is_plain = header.crit.is_none() && !header.extras.inner().contains_key("b64");
        is_plain.then_some(Unverified { text, kid: header.kid, typ: header.typ })
    }

    /// As it arrived.
    pub fn text(&self) -> &'t str {
        self.text
    }

    /// The claims, which nothing proves before [`Unverified::is_signed_by`].
    pub fn claims<T: DeserializeOwned>(&self) -> Option<T> {
        jsonwebtoken::dangerous::insecure_decode_claims(self.text).ok()
    }

    /// Whether this key signed the token with the algorithm that its header names.
    pub fn is_signed_by(&self, key: &VerifyingKey) -> bool {
        jsonwebtoken::decode::<IgnoredAny>(self.text, &key.key, &key.rules).is_ok()
    }
}

/// A public key, and the algorithms that it is for.
#[derive(Clone, Debug)]
pub struct VerifyingKey {
    key: DecodingKey,
    rules: Validation,
}

impl VerifyingKey {
    /// Reads a JSON Web Key (RFC 7517, 7518 section 6, 8037); none if it is of a kind we do not verify with, or is meant
    /// for something else than signatures. RSA keys below 2048 bits are refused when they are used.
    pub fn from_jwk(jwk: &Jwk) -> Option<VerifyingKey> {
        let common = &jwk.common;
        let is_for_verifying = common
            .key_operations
            .as_ref()
            .is_none_or(|operations| operations.contains(&KeyOperations::Verify));
        if common.public_key_use.as_ref().is_some_and(|purpose| *purpose != PublicKeyUse::Signature)
            || !is_for_verifying
        {
            return None;
        }
        let mut algorithms = algorithms(&jwk.algorithm)?;
        if let Some(pinned) = common.key_algorithm {
            algorithms.retain(|algorithm| KeyAlgorithm::from(*algorithm) == pinned);
        }
        let mut rules = Validation::new(*algorithms.first()?);
        rules.algorithms = algorithms;
        rules.required_spec_claims = HashSet::new();
        (rules.validate_exp, rules.validate_nbf, rules.validate_aud) = (false, false, false);
        Some(VerifyingKey { key: DecodingKey::from_jwk(jwk).ok()?, rules })
    }

    /// The same from a member of a key set, of which nothing is known.
    pub fn from_json(jwk: &serde_json::Value) -> Option<VerifyingKey> {
        VerifyingKey::from_jwk(&Jwk::deserialize(jwk).ok()?)
    }
}

/// What keys of this kind sign with. A coordinate has its full length (RFC 7518 section 6.2.1.2): 43 letters are 32 bytes.
fn algorithms(key: &AlgorithmParameters) -> Option<Vec<Algorithm>> {
    use Algorithm::{ES256, ES384, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512};
    match key {
        AlgorithmParameters::RSA(_) => Some(vec![RS256, RS384, RS512, PS256, PS384, PS512]),
        AlgorithmParameters::EllipticCurve(point) => {
            let (algorithm, length) = match point.curve {
                EllipticCurve::P256 => (ES256, 43),
                EllipticCurve::P384 => (ES384, 64),
                _ => return None,
            };
            (point.x.len() == length && point.y.len() == length).then(|| vec![algorithm])
        }
        AlgorithmParameters::OctetKeyPair(point) => {
            let is_known = point.curve == EllipticCurve::Ed25519 && point.x.len() == 43;
            is_known.then(|| vec![EdDSA])
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::{
        rand::SystemRandom,
        signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair},
    };
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
    use jsonwebtoken::EncodingKey;
    use serde_json::{Value, json};

    /// Header and payload of RFC 7515 appendix A.2 and A.3.
    const PAYLOAD: &str =
        "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

    fn generate() -> Ed25519KeyPair {
        let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).expect("generated");
        Ed25519KeyPair::from_pkcs8(document.as_ref()).expect("key")
    }

    fn jwk(key: &Ed25519KeyPair) -> Value {
        json!({"kty": "OKP", "crv": "Ed25519", "x": BASE64.encode(key.public_key())})
    }

    fn public(jwk: &Value) -> VerifyingKey {
        VerifyingKey::from_json(jwk).expect("key")
    }

    /// What a signer makes who writes any header.
    fn sign(key: &Ed25519KeyPair, header: &str, claims: &str) -> String {
        let signed = format!("{}.{}", BASE64.encode(header), BASE64.encode(claims));
        let signature = BASE64.encode(key.sign(signed.as_bytes()));
        format!("{signed}.{signature}")
    }

    fn is_signed(token: &str, key: &VerifyingKey) -> bool {
        Unverified::parse(token).is_some_and(|token| token.is_signed_by(key))
    }

    /// The key of RFC 8037 appendix A, with a payload of JSON; signed by Node's OpenSSL.
    #[test]
    fn a_token_of_others_with_the_key_of_rfc_8037_verifies() {
        let key = json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
        let token = "eyJhbGciOiJFZERTQSJ9.eyJpc3MiOiJqb2UiLCJleHAiOjEzMDA4MTkzODAsImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0\
            cnVlfQ.L-hZ9CevrxfVDib-5HJPwS5AC9X1sL2VBNYse6TMFnXJ_A0JF4bOWObz_-8_G81ZfeBYLz4_34IWqDnuXMBOCw";
        assert!(is_signed(token, &public(&key)), "times are not judged here");
        assert!(!is_signed(token, &public(&jwk(&generate()))));
    }

    /// RFC 7515 appendix A.2 (RS256) and A.3 (ES256).
    #[test]
    fn the_examples_of_rfc_7515_verify() {
        let rsa = json!({"kty": "RSA", "e": "AQAB", "n": "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddx\
            HmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL\
            -bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH\
            7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"});
        let signature = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujG\
            bds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_e\
            SN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIh\
            WkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
        let token = format!("eyJhbGciOiJSUzI1NiJ9.{PAYLOAD}.{signature}");
        let rsa = public(&rsa);
        assert!(is_signed(&token, &rsa));

        let ec = json!({"kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"});
        let signature =
            "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
        let token = format!("eyJhbGciOiJFUzI1NiJ9.{PAYLOAD}.{signature}");
        assert!(is_signed(&token, &public(&ec)));
        assert!(!is_signed(&token, &rsa), "a key is of one kind");
    }

    #[test]
    fn the_header_chooses_no_algorithm_that_the_key_is_not_for() {
        let key = generate();
        let good = jwk(&key);
        for (alg, is_good) in [
            ("EdDSA", true),
            ("none", false),
            ("None", false),
            ("HS256", false),
            ("RS256", false),
            ("ES256", false),
            ("", false),
        ] {
            let token = sign(&key, &json!({"alg": alg}).to_string(), r#"{"iss":"us"}"#);
            assert_eq!(is_signed(&token, &public(&good)), is_good, "{alg}");
        }
        for (alg, is_good) in
            [("EdDSA", true), ("ES256", false), ("HS256", false), ("RSA-OAEP", false), ("new", false)]
        {
            let mut pinned = good.clone();
            pinned["alg"] = alg.into();
            assert_eq!(VerifyingKey::from_json(&pinned).is_some(), is_good, "{alg}");
        }
    }

    /// The oldest attack: the public key, which everybody knows, as the secret of an HMAC.
    #[test]
    fn the_public_key_is_nobodys_shared_secret() {
        let key = generate();
        let x = BASE64.encode(key.public_key());
        for secret in [key.public_key().as_ref(), x.as_bytes(), jwk(&key).to_string().as_bytes()] {
            let header = jsonwebtoken::Header::new(Algorithm::HS256);
            let token =
                jsonwebtoken::encode(&header, &json!({"iss": "us"}), &EncodingKey::from_secret(secret));
            assert!(!is_signed(&token.expect("made"), &public(&jwk(&key))));
        }
        let unsigned = format!("{}.{}.", BASE64.encode(r#"{"alg":"EdDSA"}"#), BASE64.encode("{}"));
        assert!(!is_signed(&unsigned, &public(&jwk(&key))), "an empty signature");
    }

    #[test]
    fn what_must_be_understood_is_refused() {
        let key = generate();
        for header in [
            r#"{"alg":"EdDSA","crit":["exp"]}"#,
            r#"{"alg":"EdDSA","crit":[]}"#,
            r#"{"alg":"EdDSA","crit":"exp"}"#,
            r#"{"alg":"EdDSA","b64":false}"#,
            r#"{"alg":"EdDSA","b64":true}"#,
            r#"{"alg":"EdDSA","alg":"EdDSA"}"#,
            r#"{"alg":"EdDSA","kid":"a","kid":"b"}"#,
            r#"{"alg":["EdDSA"]}"#,
            r#"{"alg":"EdDSA""#,
            "{}",
            "",
        ] {
            assert!(Unverified::parse(&sign(&key, header, "{}")).is_none(), "{header}");
        }
        let good = sign(&key, r#"{"alg":"EdDSA"}"#, r#"{"iss":"us"}"#);
        assert!(is_signed(&good, &public(&jwk(&key))));
        let (signed, signature) = good.rsplit_once('.').expect("parts");
        for text in [
            "",
            ".",
            "..",
            "a.b.c",
            signed,
            &good[1..],
            &format!("{good}."),
            &format!("{good}.{signature}"),
            &format!("{good}="),
            &format!("{good} "),
            &format!(" {good}"),
            &format!("a.{good}"),
            &format!("{signed}.."),
            &good[..good.len() - 4],
        ] {
            assert!(!is_signed(text, &public(&jwk(&key))), "{text}");
        }
    }

    #[test]
    fn a_claim_that_is_there_twice_is_refused() {
        #[derive(serde::Deserialize)]
        struct Claims {
            #[expect(dead_code, reason = "only whether it can be read")]
            iss: String,
        }
        let key = generate();
        for (claims, is_read) in [
            (r#"{"iss":"us"}"#, true),
            (r#"{"iss":"us","iss":"them"}"#, false),
            (r#"{"iss":"us"}{}"#, false),
            ("[]", false),
        ] {
            let token = sign(&key, r#"{"alg":"EdDSA"}"#, claims);
            let token = Unverified::parse(&token).expect("parsed");
            assert_eq!(token.claims::<Claims>().is_some(), is_read, "{claims}");
        }
    }

    #[test]
    fn keys_that_are_not_for_signatures_are_not_taken() {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("generated");
        let point = pair.public_key().as_ref();
        let (x, y) = (BASE64.encode(&point[1..33]), BASE64.encode(&point[33..]));
        let good = json!({"kty": "EC", "crv": "P-256", "x": x, "y": y});
        for also in
            [json!({}), json!({"use": "sig"}), json!({"key_ops": ["verify"]}), json!({"alg": "ES256"})]
        {
            let mut jwk = good.clone();
            jwk.as_object_mut().expect("object").extend(also.as_object().expect("object").clone());
            assert!(VerifyingKey::from_json(&jwk).is_some(), "{jwk}");
        }
        for (name, value) in [
            ("use", json!("enc")),
            ("key_ops", json!(["encrypt"])),
            ("alg", json!("ES384")),
            ("kty", json!("oct")),
            ("kty", json!("OKP")),
            ("crv", json!("secp256k1")),
            ("crv", json!("P-384")),
            ("crv", json!("P-521")),
            ("x", json!("AA")),
            ("y", json!("!")),
            ("y", json!("*".repeat(43))),
        ] {
            let mut jwk = good.clone();
            jwk[name] = value;
            assert!(VerifyingKey::from_json(&jwk).is_none(), "{jwk}");
        }
        assert!(
            VerifyingKey::from_json(&json!({"kty": "oct", "k": "c2VjcmV0"})).is_none(),
            "a shared secret"
        );
    }
}
