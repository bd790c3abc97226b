//! The source as a job sees it: each object with its entitlement, its place in the scope, and its fingerprint.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::state::Departure;
use crate::directory::{Assignments, Directory, Entitlement, Group, User};
use crate::fingerprint;
use crate::job::{Job, ObjectType, ScopeSetting};

/// A user or group with what the job makes of it.
#[derive(Clone, Debug)]
pub struct SourceObject<'a> {
    /// Its type.
    pub object_type: ObjectType,
    /// Its `objectId`.
    pub id: &'a str,
    /// What it is.
    pub kind: Kind<'a>,
    /// What it is assigned.
    pub entitlement: Entitlement,
    /// Whether and why it is in scope.
    pub scoping: Scoping,
}

/// The object itself.
#[derive(Clone, Copy, Debug)]
pub enum Kind<'a> {
    /// A user.
    User(&'a User),
    /// A group.
    Group(&'a Group),
}

/// The questions that the on-demand page answers under "Determine if user is in scope".
#[derive(Clone, Debug, PartialEq)]
pub struct Scoping {
    /// Not soft-deleted.
    pub active_in_source: bool,
    /// `accountEnabled`; always true of groups.
    pub account_enabled: bool,
    /// Assigned to the application.
    pub assigned: bool,
    /// The job looks at everybody.
    pub scope_sync_all: bool,
    /// Has a role that counts.
    pub has_required_role: bool,
    /// Each filter as `{title} {attribute} {operator} {value}`, and whether it holds.
    pub filters: Vec<(String, bool)>,
}

impl Scoping {
    /// Why the object is not to be active in the target; none if it is.
    pub fn departure(&self) -> Option<Departure> {
        let filtered = !self.filters.is_empty() && !self.filters.iter().any(|(_, holds)| *holds);
        if !self.active_in_source {
            Some(Departure::SoftDeleted)
        } else if !self.scope_sync_all && !self.assigned {
            Some(Departure::Unassigned)
        } else if !self.scope_sync_all && !self.has_required_role {
            Some(Departure::NotEntitled)
        } else if filtered {
            Some(Departure::FilteredOut)
        } else if !self.account_enabled {
            Some(Departure::AccountDisabled)
        } else {
            None
        }
    }
}

impl<'a> SourceObject<'a> {
    /// A user as the job sees it.
    pub fn user(user: &'a User, job: &Job, assignments: &Assignments<'_>) -> Self {
        Self::new(ObjectType::User, &user.object_id, Kind::User(user), job, assignments)
    }

    /// A group as the job sees it.
    pub fn group(group: &'a Group, job: &Job, assignments: &Assignments<'_>) -> Self {
        Self::new(ObjectType::Group, &group.object_id, Kind::Group(group), job, assignments)
    }

    fn new(
        object_type: ObjectType,
        id: &'a str,
        kind: Kind<'a>,
        job: &Job,
        assignments: &Assignments<'_>,
    ) -> Self {
        let entitlement = assignments.of(id);
        let (deleted, account_enabled) = match kind {
            Kind::User(user) => (user.deleted_date_time, user.account_enabled),
            Kind::Group(group) => (group.deleted_date_time, true),
        };
        let plain = |name: &str| match kind {
            Kind::User(user) => user.attribute(name),
            Kind::Group(group) => group.attribute(name),
        };
        let filters = job.mapping(object_type).filters.iter().map(|filter| {
            let clauses: Vec<String> = filter.clauses.iter().map(ToString::to_string).collect();
            (format!("{} {}", filter.title, clauses.join(" AND ")).trim().to_owned(), filter.holds(&plain))
        });
        let scoping = Scoping {
            active_in_source: deleted.is_none(),
            account_enabled,
            assigned: entitlement.assigned,
            scope_sync_all: job.scope == ScopeSetting::All,
            has_required_role: entitlement.entitles(job.default_access_excluded),
            filters: filters.collect(),
        };
        Self { object_type, id, kind, entitlement, scoping }
    }

    /// The object of that id, whatever it is.
    pub fn find(
        directory: &'a Directory,
        id: &str,
        job: &Job,
        assignments: &Assignments<'_>,
    ) -> Option<Self> {
        let user = directory.users.get(id).map(|user| Self::user(user, job, assignments));
        user.or_else(|| directory.groups.get(id).map(|group| Self::group(group, job, assignments)))
    }

    /// An attribute as expressions see it.
    pub fn attribute(&self, name: &str) -> Value {
        match (name, self.kind) {
            ("IsSoftDeleted", _) => Value::from(self.scoping.departure().is_some()),
            ("appRoleAssignments", _) => self.entitlement.app_role_assignments(),
            (_, Kind::User(user)) => user.attribute(name),
            (_, Kind::Group(group)) => group.attribute(name),
        }
    }

    /// Whether its manager or members are looked after: in scope, if only with a disabled account.
    pub fn has_references(&self) -> bool {
        matches!(self.scoping.departure(), None | Some(Departure::AccountDisabled))
    }

    /// The name for people.
    pub fn name(&self) -> &'a str {
        match self.kind {
            Kind::User(user) => user.text("displayName"),
            Kind::Group(group) => group.display_name(),
        }
    }

    /// A digest of everything a delta query would report: attributes, references, deletion, assignments.
    pub fn fingerprint(&self) -> String {
        let roles: Vec<&str> = self.entitlement.roles.iter().map(|role| role.id.as_str()).collect();
        let entitled = json!([self.entitlement.assigned, roles]);
        let deleted = |at: Option<Timestamp>| at.map(|at| at.to_string());
        let text = match self.kind {
            Kind::User(user) => json!([
                user.attributes,
                user.account_enabled,
                user.manager,
                deleted(user.deleted_date_time),
                entitled
            ]),
            Kind::Group(group) => json!([
                group.attributes,
                group.security_enabled,
                group.members,
                deleted(group.deleted_date_time),
                entitled
            ]),
        };
        fingerprint::of(&text.to_string())
    }
}
