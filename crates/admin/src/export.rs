//! Export of a tenant as JSON Lines: everything that is kept of it but its secrets, read page by page while it is sent.

use crate::{Admin, Failure, admin::PAGE_BYTES};
use futures_util::{Stream, stream};
use scim::{Timestamp, schema::ResourceKind, search::Position};
use serde_json::{Value, json};
use std::sync::Arc;
use store::{By, Deed, From, Listing, ResourceId, Tenant};
use uuid::Uuid;

/// Rows that are read together.
const PAGE: u32 = 200;

/// What is exported, in this order.
#[derive(Clone, Debug)]
enum Part {
    Tenant,
    Resources(ResourceKind, Option<Position>),
    Deleted(Timestamp, ResourceId),
    Changes(i64),
    End,
}

struct Export {
    admin: Arc<Admin>,
    tenant: Tenant,
    part: Option<Part>,
    lines: u64,
}

/// Begins an export; the lines come as the stream is read. It is not one moment of the tenant: what changes meanwhile may
/// or may not be in it. The last line is of the type `end` and counts those before it: without it the export is not whole.
///
/// # Errors
/// No such tenant. In the stream: the tenant was erased meanwhile; faults of the store.
pub(crate) async fn export(
    admin: Arc<Admin>,
    by: &By,
    tenant: &str,
) -> Result<impl Stream<Item = Result<String, Failure>> + use<>, Failure> {
    let tenant = admin.tenant(tenant).await?;
    let deed = Deed {
        action: "tenant.export",
        target: tenant.label.clone(),
        tenant: Some(tenant.id),
        before: None,
        after: None,
    };
    // First: nothing leaves that was not noted.
    admin.store.acting(by.clone()).note(deed).await?;
    let export = Export { admin, tenant, part: Some(Part::Tenant), lines: 0 };
    Ok(stream::try_unfold(export, |mut export| async {
        let Some(part) = export.part.take() else { return Ok(None) };
        let text = export.read(part).await?;
        Ok(Some((text, export)))
    }))
}

impl Export {
    /// The lines of a part, and what comes behind it.
    async fn read(&mut self, part: Part) -> Result<String, Failure> {
        let (lines, next) = match part {
            Part::Tenant => (vec![self.tenant_line()], Some(Part::Resources(ResourceKind::User, None))),
            Part::Resources(kind, after) => self.resources(kind, after).await?,
            Part::Deleted(at, id) => self.deleted(at, id).await?,
            Part::Changes(before) => self.changes(before).await?,
            Part::End => (vec![self.end_line().await?], None),
        };
        self.part = next;
        self.lines += lines.len() as u64;
        let mut text = lines.join("\n");
        if !text.is_empty() {
            text.push('\n');
        }
        Ok(text)
    }

    fn tenant_line(&self) -> String {
        let tenant = &self.tenant;
        json!({
            "type": "tenant",
            "id": tenant.id.to_string(),
            "label": tenant.label,
            "name": tenant.name,
            "profile": tenant.profile.as_str(),
            "state": tenant.state.as_str(),
            "created": tenant.created.to_rfc3339(),
        })
        .to_string()
    }

    /// Only if the tenant is still there: of one that was erased meanwhile the pages are empty, which looks like their end.
    async fn end_line(&self) -> Result<String, Failure> {
        self.admin.tenant(&self.tenant.id.to_string()).await?;
        Ok(json!({ "type": "end", "lines": self.lines }).to_string())
    }

    async fn resources(
        &self,
        kind: ResourceKind,
        after: Option<Position>,
    ) -> Result<(Vec<String>, Option<Part>), Failure> {
        let (store, tenant) = (&self.admin.store, &self.tenant);
        let listing = Listing {
            kind,
            condition: None,
            sort: None,
            from: From::After(after),
            limit: PAGE,
            max_bytes: PAGE_BYTES,
            with_groups: false,
        };
        let page = store.list(tenant.id, listing).await?;
        let mut lines = Vec::with_capacity(page.rows.len());
        for row in &page.rows {
            let resource = self.admin.text(tenant, kind, row);
            let mut line = format!("{{\"type\":\"{}\",\"resource\":{resource}", kind.name());
            if kind == ResourceKind::Group {
                let members = store.members(tenant.id, row.id).await?;
                let ids: Vec<String> =
                    members.users.iter().chain(&members.groups).map(ToString::to_string).collect();
                line.push_str(&format!(",\"members\":{}", Value::from(ids)));
            }
            line.push('}');
            lines.push(line);
        }
        let next = match (page.next, kind) {
            (Some(next), _) => Part::Resources(kind, Some(next)),
            (None, ResourceKind::User) => Part::Resources(ResourceKind::Group, None),
            (None, ResourceKind::Group) => Part::Deleted(Timestamp(i64::MAX), ResourceId(Uuid::max())),
        };
        Ok((lines, Some(next)))
    }

    async fn deleted(&self, at: Timestamp, id: ResourceId) -> Result<(Vec<String>, Option<Part>), Failure> {
        let rows = self.admin.store.deleted_resources(self.tenant.id, (at, id), PAGE).await?;
        let next = rows.last().map_or(Part::Changes(i64::MAX), |row| Part::Deleted(row.at, row.id));
        let mut lines = Vec::with_capacity(rows.len());
        for row in rows {
            let members = match row.kind {
                ResourceKind::User => Vec::new(),
                ResourceKind::Group => self.admin.store.hidden_members(self.tenant.id, row.id).await?,
            };
            let members: Vec<String> = members.iter().map(ToString::to_string).collect();
            lines.push(format!(
                "{{\"type\":\"deleted\",\"kind\":\"{}\",\"id\":\"{}\",\"at\":\"{}\",\"document\":{},\"groups\":{},\"members\":{}}}",
                row.kind.name(),
                row.id,
                row.at.to_rfc3339(),
                row.document,
                row.groups,
                Value::from(members)
            ));
        }
        Ok((lines, Some(next)))
    }

    async fn changes(&self, before: i64) -> Result<(Vec<String>, Option<Part>), Failure> {
        let rows = self.admin.store.changes(self.tenant.id, None, before, PAGE).await?;
        let next = rows.last().map_or(Part::End, |row| Part::Changes(row.position));
        let line = |row: &store::ChangeRow| {
            let text = |json: &Option<String>| json.clone().unwrap_or_else(|| "null".to_owned());
            format!(
                "{{\"type\":\"change\",\"position\":{},\"at\":\"{}\",\"kind\":\"{}\",\"id\":\"{}\",\"event\":\"{}\",\"version\":{},\
                 \"before\":{},\"after\":{},\"members\":{},\"effects\":{}}}",
                row.position,
                row.at.to_rfc3339(),
                row.kind,
                row.resource,
                row.event,
                row.version,
                text(&row.before),
                text(&row.after),
                text(&row.members),
                row.effects
            )
        };
        Ok((rows.iter().map(line).collect(), Some(next)))
    }
}
