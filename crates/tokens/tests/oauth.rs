//! OAuth on a real store: clients and their secrets, access tokens and what ends them, and keys that are replaced.

use base64::Engine;
use futures_util::future::{join, join_all};
use scim::{Profile, Timestamp};
use std::{
    collections::HashSet,
    net::{IpAddr, Ipv4Addr},
    num::NonZeroU32,
    sync::Arc,
    time::Duration,
};
use store::{Settings, Store, Tenant, TenantId, TenantState};
use tempfile::TempDir;
use tokens::{
    AccessTokens, Authenticator, CacheSettings, ClientAuthentication, ClientError, ClientPolicy, Federations,
    GrantError, IssuedSecret, JwksSettings, OauthClients, RationSettings, Refusal, SecretToken, SigningKeys,
    TokenEndpoint,
};
use uuid::Uuid;

const NOW: Timestamp = Timestamp(1_795_521_600_000);
const DAY: i64 = 86_400;
const YEAR: Duration = Duration::from_secs(365 * DAY as u64);
const TTL: i64 = 10;
const KEY_LIFETIME: i64 = 30 * DAY;
const RATION: RationSettings = match (NonZeroU32::new(50), NonZeroU32::new(2000)) {
    (Some(rate), Some(burst)) => RationSettings { rate, burst },
    _ => panic!("not zero"),
};
const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

fn id() -> Uuid {
    tokens::operator::new_id(NOW).expect("random")
}

struct House {
    store: Store,
    clients: OauthClients,
    process: Process,
    tenant: Tenant,
    _folder: TempDir,
}

/// What one process holds; several may share a store.
struct Process {
    keys: Arc<SigningKeys>,
    endpoint: TokenEndpoint,
    authenticator: Authenticator,
}

impl Process {
    async fn start(store: &Store, now: Timestamp) -> Process {
        Process::with_rate(store, now, 1000).await
    }

    /// A client may ask for so many tokens a second.
    async fn with_rate(store: &Store, now: Timestamp, rate: u32) -> Process {
        Process::with(store, now, rate, RATION).await
    }

    /// A network has this ration of unknown clients and tokens.
    async fn with_ration(store: &Store, now: Timestamp, ration: RationSettings) -> Process {
        Process::with(store, now, 1000, ration).await
    }

    async fn with(store: &Store, now: Timestamp, rate: u32, ration: RationSettings) -> Process {
        let keys = Arc::new(SigningKeys::new(store.clone(), Duration::from_secs(KEY_LIFETIME as u64)));
        keys.refresh(now).await.expect("keys");
        let access_tokens = Arc::new(AccessTokens::new(keys.clone(), "https://scim.example.com"));
        let jwks = JwksSettings {
            allow_http: false,
            allow_private_networks: false,
            lifetime: Duration::from_secs(60),
            refetch_interval: Duration::from_secs(60),
            timeout: Duration::from_secs(1),
        };
        let federations = Federations::new(store.clone(), jwks).expect("federations");
        let rate = NonZeroU32::new(rate).expect("not zero");
        let hour = Duration::from_secs(3600);
        let cache = CacheSettings { ttl: Duration::from_secs(TTL as u64), capacity: 100 };
        Process {
            keys,
            endpoint: TokenEndpoint::new(
                store.clone(),
                access_tokens.clone(),
                federations,
                hour,
                rate,
                ration,
            ),
            authenticator: Authenticator::new(store.clone(), cache, ration).with_access_tokens(access_tokens),
        }
    }

    async fn grant(
        &self,
        label: &str,
        client: Uuid,
        secret: &IssuedSecret,
        now: Timestamp,
    ) -> Result<String, GrantError> {
        self.ask(label, &client.to_string(), secret.secret.reveal(), HERE, now).await
    }

    /// Asks with any text, from any address.
    async fn ask(
        &self,
        label: &str,
        client: &str,
        secret: &str,
        from: IpAddr,
        now: Timestamp,
    ) -> Result<String, GrantError> {
        let shown = ClientAuthentication::Secret(secret);
        Ok(self.endpoint.grant(label, client, shown, from, now).await?.token)
    }

    async fn is_good(&self, token: &str, now: Timestamp) -> bool {
        let outcome = self.authenticator.authenticate(token, HERE, now).await;
        assert!(!matches!(outcome, Err(Refusal::Unavailable(_))), "{outcome:?}");
        outcome.is_ok()
    }
}

