//! Who calls: the first argument of every handler that is not for everybody. It cannot be reached without.

pub(super) use crate::caller::{Administrator, Caller, Newcomer, Support, Viewer};

use super::Problem;
use crate::caller::Rank;
use actix_web::{FromRequest, HttpRequest, dev::Payload, http::header::HeaderName};
use std::{future::Future, pin::Pin};

/// What a request that changes something must have beside the cookie.
const CSRF: HeaderName = HeaderName::from_static("x-csrf-token");

impl<R: Rank> FromRequest for Caller<R> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let shown = request.headers().get(CSRF).and_then(|value| value.to_str().ok()).unwrap_or_default();
            Ok(Caller::admit(&request, shown).await?)
        })
    }
}
