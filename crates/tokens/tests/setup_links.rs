//! Setup links on a real store: looked at by anybody, opened once, bound to a browser, within bounds.

#[path = "../../store/tests/suite/acts.rs"]
#[expect(dead_code, reason = "the suite of the store uses more of it")]
mod acts;

use acts::*;
use scim::{Profile, Timestamp};
use std::{num::NonZeroU32, time::Duration};
use store::{
    By, CredentialKind, Line, NotedUse, PageBounds, Seen, Settings, Store, Tenant, TenantId, TenantState,
};
use tempfile::TempDir;
use tokens::{
    Authenticator, CacheSettings, Issuer, NewSetupLink, RationSettings, SetupError, SetupLinks, SetupPolicy,
    SetupSession, SetupState, TokenError, operator::SessionToken,
};
use uuid::Uuid;

const NOW: Timestamp = Timestamp(1_795_521_600_000);
const HOUR: i64 = 3600;
const FROM: &str = "192.0.2.7";

struct House {
    store: Store,
    links: SetupLinks,
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
    let policy = SetupPolicy {
        max_open: 2,
        max_lifetime: hours(100),
        session_lifetime: hours(24),
        max_issued: 3,
        token_lifetime: hours(1000),
        max_tokens: 2,
    };
    House { links: SetupLinks::new(store.clone(), policy), store, tenant, _folder: folder }
}

impl House {
    /// The session of a cookie. A text that is no cookie of ours is refused before it is looked up.
    async fn session(&self, cookie: &str, now: Timestamp) -> Result<SetupSession, SetupError> {
        let token = SessionToken::parse(cookie).ok_or(SetupError::NotGood)?;
        self.links.session(token, Line::Process, now).await
    }
}

fn hours(hours: u64) -> Duration {
    Duration::from_secs(hours * 3600)
}

fn after(hours: i64) -> Timestamp {
    NOW.plus_seconds(hours * HOUR)
}

fn new_id() -> Uuid {
    store::id::new_id(NOW).expect("random bytes")
}

fn anna(at: Timestamp) -> By {
    By {
        actor: store::Actor::Operator { id: Uuid::nil(), name: "anna".to_owned() },
        origin: "198.51.100.1".to_owned(),
        at,
    }
}

impl House {
    /// Another link; ids are in the order of making.
    async fn link(&self) -> NewSetupLink {
        let earlier = self.links.list(self.tenant.id).await.expect("links").len();
        let id = Uuid::from_u128(1 + earlier as u128);
        let created = self.links.create(&anna(NOW), (self.tenant.id, id), "Adele Vance", hours(72)).await;
        created.expect("link")
    }

    async fn states(&self, now: Timestamp) -> Vec<SetupState> {
        let links = self.links.list(self.tenant.id).await.expect("links");
        links.iter().map(|link| link.state(now)).collect()
    }

    async fn alive(&self, now: Timestamp) -> usize {
        let tokens = self.store.secret_tokens(self.tenant.id).await.expect("tokens");
        tokens.iter().filter(|row| row.revoked.is_none() && row.expires.is_none_or(|end| now < end)).count()
    }
}

#[tokio::test]
async fn a_tenant_that_is_gone_gets_no_link() {
    let house = house().await;
    house.store.begin_erasing(house.tenant.id).await.expect("erasing");
    let refused = house.links.create(&anna(NOW), (house.tenant.id, new_id()), "Adele Vance", hours(72)).await;
    assert!(matches!(refused, Err(SetupError::Token(TokenError::TenantGone))));
}

#[tokio::test]
async fn looking_at_a_link_consumes_nothing_and_opening_it_does_once() {
    let house = house().await;
    let new = house.link().await;
    for _ in 0..3 {
        let found = house.links.find(&new.token, Line::Process, after(1)).await.expect("found");
        assert_eq!(found, (new.link.clone(), house.tenant.clone()));
    }
    assert_eq!((house.alive(after(1)).await, house.states(after(1)).await), (0, vec![SetupState::Open]));

    let (session, issued) =
        house.links.open(&new.token, Line::Process, FROM, after(1)).await.expect("opened");
    assert_eq!((session.tenant, session.opening.from), (house.tenant.clone(), FROM.to_owned()));
    assert_eq!(issued.row.label, "Setup link for Adele Vance");
    assert_eq!(issued.row.expires, Some(after(1001)));
    let ration = RationSettings { rate: NonZeroU32::MIN, burst: NonZeroU32::MIN };
    let cache = CacheSettings { ttl: hours(1), capacity: 10 };
    let authenticator = Authenticator::new(house.store.clone(), cache, ration);
    let from = FROM.parse().expect("address");
    let client =
        authenticator.authenticate(issued.token.reveal(), from, after(1)).await.expect("a good token");
    assert_eq!(client.tenant.id, house.tenant.id);

    let again = house.links.open(&new.token, Line::Process, "203.0.113.9", after(2)).await;
    assert!(matches!(again, Err(SetupError::OpenedBefore(at)) if at == after(1)));
    let found = house.links.find(&new.token, Line::Process, after(200)).await;
    assert!(matches!(found, Err(SetupError::OpenedBefore(at)) if at == after(1)));
    assert_eq!((house.alive(after(2)).await, house.states(after(200)).await), (1, vec![SetupState::Opened]));
}

