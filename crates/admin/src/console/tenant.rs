//! `/tenants/{tenant}`: what stands on top of every page of a tenant, and its overview.

use super::{
    confirm::ConfirmPage,
    failure::{Again, Refusal},
    frame::{Frame, Section, done},
    visitor::Visitor,
};
use crate::{
    Admin, Failure, Listed, TenantOverview,
    caller::{Support, Viewer},
    web,
};
use actix_web::{
    HttpResponse,
    web::{Data, Path},
};
use askama::Template;
use scim::Profile;
use serde::Deserialize;
use store::{Tenant, TenantState, TenantUpdate, UserNameCollision};

/// The pages of a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tab {
    Overview,
    Credentials,
    Oauth,
    HandOver,
    Users,
    Groups,
    Changes,
    Deleted,
}

/// A way to one of them.
#[derive(Clone, Debug)]
pub(super) struct TabWay {
    pub(super) path: String,
    pub(super) name: &'static str,
    pub(super) is_current: bool,
}

/// What `tenant.html` shows on top of a page. Templates that extend it have it in the field `tenant`.
#[derive(Clone, Debug)]
pub(super) struct TenantHead {
    pub(super) name: String,
    pub(super) label: String,
    pub(super) is_suspended: bool,
    tab: Tab,
}

impl TenantHead {
    /// That of a page of this tenant.
    pub(super) fn of(tenant: &Tenant, tab: Tab) -> TenantHead {
        TenantHead {
            name: tenant.name.clone(),
            label: tenant.label.clone(),
            is_suspended: tenant.state == TenantState::Suspended,
            tab,
        }
    }

    /// The address of a page of the tenant: `path` begins with a slash, or is empty.
    pub(super) fn at(&self, path: &str) -> String {
        format!("/tenants/{}{path}", self.label)
    }

    /// The ways to all pages of the tenant.
    pub(super) fn tabs(&self) -> Vec<TabWay> {
        let all = [
            (Tab::Overview, "", "Overview"),
            (Tab::Credentials, "/credentials", "Credentials"),
            (Tab::Oauth, "/oauth", "OAuth"),
            (Tab::HandOver, "/hand-over", "Hand-over"),
            (Tab::Users, "/users", "Users"),
            (Tab::Groups, "/groups", "Groups"),
            (Tab::Changes, "/changes", "Changes"),
            (Tab::Deleted, "/deleted", "Deleted"),
        ];
        let way = |(tab, path, name)| TabWay { path: self.at(path), name, is_current: self.tab == tab };
        all.into_iter().map(way).collect()
    }
}

#[derive(Template)]
#[template(path = "tenant_overview.html")]
struct OverviewPage {
    frame: Frame,
    tenant: TenantHead,
    url: String,
    overview: TenantOverview,
    /// Users whose names are equal; the first page of them.
    collisions: Listed<UserNameCollision>,
    form: ChangeForm,
    wrong: Option<String>,
}

impl OverviewPage {
    async fn read<R>(visitor: &Visitor<R>, admin: &Admin, tenant: &str) -> Result<OverviewPage, Failure> {
        let overview = admin.tenant_overview(tenant).await?;
        let collisions = admin.user_name_collisions(tenant, None, None).await?;
        let tenant = &overview.tenant;
        Ok(OverviewPage {
            frame: visitor.frame(Section::Tenants),
            url: admin.tenant_url(tenant),
            form: ChangeForm::of(tenant),
            tenant: TenantHead::of(tenant, Tab::Overview),
            overview,
            collisions,
            wrong: None,
        })
    }

    fn is_entra(&self) -> bool {
        self.overview.tenant.profile == Profile::Entra
    }
}

/// The overview of a tenant.
pub(super) async fn show(
    visitor: Visitor<Viewer>,
    admin: Data<Admin>,
    tenant: Path<String>,
) -> Result<HttpResponse, Refusal> {
    Ok(web::page(&OverviewPage::read(&visitor, &admin, &tenant).await?)?)
}

