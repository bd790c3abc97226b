//! `/setup/{token}`: what a setup link leads to. To look at it changes nothing, as mail programs look too; its button opens it.

use super::{
    failure::Refusal,
    holder::{Holder, is_from_here},
    page,
    state::Setup,
};
use crate::{
    Failure,
    web::{self, Assets},
};
use ::web::Origin;
use actix_web::{
    HttpRequest, HttpResponse,
    http::header::SET_COOKIE,
    web::{Data, Path, Payload},
};
use askama::Template;
use scim::Timestamp;
use tokens::SetupToken;

#[derive(Template)]
#[template(path = "setup_landing.html")]
struct LandingPage {
    assets: Assets,
    company: String,
    expires: Timestamp,
    /// Where the form goes: the address of this page.
    address: String,
    csrf: String,
}

/// Whose it is, and the button. The browser that has opened the link goes on to its page.
pub(super) async fn show(
    setup: Data<Setup>,
    request: HttpRequest,
    text: Path<String>,
) -> Result<HttpResponse, Refusal> {
    match setup.find(&text, Origin::of(&request)).await {
        Ok((token, link, tenant)) => {
            let address = format!("{}/{}", setup.root(), token.reveal());
            let (assets, csrf) = (setup.assets(), token.csrf());
            let (company, expires) = (tenant.name, link.expires);
            Ok(web::page(&LandingPage { assets, company, expires, address, csrf })?)
        }
        Err(Refusal::OpenedBefore(_)) if is_holder(&request, &setup, &text).await => {
            Ok(web::redirect(&setup.root()))
        }
        Err(refusal) => Err(refusal),
    }
}

/// Opens the link, and shows the setup page with the Secret Token.
pub(super) async fn open(
    setup: Data<Setup>,
    request: HttpRequest,
    text: Path<String>,
    payload: Payload,
) -> Result<HttpResponse, Refusal> {
    let origin = Origin::of(&request);
    let (token, tenant) = match setup.find(&text, origin).await {
        Ok((token, _, tenant)) => (token, tenant),
        Err(Refusal::OpenedBefore(_)) if is_holder(&request, &setup, &text).await => {
            return Ok(web::redirect(&setup.root()));
        }
        Err(refusal) => return Err(refusal),
    };
    let form = setup.form(&request, payload.into_inner()).await?;
    if !is_from_here(&request) || !token.is_csrf(&form.csrf()) {
        return Err(Refusal::NotOurForm);
    }
    let (session, issued) = setup.open(&token, &tenant, origin).await?;
    let mut response = page::shown_once(&setup, &session, &issued).await?;
    let cookie = setup.cookie(session.token.reveal()).parse().map_err(Failure::internal)?;
    response.headers_mut().append(SET_COOKIE, cookie);
    Ok(response)
}

/// Whether it is this browser that has opened the link.
async fn is_holder(request: &HttpRequest, setup: &Setup, text: &str) -> bool {
    let digest = SetupToken::parse(text).map(|token| token.digest());
    let session = Holder::session(request, setup).await;
    session.is_ok_and(|session| Some(session.link.digest) == digest)
}
