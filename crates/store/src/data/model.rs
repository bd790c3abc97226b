//! The values that pass between the store and the rooms above: rows, changes, listings, errors.

use crate::data::old_values::OldValues;
use scim::{
    Timestamp,
    condition::Condition,
    event::EventKind,
    limits::Measured,
    resource::Keys,
    schema::ResourceKind,
    search::{Position, Sort},
};
use serde_json::{Map, Value};
use std::fmt;
use uuid::Uuid;

/// A tenant's key. Comes only from an authenticated credential, a console session or the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TenantId(pub Uuid);

/// What a tenant is for. Its id tells (docs/adr/0036), so that the half of the data knows it without a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TenantKind {
    /// A company.
    Company,
    /// A trial of the gateway itself, for an hour at most. Lists, quotas and figures leave it out.
    Scratch,
}

impl TenantId {
    /// Every scratch tenant has this id or one above it: they begin with 32 ones. Ids of companies begin with the time
    /// (version 7), and come here in the year 10889, or are made from an Idempotency-Key, and never begin so.
    pub(crate) const FIRST_SCRATCH: TenantId = TenantId(Uuid::from_u128(0xffff_ffff << 96));

    /// The id of a scratch tenant, from any other id.
    pub fn scratch(unique: Uuid) -> TenantId {
        let mut bytes = *unique.as_bytes();
        bytes[..4].fill(0xff);
        TenantId(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }

    /// What it is for.
    pub fn kind(self) -> TenantKind {
        if self < TenantId::FIRST_SCRATCH { TenantKind::Company } else { TenantKind::Scratch }
    }
}

/// A resource's `id` (unique within the tenant; version 7, so ids follow the order of creation).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ResourceId(pub Uuid);

impl ResourceId {
    /// Reads an `id` of a URL or body; none if it cannot be one of ours. Only the canonical lower-case hyphenated
    /// spelling is one.
    pub fn parse(text: &str) -> Option<ResourceId> {
        let id = Uuid::try_parse(text).ok()?;
        let mut buffer = Uuid::encode_buffer();
        (id.hyphenated().encode_lower(&mut buffer) == text).then_some(ResourceId(id))
    }
}

impl fmt::Display for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

// ---------------------------------------------------------------------------------------------------------- resources

/// A stored resource as it is read.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// `id`.
    pub id: ResourceId,
    /// Counts changes, from 1.
    pub version: i64,
    /// `meta.created`.
    pub created: Timestamp,
    /// `meta.lastModified`.
    pub last_modified: Timestamp,
    /// The document (see [`scim::resource`]) as JSON text, not parsed on its way.
    pub document: String,
    /// How many members a Group has; 0 for a User.
    pub member_count: u64,
    /// `groups` of a User: direct first, then through nested groups; empty for a Group or when not asked for.
    pub groups: Vec<GroupOf>,
}

impl Row {
    /// About how many bytes of text the resource has in an answer, without its members. It takes about as much memory.
    pub fn size(&self) -> usize {
        const ID_AND_META: usize = 400;
        ID_AND_META + self.document.len() + self.groups.iter().map(GroupOf::size).sum::<usize>()
    }
}

/// The most groups of one user that are read: directly joined ones first. Published in `docs/OPERATIONS.md`.
pub const MAX_GROUPS_OF_USER: usize = 1000;

/// A group that a user belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupOf {
    /// The group.
    pub id: ResourceId,
    /// Its `displayName`, as written.
    pub display: Option<String>,
    /// Member of it directly, or through a nested group.
    pub direct: bool,
}

impl GroupOf {
    /// About how many bytes of text it has in an answer.
    pub(crate) fn size(&self) -> usize {
        const ID_AND_REFERENCE: usize = 200;
        ID_AND_REFERENCE + self.display.as_ref().map_or(0, String::len)
    }
}

/// A member of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its id.
    pub id: ResourceId,
    /// User or Group.
    pub kind: ResourceKind,
}

impl Member {
    pub(crate) fn new(id: ResourceId, is_group: bool) -> Member {
        Member { id, kind: if is_group { ResourceKind::Group } else { ResourceKind::User } }
    }
}

/// The members of a group, in the order of their ids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Members {
    /// Members that are users.
    pub users: Vec<ResourceId>,
    /// Members that are groups.
    pub groups: Vec<ResourceId>,
}

/// A document to be stored.
#[derive(Clone, Debug)]
pub struct Document {
    /// JSON text.
    pub json: String,
    /// What is kept in columns.
    pub keys: Keys,
}

impl Document {
    /// The document of a user who is stored under this key; of a group as it is.
    pub(crate) fn stored_under(&self, user_name: &Option<String>) -> Document {
        let mut document = self.clone();
        if user_name.is_some() {
            document.keys.user_name.clone_from(user_name);
        }
        document
    }
}

/// A change of membership, its steps already reduced to their net effect: first empty the group if `clear`, then
/// remove, then add. `remove` and `add` are disjoint and hold no id twice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemberDelta {
    /// Remove whoever is in the group and not in `add`.
    pub clear: bool,
    /// Ids to add; each must be a user or a group of the tenant.
    pub add: Vec<ResourceId>,
    /// Ids to remove.
    pub remove: Vec<ResourceId>,
}

impl MemberDelta {
    /// Whether it asks for nothing.
    pub fn is_empty(&self) -> bool {
        !self.clear && self.add.is_empty() && self.remove.is_empty()
    }
}