#[tokio::test]
async fn a_link_ends_by_time_by_an_operator_and_with_its_tenant() {
    let house = house().await;
    let (expired, revoked) = (house.link().await, house.link().await);
    let not_good = async |token, at| {
        let find = house.links.find(token, Line::Process, at).await;
        let open = house.links.open(token, Line::Process, FROM, at).await;
        assert!(matches!(find, Err(SetupError::NotGood)) && matches!(open, Err(SetupError::NotGood)));
    };
    not_good(&expired.token, after(72)).await;
    let by = anna(after(1));
    house.links.revoke(&by, house.tenant.id, revoked.link.id, false).await.expect("revoked");
    not_good(&revoked.token, after(1)).await;
    let again = house.links.revoke(&by, house.tenant.id, revoked.link.id, false).await;
    assert!(matches!(again, Err(SetupError::NoSuchLink(_))));
    let elsewhere = house.links.revoke(&by, TenantId(Uuid::from_u128(8)), expired.link.id, false).await;
    assert!(matches!(elsewhere, Err(SetupError::NoSuchLink(_))));
    assert_eq!(house.states(after(72)).await, [SetupState::Expired, SetupState::Revoked]);

    house.store.set_tenant_state(house.tenant.id, TenantState::Suspended).await.expect("suspended");
    not_good(&expired.token, after(1)).await;
    house.store.set_tenant_state(house.tenant.id, TenantState::Active).await.expect("resumed");
    house.links.open(&expired.token, Line::Process, FROM, after(1)).await.expect("good again");
    house.store.erase_tenant(house.tenant.id).await.expect("deleted");
    not_good(&expired.token, after(1)).await;
    assert_eq!(house.alive(after(1)).await, 0);
}

#[tokio::test]
async fn a_session_is_of_one_browser_and_ends() {
    let house = house().await;
    let (one, two) = (house.link().await, house.link().await);
    let (first, _) = house.links.open(&one.token, Line::Process, FROM, after(1)).await.expect("opened");
    let (second, _) = house.links.open(&two.token, Line::Process, FROM, after(1)).await.expect("opened");
    let found = house.session(first.token.reveal(), after(2)).await.expect("session");
    assert_eq!(found.link.id, one.link.id);
    let refused = async |cookie: &str, at| {
        assert!(matches!(house.session(cookie, at).await, Err(SetupError::NotGood)), "{cookie}");
    };
    for cookie in ["", "x", one.token.reveal(), &"0".repeat(64)] {
        refused(cookie, after(2)).await;
    }
    refused(first.token.reveal(), after(25)).await;
    house.links.revoke(&anna(after(2)), house.tenant.id, two.link.id, false).await.expect("revoked");
    refused(second.token.reveal(), after(2)).await;
    assert_eq!(house.alive(after(2)).await, 2, "its token was left");
    house.store.set_tenant_state(house.tenant.id, TenantState::Suspended).await.expect("suspended");
    refused(first.token.reveal(), after(2)).await;
}

#[tokio::test]
async fn a_lost_secret_token_is_replaced_a_bounded_number_of_times() {
    let house = house().await;
    let new = house.link().await;
    // As many as may be alive, with the one that the link issues: those that are replaced do not count.
    Issuer::new(house.store.clone(), 2)
        .issue(&root(NOW), (house.tenant.id, new_id()), "other", None)
        .await
        .expect("issued");
    let (session, first) = house.links.open(&new.token, Line::Process, FROM, after(1)).await.expect("opened");
    let cookie = session.token.reveal().to_owned();
    assert_eq!(house.links.issues_left(&session), 2);
    let mut last = first.row;
    for left in [1, 0] {
        let session = house.session(&cookie, after(2)).await.expect("session");
        let issued = house.links.issue_again(&session, FROM, after(2)).await.expect("issued");
        let session = house.session(&cookie, after(2)).await.expect("session");
        assert_eq!(house.links.issues_left(&session), left);
        let token = house.links.secret_token(&session).await.expect("asked").expect("there");
        assert_eq!(token.id, issued.row.id);
        let tokens = house.store.secret_tokens(house.tenant.id).await.expect("tokens");
        let old = tokens.iter().find(|row| row.id == last.id).expect("old");
        assert_eq!(old.revoked, Some(after(2)));
        last = issued.row;
    }
    let session = house.session(&cookie, after(3)).await.expect("session");
    let refused = house.links.issue_again(&session, FROM, after(3)).await;
    assert!(matches!(refused, Err(SetupError::TooManyIssued(3))));
    assert_eq!(house.alive(after(3)).await, 2);
}

