//! Export of a tenant as JSON Lines: everything that is kept of it but its secrets, read page by page while it is sent.

use crate::{
    Admin, Failure,
    admin::{PAGE, PAGE_BYTES, text_of},
};
use futures_util::{Stream, stream};
use scim::{Timestamp, schema::ResourceKind, search::Position};
use serde_json::json;
use std::{collections::VecDeque, sync::Arc};
use store::{AuditEntry, By, ChangeRow, From, Listing, PageBounds, ResourceId, Slice, Store, Tenant};
use uuid::Uuid;

/// About how much text is sent at a time, in bytes. A longer line without members is not divided.
const PIECE: usize = 64 * 1024;
/// How many members of a group are read at a time.
const SLICE: u32 = 4096;

/// What is exported, in this order.
#[derive(Clone, Debug)]
enum Part {
    Tenant,
    Resources(ResourceKind, Option<Position>),
    Deleted(Timestamp, ResourceId),
    Changes(i64),
    End,
}

/// A line that is not sent yet.
struct Line {
    /// Its text without the end of the line; of a group, the text before its members.
    text: String,
    members: Option<Members>,
}

/// The members of a group that are not sent yet. They are read in slices, each of them the group at that moment.
struct Members {
    group: ResourceId,
    /// Whether the group is deleted: its members are hidden from everybody else.
    is_deleted: bool,
    /// Behind which member the next slice begins; `None` is the first one.
    after: Option<ResourceId>,
    /// How many there probably are from there on.
    expected: u64,
}

/// An export under way. Between two pieces it holds at most one page of lines, and no database connection.
struct Export {
    store: Store,
    tenant: Tenant,
    tenant_url: String,
    /// What is read next.
    part: Option<Part>,
    /// How many rows the next page may have.
    rows: u32,
    /// The lines of the page that was read last.
    ready: VecDeque<Line>,
    /// The members of the group whose line has begun.
    members: Option<Members>,
    /// How many lines were taken from `ready`.
    lines: u64,
}

/// Begins an export. Its text comes in pieces as the stream is read. It is not one moment of the tenant: what changes
/// meanwhile may or may not be in it. The last line is of the type `end` and counts those before it: without it the
/// export is not whole.
///
/// # Errors
/// `NotFound` if the tenant does not exist. In the stream: `NotFound` if the tenant was erased meanwhile; faults of the
/// store.
pub(crate) async fn export(
    admin: Arc<Admin>,
    by: &By,
    tenant: &str,
) -> Result<impl Stream<Item = Result<String, Failure>> + use<>, Failure> {
    let tenant = admin.tenant(tenant).await?;
    let entry = AuditEntry {
        action: "tenant.export",
        target: tenant.label.clone(),
        tenant: Some(tenant.id),
        before: None,
        after: None,
    };
    // First: nothing leaves before the audit log knows of it.
    admin.store.note(by, entry).await?;
    let tenant_url = admin.tenant_url(&tenant);
    let export = Export::new(admin.store.clone(), tenant, tenant_url);
    Ok(stream::try_unfold(export, |mut export| async {
        Ok(export.piece().await?.map(|piece| (piece, export)))
    }))
}

impl Export {
    fn new(store: Store, tenant: Tenant, tenant_url: String) -> Export {
        Export {
            store,
            tenant,
            tenant_url,
            part: Some(Part::Tenant),
            rows: PAGE.max,
            ready: VecDeque::new(),
            members: None,
            lines: 0,
        }
    }

    /// The next piece of the text; `None` behind its end.
    async fn piece(&mut self) -> Result<Option<String>, Failure> {
        let mut text = String::new();
        while text.len() < PIECE {
            if let Some(members) = self.members.take() {
                self.members = self.write_members(members, &mut text).await?;
            } else if let Some(line) = self.ready.pop_front() {
                self.lines += 1;
                text.push_str(&line.text);
                self.members = line.members;
                text.push_str(if self.members.is_some() { ",\"members\":[" } else { "\n" });
            } else if let Some(part) = self.part.take() {
                self.read(part).await?;
            } else {
                break;
            }
        }
        Ok((!text.is_empty()).then_some(text))
    }

    /// Writes a slice of members, and the end of the line behind the last one. Returns the members that are left.
    async fn write_members(&self, members: Members, text: &mut String) -> Result<Option<Members>, Failure> {
        let Members { group, is_deleted, after, expected } = members;
        let slice: Vec<ResourceId> = if is_deleted {
            self.store.hidden_members(self.tenant.id, group, after, SLICE).await?
        } else {
            let found = self.store.members_after(self.tenant.id, group, after, SLICE, expected).await?;
            found.iter().map(|member| member.id).collect()
        };
        for (place, id) in slice.iter().enumerate() {
            text.push_str(if place == 0 && after.is_none() { "\"" } else { ",\"" });
            text.push_str(&id.to_string());
            text.push('"');
        }
        if slice.len() < SLICE as usize {
            text.push_str("]}\n");
            return Ok(None);
        }
        let expected = expected.saturating_sub(slice.len() as u64);
        Ok(Some(Members { after: slice.last().copied(), expected, ..members }))
    }

