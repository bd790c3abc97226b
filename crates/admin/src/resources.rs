//! Users and groups of a tenant as support looks at them: searched, shown, with their history; restored when deleted.

use crate::{
    Admin, Failure, Listed,
    admin::{PAGE, PAGE_BYTES, text_of},
    paging::{self, Moment},
};
use provisioning::Provisioning;
use scim::{
    Profile,
    schema::{ResourceKind, ResourceType},
    search::{self, QueryScope, Words},
};
use serde_json::Value;
use std::collections::HashMap;
use store::{By, ChangeRow, DeletedRow, NamedResource, ResourceId, Row, Tenant};
use uuid::Uuid;

/// Resources that a search found.
#[derive(Debug)]
pub struct Found {
    /// The resources of the page, each as the JSON text of its SCIM form.
    pub resources: Vec<String>,
    /// How many there are on all pages.
    pub total: u64,
    /// Where the next page begins.
    pub next: Option<String>,
}

impl Admin {
    /// Searches users or groups by any SCIM filter. Pages are by cursor.
    ///
    /// # Errors
    /// No such tenant; a filter or cursor that is none.
    pub async fn search(
        &self,
        tenant: &str,
        kind: ResourceKind,
        filter: Option<String>,
        cursor: Option<String>,
        count: Option<u32>,
    ) -> Result<Found, Failure> {
        let tenant = self.tenant(tenant).await?;
        let words = Words {
            filter: filter.filter(|filter| !filter.trim().is_empty()),
            cursor: Some(cursor.unwrap_or_default()),
            count: Some(paging::limit(count).to_string()),
            ..Words::default()
        };
        let context = self.context(&tenant, None);
        // Operators type filters by hand, whatever the clients of the tenant write.
        let scope = QueryScope { profile: Profile::Entra, ..context.query_scope(PAGE) };
        let query = words.check(ResourceType::of(kind), &scope)?;
        let found = self.provisioning.search(&context, kind, &query, PAGE_BYTES).await?;
        let tenant_url = self.tenant_url(&tenant);
        let resources = found.rows.iter().map(|row| text_of(&tenant_url, kind, row)).collect();
        let next = found.next.map(|next| search::print_cursor(&next, &query.fingerprint));
        Ok(Found { resources, total: found.total, next })
    }

    /// One user or group without the members of a group, of which there may be many.
    ///
    /// # Errors
    /// No such tenant or resource.
    pub async fn resource(&self, tenant: &str, kind: ResourceKind, id: &str) -> Result<Value, Failure> {
        let tenant = self.tenant(tenant).await?;
        let row = self.provisioning.get(&self.context(&tenant, None), kind, id, true).await?;
        self.show(&tenant, kind, &row)
    }

    /// A page of the members of a group, by id, with what they are called; and how many there are in all.
    ///
    /// # Errors
    /// No such tenant or group; a cursor of another list.
    pub async fn group_members(
        &self,
        tenant: &str,
        group: &str,
        cursor: Option<&str>,
        count: Option<u32>,
    ) -> Result<(Listed<NamedResource>, u64), Failure> {
        let tenant = self.tenant(tenant).await?;
        let context = self.context(&tenant, None);
        let group = self.provisioning.get(&context, ResourceKind::Group, group, false).await?.id;
        let behind = paging::place(cursor, ResourceId::parse)?.unwrap_or(ResourceId(Uuid::nil()));
        let limit = paging::limit(count);
        let rows = self.store.members_behind(tenant.id, group, behind, limit + 1).await?;
        let total = self.store.member_count(tenant.id, group).await?;
        Ok((Listed::cut(rows, limit, |member| member.id.to_string()), total))
    }

    /// What users and groups of these ids are called, deleted ones too; those that are not known are missing.
    ///
    /// # Errors
    /// No such tenant.
    pub async fn resource_names(
        &self,
        tenant: &str,
        ids: Vec<ResourceId>,
    ) -> Result<HashMap<ResourceId, NamedResource>, Failure> {
        let tenant = self.tenant(tenant).await?;
        let found = self.store.names_of(tenant.id, ids).await?;
        Ok(found.into_iter().map(|named| (named.id, named)).collect())
    }

    /// A page of the change log of a tenant, or of one resource (there or deleted), newest first.
    ///
    /// # Errors
    /// No such tenant; a cursor of another list; an id that is none.
    pub async fn changes(
        &self,
        tenant: &str,
        resource: Option<&str>,
        cursor: Option<&str>,
        count: Option<u32>,
    ) -> Result<Listed<ChangeRow>, Failure> {
        let tenant = self.tenant(tenant).await?;
        let resource = match resource {
            Some(id) => Some(ResourceId::parse(id).ok_or_else(|| {
                Failure::NotFound("There is no user or group with this id in this tenant.".to_owned())
            })?),
            None => None,
        };
        let before = paging::place(cursor, |text| text.parse::<i64>().ok())?.unwrap_or(i64::MAX);
        let page = self.store.changes(tenant.id, resource, before, paging::bounds(count)).await?;
        Ok(Listed::of(page, |row| row.position.to_string()))
    }

    /// A page of the deleted resources that can be restored, newest first.
    ///
    /// # Errors
    /// No such tenant; a cursor of another list.
    pub async fn deleted(
        &self,
        tenant: &str,
        cursor: Option<&str>,
        count: Option<u32>,
    ) -> Result<Listed<DeletedRow>, Failure> {
        let tenant = self.tenant(tenant).await?;
        let Moment(at, id) = paging::place(cursor, |text| text.parse().ok())?.unwrap_or(Moment::END);
        let bounds = paging::bounds(count);
        let page = self.store.deleted_resources(tenant.id, (at, ResourceId(id)), bounds).await?;
        Ok(Listed::of(page, |row| Moment(row.at, row.id.0).to_string()))
    }

    /// A deleted user or group.
    ///
    /// # Errors
    /// No such tenant, or no such resource that was deleted and can be restored.
    pub async fn deleted_resource(&self, tenant: &str, id: &str) -> Result<DeletedRow, Failure> {
        let tenant = self.tenant(tenant).await?;
        let found = match ResourceId::parse(id) {
            Some(id) => self.store.deleted_resource(tenant.id, id).await?,
            None => None,
        };
        found.ok_or_else(|| {
            Failure::NotFound("There is no deleted user or group with this id in this tenant.".to_owned())
        })
    }

    /// Brings a deleted user or group back, into the groups and with the members that are still there. `operator` stands
    /// in the change log; none at the command line.
    ///
    /// # Errors
    /// No such tenant or deleted resource; a `userName` that is taken by now.
    pub async fn restore(
        &self,
        by: &By,
        operator: Option<Uuid>,
        tenant: &str,
        id: &str,
    ) -> Result<Value, Failure> {
        let tenant = self.tenant(tenant).await?;
        let provisioning = Provisioning::new(self.store.acting(by.clone()));
        let deleted = provisioning.restore(&self.context(&tenant, operator), id).await?;
        self.resource(&tenant.label, deleted.kind, id).await
    }

    /// A resource in the form of SCIM.
    fn show(&self, tenant: &Tenant, kind: ResourceKind, row: &Row) -> Result<Value, Failure> {
        serde_json::from_str(&text_of(&self.tenant_url(tenant), kind, row)).map_err(Failure::internal)
    }
}
