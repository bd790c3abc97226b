//! What the customer's pages stand on.

use crate::{console::Form, web::Assets};
use ::web::Origin;
use actix_web::{
    HttpRequest,
    dev::Payload,
    guard::{Guard, fn_guard},
    http::header::HOST,
};
use scim::Timestamp;
use std::{net::IpAddr, time::Duration};
use store::{Line, SetupLink, Store, Tenant};
use tokens::{
    Issued, Lookups, RationSettings, SetupError, SetupLinks, SetupPolicy, SetupSession, SetupToken,
    operator::{SessionToken, Throttle, ThrottleSettings},
};

use super::failure::Refusal;

/// What can be set.
#[derive(Clone, Debug)]
pub struct SetupSettings {
    /// How customers reach the listener: scheme, host and perhaps a path, which the proxy removes; without a final slash.
    pub public_url: String,
    /// How many links and tokens there may be, and how long they live.
    pub policy: SetupPolicy,
    /// How much guessing of links is borne.
    pub throttle: ThrottleSettings,
    /// How many links and sessions that were not valid lately a network may show.
    pub unknown: RationSettings,
    /// How long a browser may take to send a form.
    pub body_timeout: Duration,
}

/// The use cases of a customer's administrator, over one store.
pub struct Setup {
    pub(super) store: Store,
    pub(super) links: SetupLinks,
    throttle: Throttle,
    lookups: Lookups,
    settings: SetupSettings,
    now: fn() -> Timestamp,
    credentials_end: Box<dyn Fn() + Send + Sync>,
}

impl Setup {
    /// `now` is the clock; `credentials_end` is done when a Secret Token has ended: whoever remembers it forgets it.
    pub fn new(
        store: Store,
        settings: SetupSettings,
        now: fn() -> Timestamp,
        credentials_end: impl Fn() + Send + Sync + 'static,
    ) -> Setup {
        let links = SetupLinks::new(store.clone(), settings.policy);
        let (throttle, lookups) = (Throttle::new(settings.throttle), Lookups::new(settings.unknown));
        Setup { store, links, throttle, lookups, settings, now, credentials_end: Box::new(credentials_end) }
    }

    pub(super) fn now(&self) -> Timestamp {
        (self.now)()
    }

    /// A Secret Token has ended.
    pub(super) fn credentials_have_ended(&self) {
        (self.credentials_end)();
    }

    /// The link that this text of an address means, if it can be opened. Whoever guesses is stopped after some.
    ///
    /// # Errors
    /// Unknown, ended or opened before; too many wrong ones from this address.
    pub(super) async fn find(
        &self,
        text: &str,
        origin: Origin,
    ) -> Result<(SetupToken, SetupLink, Tenant), Refusal> {
        // A mistyped one is none by its checksum, and no guess.
        let token = SetupToken::parse(text).ok_or(Refusal::NotGood)?;
        let (Origin(address), now) = (origin, self.now());
        let lookup = self.lookups.begin(token.digest(), address, now).map_err(Refusal::unknown)?;
        let found = self.links.find(&token, lookup.line(), now).await;
        match &found {
            Ok((_, tenant)) => lookup.was_valid(Line::Tenant(tenant.id), now),
            Err(SetupError::OpenedBefore(_)) => lookup.was_not_needed(),
            Err(_) => lookup.was_invalid(),
        }
        // Looked up first: nobody's good link is refused because of a neighbour behind the same address.
        if matches!(found, Err(SetupError::NotGood)) {
            self.throttle.admit(text, address, now).map_err(Refusal::Blocked)?;
        }
        let (link, tenant) = found.map_err(Refusal::of)?;
        Ok((token, link, tenant))
    }

    /// Opens a link that was found, for a browser at this address.
    ///
    /// # Errors
    /// See [`SetupLinks::open`].
    pub(super) async fn open(
        &self,
        token: &SetupToken,
        tenant: &Tenant,
        origin: Origin,
    ) -> Result<(SetupSession, Issued), Refusal> {
        let (line, now) = (Line::Tenant(tenant.id), self.now());
        let opened = self.links.open(token, line, &from(origin), now).await.map_err(Refusal::of)?;
        self.lookups.remember(opened.0.token.digest(), line, now);
        Ok(opened)
    }

