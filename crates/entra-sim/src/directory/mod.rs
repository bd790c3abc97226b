//! The source: a directory of users and groups as Entra sees them, from a file or made from a seed.

mod assignments;
pub mod changes;
pub mod generate;
mod people;
mod turnover;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use assignments::{Assignments, Entitlement};

/// Soft-deleted objects are purged after this time.
pub const PURGE_AFTER: SignedDuration = SignedDuration::from_hours(30 * 24);

/// A user.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// `objectId`.
    pub object_id: String,
    /// Whether the account may sign in.
    #[serde(default = "yes")]
    pub account_enabled: bool,
    /// The `objectId` of the manager.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manager: Option<String>,
    /// When the user was soft-deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_date_time: Option<Timestamp>,
    /// Everything else: `userPrincipalName`, `mail`, `department`, `extensionAttribute1`, …
    #[serde(flatten)]
    pub attributes: Map<String, Value>,
}

/// A group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Group {
    /// `objectId`.
    pub object_id: String,
    /// Only security-enabled groups can be assigned.
    #[serde(default = "yes")]
    pub security_enabled: bool,
    /// `objectId`s of users and nested groups.
    #[serde(default)]
    pub members: BTreeSet<String>,
    /// When the group was soft-deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_date_time: Option<Timestamp>,
    /// Everything else: `displayName`, `mailNickname`, `description`, …
    #[serde(flatten)]
    pub attributes: Map<String, Value>,
}

fn yes() -> bool {
    true
}

/// A role that the application defines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AppRole {
    /// Its GUID.
    pub id: String,
    /// The value in tokens and provisioning.
    pub value: String,
    /// Its name for people.
    pub display_name: String,
}

/// A user or group is assigned to the application.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Assignment {
    /// The user or group.
    pub principal_id: String,
    /// The role; none is Default Access.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_role_id: Option<String>,
}

/// A directory with the application's roles and assignments.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Directory {
    /// Users by `objectId`, the soft-deleted among them.
    pub users: BTreeMap<String, User>,
    /// Groups by `objectId`.
    pub groups: BTreeMap<String, Group>,
    /// The application's roles.
    pub app_roles: Vec<AppRole>,
    /// Who is assigned.
    pub assignments: Vec<Assignment>,
    /// Objects that are gone for good.
    pub purged: BTreeSet<String>,
}

/// The same as it stands in a file.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct DirectoryFile {
    users: Vec<User>,
    #[serde(default)]
    groups: Vec<Group>,
    #[serde(default)]
    app_roles: Vec<AppRole>,
    #[serde(default)]
    assignments: Vec<Assignment>,
    #[serde(default)]
    purged: BTreeSet<String>,
}

/// Why a directory, or a change to it, cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct DirectoryError(pub String);

impl User {
    /// An attribute by its Entra name; null if the user has none. `#EXT#` is taken out of a guest's
    /// `userPrincipalName`; `originalUserPrincipalName` keeps it.
    pub fn attribute(&self, name: &str) -> Value {
        let own = |name: &str| self.attributes.get(name).cloned().unwrap_or(Value::Null);
        match name {
            "objectId" | "id" => Value::from(self.object_id.as_str()),
            "accountEnabled" => Value::from(self.account_enabled),
            "manager" => self.manager.as_deref().map_or(Value::Null, Value::from),
            "originalUserPrincipalName" => own("userPrincipalName"),
            "userPrincipalName" => match own(name) {
                Value::String(upn) => Value::from(upn.replace("#EXT#", "")),
                other => other,
            },
            _ => own(name),
        }
    }

    /// A text attribute, or an empty text.
    pub fn text(&self, name: &str) -> &str {
        self.attributes.get(name).and_then(Value::as_str).unwrap_or_default()
    }
}

impl Group {
    /// An attribute by its Entra name; null if the group has none.
    pub fn attribute(&self, name: &str) -> Value {
        match name {
            "objectId" | "id" => Value::from(self.object_id.as_str()),
            "securityEnabled" => Value::from(self.security_enabled),
            _ => self.attributes.get(name).cloned().unwrap_or(Value::Null),
        }
    }

    /// The name for people.
    pub fn display_name(&self) -> &str {
        self.attributes.get("displayName").and_then(Value::as_str).unwrap_or_default()
    }
}

