//! Changes between cycles: a script of joins, moves, leaves, renames and group changes, by name or at random.

use jiff::Timestamp;
use rand::seq::SliceRandom as _;
use rand_chacha::ChaCha8Rng;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::people::Maker;
use super::turnover::{join, relocate, rename, shuffle_members};
use super::{Assignment, Directory, DirectoryError, Group, User};

/// Changes, in the order of cycles.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// What happens before each further cycle.
    #[serde(rename = "cycle", default)]
    pub cycles: Vec<Step>,
}

/// What happens before one cycle.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Hours that pass before the cycle, beside the usual 40 minutes.
    #[serde(default)]
    pub hours: i64,
    /// The changes.
    #[serde(rename = "change", default)]
    pub changes: Vec<Change>,
}

/// Names an object: `objectId`, `userPrincipalName` or a group's `displayName`.
type Name = String;

/// One change. Where a count stands instead of a name, objects are drawn at random.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "op", rename_all = "kebab-case", rename_all_fields = "snake_case", deny_unknown_fields)]
pub enum Change {
    /// New employees, each in the group of the department and of the office.
    Join {
        /// How many.
        count: usize,
    },
    /// A user given in full, in the JSON of the directory file.
    AddUser {
        /// The user.
        user: User,
        /// Groups to be a member of.
        #[serde(default)]
        groups: Vec<Name>,
    },
    /// Another department and office: attributes and group memberships change.
    Move(Whom),
    /// Soft deletion.
    Leave(Whom),
    /// Another surname, and with it principal name, mail and display name.
    Rename(Whom),
    /// `accountEnabled` becomes false.
    Disable(Whom),
    /// `accountEnabled` becomes true.
    Enable(Whom),
    /// A soft-deleted user comes back.
    Restore(Whom),
    /// Gone for good, deleted or not.
    Purge(Whom),
    /// Attributes of a user or group; null removes one.
    Set {
        /// The object.
        object: Name,
        /// Names and values.
        attributes: Map<String, Value>,
    },
    /// Another manager, or none.
    Manager {
        /// Whose.
        user: Name,
        /// The manager.
        manager: Option<Name>,
    },
    /// Random members go from one assigned group to another.
    Memberships {
        /// How many.
        count: usize,
    },
    /// A new member.
    AddMember {
        /// Of this group.
        group: Name,
        /// A user or group.
        member: Name,
    },
    /// A member less.
    RemoveMember {
        /// Of this group.
        group: Name,
        /// A user or group.
        member: Name,
    },
    /// A new group, assigned with Default Access.
    CreateGroup {
        /// Its `displayName`.
        name: String,
        /// Its members.
        #[serde(default)]
        members: Vec<Name>,
    },
    /// Another `displayName`.
    RenameGroup {
        /// The group.
        group: Name,
        /// The new name.
        name: String,
    },
    /// The group is gone.
    DeleteGroup {
        /// The group.
        group: Name,
    },
    /// An assignment to the application.
    Assign {
        /// A user or group.
        principal: Name,
        /// A role's value; none is Default Access.
        #[serde(default)]
        role: Option<String>,
    },
    /// Every assignment of a user or group ends.
    Unassign {
        /// A user or group.
        principal: Name,
    },
}

/// One user by name, or so many at random.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Whom {
    /// This one.
    User(Name),
    /// So many, drawn at random.
    Count(usize),
}

impl Script {
    /// Reads a script from TOML.
    ///
    /// # Errors
    /// [`DirectoryError`] when it is not TOML of this form.
    pub fn from_toml(text: &str) -> Result<Self, DirectoryError> {
        toml::from_str(text).map_err(|error| DirectoryError(error.to_string()))
    }

    /// A day in a company of `users`: some join, move, leave, get another name; groups change.
    pub fn usual(users: usize, cycles: usize) -> Self {
        let some = |one_in: usize| (users / one_in).max(1);
        let changes = vec![
            Change::Join { count: some(40) },
            Change::Move(Whom::Count(some(30))),
            Change::Leave(Whom::Count(some(60))),
            Change::Rename(Whom::Count(some(80))),
            Change::Disable(Whom::Count(some(150))),
            Change::Memberships { count: some(30) },
        ];
        Self { cycles: vec![Step { hours: 0, changes }; cycles] }
    }
}

