//! PUT: a resource in place of another.

use crate::{
    Context, Failure, Precondition, Provisioning, Written, member, off_worker,
    update::{Replacement, Rules, Wish},
};
use scim::{json, resource, schema::ResourceKind};
use serde_json::Value;
use std::sync::Arc;
use store::MemberDelta;

impl Provisioning {
    /// Replaces a resource by the body of a PUT (RFC 7644 section 3.5.1): what the body leaves out is cleared, the
    /// members of a group as well.
    ///
    /// # Errors
    /// 404, 412, 400 for a body that breaks the schema or makes a document grow above a limit, 409 `uniqueness`.
    pub async fn replace(
        &self,
        context: &Context,
        kind: ResourceKind,
        id: &str,
        precondition: Precondition<'_>,
        body: Value,
    ) -> Result<Written, Failure> {
        let rules = self.rules(context, kind);
        let replacement =
            off_worker(context.tenant, json::size(&body), move || replacement(rules, body)).await??;
        self.update(context, kind, id, precondition, Wish::Put(Arc::new(replacement))).await
    }
}

fn replacement(rules: Rules, body: Value) -> Result<Replacement, Failure> {
    let draft = resource::draft(rules.resource_type, rules.profile, body)?;
    let members = match rules.resource_type.kind {
        ResourceKind::User => MemberDelta::default(),
        ResourceKind::Group => MemberDelta {
            clear: true,
            add: member::parse_all(draft.members.as_deref().unwrap_or_default())?,
            remove: Vec::new(),
        },
    };
    Ok(Replacement {
        json: crate::to_text(&draft.document)?,
        document: draft.document,
        members,
        effects: draft.effects,
    })
}
