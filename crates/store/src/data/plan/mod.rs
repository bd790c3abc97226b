//! What a batch of changes does, decided in memory: facts go in, rows to write and one answer for each change come out.
//! The same for both databases, and pure (docs/adr/0008).

mod actions;
mod checks;
mod facts;
mod lookups;
mod membership;
mod resource;
mod restore;
#[cfg(test)]
mod tests;
mod writes;

pub(crate) use facts::{Facts, Feed, KeptResource, Questions, StoredResource, Wanted, questions};
pub(crate) use lookups::KeyRow;
pub(crate) use writes::{DeletedResource, FeedMove, GroupUpdate, LogRow, Logged, ResourceRow, Writes};

use crate::{
    control::{actor::By, audit::AuditEntry},
    data::counts::{Counts, Quotas},
    data::model::*,
};
use lookups::KeptPaths;
use membership::Membership;
use resource::Resource;
use scim::{Timestamp, schema::ResourceKind};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

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
pub(crate) fn plan(batch: &[TenantChange], facts: Facts, quotas: Quotas) -> (Writes, Answers) {
    let mut plan = Plan::new(facts, quotas);
    let answers = batch.iter().map(|change| plan.change(change)).collect();
    (plan.into_writes(), answers)
}

struct Plan {
    quotas: Quotas,
    /// Feeds as they were, and as the batch moves them.
    feeds_before: HashMap<TenantId, Feed>,
    feeds: BTreeMap<TenantId, Feed>,
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
    audit: Vec<(Arc<By>, AuditEntry)>,
}

impl Plan {
    fn new(facts: Facts, quotas: Quotas) -> Plan {
        let resources =
            facts.resources.into_iter().map(|(key, stored)| (key, Resource::stored(stored))).collect();
        Plan {
            quotas,
            feeds: facts.feeds.iter().map(|(tenant, feed)| (*tenant, *feed)).collect(),
            feeds_before: facts.feeds,
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
        if !self.feeds.contains_key(&tenant) {
            return Err(CommitError::TenantGone);
        }
        match &change.action {
            Action::Create { document, members } => self.create(tenant, change, document, members),
            Action::Update { expected, before, document, members } => {
                let found = self.check(tenant, change, *expected)?;
                if change.kind == ResourceKind::Group
                    && expected.is_none()
                    && before.as_ref().is_some_and(|before| !self.holds(tenant, change, &before.json))
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
                let entry =
                    |by: &Arc<By>| (by.clone(), restore::entry(tenant, change, kept.at, answer.version));
                self.audit.extend(by.as_ref().map(entry));
                Ok(answer)
            }
            Action::Record => {
                let answer = self.check(tenant, change, None)?;
                self.log(tenant, change, answer.version, Logged::default(), false);
                Ok(answer)
            }
        }
    }

    /// The caller knows the document as it is stored, by its version or by itself: its lookup keys go where they change.
    fn note_stored_document(&mut self, tenant: TenantId, change: &Change, before: Option<&Before>) {
        if self.lookup_paths.has(tenant, change.kind)
            && let Some(resource) = self.resources.get_mut(&(tenant, change.id))
            && resource.is_stored()
            && resource.document().is_none()
        {
            resource.old_document = before.map(|before| before.json.clone());
        }
    }

    /// Counts what a change adds to a tenant, unless that is more than the tenant may have.
    fn grow(&mut self, tenant: TenantId, growth: Counts) -> Result<(), CommitError> {
        let counts = self.feeds.entry(tenant).or_default().counts;
        let quotas = match tenant.kind() {
            TenantKind::Company => self.quotas,
            TenantKind::Scratch => Quotas::default(),
        };
        match quotas.exceeded(counts, growth) {
            Some(quota) => Err(CommitError::QuotaExceeded(quota)),
            None => {
                self.count(tenant, growth);
                Ok(())
            }
        }
    }

    /// Counts what a change adds to a tenant, or takes from it.
    fn count(&mut self, tenant: TenantId, growth: Counts) {
        self.feeds.entry(tenant).or_default().counts += growth;
    }

    fn log(&mut self, tenant: TenantId, change: &Change, version: i64, logged: Logged, is_change: bool) {
        let feed = self.feeds.entry(tenant).or_default();
        feed.position += 1;
        self.log.push(LogRow {
            tenant,
            position: feed.position,
            at: change.at,
            actor: change.actor,
            kind: change.kind,
            id: change.id,
            event: change.event,
            version,
            logged,
            effects: change.effects.clone(),
            is_change,
        });
    }

    fn into_writes(mut self) -> Writes {
        let mut writes = Writes { feeds: self.feed_moves(), ..Writes::default() };
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

    /// Whatever is written is logged, so that a feed that stands where it stood has nothing to write.
    fn feed_moves(&self) -> Vec<FeedMove> {
        let moves = self.feeds.iter().map(|(tenant, feed)| {
            let before = self.feeds_before.get(tenant).copied().unwrap_or_default();
            FeedMove {
                tenant: *tenant,
                from: before.position,
                to: feed.position,
                growth: feed.counts - before.counts,
            }
        });
        moves.filter(|feed| feed.from != feed.to).collect()
    }

    /// The difference between the memberships before and after.
    fn memberships(&mut self, writes: &mut Writes) {
        for (key @ (tenant, group), members) in std::mem::take(&mut self.members) {
            let growth = members.growth();
            let (left, joined) = members.difference();
            writes.groups.extend(self.bereft.remove(&key).map(|last_modified| GroupUpdate {
                tenant,
                id: group,
                // Each of those who left was deleted.
                changes: -growth,
                last_modified,
                document: None,
                members: growth,
            }));
            writes.left.extend(left.into_iter().map(|member| (tenant, (group, member))));
            writes.joined.extend(joined.into_iter().map(|member| {
                let is_group =
                    self.resources.get(&(tenant, member)).is_some_and(|it| it.kind == ResourceKind::Group);
                ((tenant, (group, member)), is_group)
            }));
        }
    }
}