/// One request to change one resource of one tenant.
#[derive(Clone, Debug)]
pub struct Change {
    /// User or Group.
    pub kind: ResourceKind,
    /// Which resource (chosen by the caller on create).
    pub id: ResourceId,
    /// When; becomes `meta.lastModified`.
    pub at: Timestamp,
    /// Who: the credential that asked; none for an operator's command.
    pub actor: Option<Uuid>,
    /// What.
    pub action: Action,
    /// What happened, for whoever reads the feed.
    pub event: EventKind,
    /// Effects of the request as a JSON array, for the change log.
    pub effects: String,
    /// How many members the group has, as far as the caller knows; 0 for a user. A change that touches all of them weighs as
    /// much.
    pub member_count: u64,
}

/// What to do with the resource.
#[derive(Clone, Debug)]
pub enum Action {
    /// Store a new resource.
    Create {
        /// Its document.
        document: Document,
        /// Its first members (Group only).
        members: Vec<ResourceId>,
    },
    /// Change a resource. With neither a document nor an effective change of members nothing is written, and the
    /// version stays.
    Update {
        /// Only if this is its version.
        expected: Option<i64>,
        /// Its document before, for the change log; given when `document` is. Where no version of a group is expected,
        /// the change is made only if this is still its document: its version rises with each member, its document not.
        before: Option<Before>,
        /// Its document after; none leaves it as it is.
        document: Option<Document>,
        /// Change of membership (Group only).
        members: MemberDelta,
    },
    /// Take the resource away: it is gone for SCIM, and kept for operators to restore. Its memberships in groups go; the
    /// members of a group stay with it, where nobody sees them.
    Delete {
        /// Only if this is its version.
        expected: Option<i64>,
    },
    /// Bring a deleted resource back as it was, one version later; a group with those of its members that are still there.
    Restore {
        /// Only if this is the version with which it was deleted.
        deleted: i64,
        /// Its document.
        document: Document,
        /// The groups it was in; those that were purged are left out.
        groups: Vec<ResourceId>,
    },
    /// Change nothing, but keep the effects in the change log (a request whose operations were all ignored). The row is
    /// marked as no change.
    Record,
}

/// The document that a change replaces.
#[derive(Clone, Debug)]
pub struct Before {
    /// Its JSON text, as it is stored.
    pub json: String,
    /// What of it the change replaces. `None` if the change log must keep the whole document.
    pub old_values: Option<OldValues>,
    /// Whether it has the same `userName` as the document after it: then nobody asks whether the
    /// name is taken.
    pub(crate) keeps_user_name: bool,
}

impl Before {
    /// A document of which nothing is known but its text. The change log keeps it whole.
    pub fn whole(json: String) -> Before {
        Before { json, old_values: None, keeps_user_name: false }
    }

    /// A document that `after` replaces.
    pub fn of(json: String, before: &Map<String, Value>, after: &Map<String, Value>) -> Before {
        let old_values = OldValues::between(Measured { document: before, length: json.len() }, after);
        Before { json, old_values, keeps_user_name: before.get("userName") == after.get("userName") }
    }
}

/// A change that is durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Committed {
    /// The version after it.
    pub version: i64,
    /// `meta.created`.
    pub created: Timestamp,
    /// `meta.lastModified` after it.
    pub last_modified: Timestamp,
    /// Whether anything was written to the resource or its members.
    pub changed: bool,
}

/// Why a change was not made. Only this change: its neighbours in the batch are not touched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// The tenant was deleted while its request was under way.
    #[error("the tenant is gone")]
    TenantGone,
    /// No such resource in this tenant.
    #[error("no such resource")]
    NotFound,
    /// The resource has another version than expected.
    #[error("version is {0}")]
    VersionMismatch(i64),
    /// `userName` is taken in this tenant.
    #[error("userName is taken")]
    UserNameTaken,
    /// These ids to add are neither users nor groups of the tenant (at most ten are named).
    #[error("members do not exist")]
    MissingMembers(Vec<ResourceId>),
    /// The tenant would have more than it may.
    #[error("quota of the tenant is exceeded: {0:?}")]
    QuotaExceeded(crate::data::counts::Quota),
    /// The database, or the place in the queue.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A fault below the rules.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The tenant has too much work in flight. Holds the number of seconds after which to try again. Nothing was written.
    #[error("too much is in flight for this tenant")]
    Overloaded(u32),
    /// It took longer than it may, or nobody waited for it any more. Nothing was written.
    #[error("it took longer than it may")]
    Late,
    /// The database cannot be reached or lost the connection; it is unknown whether a change in flight was written.
    #[error("database is not available: {0}")]
    Unavailable(String),
    /// The database refused a statement that it should take: a bug.
    #[error("database error: {0}")]
    Failed(String),
}

/// A question for many resources.
#[derive(Clone, Debug)]
pub struct Listing {
    /// User or Group.
    pub kind: ResourceKind,
    /// Which; none is all.
    pub condition: Option<Condition>,
    /// Order; none is the order of ids, which is that of creation.
    pub sort: Option<Sort>,
    /// From where.
    pub from: From,
    /// The most rows; 0 only counts.
    pub limit: u32,
    /// The page ends before the row that would make it larger than this ([`Row::size`]); its first row is always there.
    pub max_bytes: usize,
    /// Whether to read `groups` of users.
    pub with_groups: bool,
}

/// Where a page begins.
#[derive(Clone, Debug)]
pub enum From {
    /// The number of resources to skip.
    Offset(u64),
    /// Behind this position; none is the beginning.
    After(Option<Position>),
}

/// A page.
#[derive(Clone, Debug)]
pub struct Page {
    /// The rows.
    pub rows: Vec<Row>,
    /// How many fulfil the condition in all.
    pub total: u64,
    /// The position of the last row if there are more behind it.
    pub next: Option<Position>,
    /// Whether the page has fewer rows than were asked for, since it would be too large.
    pub is_cut: bool,
}
