//! Secret Token, client credentials and federation: what is sent to the token endpoint, and when again.

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use entra_sim::clock::Clock;
use entra_sim::connection::OAuth;
use entra_sim::cycle::test_connection;
use entra_sim::http::client::without_token;
use entra_sim::http::federation::{Issuer, SigningKey};
use entra_sim::http::{Client, Credentials, Settings};
use entra_sim::job::Job;
use serde_json::Value;

use super::standin::Standin;
use super::start;

const KEY: &str = include_str!("../fixtures/assertion-key.pem");

fn oauth(server: &Standin, secret: &str) -> Credentials {
    Credentials::ClientCredentials {
        client_id: "entra".to_owned(),
        client_secret: secret.into(),
        token_url: format!("{}/token", server.url),
        scope: Some("scim".to_owned()),
    }
}

fn client(server: &Standin, credentials: Credentials) -> Client {
    let url = server.url.parse().expect("a Tenant URL");
    Client::new(url, credentials, Settings::default(), Clock::standing(start())).expect("a client")
}

#[tokio::test]
async fn client_credentials_go_in_the_body_once_and_again_after_a_401() {
    let server = Standin::start();
    let client = client(&server, oauth(&server, "a-client-secret"));
    assert!(client.get("/Users", &[]).await.is_success());
    assert!(client.get("/Users", &[]).await.is_success());
    let form = server.lock().forms.clone();
    assert_eq!(form.len(), 1, "the token is kept");
    let field = |name: &str| form[0].get(name).map(String::as_str);
    assert_eq!(
        (field("grant_type"), field("client_id"), field("scope")),
        (Some("client_credentials"), Some("entra"), Some("scim"))
    );
    server.misbehave(|manners| manners.token = Some("rotated"));
    assert!(client.get("/Users", &[]).await.is_success(), "a stale token is renewed");
    assert_eq!(server.lock().forms.len(), 2);
}

#[tokio::test]
async fn secrets_and_tokens_are_not_in_exchanges() {
    let server = Standin::start();
    let client = client(&server, oauth(&server, "a-client-secret"));
    let token = without_token(client.token().await);
    assert!(token.is_success());
    let read = client.get("/Users", &[]).await;
    for exchange in [token, read] {
        let text = format!("{exchange:?}{}", serde_json::to_string(&exchange).expect("JSON"));
        assert!(!text.contains("a-client-secret") && !text.contains("a-secret-token"), "{text}");
    }
    assert!(!format!("{client:?}").contains("a-client-secret"));
}

#[tokio::test]
async fn a_refused_client_is_told_as_invalid_credentials() {
    let server = Standin::start();
    let client = client(&server, oauth(&server, "wrong"));
    let tests = test_connection(&client, &Job::default(), "7d420df3-9995-4831-a406-ecf8166f5f6a").await;
    assert_eq!(tests.len(), 1, "nothing follows");
    assert_eq!(
        tests[0].error_code.as_deref(),
        Some("SystemForCrossDomainIdentityManagementInvalidCredentials")
    );
}

#[tokio::test]
async fn an_assertion_can_be_checked_with_the_published_key() {
    let server = Standin::start();
    let key = SigningKey::from_pem(KEY).expect("a key");
    let jwks = key.key_set();
    let issuer = Issuer::new(key, "https://login.microsoftonline.com/t/v2.0", "sub", "api://app");
    let credentials = Credentials::Federation {
        client_id: "entra".to_owned(),
        token_url: format!("{}/token", server.url),
        scope: Some("scim".to_owned()),
        assertion: entra_sim::http::credentials::Assertion::Signed(issuer.into()),
    };
    assert!(client(&server, credentials).get("/Users", &[]).await.is_success());
    let form = server.lock().forms[0].clone();
    assert_eq!(form["client_assertion_type"], "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
    let (message, signature) = form["client_assertion"].rsplit_once('.').expect("three parts");
    let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).expect("base64url");
    let key = &jwks["keys"][0];
    let part = |name: &str| decode(key[name].as_str().expect("text"));
    let public = RsaPublicKeyComponents { n: part("n"), e: part("e") };
    public.verify(&RSA_PKCS1_2048_8192_SHA256, message.as_bytes(), &decode(signature)).expect("it is signed");
    let json = |text: &str| serde_json::from_slice::<Value>(&decode(text)).expect("JSON");
    let (header, claims) = message.split_once('.').expect("two parts");
    assert_eq!(json(header)["kid"], key["kid"]);
    let claims = json(claims);
    assert_eq!((claims["aud"].clone(), claims["appid"].clone()), ("api://app".into(), "app".into()));
    assert_eq!(claims["exp"].as_i64().zip(claims["iat"].as_i64()).map(|(exp, iat)| exp - iat), Some(3900));
}

#[test]
fn contradictory_credentials_are_refused() {
    let some = |text: &str| Some(text.to_owned());
    let client =
        OAuth { client_id: some("a"), token_url: some("https://x.example/token"), ..OAuth::default() };
    let secret = OAuth { client_secret: Some("s".into()), ..client.clone() };
    assert!(secret.credentials(None).is_ok());
    assert!(secret.credentials(Some("t".into())).is_err(), "a Secret Token beside it");
    assert!(client.credentials(None).is_err(), "neither secret nor assertion");
    assert!(OAuth { assertion: Some("j".into()), ..secret.clone() }.credentials(None).is_err(), "both");
    assert!(OAuth { token_url: None, ..secret }.credentials(None).is_err(), "no token URL");
    assert!(OAuth::default().credentials(None).is_err(), "nothing");
    assert!(SigningKey::from_pem("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----").is_err());
}
