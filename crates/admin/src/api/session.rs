//! `/session`: signing in and out, a password of one's own, the second factor.

use super::{
    Problem,
    caller::{Newcomer, Person},
    request::Body,
};
use crate::{Admin, SignIn, SignedIn, cookies};
use ::web::Origin;
use actix_web::{
    HttpResponse,
    http::header::{CACHE_CONTROL, SET_COOKIE},
    web::Data,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zeroize::Zeroizing;

/// What to sign in with.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SignInBody {
    /// Upper and lower case do not count.
    #[schema(example = "anna")]
    name: String,
    #[schema(format = Password)]
    password: String,
    /// Six digits of the authenticator app, where there is a second factor.
    #[schema(example = "287082")]
    code: Option<String>,
}

/// A new password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PasswordBody {
    #[schema(format = Password)]
    old_password: String,
    /// 12 characters or more.
    #[schema(format = Password)]
    new_password: String,
}

/// A code of the authenticator app.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CodeBody {
    #[schema(example = "287082")]
    code: String,
}

/// A session.
#[derive(Serialize, ToSchema)]
#[schema(as = Session)]
pub(super) struct SessionShape {
    name: String,
    /// `viewer`, `support` or `admin`.
    role: &'static str,
    /// Goes into the header `X-CSRF-Token` of every request that is not a GET.
    csrf_token: String,
    /// When the session ends, whatever happens.
    expires: String,
    /// The password was given by somebody else: `PUT /session/password` comes first.
    must_change_password: bool,
    /// There is no second factor yet: `POST` and `PUT /session/totp` come next.
    must_set_up_totp: bool,
}

/// A secret for the authenticator app, shown once.
#[derive(Serialize, ToSchema)]
#[schema(as = Totp)]
pub(super) struct TotpShape {
    /// To type.
    secret: String,
    /// To scan.
    #[schema(example = "otpauth://totp/…")]
    url: String,
}

fn shape(signed_in: &SignedIn) -> SessionShape {
    let operator = &signed_in.operator;
    SessionShape {
        name: operator.name.clone(),
        role: operator.role.as_str(),
        csrf_token: signed_in.token.csrf(),
        expires: signed_in.session.expires.to_rfc3339(),
        must_change_password: operator.password_is_once && !signed_in.is_ready(),
        must_set_up_totp: !operator.has_totp() && !signed_in.is_ready(),
    }
}

/// Sign in.
///
/// Whatever is wrong, the answer is the same. After too many wrong ones of a name or from an address there is none for a
/// while.
#[utoipa::path(post, path = "/api/v1/session", request_body = SignInBody, tag = "session",
    responses((status = 200, body = SessionShape, description = "Signed in; the cookie is set.")))]
pub(super) async fn sign_in(
    origin: Origin,
    admin: Data<Admin>,
    body: Body<SignInBody>,
) -> Result<HttpResponse, Problem> {
    let body = body.read(&admin).await?;
    let given = SignIn { name: body.name, password: Zeroizing::new(body.password), code: body.code };
    let signed_in = admin.sign_in(given, origin.0).await?;
    Ok(HttpResponse::Ok()
        .insert_header((SET_COOKIE, cookies::session(&admin, signed_in.token.reveal())))
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(shape(&signed_in)))
}

/// Show the session.
#[utoipa::path(get, path = "/api/v1/session", tag = "session", responses((status = 200, body = SessionShape)))]
pub(super) async fn show(person: Person<Newcomer>) -> Result<HttpResponse, Problem> {
    Ok(super::tenants::ok(&shape(&person.signed_in)))
}

/// Sign out.
#[utoipa::path(delete, path = "/api/v1/session", tag = "session", responses((status = 204)))]
pub(super) async fn sign_out(person: Person<Newcomer>, admin: Data<Admin>) -> Result<HttpResponse, Problem> {
    admin.sign_out(person.by(), &person.signed_in.session).await?;
    Ok(HttpResponse::NoContent()
        .insert_header((SET_COOKIE, cookies::clear(&admin, cookies::SESSION)))
        .finish())
}

/// Change one's own password.
///
/// Other sessions of the operator end.
#[utoipa::path(put, path = "/api/v1/session/password", request_body = PasswordBody, tag = "session",
    responses((status = 204)))]
pub(super) async fn change_password(
    person: Person<Newcomer>,
    admin: Data<Admin>,
    body: Body<PasswordBody>,
) -> Result<HttpResponse, Problem> {
    let body = body.read(&admin).await?;
    let passwords = (Zeroizing::new(body.old_password), Zeroizing::new(body.new_password));
    admin.change_password(person.by(), &person.signed_in, passwords, person.origin).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Begin to set up the second factor.
#[utoipa::path(post, path = "/api/v1/session/totp", tag = "session", responses((status = 200, body = TotpShape)))]
pub(super) async fn begin_totp(
    person: Person<Newcomer>,
    admin: Data<Admin>,
) -> Result<HttpResponse, Problem> {
    let enrolment = admin.begin_totp(person.by(), &person.signed_in).await?;
    Ok(super::tenants::ok(&TotpShape { secret: enrolment.base32, url: enrolment.url }))
}

/// Confirm the second factor by a first code.
///
/// Other sessions of the operator end.
#[utoipa::path(put, path = "/api/v1/session/totp", request_body = CodeBody, tag = "session",
    responses((status = 204)))]
pub(super) async fn confirm_totp(
    person: Person<Newcomer>,
    admin: Data<Admin>,
    body: Body<CodeBody>,
) -> Result<HttpResponse, Problem> {
    let body = body.read(&admin).await?;
    admin.confirm_totp(person.by(), &person.signed_in, &body.code).await?;
    Ok(HttpResponse::NoContent().finish())
}
