//! Pages: templates rendered as answers, the headers that every page has, and the assets that pages may load.

pub(crate) mod assets;
mod difference;
mod shown;

pub(crate) use assets::Assets;
pub(crate) use difference::{Differences, differences};
pub(crate) use shown::{Qr, json, number, qr, time};

use crate::Failure;
use actix_web::{
    HttpResponse,
    http::{
        StatusCode,
        header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION},
    },
    middleware::DefaultHeaders,
};
use askama::Template;

/// What a page may load and where its forms may go: what this listener serves itself, nothing inline, framed by nobody.
/// Images may also stand in the page: a QR code is one.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; \
     img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// What a page may ask the browser for.
const PERMISSIONS_POLICY: &str = "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), \
     usb=(), clipboard-write=(self)";

/// The headers of every page, redirect, refusal and asset. To be wrapped around whatever serves pages.
pub(crate) fn headers() -> DefaultHeaders {
    DefaultHeaders::new()
        .add(("content-security-policy", CONTENT_SECURITY_POLICY))
        .add(("permissions-policy", PERMISSIONS_POLICY))
        .add(("x-content-type-options", "nosniff"))
        .add(("referrer-policy", "no-referrer"))
        .add(("cross-origin-opener-policy", "same-origin"))
        .add(("cross-origin-resource-policy", "same-origin"))
        .add((CACHE_CONTROL, "no-store"))
}

/// A page with status 200.
///
/// # Errors
/// [`Failure::Internal`] if the template cannot be rendered.
pub(crate) fn page(template: &impl Template) -> Result<HttpResponse, Failure> {
    page_of(StatusCode::OK, template)
}

/// A page with another status: a form that is shown again, say.
///
/// # Errors
/// [`Failure::Internal`] if the template cannot be rendered.
pub(crate) fn page_of(status: StatusCode, template: &impl Template) -> Result<HttpResponse, Failure> {
    let html = template.render().map_err(Failure::internal)?;
    Ok(HttpResponse::build(status).insert_header((CONTENT_TYPE, "text/html; charset=utf-8")).body(html))
}

/// Sends the browser on to a page, by GET.
pub(crate) fn redirect(to: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((LOCATION, to)).finish()
}

/// Whether a path stays here: nothing that a browser could read as another host.
pub(crate) fn is_local(path: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && byte != b'\\';
    path.starts_with('/') && !path.starts_with("//") && path.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_local_paths_are_gone_on_to() {
        for path in ["/", "/tenants", "/tenants/contoso/users?filter=userName%20eq%20%22a%22&x=//y"] {
            assert!(is_local(path), "{path}");
        }
        for path in [
            "",
            "tenants",
            "//evil.example",
            "/\\evil.example",
            "/a b",
            "/a\r\nb",
            "https://evil.example",
            "/ä",
        ] {
            assert!(!is_local(path), "{path}");
        }
    }
}
