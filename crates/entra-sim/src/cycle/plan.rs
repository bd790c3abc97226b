//! What a cycle has to do, worked out before the first request: so that deletions can be counted in time.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::source::SourceObject;
use super::state::{Departure, Link, State};
use crate::directory::{Assignments, Directory};
use crate::job::{Job, ObjectType};

/// The kind of a cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CycleKind {
    /// Everything is evaluated.
    Initial,
    /// What changed since the watermark is.
    Incremental,
}

impl std::fmt::Display for CycleKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Initial => "initial",
            Self::Incremental => "incremental",
        })
    }
}

/// What is to be done with one object.
#[derive(Clone, Debug)]
pub enum Work<'a> {
    /// Match it, then create or update the target.
    Provision(SourceObject<'a>),
    /// Disable the target user, or delete the target group.
    Deprovision(SourceObject<'a>, Departure),
    /// The source object is gone for good.
    Purge {
        /// Its id.
        id: String,
        /// What it is linked to.
        link: Link,
    },
    /// Nothing, for this reason; logged.
    Skip(SourceObject<'a>, Departure),
}

impl Work<'_> {
    /// The id of the source object.
    pub fn id(&self) -> &str {
        match self {
            Self::Provision(object) | Self::Deprovision(object, _) | Self::Skip(object, _) => object.id,
            Self::Purge { id, .. } => id,
        }
    }

    /// The type of the source object.
    pub fn object_type(&self) -> ObjectType {
        match self {
            Self::Provision(object) | Self::Deprovision(object, _) | Self::Skip(object, _) => {
                object.object_type
            }
            Self::Purge { link, .. } => link.object_type,
        }
    }

    /// Whether the prevention of accidental deletions counts it: deletions and disablements, of users and groups.
    pub fn counts_as_deletion(&self, state: &State) -> bool {
        let active = |id: &str| state.link(id).is_some_and(|link| link.departed.is_none());
        match self {
            Self::Deprovision(object, _) => active(object.id),
            Self::Provision(object) => object.scoping.departure().is_some() && active(object.id),
            Self::Purge { link, .. } => is_deleted_on_purge(link),
            Self::Skip(..) => false,
        }
    }
}

/// A user who was unassigned first and purged later was disabled then, and no DELETE follows.
pub(super) fn is_deleted_on_purge(link: &Link) -> bool {
    !link.departed.is_some_and(Departure::is_out_of_scope)
}

/// A whole cycle.
#[derive(Debug)]
pub struct Plan<'a> {
    /// The kind.
    pub kind: CycleKind,
    /// What there is to do, users first.
    pub work: Vec<Work<'a>>,
    /// Groups and users whose references are to be looked at, after the objects.
    pub references: Vec<SourceObject<'a>>,
    /// The next watermark.
    pub fingerprints: BTreeMap<String, String>,
    /// Objects read.
    pub imported: u64,
    /// Objects that changed.
    pub changed: u64,
    /// Objects read that are assigned.
    pub entitled: u64,
    /// Objects read that are in scope.
    pub in_scope: u64,
}

/// Works out what is to be done at `now`.
pub fn plan<'a>(directory: &'a Directory, job: &Job, state: &State, now: Timestamp) -> Plan<'a> {
    let assignments = Assignments::new(directory);
    let kind = if state.watermark.is_some() { CycleKind::Incremental } else { CycleKind::Initial };
    let due: BTreeSet<(&str, bool)> = state
        .escrows
        .values()
        .filter(|escrow| escrow.next_retry <= now)
        .map(|escrow| (escrow.source_id.as_str(), escrow.reference))
        .collect();
    let (work, references) = (Vec::new(), Vec::new());
    let mut plan = Plan {
        kind,
        work,
        references,
        fingerprints: BTreeMap::new(),
        imported: 0,
        changed: 0,
        entitled: 0,
        in_scope: 0,
    };
    let users = directory.users.values().filter(|_| job.users.enabled);
    let groups = directory.groups.values().filter(|_| job.groups.enabled);
    let users = users.map(|user| SourceObject::user(user, job, &assignments));
    let groups = groups.map(|group| SourceObject::group(group, job, &assignments));
    for object in users.chain(groups) {
        let fingerprint = object.fingerprint();
        let known = state.watermark.as_ref().and_then(|watermark| watermark.get(object.id));
        let changed = known != Some(&fingerprint);
        let retried = due.contains(&(object.id, false)) || state.staged.contains(object.id);
        plan.fingerprints.insert(object.id.to_owned(), fingerprint);
        if changed || retried || due.contains(&(object.id, true)) {
            plan.imported += 1;
            plan.changed += u64::from(changed);
            plan.entitled += u64::from(object.entitlement.assigned);
            plan.in_scope += u64::from(object.scoping.departure().is_none());
            if object.has_references() {
                plan.references.push(object.clone());
            }
            if changed || retried {
                plan.work.push(classify(object, job, state));
            }
        }
    }
    let gone = state
        .links
        .iter()
        .filter(|(id, link)| !plan.fingerprints.contains_key(*id) && job.mapping(link.object_type).enabled);
    plan.work.extend(gone.map(|(id, link)| Work::Purge { id: id.clone(), link: link.clone() }));
    plan
}

fn classify<'a>(object: SourceObject<'a>, job: &Job, state: &State) -> Work<'a> {
    let link = state.link(object.id);
    match (object.scoping.departure(), link) {
        (None, _) => Work::Provision(object),
        // The account is disabled but still in scope: its other attributes flow too.
        (Some(Departure::AccountDisabled), Some(_)) => Work::Provision(object),
        (Some(departure), Some(link)) => {
            let left_alone = job.skip_out_of_scope_deletions && departure.is_out_of_scope();
            if left_alone || link.departed.is_some() {
                Work::Skip(object, departure)
            } else {
                Work::Deprovision(object, departure)
            }
        }
        (Some(departure), None) => Work::Skip(object, departure),
    }
}
