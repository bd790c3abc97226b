//! That the sender of a request is known: what endpoints say to the listener, which counts strangers' connections and log
//! lines.

use actix_web::{HttpMessage, HttpRequest};
use store::TenantId;

/// In the extensions of a request: its sender has shown a valid credential, session, API token or opened setup link.
#[derive(Clone, Copy, Debug)]
pub struct Authenticated;

impl Authenticated {
    /// Marks a request.
    pub fn mark(request: &HttpRequest) {
        request.extensions_mut().insert(Authenticated);
    }
}

/// What a listener does once a request of a connection is authenticated: it puts this into the data of the connection.
pub struct OnAuthenticated(Box<dyn Fn(TenantId)>);

impl OnAuthenticated {
    /// `then` may be called for each request.
    pub fn new(then: impl Fn(TenantId) + 'static) -> OnAuthenticated {
        OnAuthenticated(Box::new(then))
    }

    /// Says that a request was authenticated as one of this tenant.
    pub fn tell(request: &HttpRequest, tenant: TenantId) {
        if let Some(OnAuthenticated(then)) = request.conn_data::<OnAuthenticated>() {
            then(tenant);
        }
    }
}
