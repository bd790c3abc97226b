//! `/operators`: who works here, with which role; each added and reset with a one-time password that is shown once.

use super::{
    failure::{Again, Refusal},
    form::new_key,
    frame::{Frame, Section, done},
    visitor::Visitor,
};
use crate::{Admin, Failure, NewOperator, OneTimePassword, caller::Administrator, web};
use actix_web::{
    HttpResponse,
    web::{Data, Path},
};
use askama::Template;
use serde::Deserialize;
use store::{ApiTokenRow, Operator, Role};
use zeroize::Zeroizing;

#[derive(Default, Deserialize)]
#[serde(default)]
struct NewOperatorForm {
    name: String,
    role: String,
    key: String,
}

#[derive(Template)]
#[template(path = "operators.html")]
struct OperatorsPage {
    frame: Frame,
    operators: Vec<Operator>,
    form: NewOperatorForm,
    key: String,
    wrong: Option<String>,
}

impl OperatorsPage {
    async fn new(
        visitor: &Visitor<Administrator>,
        admin: &Admin,
        form: NewOperatorForm,
        wrong: Option<String>,
    ) -> Result<OperatorsPage, Failure> {
        let (operators, key) = (admin.operators().await?, new_key(admin)?);
        Ok(OperatorsPage { frame: visitor.frame(Section::Operators), operators, form, key, wrong })
    }
}

#[derive(Template)]
#[template(path = "operator.html")]
struct OperatorPage {
    frame: Frame,
    operator: Operator,
    is_me: bool,
    /// Those that are alive.
    tokens: Vec<ApiTokenRow>,
    wrong: Option<String>,
}

#[derive(Deserialize)]
struct RoleForm {
    #[serde(default)]
    role: String,
}

/// What is asked before it is done.
#[derive(Template)]
#[template(path = "operators_confirm.html")]
struct ConfirmPage {
    frame: Frame,
    operator: Operator,
    is_reset: bool,
    wrong: Option<String>,
}

/// The one time that the password is seen.
#[derive(Template)]
#[template(path = "operators_password.html")]
struct PasswordPage {
    frame: Frame,
    operator: Operator,
    /// None where the form was sent before.
    password: Option<Zeroizing<String>>,
    is_new: bool,
}

impl PasswordPage {
    fn new(visitor: &Visitor<Administrator>, given: OneTimePassword, is_new: bool) -> PasswordPage {
        let OneTimePassword { operator, password } = given;
        PasswordPage { frame: visitor.frame(Section::Operators), operator, password, is_new }
    }
}

/// Every operator, and the form for another.
pub(super) async fn list(
    visitor: Visitor<Administrator>,
    admin: Data<Admin>,
) -> Result<HttpResponse, Refusal> {
    Ok(web::page(&OperatorsPage::new(&visitor, &admin, NewOperatorForm::default(), None).await?)?)
}

/// Adds an operator.
pub(super) async fn create(
    visitor: Visitor<Administrator>,
    admin: Data<Admin>,
) -> Result<HttpResponse, Refusal> {
    let form: NewOperatorForm = visitor.form()?;
    let created = match Role::parse(&form.role) {
        Some(role) => {
            let new = NewOperator { name: form.name.clone(), role };
            admin.create_operator(visitor.by(), new, Some(&form.key)).await
        }
        None => Err(Failure::Invalid("Choose a role.".to_owned())),
    };
    match created {
        Ok(given) => Ok(web::page(&PasswordPage::new(&visitor, given, true))?),
        Err(failure) => {
            let again = Again::of(failure)?;
            let wrong = Some(again.words.clone());
            Ok(again.page(&OperatorsPage::new(&visitor, &admin, form, wrong).await?)?)
        }
    }
}

/// One operator.
pub(super) async fn show(
    visitor: Visitor<Administrator>,
    admin: Data<Admin>,
    name: Path<String>,
) -> Result<HttpResponse, Refusal> {
    Ok(web::page(&page(&visitor, &admin, &name, None).await?)?)
}

