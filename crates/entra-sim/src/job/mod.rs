//! The provisioning job: what is mapped to what, who is in scope, what may be done, and at which pace.
//!
//! Read from TOML or from the JSON of Microsoft Graph's synchronizationSchema; without a file it is Juno Journey's
//! gallery job: 26 user attributes and groups.

mod defaults;
mod file;
pub mod filter;
mod graph;
pub mod mapping;
pub mod target;

use std::path::Path;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

pub use filter::ScopingFilter;
pub use mapping::{AttributeMapping, FlowBehavior, FlowType, Source};
pub use target::{AttributeType, Target};

use crate::http::Dialect;

/// What is provisioned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ObjectType {
    /// A user.
    User,
    /// A group.
    Group,
}

impl ObjectType {
    /// The endpoint's path (RFC 7644 section 3.2).
    pub fn endpoint(self) -> &'static str {
        match self {
            Self::User => "/Users",
            Self::Group => "/Groups",
        }
    }
}

impl std::fmt::Display for ObjectType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::User => "User",
            Self::Group => "Group",
        })
    }
}

/// Whom a job looks at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ScopeSetting {
    /// Only users and groups that are assigned to the application, and immediate members of assigned groups.
    #[default]
    Assigned,
    /// Everybody.
    All,
}

/// Target object actions; each can be switched off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Actions {
    /// POST.
    pub create: bool,
    /// PATCH, and with it disabling.
    pub update: bool,
    /// DELETE.
    pub delete: bool,
}

/// How one type of object is provisioned.
#[derive(Clone, Debug)]
pub struct ObjectMapping {
    /// The type, on both sides.
    pub object_type: ObjectType,
    /// Whether it is provisioned at all.
    pub enabled: bool,
    /// What may be done to target objects.
    pub actions: Actions,
    /// Filters; an object in scope satisfies any one of them. None: everybody.
    pub filters: Vec<ScopingFilter>,
    /// Attribute by attribute.
    pub attributes: Vec<AttributeMapping>,
}

/// Where e-mails about quarantine go.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notification {
    /// The notification address of the provisioning page.
    pub to: String,
    /// The sender; Microsoft's by default.
    #[serde(default = "sender")]
    pub from: String,
    /// The mail server, such as `smtp://localhost:1025` or `smtps://user:password@mail.example`.
    pub smtp: crate::http::Secret,
}

fn sender() -> String {
    "azure-noreply@microsoft.com".to_owned()
}

/// The thresholds of quarantine (Microsoft, "Application provisioning in quarantine status"; "subject to change").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Thresholds {
    /// Failures from which on a job is judged.
    pub evaluated_from: u64,
    /// Share of failures among all events, in percent, reference failures not counted.
    pub percent: u64,
    /// Failures, reference failures not counted.
    pub base: u64,
    /// Failures, reference failures counted.
    pub total: u64,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self { evaluated_from: 5_000, percent: 40, base: 40_000, total: 60_000 }
    }
}

/// A provisioning job.
#[derive(Clone, Debug)]
pub struct Job {
    /// The application's name: the target system of logs.
    pub name: String,
    /// Whom the job looks at.
    pub scope: ScopeSetting,
    /// Whether Default Access makes nobody entitled: the tutorial says so, Microsoft's newer page denies it (default).
    pub default_access_excluded: bool,
    /// Leave accounts alone that fall out of scope (`SkipOutOfScopeDeletions`).
    pub skip_out_of_scope_deletions: bool,
    /// So many deletions and disablements in one cycle stop them (`DeleteThresholdValue`); none: never.
    pub delete_threshold: Option<u64>,
    /// Send DELETE where others disable; some gallery applications are so.
    pub delete_on_disable: bool,
    /// The dialect, if not the Tenant URL's.
    pub dialect: Option<Dialect>,
    /// Members in one PATCH: 1 for non-gallery jobs; for gallery jobs Microsoft publishes no number.
    pub members_per_patch: usize,
    /// Ask `id eq … and manager eq …` before a manager is set, as older samples do.
    pub reference_checks: bool,
    /// Time between the starts of two cycles.
    pub interval: SignedDuration,
    /// Objects worked on at the same time; not known of Entra.
    pub concurrency: usize,
    /// Objects on a page of the source; progress is counted in pages.
    pub page_size: usize,
    /// When the job is put in quarantine.
    pub thresholds: Thresholds,
    /// Whom to tell.
    pub notification: Option<Notification>,
    /// Users.
    pub users: ObjectMapping,
    /// Groups.
    pub groups: ObjectMapping,
}

