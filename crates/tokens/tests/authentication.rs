//! Secret Tokens on a real store: issue, use, revocation, expiry, and what the cache may and may not hide.

#[path = "../../store/tests/suite/acts.rs"]
#[expect(dead_code, reason = "the suite of the store uses more of it")]
mod acts;

use acts::*;
use scim::{Profile, Timestamp};
use std::{
    net::{IpAddr, Ipv4Addr},
    num::NonZeroU32,
    time::Duration,
};
use store::{Seen, Settings, Store, Tenant, TenantId, TenantState};
use tempfile::TempDir;
use tokens::{Authenticator, CacheSettings, Issuer, RationSettings, Refusal, TokenError, Use};
use uuid::Uuid;

const NOW: Timestamp = Timestamp(1_795_521_600_000);
const TTL: i64 = 10;
const HERE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

struct House {
    store: Store,
    issuer: Issuer,
    authenticator: Authenticator,
    tenant: Tenant,
    _folder: TempDir,
}

async fn house() -> House {
    let folder = tempfile::tempdir().expect("folder");
    let url = format!("sqlite://{}", folder.path().join("juno.db").display());
    let store = Store::open(&Settings { readers: 2, ..Settings::of(url) }).expect("store");
    let tenant = Tenant {
        id: TenantId(Uuid::from_u128(7)),
        label: "contoso".into(),
        name: "Contoso".into(),
        profile: Profile::Entra,
        state: TenantState::Active,
        created: NOW,
    };
    assert!(store.create_tenant(tenant.clone()).await.expect("tenant"));
    House {
        issuer: Issuer::new(store.clone(), 3),
        authenticator: authenticator(&store),
        store,
        tenant,
        _folder: folder,
    }
}

fn authenticator(store: &Store) -> Authenticator {
    authenticator_with(store, 100, 50, 2000)
}

/// The capacity of the cache, and the ration of a network.
fn authenticator_with(store: &Store, capacity: u64, rate: u32, burst: u32) -> Authenticator {
    let number = |number| NonZeroU32::new(number).expect("not zero");
    let cache = CacheSettings { ttl: Duration::from_secs(TTL as u64), capacity };
    Authenticator::new(store.clone(), cache, RationSettings { rate: number(rate), burst: number(burst) })
}

fn id() -> Uuid {
    store::id::new_id(NOW).expect("random bytes")
}

fn after(seconds: i64) -> Timestamp {
    NOW.plus_seconds(seconds)
}

#[tokio::test]
async fn a_token_names_its_tenant_and_its_credential() {
    let house = house().await;
    let issued =
        house.issuer.issue(&root(NOW), (house.tenant.id, id()), "first", None).await.expect("issued");
    let client =
        house.authenticator.authenticate(issued.token.reveal(), HERE, NOW).await.expect("authenticated");
    assert_eq!(*client.tenant, house.tenant);
    assert_eq!(client.credential, issued.row.id);
    let stored = house.issuer.list(house.tenant.id).await.expect("list");
    assert_eq!(stored, [issued.row]);
    assert!(!format!("{stored:?}").contains(issued.token.reveal()));
}

#[tokio::test]
async fn a_token_that_was_never_issued_is_refused_and_stays_so() {
    let house = house().await;
    let other = self::house().await;
    let foreign =
        other.issuer.issue(&root(NOW), (other.tenant.id, id()), "", None).await.expect("issued").token;
    for text in [foreign.reveal(), foreign.reveal(), "garbage", ""] {
        let refusal = house.authenticator.authenticate(text, HERE, NOW).await.expect_err("refused");
        assert_eq!(refusal, Refusal::Unauthorized);
    }
    assert!(other.authenticator.authenticate(foreign.reveal(), HERE, NOW).await.is_ok());
    // Garbage is refused without a query, and the same stranger costs one.
    assert_eq!(house.authenticator.queries(), 1);
}

