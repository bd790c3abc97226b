//! What a batch of changes does, decided in memory: facts go in, rows to write and one answer for each change come out.
//! The same for both databases, and pure (docs/adr/0008).

mod facts;
mod lookups;
mod membership;
mod resource;
#[cfg(test)]
mod tests;
mod writes;

pub(crate) use facts::{Facts, KeptResource, Questions, StoredResource, questions};
pub(crate) use lookups::KeyRow;
pub(crate) use writes::{DeletedResource, FeedMove, GroupUpdate, LogRow, ResourceRow, Writes};

use crate::{
    audit::{By, Deed},
    deeds,
    model::*,
};
use lookups::KeptPaths;
use membership::Membership;
use resource::Resource;
use scim::{Timestamp, schema::ResourceKind};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
};
use writes::{ids_json, members_json};

/// A key of tenant data: the tenant first.
pub(crate) type Of<T> = (TenantId, T);

/// A change with its tenant, as the writer receives it.
#[derive(Clone, Debug)]
pub(crate) struct TenantChange {
    pub(crate) tenant: TenantId,
    pub(crate) change: Change,
    /// Who makes it, where it is an administrative act.
    pub(crate) by: Option<Arc<By>>,
}

/// Answers, one for each change of the batch, in order. They hold once the writes are durable.
pub(crate) type Answers = Vec<Result<Committed, CommitError>>;

/// Decides the batch: each change sees what those before it have made.
pub(crate) fn plan(batch: &[TenantChange], facts: Facts) -> (Writes, Answers) {
    let mut plan = Plan::new(facts);
    let answers = batch.iter().map(|change| plan.change(change)).collect();
    (plan.into_writes(), answers)
}

struct Plan {
    /// Feeds as they were, and as the batch moves them.
    positions_before: HashMap<TenantId, i64>,
    positions: HashMap<TenantId, i64>,
    resources: BTreeMap<Of<ResourceId>, Resource>,
    user_names: HashMap<Of<String>, ResourceId>,
    /// Memberships, by group.
    members: BTreeMap<Of<ResourceId>, Membership>,
    /// Groups that lost members because those were deleted, when at last, where nobody asked for the group.
    bereft: BTreeMap<Of<ResourceId>, Timestamp>,
    /// Groups that are deleted, so that nobody sees their memberships.
    hidden: HashSet<Of<ResourceId>>,
    deleted: Vec<DeletedResource>,
    /// What was kept as deleted before the batch, and what of it came back.
    kept: HashMap<Of<ResourceId>, KeptResource>,
    restored: Vec<Of<ResourceId>>,
    lookup_paths: KeptPaths,
    log: Vec<LogRow>,
    audit: Vec<(Arc<By>, Deed)>,
}

impl Plan {
    fn new(facts: Facts) -> Plan {
        let resources =
            facts.resources.into_iter().map(|(key, stored)| (key, Resource::stored(stored))).collect();
        Plan {
            positions_before: facts.positions.clone(),
            positions: facts.positions,
            resources,
            user_names: facts.user_names,
            members: facts.members.into_iter().map(|(key, ids)| (key, Membership::stored(ids))).collect(),
            bereft: BTreeMap::new(),
            hidden: facts.hidden,
            deleted: Vec::new(),
            kept: facts.deleted,
            restored: Vec::new(),
            lookup_paths: KeptPaths::new(facts.lookup_paths),
            log: Vec::new(),
            audit: Vec::new(),
        }
    }

    fn change(&mut self, asked: &TenantChange) -> Result<Committed, CommitError> {
        let TenantChange { tenant, change, by } = asked;
        let tenant = *tenant;
        if !self.positions.contains_key(&tenant) {
            return Err(CommitError::TenantGone);
        }
        match &change.action {
            Action::Create { document, members } => self.create(tenant, change, document, members),
            Action::Update { expected, before, document, members } => {
                let found = self.check(tenant, change, *expected)?;
                if change.kind == ResourceKind::Group
                    && expected.is_none()
                    && before.as_ref().is_some_and(|before| !self.holds(tenant, change, before))
                {
                    return Err(CommitError::VersionMismatch(found.version));
                }
                if expected.is_some() || change.kind == ResourceKind::Group {
                    self.note_stored_document(tenant, change, before.as_ref());
                }
                self.update(tenant, change, before.as_ref(), document.as_ref(), members)
            }
            Action::Delete { expected } => {
                self.check(tenant, change, *expected)?;
                self.delete(tenant, change)
            }
            Action::Restore { deleted, document, groups } => {
                let kept = self.kept(tenant, change, *deleted)?;
                let answer = self.restore(tenant, change, kept, document, groups)?;
                let deed =
                    |by: &Arc<By>| (by.clone(), deeds::restored(tenant, change, kept.at, answer.version));
                self.audit.extend(by.as_ref().map(deed));
                Ok(answer)
            }
            Action::Record => {
                let answer = self.check(tenant, change, None)?;
                self.log(tenant, change, answer.version, [None, None, None], false);
                Ok(answer)
            }
        }
    }

