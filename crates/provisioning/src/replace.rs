//! PUT: a resource in place of another.

use crate::{Context, Failure, Precondition, Provisioning, Written, member, patch::Proposal};
use scim::{
    event::EventKind,
    resource,
    schema::{ResourceKind, ResourceType},
};
use serde_json::Value;
use store::MemberDelta;

impl Provisioning {
    /// Replaces a resource by the body of a PUT (RFC 7644 section 3.5.1): what the body leaves out is cleared, the
    /// members of a group as well.
    ///
    /// # Errors
    /// 404, 412, 400 for a body that breaks the schema, 409 `uniqueness`.
    pub async fn replace(
        &self,
        context: &Context,
        kind: ResourceKind,
        id: &str,
        precondition: Precondition<'_>,
        body: Value,
    ) -> Result<Written, Failure> {
        self.update(context, kind, id, precondition, async |_, current| {
            let draft = resource::draft(ResourceType::of(kind), context.profile, body.clone())?;
            let members = match kind {
                ResourceKind::User => MemberDelta::default(),
                ResourceKind::Group => MemberDelta {
                    clear: true,
                    add: member::parse_all(draft.members.as_deref().unwrap_or_default())?,
                    remove: Vec::new(),
                },
            };
            Ok(Proposal {
                changed: draft.document != *current,
                document: draft.document,
                members,
                saw_members: false,
                effects: draft.effects,
                event: EventKind::Put,
            })
        })
        .await
    }
}
