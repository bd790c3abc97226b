//! `/tenants/{tenant}/users` and `/groups`: searched, and shown one by one with their history.

use super::{
    address::address,
    facts::{self, Section as Facts},
    failure::{Again, Refusal},
    frame::{Frame, Section},
    tenant::{Tab, TenantHead},
    timeline::{self, ChangeView},
    visitor::Visitor,
};
use crate::{Admin, Failure, caller::Viewer, request::Query, resource_search, web};
use actix_web::{
    HttpResponse,
    web::{Data, Path},
};
use askama::Template;
use scim::{Timestamp, schema::ResourceKind};
use serde::Deserialize;
use serde_json::Value;
use store::NamedResource;

/// Changes that stand on the page of a resource; the earlier ones are on the page of changes.
const RECENT: u32 = 20;

/// The pages of a kind of resource.
pub(super) trait Pages {
    const KIND: ResourceKind;
    const TAB: Tab;
    /// Below a tenant.
    const PATH: &'static str;
}

/// Those of users.
pub(super) struct Users;
/// Those of groups.
pub(super) struct Groups;

impl Pages for Users {
    const KIND: ResourceKind = ResourceKind::User;
    const TAB: Tab = Tab::Users;
    const PATH: &'static str = "/users";
}

impl Pages for Groups {
    const KIND: ResourceKind = ResourceKind::Group;
    const TAB: Tab = Tab::Groups;
    const PATH: &'static str = "/groups";
}

/// What to find. It stands in the address, so that a search can be sent to a colleague and the way back leads to it; nothing
/// logs the query of an address.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct SearchQuery {
    search: String,
    cursor: String,
}

/// A row of a list.
struct Listed {
    path: String,
    name: String,
    display: String,
    external_id: String,
    is_active: bool,
    email: String,
    modified: Option<Timestamp>,
}

#[derive(Template)]
#[template(path = "resources.html")]
struct ResourcesPage {
    frame: Frame,
    tenant: TenantHead,
    is_users: bool,
    path: String,
    search: String,
    /// The SCIM filter that was made of a plain text.
    filter: Option<String>,
    rows: Vec<Listed>,
    total: u64,
    next: Option<String>,
    wrong: Option<String>,
}

fn text_of(resource: &Value, name: &str) -> String {
    resource[name].as_str().unwrap_or_default().to_owned()
}

fn listed(base: &str, resource: &Value) -> Listed {
    let emails = resource["emails"].as_array().map(Vec::as_slice).unwrap_or_default();
    let email = emails.iter().find(|email| email["type"] == "work").or_else(|| emails.first());
    let display = text_of(resource, "displayName");
    let name = resource["userName"].as_str().unwrap_or(&display).to_owned();
    Listed {
        path: format!("{base}/{}", text_of(resource, "id")),
        name: if name.is_empty() { text_of(resource, "id") } else { name },
        display,
        external_id: text_of(resource, "externalId"),
        is_active: resource["active"] == true,
        email: email.map(|email| text_of(email, "value")).unwrap_or_default(),
        modified: resource["meta"]["lastModified"].as_str().and_then(Timestamp::parse),
    }
}

/// A page of users or groups.
pub(super) async fn list<P: Pages>(
    visitor: Visitor<Viewer>,
    admin: Data<Admin>,
    tenant: Path<String>,
    query: Query<SearchQuery>,
) -> Result<HttpResponse, Refusal> {
    let SearchQuery { search, cursor } = query.read()?;
    let tenant = TenantHead::of(&admin.tenant(&tenant).await?, P::TAB);
    let filter = resource_search::filter(P::KIND, &search);
    let mut page = ResourcesPage {
        frame: visitor.frame(Section::Tenants),
        is_users: P::KIND == ResourceKind::User,
        path: tenant.at(P::PATH),
        filter: filter.clone().filter(|filter| *filter != search.trim()),
        search,
        rows: Vec::new(),
        total: 0,
        next: None,
        wrong: None,
        tenant,
    };
    match admin.search(&page.tenant.label, P::KIND, filter, Some(cursor), None).await {
        Ok(found) => {
            // One at a time: the values of a resource take many times the memory of its text.
            let row = |text: &String| listed(&page.path, &serde_json::from_str(text).unwrap_or_default());
            page.rows = found.resources.iter().map(row).collect();
            page.total = found.total;
            let next = found.next;
            page.next = next
                .map(|cursor| address(&page.path, &[("search", page.search.as_str()), ("cursor", &cursor)]));
            Ok(web::page(&page)?)
        }
        Err(failure) => {
            let again = Again::of(failure)?;
            page.wrong = Some(again.words.clone());
            Ok(again.page(&page)?)
        }
    }
}

