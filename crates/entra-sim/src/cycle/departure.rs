//! Objects that leave: users are disabled, groups deleted, and what is gone for good is deleted too.

use super::failure::{Failure, Operation};
use super::object::{Context, LinkChange, Outcome};
use super::plan::{CycleKind, is_deleted_on_purge};
use super::source::SourceObject;
use super::state::{Departure, Link};
use super::values;
use crate::http::tenant_url::encode;
use crate::job::ObjectType;
use crate::report::log::{Action, Record, Status, StepType};

impl Context<'_> {
    /// Disables a user; deletes a group, or a user of an application that cannot disable.
    pub(super) async fn deprovision(&self, object: &SourceObject<'_>, departure: Departure) -> Outcome {
        let mut outcome = self.imported(object);
        let why = departure_sentence(departure);
        outcome.record.step(
            StepType::Scoping,
            "EntrySynchronizationScoping",
            Status::Success,
            why.to_owned(),
        );
        let Some(link) = self.state.link(object.id) else { return outcome };
        let mapping = self.job.mapping(object.object_type);
        let deletes = object.object_type == ObjectType::Group || self.job.delete_on_disable;
        let result = if deletes && mapping.actions.delete {
            self.delete(object.object_type, object.name(), link, &mut outcome).await
        } else if !deletes && mapping.can_disable() && mapping.actions.update {
            self.disable(object, link, departure, &mut outcome).await
        } else {
            let action = if deletes { "deleting" } else { "disabling" };
            outcome.record.skip("EntrySynchronizationSkipped", &format!("{action} objects is switched off"));
            outcome.link = LinkChange::Set(Box::new(Link { departed: Some(departure), ..link.clone() }));
            Ok(())
        };
        outcome.failure = result.err();
        outcome
    }

    /// Only what depends on `IsSoftDeleted` flows.
    async fn disable(
        &self,
        object: &SourceObject<'_>,
        link: &Link,
        departure: Departure,
        outcome: &mut Outcome,
    ) -> Result<(), Failure> {
        outcome.record.action = Action::Disable;
        let mapping = self.job.mapping(object.object_type);
        let Some(found) = self.read(link).await? else {
            if self.kind == CycleKind::Initial {
                outcome.record.skip("EntrySynchronizationSkipped", "the target object no longer exists");
                outcome.link = LinkChange::Remove;
                return Ok(());
            }
            let why = format!("{} '{}' no longer exists in the target", link.object_type, link.target_id);
            return Err(Failure::new("InvalidAnchor", why));
        };
        let mut changes = self.value(object, |scope| values::for_update(mapping, &found.resource, scope))?;
        changes.retain(|change| change.mapping.reads_soft_deleted());
        if changes.is_empty() {
            outcome.record.skip("RedundantExport", "the target is already disabled");
        } else {
            self.patch(object, &link.target_id, &changes, outcome).await?;
        }
        outcome.link = LinkChange::Set(Box::new(Link { departed: Some(departure), ..link.clone() }));
        Ok(())
    }

    pub(super) async fn purge(&self, id: &str, link: &Link) -> Outcome {
        let record = Record::new(link.object_type, id, id);
        let mut outcome = Outcome { record, link: LinkChange::Remove, failure: None, export: false };
        let sentence = format!("Received {} '{id}' change of type (Delete)", link.object_type);
        outcome.record.step(StepType::Import, "EntryImportDelete", Status::Success, sentence);
        outcome.record.target_id.clone_from(&link.target_id);
        if !is_deleted_on_purge(link) {
            let why = "it left the scope before it was deleted, and a delete request isn't sent";
            outcome.record.skip("EntrySynchronizationSkipped", why);
        } else if !self.job.mapping(link.object_type).actions.delete {
            outcome.record.skip("EntrySynchronizationSkipped", "deleting objects is switched off");
        } else if let Err(failure) = self.delete(link.object_type, id, link, &mut outcome).await {
            (outcome.failure, outcome.link) = (Some(failure), LinkChange::Keep);
        }
        outcome
    }

    async fn delete(
        &self,
        object_type: ObjectType,
        name: &str,
        link: &Link,
        outcome: &mut Outcome,
    ) -> Result<(), Failure> {
        (outcome.record.action, outcome.export) = (Action::Delete, true);
        let path = format!("{}/{}", object_type.endpoint(), encode(&link.target_id));
        let exchange = self.client.delete(&path).await;
        // Gone is gone: a repeated DELETE after a dropped answer is no error.
        let done = exchange.is_success() || exchange.status() == Some(404);
        let sentence = if done {
            format!("{object_type} '{name}' was deleted in {}", self.job.name)
        } else {
            format!("Failed to delete {object_type} '{name}' in {}", self.job.name)
        };
        let status = if done { Status::Success } else { Status::Failure };
        outcome.record.step(StepType::Export, "EntryExportDelete", status, sentence);
        if !done {
            return Err(Failure::of(&exchange, Operation::Delete));
        }
        outcome.link = LinkChange::Remove;
        Ok(())
    }
}

/// The words of the log.
pub(super) fn departure_sentence(departure: Departure) -> &'static str {
    match departure {
        Departure::Unassigned => "the object is not assigned to the application",
        Departure::NotEntitled => "the object is not effectively entitled",
        Departure::FilteredOut => "the object does not pass the scoping filters",
        Departure::SoftDeleted => "the object is soft-deleted",
        Departure::AccountDisabled => "the account is disabled",
    }
}
