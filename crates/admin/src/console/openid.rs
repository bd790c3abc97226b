//! `/sign-in/openid`: to the OpenID provider, and back from it.

use super::{
    failure::{Again, Refusal},
    sign_in,
    visitor::Guest,
};
use crate::{
    Admin, Failure, cookies,
    request::Query,
    web::{self, Assets, assets},
};
use actix_web::{HttpRequest, HttpResponse, http::header::SET_COOKIE, web::Data};
use askama::Template;
use std::time::Duration;
use tokens::operator::{OpenIdKept, OpenIdReturn};

/// Holds what the browser keeps while it is at the provider.
const KEPT: &str = "juno_openid";
/// How long somebody may take there.
const KEPT_FOR: Duration = Duration::from_secs(600);

/// A page that goes on by itself. A redirect would not do: the browser sends our cookie only where this page, and not the
/// provider, is what sends it on: to the sign-in, which sends whoever has a session to where they wanted to go.
#[derive(Template)]
#[template(path = "openid_done.html")]
struct DonePage {
    assets: Assets,
}

/// Sends the browser to the provider.
pub(super) async fn begin(admin: Data<Admin>) -> Result<HttpResponse, Refusal> {
    let begun = admin.begin_openid().await?;
    let mut response = web::redirect(&begun.url);
    let cookie = cookies::set_for_return(&admin, KEPT, &begun.kept.to_text(), KEPT_FOR);
    response.headers_mut().append(SET_COOKIE, cookie.parse().map_err(Failure::internal)?);
    Ok(response)
}

/// Begins a session for whoever comes back from the provider.
pub(super) async fn callback(
    guest: Guest,
    admin: Data<Admin>,
    request: HttpRequest,
    query: Query<OpenIdReturn>,
) -> Result<HttpResponse, Refusal> {
    let kept = ::web::cookies::read(&request, KEPT).and_then(|text| OpenIdKept::parse(&text));
    let back = query.read()?;
    let mut response = match admin.finish_openid(kept, back, guest.origin).await {
        Ok(signed_in) => {
            let mut page = web::page(&DonePage { assets: assets::CONSOLE })?;
            let cookie = cookies::session(&admin, signed_in.token.reveal());
            page.headers_mut().append(SET_COOKIE, cookie.parse().map_err(Failure::internal)?);
            page
        }
        Err(failure) => sign_in::again(&guest, &admin, &Again::of(failure)?)?,
    };
    // It is good for one return.
    let cookie = cookies::clear(&admin, KEPT);
    response.headers_mut().append(SET_COOKIE, cookie.parse().map_err(Failure::internal)?);
    Ok(response)
}