async fn house() -> House {
    let folder = tempfile::tempdir().expect("folder");
    let url = format!("sqlite://{}", folder.path().join("juno.db").display());
    let store = Store::open(&Settings { readers: 2, ..Settings::of(url) }).expect("store");
    let policy = ClientPolicy { max_clients: 2, max_secrets: 2, min_lifetime: YEAR, max_lifetime: 3 * YEAR };
    House {
        clients: OauthClients::new(store.clone(), policy),
        process: Process::start(&store, NOW).await,
        tenant: tenant(&store, "contoso").await,
        store,
        _folder: folder,
    }
}

async fn tenant(store: &Store, label: &str) -> Tenant {
    let tenant = Tenant {
        id: TenantId(Uuid::from_u128(label.bytes().map(u128::from).sum())),
        label: label.to_owned(),
        name: label.to_owned(),
        profile: Profile::Entra,
        state: TenantState::Active,
        created: NOW,
    };
    assert!(store.create_tenant(tenant.clone()).await.expect("tenant"));
    tenant
}

impl House {
    async fn client(&self) -> (Uuid, IssuedSecret) {
        let (client, secret) =
            self.clients.create((self.tenant.id, id()), "Entra", YEAR, NOW).await.expect("client");
        (client.id, secret)
    }
}

fn after(seconds: i64) -> Timestamp {
    NOW.plus_seconds(seconds)
}

#[tokio::test]
async fn a_secret_is_exchanged_for_a_token_that_names_tenant_and_client() {
    let house = house().await;
    let (client, secret) = house.client().await;
    let token = house.process.grant("contoso", client, &secret, NOW).await.expect("granted");
    let found = house.process.authenticator.authenticate(&token, HERE, NOW).await.expect("authenticated");
    assert_eq!((&*found.tenant, found.credential), (&house.tenant, client));
    // The hour of the token, and not a second more; the answer is still kept when it ends.
    assert!(house.process.is_good(&token, Timestamp(after(3600).0 - 1)).await);
    assert!(!house.process.is_good(&token, after(3600)).await);
    let stored = format!("{:?}", house.clients.list(house.tenant.id).await.expect("list"));
    assert!(!stored.contains(secret.secret.reveal()) && stored.contains("$argon2id$"), "{stored}");
}

#[tokio::test]
async fn whoever_is_not_the_client_gets_one_answer() {
    let house = house().await;
    let (client, secret) = house.client().await;
    let other = tenant(&house.store, "fabrikam").await;
    let (stranger, foreign) = house.clients.create((other.id, id()), "", YEAR, NOW).await.expect("client");
    for (label, id, secret) in [
        ("contoso", client, &foreign),
        ("contoso", stranger.id, &secret),
        ("contoso", stranger.id, &foreign),
        ("contoso", Uuid::from_u128(7), &secret),
        ("fabrikam", client, &secret),
        ("nobody", client, &secret),
    ] {
        let outcome = house.process.grant(label, id, secret, NOW).await;
        assert!(matches!(outcome, Err(GrantError::InvalidClient)), "{label} {id}: {outcome:?}");
    }
    let assertion = ClientAuthentication::Assertion("eyJhbGciOiJub25lIn0.e30.");
    let outcome = house.process.endpoint.grant("contoso", &client.to_string(), assertion, HERE, NOW).await;
    assert!(matches!(outcome, Err(GrantError::InvalidClient)), "no federation: {outcome:?}");
}

#[tokio::test]
async fn tokens_die_with_what_they_were_issued_for() {
    let house = house().await;
    let (client, first) = house.client().await;
    let second = house.clients.add_secret((house.tenant.id, client, id()), YEAR, NOW).await.expect("second");
    let by_first = house.process.grant("contoso", client, &first, NOW).await.expect("granted");
    let by_second = house.process.grant("contoso", client, &second, NOW).await.expect("granted");
    for token in [&by_first, &by_second] {
        assert!(house.process.is_good(token, NOW).await);
    }
    house.clients.revoke_secret(house.tenant.id, client, &first.row.key_id, NOW).await.expect("revoked");
    assert!(matches!(
        house.process.grant("contoso", client, &first, NOW).await,
        Err(GrantError::InvalidClient)
    ));
    // Another process may have revoked it: what is kept counts for the seconds of the cache and no longer.
    assert!(house.process.is_good(&by_first, after(TTL - 1)).await);
    assert!(!house.process.is_good(&by_first, after(TTL)).await);
    assert!(house.process.is_good(&by_second, after(TTL)).await);
    house.clients.revoke(house.tenant.id, client, NOW).await.expect("revoked");
    house.process.authenticator.forget();
    assert!(!house.process.is_good(&by_second, after(TTL)).await);
    let again = house.clients.revoke(house.tenant.id, client, NOW).await;
    assert!(matches!(again, Err(ClientError::NoSuchClient(_))));
}

