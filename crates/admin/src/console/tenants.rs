//! `/tenants`: all of them, searched; a new one opened.

use super::{
    address::address,
    failure::{Again, Refusal},
    form::new_key,
    frame::{Frame, Section, done},
    visitor::Visitor,
};
use crate::{
    Admin, Failure, NewTenant, TenantOverview, TenantsQuery,
    caller::{Support, Viewer},
    request::Query,
    web,
};
use actix_web::{HttpResponse, web::Data};
use askama::Template;
use scim::Profile;
use serde::Deserialize;
use store::TenantState;

/// Which tenants, and which page of them, as the form of the page asks.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct SearchQuery {
    search: String,
    state: String,
    cursor: String,
}

#[derive(Template)]
#[template(path = "tenants.html")]
struct TenantsPage {
    frame: Frame,
    search: String,
    state: Option<TenantState>,
    tenants: Vec<TenantOverview>,
    next: Option<String>,
    wrong: Option<String>,
}

impl TenantsPage {
    fn is_state(&self, word: &str) -> bool {
        self.state.is_some_and(|state| state.as_str() == word)
    }

    /// Whether not all tenants are asked for.
    fn is_search(&self) -> bool {
        !self.search.trim().is_empty() || self.state.is_some()
    }
}

/// A page of the tenants.
pub(super) async fn list(
    visitor: Visitor<Viewer>,
    admin: Data<Admin>,
    query: Query<SearchQuery>,
) -> Result<HttpResponse, Refusal> {
    let SearchQuery { search, state: word, cursor } = query.read()?;
    let state = TenantState::parse(&word);
    if state.is_none() && !word.is_empty() {
        return Err(Failure::Invalid("A tenant is active or suspended.".to_owned()).into());
    }
    let asked = TenantsQuery { text: Some(search.clone()), state, cursor: Some(cursor.clone()), count: None };
    let frame = visitor.frame(Section::Tenants);
    let mut page = TenantsPage { frame, search, state, tenants: Vec::new(), next: None, wrong: None };
    match admin.tenants(&asked).await {
        Ok(listed) => {
            page.next = listed.next.map(|cursor| {
                address("/tenants", &[("search", &page.search), ("state", &word), ("cursor", &cursor)])
            });
            page.tenants = listed.rows;
            Ok(web::page(&page)?)
        }
        Err(failure) => {
            let again = Again::of(failure)?;
            page.wrong = Some(again.words.clone());
            Ok(again.page(&page)?)
        }
    }
}

/// What is asked about a new tenant.
#[derive(Deserialize)]
struct NewForm {
    name: String,
    label: String,
    profile: String,
    key: String,
}

#[derive(Template)]
#[template(path = "tenants_new.html")]
struct NewPage {
    frame: Frame,
    form: NewForm,
    key: String,
    /// What every Tenant URL begins with.
    base: String,
    wrong: Option<String>,
}

impl NewPage {
    fn new(
        visitor: &Visitor<Support>,
        admin: &Admin,
        form: NewForm,
        wrong: Option<String>,
    ) -> Result<NewPage, Failure> {
        let (key, base) = (new_key(admin)?, format!("{}/t/", admin.settings.public_url));
        Ok(NewPage { frame: visitor.frame(Section::Tenants), form, key, base, wrong })
    }
}

/// The form for a new tenant.
pub(super) async fn begin(visitor: Visitor<Support>, admin: Data<Admin>) -> Result<HttpResponse, Refusal> {
    let profile = Profile::Entra.as_str().to_owned();
    let form = NewForm { name: String::new(), label: String::new(), profile, key: String::new() };
    Ok(web::page(&NewPage::new(&visitor, &admin, form, None)?)?)
}

/// Opens a tenant.
pub(super) async fn open(visitor: Visitor<Support>, admin: Data<Admin>) -> Result<HttpResponse, Refusal> {
    let form: NewForm = visitor.form()?;
    match try_open(&visitor, &admin, &form).await {
        Ok(tenant) => {
            let words =
                format!("{} is opened. Hand over its Tenant URL and a Secret Token next.", tenant.name);
            Ok(done(&admin, &format!("/tenants/{}", tenant.label), &words)?)
        }
        Err(failure) => {
            let again = Again::of(failure)?;
            Ok(again.page(&NewPage::new(&visitor, &admin, form, Some(again.words.clone()))?)?)
        }
    }
}

async fn try_open(
    visitor: &Visitor<Support>,
    admin: &Admin,
    form: &NewForm,
) -> Result<store::Tenant, Failure> {
    let profile = Profile::parse(&form.profile)
        .ok_or_else(|| Failure::Invalid("There is no such compatibility profile.".to_owned()))?;
    let label = Some(form.label.trim().to_owned()).filter(|label| !label.is_empty());
    let new = NewTenant { name: form.name.clone(), label, profile };
    admin.create_tenant(visitor.by(), new, Some(&form.key)).await
}
