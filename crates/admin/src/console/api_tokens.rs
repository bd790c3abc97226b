//! `/account/api-tokens`: tokens by which one's scripts use the API, each shown once.

use super::{
    account,
    failure::{Again, Refusal},
    frame::{Frame, Section, done},
    operators,
    visitor::Visitor,
};
use crate::{Admin, Failure, NewApiToken, caller::Viewer, web};
use actix_web::{
    HttpResponse,
    web::{Data, Path},
};
use askama::Template;
use serde::Deserialize;
use std::time::Duration;
use store::{ApiTokenRow, Operator, Role};
use tokens::ApiToken;

const DAY: u64 = 24 * 60 * 60;

/// What a token is made of.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct NewTokenForm {
    pub(super) label: String,
    pub(super) role: String,
    pub(super) days: String,
    key: String,
}

impl NewTokenForm {
    fn read(&self) -> Result<NewApiToken, Failure> {
        let role = Role::parse(&self.role).ok_or_else(|| Failure::Invalid("Choose a role.".to_owned()))?;
        let days = self.days.parse::<u32>().map_err(|_| Failure::Invalid("Choose how long.".to_owned()))?;
        let lifetime = Some(Duration::from_secs(u64::from(days) * DAY));
        Ok(NewApiToken { label: self.label.clone(), role: Some(role), lifetime })
    }
}

/// The one time that the token is seen.
#[derive(Template)]
#[template(path = "account_token.html")]
struct TokenPage<'p> {
    frame: Frame,
    /// None where the form was sent before.
    token: Option<&'p str>,
    row: ApiTokenRow,
}

#[derive(Template)]
#[template(path = "account_token_revoke.html")]
struct RevokePage {
    frame: Frame,
    row: ApiTokenRow,
    operator: Operator,
    back: String,
}

/// Makes a token of one's own.
pub(super) async fn create(visitor: Visitor<Viewer>, admin: Data<Admin>) -> Result<HttpResponse, Refusal> {
    let form: NewTokenForm = visitor.form()?;
    let made = match form.read() {
        Ok(new) => {
            let whose = (visitor.operator(), Some(&visitor.signed_in.session));
            admin.create_api_token(visitor.by(), whose, new, Some(&form.key)).await
        }
        Err(failure) => Err(failure),
    };
    match made {
        Ok(given) => {
            let token = given.token.as_ref().map(ApiToken::reveal);
            Ok(web::page(&TokenPage { frame: visitor.frame(Section::Account), token, row: given.row })?)
        }
        Err(failure) => {
            let again = Again::of(failure)?;
            let page = account::page(&visitor, &admin).await?.with_token_form(form, again.words.clone());
            Ok(again.page(&page)?)
        }
    }
}

/// Whether to revoke.
pub(super) async fn ask_revoke(
    visitor: Visitor<Viewer>,
    admin: Data<Admin>,
    key_id: Path<String>,
) -> Result<HttpResponse, Refusal> {
    let seen = admin.api_tokens(Some(visitor.operator())).await?;
    let found = seen.into_iter().find(|(row, _)| row.key_id == *key_id && row.is_alive(visitor.by().at));
    let gone = || Failure::NotFound("There is no API token of this id that is alive.".to_owned());
    let (row, operator) = found.ok_or_else(gone)?;
    let back = whose(&visitor, &operator);
    Ok(web::page(&RevokePage { frame: visitor.frame(Section::Account), row, operator, back })?)
}

/// Ends a token: one's own, or anybody's for an admin.
pub(super) async fn revoke(
    visitor: Visitor<Viewer>,
    admin: Data<Admin>,
    key_id: Path<String>,
) -> Result<HttpResponse, Refusal> {
    let (row, operator) = admin.revoke_api_token(visitor.by(), Some(visitor.operator()), &key_id).await?;
    let words = format!("The API token {} is revoked.", row.key_id);
    Ok(done(&admin, &whose(&visitor, &operator), &words)?)
}

/// The page where tokens of this operator are listed.
fn whose(visitor: &Visitor<Viewer>, operator: &Operator) -> String {
    if operator.id == visitor.operator().id { "/account".to_owned() } else { operators::at(operator) }
}
