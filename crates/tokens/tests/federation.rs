//! Federation against hostile and unlucky providers: what they are asked, how often, and what they cannot make us do.

#[path = "../../store/tests/suite/acts.rs"]
#[expect(dead_code, reason = "the suite of the store uses more of it")]
mod acts;

use acts::*;
use aws_lc_rs::{
    rand::SystemRandom,
    signature::{Ed25519KeyPair, KeyPair},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use futures_util::future::join_all;
use keys::{KeySetSettings, SigningKeys};
use outgoing::Bounds;
use scim::{Profile, Timestamp};
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader, Write},
    net::{IpAddr, Ipv4Addr, TcpListener},
    num::NonZeroU32,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use store::{Settings, Store, Tenant, TenantId, TenantState};
use tempfile::TempDir;
use tokens::{
    AccessTokens, ClientAuthentication, ClientPolicy, FederationTerms, Federations, GrantError, OauthClients,
    RationSettings, TokenEndpoint,
};
use uuid::Uuid;

const NOW: Timestamp = Timestamp(1_795_521_600_000);
const TENANT: TenantId = TenantId(Uuid::from_u128(7));
const REFETCH: i64 = 30;
const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// A provider that answers every request with the same bytes, and counts them.
struct Provider {
    url: String,
    asked: Arc<AtomicUsize>,
    answer: Arc<Mutex<Vec<u8>>>,
}

impl Provider {
    fn start(answer: Vec<u8>) -> Provider {
        let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
        let url = format!("http://{}/keys", listener.local_addr().expect("address"));
        let (asked, answer) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(answer)));
        let (counter, said) = (Arc::clone(&asked), Arc::clone(&answer));
        std::thread::spawn(move || {
            for connection in listener.incoming().map_while(Result::ok) {
                counter.fetch_add(1, Ordering::SeqCst);
                let head = BufReader::new(&connection).lines().map_while(Result::ok);
                head.take_while(|line| !line.is_empty()).for_each(drop);
                // Whoever has heard enough hangs up.
                let _ = (&connection).write_all(&said.lock().expect("answer"));
            }
        });
        Provider { url, asked, answer }
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    fn says(&self, answer: Vec<u8>) {
        *self.answer.lock().expect("answer") = answer;
    }
}

fn http(status: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}")
        .into_bytes()
}

/// A key pair of a provider under a key id.
struct Key {
    kid: &'static str,
    pair: Ed25519KeyPair,
}

impl Key {
    fn new(kid: &'static str) -> Key {
        let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).expect("generated");
        Key { kid, pair: Ed25519KeyPair::from_pkcs8(document.as_ref()).expect("key") }
    }

    fn jwk(&self) -> Value {
        let x = BASE64.encode(self.pair.public_key());
        json!({"kty": "OKP", "crv": "Ed25519", "use": "sig", "kid": self.kid, "x": x})
    }

    fn assertion(&self, now: Timestamp) -> String {
        self.assertion_with(now, &json!({}))
    }

    /// One that says this as well.
    fn assertion_with(&self, now: Timestamp, more: &Value) -> String {
        let seconds = now.0 / 1000;
        let mut claims = json!({"iss": "https://issuer", "sub": "subject", "aud": "api://juno",
            "iat": seconds, "nbf": seconds, "exp": seconds + 3600});
        claims.as_object_mut().expect("object").extend(more.as_object().expect("object").clone());
        let header = json!({"alg": "EdDSA", "typ": "JWT", "kid": self.kid});
        let part = |json: &Value| BASE64.encode(json.to_string());
        let signed = format!("{}.{}", part(&header), part(&claims));
        format!("{signed}.{}", BASE64.encode(self.pair.sign(signed.as_bytes())))
    }
}

/// A set with these keys, and one of a kind that nobody knows.
fn set(keys: &[&Key]) -> Vec<u8> {
    let unknown = json!({"kty": "lattice", "kid": "later"});
    let keys: Vec<Value> = std::iter::once(unknown).chain(keys.iter().map(|key| key.jwk())).collect();
    http("200 OK", "content-type: application/json\r\n", &json!({"keys": keys}).to_string())
}

