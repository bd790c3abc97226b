//! Where whoever signs in wanted to go: their browser keeps it over all the steps that signing in may have.

use crate::{Admin, Failure, cookies, web};
use actix_web::{HttpRequest, HttpResponse, http::header::SET_COOKIE};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use std::time::Duration;

/// Holds the path until it is gone to.
const NEXT: &str = "juno_next";
/// As long as a first sign-in, or one at the OpenID provider, may take.
const AGE: Duration = Duration::from_secs(3600);
/// Where others begin.
const HOME: &str = "/tenants";

/// A local path alone: nobody is sent to another site by a link to this one.
pub(super) fn checked(path: Option<String>) -> Option<String> {
    path.filter(|path| web::is_local(path))
}

/// Where the browser of a request is to go on to.
pub(super) fn of(request: &HttpRequest) -> String {
    let bytes = ::web::cookies::read(request, NEXT).and_then(|text| BASE64_URL_SAFE_NO_PAD.decode(text).ok());
    let path = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    checked(path).unwrap_or_else(|| HOME.to_owned())
}

/// Has the browser keep where to go on to; nothing else from now on.
///
/// # Errors
/// None that should be.
pub(super) fn keep(
    admin: &Admin,
    mut response: HttpResponse,
    path: Option<&str>,
) -> Result<HttpResponse, Failure> {
    let cookie = match path {
        Some(path) => cookies::set(admin, NEXT, &BASE64_URL_SAFE_NO_PAD.encode(path), Some(AGE)),
        None => cookies::clear(admin, NEXT),
    };
    response.headers_mut().append(SET_COOKIE, cookie.parse().map_err(Failure::internal)?);
    Ok(response)
}
