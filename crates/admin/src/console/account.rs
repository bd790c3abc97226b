//! `/account`: one's own password.

use super::{
    failure::{Again, Refusal},
    frame::{Frame, Section, done},
    visitor::Visitor,
};
use crate::{Admin, caller::Viewer, web};
use actix_web::{HttpResponse, web::Data};
use askama::Template;
use scim::Timestamp;
use serde::Deserialize;
use zeroize::Zeroizing;

#[derive(Deserialize)]
struct PasswordForm {
    old_password: String,
    new_password: String,
    repeated: String,
}

#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage {
    frame: Frame,
    since: Timestamp,
    session_ends: Timestamp,
    wrong: Option<String>,
}

fn page(visitor: &Visitor<Viewer>, wrong: Option<String>) -> AccountPage {
    AccountPage {
        frame: visitor.frame(Section::Account),
        since: visitor.operator().created,
        session_ends: visitor.signed_in.session.expires,
        wrong,
    }
}

/// Who one is, and the form.
pub(super) async fn show(visitor: Visitor<Viewer>) -> Result<HttpResponse, Refusal> {
    Ok(web::page(&page(&visitor, None))?)
}

/// Another password.
pub(super) async fn change_password(
    visitor: Visitor<Viewer>,
    admin: Data<Admin>,
) -> Result<HttpResponse, Refusal> {
    let form: PasswordForm = visitor.form()?;
    let passwords = (Zeroizing::new(form.old_password), Zeroizing::new(form.new_password));
    let changed = admin
        .change_password_repeated(visitor.by(), &visitor.signed_in, passwords, &form.repeated, visitor.origin)
        .await;
    match changed {
        Ok(()) => {
            Ok(done(&admin, "/account", "Your password is changed, and every other session has ended.")?)
        }
        Err(failure) => {
            let again = Again::of(failure)?;
            Ok(again.page(&page(&visitor, Some(again.words.clone())))?)
        }
    }
}