impl Step {
    /// Applies the changes to a directory.
    ///
    /// # Errors
    /// [`DirectoryError`] when a name leads nowhere.
    pub fn apply(
        &self,
        directory: &mut Directory,
        random: &mut ChaCha8Rng,
        now: Timestamp,
    ) -> Result<(), DirectoryError> {
        self.changes.iter().try_for_each(|change| change.apply(directory, random, now))
    }
}

impl Change {
    fn apply(
        &self,
        directory: &mut Directory,
        random: &mut ChaCha8Rng,
        now: Timestamp,
    ) -> Result<(), DirectoryError> {
        let present = |user: &User| user.deleted_date_time.is_none();
        let employee =
            |user: &User| present(user) && user.account_enabled && user.text("userType") != "Guest";
        match self {
            Self::Join { count } => join(directory, random, *count)?,
            Self::AddUser { user, groups } => {
                let groups: Vec<String> =
                    groups.iter().map(|name| group_id(directory, name)).collect::<Result<_, _>>()?;
                for id in groups {
                    group(directory, &id)?.members.insert(user.object_id.clone());
                }
                directory.users.insert(user.object_id.clone(), user.clone());
            }
            Self::Move(whom) => {
                for id in whom.ids(directory, random, employee)? {
                    relocate(directory, random, &id)?;
                }
            }
            Self::Rename(whom) => {
                for id in whom.ids(directory, random, employee)? {
                    rename(directory, random, &id)?;
                }
            }
            Self::Leave(whom) => {
                whom.each(directory, random, employee, |user| user.deleted_date_time = Some(now))?
            }
            Self::Disable(whom) => {
                whom.each(directory, random, employee, |user| user.account_enabled = false)?
            }
            Self::Enable(whom) => {
                let disabled = |user: &User| present(user) && !user.account_enabled;
                whom.each(directory, random, disabled, |user| user.account_enabled = true)?;
            }
            Self::Restore(whom) => {
                whom.each(directory, random, |user| !present(user), |user| user.deleted_date_time = None)?;
            }
            Self::Purge(whom) => {
                for id in whom.ids(directory, random, |user| !present(user))? {
                    directory.purge(&id);
                }
            }
            Self::Set { object, attributes } => set(directory, object, attributes)?,
            Self::Manager { user: name, manager } => {
                let manager = manager.as_ref().map(|name| user_id(directory, name)).transpose()?;
                let id = user_id(directory, name)?;
                user(directory, &id)?.manager = manager;
            }
            _ => self.apply_to_groups(directory, random)?,
        }
        Ok(())
    }

    fn apply_to_groups(
        &self,
        directory: &mut Directory,
        random: &mut ChaCha8Rng,
    ) -> Result<(), DirectoryError> {
        match self {
            Self::Memberships { count } => shuffle_members(directory, random, *count),
            Self::AddMember { group: name, member } => {
                let (id, member) = (group_id(directory, name)?, object_id(directory, member)?);
                group(directory, &id)?.members.insert(member);
            }
            Self::RemoveMember { group: name, member } => {
                let (id, member) = (group_id(directory, name)?, object_id(directory, member)?);
                group(directory, &id)?.members.remove(&member);
            }
            Self::CreateGroup { name, members } => {
                let members =
                    members.iter().map(|name| object_id(directory, name)).collect::<Result<_, _>>()?;
                let object_id = Maker::among(random, directory)?.guid();
                let attributes = json!({"displayName": name}).as_object().cloned().unwrap_or_default();
                let assignment = Assignment { principal_id: object_id.clone(), app_role_id: None };
                directory.assignments.push(assignment);
                let made =
                    Group { object_id, security_enabled: true, members, deleted_date_time: None, attributes };
                directory.groups.insert(made.object_id.clone(), made);
            }
            Self::RenameGroup { group: old, name } => {
                let id = group_id(directory, old)?;
                group(directory, &id)?.attributes.insert("displayName".to_owned(), json!(name));
            }
            Self::DeleteGroup { group } => {
                let id = group_id(directory, group)?;
                directory.purge(&id);
            }
            Self::Assign { principal, role } => {
                let principal_id = object_id(directory, principal)?;
                let found = role.as_ref().map(|value| {
                    let role = directory.app_roles.iter().find(|role| role.value == *value);
                    role.map(|role| role.id.clone()).ok_or_else(|| missing("app role", value))
                });
                directory.assignments.push(Assignment { principal_id, app_role_id: found.transpose()? });
            }
            Self::Unassign { principal } => {
                let id = object_id(directory, principal)?;
                directory.assignments.retain(|assignment| assignment.principal_id != id);
            }
            _ => {}
        }
        Ok(())
    }
}

