//! POST: a new resource.

use crate::{Context, Failure, Provisioning, Written, failure, id, member, off_worker, update::Rules};
use scim::{effect::Effect, event::EventKind, json, resource, schema::ResourceKind};
use serde_json::Value;
use store::{Action, Change, Document, ResourceId, Row};

/// A resource that is to be created.
struct New {
    document: Document,
    members: Vec<ResourceId>,
    effects: Vec<Effect>,
}

impl Provisioning {
    /// Creates a resource from the body of a POST (RFC 7644 section 3.3).
    ///
    /// # Errors
    /// 400 for a body that breaks the schema or is above a limit, 409 `uniqueness` for a `userName` that is taken.
    pub async fn create(
        &self,
        context: &Context,
        kind: ResourceKind,
        body: Value,
    ) -> Result<Written, Failure> {
        let rules = self.rules(context, kind);
        let New { document, members, effects } =
            off_worker(context.tenant, json::size(&body), move || new(rules, body)).await??;
        let id = id::new(context.now)?;
        let (json, member_count) = (document.json.clone(), members.len() as u64);
        let change = Change {
            kind,
            id,
            at: context.now,
            actor: context.actor,
            action: Action::Create { document, members },
            event: EventKind::Create,
            effects: crate::to_text(&effects)?,
            member_count,
        };
        let committed = self
            .store
            .commit(context.tenant, change)
            .await
            .map_err(|error| failure::of_commit(error, kind, &id.to_string()))?;
        let row = Row {
            id,
            version: committed.version,
            created: committed.created,
            last_modified: committed.last_modified,
            document: json,
            member_count,
            groups: Vec::new(),
        };
        Ok(Written { row, changed: true, effects })
    }
}

fn new(rules: Rules, body: Value) -> Result<New, Failure> {
    let draft = resource::draft(rules.resource_type, rules.profile, body)?;
    let members = member::parse_all(draft.members.as_deref().unwrap_or_default())?;
    let json = crate::to_text(&draft.document)?;
    let document = rules.stored(None, &draft.document, json)?;
    Ok(New { document, members, effects: draft.effects })
}
