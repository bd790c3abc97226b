//! Which tenant a request is for, by path or by host name, and the words of answers that no endpoint gave.

use crate::settings::{HostSuffix, PublicUrl};
use actix_web::{
    Error, HttpMessage, HttpRequest, HttpResponse,
    body::{EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        Method, StatusCode, Uri,
        header::{ALLOW, CONNECTION, CONTENT_TYPE, HOST},
        uri::PathAndQuery,
    },
    middleware::Next,
    web::Data,
};
use scim::ScimError;
use scim_api::{ApiError, TenantBase};

/// The path of the SCIM endpoints under a tenant's host name.
const ROOT: &str = "/scim/v2";

/// How tenants are found by host name.
pub(crate) struct Hosts {
    suffix: Option<HostSuffix>,
    scheme: String,
}

impl Hosts {
    pub(crate) fn new(suffix: Option<HostSuffix>, public_url: &PublicUrl) -> Hosts {
        Hosts { suffix, scheme: public_url.scheme().to_owned() }
    }

    /// The tenant's label and its Tenant URL, if the host of a request names one.
    fn tenant(&self, host: &str) -> Option<(String, TenantBase)> {
        let label = self.suffix.as_ref()?.label(host)?;
        let base = format!("{}://{}{ROOT}", self.scheme, host.to_ascii_lowercase());
        Some((label, TenantBase(base)))
    }
}

/// Middleware: a tenant named by host becomes a tenant named by path; HEAD is a GET whose body is not sent (RFC 9110
/// section 9.3.2).
pub(crate) async fn route<B: MessageBody + 'static>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    if request.method() == Method::HEAD {
        request.head_mut().method = Method::GET;
    }
    let named = request.app_data::<Data<Hosts>>().and_then(|hosts| hosts.tenant(host(request.request())?));
    if let Some((label, base)) = named {
        let Some(path) = path_form(request.uri(), &label) else {
            return Ok(request.error_response(ApiError::from(no_tenant())).map_into_right_body());
        };
        request.match_info_mut().get_mut().update(&path);
        request.head_mut().uri = path;
        request.extensions_mut().insert(base);
    }
    Ok(next.call(request).await?.map_into_left_body())
}

/// The host that the client called: of the absolute form of the target if it used that, else of `Host`. What proxies
/// claim in other headers does not count.
fn host(request: &HttpRequest) -> Option<&str> {
    match request.uri().authority() {
        Some(authority) => Some(authority.as_str()),
        None => request.headers().get(HOST)?.to_str().ok(),
    }
}

/// `/scim/v2/Users?x` as `/t/{label}/scim/v2/Users?x`; none if the path is no SCIM path.
fn path_form(uri: &Uri, label: &str) -> Option<Uri> {
    let rest = uri.path().strip_prefix(ROOT)?;
    if !(rest.is_empty() || rest.starts_with('/')) {
        return None;
    }
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let path = PathAndQuery::try_from(format!("/t/{label}{ROOT}{rest}{query}")).ok()?;
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(path);
    Uri::from_parts(parts).ok()
}

/// What is outside every Tenant URL: nothing, and nothing is said about which tenants there are.
pub(crate) async fn outside() -> Result<HttpResponse, ApiError> {
    Err(no_tenant().into())
}

fn no_tenant() -> ScimError {
    ScimError::not_found("There is nothing here. Check the Tenant URL: it ends in /scim/v2.")
}

/// Middleware: an error that the HTTP library answered in its own words (a path that is not UTF-8, for example) is told
/// in the words of SCIM.
pub(crate) async fn in_scim_words<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let response = next.call(request).await?.map_into_left_body();
    let status = response.status();
    // The token endpoint speaks plain JSON, customers' pages are HTML; the HTTP library speaks neither.
    let ours = ["application/scim+json", "application/json", "text/html; charset=utf-8"];
    let is_ours =
        response.headers().get(CONTENT_TYPE).is_some_and(|kind| ours.iter().any(|ours| kind == ours));
    if is_ours || !(status.is_client_error() || status.is_server_error()) {
        return Ok(response);
    }
    let mut told = HttpResponse::build(status);
    for name in [ALLOW, CONNECTION] {
        if let Some(value) = response.headers().get(&name) {
            told.insert_header((name, value.clone()));
        }
    }
    let body = ScimError::new(status.as_u16(), words(status)).to_json().to_string();
    Ok(response.into_response(told.content_type("application/scim+json").body(body)).map_into_right_body())
}

fn words(status: StatusCode) -> &'static str {
    match status {
        StatusCode::NOT_FOUND => "There is no such endpoint or resource.",
        status if status.is_client_error() => "The request is not well-formed.",
        _ => "The service failed on this request. If it fails again, tell Juno support when.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_form_keeps_path_and_query_as_they_are() {
        for (target, path) in [
            (
                "/scim/v2/Users?filter=a%20eq%20%22b%22&x",
                Some("/t/contoso/scim/v2/Users?filter=a%20eq%20%22b%22&x"),
            ),
            ("/scim/v2", Some("/t/contoso/scim/v2")),
            ("/scim/v2/", Some("/t/contoso/scim/v2/")),
            ("/scim/v2/Users/%2e%2e?", Some("/t/contoso/scim/v2/Users/%2e%2e?")),
            ("http://contoso.example.com/scim/v2/Users", Some("/t/contoso/scim/v2/Users")),
            ("/scim/v22", None),
            ("/t/fabrikam/scim/v2/Users", None),
            ("/", None),
        ] {
            let uri: Uri = target.parse().expect(target);
            let found = path_form(&uri, "contoso");
            assert_eq!(
                found.and_then(|uri| uri.path_and_query().map(ToString::to_string)).as_deref(),
                path,
                "{target}"
            );
        }
    }
}
