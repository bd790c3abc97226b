//! `/first-sign-in`: a password of one's own, then a second factor.

use super::{
    failure::{Again, Refusal},
    frame::{Frame, Section, done},
    next,
    visitor::Visitor,
};
use crate::{
    Admin,
    caller::Newcomer,
    web::{self, Qr},
};
use actix_web::{HttpRequest, HttpResponse, web::Data};
use askama::Template;
use serde::Deserialize;
use zeroize::Zeroizing;

#[derive(Deserialize)]
struct PasswordForm {
    old_password: String,
    new_password: String,
    repeated: String,
}

#[derive(Deserialize)]
struct CodeForm {
    code: String,
}

#[derive(Template)]
#[template(path = "first_sign_in_password.html")]
struct PasswordPage {
    frame: Frame,
    wrong: Option<String>,
}

/// The secret of the authenticator app, to scan and to type.
struct Secret {
    qr: Qr,
    groups: String,
}

#[derive(Template)]
#[template(path = "first_sign_in_totp.html")]
struct TotpPage {
    frame: Frame,
    secret: Option<Secret>,
    wrong: Option<String>,
}

/// The step that comes next; whoever has done both goes on.
pub(super) async fn show(
    visitor: Visitor<Newcomer>,
    admin: Data<Admin>,
    request: HttpRequest,
) -> Result<HttpResponse, Refusal> {
    let operator = visitor.operator();
    if operator.password_is_once {
        return Ok(web::page(&PasswordPage { frame: visitor.frame(Section::Account), wrong: None })?);
    }
    if operator.has_totp() {
        return Ok(web::redirect(&next::of(&request)));
    }
    Ok(web::page(&totp_page(&visitor, &admin, None)?)?)
}

fn totp_page(visitor: &Visitor<Newcomer>, admin: &Admin, wrong: Option<String>) -> Result<TotpPage, Refusal> {
    let secret = match admin.pending_totp(&visitor.signed_in)? {
        Some(enrolment) => {
            Some(Secret { qr: web::qr(&enrolment.url)?, groups: in_groups(&enrolment.base32) })
        }
        None => None,
    };
    Ok(TotpPage { frame: visitor.frame(Section::Account), secret, wrong })
}

/// In fours, as people type it.
fn in_groups(secret: &str) -> String {
    let letters: Vec<char> = secret.chars().collect();
    letters.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
}

/// The first step.
pub(super) async fn change_password(
    visitor: Visitor<Newcomer>,
    admin: Data<Admin>,
    request: HttpRequest,
) -> Result<HttpResponse, Refusal> {
    let form: PasswordForm = visitor.form()?;
    let passwords = (Zeroizing::new(form.old_password), Zeroizing::new(form.new_password));
    let changed = admin
        .change_password_repeated(visitor.by(), &visitor.signed_in, passwords, &form.repeated, visitor.origin)
        .await;
    if let Err(failure) = changed {
        let again = Again::of(failure)?;
        let page = PasswordPage { frame: visitor.frame(Section::Account), wrong: Some(again.words.clone()) };
        return Ok(again.page(&page)?);
    }
    if visitor.operator().has_totp() {
        return Ok(done(&admin, &next::of(&request), "Your password is changed.")?);
    }
    admin.begin_totp(visitor.by(), &visitor.signed_in).await?;
    Ok(web::redirect("/first-sign-in"))
}

/// A secret for whoever has none yet, or lost the one that was shown.
pub(super) async fn begin_totp(
    visitor: Visitor<Newcomer>,
    admin: Data<Admin>,
) -> Result<HttpResponse, Refusal> {
    admin.begin_totp(visitor.by(), &visitor.signed_in).await?;
    Ok(web::redirect("/first-sign-in"))
}

/// The second step.
pub(super) async fn confirm_totp(
    visitor: Visitor<Newcomer>,
    admin: Data<Admin>,
    request: HttpRequest,
) -> Result<HttpResponse, Refusal> {
    let form: CodeForm = visitor.form()?;
    if let Err(failure) = admin.confirm_totp(visitor.by(), &visitor.signed_in, &form.code).await {
        let again = Again::of(failure)?;
        let words = if again.is_wrong_sign_in() {
            "That is not the code of this moment. Wait for the next one and type it in; the clock of the phone must be right."
                .to_owned()
        } else {
            again.words.clone()
        };
        return Ok(again.page(&totp_page(&visitor, &admin, Some(words))?)?);
    }
    Ok(done(
        &admin,
        &next::of(&request),
        "All set: from now on you sign in with your password and a code of the app.",
    )?)
}