/// Why a job cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("job configuration{}: {why}", path.as_ref().map(|path| format!(" {path}")).unwrap_or_default())]
pub struct JobError {
    /// The file.
    pub path: Option<String>,
    /// What is wrong, in terms of the file.
    pub why: String,
}

impl From<String> for JobError {
    fn from(why: String) -> Self {
        Self { path: None, why }
    }
}

impl Default for Job {
    fn default() -> Self {
        defaults::juno()
    }
}

impl Job {
    /// Reads a job from TOML.
    ///
    /// # Errors
    /// [`JobError`] naming the mapping or filter that is wrong.
    pub fn from_toml(text: &str) -> Result<Self, JobError> {
        file::read(text, Self::default())?.checked()
    }

    /// Reads a job from the JSON of Graph's synchronizationSchema; all other settings are the default ones.
    ///
    /// # Errors
    /// [`JobError`] naming the mapping or filter that is wrong.
    pub fn from_graph(text: &str) -> Result<Self, JobError> {
        graph::read(text, Self::default())?.checked()
    }

    /// Reads a job from a file: JSON is Graph's schema, anything else TOML.
    ///
    /// # Errors
    /// [`JobError`] with the file's name.
    pub fn load(path: &Path) -> Result<Self, JobError> {
        let named = |why: String| JobError { path: Some(path.display().to_string()), why };
        let text = std::fs::read_to_string(path).map_err(|error| named(error.to_string()))?;
        let json = path.extension().is_some_and(|extension| extension == "json");
        let job = if json { Self::from_graph(&text) } else { Self::from_toml(&text) };
        job.map_err(|error| named(error.why))
    }

    /// The mapping of a type of object.
    pub fn mapping(&self, object_type: ObjectType) -> &ObjectMapping {
        match object_type {
            ObjectType::User => &self.users,
            ObjectType::Group => &self.groups,
        }
    }

    /// A fingerprint of everything whose change makes Entra start a new initial cycle: mappings and scope.
    pub fn fingerprint(&self) -> String {
        let scope = format!("{:?} {:?}", self.scope, self.default_access_excluded);
        let objects = [&self.users, &self.groups].map(|mapping| {
            format!(
                "{} {:?} {:?} {:?}",
                mapping.enabled, mapping.actions, mapping.filters, mapping.attributes
            )
        });
        crate::fingerprint::of(&format!("{scope} {objects:?}"))
    }

    fn checked(self) -> Result<Self, JobError> {
        for mapping in [&self.users, &self.groups].into_iter().filter(|mapping| mapping.enabled) {
            mapping.check()?;
        }
        if self.scope == ScopeSetting::All && self.users.enabled && self.users.has_role_functions() {
            return Err("role functions do not work with the scope 'all'".to_owned().into());
        }
        if self.members_per_patch == 0 || self.concurrency == 0 || self.page_size == 0 {
            return Err("members_per_patch, concurrency and page_size are at least 1".to_owned().into());
        }
        Ok(self)
    }
}

impl ObjectMapping {
    /// The matching attributes, in order of precedence.
    pub fn matching(&self) -> Vec<&AttributeMapping> {
        let mut matching: Vec<_> =
            self.attributes.iter().filter(|mapping| mapping.matching_priority > 0).collect();
        matching.sort_by_key(|mapping| mapping.matching_priority);
        matching
    }

    /// Whether the mapping knows how to disable: something depends on `IsSoftDeleted`.
    pub fn can_disable(&self) -> bool {
        self.attributes.iter().any(AttributeMapping::reads_soft_deleted)
    }

    fn has_role_functions(&self) -> bool {
        self.attributes.iter().any(|mapping| mapping.source.role_function().is_some())
    }

    fn check(&self) -> Result<(), JobError> {
        let kind = self.object_type;
        if self.matching().is_empty() {
            return Err(format!("{kind}: no attribute is used to match objects").into());
        }
        for (index, mapping) in self.attributes.iter().enumerate() {
            let target = &mapping.target;
            if self.attributes[..index].iter().any(|other| other.target == *target) {
                return Err(format!("{kind}: '{target}' is mapped twice").into());
            }
            if target.is_id() {
                return Err(format!("{kind}: 'id' belongs to the server and is not a target").into());
            }
        }
        Ok(())
    }
}
