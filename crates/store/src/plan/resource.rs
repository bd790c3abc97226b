//! A resource while a batch is decided.

use super::{
    facts::StoredResource,
    writes::{GroupUpdate, ResourceRow, Writes},
};
use crate::model::*;
use scim::{Timestamp, schema::ResourceKind};

/// A resource during a batch.
#[derive(Debug)]
pub(super) struct Resource {
    pub(super) kind: ResourceKind,
    /// Whether a row of it is stored.
    pub(super) stored: bool,
    pub(super) version: i64,
    pub(super) created: Timestamp,
    pub(super) last_modified: Timestamp,
    /// As stored, where it was asked for.
    pub(super) old_document: Option<String>,
    /// As the batch makes it.
    pub(super) new_document: Option<Document>,
    pub(super) changes: i64,
    /// How many members it has stored.
    pub(super) member_count: i64,
    /// By how much the batch changes the number of its members; of a new group this is their number.
    pub(super) members: i64,
    pub(super) deleted: bool,
}

impl Resource {
    pub(super) fn stored(stored: StoredResource) -> Resource {
        Resource {
            kind: stored.kind,
            stored: true,
            version: stored.version,
            created: stored.created,
            last_modified: stored.last_modified,
            old_document: stored.document,
            new_document: None,
            changes: 0,
            member_count: stored.member_count,
            members: 0,
            deleted: false,
        }
    }

    pub(super) fn new(change: &Change, document: Document) -> Resource {
        Resource {
            kind: change.kind,
            stored: false,
            version: 1,
            created: change.at,
            last_modified: change.at,
            old_document: None,
            new_document: Some(document),
            changes: 0,
            member_count: 0,
            members: 0,
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

    pub(super) fn committed(&self, changed: bool) -> Committed {
        Committed { version: self.version, created: self.created, last_modified: self.last_modified, changed }
    }

    pub(super) fn write(self, tenant: TenantId, id: ResourceId, writes: &mut Writes) {
        if self.deleted {
            return;
        }
        if self.kind == ResourceKind::Group && self.stored {
            if self.changes > 0 {
                writes.groups.push(GroupUpdate {
                    tenant,
                    id,
                    changes: self.changes,
                    last_modified: self.last_modified,
                    document: self.new_document,
                    members: self.members,
                });
            }
            return;
        }
        let Some(document) = self.new_document else { return };
        let (version, created, last_modified) = (self.version, self.created, self.last_modified);
        let member_count = self.members;
        let row = ResourceRow { tenant, id, version, created, last_modified, document, member_count };
        match (self.kind, self.stored) {
            (ResourceKind::User, false) => writes.new_users.push(row),
            (ResourceKind::User, true) => writes.users.push(row),
            (ResourceKind::Group, _) => writes.new_groups.push(row),
        }
    }
}
