//! Bringing a deleted resource back.

use super::{KeptResource, Plan, resource::Resource, writes::members_json};
use crate::{counts::Counts, model::*};
use scim::schema::ResourceKind;
use std::collections::BTreeSet;

impl Plan {
    /// The deleted resource as it is kept, if it is, and was deleted with the expected version.
    pub(super) fn kept(
        &self,
        tenant: TenantId,
        change: &Change,
        expected: i64,
    ) -> Result<KeptResource, CommitError> {
        let key = (tenant, change.id);
        let kept = self.kept.get(&key).copied().filter(|_| !self.resources.contains_key(&key));
        let kept = kept.ok_or(CommitError::NotFound)?;
        if kept.version == expected { Ok(kept) } else { Err(CommitError::VersionMismatch(kept.version)) }
    }

    /// Brings a resource back, into the groups that are still there, those that are kept as deleted included: a group that
    /// comes back later has it as a member. A group comes back with its hidden memberships.
    pub(super) fn restore(
        &mut self,
        tenant: TenantId,
        change: &Change,
        kept: KeptResource,
        document: &Document,
        groups: &[ResourceId],
    ) -> Result<Committed, CommitError> {
        let key = (tenant, change.id);
        self.check_user_name(tenant, change, document)?;
        let joined: BTreeSet<ResourceId> =
            self.members.get(&key).map(|members| members.ids().collect()).unwrap_or_default();
        let mut restored = Resource::new(change, document.clone());
        restored.version = kept.version + 1;
        restored.created = kept.created;
        restored.member_count = super::actions::length(&joined);
        self.take_user_name(tenant, change, document);
        self.count(tenant, restored.counts());
        let answer = restored.committed(true);
        self.kept.remove(&key);
        self.restored.push(key);
        self.resources.insert(key, restored);
        for group in groups.iter().filter(|group| **group != change.id) {
            self.rejoin(tenant, *group, change);
        }
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
            group.member_count += 1;
            self.count(tenant, Counts { memberships: 1, ..Counts::default() });
        }
    }
}
