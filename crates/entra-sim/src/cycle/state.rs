//! What a job remembers between cycles, in a file: links, watermark, escrows, staged deletions, quarantine.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::job::ObjectType;
use crate::report::status::JobStatus;

/// Why an object is to be disabled or deleted in the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Departure {
    /// No longer assigned to the application.
    Unassigned,
    /// Assigned with Default Access only, where that does not count.
    NotEntitled,
    /// Fails the scoping filters.
    FilteredOut,
    /// Soft-deleted.
    SoftDeleted,
    /// `accountEnabled` is false.
    AccountDisabled,
}

impl Departure {
    /// Whether the object left the scope of the job, rather than the directory.
    pub fn is_out_of_scope(self) -> bool {
        matches!(self, Self::Unassigned | Self::NotEntitled | Self::FilteredOut)
    }
}

/// One entry of the connector data store: a source object and its target object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Link {
    /// The type.
    pub object_type: ObjectType,
    /// The target's `id`, used for all later calls.
    pub target_id: String,
    /// Why the target object is disabled; none if it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub departed: Option<Departure>,
    /// The manager's target id as last seen or sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manager: Option<String>,
    /// Source ids of the members that were sent.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub members: BTreeSet<String>,
    /// Source ids of members whose addition or removal got no answer: the server may have done it or not.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub uncertain: BTreeSet<String>,
}

impl Link {
    /// A link to a target object of which nothing more is known.
    pub fn new(object_type: ObjectType, target_id: &str) -> Self {
        let (members, uncertain) = (BTreeSet::new(), BTreeSet::new());
        Self {
            object_type,
            target_id: target_id.to_owned(),
            departed: None,
            manager: None,
            members,
            uncertain,
        }
    }
}

/// An object-level error that waits to be tried again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Escrow {
    /// The type.
    pub object_type: ObjectType,
    /// The source id.
    pub source_id: String,
    /// Whether it is a manager or members that failed.
    pub reference: bool,
    /// How often it failed.
    pub attempts: u32,
    /// When it first failed.
    pub first_failure: Timestamp,
    /// When it is tried next.
    pub next_retry: Timestamp,
    /// The error code.
    pub error_code: String,
}

/// Everything a job remembers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct State {
    /// The job's id, `scim.…`.
    pub job_id: String,
    /// The fingerprint of the configuration that the watermark belongs to.
    pub configuration: String,
    /// Cycles that were completed.
    pub cycles: u64,
    /// Fingerprints of source objects at the end of the last cycle; none before an initial cycle is complete.
    pub watermark: Option<BTreeMap<String, String>>,
    /// The connector data store, by source id.
    pub links: BTreeMap<String, Link>,
    /// Errors, by object and kind.
    pub escrows: BTreeMap<String, Escrow>,
    /// Source ids whose deletion is kept back.
    pub staged: BTreeSet<String>,
    /// The administrator allowed the staged deletions.
    pub deletes_allowed: bool,
    /// Users and groups ever linked; never falls, recomputed after a reset.
    pub entries: BTreeMap<String, u64>,
    /// Status as Graph shows it.
    pub status: JobStatus,
}

/// Why the state cannot be kept.
#[derive(Debug, thiserror::Error)]
#[error("state file {path}: {why}")]
pub struct StateError {
    /// The file.
    pub path: String,
    /// What is wrong.
    pub why: String,
}

/// What a restart clears (Graph's `resetScope`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
#[value(rename_all = "PascalCase")]
pub enum Reset {
    /// Nothing: start or resume a paused job.
    None,
    /// The connector data store: links are broken.
    ConnectorDataStore,
    /// Object-level errors.
    Escrows,
    /// The watermark: the next cycle is an initial one.
    Watermark,
    /// The quarantine.
    QuarantineState,
    /// All of these.
    Full,
    /// Nothing; staged deletions are allowed.
    ForceDeletes,
}

impl Reset {
    /// What "Restart provisioning" in the portal clears: everything but the links.
    pub const PORTAL: [Self; 3] = [Self::Watermark, Self::Escrows, Self::QuarantineState];
}

/// Where a retry comes after so many failures: the next cycle, then ever later, a day at most.
pub(super) fn retry_delay(attempts: u32, interval: SignedDuration) -> SignedDuration {
    let factor = 1_i32 << attempts.saturating_sub(1).min(16);
    interval.saturating_mul(factor).min(SignedDuration::from_hours(24))
}

/// How long an error is kept.
const ESCROW_LIFE: SignedDuration = SignedDuration::from_hours(28 * 24);

impl State {
    /// Reads the state of a job; a file that is not there is a job that never ran.
    ///
    /// # Errors
    /// [`StateError`] when the file cannot be read.
    pub fn load(path: &Path) -> Result<Self, StateError> {
        let wrong = |why: String| StateError { path: path.display().to_string(), why };
        match std::fs::read(path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| wrong(error.to_string())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(wrong(error.to_string())),
        }
    }