#[tokio::test]
async fn a_token_ends_with_its_secret() {
    let house = house().await;
    let (client, secret) = house.client().await;
    let end = secret.row.expires;
    let shortly_before = Timestamp(end.0 - 60_000);
    house.process.keys.refresh(shortly_before).await.expect("keys");
    let shown = ClientAuthentication::Secret(secret.secret.reveal());
    let issued =
        house.process.endpoint.grant("contoso", &client.to_string(), shown, HERE, shortly_before).await;
    let issued = issued.expect("granted");
    assert_eq!(issued.expires_in, 60);
    assert!(house.process.is_good(&issued.token, shortly_before).await);
    assert!(!house.process.is_good(&issued.token, end).await);
    assert!(matches!(
        house.process.grant("contoso", client, &secret, end).await,
        Err(GrantError::InvalidClient)
    ));
}

#[tokio::test]
async fn a_suspended_tenant_gets_no_token_and_strangers_are_not_told() {
    let house = house().await;
    let (client, secret) = house.client().await;
    house.store.set_tenant_state(house.tenant.id, TenantState::Suspended).await.expect("suspended");
    assert!(matches!(house.process.grant("contoso", client, &secret, NOW).await, Err(GrantError::Suspended)));
    let (_, other) = house.client().await;
    assert!(matches!(
        house.process.grant("contoso", client, &other, NOW).await,
        Err(GrantError::InvalidClient)
    ));
}

#[tokio::test]
async fn clients_secrets_and_lifetimes_are_bounded() {
    let house = house().await;
    let tenant = house.tenant.id;
    for lifetime in [YEAR - Duration::from_secs(1), 3 * YEAR + Duration::from_secs(1)] {
        let outcome = house.clients.create((tenant, id()), "", lifetime, NOW).await;
        assert!(matches!(outcome, Err(ClientError::Lifetime(..))), "{outcome:?}");
    }
    let (client, _) = house.client().await;
    house.client().await;
    let third = house.clients.create((tenant, id()), "", YEAR, NOW).await;
    assert!(matches!(third, Err(ClientError::TooManyClients(2))));
    let second = house.clients.add_secret((tenant, client, id()), YEAR, NOW).await.expect("second");
    let third = house.clients.add_secret((tenant, client, id()), YEAR, NOW).await;
    assert!(matches!(third, Err(ClientError::TooManySecrets(2))));
    house.clients.revoke_secret(tenant, client, &second.row.key_id, NOW).await.expect("revoked");
    house.clients.add_secret((tenant, client, id()), YEAR, NOW).await.expect("room again");
    let again = house.clients.revoke_secret(tenant, client, &second.row.key_id, NOW).await;
    assert!(matches!(again, Err(ClientError::NoSuchSecret(_))));
}

#[tokio::test]
async fn an_id_is_given_once() {
    let house = house().await;
    let (tenant, one, two) = (house.tenant.id, id(), id());
    house.clients.create((tenant, one), "first", YEAR, NOW).await.expect("client");
    let again = house.clients.create((tenant, one), "second", YEAR, NOW).await;
    assert!(matches!(again, Err(ClientError::Taken)), "{again:?}");
    house.clients.add_secret((tenant, one, two), YEAR, NOW).await.expect("secret");
    house
        .clients
        .revoke_secret(
            tenant,
            one,
            &house.clients.list(tenant).await.expect("list")[0].secrets[0].key_id,
            NOW,
        )
        .await
        .expect("revoked");
    let again = house.clients.add_secret((tenant, one, two), YEAR, NOW).await;
    assert!(matches!(again, Err(ClientError::Taken)), "{again:?}");
    let clients = house.clients.list(tenant).await.expect("list");
    assert_eq!((clients.len(), clients[0].client.label.as_str(), clients[0].secrets.len()), (1, "first", 2));
}