impl Whom {
    fn ids(
        &self,
        directory: &Directory,
        random: &mut ChaCha8Rng,
        fits: impl Fn(&User) -> bool,
    ) -> Result<Vec<String>, DirectoryError> {
        match self {
            Self::User(name) => Ok(vec![user_id(directory, name)?]),
            Self::Count(count) => {
                let mut fitting: Vec<&String> =
                    directory.users.values().filter(|user| fits(user)).map(|user| &user.object_id).collect();
                let (drawn, _) = fitting.partial_shuffle(random, *count);
                Ok(drawn.iter().map(|id| (*id).clone()).collect())
            }
        }
    }

    fn each(
        &self,
        directory: &mut Directory,
        random: &mut ChaCha8Rng,
        fits: impl Fn(&User) -> bool,
        change: impl Fn(&mut User),
    ) -> Result<(), DirectoryError> {
        for id in self.ids(directory, random, fits)? {
            change(user(directory, &id)?);
        }
        Ok(())
    }
}

fn missing(what: &str, name: &str) -> DirectoryError {
    DirectoryError(format!("change script: no {what} '{name}' in the directory"))
}

fn user_id(directory: &Directory, name: &str) -> Result<String, DirectoryError> {
    if directory.users.contains_key(name) {
        return Ok(name.to_owned());
    }
    let named = |user: &&User| user.text("userPrincipalName").eq_ignore_ascii_case(name);
    directory
        .users
        .values()
        .find(named)
        .map(|user| user.object_id.clone())
        .ok_or_else(|| missing("user", name))
}

fn group_id(directory: &Directory, name: &str) -> Result<String, DirectoryError> {
    if directory.groups.contains_key(name) {
        return Ok(name.to_owned());
    }
    let found = directory.groups.values().find(|group| group.display_name() == name);
    found.map(|group| group.object_id.clone()).ok_or_else(|| missing("group", name))
}

fn object_id(directory: &Directory, name: &str) -> Result<String, DirectoryError> {
    user_id(directory, name)
        .or_else(|_| group_id(directory, name))
        .map_err(|_| missing("user or group", name))
}

fn user<'a>(directory: &'a mut Directory, id: &str) -> Result<&'a mut User, DirectoryError> {
    directory.users.get_mut(id).ok_or_else(|| missing("user", id))
}

fn group<'a>(directory: &'a mut Directory, id: &str) -> Result<&'a mut Group, DirectoryError> {
    directory.groups.get_mut(id).ok_or_else(|| missing("group", id))
}

fn set(directory: &mut Directory, object: &str, changes: &Map<String, Value>) -> Result<(), DirectoryError> {
    let id = object_id(directory, object)?;
    let attributes = match (directory.users.get_mut(&id), directory.groups.get_mut(&id)) {
        (Some(user), _) => &mut user.attributes,
        (None, Some(group)) => &mut group.attributes,
        (None, None) => return Err(missing("user or group", object)),
    };
    for (name, value) in changes {
        if value.is_null() {
            attributes.remove(name);
        } else {
            attributes.insert(name.clone(), value.clone());
        }
    }
    Ok(())
}
