//! Creating, updating and deleting a resource.

use super::{
    DeletedResource, Plan,
    membership::Membership,
    resource::Resource,
    writes::{Logged, ids_json, members_json},
};
use crate::{data::counts::Counts, data::model::*};
use std::collections::BTreeSet;

impl Plan {
    pub(super) fn create(
        &mut self,
        tenant: TenantId,
        change: &Change,
        document: &Document,
        members: &[ResourceId],
    ) -> Result<Committed, CommitError> {
        let name = self.check_user_name(tenant, change, document)?;
        self.check_members(tenant, change.id, members)?;
        let joined: BTreeSet<ResourceId> = members.iter().copied().collect();
        let mut created = Resource::new(change, document.stored_under(&name));
        created.member_count = length(&joined);
        self.grow(tenant, created.counts())?;
        self.take_user_name(tenant, change, name);
        let answer = created.committed(true);
        self.resources.insert((tenant, change.id), created);
        let members = members_json(&joined, &BTreeSet::new());
        self.members.insert((tenant, change.id), Membership::of_new_group(joined));
        self.log(tenant, change, answer.version, Logged::created(document, members), true);
        Ok(answer)
    }

    pub(super) fn update(
        &mut self,
        tenant: TenantId,
        change: &Change,
        before: Option<&Before>,
        document: Option<&Document>,
        delta: &MemberDelta,
    ) -> Result<Committed, CommitError> {
        let name = match document {
            Some(document) => self.check_user_name(tenant, change, document)?,
            None => None,
        };
        self.check_members(tenant, change.id, &delta.add)?;
        let (joined, left) = self.difference(tenant, change.id, delta);
        let changed = document.is_some() || !joined.is_empty() || !left.is_empty();
        let key = (tenant, change.id);
        let more_members = length(&joined) - length(&left);
        let Some(resource) = self.resources.get(&key) else { return Err(CommitError::NotFound) };
        if !changed {
            return Ok(resource.committed(false));
        }
        let growth = resource.growth(document, more_members);
        if growth.active_users < 0 {
            // A user who has left the company can always be disabled, even if the document grows by a byte.
            self.count(tenant, growth);
        } else {
            self.grow(tenant, growth)?;
        }
        let Some(resource) = self.resources.get_mut(&key) else { return Err(CommitError::NotFound) };
        resource.touch(change.at);
        resource.member_count += more_members;
        if let Some(document) = document {
            resource.replace(document.stored_under(&name));
        }
        let answer = resource.committed(true);
        self.take_user_name(tenant, change, name);
        if !joined.is_empty() || !left.is_empty() {
            let members = self.members.entry(key).or_default();
            for id in &left {
                members.remove(*id);
            }
            for id in &joined {
                members.add(*id);
            }
        }
        let logged = Logged::updated(before, document, members_json(&joined, &left));
        self.log(tenant, change, answer.version, logged, true);
        Ok(answer)
    }

    pub(super) fn delete(&mut self, tenant: TenantId, change: &Change) -> Result<Committed, CommitError> {
        let groups = self.leave_groups(tenant, change);
        let Some(resource) = self.resources.get_mut(&(tenant, change.id)) else {
            return Err(CommitError::NotFound);
        };
        let counted = resource.counts();
        resource.touch(change.at);
        resource.deleted = true;
        let answer = resource.committed(true);
        let document = resource.take_document();
        let member_count = resource.member_count;
        self.count(tenant, -counted);
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
        self.log(tenant, change, answer.version, Logged::deleted(document), true);
        Ok(answer)
    }

    /// Takes a resource that is deleted out of its groups, those that are deleted included. Returns them.
    fn leave_groups(&mut self, tenant: TenantId, change: &Change) -> BTreeSet<ResourceId> {
        let mut groups = BTreeSet::new();
        for ((owner, group), members) in &mut self.members {
            if *owner == tenant && members.contains(&change.id) {
                members.remove(change.id);
                groups.insert(*group);
            }
        }
        let mut seen = 0;
        for group in &groups {
            let key = (tenant, *group);
            match self.resources.get_mut(&key) {
                Some(group) if group.deleted => continue,
                Some(group) => {
                    group.touch(change.at);
                    group.member_count -= 1;
                }
                None if self.hidden.contains(&key) || self.kept.contains_key(&key) => continue,
                None => drop(self.bereft.insert(key, change.at)),
            }
            seen += 1;
        }
        self.count(tenant, Counts { memberships: -seen, ..Counts::default() });
        groups
    }

    /// Who really comes and who really goes by a change of membership.
    fn difference(
        &self,
        tenant: TenantId,
        group: ResourceId,
        delta: &MemberDelta,
    ) -> (BTreeSet<ResourceId>, BTreeSet<ResourceId>) {
        if delta.is_empty() {
            return Default::default();
        }
        let nobody = Membership::default();
        let members = self.members.get(&(tenant, group)).unwrap_or(&nobody);
        let joined = delta.add.iter().filter(|id| !members.contains(id)).copied().collect();
        let left = if delta.clear {
            let stays: BTreeSet<&ResourceId> = delta.add.iter().collect();
            members.ids().filter(|id| !stays.contains(id)).collect()
        } else {
            delta.remove.iter().filter(|id| members.contains(id)).copied().collect()
        };
        (joined, left)
    }
}

pub(super) fn length(ids: &BTreeSet<ResourceId>) -> i64 {
    i64::try_from(ids.len()).unwrap_or(i64::MAX)
}
