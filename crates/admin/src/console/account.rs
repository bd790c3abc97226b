//! `/account`: one's own password and API tokens.

use super::{
    api_tokens::NewTokenForm,
    failure::{Again, Refusal},
    form::new_key,
    frame::{Frame, Section, done},
    visitor::Visitor,
};
use crate::{Admin, caller::Viewer, web};
use actix_web::{HttpResponse, web::Data};
use askama::Template;
use scim::Timestamp;
use serde::Deserialize;
use store::{ApiTokenRow, Role};
use zeroize::Zeroizing;

#[derive(Deserialize)]
struct PasswordForm {
    old_password: String,
    new_password: String,
    repeated: String,
}

#[derive(Template)]
#[template(path = "account.html")]
pub(super) struct AccountPage {
    frame: Frame,
    since: Timestamp,
    session_ends: Timestamp,
    wrong: Option<String>,
    /// Those that are alive.
    tokens: Vec<ApiTokenRow>,
    token: NewTokenForm,
    key: String,
    wrong_token: Option<String>,
}

impl AccountPage {
    /// With what is wrong in the form for a token.
    pub(super) fn with_token_form(self, token: NewTokenForm, wrong: String) -> AccountPage {
        AccountPage { token, wrong_token: Some(wrong), ..self }
    }

    /// The roles that a token of one's own may have.
    fn roles(&self) -> impl Iterator<Item = Role> {
        Role::ALL.into_iter().filter(|role| *role <= self.frame.role)
    }
}

/// The page as it is now.
pub(super) async fn page(visitor: &Visitor<Viewer>, admin: &Admin) -> Result<AccountPage, Refusal> {
    let operator = visitor.operator();
    let all = admin.api_tokens(Some(operator)).await?;
    let is_mine = |row: &ApiTokenRow| row.operator == operator.id && row.is_alive(visitor.by().at);
    Ok(AccountPage {
        frame: visitor.frame(Section::Account),
        since: operator.created,
        session_ends: visitor.signed_in.session.expires,
        wrong: None,
        tokens: all.into_iter().map(|(row, _)| row).filter(is_mine).collect(),
        token: NewTokenForm::default(),
        key: new_key(admin)?,
        wrong_token: None,
    })
}

/// Who one is, and the forms.
pub(super) async fn show(visitor: Visitor<Viewer>, admin: Data<Admin>) -> Result<HttpResponse, Refusal> {
    Ok(web::page(&page(&visitor, &admin).await?)?)
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
            let page = AccountPage { wrong: Some(again.words.clone()), ..page(&visitor, &admin).await? };
            Ok(again.page(&page)?)
        }
    }
}
