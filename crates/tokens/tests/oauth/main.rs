//! OAuth on a real store: clients and their secrets, access tokens and what ends them, and keys that are replaced.

#[path = "../../../store/tests/suite/acts.rs"]
#[expect(dead_code, reason = "the suite of the store uses more of it")]
mod acts;

use ::keys::{KeySetSettings, SigningKeys};
use acts::*;
use outgoing::Bounds;
mod clients;
mod keys;
mod strangers;

use scim::{Profile, Timestamp};
use std::{
    net::{IpAddr, Ipv4Addr},
    num::NonZeroU32,
    sync::Arc,
    time::Duration,
};
use store::{Settings, Store, Tenant, TenantId, TenantState};
use tempfile::TempDir;
use tokens::{
    AccessTokens, Authenticator, CacheSettings, ClientAuthentication, ClientPolicy, Federations, GrantError,
    IssuedSecret, OauthClients, RationSettings, Refusal, TokenEndpoint,
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
    store::id::new_id(NOW).expect("random")
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

    /// How many tokens a client may ask for in a second.
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
        let jwks = KeySetSettings {
            bounds: Bounds {
                allow_http: false,
                allow_private_networks: false,
                timeout: Duration::from_secs(1),
            },
            lifetime: Duration::from_secs(60),
            refetch_interval: Duration::from_secs(60),
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
            self.clients.create(&root(NOW), (self.tenant.id, id()), "Entra", YEAR).await.expect("client");
        (client.id, secret)
    }
}

fn after(seconds: i64) -> Timestamp {
    NOW.plus_seconds(seconds)
}