async fn page(
    visitor: &Visitor<Administrator>,
    admin: &Admin,
    name: &str,
    wrong: Option<String>,
) -> Result<OperatorPage, Refusal> {
    let operator = admin.operator(name).await?;
    let all = admin.api_tokens(Some(visitor.operator())).await?;
    let is_theirs = |row: &ApiTokenRow| row.operator == operator.id && row.is_alive(visitor.by().at);
    let tokens = all.into_iter().map(|(row, _)| row).filter(is_theirs).collect();
    let is_me = operator.id == visitor.operator().id;
    Ok(OperatorPage { frame: visitor.frame(Section::Operators), operator, is_me, tokens, wrong })
}

/// Gives another role.
pub(super) async fn set_role(
    visitor: Visitor<Administrator>,
    admin: Data<Admin>,
    name: Path<String>,
) -> Result<HttpResponse, Refusal> {
    let form: RoleForm = visitor.form()?;
    let changed = match Role::parse(&form.role) {
        Some(role) => admin.set_operator_role(visitor.by(), &name, role).await,
        None => Err(Failure::Invalid("Choose a role.".to_owned())),
    };
    match changed {
        Ok(operator) => {
            let words = format!("{} has the role {} now.", operator.name, operator.role.as_str());
            Ok(done(&admin, &at(&operator), &words)?)
        }
        Err(failure) => {
            let again = Again::of(failure)?;
            Ok(again.page(&page(&visitor, &admin, &name, Some(again.words.clone())).await?)?)
        }
    }
}

/// Lets a disabled operator sign in again, as before.
pub(super) async fn enable(
    visitor: Visitor<Administrator>,
    admin: Data<Admin>,
    name: Path<String>,
) -> Result<HttpResponse, Refusal> {
    let operator = admin.enable_operator(visitor.by(), &name).await?;
    let words = format!("{} may sign in again, with the password from before.", operator.name);
    Ok(done(&admin, &at(&operator), &words)?)
}

/// The page of an operator. A name has plain characters alone, of which only `+` and `@` mean more in some places.
pub(super) fn at(operator: &Operator) -> String {
    format!("/operators/{}", operator.name.replace('+', "%2B").replace('@', "%40"))
}

async fn ask(
    visitor: &Visitor<Administrator>,
    admin: &Admin,
    name: &str,
    is_reset: bool,
) -> Result<ConfirmPage, Refusal> {
    let operator = admin.operator(name).await?;
    Ok(ConfirmPage { frame: visitor.frame(Section::Operators), operator, is_reset, wrong: None })
}

/// Whether to reset.
pub(super) async fn ask_reset(
    visitor: Visitor<Administrator>,
    admin: Data<Admin>,
    name: Path<String>,
) -> Result<HttpResponse, Refusal> {
    Ok(web::page(&ask(&visitor, &admin, &name, true).await?)?)
}

/// Gives a new one-time password.
pub(super) async fn reset(
    visitor: Visitor<Administrator>,
    admin: Data<Admin>,
    name: Path<String>,
) -> Result<HttpResponse, Refusal> {
    let given = admin.reset_operator(visitor.by(), &name).await?;
    Ok(web::page(&PasswordPage::new(&visitor, given, false))?)
}

/// Whether to disable.
pub(super) async fn ask_disable(
    visitor: Visitor<Administrator>,
    admin: Data<Admin>,
    name: Path<String>,
) -> Result<HttpResponse, Refusal> {
    Ok(web::page(&ask(&visitor, &admin, &name, false).await?)?)
}

/// Lets an operator sign in no more.
pub(super) async fn disable(
    visitor: Visitor<Administrator>,
    admin: Data<Admin>,
    name: Path<String>,
) -> Result<HttpResponse, Refusal> {
    match admin.disable_operator(visitor.by(), &name).await {
        Ok(operator) => {
            let words = format!("{} is disabled and signed out everywhere.", operator.name);
            Ok(done(&admin, "/operators", &words)?)
        }
        Err(failure) => {
            let again = Again::of(failure)?;
            let page = ask(&visitor, &admin, &name, false).await?;
            Ok(again.page(&ConfirmPage { wrong: Some(again.words.clone()), ..page })?)
        }
    }
}
