//! DELETE: the resource is gone for SCIM, and kept for operators to restore.

use crate::{Context, Failure, MAX_RACES, Precondition, Provisioning, failure};
use scim::{event::EventKind, schema::ResourceKind};
use store::{Action, Change, CommitError, ResourceId};

impl Provisioning {
    /// Deletes a resource (RFC 7644 section 3.6).
    ///
    /// # Errors
    /// 404 if the tenant has no such resource, 412 if the precondition fails.
    pub async fn delete(
        &self,
        context: &Context,
        kind: ResourceKind,
        id: &str,
        precondition: Precondition<'_>,
    ) -> Result<(), Failure> {
        let key = ResourceId::parse(id).ok_or_else(|| failure::not_found(kind, id))?;
        for _ in 0..MAX_RACES {
            let expected = if precondition.is_none() {
                None
            } else {
                let row = self.get(context, kind, id, false).await?;
                precondition.check(row.version)?;
                Some(row.version)
            };
            let change = Change {
                kind,
                id: key,
                at: context.now,
                actor: context.actor,
                action: Action::Delete { expected },
                event: EventKind::Delete,
                effects: "[]".to_owned(),
                member_count: 0,
            };
            match self.store.commit(context.tenant, change).await {
                Err(CommitError::VersionMismatch(_)) => {}
                Err(error) => return Err(failure::of_commit(error, kind, id)),
                Ok(_) => return Ok(()),
            }
        }
        Err(failure::of_commit(CommitError::VersionMismatch(0), kind, id))
    }
}