#[tokio::test]
async fn changed_and_foreign_tokens_cost_no_query() {
    let house = house().await;
    let (client, secret) = house.client().await;
    let token = house.process.grant("contoso", client, &secret, NOW).await.expect("granted");
    let stranger = self::house().await;
    let (theirs, their_secret) = stranger.client().await;
    let foreign = stranger.process.grant("contoso", theirs, &their_secret, NOW).await.expect("granted");
    assert!(!house.process.is_good(&foreign, NOW).await, "same issuer, other keys");
    let parts: Vec<&str> = token.split('.').collect();
    let [header, claims, signature] = parts[..] else { panic!("three parts") };
    let foreign_claims = foreign.split('.').nth(1).expect("claims");
    for changed in [
        format!("{header}.{foreign_claims}.{signature}"),
        format!("{header}.{claims}."),
        format!("{header}.{claims}.{}", foreign.rsplit('.').next().expect("signature")),
        format!("eyJhbGciOiJub25lIn0.{claims}."),
        format!("{token}x"),
    ] {
        assert!(!house.process.is_good(&changed, NOW).await, "{changed}");
    }
    assert_eq!(house.process.authenticator.queries(), 0);
    assert!(house.process.is_good(&token, NOW).await);
    assert!(house.process.is_good(&token, NOW).await);
    assert_eq!(house.process.authenticator.queries(), 1);
}

#[tokio::test]
async fn a_token_of_another_gateway_address_is_refused() {
    let house = house().await;
    let (client, secret) = house.client().await;
    let elsewhere = Arc::new(AccessTokens::new(house.process.keys.clone(), "https://other.example.com"));
    let cache = CacheSettings { ttl: Duration::from_secs(TTL as u64), capacity: 100 };
    let other = Authenticator::new(house.store.clone(), cache, RATION).with_access_tokens(elsewhere);
    let token = house.process.grant("contoso", client, &secret, NOW).await.expect("granted");
    assert_eq!(other.authenticate(&token, HERE, NOW).await.expect_err("refused"), Refusal::Unauthorized);
    let plain = Authenticator::new(house.store.clone(), cache, RATION);
    assert_eq!(plain.authenticate(&token, HERE, NOW).await.expect_err("refused"), Refusal::Unauthorized);
}

#[tokio::test]
async fn a_burst_of_one_client_is_granted_and_throttled() {
    let house = house().await;
    let (client, secret) = house.client().await;
    let process = Process::with_rate(&house.store, NOW, 100).await;
    // More at once than may wait for a hash: they share one.
    let burst = (0..100).map(|_| process.grant("contoso", client, &secret, NOW));
    let tokens: HashSet<String> =
        join_all(burst).await.into_iter().map(|token| token.expect("granted")).collect();
    assert_eq!(tokens.len(), 100, "each gets a token of its own");
    let rest = (0..1000).map(|_| process.grant("contoso", client, &secret, NOW));
    let outcomes = join_all(rest).await;
    assert!(outcomes.iter().any(|outcome| matches!(outcome, Err(GrantError::TooManyRequests(_)))));
}

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

fn kids(process: &Process, now: Timestamp) -> Vec<String> {
    let set = serde_json::to_value(process.keys.jwks(now)).expect("JSON");
    let keys = set["keys"].as_array().expect("keys");
    assert!(keys.iter().all(|key| key["x"].is_string() && key.get("d").is_none()), "{set}");
    keys.iter().map(|key| key["kid"].as_str().expect("kid").to_owned()).collect()
}

