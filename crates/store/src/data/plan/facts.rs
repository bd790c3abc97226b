//! What has to be known to decide a batch, and how the database answers.

use super::{
    Of, TenantChange,
    lookups::{KeptPath, kept_paths},
};
use crate::{data::counts::Counts, data::model::*};
use scim::{Timestamp, schema::ResourceKind};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// What has to be known to decide a batch.
#[derive(Clone, Debug, Default)]
pub(crate) struct Questions {
    /// Whose feeds the changes move, in the order in which they are locked.
    pub(crate) tenants: BTreeSet<TenantId>,
    /// Which resources exist.
    resources: BTreeMap<Of<ResourceId>, Sought>,
    /// Who is stored under these keys of `userName`.
    pub(crate) user_names: BTreeSet<Of<String>>,
    /// Which of these (group, member) pairs are memberships.
    pub(crate) pairs: BTreeSet<Of<(ResourceId, ResourceId)>>,
    /// Every membership of these groups.
    pub(crate) members_of: BTreeSet<Of<ResourceId>>,
    /// Every membership in any group of these resources.
    pub(crate) groups_of: BTreeSet<Of<ResourceId>>,
    /// Which of these are kept as deleted.
    pub(crate) deleted: BTreeSet<Of<ResourceId>>,
}

/// A resource that is looked for.
#[derive(Clone, Copy, Debug)]
struct Sought {
    wanted: Wanted,
    /// `None` if it may be of either kind.
    kind: Option<ResourceKind>,
}

/// What is wanted of the document of a resource; the greater includes the less.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Wanted {
    #[default]
    Nothing,
    /// How many bytes it has.
    Size,
    Whole,
}

/// The feed of a tenant: where it stands, and how much there is of the tenant.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Feed {
    pub(crate) position: i64,
    pub(crate) counts: Counts,
}

impl Questions {
    fn want(&mut self, resource: Of<ResourceId>, kind: Option<ResourceKind>, wanted: Wanted) {
        let sought = self.resources.entry(resource).or_insert(Sought { wanted, kind });
        sought.wanted = sought.wanted.max(wanted);
        sought.kind = sought.kind.filter(|sought| Some(*sought) == kind);
    }

    /// The resources that are looked for among those of a kind, and what is wanted of their documents.
    pub(crate) fn resources(&self, kind: ResourceKind) -> impl Iterator<Item = (Of<ResourceId>, Wanted)> {
        let of_kind = move |sought: &Sought| sought.kind.is_none_or(|of| of == kind);
        let found = self.resources.iter().filter(move |(_, sought)| of_kind(sought));
        found.map(|(key, sought)| (*key, sought.wanted))
    }

    /// Whether answering them may take so long that nobody should hold a lock meanwhile.
    pub(crate) fn are_many(&self) -> bool {
        !self.members_of.is_empty() || self.resources.len() + self.pairs.len() > MANY
    }
}

/// Most ids that are looked up while a lock is held: they take less than a millisecond.
const MANY: usize = 64;

/// A resource as it is stored.
#[derive(Clone, Debug)]
pub(crate) struct StoredResource {
    pub(crate) kind: ResourceKind,
    pub(crate) version: i64,
    pub(crate) created: Timestamp,
    pub(crate) last_modified: Timestamp,
    /// Given if it was asked for.
    pub(crate) document: Option<String>,
    /// Bytes of its document, given if they were asked for.
    pub(crate) bytes: i64,
    /// Whether it is active (users only).
    pub(crate) is_active: bool,
    /// How many members it has (groups only).
    pub(crate) member_count: i64,
}