    /// The resource as it is, if it is there and has the expected version.
    fn check(
        &self,
        tenant: TenantId,
        change: &Change,
        expected: Option<i64>,
    ) -> Result<Committed, CommitError> {
        let found = self.resources.get(&(tenant, change.id)).filter(|found| found.is(change.kind));
        let found = found.ok_or(CommitError::NotFound)?;
        match expected {
            Some(expected) if expected != found.version => Err(CommitError::VersionMismatch(found.version)),
            _ => Ok(found.committed(false)),
        }
    }

    /// Whether this is the document of the resource.
    fn holds(&self, tenant: TenantId, change: &Change, document: &str) -> bool {
        self.resources.get(&(tenant, change.id)).is_some_and(|resource| {
            let newest = resource.new_document.as_ref().map(|document| document.json.as_str());
            newest.or(resource.old_document.as_deref()) == Some(document)
        })
    }

    /// The caller knows the document as it is stored, by its version or by itself: its lookup keys go where they change.
    fn note_stored_document(&mut self, tenant: TenantId, change: &Change, before: Option<&String>) {
        if self.lookup_paths.has(tenant, change.kind)
            && let Some(resource) = self.resources.get_mut(&(tenant, change.id))
            && resource.stored
            && resource.new_document.is_none()
            && resource.old_document.is_none()
        {
            resource.old_document = before.cloned();
        }
    }

    fn create(
        &mut self,
        tenant: TenantId,
        change: &Change,
        document: &Document,
        members: &[ResourceId],
    ) -> Result<Committed, CommitError> {
        self.check_user_name(tenant, change, document)?;
        self.check_members(tenant, change.id, members)?;
        self.take_user_name(tenant, change, document);
        let created = Resource::new(change, document.clone());
        let answer = created.committed(true);
        self.resources.insert((tenant, change.id), created);
        let joined: BTreeSet<ResourceId> = members.iter().copied().collect();
        let members = members_json(&joined, &BTreeSet::new());
        self.members.insert((tenant, change.id), Membership::of_new_group(joined));
        self.log(tenant, change, answer.version, [None, Some(document.json.clone()), members], true);
        Ok(answer)
    }

    fn update(
        &mut self,
        tenant: TenantId,
        change: &Change,
        before: Option<&String>,
        document: Option<&Document>,
        delta: &MemberDelta,
    ) -> Result<Committed, CommitError> {
        if let Some(document) = document {
            self.check_user_name(tenant, change, document)?;
        }
        self.check_members(tenant, change.id, &delta.add)?;
        let (joined, left) = self.apply(tenant, change.id, delta);
        let changed = document.is_some() || !joined.is_empty() || !left.is_empty();
        if let Some(document) = document {
            self.take_user_name(tenant, change, document);
        }
        let Some(resource) = self.resources.get_mut(&(tenant, change.id)) else {
            return Err(CommitError::NotFound);
        };
        if changed {
            resource.touch(change.at);
            resource.new_document = document.cloned().or(resource.new_document.take());
        }
        let answer = resource.committed(changed);
        if changed {
            let after = document.map(|document| document.json.clone());
            let texts = [before.cloned(), after, members_json(&joined, &left)];
            self.log(tenant, change, answer.version, texts, true);
        }
        Ok(answer)
    }