/// Which members.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct MembersQuery {
    members: String,
}

/// A group that a user is in, or a member of a group.
struct Linked {
    path: String,
    name: String,
    note: &'static str,
}

#[derive(Template)]
#[template(path = "resource.html")]
struct ResourcePage {
    frame: Frame,
    tenant: TenantHead,
    is_user: bool,
    is_active: bool,
    /// The list that it is in.
    path: String,
    id: String,
    name: String,
    version: String,
    created: Option<Timestamp>,
    modified: Option<Timestamp>,
    sections: Vec<Facts>,
    json: String,
    /// Groups of a user, or members of a group.
    links: Vec<Linked>,
    links_total: u64,
    links_next: Option<String>,
    changes: Vec<ChangeView>,
    earlier: Option<String>,
}

/// A user or group.
pub(super) async fn show<P: Pages>(
    visitor: Visitor<Viewer>,
    admin: Data<Admin>,
    path: Path<(String, String)>,
    query: Query<MembersQuery>,
) -> Result<HttpResponse, Refusal> {
    let (label, id) = path.into_inner();
    let query = query.read()?;
    let tenant = TenantHead::of(&admin.tenant(&label).await?, P::TAB);
    let resource = admin.resource(&tenant.label, P::KIND, &id).await?;
    let (links, links_total, links_next) = match P::KIND {
        ResourceKind::User => groups_of(&tenant, &resource),
        ResourceKind::Group => members_of(&admin, &tenant, &id, &query.members).await?,
    };
    let recent = admin.changes(&tenant.label, Some(&id), None, Some(RECENT)).await?;
    let all = tenant.at(&format!("/changes?resource={id}"));
    let time = |name: &str| resource["meta"][name].as_str().and_then(Timestamp::parse);
    let named = listed(&tenant.at(P::PATH), &resource);
    Ok(web::page(&ResourcePage {
        frame: visitor.frame(Section::Tenants),
        is_user: P::KIND == ResourceKind::User,
        is_active: named.is_active,
        path: tenant.at(P::PATH),
        name: named.name,
        version: text_of(&resource["meta"], "version"),
        created: time("created"),
        modified: time("lastModified"),
        sections: facts::sections(&resource),
        json: web::json(&resource.to_string()),
        links,
        links_total,
        links_next,
        changes: timeline::views(&admin, &tenant, &recent.rows).await?,
        earlier: recent.next.map(|cursor| format!("{all}&cursor={cursor}")),
        id,
        tenant,
    })?)
}

fn groups_of(tenant: &TenantHead, user: &Value) -> (Vec<Linked>, u64, Option<String>) {
    let groups = user["groups"].as_array().map(Vec::as_slice).unwrap_or_default();
    let link = |group: &Value| {
        let (id, display) = (text_of(group, "value"), text_of(group, "display"));
        Linked {
            path: tenant.at(&format!("/groups/{id}")),
            name: if display.is_empty() { id } else { display },
            note: if group["type"] == "indirect" { "through another group" } else { "" },
        }
    };
    (groups.iter().map(link).collect(), groups.len() as u64, None)
}

async fn members_of(
    admin: &Admin,
    tenant: &TenantHead,
    group: &str,
    cursor: &str,
) -> Result<(Vec<Linked>, u64, Option<String>), Failure> {
    let (members, total) = admin.group_members(&tenant.label, group, Some(cursor), None).await?;
    let link = |member: NamedResource| {
        let (id, kind) = (member.id.to_string(), if member.is_group { "groups" } else { "users" });
        Linked {
            path: tenant.at(&format!("/{kind}/{id}")),
            name: member.name.unwrap_or(id),
            note: if member.is_group { "group" } else { "" },
        }
    };
    let next = members.next.map(|cursor| tenant.at(&format!("/groups/{group}?members={cursor}#members")));
    Ok((members.rows.into_iter().map(link).collect(), total, next))
}
