//! `/operators`: who works here, with which role; each added and reset with a one-time password that is shown once.

use super::{
    failure::{Again, Refusal},
    frame::{Frame, Section, done},
    visitor::Visitor,
};
use crate::{Admin, Failure, NewOperator, caller::Administrator, web};
use actix_web::{
    HttpResponse,
    web::{Data, Path},
};
use askama::Template;
use serde::Deserialize;
use store::{ApiTokenRow, Operator, Role};

#[derive(Default, Deserialize)]
struct NewOperatorForm {
    #[serde(default)]
    name: String,
    #[serde(default)]
    role: String,
}

#[derive(Template)]
#[template(path = "operators.html")]
struct OperatorsPage {
    frame: Frame,
    operators: Vec<Operator>,
    form: NewOperatorForm,
    wrong: Option<String>,
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
struct PasswordPage<'p> {
    frame: Frame,
    operator: Operator,
    password: &'p str,
    is_new: bool,
}

/// Every operator, and the form for another.
pub(super) async fn list(
    visitor: Visitor<Administrator>,
    admin: Data<Admin>,
) -> Result<HttpResponse, Refusal> {
    let operators = admin.operators().await?;
    let frame = visitor.frame(Section::Operators);
    Ok(web::page(&OperatorsPage { frame, operators, form: NewOperatorForm::default(), wrong: None })?)
}

/// Adds an operator.
pub(super) async fn create(
    visitor: Visitor<Administrator>,
    admin: Data<Admin>,
) -> Result<HttpResponse, Refusal> {
    let form: NewOperatorForm = visitor.form()?;
    let frame = visitor.frame(Section::Operators);
    let created = match Role::parse(&form.role) {
        Some(role) => {
            admin.create_operator(visitor.by(), NewOperator { name: form.name.clone(), role }).await
        }
        None => Err(Failure::Invalid("Choose a role.".to_owned())),
    };
    match created {
        Ok(given) => {
            let (operator, password) = (given.operator, given.password.as_str());
            Ok(web::page(&PasswordPage { frame, operator, password, is_new: true })?)
        }
        Err(failure) => {
            let again = Again::of(failure)?;
            let operators = admin.operators().await?;
            let wrong = Some(again.words.clone());
            Ok(again.page(&OperatorsPage { frame, operators, form, wrong })?)
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
    let (operator, password) = (given.operator, given.password.as_str());
    let frame = visitor.frame(Section::Operators);
    Ok(web::page(&PasswordPage { frame, operator, password, is_new: false })?)
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
