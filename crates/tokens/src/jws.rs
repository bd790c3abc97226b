//! JSON Web Signatures in compact form (RFC 7515, 7518, 8037): read, verified and made; and keys as RFC 7517 writes them.
//!
//! A key knows the algorithms that it may be used with; what the header of a token says chooses among those and can
//! never choose another (RFC 8725 section 3.1). There is no `none` and no shared secret here.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use ring::signature::{self, Ed25519KeyPair, RsaPublicKeyComponents, UnparsedPublicKey};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

/// A token as it arrived: nothing in it is proven.
pub(crate) struct Unverified<'t> {
    pub(crate) header: Header,
    signed: &'t str,
    payload: Vec<u8>,
    signature: Vec<u8>,
}

/// The part of the header that is looked at.
#[derive(Debug, Deserialize)]
pub(crate) struct Header {
    pub(crate) alg: String,
    pub(crate) kid: Option<String>,
    pub(crate) typ: Option<String>,
    /// Extensions that must be understood (RFC 7515 section 4.1.11): we understand none.
    crit: Option<Value>,
    /// An unencoded payload (RFC 7797) is signed differently.
    b64: Option<Value>,
}

impl<'t> Unverified<'t> {
    /// Reads the three parts; none if the text is no token, or one that asks for what we do not know.
    pub(crate) fn parse(token: &'t str) -> Option<Unverified<'t>> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, payload) = signed.split_once('.')?;
        // A dot is no letter of the alphabet, so a fourth part is refused here.
        let decode = |part: &str| BASE64.decode(part).ok();
        let header: Header = serde_json::from_slice(&decode(header)?).ok()?;
        if header.crit.is_some() || header.b64.is_some() {
            return None;
        }
        Some(Unverified { header, signed, payload: decode(payload)?, signature: decode(signature)? })
    }

    /// The claims, which nothing proves before [`Unverified::is_signed_by`].
    pub(crate) fn claims<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_slice(&self.payload).ok()
    }

    /// Whether this key signed the token with the algorithm that its header names.
    pub(crate) fn is_signed_by(&self, key: &VerifyingKey) -> bool {
        key.verify(&self.header.alg, self.signed.as_bytes(), &self.signature)
    }
}

/// Signs claims with EdDSA.
pub(crate) fn sign(key: &Ed25519KeyPair, header: &Value, claims: &Value) -> String {
    let part = |json: &Value| BASE64.encode(json.to_string());
    let signed = format!("{}.{}", part(header), part(claims));
    let signature = BASE64.encode(key.sign(signed.as_bytes()));
    format!("{signed}.{signature}")
}

/// A public key, and the one algorithm it is for if its owner said so.
#[derive(Clone, Debug)]
pub(crate) struct VerifyingKey {
    material: Material,
    alg: Option<String>,
}

#[derive(Clone, Debug)]
enum Material {
    Ed25519(Vec<u8>),
    /// The point, uncompressed.
    P256(Vec<u8>),
    P384(Vec<u8>),
    Rsa {
        modulus: Vec<u8>,
        exponent: Vec<u8>,
    },
}

impl VerifyingKey {
    /// A public key of our own.
    pub(crate) fn ed25519(public: &[u8]) -> VerifyingKey {
        VerifyingKey { material: Material::Ed25519(public.to_vec()), alg: None }
    }

    /// Reads a JSON Web Key (RFC 7517, 7518 section 6, 8037); none if it is of a kind we do not verify with, is meant for
    /// something else than signatures, or is weak. ring refuses RSA keys below 2048 bits when they are used.
    pub(crate) fn from_jwk(jwk: &Value) -> Option<VerifyingKey> {
        let text = |name: &str| jwk.get(name).and_then(Value::as_str);
        let bytes = |name: &str| BASE64.decode(text(name)?).ok();
        if text("use").is_some_and(|purpose| purpose != "sig") {
            return None;
        }
        let point = |length: usize| {
            let (x, y) = (bytes("x")?, bytes("y")?);
            (x.len() == length && y.len() == length).then(|| [&[4], x.as_slice(), &y].concat())
        };
        let material = match (text("kty")?, text("crv")) {
            ("RSA", _) => Material::Rsa { modulus: bytes("n")?, exponent: bytes("e")? },
            ("EC", Some("P-256")) => Material::P256(point(32)?),
            ("EC", Some("P-384")) => Material::P384(point(48)?),
            ("OKP", Some("Ed25519")) => Material::Ed25519(bytes("x")?),
            _ => return None,
        };
        Some(VerifyingKey { material, alg: text("alg").map(str::to_owned) })
    }