struct House {
    store: Store,
    endpoint: TokenEndpoint,
    client: String,
    _folder: TempDir,
}

/// A tenant that takes assertions of whoever publishes keys at this address.
async fn house(jwks_url: &str) -> House {
    house_with(jwks_url, Duration::from_secs(30)).await
}

/// `timeout`: how long the provider may take to answer.
async fn house_with(jwks_url: &str, timeout: Duration) -> House {
    let folder = tempfile::tempdir().expect("folder");
    let url = format!("sqlite://{}", folder.path().join("juno.db").display());
    let store = Store::open(&Settings { readers: 2, ..Settings::of(url) }).expect("store");
    let tenant = Tenant {
        id: TENANT,
        label: "contoso".into(),
        name: "Contoso".into(),
        profile: Profile::Entra,
        state: TenantState::Active,
        created: NOW,
    };
    assert!(store.create_tenant(tenant).await.expect("tenant"));
    let year = Duration::from_secs(365 * 86_400);
    let policy = ClientPolicy { max_clients: 2, max_secrets: 2, min_lifetime: year, max_lifetime: year };
    let terms = FederationTerms {
        issuer: "https://issuer".into(),
        subject: "subject".into(),
        audience: "api://juno".into(),
        jwks_url: jwks_url.into(),
    };
    let clients = OauthClients::new(store.clone(), policy);
    let federation = clients.set_federation(&root(NOW), TENANT, terms).await.expect("set");
    let keys = Arc::new(SigningKeys::new(store.clone(), year));
    keys.refresh(NOW).await.expect("keys");
    let settings = KeySetSettings {
        bounds: Bounds { allow_http: true, allow_private_networks: true, timeout },
        lifetime: Duration::from_secs(3600),
        refetch_interval: Duration::from_secs(REFETCH as u64),
    };
    let federations = Federations::new(store.clone(), settings).expect("federations");
    let access_tokens = Arc::new(AccessTokens::new(keys, "https://scim.example.com"));
    let rate = NonZeroU32::new(10_000).expect("not zero");
    let hour = Duration::from_secs(3600);
    let ration = RationSettings { rate, burst: rate };
    let endpoint = TokenEndpoint::new(store.clone(), access_tokens, federations, hour, rate, ration);
    House { store, endpoint, client: federation.client.to_string(), _folder: folder }
}

impl House {
    async fn exchange(&self, assertion: &str, now: Timestamp) -> Result<(), GrantError> {
        let shown = ClientAuthentication::Assertion(assertion);
        self.endpoint.grant("contoso", &self.client, shown, HERE, now).await.map(drop)
    }
}

#[tokio::test]
async fn keys_are_fetched_once_for_all_who_ask_and_kept() {
    let key = Key::new("one");
    let provider = Provider::start(set(&[&key]));
    let house = house(&provider.url).await;
    let assertion = key.assertion(NOW);
    let burst = join_all((0..50).map(|_| house.exchange(&assertion, NOW))).await;
    assert!(burst.iter().all(Result::is_ok), "{burst:?}");
    assert_eq!(provider.asked(), 1);
    let later = NOW.plus_seconds(3600);
    house.exchange(&key.assertion(later), later).await.expect("taken");
    assert_eq!(provider.asked(), 2, "an hour later they are fetched again");
}

#[tokio::test]
async fn an_unknown_key_is_looked_for_now_and_then() {
    let (old, new, forged) = (Key::new("old"), Key::new("new"), Key::new("forged"));
    let provider = Provider::start(set(&[&old]));
    let house = house(&provider.url).await;
    house.exchange(&old.assertion(NOW), NOW).await.expect("taken");
    provider.says(set(&[&old, &new]));
    for _ in 0..20 {
        let outcome = house.exchange(&forged.assertion(NOW), NOW).await;
        assert!(matches!(outcome, Err(GrantError::InvalidClient)), "{outcome:?}");
    }
    assert_eq!(provider.asked(), 1, "a flood of unknown keys asks nobody");
    let later = NOW.plus_seconds(REFETCH);
    house.exchange(&new.assertion(later), later).await.expect("the replaced key is found");
    house.exchange(&old.assertion(later), later).await.expect("and the old one is kept");
    assert_eq!(provider.asked(), 2);
}

