//! PATCH, and the loop that every change of an existing resource runs through: read, compute, commit, and compute again
//! for whoever lost a race.

use crate::{Context, Failure, MAX_RACES, Precondition, Provisioning, Written, failure, member};
use scim::{
    effect::{Effect, Outcome},
    event::EventKind,
    patch::PatchRequest,
    resource::Keys,
    schema::{ResourceKind, ResourceType},
};
use serde_json::{Map, Value};
use store::{Action, Change, CommitError, Document, MemberDelta, Members, ResourceId, Row};

/// What a request wants to make of a resource.
pub(crate) struct Proposal {
    pub(crate) document: Map<String, Value>,
    pub(crate) changed: bool,
    pub(crate) members: MemberDelta,
    /// Whether it was computed from the members of today too, and not from the document alone.
    pub(crate) saw_members: bool,
    pub(crate) effects: Vec<Effect>,
    pub(crate) event: EventKind,
}

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
    /// 404, 412, 400 with the `scimType` of the operation that is refused, 409 `uniqueness`.
    pub async fn patch(
        &self,
        context: &Context,
        kind: ResourceKind,
        id: &str,
        precondition: Precondition<'_>,
        request: &PatchRequest,
    ) -> Result<Written, Failure> {
        let resource_type = ResourceType::of(kind);
        self.update(context, kind, id, precondition, async |row, current| {
            let patched = request.apply(resource_type, context.profile, current)?;
            let saw_members = member::needs_members(&patched.members);
            let today = if saw_members {
                self.store.members(context.tenant, row.id).await?
            } else {
                Members::default()
            };
            Ok(Proposal {
                members: member::reduce(&patched.members, &today)?,
                saw_members,
                document: patched.document,
                changed: patched.changed,
                effects: patched.effects,
                event: EventKind::Patch,
            })
        })
        .await
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
        request: &PatchRequest,
    ) -> Result<Changed, Failure> {
        if precondition.is_none()
            && request.is_members_only(ResourceType::of(kind))
            && let Some(changed) = self.patch_members(context, id, request).await?
        {
            return Ok(changed);
        }
        let written = self.patch(context, kind, id, precondition, request).await?;
        Ok(Changed { version: written.row.version, effects: written.effects })
    }

    /// Patches the members of a group without reading the group; `None` if the operations cannot be understood
    /// without its members of today.
    async fn patch_members(
        &self,
        context: &Context,
        id: &str,
        request: &PatchRequest,
    ) -> Result<Option<Changed>, Failure> {
        let resource_type = ResourceType::of(ResourceKind::Group);
        let patched = request.apply(resource_type, context.profile, &Map::new())?;
        if member::needs_members(&patched.members) {
            return Ok(None);
        }
        let key = ResourceId::parse(id).ok_or_else(|| failure::not_found(ResourceKind::Group, id))?;
        let members = member::reduce(&patched.members, &Members::default())?;
        let action = Action::Update { expected: None, before: None, document: None, members };
        let change = Change {
            kind: ResourceKind::Group,
            id: key,
            at: context.now,
            actor: context.actor,
            action,
            event: EventKind::Patch,
            effects: crate::to_text(&patched.effects)?,
        };
        let committed = self
            .store
            .commit(context.tenant, change)
            .await
            .map_err(|error| failure::of_commit(error, ResourceKind::Group, id))?;
        Ok(Some(Changed { version: committed.version, effects: settle(patched.effects, committed.changed) }))
    }

    /// Reads a resource, computes what it should become, and commits that if nobody was faster.
    pub(crate) async fn update(
        &self,
        context: &Context,
        kind: ResourceKind,
        id: &str,
        precondition: Precondition<'_>,
        propose: impl AsyncFn(&Row, &Map<String, Value>) -> Result<Proposal, Failure>,
    ) -> Result<Written, Failure> {
        for _ in 0..MAX_RACES {
            let row = self.get(context, kind, id, kind == ResourceKind::User).await?;
            precondition.check(row.version)?;
            let current = crate::parse_document(&row)?;
            let proposal = propose(&row, &current).await?;
            if let Some(written) =
                self.commit_proposal(context, kind, row, &current, !precondition.is_none(), proposal).await?
            {
                return Ok(written);
            }
        }
        Err(failure::of_commit(CommitError::VersionMismatch(0), kind, id))
    }

    /// Commits a proposal against what it was computed from; `None` if another request was faster.
    async fn commit_proposal(
        &self,
        context: &Context,
        kind: ResourceKind,
        mut row: Row,
        current: &Map<String, Value>,
        demanded: bool,
        proposal: Proposal,
    ) -> Result<Option<Written>, Failure> {
        let nothing_to_write = !proposal.changed && proposal.members.is_empty();
        if nothing_to_write && !proposal.effects.iter().any(|effect| effect.outcome == Outcome::Ignored) {
            return Ok(Some(Written { row, changed: false, effects: proposal.effects }));
        }
        let effects = crate::to_text(&proposal.effects)?;
        let event = event(proposal.event, current, &proposal.document);
        // What was computed from a group's document alone holds for any version with this document: a group can be
        // renamed while its members change all the time. The version of a user rises with its document only.
        let by_version = kind == ResourceKind::User || demanded || proposal.saw_members;
        let expected = by_version.then_some(row.version);
        let action = if nothing_to_write {
            Action::Record
        } else if proposal.changed {
            let json = crate::to_text(&proposal.document)?;
            let before = std::mem::replace(&mut row.document, json.clone());
            let document = Document { json, keys: Keys::of(&proposal.document) };
            Action::Update {
                expected,
                before: Some(before),
                document: Some(document),
                members: proposal.members,
            }
        } else {
            Action::Update { expected, before: None, document: None, members: proposal.members }
        };
        let change =
            Change { kind, id: row.id, at: context.now, actor: context.actor, action, event, effects };
        let committed = match self.store.commit(context.tenant, change).await {
            Ok(committed) => committed,
            Err(CommitError::VersionMismatch(_)) => return Ok(None),
            Err(error) => return Err(failure::of_commit(error, kind, &row.id.to_string())),
        };
        row.version = committed.version;
        row.last_modified = committed.last_modified;
        let changed = committed.changed;
        Ok(Some(Written { row, changed, effects: settle(proposal.effects, changed) }))
    }
}

/// The event of a change: a change of `active` is what downstream must know of first.
fn event(kind: EventKind, before: &Map<String, Value>, after: &Map<String, Value>) -> EventKind {
    let is_active =
        |document: &Map<String, Value>| document.get("active").and_then(Value::as_bool).unwrap_or(true);
    match (is_active(before), is_active(after)) {
        (true, false) => EventKind::Deactivate,
        (false, true) => EventKind::Activate,
        _ => kind,
    }
}

/// Effects on members are known only when the commit has answered: if nothing changed, all was true already.
fn settle(mut effects: Vec<Effect>, changed: bool) -> Vec<Effect> {
    if !changed {
        for effect in effects.iter_mut().filter(|effect| effect.outcome == Outcome::Applied) {
            effect.outcome = Outcome::AlreadyTrue;
        }
    }
    effects
}
