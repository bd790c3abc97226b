//! The loop that every change of an existing resource runs through: read, compute, commit, and compute again for the loser
//! of a race.

use crate::{Context, Failure, MAX_RACES, Precondition, Provisioning, Written, failure, member, off_worker};
use scim::{
    Profile,
    effect::{Effect, Outcome},
    event::EventKind,
    limits::{DocumentLimits, Measured},
    member::MemberStep,
    patch::PatchRequest,
    resource::{self, Keys},
    schema::{ResourceKind, ResourceType},
    undescribed,
};
use serde_json::{Map, Value};
use std::{borrow::Cow, sync::Arc};
use store::{Action, Before, Change, CommitError, Document, MemberDelta, Members, Row};

/// What a request wants. Shared by the attempts to carry it out.
pub(crate) enum Wish {
    /// PATCH.
    Patch(Arc<PatchRequest>),
    /// PUT.
    Put(Arc<Replacement>),
}

/// The resource of a PUT. Computed once, whatever it replaces.
pub(crate) struct Replacement {
    pub(crate) document: Map<String, Value>,
    pub(crate) json: String,
    pub(crate) members: MemberDelta,
    pub(crate) effects: Vec<Effect>,
}

/// What a request makes of a resource.
struct Proposal {
    /// The new document; `None` if the document stays.
    document: Option<NewDocument>,
    members: MemberDelta,
    /// Whether it was computed from the members of today too, and not from the document alone.
    saw_members: bool,
    effects: Vec<Effect>,
    event: EventKind,
}

/// A document in place of another.
struct NewDocument {
    before: Before,
    document: Document,
}

/// By which rules a document is computed.
#[derive(Clone, Copy)]
pub(crate) struct Rules {
    pub(crate) resource_type: &'static ResourceType,
    pub(crate) profile: Profile,
    pub(crate) limits: DocumentLimits,
}

impl Rules {
    /// A document as it is stored.
    ///
    /// # Errors
    /// 400 if it is above a limit and larger than the document `before` it, or changes an extension that the profile does not
    /// accept.
    pub(crate) fn stored(
        &self,
        before: Option<Measured<'_>>,
        document: &Map<String, Value>,
        json: String,
    ) -> Result<Document, Failure> {
        let stored = before.map(|before| before.document);
        undescribed::check(self.profile, self.resource_type, stored, document)?;
        self.limits.check(self.resource_type, before, Measured { document, length: json.len() })?;
        Ok(Document { json, keys: Keys::of(document) })
    }

    /// A document as it is stored in place of another.
    ///
    /// # Errors
    /// As [`Rules::stored`].
    fn replaced(
        &self,
        row: &Row,
        before: &Map<String, Value>,
        document: &Map<String, Value>,
        json: String,
    ) -> Result<NewDocument, Failure> {
        let measured = Measured { document: before, length: row.document.len() };
        let stored = self.stored(Some(measured), document, json)?;
        Ok(NewDocument { before: Before::of(row.document.clone(), before, document), document: stored })
    }
}

impl Provisioning {
    /// By which rules the requests of a client are computed.
    pub(crate) fn rules(&self, context: &Context, kind: ResourceKind) -> Rules {
        Rules { resource_type: ResourceType::of(kind), profile: context.profile, limits: self.limits }
    }

    /// Reads a resource, computes what it should become, and commits that if no other request was faster.
    pub(crate) async fn update(
        &self,
        context: &Context,
        kind: ResourceKind,
        id: &str,
        precondition: Precondition<'_>,
        wish: Wish,
    ) -> Result<Written, Failure> {
        for _ in 0..MAX_RACES {
            let row = self.get(context, kind, id, kind == ResourceKind::User).await?;
            precondition.check(row.version)?;
            let (row, proposal) = self.propose(context, kind, row, &wish).await?;
            if let Some(written) =
                self.commit_proposal(context, kind, row, !precondition.is_none(), proposal).await?
            {
                return Ok(written);
            }
        }
        Err(failure::of_commit(CommitError::VersionMismatch(0), kind, id))
    }

    async fn propose(
        &self,
        context: &Context,
        kind: ResourceKind,
        row: Row,
        wish: &Wish,
    ) -> Result<(Row, Proposal), Failure> {
        let rules = self.rules(context, kind);
        match wish {
            Wish::Put(replacement) => {
                let replacement = Arc::clone(replacement);
                let work = replacement.json.len() + row.document.len();
                let replaced = off_worker(context.tenant, work, move || {
                    let proposal = put(rules, &replacement, &row)?;
                    Ok::<_, Failure>((row, proposal))
                });
                replaced.await?
            }
            Wish::Patch(request) => {
                let request = Arc::clone(request);
                let work = request.work(row.document.len());
                let patched = off_worker(context.tenant, work, move || {
                    let (proposal, steps) = patch(rules, &request, &row)?;
                    Ok::<_, Failure>((row, proposal, steps))
                });
                let (row, mut proposal, steps) = patched.await??;
                if let Some(steps) = steps {
                    let today = self.store.members(context.tenant, row.id, row.member_count).await?;
                    let work = member::work(&steps, &today);
                    proposal.members =
                        off_worker(context.tenant, work, move || member::reduce(&steps, &today)).await??;
                }
                Ok((row, proposal))
            }
        }
    }