    /// The session of a cookie that is shown from this address.
    ///
    /// # Errors
    /// [`Refusal::NoSession`], or too many unknown ones were shown from there.
    pub(super) async fn session(&self, cookie: &str, origin: Origin) -> Result<SetupSession, Refusal> {
        let (Origin(address), now) = (origin, self.now());
        let token = SessionToken::parse(cookie).ok_or(Refusal::NoSession)?;
        let lookup = self.lookups.begin(token.digest(), address, now).map_err(Refusal::unknown)?;
        match self.links.session(token, lookup.line(), now).await {
            Ok(session) => {
                lookup.was_valid(Line::Tenant(session.tenant.id), now);
                Ok(session)
            }
            Err(SetupError::NotGood) => {
                lookup.was_invalid();
                Err(Refusal::NoSession)
            }
            Err(other) => Err(Refusal::of(other)),
        }
    }

    /// What the form of a request says: to be read once it is known who sends it.
    ///
    /// # Errors
    /// See [`Form::of`].
    pub(super) async fn form(&self, request: &HttpRequest, payload: Payload) -> Result<Form, Refusal> {
        Form::of(request, payload, self.settings.body_timeout).await.map_err(Refusal::Form)
    }

    /// The Tenant URL that goes with the Secret Token.
    pub(super) fn tenant_url(&self, tenant: &Tenant) -> String {
        format!("{}/t/{}/scim/v2", self.settings.public_url, tenant.label)
    }

    /// Where OAuth clients of the tenant get access tokens.
    pub(super) fn token_endpoint(&self, tenant: &Tenant) -> String {
        format!("{}/t/{}/oauth/token", self.settings.public_url, tenant.label)
    }

    /// The address of the pages, as browsers have to ask for it.
    pub(super) fn root(&self) -> String {
        format!("{}{}", self.parts().2, super::PREFIX)
    }

    pub(super) fn assets(&self) -> Assets {
        Assets::under(format!("{}/assets", self.root()))
    }

    /// The cookie of a session of the pages. No script, no other site and no other path has it.
    pub(super) fn cookie(&self, value: &str) -> String {
        let age = match value {
            "" => Duration::ZERO,
            _ => self.settings.policy.session_lifetime,
        };
        let secure = if self.parts().0 == "https" { "; Secure" } else { "" };
        let (path, age) = (self.root(), age.as_secs());
        format!("{COOKIE}={value}; Path={path}; Max-Age={age}; HttpOnly; SameSite=Strict{secure}")
    }

    /// The host of the public URL, without its port.
    pub(crate) fn host(&self) -> String {
        host_name(self.parts().1).to_ascii_lowercase()
    }

    /// Scheme, host with port, and path of the public URL.
    fn parts(&self) -> (&str, &str, &str) {
        let url = self.settings.public_url.as_str();
        let (scheme, rest) = url.split_once("://").unwrap_or(("https", url));
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        (scheme, authority, path)
    }
}

/// The name of the cookie.
pub(super) const COOKIE: &str = "juno_setup";

/// Whether a request is to this host, whatever its port: proxies leave it out, or not.
pub(super) fn is_host(host: String) -> impl Guard {
    fn_guard(move |request| {
        let head = request.head();
        let named = match head.uri.authority() {
            Some(authority) => Some(authority.as_str()),
            None => head.headers().get(HOST).and_then(|value| value.to_str().ok()),
        };
        named.is_some_and(|named| host_name(named).eq_ignore_ascii_case(&host))
    })
}

/// A host without its port.
fn host_name(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => authority,
    }
}

/// An address as the audit log has it.
pub(super) fn from(origin: Origin) -> String {
    let Origin(address) = origin;
    IpAddr::to_canonical(&address).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_compared_without_its_port() {
        for (authority, name) in [
            ("scim.example.com", "scim.example.com"),
            ("scim.example.com:8443", "scim.example.com"),
            ("127.0.0.1:8080", "127.0.0.1"),
            ("[::1]:8080", "[::1]"),
            ("[::1]", "[::1]"),
        ] {
            assert_eq!(host_name(authority), name);
        }
    }
}