    fn verify(&self, alg: &str, message: &[u8], signature: &[u8]) -> bool {
        if self.alg.as_ref().is_some_and(|pinned| pinned != alg) {
            return false;
        }
        let plain = |algorithm: &'static dyn signature::VerificationAlgorithm, key: &[u8]| {
            UnparsedPublicKey::new(algorithm, key).verify(message, signature).is_ok()
        };
        let rsa = |parameters, (n, e): (&[u8], &[u8])| {
            RsaPublicKeyComponents { n, e }.verify(parameters, message, signature).is_ok()
        };
        match (&self.material, alg) {
            (Material::Ed25519(key), "EdDSA" | "Ed25519") => plain(&signature::ED25519, key),
            (Material::P256(key), "ES256") => plain(&signature::ECDSA_P256_SHA256_FIXED, key),
            (Material::P384(key), "ES384") => plain(&signature::ECDSA_P384_SHA384_FIXED, key),
            (Material::Rsa { modulus, exponent }, _) => {
                let parameters = match alg {
                    "RS256" => &signature::RSA_PKCS1_2048_8192_SHA256,
                    "RS384" => &signature::RSA_PKCS1_2048_8192_SHA384,
                    "RS512" => &signature::RSA_PKCS1_2048_8192_SHA512,
                    "PS256" => &signature::RSA_PSS_2048_8192_SHA256,
                    "PS384" => &signature::RSA_PSS_2048_8192_SHA384,
                    "PS512" => &signature::RSA_PSS_2048_8192_SHA512,
                    _ => return false,
                };
                rsa(parameters, (modulus, exponent))
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ring::{
        rand::SystemRandom,
        signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
    };
    use serde_json::json;

    fn key() -> Ed25519KeyPair {
        let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).expect("generated");
        Ed25519KeyPair::from_pkcs8(document.as_ref()).expect("key")
    }

    /// RFC 8037 appendix A: key, header, payload and signature that others made.
    #[test]
    fn the_example_of_rfc_8037_verifies() {
        let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
        let token = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.\
            hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
        let token = Unverified::parse(token).expect("parsed");
        assert!(token.is_signed_by(&VerifyingKey::from_jwk(&jwk).expect("key")));
        assert!(!token.is_signed_by(&VerifyingKey::ed25519(key().public_key().as_ref())));
    }

    /// RFC 7515 appendix A.2 (RS256) and A.3 (ES256).
    #[test]
    fn the_examples_of_rfc_7515_verify() {
        let rsa = json!({"kty": "RSA", "e": "AQAB", "n": "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddx\
            HmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL\
            -bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH\
            7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"});
        let payload =
            "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        let signature = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujG\
            bds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_e\
            SN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIh\
            WkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
        let token = format!("eyJhbGciOiJSUzI1NiJ9.{payload}.{signature}");
        let rsa = VerifyingKey::from_jwk(&rsa).expect("key");
        assert!(Unverified::parse(&token).expect("parsed").is_signed_by(&rsa));

        let ec = json!({"kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"});
        let signature =
            "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
        let token = format!("eyJhbGciOiJFUzI1NiJ9.{payload}.{signature}");
        let ec = VerifyingKey::from_jwk(&ec).expect("key");
        let token = Unverified::parse(&token).expect("parsed");
        assert!(token.is_signed_by(&ec));
        assert!(!token.is_signed_by(&rsa), "a key is of one kind");
    }

    #[test]
    fn the_header_chooses_no_algorithm_that_the_key_is_not_for() {
        let key = key();
        let public = VerifyingKey::ed25519(key.public_key().as_ref());
        let claims = json!({"iss": "us"});
        for (alg, is_good) in [
            ("EdDSA", true),
            ("none", false),
            ("None", false),
            ("HS256", false),
            ("RS256", false),
            ("", false),
        ] {
            let token = sign(&key, &json!({"alg": alg}), &claims);
            assert_eq!(Unverified::parse(&token).expect("parsed").is_signed_by(&public), is_good, "{alg}");
        }
        let pinned = VerifyingKey { alg: Some("ES256".to_owned()), ..public };
        let token = sign(&key, &json!({"alg": "EdDSA"}), &claims);
        assert!(!Unverified::parse(&token).expect("parsed").is_signed_by(&pinned));
    }

    #[test]
    fn what_must_be_understood_is_refused() {
        let key = key();
        for header in
            [json!({"alg": "EdDSA", "crit": ["exp"]}), json!({"alg": "EdDSA", "b64": false}), json!({})]
        {
            assert!(Unverified::parse(&sign(&key, &header, &json!({}))).is_none(), "{header}");
        }
        let good = sign(&key, &json!({"alg": "EdDSA"}), &json!({}));
        for text in [
            "",
            ".",
            "..",
            "a.b.c",
            &good[1..],
            &format!("{good}."),
            &format!("{good}="),
            &format!("a.{good}"),
        ] {
            assert!(Unverified::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn keys_that_are_not_for_signatures_are_not_taken() {
        let pair = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
        let random = SystemRandom::new();
        let pair = EcdsaKeyPair::from_pkcs8(
            &ECDSA_P256_SHA256_FIXED_SIGNING,
            pair.expect("generated").as_ref(),
            &random,
        )
        .expect("key");
        let point = pair.public_key().as_ref();
        let (x, y) = (BASE64.encode(&point[1..33]), BASE64.encode(&point[33..]));
        let good = json!({"kty": "EC", "crv": "P-256", "x": x, "y": y});
        assert!(VerifyingKey::from_jwk(&good).is_some());
        for (name, value) in [
            ("use", "enc"),
            ("kty", "oct"),
            ("kty", "OKP"),
            ("crv", "secp256k1"),
            ("crv", "P-384"),
            ("x", "AA"),
            ("y", "!"),
        ] {
            let mut jwk = good.clone();
            jwk[name] = value.into();
            assert!(VerifyingKey::from_jwk(&jwk).is_none(), "{jwk}");
        }
    }
}
