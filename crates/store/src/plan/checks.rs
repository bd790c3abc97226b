//! Whether a change may be made.

use super::Plan;
use crate::model::*;
use scim::schema::ResourceKind;

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

    /// `userName` is unique within the tenant. A name that the batch gives up is free from the next batch on.
    pub(super) fn check_user_name(
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

    pub(super) fn take_user_name(&mut self, tenant: TenantId, change: &Change, document: &Document) {
        if let Some(name) = document.keys.user_name.clone().filter(|_| change.kind == ResourceKind::User) {
            self.user_names.insert((tenant, name), change.id);
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