/// The answers of the database; what is absent does not exist.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    /// The feeds of the tenants.
    pub(crate) feeds: HashMap<TenantId, Feed>,
    pub(crate) resources: HashMap<Of<ResourceId>, StoredResource>,
    pub(crate) user_names: HashMap<Of<String>, ResourceId>,
    /// Memberships, by group. Those of a deleted group are there too.
    pub(crate) members: HashMap<Of<ResourceId>, BTreeSet<ResourceId>>,
    /// Which of the groups that [`Questions::groups_of`] found are deleted: their memberships are hidden.
    pub(crate) hidden: HashSet<Of<ResourceId>>,
    /// What is kept as deleted.
    pub(crate) deleted: HashMap<Of<ResourceId>, KeptResource>,
    /// The paths of which lookup keys are kept; nothing of a tenant that has none.
    pub(crate) lookup_paths: HashMap<TenantId, Vec<KeptPath>>,
}

impl Facts {
    /// Notes the feed of a tenant, and the paths of which it keeps lookup keys ([`kept_paths`]).
    pub(crate) fn feed(&mut self, tenant: TenantId, feed: Feed, paths: Option<&str>) {
        self.feeds.insert(tenant, feed);
        let paths = kept_paths(paths);
        if !paths.is_empty() {
            self.lookup_paths.insert(tenant, paths);
        }
    }
}

/// A deleted resource as it is kept, as far as the plan wants to know.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeptResource {
    /// When it was deleted.
    pub(crate) at: Timestamp,
    pub(crate) version: i64,
    pub(crate) created: Timestamp,
}

/// What has to be known to decide the batch.
pub(crate) fn questions(batch: &[TenantChange]) -> Questions {
    let mut questions = Questions::default();
    for TenantChange { tenant, change, .. } in batch {
        let (tenant, kind) = (*tenant, Some(change.kind));
        questions.tenants.insert(tenant);
        let mut candidates: &[ResourceId] = &[];
        let mut document = None;
        match &change.action {
            Action::Create { document: new, members } => {
                document = Some(new);
                candidates = members;
            }
            Action::Update { expected, before, document: new, members } => {
                let is_compared =
                    change.kind == ResourceKind::Group && expected.is_none() && before.is_some();
                questions.want(
                    (tenant, change.id),
                    kind,
                    match new {
                        _ if is_compared => Wanted::Whole,
                        Some(_) => Wanted::Size,
                        None => Wanted::Nothing,
                    },
                );
                // The caller knows the stored document by its version: a user that keeps its name has it. Whether it
                // is stored under the key is asked where it may be stored under the lower case.
                let keeps_name = expected.is_some() && before.as_ref().is_some_and(|it| it.keeps_user_name);
                let has_key = |new: &Document| new.keys.lower_user_name.is_none();
                document = new.as_ref().filter(|new| !(keeps_name && has_key(new)));
                candidates = &members.add;
                if members.clear {
                    questions.members_of.insert((tenant, change.id));
                }
                let named = members.add.iter().chain(&members.remove);
                questions.pairs.extend(named.map(|member| (tenant, (change.id, *member))));
            }
            Action::Delete { .. } => {
                questions.want((tenant, change.id), kind, Wanted::Whole);
                questions.groups_of.insert((tenant, change.id));
            }
            Action::Restore { document: old, groups, .. } => {
                document = Some(old);
                questions.deleted.insert((tenant, change.id));
                questions.want((tenant, change.id), None, Wanted::Nothing);
                if change.kind == ResourceKind::Group {
                    questions.members_of.insert((tenant, change.id));
                }
                for group in groups {
                    questions.want((tenant, *group), None, Wanted::Nothing);
                    questions.deleted.insert((tenant, *group));
                    questions.pairs.insert((tenant, (*group, change.id)));
                }
            }
            Action::Record => {
                questions.want((tenant, change.id), kind, Wanted::Nothing);
            }
        }
        for member in candidates {
            questions.want((tenant, *member), None, Wanted::Nothing);
        }
        if change.kind == ResourceKind::User
            && let Some(Document { keys, .. }) = document
        {
            let names = keys.user_name.iter().chain(&keys.lower_user_name);
            questions.user_names.extend(names.map(|name| (tenant, name.clone())));
        }
    }
    questions
}
