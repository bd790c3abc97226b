//! Job status and counters, named as Microsoft Graph names them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// `synchronizationStatusCode`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum StatusCode {
    /// Never run, no authorization.
    NotConfigured,
    /// Never completed a run.
    #[default]
    NotRun,
    /// Running periodically.
    Active,
    /// Stopped; its state is kept.
    Paused,
    /// Running seldom, because of errors.
    Quarantine,
}

/// `synchronizationTaskExecutionResult`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ExecutionState {
    /// No errors.
    Succeeded,
    /// The run could not be completed.
    Failed,
    /// The run was completed; some entries have errors.
    EntryLevelErrors,
}

/// `synchronizationError`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobFault {
    /// Such as `SystemForCrossDomainIdentityManagementInvalidCredentials`.
    pub code: String,
    /// A sentence for people.
    pub message: String,
    /// Whether the customer can do something about it.
    pub tenant_actionable: bool,
}

/// `synchronizationTaskExecution`: one cycle.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Execution {
    /// The cycle's id.
    pub activity_identifier: String,
    /// How it ended.
    pub state: ExecutionState,
    /// When it began.
    pub time_began: Timestamp,
    /// When it ended.
    pub time_ended: Timestamp,
    /// The error of a failed run.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error: Option<JobFault>,
    /// The counters.
    #[serde(flatten)]
    pub counts: Counts,
}

/// The counters of a cycle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// Processed entries that are assigned.
    pub count_entitled: u64,
    /// Processed entries that are in scope.
    pub count_entitled_for_provisioning: u64,
    /// Entries with errors.
    pub count_escrowed: u64,
    /// The same with those of references.
    pub count_escrowed_raw: u64,
    /// Entries that were exported.
    pub count_exported: u64,
    /// Entries that were to be exported.
    pub count_exports: u64,
    /// Entries read from the source.
    pub count_imported: u64,
    /// Entries read because they changed.
    pub count_imported_deltas: u64,
    /// Changes of managers and members.
    pub count_imported_reference_deltas: u64,
}

/// `quarantineReason`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum QuarantineReason {
    /// More failures than the base threshold.
    EncounteredBaseEscrowThreshold,
    /// More failures, references counted, than the total threshold.
    EncounteredTotalEscrowThreshold,
    /// Too large a share of failures.
    EncounteredEscrowProportionThreshold,
    /// Credentials or the server's SCIM are wrong.
    EncounteredQuarantineException,
    /// By hand.
    QuarantinedOnDemand,
    /// The prevention of accidental deletions.
    TooManyDeletes,
    /// The source could not be read.
    IngestionInterrupted,
    /// None of these.
    Unknown,
}

/// `synchronizationQuarantine`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Quarantine {
    /// When it was last imposed.
    pub current_began: Timestamp,
    /// When the job runs next.
    pub next_attempt: Timestamp,
    /// Why.
    pub reason: QuarantineReason,
    /// When the series began.
    pub series_began: Timestamp,
    /// How often it was left in effect.
    pub series_count: u64,
    /// The error, in words.
    pub error: JobFault,
}

/// How many objects of a type the connector data store holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryCount {
    /// `User` or `Group`.
    pub key: String,
    /// How many.
    pub value: u64,
}

/// `synchronizationProgress`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    /// Pages processed.
    pub completed_units: u64,
    /// Pages in all.
    pub total_units: u64,
    /// Always `pages`.
    pub units: String,
}

/// `synchronizationStatus`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct JobStatus {
    /// In one word.
    pub code: StatusCode,
    /// Runs that failed one after the other.
    pub count_successive_complete_failures: u64,
    /// Whether errors were thrown away to complete the initial cycle.
    pub escrows_pruned: bool,
    /// The last cycle.
    pub last_execution: Option<Execution>,
    /// The last cycle without errors.
    pub last_successful_execution: Option<Execution>,
    /// The last cycle without errors that wrote something.
    pub last_successful_execution_with_exports: Option<Execution>,
    /// Pages of the last cycle.
    pub progress: Vec<Progress>,
    /// When there was first nothing left to do.
    pub steady_state_first_achieved_time: Option<Timestamp>,
    /// When there was last nothing left to do.
    pub steady_state_last_achieved_time: Option<Timestamp>,
    /// Objects known.
    pub synchronized_entry_count_by_type: Vec<EntryCount>,
    /// The quarantine, if the job is in it.
    pub quarantine: Option<Quarantine>,
}
