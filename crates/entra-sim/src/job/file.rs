//! A job as TOML.

use jiff::SignedDuration;
use serde::Deserialize;

use super::filter::Clause;
use super::mapping::{AttributeMapping, FlowBehavior, FlowType, Source};
use super::target::{AttributeType, Target};
use super::{Actions, Job, JobError, Notification, ObjectMapping, ScopeSetting, ScopingFilter, Thresholds};
use crate::http::Dialect;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct JobFile {
    name: Option<String>,
    scope: Option<ScopeSetting>,
    default_access_excluded: Option<bool>,
    skip_out_of_scope_deletions: Option<bool>,
    /// 0 switches the prevention off.
    delete_threshold: Option<u64>,
    delete_on_disable: Option<bool>,
    dialect: Option<Dialect>,
    members_per_patch: Option<usize>,
    reference_checks: Option<bool>,
    interval_minutes: Option<i64>,
    concurrency: Option<usize>,
    page_size: Option<usize>,
    quarantine: Option<Thresholds>,
    notification: Option<Notification>,
    users: Option<ObjectFile>,
    groups: Option<ObjectFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ObjectFile {
    enabled: Option<bool>,
    actions: Option<Vec<ActionName>>,
    #[serde(default)]
    filter: Vec<FilterFile>,
    /// Given: the whole table. Absent: the default one.
    mapping: Option<Vec<MappingFile>>,
}

#[derive(Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum ActionName {
    Create,
    Update,
    Delete,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FilterFile {
    #[serde(default)]
    title: String,
    clauses: Vec<ClauseFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClauseFile {
    attribute: String,
    operator: String,
    #[serde(default)]
    value: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MappingFile {
    target: String,
    attribute: Option<String>,
    constant: Option<String>,
    expression: Option<String>,
    default: Option<String>,
    #[serde(default)]
    matching: u32,
    #[serde(default, rename = "type")]
    kind: Option<AttributeType>,
    #[serde(default)]
    flow_type: FlowType,
    #[serde(default)]
    flow_behavior: FlowBehavior,
}

/// Changes `job` as the text says.
pub(super) fn read(text: &str, mut job: Job) -> Result<Job, JobError> {
    // The parser's own message would show the line, and the line may hold a password.
    let file: JobFile = toml::from_str(text).map_err(|error| error.message().to_owned())?;
    let set = |to: &mut bool, from: Option<bool>| *to = from.unwrap_or(*to);
    job.name = file.name.unwrap_or(job.name);
    job.scope = file.scope.unwrap_or(job.scope);
    set(&mut job.default_access_excluded, file.default_access_excluded);
    set(&mut job.skip_out_of_scope_deletions, file.skip_out_of_scope_deletions);
    set(&mut job.delete_on_disable, file.delete_on_disable);
    set(&mut job.reference_checks, file.reference_checks);
    job.delete_threshold = match file.delete_threshold {
        Some(0) => None,
        given => given.or(job.delete_threshold),
    };
    job.dialect = file.dialect;
    job.members_per_patch = file.members_per_patch.unwrap_or(job.members_per_patch);
    job.interval = file.interval_minutes.map_or(job.interval, SignedDuration::from_mins);
    job.concurrency = file.concurrency.unwrap_or(job.concurrency);
    job.page_size = file.page_size.unwrap_or(job.page_size);
    job.thresholds = file.quarantine.unwrap_or(job.thresholds);
    job.notification = file.notification;
    for (given, mapping) in [(file.users, &mut job.users), (file.groups, &mut job.groups)] {
        if let Some(given) = given {
            apply(given, mapping)?;
        }
    }
    Ok(job)
}

fn apply(file: ObjectFile, mapping: &mut ObjectMapping) -> Result<(), String> {
    mapping.enabled = file.enabled.unwrap_or(mapping.enabled);
    if let Some(allowed) = file.actions {
        let has = |action: ActionName| allowed.contains(&action);
        mapping.actions = Actions {
            create: has(ActionName::Create),
            update: has(ActionName::Update),
            delete: has(ActionName::Delete),
        };
    }
    for filter in file.filter {
        let clauses = filter.clauses.iter().map(|c| Clause::new(&c.attribute, &c.operator, &c.value));
        mapping
            .filters
            .push(ScopingFilter { title: filter.title, clauses: clauses.collect::<Result<_, _>>()? });
    }
    if let Some(lines) = file.mapping {
        mapping.attributes = lines.into_iter().map(line).collect::<Result<_, _>>()?;
    }
    Ok(())
}

fn line(file: MappingFile) -> Result<AttributeMapping, String> {
    let target = Target::parse(&file.target)?;
    let source = match (file.attribute, file.constant, file.expression) {
        (Some(attribute), None, None) => Source::Direct(attribute),
        (None, Some(constant), None) => Source::Constant(constant),
        (None, None, Some(expression)) => Source::parse(&expression)?,
        (None, None, None) => Source::None,
        _ => return Err(format!("'{target}' has more than one of attribute, constant and expression")),
    };
    let usual = if target.is("active") { AttributeType::Boolean } else { AttributeType::String };
    Ok(AttributeMapping {
        source,
        kind: file.kind.unwrap_or(usual),
        target,
        default: file.default,
        matching_priority: file.matching,
        flow_type: file.flow_type,
        flow_behavior: file.flow_behavior,
    })
}
