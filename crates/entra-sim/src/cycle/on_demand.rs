//! On-demand provisioning: one object at once, always in the default dialect.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::{Value, json};

use super::plan::{CycleKind, Plan, Work};
use super::source::{Kind, SourceObject};
use super::state::Departure;
use super::{Engine, Run};
use crate::directory::{Assignments, Directory};
use crate::http::Dialect;
use crate::report::log::{ObjectSummary, Status, StepType};

/// Most members of a group that can be provisioned on demand.
const MOST_MEMBERS: usize = 5;

/// Why an object cannot be provisioned on demand.
#[derive(Debug, thiserror::Error)]
pub enum OnDemandError {
    /// There is no such object.
    #[error("'{0}' is not in the directory")]
    Unknown(String),
    /// Microsoft does not support it.
    #[error("on-demand provisioning does not support this: {0}")]
    Unsupported(String),
}

/// What the page shows: the steps, and under the second of them the scope.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OnDemand {
    /// The answers to the questions of the scope.
    pub scope: Value,
    /// The records of the log: the object, and its references if there were any.
    pub records: Vec<ObjectSummary>,
    /// Whether everything succeeded or had nothing to do.
    pub succeeded: bool,
}

impl Engine {
    /// Provisions one user, or one group with at most five members named in `members`.
    ///
    /// # Errors
    /// [`OnDemandError`] when the object is unknown or of a kind that Microsoft excludes.
    pub async fn on_demand(
        &mut self,
        directory: &Directory,
        name: &str,
        members: &[String],
    ) -> Result<OnDemand, OnDemandError> {
        let assignments = Assignments::new(directory);
        let object = find(directory, name)
            .and_then(|id| SourceObject::find(directory, &id, &self.job, &assignments))
            .ok_or_else(|| OnDemandError::Unknown(name.to_owned()))?;
        let chosen = check(directory, &object, members)?;
        let sent = self.state.link(object.id).map(|link| link.members.clone()).unwrap_or_default();
        let narrowed = narrow(&object, &chosen, &sent);
        let object = match &narrowed {
            Some(group) => SourceObject { kind: Kind::Group(group), ..object },
            None => object,
        };
        let departure = object.scoping.departure();
        let scope = scope(&object);
        let linked = self.state.link(object.id).is_some();
        let work = match departure {
            None => Work::Provision(object.clone()),
            Some(departure) if linked => Work::Deprovision(object.clone(), departure),
            Some(departure) => Work::Skip(object.clone(), departure),
        };
        let dialect = std::mem::replace(&mut self.dialect, Dialect::Default);
        let plan = Plan {
            kind: CycleKind::Initial,
            work: Vec::new(),
            references: if departure.is_none() { vec![object.clone()] } else { Vec::new() },
            fingerprints: BTreeMap::new(),
            imported: 1,
            changed: 1,
            entitled: u64::from(object.entitlement.assigned),
            in_scope: u64::from(departure.is_none()),
        };
        let mut run = Run::new(CycleKind::Initial, &plan, self.envelope());
        self.objects(std::slice::from_ref(&work), &mut run, &super::Silent).await;
        self.references(&plan, &mut run, &super::Silent).await;
        self.dialect = dialect;
        let failed = |record: &ObjectSummary| record.provisioning_status_info.status == Status::Failure;
        Ok(OnDemand { scope, succeeded: !run.logs.iter().any(failed), records: run.logs })
    }
}

fn find(directory: &Directory, name: &str) -> Option<String> {
    if directory.users.contains_key(name) || directory.groups.contains_key(name) {
        return Some(name.to_owned());
    }
    let user =
        directory.users.values().find(|user| user.text("userPrincipalName").eq_ignore_ascii_case(name));
    let group = || directory.groups.values().find(|group| group.display_name() == name);
    user.map(|user| user.object_id.clone()).or_else(|| group().map(|group| group.object_id.clone()))
}

/// Restoring soft-deleted users and provisioning disabled ones is not supported; nor are nested groups.
fn check(
    directory: &Directory,
    object: &SourceObject<'_>,
    members: &[String],
) -> Result<Vec<String>, OnDemandError> {
    let refuse = |why: &str| Err(OnDemandError::Unsupported(why.to_owned()));
    match object.scoping.departure() {
        Some(Departure::SoftDeleted) => return refuse("the object is deleted in Entra"),
        Some(Departure::AccountDisabled) => return refuse("the account is disabled in Entra"),
        _ => {}
    }
    if members.len() > MOST_MEMBERS {
        return refuse("a group has at most five members at a time");
    }
    let ids: Option<Vec<String>> = members.iter().map(|name| find(directory, name)).collect();
    let Some(ids) = ids else { return Err(OnDemandError::Unknown(members.join(", "))) };
    match object.kind {
        Kind::User(_) if !ids.is_empty() => refuse("members belong to a group"),
        Kind::Group(group) if ids.iter().any(|id| !group.members.contains(id)) => {
            refuse("one of the members is not in the group")
        }
        Kind::Group(_) if ids.iter().any(|id| directory.groups.contains_key(id)) => refuse("nested groups"),
        _ => Ok(ids),
    }
}

/// The group with the chosen members beside those that were sent before: nobody is removed on demand.
fn narrow(
    object: &SourceObject<'_>,
    chosen: &[String],
    sent: &BTreeSet<String>,
) -> Option<crate::directory::Group> {
    match object.kind {
        Kind::Group(group) => {
            let mut group = group.clone();
            group.members = chosen.iter().chain(sent).cloned().collect();
            Some(group)
        }
        Kind::User(_) => None,
    }
}

fn scope(object: &SourceObject<'_>) -> Value {
    let filters: Vec<Value> = object
        .scoping
        .filters
        .iter()
        .map(|(filter, holds)| json!({"filter": filter, "satisfied": holds, "step": StepType::Scoping}))
        .collect();
    json!({
        "activeInSource": object.scoping.active_in_source && object.scoping.account_enabled,
        "assignedToApplication": object.scoping.assigned,
        "scopeSyncAll": object.scoping.scope_sync_all,
        "hasRequiredRole": object.scoping.has_required_role,
        "scopingFilters": filters,
        "inScope": object.scoping.departure().is_none(),
    })
}