#[tokio::test]
async fn a_secret_token_that_somebody_has_revoked_is_not_replaced() {
    let house = house().await;
    let new = house.link().await;
    let (session, first) = house.links.open(&new.token, Line::Process, FROM, after(1)).await.expect("opened");
    assert!(house.store.revoke_secret_token(house.tenant.id, first.row.id, after(2)).await.expect("revoked"));
    let refused = house.links.issue_again(&session, FROM, after(3)).await;
    assert!(matches!(refused, Err(SetupError::TokenRevoked)), "{refused:?}");
    assert_eq!(house.alive(after(3)).await, 0);
}

#[tokio::test]
async fn two_at_the_same_moment_replace_it_once() {
    let house = house().await;
    let new = house.link().await;
    let (session, _) = house.links.open(&new.token, Line::Process, FROM, after(1)).await.expect("opened");
    let (one, two) = tokio::join!(
        house.links.issue_again(&session, FROM, after(2)),
        house.links.issue_again(&session, FROM, after(2))
    );
    let is_one = |issued: &Result<_, SetupError>| matches!(issued, Err(SetupError::Changed));
    assert!(one.is_ok() != two.is_ok() && (is_one(&one) || is_one(&two)), "{one:?} {two:?}");
    assert_eq!(house.alive(after(2)).await, 1);
}

#[tokio::test]
async fn what_is_beyond_a_bound_is_refused_and_leaves_the_link_open() {
    let house = house().await;
    for wrong in [Duration::ZERO, hours(101)] {
        let refused = house.links.create(&anna(NOW), (house.tenant.id, new_id()), "x", wrong).await;
        assert!(matches!(refused, Err(SetupError::Lifetime(_))));
    }
    let (first, _) = (house.link().await, house.link().await);
    let third = house.links.create(&anna(NOW), (house.tenant.id, new_id()), "x", hours(1)).await;
    assert!(matches!(third, Err(SetupError::TooManyOpen(2))));

    let issuer = Issuer::new(house.store.clone(), 2);
    let issued = issuer.issue(&root(NOW), (house.tenant.id, new_id()), "one", None).await.expect("issued");
    issuer.issue(&root(NOW), (house.tenant.id, new_id()), "two", None).await.expect("issued");
    let refused = house.links.open(&first.token, Line::Process, FROM, after(1)).await;
    assert!(matches!(refused, Err(SetupError::Token(TokenError::TooMany(2)))));
    assert_eq!(house.states(after(1)).await, [SetupState::Open, SetupState::Open]);
    issuer.revoke(&root(after(1)), house.tenant.id, &issued.row.key_id).await.expect("revoked");
    house.links.open(&first.token, Line::Process, FROM, after(1)).await.expect("opened");
    // An opened one makes room for another.
    house.links.create(&anna(after(1)), (house.tenant.id, new_id()), "x", hours(1)).await.expect("link");
}

#[tokio::test]
async fn operators_see_what_became_of_a_link() {
    let house = house().await;
    let new = house.link().await;
    let (_, issued) = house.links.open(&new.token, Line::Process, FROM, after(1)).await.expect("opened");
    assert_eq!(house.states(after(1)).await, [SetupState::Opened]);
    let seen = Seen { first: after(2), last: after(2), from: None, doing: None };
    let (tenant, id) = (house.tenant.id, issued.row.id);
    let used = NotedUse { kind: CredentialKind::SecretToken, tenant, id, seen };
    house.store.note_uses(vec![used]).await.expect("noted");
    assert_eq!(house.states(after(2)).await, [SetupState::Connected]);
    let ended =
        house.links.revoke(&anna(after(3)), house.tenant.id, new.link.id, true).await.expect("revoked");
    assert_eq!(ended.secret_token.and_then(|token| token.revoked), Some(after(3)));
    assert_eq!((house.states(after(3)).await, house.alive(after(3)).await), (vec![SetupState::Revoked], 0));

    let page = PageBounds { rows: 10, bytes: usize::MAX };
    let rows = house.store.audit_rows(Some(house.tenant.id), i64::MAX, page).await.expect("rows").rows;
    let acts: Vec<_> = rows.iter().rev().map(|row| (row.action.as_str(), row.origin.as_str())).collect();
    let operator = "198.51.100.1";
    assert_eq!(
        acts,
        [
            ("tenant.create", "host"),
            ("setup-link.create", operator),
            ("setup-link.open", FROM),
            ("secret-token.issue", FROM),
            ("setup-link.revoke", operator),
            ("secret-token.revoke", operator),
        ]
    );
    assert_eq!(rows[2].actor, format!("setup link {}", new.link.id));
    assert!(!format!("{rows:?}").contains("Adele"), "the log stays, and names nobody: {rows:?}");
}