#[tokio::test]
async fn signing_keys_are_published_before_they_sign_and_until_their_tokens_end() {
    let house = house().await;
    let (client, secret) = house.client().await;
    let one = &house.process;
    let two = Process::start(&house.store, NOW).await;
    let [old] = &kids(one, NOW)[..] else { panic!("one key") };
    assert_eq!(kids(&two, NOW), kids(one, NOW), "two processes share it");

    let last_day = after(KEY_LIFETIME - DAY);
    one.keys.refresh(Timestamp(last_day.0 - 1)).await.expect("keys");
    assert_eq!(kids(one, last_day).len(), 1);
    // Both see the need; one successor is made.
    let (first, second) = tokio::join!(one.keys.refresh(last_day), two.keys.refresh(last_day));
    first.and(second).expect("keys");
    one.keys.refresh(last_day).await.expect("keys");
    let both = kids(one, last_day);
    assert_eq!((both.len(), &both[0]), (2, old));

    let change = after(KEY_LIFETIME);
    let before = Timestamp(change.0 - 1000);
    let by_old = one.grant("contoso", client, &secret, before).await.expect("granted");
    let by_new = one.grant("contoso", client, &secret, change).await.expect("granted");
    assert_ne!(by_old.split('.').next(), by_new.split('.').next(), "another key id");
    for process in [one, &two] {
        assert!(process.is_good(&by_old, change).await);
        assert!(process.is_good(&by_new, change).await);
    }
    let retired = after(KEY_LIFETIME + 6 * 3600);
    one.keys.refresh(retired).await.expect("keys");
    assert_eq!(kids(one, retired), [both[1].clone()]);
}

#[tokio::test]
async fn a_key_that_another_process_has_just_made_is_looked_up() {
    let house = house().await;
    let (client, secret) = house.client().await;
    let long_after = after(10 * KEY_LIFETIME);
    // Nobody was there to make successors: the process that comes back makes one that signs at once.
    let late = Process::start(&house.store, long_after).await;
    let secret = match house.clients.add_secret((house.tenant.id, client, id()), YEAR, long_after).await {
        Ok(issued) => issued,
        Err(cause) => panic!("{cause} {}", secret.row.key_id),
    };
    let token = late.grant("contoso", client, &secret, long_after).await.expect("granted");
    assert!(house.process.is_good(&token, long_after).await);
}

#[tokio::test]
async fn oauth_goes_on_when_the_clock_was_ahead_and_came_back() {
    let house = house().await;
    let (client, secret) = house.client().await;
    let process = &house.process;
    let before = process.grant("contoso", client, &secret, NOW).await.expect("before the jump");

    let ahead = after(60 * DAY);
    process.grant("contoso", client, &secret, ahead).await.expect("at once, before any timer");
    process.keys.refresh(ahead).await.expect("keys");

    let back = after(60);
    process.keys.refresh(back).await.expect("keys");
    assert!(process.is_good(&before, back).await, "its key is still there");
    let restarted = Process::start(&house.store, back).await;
    for process in [process, &restarted] {
        let token = process.grant("contoso", client, &secret, back).await.expect("after the jump");
        assert!(restarted.is_good(&token, back).await);
    }
    // The key of the far future does not keep the next one from being made on time.
    let (last_day, change) = (after(KEY_LIFETIME - DAY), after(KEY_LIFETIME));
    let known = kids(process, last_day).len();
    process.keys.refresh(last_day).await.expect("keys");
    assert_eq!(kids(process, last_day).len(), known + 1, "published a day before it signs");
    process.grant("contoso", client, &secret, change).await.expect("with the successor");
}

#[tokio::test]
async fn oauth_goes_on_when_the_clock_was_behind() {
    let house = house().await;
    let (client, secret) = house.client().await;
    for now in [after(-60 * DAY), NOW, after(-400 * DAY), after(60)] {
        let token = house.process.grant("contoso", client, &secret, now).await.expect("granted");
        assert!(house.process.is_good(&token, now).await);
    }
}

#[tokio::test]
async fn keys_are_deleted_a_day_after_their_end_and_never_the_last_one() {
    let house = house().await;
    let keys = &house.process.keys;
    let stored = async || house.store.signing_keys().await.expect("keys").len();
    let ended = after(KEY_LIFETIME + 6 * 3600);
    // The process has slept: what it knows has ended, and is all that there is.
    keys.delete_ended(after(10 * KEY_LIFETIME)).await.expect("nothing to do");
    assert_eq!(stored().await, 1);
    keys.refresh(ended).await.expect("keys");
    for (now, left) in [(ended, 2), (Timestamp(ended.0 + DAY * 1000 - 1), 2), (after(31 * DAY + 6 * 3600), 1)]
    {
        keys.delete_ended(now).await.expect("deleted");
        assert_eq!(stored().await, left, "{now:?}");
    }
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
    house.clients.revoke(house.tenant.id, client, NOW).await.expect("revoked");
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
