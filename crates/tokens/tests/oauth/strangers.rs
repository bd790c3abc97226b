//! What strangers may cost at the token endpoint, and what they cannot take from clients.

use super::*;
use base64::Engine;
use futures_util::future::{join, join_all};
use tokens::SecretToken;

/// A secret that nobody has, under this key id: only its checksum is right.
fn forged(key_id: &str, n: usize) -> String {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let checked = format!("jsec_{key_id}_{n:043}");
    let mut rest = crc32fast::hash(checked.as_bytes()) as usize;
    let mut sum = [b'0'; 6];
    for place in sum.iter_mut().rev() {
        *place = DIGITS[rest % 62];
        rest /= 62;
    }
    format!("{checked}{}", String::from_utf8_lossy(&sum))
}

/// An address of a network of its own.
fn network(n: usize) -> IpAddr {
    IpAddr::from([203, 0, 113, n as u8])
}

#[tokio::test]
async fn strangers_do_not_take_the_places_of_clients() {
    let house = house().await;
    let (client, secret) = house.client().await;
    let (process, nobody) = (&house.process, forged("abcdefgh", 200));
    // The first one makes what they are compared with, whom all others would wait for.
    process.ask("contoso", "nobody", &nobody, HERE, NOW).await.expect_err("refused");
    let flood = (0..200).map(|n| {
        let secret = forged("abcdefgh", n);
        async move { process.ask("contoso", "nobody", &secret, network(n), NOW).await }
    });
    let (strangers, granted) = join(join_all(flood), process.grant("contoso", client, &secret, NOW)).await;
    granted.expect("granted");
    assert!(strangers.iter().all(|outcome| matches!(outcome, Err(GrantError::InvalidClient))), "one answer");
}

#[tokio::test]
async fn wrong_secrets_take_nothing_from_the_rate_of_the_client() {
    let house = house().await;
    let (client, secret) = house.client().await;
    let process = Process::with_rate(&house.store, NOW, 1).await;
    let id = client.to_string();
    for n in 0..20 {
        // One who knows the key id, too, and one who does not.
        for key_id in [secret.row.key_id.as_str(), "abcdefgh"] {
            let wrong = process.ask("contoso", &id, &forged(key_id, n), network(1), NOW).await;
            wrong.expect_err("refused");
        }
    }
    process.grant("contoso", client, &secret, NOW).await.expect("granted");
    let again = join_all((0..20).map(|_| process.grant("contoso", client, &secret, NOW))).await;
    let is_refused = |outcome: &Result<_, _>| matches!(outcome, Err(GrantError::TooManyRequests(_)));
    assert!(again.iter().any(is_refused), "its own requests count");
}

/// One lookup of an unknown client or token a second, and no more at once.
const SCARCE: RationSettings = RationSettings { rate: NonZeroU32::MIN, burst: NonZeroU32::MIN };

#[tokio::test]
async fn strangers_take_no_lookups_from_clients_of_their_network() {
    let house = house().await;
    let (client, secret) = house.client().await;
    let process = Process::with_ration(&house.store, NOW, SCARCE).await;
    process.grant("contoso", client, &secret, NOW).await.expect("a client that begins");
    let id = client.to_string();
    // Well-formed, of nobody; and of the client, which a stranger may name.
    let flood = (0..100).map(|n| {
        let (id, forged) =
            (if n % 2 == 0 { Uuid::from_u128(7).to_string() } else { id.clone() }, forged("abcdefgh", n));
        let process = &process;
        async move { process.ask("contoso", &id, &forged, HERE, NOW).await }
    });
    let outcomes = join_all(flood).await;
    let is_rationed = |outcome: &Result<_, _>| matches!(outcome, Err(GrantError::TooManyRequests(1)));
    assert_eq!(outcomes.iter().filter(|outcome| is_rationed(outcome)).count(), 99);
    process.grant("contoso", client, &secret, after(DAY - 1)).await.expect("it was valid within a day");
    process.ask("contoso", &id, &forged("abcdefgh", 1), HERE, after(DAY)).await.expect_err("refused");
    process.grant("contoso", client, &secret, after(DAY)).await.expect("the day begins with its last use");
    house.clients.revoke(&root(NOW), house.tenant.id, client).await.expect("revoked");
    let refused = process.grant("contoso", client, &secret, after(DAY)).await;
    assert!(matches!(refused, Err(GrantError::InvalidClient)), "{refused:?}");
}

#[tokio::test]
async fn an_assertion_that_cannot_be_one_costs_no_lookup() {
    let house = house().await;
    let (client, _) = house.client().await;
    let process = Process::with_ration(&house.store, NOW, SCARCE).await;
    let base64 = |text: &str| base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(text);
    let claims = |exp: i64| format!(r#"{{"iss":"i","sub":"s","aud":"a","exp":{exp}}}"#);
    let now = NOW.0 / 1000;
    let jwt = |header: &str, claims: &str| format!("{}.{}.c2ln", base64(header), base64(claims));
    let header = r#"{"alg":"RS256","kid":"1"}"#;
    let ask = async |assertion: &str| {
        let shown = ClientAuthentication::Assertion(assertion);
        process.endpoint.grant("contoso", &client.to_string(), shown, HERE, NOW).await.expect_err("refused")
    };
    for malformed in [
        "x".to_owned(),
        "x.y.z".to_owned(),
        jwt(r#"{"alg":"none","kid":"1"}"#, &claims(now + 60)),
        jwt(r#"{"alg":"RS256"}"#, &claims(now + 60)),
        jwt(header, r#"{"iss":"i"}"#),
        jwt(header, &claims(now - 61)),
        jwt(header, &claims(now + 90_000)),
    ] {
        let refused = ask(&malformed).await;
        assert!(matches!(refused, GrantError::InvalidClient), "{malformed}: {refused:?}");
    }
    // One that can be is looked up, within the ration.
    let well_formed = jwt(header, &claims(now + 60));
    for expected in
        ["the client is not authenticated", "too many requests of one client or network: wait 1 s"]
    {
        assert_eq!(ask(&well_formed).await.to_string(), expected);
    }
}

#[tokio::test]
async fn a_signature_of_ours_needs_no_ration() {
    let house = house().await;
    let (client, secret) = house.client().await;
    let token = house.process.grant("contoso", client, &secret, NOW).await.expect("granted");
    let restarted = Process::with_ration(&house.store, NOW, SCARCE).await;
    for _ in 0..10 {
        let unknown = SecretToken::random().expect("random");
        restarted.authenticator.authenticate(unknown.reveal(), HERE, NOW).await.expect_err("refused");
    }
    assert_eq!(restarted.authenticator.rationed(), 9);
    assert!(restarted.is_good(&token, NOW).await);
}
