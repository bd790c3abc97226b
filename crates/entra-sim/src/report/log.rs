//! Provisioning logs: Graph's provisioningObjectSummary, with the step types and error codes of Microsoft's documents.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::job::ObjectType;

/// What was done, or was to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// A target object was created.
    Create,
    /// A target object was changed.
    Update,
    /// A target object was deleted.
    Delete,
    /// Kept back by the prevention of accidental deletions.
    StagedDelete,
    /// A target object was disabled.
    Disable,
    /// Nothing of these.
    Other,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Done.
    Success,
    /// Done, with something to look at.
    Warning,
    /// Not done; will be tried again.
    Failure,
    /// Nothing to do.
    Skipped,
}

/// The kinds of steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum StepType {
    /// Read from the source.
    Import,
    /// In scope or not.
    Scoping,
    /// Which target object it is.
    Matching,
    /// Something within the service.
    Processing,
    /// Ids of managers and members.
    ReferenceResolution,
    /// Written to the target.
    Export,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// Such as `EntryExportAdd`.
    pub name: String,
    /// Its kind.
    pub provisioning_step_type: StepType,
    /// How it ended.
    pub status: Status,
    /// A sentence for people.
    pub description: String,
    /// More, by name.
    pub details: Map<String, Value>,
}

/// Why something failed or was left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ErrorInformation {
    /// One of Microsoft's codes.
    pub error_code: String,
    /// What the server said, or what is wrong.
    pub reason: String,
    /// Whose fault it is, in Microsoft's words.
    pub error_category: String,
    /// What the administrator can do.
    pub recommended_action: Option<String>,
    /// More.
    pub additional_details: Option<String>,
}

/// Status with its error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusInfo {
    /// How it ended.
    pub status: Status,
    /// Why, unless it succeeded.
    pub error_information: Option<ErrorInformation>,
}

/// A property before and after.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ModifiedProperty {
    /// The target attribute.
    pub display_name: String,
    /// Before.
    pub old_value: Option<String>,
    /// After.
    pub new_value: Option<String>,
}

/// One side of the change.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Identity {
    /// Its id there.
    pub id: String,
    /// Its name for people.
    pub display_name: String,
    /// `User` or `Group`.
    pub identity_type: String,
    /// More, by name.
    pub details: Map<String, Value>,
}

/// A system, a service principal or an initiator.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Party {
    /// Its id.
    pub id: String,
    /// Its name.
    pub display_name: String,
    /// `system` of an initiator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initiator_type: Option<String>,
    /// More, by name.
    #[serde(default)]
    pub details: Map<String, Value>,
}

impl Party {
    /// A party without more.
    pub fn new(id: &str, name: &str) -> Self {
        Self { id: id.to_owned(), display_name: name.to_owned(), initiator_type: None, details: Map::new() }
    }
}

/// A record of the provisioning log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectSummary {
    /// Of this record.
    pub id: String,
    /// When.
    pub activity_date_time: Timestamp,
    /// Of the Entra tenant.
    pub tenant_id: String,
    /// Of the job.
    pub job_id: String,
    /// Of the cycle.
    pub cycle_id: String,
    /// Of this change; joins the three CSV files.
    pub change_id: String,
    /// What was done.
    pub provisioning_action: Action,
    /// How long it took, in the real world.
    pub duration_in_milliseconds: u64,
    /// Always the service.
    pub initiated_by: Party,
    /// Entra.
    pub source_system: Party,
    /// The application.
    pub target_system: Party,
    /// The application's service principal.
    pub service_principal: Party,
    /// The object in the source.
    pub source_identity: Identity,
    /// The object in the target.
    pub target_identity: Identity,
    /// How it ended.
    pub provisioning_status_info: StatusInfo,
    /// Step by step.
    pub provisioning_steps: Vec<Step>,
    /// What changed.
    pub modified_properties: Vec<ModifiedProperty>,
}

/// A record in the making: what one object went through in one cycle.
#[derive(Clone, Debug)]
pub struct Record {
    /// The type of object.
    pub object_type: ObjectType,
    /// The id in the source.
    pub source_id: String,
    /// The name for people.
    pub name: String,
    /// The id in the target, once it is known.
    pub target_id: String,
    /// What was done.
    pub action: Action,
    /// How it ended.
    pub status: Status,
    /// Why.
    pub error: Option<ErrorInformation>,
    /// Step by step.
    pub steps: Vec<Step>,
    /// What changed.
    pub modified: Vec<ModifiedProperty>,
    /// Time spent, in milliseconds.
    pub milliseconds: u64,
}

impl Record {
    /// A record of nothing yet.
    pub fn new(object_type: ObjectType, source_id: &str, name: &str) -> Self {
        Self {
            object_type,
            source_id: source_id.to_owned(),
            name: name.to_owned(),
            target_id: String::new(),
            action: Action::Other,
            status: Status::Success,
            error: None,
            steps: Vec::new(),
            modified: Vec::new(),
            milliseconds: 0,
        }
    }

    /// Adds a step.
    pub fn step(&mut self, kind: StepType, name: &str, status: Status, description: String) {
        let (name, details) = (name.to_owned(), Map::new());
        self.steps.push(Step { name, provisioning_step_type: kind, status, description, details });
    }

    /// Ends as skipped, for a reason.
    pub fn skip(&mut self, code: &str, reason: &str) {
        self.status = Status::Skipped;
        self.error = Some(ErrorInformation {
            error_code: code.to_owned(),
            reason: reason.to_owned(),
            error_category: "nonServiceFailure".to_owned(),
            recommended_action: None,
            additional_details: None,
        });
    }
}

/// What all records of a cycle share.
#[derive(Clone, Debug)]
pub struct Envelope {
    /// Of the Entra tenant.
    pub tenant_id: String,
    /// Of the job.
    pub job_id: String,
    /// Of the cycle.
    pub cycle_id: String,
    /// The application's name.
    pub application: String,
}

/// The source's name in records; Microsoft's samples still say so.
pub const SOURCE_SYSTEM: &str = "Azure Active Directory";

impl Envelope {
    /// The finished record; `ids` are two fresh GUIDs.
    pub fn seal(&self, record: Record, at: Timestamp, ids: [String; 2]) -> ObjectSummary {
        let kind = record.object_type.to_string();
        let identity = |id: String, name: &str| Identity {
            id,
            display_name: name.to_owned(),
            identity_type: kind.clone(),
            details: Map::new(),
        };
        let [id, change_id] = ids;
        let mut service = Party::new("", "Azure AD Provisioning Service");
        service.initiator_type = Some("system".to_owned());
        let application = Party::new(&self.job_id, &self.application);
        let target_name = if record.target_id.is_empty() { "" } else { record.name.as_str() };
        ObjectSummary {
            id,
            activity_date_time: at,
            tenant_id: self.tenant_id.clone(),
            job_id: self.job_id.clone(),
            cycle_id: self.cycle_id.clone(),
            change_id,
            provisioning_action: record.action,
            duration_in_milliseconds: record.milliseconds,
            initiated_by: service,
            source_system: Party::new(&self.tenant_id, SOURCE_SYSTEM),
            target_system: application.clone(),
            service_principal: application,
            target_identity: identity(record.target_id.clone(), target_name),
            source_identity: identity(record.source_id, &record.name),
            provisioning_status_info: StatusInfo { status: record.status, error_information: record.error },
            provisioning_steps: record.steps,
            modified_properties: record.modified,
        }
    }
}
