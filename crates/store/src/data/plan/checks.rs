//! Whether a change may be made.

use super::Plan;
use crate::data::model::*;
use scim::{resource::Keys, schema::ResourceKind};

/// Most ids that an error names.
const MAX_NAMED: usize = 10;

impl Plan {
    /// The resource as it is, if it is there and has the expected version.
    pub(super) fn check(
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
    pub(super) fn holds(&self, tenant: TenantId, change: &Change, document: &str) -> bool {
        self.resources.get(&(tenant, change.id)).is_some_and(|resource| resource.document() == Some(document))
    }

    /// The key under which the name of a user is stored; `None` for a group. `userName` is unique within the tenant. A name
    /// that the batch gives up is free from the next batch on.
    ///
    /// A user who is stored under the lower case of its name gets the key, unless that belongs to another user: then it
    /// stays where it is (`docs/adr/0034`).
    pub(super) fn check_user_name(
        &self,
        tenant: TenantId,
        change: &Change,
        document: &Document,
    ) -> Result<Option<String>, CommitError> {
        let Keys { user_name: Some(key), lower_user_name, .. } = &document.keys else { return Ok(None) };
        if change.kind != ResourceKind::User {
            return Ok(None);
        }
        let owner = |name: &String| self.user_names.get(&(tenant, name.clone())).copied();
        let owner_of_lower = lower_user_name.as_ref().and_then(owner);
        let is_free = |owner: Option<ResourceId>| owner.is_none_or(|owner| owner == change.id);
        match lower_user_name {
            _ if !is_free(owner_of_lower) => Err(CommitError::UserNameTaken),
            _ if is_free(owner(key)) => Ok(Some(key.clone())),
            Some(lower) if owner_of_lower == Some(change.id) => Ok(Some(lower.clone())),
            _ => Err(CommitError::UserNameTaken),
        }
    }

    /// Notes under which key a user is stored.
    pub(super) fn take_user_name(&mut self, tenant: TenantId, change: &Change, key: Option<String>) {
        if let Some(key) = key {
            self.user_names.insert((tenant, key), change.id);
        }
    }

    /// Members must exist in the tenant, and a group is no member of itself.
    pub(super) fn check_members(
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
}
