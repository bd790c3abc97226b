//! The rows that a batch comes to.

use super::{Of, lookups::KeyRow};
use crate::{
    control::{actor::By, audit::AuditEntry},
    data::counts::Counts,
    data::model::*,
};
use scim::{Timestamp, event::EventKind, schema::ResourceKind};
use std::{collections::BTreeSet, sync::Arc};
use uuid::Uuid;

/// A tenant's feed before and after a batch. As each write moves it, a feed that still stands where it stood when the facts
/// were read says that they still hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FeedMove {
    pub(crate) tenant: TenantId,
    pub(crate) from: i64,
    pub(crate) to: i64,
    /// By how much the tenant grows or shrinks.
    pub(crate) growth: Counts,
}

/// A row of `users` or `groups`.
#[derive(Clone, Debug)]
pub(crate) struct ResourceRow {
    pub(crate) tenant: TenantId,
    pub(crate) id: ResourceId,
    pub(crate) version: i64,
    pub(crate) created: Timestamp,
    pub(crate) last_modified: Timestamp,
    pub(crate) document: Document,
    /// How many members it has (`groups` only).
    pub(crate) member_count: i64,
}

/// A group whose version rises, and whose document may change.
#[derive(Clone, Debug)]
pub(crate) struct GroupUpdate {
    pub(crate) tenant: TenantId,
    pub(crate) id: ResourceId,
    /// By how much the version rises.
    pub(crate) changes: i64,
    pub(crate) last_modified: Timestamp,
    pub(crate) document: Option<Document>,
    /// By how much the number of its members rises, or falls.
    pub(crate) members: i64,
}

/// A resource that moves to `deleted_resources`.
#[derive(Clone, Debug)]
pub(crate) struct DeletedResource {
    pub(crate) tenant: TenantId,
    pub(crate) id: ResourceId,
    pub(crate) kind: ResourceKind,
    pub(crate) at: Timestamp,
    pub(crate) actor: Option<Uuid>,
    pub(crate) version: i64,
    pub(crate) created: Timestamp,
    pub(crate) document: String,
    /// JSON list of the ids of the groups it was in.
    pub(crate) groups: String,
    /// How many members it had (groups only).
    pub(crate) member_count: i64,
}

/// A row of `change_log`.
#[derive(Clone, Debug)]
pub(crate) struct LogRow {
    pub(crate) tenant: TenantId,
    pub(crate) position: i64,
    pub(crate) at: Timestamp,
    pub(crate) actor: Option<Uuid>,
    pub(crate) kind: ResourceKind,
    pub(crate) id: ResourceId,
    pub(crate) event: EventKind,
    pub(crate) version: i64,
    pub(crate) logged: Logged,
    pub(crate) effects: String,
    /// Whether the resource changed. A row that is no change only keeps what became of a request.
    pub(crate) is_change: bool,
}

/// What the change log keeps of documents and members.
#[derive(Clone, Debug, Default)]
pub(crate) struct Logged {
    /// The document before, where it is kept whole.
    pub(crate) before: Option<String>,
    /// What `after` does not have of the document before ([`crate::OldValues`]).
    pub(crate) old_values: Option<String>,
    pub(crate) after: Option<String>,
    /// `{"add":[…],"remove":[…]}`
    pub(crate) members: Option<String>,
}

impl Logged {
    pub(super) fn created(document: &Document, members: Option<String>) -> Logged {
        Logged { after: Some(document.json.clone()), members, ..Logged::default() }
    }

    pub(super) fn updated(
        before: Option<&Before>,
        after: Option<&Document>,
        members: Option<String>,
    ) -> Logged {
        let old_values = before.and_then(|before| before.old_values.as_ref());
        Logged {
            before: before.filter(|_| old_values.is_none()).map(|before| before.json.clone()),
            old_values: old_values.map(|old| old.as_text().to_owned()),
            after: after.map(|document| document.json.clone()),
            members,
        }
    }

    pub(super) fn deleted(document: String) -> Logged {
        Logged { before: Some(document), ..Logged::default() }
    }
}

/// The rows to write, all of them, in one transaction. No two touch the same row; the order of the fields is an order
/// in which they can be written.
#[derive(Clone, Debug, Default)]
pub(crate) struct Writes {
    /// The feeds that move.
    pub(crate) feeds: Vec<FeedMove>,
    pub(crate) deleted: Vec<DeletedResource>,
    /// Resources that are not kept as deleted any more.
    pub(crate) restored: Vec<Of<ResourceId>>,
    pub(crate) new_users: Vec<ResourceRow>,
    pub(crate) users: Vec<ResourceRow>,
    pub(crate) new_groups: Vec<ResourceRow>,
    pub(crate) groups: Vec<GroupUpdate>,
    /// Memberships (group, member) that go.
    pub(crate) left: Vec<Of<(ResourceId, ResourceId)>>,
    /// Memberships that come; whether the member is a group.
    pub(crate) joined: Vec<(Of<(ResourceId, ResourceId)>, bool)>,
    /// Lookup keys that come and go. None is in both.
    pub(crate) keys_new: Vec<KeyRow>,
    pub(crate) keys_gone: Vec<KeyRow>,
    /// Paths whose keys are not kept any more.
    pub(crate) paths_ended: Vec<Of<i64>>,
    pub(crate) log: Vec<LogRow>,
    /// Rows of the audit log, which come last: its end is one row for all.
    pub(crate) audit: Vec<(Arc<By>, AuditEntry)>,
}

impl Writes {
    /// Whether there is nothing to write: whatever is written is logged.
    pub(crate) fn is_empty(&self) -> bool {
        self.log.is_empty()
    }
}

/// Ids as a JSON array.
pub(super) fn ids_json(ids: &BTreeSet<ResourceId>) -> String {
    let mut text = String::with_capacity(2 + ids.len() * 39);
    text.push('[');
    for (index, id) in ids.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        text.push('"');
        text.push_str(id.0.hyphenated().encode_lower(&mut Uuid::encode_buffer()));
        text.push('"');
    }
    text.push(']');
    text
}

/// Who came and who went, if anybody did.
pub(super) fn members_json(joined: &BTreeSet<ResourceId>, left: &BTreeSet<ResourceId>) -> Option<String> {
    (!joined.is_empty() || !left.is_empty())
        .then(|| format!("{{\"add\":{},\"remove\":{}}}", ids_json(joined), ids_json(left)))
}
