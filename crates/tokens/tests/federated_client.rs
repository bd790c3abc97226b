//! The client of a federation: made with it, ended with it, and replaced where something else has ended it.

#[path = "../../store/tests/suite/acts.rs"]
#[expect(dead_code, reason = "the suite of the store uses more of it")]
mod acts;

use acts::*;
use scim::{Profile, Timestamp};
use std::time::Duration;
use store::{Federation, OauthClient, Settings, Store, Tenant, TenantId, TenantState};
use tempfile::TempDir;
use tokens::{ClientError, ClientPolicy, FederationTerms, OauthClients};
use uuid::Uuid;

const NOW: Timestamp = Timestamp(1_795_521_600_000);
const TENANT: TenantId = TenantId(Uuid::from_u128(7));

struct House {
    store: Store,
    clients: OauthClients,
    _folder: TempDir,
}

async fn house() -> House {
    let folder = tempfile::tempdir().expect("folder");
    let url = format!("sqlite://{}", folder.path().join("juno.db").display());
    let store = Store::open(&Settings { readers: 4, ..Settings::of(url) }).expect("store");
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
    House { clients: OauthClients::new(store.clone(), policy), store, _folder: folder }
}

fn terms(subject: &str) -> FederationTerms {
    FederationTerms {
        issuer: "https://issuer".into(),
        subject: subject.into(),
        audience: "api://juno".into(),
        jwks_url: "https://issuer/keys".into(),
    }
}

impl House {
    async fn set(&self, subject: &str) -> Federation {
        self.clients.set_federation(&root(NOW), TENANT, terms(subject)).await.expect("set")
    }

    /// The clients of the tenant: id, and whether it is alive.
    async fn all(&self) -> Vec<(Uuid, bool)> {
        let clients = self.store.oauth_clients(TENANT).await.expect("clients");
        clients.into_iter().map(|client| (client.id, client.revoked.is_none())).collect()
    }
}

#[tokio::test]
async fn it_lives_as_long_as_its_federation() {
    let house = house().await;
    let first = house.set("one").await;
    assert_eq!(house.set("one").await, first, "the same terms are no change");
    let second = house.set("two").await;
    assert_eq!((second.client, second.id == first.id), (first.client, false));
    let refused = house.clients.revoke(&root(NOW), TENANT, first.client).await;
    assert!(
        matches!(&refused, Err(error @ ClientError::IsFederated(_)) if error.to_string().contains("remove the federation")),
        "{refused:?}"
    );
    assert_eq!(house.all().await, [(first.client, true)]);
    assert!(house.clients.remove_federation(&root(NOW), TENANT).await.expect("removed"));
    assert!(!house.clients.remove_federation(&root(NOW), TENANT).await.expect("there is none"));
    assert_eq!(house.all().await, [(first.client, false)]);
    let again = house.clients.revoke(&root(NOW), TENANT, first.client).await;
    assert!(matches!(again, Err(ClientError::NoSuchClient(_))), "{again:?}");
}

#[tokio::test]
async fn a_federation_whose_client_was_revoked_gets_a_new_one_when_it_is_saved() {
    let house = house().await;
    // As an earlier version could leave it behind.
    let dead = OauthClient {
        id: Uuid::from_u128(9),
        tenant: TENANT,
        label: "federation".into(),
        created: NOW,
        revoked: Some(NOW),
    };
    house.store.create_oauth_client(dead.clone(), None).await.expect("client");
    let FederationTerms { issuer, subject, audience, jwks_url } = terms("one");
    let (id, tenant, client, created) = (Uuid::from_u128(8), TENANT, dead.id, NOW);
    let broken = Federation { id, tenant, client, issuer, subject, audience, jwks_url, created, seen: None };
    assert!(house.store.set_federation(broken.clone(), None, None).await.expect("set"));
    let repaired = house.set("one").await;
    assert!(repaired.client != dead.id && repaired.id != broken.id);
    assert_eq!(house.all().await, [(dead.id, false), (repaired.client, true)]);
    assert_eq!(house.clients.federation(TENANT).await.expect("federation"), Some(repaired.clone()));

    // One that is broken can be removed as well.
    assert!(house.store.set_federation(broken, Some(repaired.id), None).await.expect("set"));
    assert!(house.clients.remove_federation(&root(NOW), TENANT).await.expect("removed"));
    assert_eq!(house.clients.federation(TENANT).await.expect("federation"), None);
}

#[tokio::test]
async fn of_two_who_set_the_first_one_at_once_nobody_leaves_a_client_behind() {
    let house = house().await;
    let by = root(NOW);
    let set = |subject| house.clients.set_federation(&by, TENANT, terms(subject));
    let (one, two) = tokio::join!(set("one"), set("two"));
    assert!(one.is_ok() || two.is_ok(), "{one:?} {two:?}");
    for outcome in [one, two] {
        assert!(matches!(outcome, Ok(_) | Err(ClientError::FederationChanged)), "{outcome:?}");
    }
    let federation = house.clients.federation(TENANT).await.expect("federation").expect("one is set");
    assert_eq!(house.all().await, [(federation.client, true)]);
}