    /// Reads the lines of a part, and notes what comes behind it.
    async fn read(&mut self, part: Part) -> Result<(), Failure> {
        self.part = match part {
            Part::Tenant => {
                self.add(self.tenant_line());
                Some(Part::Resources(ResourceKind::User, None))
            }
            Part::Resources(kind, after) => Some(self.read_resources(kind, after).await?),
            Part::Deleted(at, id) => Some(self.read_deleted(at, id).await?),
            Part::Changes(before) => Some(self.read_changes(before).await?),
            Part::End => {
                let line = self.end_line().await?;
                self.add(line);
                None
            }
        };
        Ok(())
    }

    fn add(&mut self, text: String) {
        self.ready.push_back(Line { text, members: None });
    }

    /// The bounds of the next page.
    fn bounds(&self) -> PageBounds {
        PageBounds { rows: self.rows, bytes: PAGE_BYTES }
    }

    /// Asks for as many rows as fit, where the size of the last page ended it. PostgreSQL sends all rows that are asked
    /// for, also those that do not fit.
    fn note_page(&mut self, read: usize, has_more: bool) {
        let read = u32::try_from(read).unwrap_or(u32::MAX);
        let is_cut = has_more && read < self.rows;
        self.rows = if is_cut { read.max(1) } else { self.rows.saturating_mul(2).min(PAGE.max) };
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

    /// Only if the tenant is still there: the pages of a tenant that was erased meanwhile are empty, which looks like their
    /// end.
    async fn end_line(&self) -> Result<String, Failure> {
        if self.store.tenant(&self.tenant.id.to_string()).await?.is_none() {
            return Err(Failure::NotFound("The tenant was erased while it was exported.".to_owned()));
        }
        Ok(json!({ "type": "end", "lines": self.lines }).to_string())
    }

    async fn read_resources(&mut self, kind: ResourceKind, after: Option<Position>) -> Result<Part, Failure> {
        let PageBounds { rows: limit, bytes: max_bytes } = self.bounds();
        let listing = Listing {
            kind,
            condition: None,
            sort: None,
            from: From::After(after),
            limit,
            max_bytes,
            with_groups: false,
        };
        let page = self.store.list(self.tenant.id, listing).await?;
        self.note_page(page.rows.len(), page.next.is_some());
        for row in page.rows {
            let resource = text_of(&self.tenant_url, kind, &row);
            let text = format!("{{\"type\":\"{}\",\"resource\":{resource}", kind.name());
            self.ready.push_back(match kind {
                ResourceKind::User => Line { text: text + "}", members: None },
                ResourceKind::Group => {
                    let expected = row.member_count;
                    Line {
                        text,
                        members: Some(Members { group: row.id, is_deleted: false, after: None, expected }),
                    }
                }
            });
        }
        Ok(match (page.next, kind) {
            (Some(next), _) => Part::Resources(kind, Some(next)),
            (None, ResourceKind::User) => Part::Resources(ResourceKind::Group, None),
            (None, ResourceKind::Group) => Part::Deleted(Timestamp(i64::MAX), ResourceId(Uuid::max())),
        })
    }

    async fn read_deleted(&mut self, at: Timestamp, id: ResourceId) -> Result<Part, Failure> {
        let page = self.store.deleted_resources(self.tenant.id, (at, id), self.bounds()).await?;
        let next = self.next(&page, |row| Part::Deleted(row.at, row.id), Part::Changes(i64::MAX));
        for row in page.rows {
            let text = format!(
                "{{\"type\":\"deleted\",\"kind\":\"{}\",\"id\":\"{}\",\"at\":\"{}\",\"document\":{},\"groups\":{}",
                row.kind.name(),
                row.id,
                row.at.to_rfc3339(),
                row.document,
                row.groups,
            );
            self.ready.push_back(match row.kind {
                ResourceKind::User => Line { text: text + ",\"members\":[]}", members: None },
                ResourceKind::Group => {
                    let expected = row.member_count;
                    Line {
                        text,
                        members: Some(Members { group: row.id, is_deleted: true, after: None, expected }),
                    }
                }
            });
        }
        Ok(next)
    }

    async fn read_changes(&mut self, before: i64) -> Result<Part, Failure> {
        let page = self.store.changes(self.tenant.id, None, before, self.bounds()).await?;
        let next = self.next(&page, |row| Part::Changes(row.position), Part::End);
        page.rows.iter().map(change_line).for_each(|line| self.add(line));
        Ok(next)
    }

    /// What comes behind a page: the next page behind its last row, or `end`.
    fn next<T>(&mut self, page: &Slice<T>, behind: impl Fn(&T) -> Part, end: Part) -> Part {
        self.note_page(page.rows.len(), page.has_more);
        page.rows.last().filter(|_| page.has_more).map_or(end, behind)
    }
}

fn change_line(row: &ChangeRow) -> String {
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
}

#[cfg(test)]
mod tests;
