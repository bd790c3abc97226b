//! The state of the operators' listener: what its use cases stand on.

use crate::{
    Failure,
    conformance::{OpenScim, ScimService},
};
use keys::KeySetSettings;
use provisioning::{Context, Provisioning};
use scim::{Timestamp, schema::ResourceKind, search::PageLimits};
use std::{sync::OnceLock, time::Duration};
use store::{Row, Store, Tenant};
use tokens::{
    ClientPolicy, Issuer, Lookups, OauthClients, RationSettings, Rotations, SetupPolicy,
    operator::{OpenId, OpenIdSettings, Passwords, Throttle, ThrottleSettings},
};
use uuid::Uuid;

/// What can be set.
#[derive(Clone, Debug)]
pub struct AdminSettings {
    /// The beginning of every Tenant URL, without a final slash.
    pub public_url: String,
    /// How long a client may take to send a body.
    pub body_timeout: Duration,
    /// How long a session lasts that nobody uses.
    pub session_idle: Duration,
    /// How long a session lasts at most.
    pub session_lifetime: Duration,
    /// Whether the cookie is for HTTPS alone; not so where a browser of this machine connects without a proxy.
    pub is_secure: bool,
    /// How much guessing of passwords is borne.
    pub throttle: ThrottleSettings,
    /// At which OpenID provider operators may sign in, if at any.
    pub openid: Option<OpenIdSettings>,
    /// What the button for it says.
    pub openid_name: String,
    /// Most API tokens of one operator that are good at the same time.
    pub max_api_tokens: usize,
    /// How long an API token is good unless asked otherwise.
    pub api_token_lifetime: Duration,
    /// The longest that may be asked for.
    pub max_api_token_lifetime: Duration,
    /// Most Secret Tokens of one tenant that are good at the same time.
    pub max_tokens: usize,
    /// How long a Secret Token is good unless asked otherwise, and the longest.
    pub token_lifetime: Duration,
    /// The longest that may be asked for.
    pub max_token_lifetime: Duration,
    /// How long a tenant, or the old credential of a rotation, must not be seen to count as silent.
    pub silence: Duration,
    /// How long deleted users and groups can be restored.
    pub keep_deleted: Duration,
    /// How many OAuth clients and secrets there may be, and how long a secret may live.
    pub client_policy: ClientPolicy,
    /// How long a client secret is good unless asked otherwise.
    pub client_secret_lifetime: Duration,
    /// Which addresses of keys are taken.
    pub jwks: KeySetSettings,
    /// How many setup links and tokens of them there may be, and how long they live.
    pub setup_policy: SetupPolicy,
    /// How long a setup link can be opened unless asked otherwise.
    pub setup_link_lifetime: Duration,
    /// How many sessions and API tokens that were not valid lately a network may show.
    pub unknown: RationSettings,
}

/// The use cases of operators, over one store.
pub struct Admin {
    pub(crate) store: Store,
    pub(crate) provisioning: Provisioning,
    pub(crate) passwords: Passwords,
    pub(crate) throttle: Throttle,
    /// Of sessions and API tokens.
    pub(crate) lookups: Lookups,
    pub(crate) openid: Option<OpenId>,
    pub(crate) issuer: Issuer,
    pub(crate) oauth_clients: OauthClients,
    pub(crate) rotations: Rotations,
    pub(crate) settings: AdminSettings,
    pub(crate) now: fn() -> Timestamp,
    forget: OnceLock<Box<dyn Fn() + Send + Sync>>,
    scim: OnceLock<OpenScim>,
}

/// Rows of a page.
pub(crate) const PAGE: PageLimits = PageLimits { default: 50, max: 200 };

/// The largest page, in bytes of its rows. A page that would be larger is shorter, and its cursor continues from there.
pub(crate) const PAGE_BYTES: usize = 4 * 1024 * 1024;

impl Admin {
    /// `now` is the clock.
    ///
    /// # Errors
    /// The operating system has no random bytes, or there can be no HTTP client.
    pub fn new(store: Store, settings: AdminSettings, now: fn() -> Timestamp) -> Result<Admin, Failure> {
        let provisioning = Provisioning::new(store.clone());
        let (throttle, lookups) = (Throttle::new(settings.throttle), Lookups::new(settings.unknown));
        let oauth_clients = OauthClients::new(store.clone(), settings.client_policy);
        let issuer = Issuer::new(store.clone(), settings.max_tokens);
        let rotations = Rotations::new(store.clone(), settings.silence);
        let passwords = Passwords::new()?;
        let openid = settings.openid.clone().map(OpenId::new).transpose().map_err(Failure::Internal)?;
        Ok(Admin {
            store,
            provisioning,
            passwords,
            throttle,
            lookups,
            openid,
            issuer,
            oauth_clients,
            rotations,
            settings,
            now,
            forget: OnceLock::new(),
            scim: OnceLock::new(),
        })
    }

    /// What is to be done when a credential or a tenant has ended: whoever remembers good ones forgets them. Counts the
    /// first time that it is said; without it other processes and this one find out after the time of their caches.
    pub fn when_credentials_end(&self, forget: impl Fn() + Send + Sync + 'static) {
        // A second one would be a mistake of whoever puts the process together, and harmless.
        let _ = self.forget.set(Box::new(forget));
    }

    /// A credential or a tenant has ended.
    pub(crate) fn credentials_have_ended(&self) {
        if let Some(forget) = self.forget.get() {
            forget();
        }
    }

    /// How the SCIM service is opened, over the same database, to be tried. Counts the first time that it is said.
    pub fn try_scim_by(&self, open: OpenScim) {
        // A second one would be a mistake of whoever puts the process together, and harmless.
        let _ = self.scim.set(open);
    }

    /// The SCIM service, to be tried.
    pub(crate) async fn open_scim(&self) -> Result<Box<dyn ScimService>, Failure> {
        match self.scim.get() {
            Some(open) => open().await,
            None => Err(Failure::internal("this process cannot open the SCIM service")),
        }
    }

    /// The time of the clock.
    pub fn now(&self) -> Timestamp {
        (self.now)()
    }

    /// The tenant with this label or id.
    ///
    /// # Errors
    /// [`Failure::NotFound`].
    pub async fn tenant(&self, label_or_id: &str) -> Result<Tenant, Failure> {
        let found = self.store.tenant(label_or_id).await?;
        found.ok_or_else(|| Failure::NotFound("There is no tenant with this label or id.".to_owned()))
    }

    /// The Tenant URL that the customer's administrator pastes into Entra.
    pub fn tenant_url(&self, tenant: &Tenant) -> String {
        format!("{}/t/{}/scim/v2", self.settings.public_url, tenant.label)
    }

    /// Whose resources are meant, for the use cases of provisioning.
    pub(crate) fn context(&self, tenant: &Tenant, actor: Option<Uuid>) -> Context {
        Context { tenant: tenant.id, profile: tenant.profile, actor, now: self.now() }
    }
}

/// A resource in the form of SCIM, as text, below this Tenant URL.
pub(crate) fn text_of(tenant_url: &str, kind: ResourceKind, row: &Row) -> String {
    let mut text = provisioning::open_resource(kind, row, tenant_url);
    text.push('}');
    text
}