#[tokio::test]
async fn a_burst_of_one_token_costs_one_query() {
    let house = house().await;
    let token =
        house.issuer.issue(&root(NOW), (house.tenant.id, id()), "", None).await.expect("issued").token;
    for (seconds, queries) in [(0, 1), (TTL - 1, 1), (TTL, 2)] {
        let burst = (0..100).map(|_| house.authenticator.authenticate(token.reveal(), HERE, after(seconds)));
        let answers = futures_util::future::join_all(burst).await;
        assert!(answers.iter().all(Result::is_ok));
        assert_eq!(house.authenticator.queries(), queries, "{seconds}");
    }
    assert!((100..=297).contains(&house.authenticator.hits()), "{}", house.authenticator.hits());
    house.authenticator.forget();
    assert!(house.authenticator.authenticate(token.reveal(), HERE, after(TTL)).await.is_ok());
    assert_eq!(house.authenticator.queries(), 3);
}

#[tokio::test]
async fn expiry_is_judged_at_every_use() {
    let house = house().await;
    let token = house
        .issuer
        .issue(&root(NOW), (house.tenant.id, id()), "", Some(after(3)))
        .await
        .expect("issued")
        .token;
    assert!(house.authenticator.authenticate(token.reveal(), HERE, after(2)).await.is_ok());
    // Still in the cache, and yet over.
    assert_eq!(
        house.authenticator.authenticate(token.reveal(), HERE, after(3)).await.err(),
        Some(Refusal::Unauthorized)
    );
    assert!(matches!(
        house
            .issuer
            .revoke(
                &root(after(3)),
                house.tenant.id,
                house.issuer.list(house.tenant.id).await.expect("list")[0].key_id.as_str()
            )
            .await,
        Err(TokenError::NoSuchToken(_))
    ));
}

#[tokio::test]
async fn revocation_counts_at_once_here_and_within_the_cache_seconds_elsewhere() {
    let house = house().await;
    let elsewhere = authenticator(&house.store);
    let issued = house.issuer.issue(&root(NOW), (house.tenant.id, id()), "", None).await.expect("issued");
    let token = issued.token.reveal();
    assert!(house.authenticator.authenticate(token, HERE, NOW).await.is_ok());
    assert!(elsewhere.authenticate(token, HERE, NOW).await.is_ok());

    let revoked =
        house.issuer.revoke(&root(after(1)), house.tenant.id, &issued.row.key_id).await.expect("revoked");
    assert_eq!(revoked.revoked, Some(after(1)));
    house.authenticator.forget();
    assert_eq!(
        house.authenticator.authenticate(token, HERE, after(1)).await.err(),
        Some(Refusal::Unauthorized)
    );
    assert!(elsewhere.authenticate(token, HERE, after(TTL - 1)).await.is_ok());
    assert_eq!(elsewhere.authenticate(token, HERE, after(TTL)).await.err(), Some(Refusal::Unauthorized));
}

#[tokio::test]
async fn suspension_and_resumption_are_seen_by_the_same_rule() {
    let house = house().await;
    let token =
        house.issuer.issue(&root(NOW), (house.tenant.id, id()), "", None).await.expect("issued").token;
    let state = async |now| {
        house.authenticator.authenticate(token.reveal(), HERE, now).await.map(|client| client.tenant.state)
    };
    assert_eq!(state(NOW).await, Ok(TenantState::Active));
    assert!(house.store.set_tenant_state(house.tenant.id, TenantState::Suspended).await.expect("suspended"));
    assert_eq!(state(after(TTL)).await, Ok(TenantState::Suspended));
    assert!(house.store.set_tenant_state(house.tenant.id, TenantState::Active).await.expect("resumed"));
    house.authenticator.forget();
    assert_eq!(state(after(TTL)).await, Ok(TenantState::Active));
}

#[tokio::test]
async fn a_clock_set_back_does_not_prolong_an_answer() {
    let house = house().await;
    let issued = house.issuer.issue(&root(NOW), (house.tenant.id, id()), "", None).await.expect("issued");
    assert!(house.authenticator.authenticate(issued.token.reveal(), HERE, after(3600)).await.is_ok());
    house.issuer.revoke(&root(NOW), house.tenant.id, &issued.row.key_id).await.expect("revoked");
    assert!(house.authenticator.authenticate(issued.token.reveal(), HERE, NOW).await.is_err());
}

