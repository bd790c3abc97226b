//! PATCH: what some operations make of a resource.

use crate::{
    Context, Failure, Precondition, Provisioning, Written, failure, member, off_worker,
    update::{self, Wish},
};
use scim::{
    effect::{Effect, Outcome},
    event::EventKind,
    patch::PatchRequest,
    schema::{ResourceKind, ResourceType},
};
use serde_json::Map;
use std::sync::Arc;
use store::{Action, Change, Members, ResourceId};

/// What a PATCH did, without the resource.
#[derive(Clone, Debug)]
pub struct Changed {
    /// The version of the resource after it.
    pub version: i64,
    /// What became of each operation.
    pub effects: Vec<Effect>,
}

impl Provisioning {
    /// Patches a resource (RFC 7644 section 3.5.2).
    ///
    /// # Errors
    /// 404, 412, 400 with the `scimType` of the operation that is refused, 400 `invalidValue` for a document that grows
    /// above a limit, 409 `uniqueness`, 413.
    pub async fn patch(
        &self,
        context: &Context,
        kind: ResourceKind,
        id: &str,
        precondition: Precondition<'_>,
        request: impl Into<Arc<PatchRequest>>,
    ) -> Result<Written, Failure> {
        self.update(context, kind, id, precondition, Wish::Patch(request.into())).await
    }

    /// Patches a resource for a client that does not want to see it.
    ///
    /// # Errors
    /// As [`Provisioning::patch`].
    pub async fn patch_in_silence(
        &self,
        context: &Context,
        kind: ResourceKind,
        id: &str,
        precondition: Precondition<'_>,
        request: impl Into<Arc<PatchRequest>>,
    ) -> Result<Changed, Failure> {
        let request = request.into();
        if precondition.is_none()
            && request.is_members_only(ResourceType::of(kind))
            && let Some(changed) = self.patch_members(context, id, &request).await?
        {
            return Ok(changed);
        }
        let written = self.patch(context, kind, id, precondition, request).await?;
        Ok(Changed { version: written.row.version, effects: written.effects })
    }

    /// Patches the members of a group without reading the group; `None` if the operations cannot be understood
    /// without its members of today, or touch all of them: what that weighs stands with the group.
    async fn patch_members(
        &self,
        context: &Context,
        id: &str,
        request: &Arc<PatchRequest>,
    ) -> Result<Option<Changed>, Failure> {
        let rules = self.rules(context, ResourceKind::Group);
        let (shared, work, own_id) = (Arc::clone(request), request.work(0), id.to_owned());
        let patched = off_worker(context.tenant, work, move || {
            let patched = shared.apply_to(rules.resource_type, rules.profile, &own_id, &Map::new())?;
            if member::needs_members(&patched.members) {
                return Ok(None);
            }
            Ok::<_, Failure>(Some((member::reduce(&patched.members, &Members::default())?, patched.effects)))
        });
        let Some((members, effects)) = patched.await?? else { return Ok(None) };
        if members.clear {
            return Ok(None);
        }
        let key = ResourceId::parse(id).ok_or_else(|| failure::not_found(ResourceKind::Group, id))?;
        let is_ignored = effects.iter().any(|effect| effect.outcome == Outcome::Ignored);
        let action = if members.is_empty() && is_ignored {
            Action::Record
        } else {
            Action::Update { expected: None, before: None, document: None, members }
        };
        let change = Change {
            kind: ResourceKind::Group,
            id: key,
            at: context.now,
            actor: context.actor,
            action,
            event: EventKind::Patch,
            effects: crate::to_text(&effects)?,
            member_count: 0,
        };
        let committed = self
            .store
            .commit(context.tenant, change)
            .await
            .map_err(|error| failure::of_commit(error, ResourceKind::Group, id))?;
        let effects = update::settle(effects, committed.changed);
        Ok(Some(Changed { version: committed.version, effects }))
    }
}
