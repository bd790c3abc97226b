//! Unknown tokens from an address that a thousand tenants share: they are rationed, and nobody else is.

#[path = "../../store/tests/suite/acts.rs"]
#[expect(dead_code, reason = "the suite of the store uses more of it")]
mod acts;

use acts::*;
use futures_util::future::{join, join_all};
use scim::{Profile, Timestamp};
use std::{
    net::{IpAddr, Ipv4Addr},
    num::NonZeroU32,
    time::Duration,
};
use store::{SecretTokenRow, Settings, Store, Tenant, TenantId, TenantState};
use tempfile::TempDir;
use tokens::{Authenticator, CacheSettings, RationSettings, Refusal, SecretToken, Use};
use uuid::Uuid;

const NOW: Timestamp = Timestamp(1_795_521_600_000);
const HERE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
const ELSEWHERE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2));
const TENANTS: u128 = 1000;
const BURST: u32 = 200;
const DAY: i64 = 86_400;

fn after(seconds: i64) -> Timestamp {
    NOW.plus_seconds(seconds)
}

async fn open() -> (Store, TempDir) {
    let folder = tempfile::tempdir().expect("folder");
    let url = format!("sqlite://{}", folder.path().join("juno.db").display());
    (Store::open(&Settings { readers: 2, ..Settings::of(url) }).expect("store"), folder)
}

/// A process: it knows what the database knows.
async fn start(store: &Store, now: Timestamp) -> Authenticator {
    let number = |number| NonZeroU32::new(number).expect("not zero");
    let ration = RationSettings { rate: number(50), burst: number(BURST) };
    let cache = CacheSettings { ttl: Duration::from_secs(5), capacity: 10_000 };
    let authenticator = Authenticator::new(store.clone(), cache, ration);
    authenticator.remember(now).await.expect("remembered");
    authenticator
}

/// A tenant with a Secret Token that nobody has used yet.
async fn tenant(store: &Store, n: u128) -> SecretToken {
    let (id, token) = (TenantId(Uuid::from_u128(n)), SecretToken::random().expect("random"));
    let tenant = Tenant {
        id,
        label: format!("t{n}"),
        name: format!("Tenant {n}"),
        profile: Profile::Entra,
        state: TenantState::Active,
        created: NOW,
    };
    assert!(store.create_tenant(tenant).await.expect("tenant"));
    let row = SecretTokenRow {
        tenant: id,
        id: Uuid::from_u128(n),
        key_id: token.key_id().to_owned(),
        digest: token.digest(),
        label: String::new(),
        created: NOW,
        expires: None,
        revoked: None,
        seen: None,
    };
    assert!(store.insert_secret_token(row).await.expect("token"));
    token
}

/// Shows a token and uses it, if it is valid.
async fn show(
    process: &Authenticator,
    token: &SecretToken,
    from: IpAddr,
    now: Timestamp,
) -> Result<TenantId, Refusal> {
    let client = process.authenticate(token.reveal(), from, now).await?;
    client.note(Use { at: now, from: Some(from), method: "GET", route: "/Users" });
    Ok(client.tenant.id)
}

/// Shows well-formed tokens of nobody, each once; returns how many of them were looked up.
async fn flood(process: &Authenticator, count: usize, now: Timestamp) -> usize {
    let unknown: Vec<_> = (0..count).map(|_| SecretToken::random().expect("random")).collect();
    let outcomes = join_all(unknown.iter().map(|token| show(process, token, HERE, now))).await;
    let is_rationed = |outcome: &Result<_, _>| matches!(outcome, Err(Refusal::TooManyRequests(_)));
    assert!(outcomes.iter().all(|outcome| *outcome == Err(Refusal::Unauthorized) || is_rationed(outcome)));
    outcomes.iter().filter(|outcome| !is_rationed(outcome)).count()
}

#[tokio::test]
async fn a_thousand_tenants_behind_one_address_are_served_while_it_is_flooded() {
    let (store, _folder) = open().await;
    let tokens = join_all((1..=TENANTS).map(|n| tenant(&store, n))).await;
    let late = tenant(&store, TENANTS + 1).await;
    let all = async |process: &Authenticator, now| {
        let outcomes = join_all(tokens.iter().map(|token| show(process, token, HERE, now))).await;
        for (n, outcome) in outcomes.into_iter().enumerate() {
            assert_eq!(outcome, Ok(TenantId(Uuid::from_u128(n as u128 + 1))), "at {now:?}");
        }
    };
    let process = start(&store, NOW).await;
    // Nobody has used a token before: as many begin at once as the burst allows, the others right after them.
    for (tokens, seconds) in tokens.chunks(BURST as usize).zip(0..) {
        let outcomes = join_all(tokens.iter().map(|token| show(&process, token, HERE, after(seconds)))).await;
        assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    }
    process.flush_last_used().await.expect("written");
    assert_eq!(process.rationed(), 0);

    // The flood takes its ration, and every tenant is looked up again, as its answer is too old.
    let (looked_up, ()) = join(flood(&process, 5000, after(60)), all(&process, after(60))).await;
    assert_eq!(looked_up, BURST as usize);

    // A process that has just started.
    let restarted = start(&store, after(3600)).await;
    assert_eq!(flood(&restarted, 1000, after(3600)).await, BURST as usize);
    join(flood(&restarted, 5000, after(3600)), all(&restarted, after(3600))).await;
    assert!(restarted.queries() <= u64::from(BURST) + TENANTS as u64, "{}", restarted.queries());

    // A token that nobody has used yet is not told that it is wrong; it is valid elsewhere, and here after the flood.
    let refused = show(&restarted, &late, HERE, after(3600)).await;
    assert_eq!(refused, Err(Refusal::TooManyRequests(1)));
    let fresh = start(&store, after(3600)).await;
    flood(&fresh, 1000, after(3600)).await;
    assert!(show(&fresh, &late, ELSEWHERE, after(3600)).await.is_ok());
    assert!(show(&restarted, &late, HERE, after(3601)).await.is_ok());
}

#[tokio::test]
async fn a_token_that_has_ended_is_as_unknown_as_any() {
    let (store, _folder) = open().await;
    let (token, idle) = (tenant(&store, 1).await, tenant(&store, 2).await);
    let process = start(&store, NOW).await;
    for token in [&token, &idle] {
        show(&process, token, HERE, NOW).await.expect("valid");
    }
    process.flush_last_used().await.expect("written");
    let id = TenantId(Uuid::from_u128(1));
    assert!(store.revoke_secret_token(id, Uuid::from_u128(1), after(1)).await.expect("revoked"));
    for process in [&process, &start(&store, after(10)).await] {
        flood(process, 1000, after(10)).await;
        let refused = show(process, &token, HERE, after(10)).await.expect_err("revoked");
        // Looked up once more in the line of its tenant, if this process has seen it valid.
        let again = show(process, &token, HERE, after(10)).await.expect_err("revoked");
        assert_eq!(refused, again);
        flood(process, 1000, after(20)).await;
        assert!(matches!(show(process, &token, HERE, after(20)).await, Err(Refusal::TooManyRequests(_))));
        assert!(show(process, &idle, HERE, after(20)).await.is_ok());
    }
    // After a day of silence a token counts as unknown, in this process and in a new one.
    for process in [&process, &start(&store, after(2 * DAY)).await] {
        flood(process, 1000, after(2 * DAY)).await;
        assert!(matches!(show(process, &idle, HERE, after(2 * DAY)).await, Err(Refusal::TooManyRequests(_))));
    }
}