#[tokio::test]
async fn only_so_many_tokens_live_at_once() {
    let house = house().await;
    let tenant = house.tenant.id;
    let mut key_ids = Vec::new();
    for n in 0..3 {
        key_ids.push(
            house
                .issuer
                .issue(&root(NOW), (tenant, id()), "", Some(after(100 + n)))
                .await
                .expect("issued")
                .row
                .key_id,
        );
    }
    assert!(matches!(
        house.issuer.issue(&root(NOW), (tenant, id()), "", None).await,
        Err(TokenError::TooMany(3))
    ));
    house.issuer.revoke(&root(NOW), tenant, &key_ids[2]).await.expect("revoked");
    assert!(house.issuer.issue(&root(NOW), (tenant, id()), "", None).await.is_ok());
    // An expired one makes room as well.
    assert!(house.issuer.issue(&root(after(99)), (tenant, id()), "", None).await.is_err());
    assert!(house.issuer.issue(&root(after(100)), (tenant, id()), "", None).await.is_ok());
    assert!(matches!(
        house.issuer.revoke(&root(NOW), tenant, &key_ids[2]).await,
        Err(TokenError::NoSuchToken(_))
    ));
    let stranger = TenantId(Uuid::from_u128(8));
    assert!(matches!(
        house.issuer.revoke(&root(NOW), stranger, &key_ids[1]).await,
        Err(TokenError::NoSuchToken(_))
    ));
}

#[tokio::test]
async fn use_is_written_when_asked_and_never_moves_back() {
    let house = house().await;
    let token =
        house.issuer.issue(&root(NOW), (house.tenant.id, id()), "", None).await.expect("issued").token;
    let seen = async || house.issuer.list(house.tenant.id).await.expect("list")[0].seen.clone();
    let note = async |authenticator: &Authenticator, seconds| {
        let client =
            authenticator.authenticate(token.reveal(), HERE, after(seconds)).await.expect("authenticated");
        let from = Some("::ffff:192.0.2.1".parse().expect("address"));
        client.note(Use { at: after(seconds), from, method: "GET", route: "/Users/{id}" });
    };
    // A token that is good and yet shown in a wrong place is not in use.
    assert!(house.authenticator.authenticate(token.reveal(), HERE, after(1)).await.is_ok());
    assert_eq!(house.authenticator.flush_last_used().await, Ok(0));
    for seconds in [4, 5, 3] {
        note(&house.authenticator, seconds).await;
    }
    assert_eq!(seen().await, None);
    house.authenticator.first_use().await;
    assert_eq!(house.authenticator.flush_last_used().await, Ok(1));
    let first = Seen {
        first: after(4),
        last: after(5),
        from: Some("192.0.2.1".to_owned()),
        doing: Some("GET /Users/{id}".to_owned()),
    };
    assert_eq!(seen().await, Some(first.clone()));
    assert_eq!(house.authenticator.flush_last_used().await, Ok(0));
    // Of another process whose clock is behind.
    let elsewhere = authenticator(&house.store);
    note(&elsewhere, 4).await;
    assert_eq!(elsewhere.flush_last_used().await, Ok(0));
    note(&elsewhere, 6).await;
    assert_eq!(elsewhere.flush_last_used().await, Ok(1));
    assert_eq!(seen().await, Some(Seen { last: after(6), ..first }));
}

#[tokio::test]
async fn no_use_is_lost_because_many_credentials_are_in_use() {
    let house = house().await;
    let authenticator = authenticator_with(&house.store, 1, 50, 2000);
    for _ in 0..3 {
        let token =
            house.issuer.issue(&root(NOW), (house.tenant.id, id()), "", None).await.expect("issued").token;
        let client = authenticator.authenticate(token.reveal(), HERE, NOW).await.expect("authenticated");
        client.note(Use { at: after(1), from: None, method: "GET", route: "/Users" });
    }
    assert_eq!(authenticator.flush_last_used().await, Ok(3));
    let tokens = house.issuer.list(house.tenant.id).await.expect("list");
    assert!(tokens.iter().all(|token| token.last_used() == Some(after(1))), "{tokens:?}");
}
