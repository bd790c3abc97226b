//! Bringing a deleted resource back.

use super::{
    KeptResource, Plan,
    resource::Resource,
    writes::{Logged, members_json},
};
use crate::{control::audit::AuditEntry, data::counts::Counts, data::model::*};
use scim::{Timestamp, schema::ResourceKind};
use serde_json::json;
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
        let name = self.check_user_name(tenant, change, document)?;
        let joined: BTreeSet<ResourceId> =
            self.members.get(&key).map(|members| members.ids().collect()).unwrap_or_default();
        let mut restored = Resource::new(change, document.stored_under(&name));
        restored.version = kept.version + 1;
        restored.created = kept.created;
        restored.member_count = super::actions::length(&joined);
        let groups: BTreeSet<ResourceId> =
            groups.iter().copied().filter(|group| self.takes_back(tenant, *group, change.id)).collect();
        let is_seen = |group: &&ResourceId| self.seen_group(tenant, **group).is_some();
        let rejoined = i64::try_from(groups.iter().filter(is_seen).count()).unwrap_or(i64::MAX);
        let growth = Counts { memberships: rejoined, ..Counts::default() };
        self.grow(tenant, restored.counts() + growth)?;
        self.take_user_name(tenant, change, name);
        let answer = restored.committed(true);
        self.kept.remove(&key);
        self.restored.push(key);
        self.resources.insert(key, restored);
        for group in groups {
            self.members.entry((tenant, group)).or_default().add(change.id);
            if let Some(group) = self.resources.get_mut(&(tenant, group)).filter(|group| !group.deleted) {
                group.touch(change.at);
                group.member_count += 1;
            }
        }
        let members = members_json(&joined, &BTreeSet::new());
        self.log(tenant, change, answer.version, Logged::created(document, members), true);
        Ok(answer)
    }

    /// Whether a restored resource becomes a member of a group that it was in: if that is a group, deleted or not, and it is
    /// no member yet.
    fn takes_back(&self, tenant: TenantId, group: ResourceId, member: ResourceId) -> bool {
        let key = (tenant, group);
        let is_group = self.resources.get(&key).is_some_and(|found| found.kind == ResourceKind::Group);
        let is_member = self.members.get(&key).is_some_and(|members| members.contains(&member));
        group != member && (is_group || self.kept.contains_key(&key)) && !is_member
    }

    /// A group that is not deleted.
    fn seen_group(&self, tenant: TenantId, group: ResourceId) -> Option<&Resource> {
        self.resources.get(&(tenant, group)).filter(|found| found.is(ResourceKind::Group))
    }
}

/// The audit entry of a resource that came back. Its name stays out of the audit log.
pub(super) fn entry(tenant: TenantId, change: &Change, deleted: Timestamp, version: i64) -> AuditEntry {
    AuditEntry {
        action: "resource.restore",
        target: format!("{} {}", change.kind.name(), change.id),
        tenant: Some(tenant),
        before: Some(json!({ "deleted": deleted.to_rfc3339() })),
        after: Some(json!({ "version": version })),
    }
}
