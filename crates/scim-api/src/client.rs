//! The authenticated provisioning client of a request, as an argument of handlers.

use crate::{
    ApiError, App, TenantBase, routes,
    telemetry::{self, RequestTenant},
};
use actix_web::{
    FromRequest, HttpMessage, HttpRequest, dev::Payload, http::header::AUTHORIZATION, web::Data,
};
use provisioning::Context;
use scim::Profile;
use std::{
    future::Future,
    net::{IpAddr, Ipv4Addr},
    pin::Pin,
    sync::Arc,
};
use store::{Tenant, TenantState, bytes::Reservation};
use tokens::{Refusal, Use};
use web::OnAuthenticated;

/// Who asks: a credential of the tenant that the URL names, which is not suspended.
#[derive(Debug)]
pub struct Client {
    /// What the use cases need to know of the request.
    pub context: Context,
    /// Whose credential it is.
    pub tenant: Arc<Tenant>,
    /// The Tenant URL that locations begin with.
    pub base: String,
    /// The memory that the request has reserved.
    pub memory: Reservation,
}

impl Client {
    /// The dialect of the tenant.
    pub fn profile(&self) -> Profile {
        self.context.profile
    }

    /// The label of the tenant, for metrics.
    pub fn label(&self) -> &str {
        &self.tenant.label
    }

    async fn authenticate(request: &HttpRequest) -> Result<Client, ApiError> {
        let app = request.app_data::<Data<App>>().ok_or(ApiError::Misconfigured)?;
        let token = bearer(request).ok_or(ApiError::Unauthorized)?;
        let now = (app.now)();
        let from = request.peer_addr().map(|address| address.ip());
        let network = from.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        let client = app.authenticator.authenticate(token, network, now).await;
        let client = client.map_err(|refusal| match refusal {
            Refusal::Unauthorized => ApiError::Unauthorized,
            Refusal::TooManyRequests(seconds) => ApiError::TooManyUnknown(seconds),
            Refusal::Unavailable(cause) => ApiError::Failure(provisioning::Failure::Unavailable(cause)),
        })?;
        // The same answer for another tenant's URL as for one that does not exist.
        if request.match_info().get("tenant") != Some(client.tenant.label.as_str()) {
            return Err(ApiError::Unauthorized);
        }
        client.note(Use {
            at: now,
            from,
            method: telemetry::known_method(request.method().as_str()),
            route: routes::known(request.match_name()),
        });
        OnAuthenticated::tell(request, client.tenant.id);
        request.extensions_mut().insert(RequestTenant(client.tenant.clone()));
        if client.tenant.state == TenantState::Suspended {
            return Err(ApiError::Suspended);
        }
        let memory = app.reserve(client.tenant.id).await?;
        let base = match request.extensions().get::<TenantBase>() {
            Some(TenantBase(base)) => base.clone(),
            None => app.tenant_url(&client.tenant.label),
        };
        let context = Context {
            tenant: client.tenant.id,
            profile: client.tenant.profile,
            actor: Some(client.credential),
            now,
        };
        Ok(Client { context, tenant: client.tenant, base, memory })
    }
}

/// The token of `Authorization: Bearer …`; the scheme in any case (RFC 9110 section 11.1).
fn bearer(request: &HttpRequest) -> Option<&str> {
    let (scheme, token) = request.headers().get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

impl FromRequest for Client {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Client, ApiError>>>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { Client::authenticate(&request).await })
    }
}