impl Directory {
    /// Reads a directory.
    ///
    /// # Errors
    /// [`DirectoryError`] when it is not JSON of this form, an id occurs twice or a reference leads nowhere.
    pub fn from_json(text: &str) -> Result<Self, DirectoryError> {
        let file: DirectoryFile =
            serde_json::from_str(text).map_err(|error| DirectoryError(error.to_string()))?;
        let (users, groups) = (file.users.len(), file.groups.len());
        let directory = Self {
            users: file.users.into_iter().map(|user| (user.object_id.clone(), user)).collect(),
            groups: file.groups.into_iter().map(|group| (group.object_id.clone(), group)).collect(),
            app_roles: file.app_roles,
            assignments: file.assignments,
            purged: file.purged,
        };
        if directory.users.len() < users || directory.groups.len() < groups {
            return Err(DirectoryError("an objectId occurs twice".to_owned()));
        }
        directory.check()?;
        Ok(directory)
    }

    /// Reads a directory from a file.
    ///
    /// # Errors
    /// [`DirectoryError`] with the file's name.
    pub fn load(path: &Path) -> Result<Self, DirectoryError> {
        let named = |why: &str| DirectoryError(format!("directory {}: {why}", path.display()));
        let text = std::fs::read_to_string(path).map_err(|error| named(&error.to_string()))?;
        Self::from_json(&text).map_err(|error| named(&error.0))
    }

    /// The directory as a file holds it.
    ///
    /// # Errors
    /// [`DirectoryError`] when it cannot be written as JSON.
    pub fn to_json(&self) -> Result<String, DirectoryError> {
        let file = DirectoryFile {
            users: self.users.values().cloned().collect(),
            groups: self.groups.values().cloned().collect(),
            app_roles: self.app_roles.clone(),
            assignments: self.assignments.clone(),
            purged: self.purged.clone(),
        };
        serde_json::to_string_pretty(&file).map_err(|error| DirectoryError(error.to_string()))
    }

    fn check(&self) -> Result<(), DirectoryError> {
        let known = |id: &String| self.users.contains_key(id) || self.groups.contains_key(id);
        let fail =
            |what: String, id: &str| Err(DirectoryError(format!("{what} '{id}' is not in the directory")));
        for user in self.users.values() {
            if let Some(manager) = user.manager.as_ref().filter(|id| !self.users.contains_key(*id)) {
                return fail(format!("the manager of '{}',", user.object_id), manager);
            }
        }
        for group in self.groups.values() {
            if let Some(member) = group.members.iter().find(|id| !known(id)) {
                return fail(format!("a member of '{}',", group.object_id), member);
            }
        }
        for assignment in &self.assignments {
            if !known(&assignment.principal_id) {
                return fail("the assigned principal".to_owned(), &assignment.principal_id);
            }
            let role = assignment.app_role_id.as_ref();
            if let Some(role) = role.filter(|id| self.app_roles.iter().all(|role| role.id != **id)) {
                return fail("the app role".to_owned(), role);
            }
        }
        Ok(())
    }

    /// Removes an object for good, with every reference to it.
    pub fn purge(&mut self, id: &str) {
        self.users.remove(id);
        self.groups.remove(id);
        self.purged.insert(id.to_owned());
        self.assignments.retain(|assignment| assignment.principal_id != id);
        for group in self.groups.values_mut() {
            group.members.remove(id);
        }
        for user in self.users.values_mut().filter(|user| user.manager.as_deref() == Some(id)) {
            user.manager = None;
        }
    }

    /// Purges what was soft-deleted 30 days before `now`.
    pub fn purge_due(&mut self, now: Timestamp) {
        let due =
            |deleted: Option<Timestamp>| deleted.is_some_and(|at| now.duration_since(at) >= PURGE_AFTER);
        let users =
            self.users.values().filter(|user| due(user.deleted_date_time)).map(|user| &user.object_id);
        let groups =
            self.groups.values().filter(|group| due(group.deleted_date_time)).map(|group| &group.object_id);
        let ids: Vec<String> = users.chain(groups).cloned().collect();
        for id in ids {
            self.purge(&id);
        }
    }
}
