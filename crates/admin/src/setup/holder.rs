//! Who looks at a setup page: the browser that has opened its link. The first argument of every handler behind the link.

use super::{
    failure::Refusal,
    state::{COOKIE, Setup},
};
use crate::{Failure, console::Form};
use ::web::{Authenticated, Origin};
use actix_web::{FromRequest, HttpRequest, dev::Payload, web::Data};
use serde::de::DeserializeOwned;
use std::{future::Future, pin::Pin};
use tokens::SetupSession;

/// The browser that has opened a link; the CSRF token of a form that changes something was checked too.
pub(super) struct Holder {
    pub(super) session: SetupSession,
    /// The address that it asks from.
    pub(super) origin: Origin,
    form: Form,
}

impl Holder {
    /// What the form says.
    ///
    /// # Errors
    /// See [`Form::read`].
    pub(super) fn form<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        self.form.read()
    }

    /// The session of the request's cookie.
    ///
    /// # Errors
    /// [`Refusal::NoSession`].
    pub(super) async fn session(request: &HttpRequest, setup: &Setup) -> Result<SetupSession, Refusal> {
        let cookie = ::web::cookies::read(request, COOKIE).ok_or(Refusal::NoSession)?;
        let session = setup.session(&cookie, Origin::of(request)).await?;
        Authenticated::mark(request);
        Ok(session)
    }
}

impl FromRequest for Holder {
    type Error = Refusal;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Refusal>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload, origin) = (request.clone(), payload.take(), Origin::of(request));
        Box::pin(async move {
            let setup = request.app_data::<Data<Setup>>().ok_or_else(|| Failure::internal("no state"))?;
            // Whoever has no session learns that, and nothing is read for them.
            let session = Holder::session(&request, setup).await?;
            let form = setup.form(&request, payload).await?;
            let is_ours = is_from_here(&request) && session.token.is_csrf(&form.csrf());
            if !(request.method().is_safe() || is_ours) {
                return Err(Refusal::NotOurForm);
            }
            Ok(Holder { session, origin, form })
        })
    }
}

/// Whether the browser does not say that another site has sent the request (Fetch Metadata). Those that say nothing are old.
pub(super) fn is_from_here(request: &HttpRequest) -> bool {
    let said = request.headers().get("sec-fetch-site").map(|value| value.as_bytes());
    said.is_none_or(|site| site == b"same-origin" || site == b"none")
}
