//! `/sign-in` and `/sign-out`.

use super::{
    failure::{Again, Refusal},
    next,
    visitor::{Guest, Visitor},
};
use crate::{
    Admin, Failure, SignIn,
    caller::Newcomer,
    cookies,
    request::Query,
    web::{self, Assets, assets},
};
use actix_web::{HttpRequest, HttpResponse, http::header::SET_COOKIE, web::Data};
use askama::Template;
use serde::Deserialize;
use zeroize::Zeroizing;

/// Where to go from here.
#[derive(Default, Deserialize)]
pub(super) struct NextQuery {
    next: Option<String>,
}

#[derive(Deserialize)]
struct SignInForm {
    name: String,
    password: String,
    #[serde(default)]
    code: String,
}

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage {
    assets: Assets,
    csrf: String,
    name: String,
    wrong: Option<String>,
    /// What the button says that leads to the OpenID provider.
    openid: Option<String>,
}

impl SignInPage {
    fn of(guest: &Guest, admin: &Admin) -> SignInPage {
        SignInPage {
            assets: assets::CONSOLE,
            csrf: guest.csrf(),
            name: String::new(),
            wrong: None,
            openid: admin.openid_name().map(str::to_owned),
        }
    }
}

/// The form once more, after something else than it has failed.
///
/// # Errors
/// None that should be.
pub(super) fn again(guest: &Guest, admin: &Admin, again: &Again) -> Result<HttpResponse, Failure> {
    let page = SignInPage { wrong: Some(again.words.clone()), ..SignInPage::of(guest, admin) };
    guest.remember(admin, again.page(&page)?)
}

/// The form; whoever has a session goes on.
pub(super) async fn show(
    guest: Guest,
    admin: Data<Admin>,
    request: HttpRequest,
    query: Query<NextQuery>,
) -> Result<HttpResponse, Refusal> {
    let asked = next::checked(query.read().unwrap_or_default().next);
    if let Some(cookie) = ::web::cookies::read(&request, cookies::SESSION)
        && admin.session(&cookie, guest.origin).await.is_ok()
    {
        return Ok(web::redirect(&asked.unwrap_or_else(|| next::of(&request))));
    }
    let page = guest.remember(&admin, web::page(&SignInPage::of(&guest, &admin))?)?;
    Ok(next::keep(&admin, page, asked.as_deref())?)
}

/// Begins a session.
pub(super) async fn sign_in(
    guest: Guest,
    admin: Data<Admin>,
    request: HttpRequest,
) -> Result<HttpResponse, Refusal> {
    let form: SignInForm = guest.form()?;
    let code = Some(form.code).filter(|code| !code.trim().is_empty());
    let given = SignIn { name: form.name.clone(), password: Zeroizing::new(form.password), code };
    match admin.sign_in(given, guest.origin).await {
        Ok(signed_in) => {
            let mut response = web::redirect(&next::of(&request));
            let cookie = cookies::session(&admin, signed_in.token.reveal());
            response.headers_mut().append(SET_COOKIE, cookie.parse().map_err(Failure::internal)?);
            Ok(response)
        }
        Err(failure) => {
            let again = Again::of(failure)?;
            let page = SignInPage {
                name: form.name,
                wrong: Some(again.words.clone()),
                ..SignInPage::of(&guest, &admin)
            };
            Ok(guest.remember(&admin, again.page(&page)?)?)
        }
    }
}

/// Ends the session.
pub(super) async fn sign_out(
    visitor: Visitor<Newcomer>,
    admin: Data<Admin>,
) -> Result<HttpResponse, Refusal> {
    admin.sign_out(visitor.by(), &visitor.signed_in.session).await?;
    let mut response = web::redirect("/sign-in");
    let cookie = cookies::clear(&admin, cookies::SESSION);
    response.headers_mut().append(SET_COOKIE, cookie.parse().map_err(Failure::internal)?);
    Ok(response)
}
