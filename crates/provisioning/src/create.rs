//! POST: a new resource.

use crate::{Context, Failure, Provisioning, Written, failure, id, member};
use scim::{
    event::EventKind,
    resource::{self, Keys},
    schema::{ResourceKind, ResourceType},
};
use serde_json::Value;
use store::{Action, Change, Document, Row};

impl Provisioning {
    /// Creates a resource from the body of a POST (RFC 7644 section 3.3).
    ///
    /// # Errors
    /// 400 for a body that breaks the schema, 409 `uniqueness` for a `userName` that is taken.
    pub async fn create(
        &self,
        context: &Context,
        kind: ResourceKind,
        body: Value,
    ) -> Result<Written, Failure> {
        let draft = resource::draft(ResourceType::of(kind), context.profile, body)?;
        let members = member::parse_all(draft.members.as_deref().unwrap_or_default())?;
        let id = id::new(context.now)?;
        let json = crate::to_text(&draft.document)?;
        let document = Document { json: json.clone(), keys: Keys::of(&draft.document) };
        let action = Action::Create { document, members };
        let effects = crate::to_text(&draft.effects)?;
        let change = Change {
            kind,
            id,
            at: context.now,
            actor: context.actor,
            action,
            event: EventKind::Create,
            effects,
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
            groups: Vec::new(),
        };
        Ok(Written { row, changed: true, effects: draft.effects })
    }
}