    fn delete(&mut self, tenant: TenantId, change: &Change) -> Result<Committed, CommitError> {
        let member_count = self.member_count((tenant, change.id));
        let mut groups = BTreeSet::new();
        for ((owner, group), members) in &mut self.members {
            if *owner == tenant && members.remove(change.id) {
                groups.insert(*group);
            }
        }
        for group in &groups {
            let key = (tenant, *group);
            match self.resources.get_mut(&key) {
                Some(group) if group.deleted => {}
                Some(group) => group.touch(change.at),
                None if self.hidden.contains(&key) => {}
                None => drop(self.bereft.insert(key, change.at)),
            }
        }
        let Some(resource) = self.resources.get_mut(&(tenant, change.id)) else {
            return Err(CommitError::NotFound);
        };
        resource.touch(change.at);
        resource.deleted = true;
        let answer = resource.committed(true);
        let newest = resource.new_document.take().map(|document| document.json);
        let document = newest.or_else(|| resource.old_document.clone()).unwrap_or_default();
        self.deleted.push(DeletedResource {
            tenant,
            id: change.id,
            kind: change.kind,
            at: change.at,
            actor: change.actor,
            version: answer.version,
            created: answer.created,
            document: document.clone(),
            groups: ids_json(&groups),
            member_count,
        });
        self.log(tenant, change, answer.version, [Some(document), None, None], true);
        Ok(answer)
    }

    /// How many members a group has by now.
    fn member_count(&self, group: Of<ResourceId>) -> i64 {
        let stored = self.resources.get(&group).map_or(0, |group| group.member_count);
        stored + self.members.get(&group).map_or(0, Membership::growth)
    }

    /// The deleted resource as it is kept, if it is, and was deleted with the expected version.
    fn kept(&self, tenant: TenantId, change: &Change, expected: i64) -> Result<KeptResource, CommitError> {
        let key = (tenant, change.id);
        let kept = self.kept.get(&key).copied().filter(|_| !self.resources.contains_key(&key));
        let kept = kept.ok_or(CommitError::NotFound)?;
        if kept.version == expected { Ok(kept) } else { Err(CommitError::VersionMismatch(kept.version)) }
    }

    /// Brings a resource back, into the groups that are still there, those that are kept as deleted included: a group that
    /// comes back later has it as a member. A group comes back with its hidden memberships.
    fn restore(
        &mut self,
        tenant: TenantId,
        change: &Change,
        kept: KeptResource,
        document: &Document,
        groups: &[ResourceId],
    ) -> Result<Committed, CommitError> {
        let key = (tenant, change.id);
        self.check_user_name(tenant, change, document)?;
        self.take_user_name(tenant, change, document);
        let mut restored = Resource::new(change, document.clone());
        restored.version = kept.version + 1;
        restored.created = kept.created;
        let answer = restored.committed(true);
        self.kept.remove(&key);
        self.restored.push(key);
        self.resources.insert(key, restored);
        for group in groups.iter().filter(|group| **group != change.id) {
            self.rejoin(tenant, *group, change);
        }
        let joined = self.members.get(&key).map(|members| members.ids().collect()).unwrap_or_default();
        let members = members_json(&joined, &BTreeSet::new());
        self.log(tenant, change, answer.version, [None, Some(document.json.clone()), members], true);
        Ok(answer)
    }

    /// Makes a restored resource a member of a group that it was in, if that is a group, deleted or not.
    fn rejoin(&mut self, tenant: TenantId, group: ResourceId, change: &Change) {
        let key = (tenant, group);
        let found = self.resources.get_mut(&key).filter(|found| found.kind == ResourceKind::Group);
        if found.is_none() && !self.kept.contains_key(&key) {
            return;
        }
        if self.members.entry(key).or_default().add(change.id)
            && let Some(group) = found.filter(|group| !group.deleted)
        {
            group.touch(change.at);
        }
    }

    /// `userName` is unique within the tenant. A name that the batch gives up is free from the next batch on.
    fn check_user_name(
        &self,
        tenant: TenantId,
        change: &Change,
        document: &Document,
    ) -> Result<(), CommitError> {
        let Some(name) = document.keys.user_name.as_ref().filter(|_| change.kind == ResourceKind::User)
        else {
            return Ok(());
        };
        match self.user_names.get(&(tenant, name.clone())) {
            Some(owner) if *owner != change.id => Err(CommitError::UserNameTaken),
            _ => Ok(()),
        }
    }

