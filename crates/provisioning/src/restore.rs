//! Restore: an operator brings back what a provisioning client has deleted.

use crate::{Context, Failure, Provisioning, failure};
use scim::{ScimError, event::EventKind, resource::Keys};
use serde_json::{Map, Value};
use store::{Action, Change, CommitError, DeletedRow, Document, ResourceId};

impl Provisioning {
    /// Brings a deleted resource back under its id, one version later, into the groups and with the members that are
    /// still there. For Juno Journey it is created once more. Over a store in somebody's hands ([`store::Store::acting`]) the audit
    /// row is part of the commit.
    ///
    /// # Errors
    /// 404 if there is no such deleted resource, 409 `uniqueness` if its `userName` is taken by now.
    pub async fn restore(&self, context: &Context, id: &str) -> Result<DeletedRow, Failure> {
        let key = ResourceId::parse(id).ok_or_else(|| not_deleted(id))?;
        let deleted =
            self.store.deleted_resource(context.tenant, key).await?.ok_or_else(|| not_deleted(id))?;
        let document: Map<String, Value> = parse(&deleted.document)?;
        let ids = |text: &str| -> Result<Vec<ResourceId>, Failure> {
            let ids: Vec<String> = parse(text)?;
            Ok(ids.iter().filter_map(|id| ResourceId::parse(id)).collect())
        };
        let action = Action::Restore {
            deleted: deleted.version,
            document: Document { json: deleted.document.clone(), keys: Keys::of(&document) },
            groups: ids(&deleted.groups)?,
        };
        let change = Change {
            kind: deleted.kind,
            id: key,
            at: context.now,
            actor: context.actor,
            action,
            event: EventKind::Create,
            effects: "[]".to_owned(),
            member_count: deleted.member_count,
        };
        match self.store.commit(context.tenant, change).await {
            Ok(_) => Ok(deleted),
            Err(CommitError::NotFound) => Err(not_deleted(id)),
            Err(CommitError::UserNameTaken) => Err(ScimError::uniqueness(
                "Another user of this tenant has this userName by now. Delete or rename that user first.",
            )
            .into()),
            Err(error) => Err(failure::of_commit(error, deleted.kind, id)),
        }
    }
}

fn not_deleted(id: &str) -> Failure {
    ScimError::not_found(format!("There is no deleted user or group with id \"{id}\" in this tenant.")).into()
}

fn parse<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, Failure> {
    serde_json::from_str(text).map_err(|error| Failure::Internal(format!("deleted resource: {error}")))
}