    /// Commits a proposal against what it was computed from; `None` if another request was faster.
    async fn commit_proposal(
        &self,
        context: &Context,
        kind: ResourceKind,
        mut row: Row,
        demanded: bool,
        proposal: Proposal,
    ) -> Result<Option<Written>, Failure> {
        let nothing_to_write = proposal.document.is_none() && proposal.members.is_empty();
        if nothing_to_write && !proposal.effects.iter().any(|effect| effect.outcome == Outcome::Ignored) {
            return Ok(Some(Written { row, changed: false, effects: proposal.effects }));
        }
        // What was computed from a group's document alone holds for any version with this document: a group can be
        // renamed while its members change all the time. The version of a user rises with its document only.
        let by_version = kind == ResourceKind::User || demanded || proposal.saw_members;
        let expected = by_version.then_some(row.version);
        let action = if nothing_to_write {
            Action::Record
        } else {
            let new = proposal.document.map(|new| (new.before, new.document));
            let (before, document) = new.unzip();
            if let Some(document) = &document {
                row.document.clone_from(&document.json);
            }
            Action::Update { expected, before, document, members: proposal.members }
        };
        let change = Change {
            kind,
            id: row.id,
            at: context.now,
            actor: context.actor,
            action,
            event: proposal.event,
            effects: crate::to_text(&proposal.effects)?,
            member_count: row.member_count,
        };
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

/// What a PUT makes of a resource.
fn put(rules: Rules, replacement: &Replacement, row: &Row) -> Result<Proposal, Failure> {
    let current = crate::parse_document(row)?;
    let mut wanted = Cow::Borrowed(&replacement.document);
    let mut json = Cow::Borrowed(&replacement.json);
    if resource::says_nothing_of_active(rules.resource_type, &current, &wanted) {
        wanted.to_mut().insert("active".to_owned(), Value::Bool(false));
        json = Cow::Owned(crate::to_text(&*wanted)?);
    }
    let document = if *wanted == current {
        None
    } else {
        Some(rules.replaced(row, &current, &wanted, json.into_owned())?)
    };
    Ok(Proposal {
        document,
        members: replacement.members.clone(),
        saw_members: false,
        effects: replacement.effects.clone(),
        event: event(EventKind::Put, &current, &wanted),
    })
}

/// What a PATCH makes of a resource; with its steps of membership if they cannot be reduced without the members of today.
fn patch(
    rules: Rules,
    request: &PatchRequest,
    row: &Row,
) -> Result<(Proposal, Option<Vec<MemberStep>>), Failure> {
    let current = crate::parse_document(row)?;
    let id = row.id.to_string();
    let patched = request.apply_to(rules.resource_type, rules.profile, &id, &current)?;
    let document = if patched.changed {
        Some(rules.replaced(row, &current, &patched.document, crate::to_text(&patched.document)?)?)
    } else {
        None
    };
    let saw_members = member::needs_members(&patched.members);
    let (members, steps) = if saw_members {
        (MemberDelta::default(), Some(patched.members))
    } else {
        (member::reduce(&patched.members, &Members::default())?, None)
    };
    let event = event(EventKind::Patch, &current, &patched.document);
    Ok((Proposal { document, members, saw_members, effects: patched.effects, event }, steps))
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
pub(crate) fn settle(mut effects: Vec<Effect>, changed: bool) -> Vec<Effect> {
    if !changed {
        for effect in effects.iter_mut().filter(|effect| effect.outcome == Outcome::Applied) {
            effect.outcome = Outcome::AlreadyTrue;
        }
    }
    effects
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use store::ResourceId;

    #[test]
    fn a_patch_says_what_it_replaces() {
        let rules = Rules {
            resource_type: ResourceType::of(ResourceKind::User),
            profile: Profile::Entra,
            limits: DocumentLimits::default(),
        };
        let row = Row {
            id: ResourceId(uuid::Uuid::from_u128(1)),
            version: 1,
            created: scim::Timestamp(1),
            last_modified: scim::Timestamp(1),
            document: json!({
                "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "ana@example.com", "title": "Engineer"
            })
            .to_string(),
            groups: Vec::new(),
            member_count: 0,
        };
        let operations = json!([{"op": "replace", "path": "title", "value": "Lead"}]);
        let request = PatchRequest::parse(rules.profile, json!({ "Operations": operations })).unwrap();
        let (proposal, _) = patch(rules, &request, &row).unwrap();
        let before = proposal.document.unwrap().before;
        assert_eq!(before.json, row.document);
        assert_eq!(before.old_values.unwrap().as_text(), r#"{"title":["Engineer"]}"#);
    }
}