/// What can be changed of a tenant, and what of it the page has shown.
#[derive(Deserialize)]
struct ChangeForm {
    name: String,
    profile: String,
    shown_name: String,
    shown_profile: String,
}

impl ChangeForm {
    /// That of a page that shows the tenant as it is.
    fn of(tenant: &Tenant) -> ChangeForm {
        let (name, profile) = (tenant.name.clone(), tenant.profile.as_str().to_owned());
        ChangeForm { shown_name: name.clone(), shown_profile: profile.clone(), name, profile }
    }

    /// What differs from what was shown: an old page takes nothing back that somebody else has changed meanwhile.
    fn update(&self) -> TenantUpdate {
        TenantUpdate {
            name: (self.name.trim() != self.shown_name).then(|| self.name.clone()),
            profile: Profile::parse(&self.profile).filter(|_| self.profile != self.shown_profile),
        }
    }
}

/// Changes name and profile.
pub(super) async fn change(
    visitor: Visitor<Support>,
    admin: Data<Admin>,
    tenant: Path<String>,
) -> Result<HttpResponse, Refusal> {
    let form: ChangeForm = visitor.form()?;
    match admin.change_tenant(visitor.by(), &tenant, form.update()).await {
        Ok(tenant) => Ok(done(&admin, &format!("/tenants/{}", tenant.label), "The tenant is changed.")?),
        Err(failure) => {
            let again = Again::of(failure)?;
            let page = OverviewPage::read(&visitor, &admin, &tenant).await?;
            let wrong = Some(again.words.clone());
            Ok(again.page(&OverviewPage { form, wrong, ..page })?)
        }
    }
}

/// Asks whether to suspend.
pub(super) async fn ask_suspend(
    visitor: Visitor<Support>,
    admin: Data<Admin>,
    tenant: Path<String>,
) -> Result<HttpResponse, Refusal> {
    let tenant = TenantHead::of(&admin.tenant(&tenant).await?, Tab::Overview);
    let words = vec![
        "Every request of its provisioning client is refused with 403, at once and until you resume it.".to_owned(),
        "Users, groups and credentials are kept. Entra puts a job that fails for long in quarantine and then tries \
         less often: after resuming, the customer's administrator may have to restart provisioning there."
            .to_owned(),
    ];
    let question = format!("Suspend {}?", tenant.name);
    Ok(web::page(&ConfirmPage::new(visitor.frame(Section::Tenants), tenant, question, words).act(
        "/suspend",
        "Suspend the tenant",
        true,
    ))?)
}

/// Asks whether to resume.
pub(super) async fn ask_resume(
    visitor: Visitor<Support>,
    admin: Data<Admin>,
    tenant: Path<String>,
) -> Result<HttpResponse, Refusal> {
    let tenant = TenantHead::of(&admin.tenant(&tenant).await?, Tab::Overview);
    let words = vec![
        "Its credentials are good again at once. What Entra could not deliver comes with its next cycles."
            .to_owned(),
    ];
    let question = format!("Resume {}?", tenant.name);
    Ok(web::page(&ConfirmPage::new(visitor.frame(Section::Tenants), tenant, question, words).act(
        "/resume",
        "Resume the tenant",
        false,
    ))?)
}

/// Suspends.
pub(super) async fn suspend(
    visitor: Visitor<Support>,
    admin: Data<Admin>,
    tenant: Path<String>,
) -> Result<HttpResponse, Refusal> {
    let tenant = admin.set_tenant_state(visitor.by(), &tenant, TenantState::Suspended).await?;
    Ok(done(&admin, &format!("/tenants/{}", tenant.label), "The tenant is suspended.")?)
}

/// Resumes.
pub(super) async fn resume(
    visitor: Visitor<Support>,
    admin: Data<Admin>,
    tenant: Path<String>,
) -> Result<HttpResponse, Refusal> {
    let tenant = admin.set_tenant_state(visitor.by(), &tenant, TenantState::Active).await?;
    Ok(done(&admin, &format!("/tenants/{}", tenant.label), "The tenant is resumed.")?)
}
