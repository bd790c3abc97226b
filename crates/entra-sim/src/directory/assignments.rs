//! Who is entitled: direct assignments, and immediate members of assigned groups.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{AppRole, Directory};

/// What the assignments give to one user or group.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Entitlement {
    /// Whether anything assigns the object.
    pub assigned: bool,
    /// Whether Default Access is all that it has.
    pub default_access_only: bool,
    /// The roles, in the order in which the application defines them.
    pub roles: Vec<AppRole>,
}

impl Entitlement {
    /// `[appRoleAssignments]` as expressions see it.
    pub fn app_role_assignments(&self) -> Value {
        let role =
            |role: &AppRole| json!({"id": role.id, "value": role.value, "displayName": role.display_name});
        if self.roles.is_empty() { Value::Null } else { self.roles.iter().map(role).collect() }
    }

    /// Whether it entitles, given what Default Access counts for.
    pub fn entitles(&self, default_access_excluded: bool) -> bool {
        self.assigned && !(default_access_excluded && self.default_access_only)
    }
}

/// The entitlements of a whole directory, worked out once a cycle.
#[derive(Debug)]
pub struct Assignments<'a> {
    directory: &'a Directory,
    /// Principal → role ids; `None` is Default Access.
    roles: BTreeMap<&'a str, BTreeSet<Option<&'a str>>>,
}

impl<'a> Assignments<'a> {
    /// Works out who is entitled. Nested groups give nothing; groups that are not security-enabled give nothing.
    pub fn new(directory: &'a Directory) -> Self {
        let mut roles: BTreeMap<&str, BTreeSet<Option<&str>>> = BTreeMap::new();
        for assignment in &directory.assignments {
            let role = assignment.app_role_id.as_deref();
            let principal = assignment.principal_id.as_str();
            if directory.users.contains_key(principal) {
                roles.entry(principal).or_default().insert(role);
            } else if let Some(group) = directory.groups.get(principal).filter(|group| group.security_enabled)
            {
                roles.entry(principal).or_default().insert(role);
                let users = group.members.iter().filter(|member| directory.users.contains_key(*member));
                let members = users.filter(|_| group.deleted_date_time.is_none());
                members.for_each(|member| {
                    roles.entry(member).or_default().insert(role);
                });
            }
        }
        Self { directory, roles }
    }

    /// What a user or group has.
    pub fn of(&self, id: &str) -> Entitlement {
        let Some(ids) = self.roles.get(id) else { return Entitlement::default() };
        let roles = self.directory.app_roles.iter().filter(|role| ids.contains(&Some(role.id.as_str())));
        let roles: Vec<AppRole> = roles.cloned().collect();
        Entitlement { assigned: true, default_access_only: roles.is_empty(), roles }
    }
}