#[tokio::test]
async fn an_assertion_that_was_refused_is_not_used_up() {
    let key = Key::new("one");
    let provider = Provider::start(set(&[&key]));
    let house = house(&provider.url).await;
    let once = key.assertion_with(NOW, &json!({"jti": "one of a kind"}));
    let set_state = async |state| assert!(house.store.set_tenant_state(TENANT, state).await.expect("set"));
    set_state(TenantState::Suspended).await;
    let refused = house.exchange(&once, NOW).await;
    assert!(matches!(refused, Err(GrantError::Suspended)), "{refused:?}");
    set_state(TenantState::Active).await;
    house.exchange(&once, NOW).await.expect("taken");
    let again = house.exchange(&once, NOW).await;
    assert!(matches!(again, Err(GrantError::InvalidClient)), "{again:?}");
}

#[tokio::test]
async fn a_key_under_the_id_of_another_signs_nothing() {
    let (real, forged) = (Key::new("one"), Key::new("one"));
    let provider = Provider::start(set(&[&real]));
    let house = house(&provider.url).await;
    let outcome = house.exchange(&forged.assertion(NOW), NOW).await;
    assert!(matches!(outcome, Err(GrantError::InvalidClient)), "{outcome:?}");
    house.exchange(&real.assertion(NOW), NOW).await.expect("taken");
}

#[tokio::test]
async fn hostile_answers_are_not_followed_and_not_read_to_their_end() {
    let key = Key::new("one");
    let treasure = Provider::start(set(&[&key]));
    let large = format!("{{\"keys\":[],\"x\":\"{}\"}}", "x".repeat(300 * 1024));
    let endless = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{".to_vec();
    for answer in [
        http("302 Found", &format!("location: {}\r\n", treasure.url), ""),
        http("307 Temporary Redirect", &format!("location: {}\r\n", treasure.url), ""),
        http("404 Not Found", "", "{\"keys\":[]}"),
        http("200 OK", "", &large),
        http("200 OK", "", "<html>"),
        http("200 OK", "", "{\"keys\":7}"),
        endless,
        b"no HTTP".to_vec(),
        Vec::new(),
    ] {
        let text = String::from_utf8_lossy(&answer[..answer.len().min(60)]).into_owned();
        let provider = Provider::start(answer);
        let house = house(&provider.url).await;
        let outcome = house.exchange(&key.assertion(NOW), NOW).await;
        assert!(matches!(outcome, Err(GrantError::Unavailable(_))), "{text}: {outcome:?}");
        let outcome = house.exchange(&key.assertion(NOW), NOW).await;
        assert!(matches!(outcome, Err(GrantError::Unavailable(_))), "{text}: {outcome:?}");
        assert_eq!(provider.asked(), 1, "{text}: a failure is remembered");
        // The provider recovers.
        provider.says(set(&[&key]));
        let later = NOW.plus_seconds(REFETCH);
        house.exchange(&key.assertion(later), later).await.expect("taken");
    }
    assert_eq!(treasure.asked(), 0);
}

#[tokio::test]
async fn a_provider_that_says_nothing_is_waited_for_only_so_long() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
    let address = format!("http://{}/keys", listener.local_addr().expect("address"));
    let house = house_with(&address, Duration::from_millis(500)).await;
    let outcome = house.exchange(&Key::new("one").assertion(NOW), NOW).await;
    assert!(
        matches!(&outcome, Err(GrantError::Unavailable(cause)) if cause.contains("in time")),
        "{outcome:?}"
    );
}