    /// Writes the state beside the file and moves it over, so that a crash leaves the old or the new one.
    ///
    /// # Errors
    /// [`StateError`] when the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), StateError> {
        let wrong = |why: String| StateError { path: path.display().to_string(), why };
        let bytes = serde_json::to_vec_pretty(self).map_err(|error| wrong(error.to_string()))?;
        let beside = path.with_extension("tmp");
        let written = std::fs::File::create(&beside).and_then(|mut file| {
            file.write_all(&bytes)?;
            file.sync_all()?;
            std::fs::rename(&beside, path)
        });
        written.map_err(|error| wrong(error.to_string()))
    }

    /// Restarts the job: clears what is named.
    pub fn reset(&mut self, scopes: &[Reset]) {
        let names = |scope: Reset| scopes.contains(&scope) || scopes.contains(&Reset::Full);
        if names(Reset::ConnectorDataStore) {
            self.links.clear();
            self.entries.clear();
            self.watermark = None;
        }
        if names(Reset::Watermark) {
            self.watermark = None;
            self.staged.clear();
            self.status.escrows_pruned = false;
        }
        if names(Reset::Escrows) {
            self.escrows.clear();
        }
        if names(Reset::QuarantineState) {
            self.status.quarantine = None;
            self.status.count_successive_complete_failures = 0;
        }
        if scopes.contains(&Reset::ForceDeletes) {
            self.deletes_allowed = true;
            self.status.quarantine = None;
        }
        self.status.code = match (&self.status.quarantine, self.watermark.is_some()) {
            (Some(_), _) => crate::report::status::StatusCode::Quarantine,
            (None, true) => crate::report::status::StatusCode::Active,
            (None, false) => crate::report::status::StatusCode::NotRun,
        };
    }

    /// The link of a source object.
    pub fn link(&self, source_id: &str) -> Option<&Link> {
        self.links.get(source_id)
    }

    /// Keeps a new link and counts it.
    pub(super) fn set_link(&mut self, source_id: &str, link: Link) {
        let kind = link.object_type.to_string();
        if self.links.insert(source_id.to_owned(), link).is_none() {
            *self.entries.entry(kind).or_default() += 1;
        }
    }

    /// Notes a failure, to be tried again later.
    pub(super) fn escrow(&mut self, failed: Failed<'_>, now: Timestamp, interval: SignedDuration) {
        let entry = self.escrows.entry(failed.key()).or_insert_with(|| Escrow {
            object_type: failed.object_type,
            source_id: failed.source_id.to_owned(),
            reference: failed.reference,
            attempts: 0,
            first_failure: now,
            next_retry: now,
            error_code: String::new(),
        });
        entry.attempts += 1;
        entry.error_code = failed.code.to_owned();
        entry.next_retry = now.saturating_add(retry_delay(entry.attempts, interval)).unwrap_or(now);
    }

    /// Notes that a reference waits for an object in escrow; looked at in every cycle, which costs no request.
    pub(super) fn await_reference(&mut self, object_type: ObjectType, source_id: &str, now: Timestamp) {
        let failed = Failed { object_type, source_id, reference: true, code: "UnresolvedReference" };
        self.escrow(failed, now, SignedDuration::ZERO);
    }

    /// Forgets a failure.
    pub(super) fn release(&mut self, source_id: &str, reference: bool) {
        self.escrows.retain(|_, escrow| escrow.source_id != source_id || escrow.reference != reference);
    }

    /// Forgets references, due at `now`, of objects that no longer have any to send.
    pub(super) fn drop_references(&mut self, now: Timestamp, kept: &BTreeSet<&str>) {
        let due = |escrow: &Escrow| escrow.reference && escrow.next_retry <= now;
        self.escrows.retain(|_, escrow| !due(escrow) || kept.contains(escrow.source_id.as_str()));
    }

    /// Forgets errors that are four weeks old.
    pub(super) fn expire_escrows(&mut self, now: Timestamp) {
        self.escrows.retain(|_, escrow| now.duration_since(escrow.first_failure) < ESCROW_LIFE);
    }

    /// The objects that wait themselves, not only their references.
    pub(super) fn escrowed_objects(&self) -> BTreeSet<&str> {
        let objects = self.escrows.values().filter(|escrow| !escrow.reference);
        objects.map(|escrow| escrow.source_id.as_str()).collect()
    }

    /// How many errors wait: those of objects, and those of references.
    pub(super) fn escrowed(&self) -> (u64, u64) {
        let references = self.escrows.values().filter(|escrow| escrow.reference).count() as u64;
        (self.escrows.len() as u64 - references, references)
    }
}

/// Names a failure.
pub(super) struct Failed<'a> {
    pub(super) object_type: ObjectType,
    pub(super) source_id: &'a str,
    pub(super) reference: bool,
    pub(super) code: &'a str,
}

impl Failed<'_> {
    fn key(&self) -> String {
        let kind = if self.reference { "/reference" } else { "" };
        format!("{}/{}{kind}", self.object_type, self.source_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retries_come_ever_later() {
        let interval = SignedDuration::from_mins(40);
        let minutes: Vec<i64> = (1..=8).map(|n| retry_delay(n, interval).as_mins()).collect();
        assert_eq!(minutes, [40, 80, 160, 320, 640, 1280, 1440, 1440]);
        assert_eq!(retry_delay(u32::MAX, interval).as_hours(), 24);
    }

    #[test]
    fn a_reset_clears_what_it_names() {
        let mut full = State { watermark: Some(BTreeMap::new()), ..State::default() };
        let link = Link::new(ObjectType::User, "1");
        full.set_link("a", link);
        let failed =
            Failed { object_type: ObjectType::User, source_id: "a", reference: true, code: "Timeout" };
        full.escrow(failed, Timestamp::UNIX_EPOCH, SignedDuration::from_mins(40));
        let mut portal = full.clone();
        portal.reset(&Reset::PORTAL);
        assert_eq!((portal.links.len(), portal.escrows.len(), portal.watermark), (1, 0, None));
        let mut escrows = full.clone();
        escrows.reset(&[Reset::Escrows]);
        assert!(escrows.watermark.is_some() && escrows.escrows.is_empty());
        full.reset(&[Reset::Full]);
        assert!(full.links.is_empty() && full.watermark.is_none() && full.entries.is_empty());
    }
}