    fn take_user_name(&mut self, tenant: TenantId, change: &Change, document: &Document) {
        if let Some(name) = document.keys.user_name.clone().filter(|_| change.kind == ResourceKind::User) {
            self.user_names.insert((tenant, name), change.id);
        }
    }

    /// Members must exist in the tenant, and a group is no member of itself.
    fn check_members(
        &self,
        tenant: TenantId,
        group: ResourceId,
        add: &[ResourceId],
    ) -> Result<(), CommitError> {
        let exists = |id: &ResourceId| {
            *id != group && self.resources.get(&(tenant, *id)).is_some_and(|resource| !resource.deleted)
        };
        let missing: Vec<ResourceId> = add.iter().filter(|id| !exists(id)).take(MAX_NAMED).copied().collect();
        if missing.is_empty() { Ok(()) } else { Err(CommitError::MissingMembers(missing)) }
    }

    /// Applies a change of membership; returns who really came and who really went.
    fn apply(
        &mut self,
        tenant: TenantId,
        group: ResourceId,
        delta: &MemberDelta,
    ) -> (BTreeSet<ResourceId>, BTreeSet<ResourceId>) {
        if delta.is_empty() {
            return Default::default();
        }
        let members = self.members.entry((tenant, group)).or_default();
        let mut left: BTreeSet<ResourceId> = if delta.clear {
            let stays: BTreeSet<&ResourceId> = delta.add.iter().collect();
            members.ids().filter(|id| !stays.contains(id)).collect()
        } else {
            delta.remove.iter().filter(|id| members.contains(id)).copied().collect()
        };
        left.retain(|id| members.remove(*id));
        let joined = delta.add.iter().filter(|id| members.add(**id)).copied().collect();
        (joined, left)
    }

    fn log(
        &mut self,
        tenant: TenantId,
        change: &Change,
        version: i64,
        [before, after, members]: [Option<String>; 3],
        is_change: bool,
    ) {
        let position = self.positions.entry(tenant).or_default();
        *position += 1;
        self.log.push(LogRow {
            tenant,
            position: *position,
            at: change.at,
            actor: change.actor,
            kind: change.kind,
            id: change.id,
            event: change.event,
            version,
            before,
            after,
            members,
            effects: change.effects.clone(),
            is_change,
        });
    }

    fn into_writes(mut self) -> Writes {
        let mut writes = Writes::default();
        let moved: BTreeMap<TenantId, i64> = self.log.iter().map(|row| (row.tenant, row.position)).collect();
        let from = |tenant| self.positions_before.get(&tenant).copied().unwrap_or_default();
        writes.feeds =
            moved.into_iter().map(|(tenant, to)| FeedMove { tenant, from: from(tenant), to }).collect();
        self.memberships(&mut writes);
        for feed in &writes.feeds {
            writes.paths_ended.extend(self.lookup_paths.ended(feed.tenant));
        }
        for ((tenant, id), resource) in self.resources {
            self.lookup_paths.write((tenant, id), &resource, &mut writes);
            resource.write(tenant, id, &mut writes);
        }
        writes.deleted = self.deleted;
        writes.restored = self.restored;
        writes.log = self.log;
        writes.audit = self.audit;
        writes
    }

    /// The difference between the memberships before and after, and what it means for the groups.
    fn memberships(&mut self, writes: &mut Writes) {
        for (key @ (tenant, group), members) in std::mem::take(&mut self.members) {
            let (growth, count) = (members.growth(), members.count());
            let (left, joined) = members.difference();
            match self.resources.get_mut(&key) {
                Some(found) => found.members = if found.stored { growth } else { count },
                None => writes.groups.extend(self.bereft.remove(&key).map(|last_modified| GroupUpdate {
                    tenant,
                    id: group,
                    // Each of those who left was deleted.
                    changes: -growth,
                    last_modified,
                    document: None,
                    members: growth,
                })),
            }
            writes.left.extend(left.into_iter().map(|member| (tenant, (group, member))));
            writes.joined.extend(joined.into_iter().map(|member| {
                let is_group =
                    self.resources.get(&(tenant, member)).is_some_and(|it| it.kind == ResourceKind::Group);
                ((tenant, (group, member)), is_group)
            }));
        }
    }
}

/// Most ids that an error names.
const MAX_NAMED: usize = 10;
