//! A resource while a batch is decided.

use super::{
    facts::StoredResource,
    writes::{GroupUpdate, ResourceRow, Writes},
};
use crate::{data::counts::Counts, data::model::*};
use scim::{Timestamp, schema::ResourceKind};

/// A resource during a batch.
#[derive(Debug)]
pub(super) struct Resource {
    pub(super) kind: ResourceKind,
    /// How many members a row of it has that is stored; none if there is no row.
    stored_members: Option<i64>,
    pub(super) version: i64,
    pub(super) created: Timestamp,
    pub(super) last_modified: Timestamp,
    /// As stored, where it was asked for.
    pub(super) old_document: Option<String>,
    /// As the batch makes it.
    pub(super) new_document: Option<Document>,
    /// Bytes of its document. Known for changes that replace or delete the document, else 0.
    bytes: i64,
    is_active: bool,
    changes: i64,
    /// How many members it has by now (groups only).
    pub(super) member_count: i64,
    pub(super) deleted: bool,
}

impl Resource {
    pub(super) fn stored(stored: StoredResource) -> Resource {
        Resource {
            kind: stored.kind,
            stored_members: Some(stored.member_count),
            version: stored.version,
            created: stored.created,
            last_modified: stored.last_modified,
            bytes: stored.document.as_ref().map_or(stored.bytes, |document| bytes(document)),
            is_active: stored.is_active,
            old_document: stored.document,
            new_document: None,
            changes: 0,
            member_count: stored.member_count,
            deleted: false,
        }
    }

    pub(super) fn new(change: &Change, document: Document) -> Resource {
        Resource {
            kind: change.kind,
            stored_members: None,
            version: 1,
            created: change.at,
            last_modified: change.at,
            old_document: None,
            bytes: bytes(&document.json),
            is_active: document.keys.active,
            new_document: Some(document),
            changes: 0,
            member_count: 0,
            deleted: false,
        }
    }

    pub(super) fn is(&self, kind: ResourceKind) -> bool {
        self.kind == kind && !self.deleted
    }

    /// One change more. The clocks of two processes may differ: `meta.lastModified` never goes back.
    pub(super) fn touch(&mut self, at: Timestamp) {
        self.version += 1;
        self.changes += 1;
        self.last_modified = self.last_modified.max(at);
    }

    /// Gives it another document.
    pub(super) fn replace(&mut self, document: Document) {
        self.bytes = bytes(&document.json);
        self.is_active = document.keys.active;
        self.new_document = Some(document);
    }

    /// Its document by now, where it was asked for.
    pub(super) fn document(&self) -> Option<&str> {
        let newest = self.new_document.as_ref().map(|document| document.json.as_str());
        newest.or(self.old_document.as_deref())
    }

    /// Takes the document of a resource that is deleted. The stored one stays: its lookup keys go.
    pub(super) fn take_document(&mut self) -> String {
        let newest = self.new_document.take().map(|document| document.json);
        newest.or_else(|| self.old_document.clone()).unwrap_or_default()
    }

    pub(super) fn is_stored(&self) -> bool {
        self.stored_members.is_some()
    }

    pub(super) fn committed(&self, changed: bool) -> Committed {
        Committed { version: self.version, created: self.created, last_modified: self.last_modified, changed }
    }

    /// What it adds to its tenant.
    pub(super) fn counts(&self) -> Counts {
        let bytes = self.bytes;
        match self.kind {
            ResourceKind::User => {
                Counts { users: 1, active_users: i64::from(self.is_active), bytes, ..Counts::default() }
            }
            ResourceKind::Group => {
                Counts { groups: 1, memberships: self.member_count, bytes, ..Counts::default() }
            }
        }
    }

    /// What it adds to its tenant once it has another document or more members.
    pub(super) fn growth(&self, document: Option<&Document>, more_members: i64) -> Counts {
        let replaced = document.map_or_else(Counts::default, |document| Counts {
            active_users: match self.kind {
                ResourceKind::User => i64::from(document.keys.active) - i64::from(self.is_active),
                ResourceKind::Group => 0,
            },
            bytes: bytes(&document.json) - self.bytes,
            ..Counts::default()
        });
        Counts { memberships: more_members, ..replaced }
    }

    pub(super) fn write(self, tenant: TenantId, id: ResourceId, writes: &mut Writes) {
        if self.deleted {
            return;
        }
        if let (ResourceKind::Group, Some(stored_members)) = (self.kind, self.stored_members) {
            if self.changes > 0 {
                writes.groups.push(GroupUpdate {
                    tenant,
                    id,
                    changes: self.changes,
                    last_modified: self.last_modified,
                    document: self.new_document,
                    members: self.member_count - stored_members,
                });
            }
            return;
        }
        let Some(document) = self.new_document else { return };
        let Resource { version, created, last_modified, member_count, .. } = self;
        let row = ResourceRow { tenant, id, version, created, last_modified, document, member_count };
        match (self.kind, self.stored_members) {
            (ResourceKind::User, None) => writes.new_users.push(row),
            (ResourceKind::User, Some(_)) => writes.users.push(row),
            (ResourceKind::Group, _) => writes.new_groups.push(row),
        }
    }
}

fn bytes(document: &str) -> i64 {
    i64::try_from(document.len()).unwrap_or(i64::MAX)
}
