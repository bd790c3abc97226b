//! A job's mappings as the JSON of Microsoft Graph's synchronizationSchema.

use serde::Deserialize;

use super::filter::Clause;
use super::mapping::{AttributeMapping, FlowBehavior, FlowType, Source};
use super::target::{AttributeType, Target};
use super::{Actions, Job, JobError, ObjectMapping, ScopeSetting, ScopingFilter};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Schema {
    #[serde(default)]
    directories: Vec<DirectoryDefinition>,
    synchronization_rules: Vec<Rule>,
    /// The job's secrets may stand beside the schema; credentials among them are not read.
    #[serde(default)]
    secrets: Vec<SecretJson>,
}

#[derive(Deserialize)]
struct SecretJson {
    key: String,
    #[serde(default)]
    value: String,
}

#[derive(Deserialize)]
struct DirectoryDefinition {
    name: String,
    #[serde(default)]
    objects: Vec<ObjectDefinition>,
}

#[derive(Deserialize)]
struct ObjectDefinition {
    name: String,
    #[serde(default)]
    attributes: Vec<AttributeDefinition>,
}

#[derive(Deserialize)]
struct AttributeDefinition {
    name: String,
    #[serde(rename = "type", default)]
    kind: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    #[serde(default)]
    target_directory_name: String,
    #[serde(default)]
    object_mappings: Vec<ObjectMappingJson>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ObjectMappingJson {
    #[serde(default = "yes")]
    enabled: bool,
    #[serde(default)]
    flow_types: Option<String>,
    source_object_name: String,
    target_object_name: String,
    #[serde(default)]
    scope: Option<FilterJson>,
    #[serde(default)]
    attribute_mappings: Vec<AttributeMappingJson>,
}

fn yes() -> bool {
    true
}

#[derive(Deserialize, Default)]
struct FilterJson {
    #[serde(default)]
    groups: Vec<FilterGroupJson>,
}

#[derive(Deserialize)]
struct FilterGroupJson {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    clauses: Vec<ClauseJson>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClauseJson {
    operator_name: String,
    source_operand_name: String,
    #[serde(default)]
    target_operand: Option<OperandJson>,
}

#[derive(Deserialize)]
struct OperandJson {
    #[serde(default)]
    values: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AttributeMappingJson {
    #[serde(default)]
    default_value: Option<String>,
    #[serde(default)]
    matching_priority: i64,
    #[serde(default)]
    flow_type: Option<FlowType>,
    #[serde(default)]
    flow_behavior: Option<FlowBehavior>,
    #[serde(default)]
    source: Option<SourceJson>,
    target_attribute_name: String,
}

#[derive(Deserialize)]
struct SourceJson {
    #[serde(default)]
    expression: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(rename = "type", default)]
    kind: Option<String>,
}

pub(super) fn read(text: &str, mut job: Job) -> Result<Job, JobError> {
    let schema: Schema = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let rule = schema.synchronization_rules.first().ok_or_else(|| "no synchronizationRules".to_owned())?;
    if !rule.target_directory_name.is_empty() {
        job.name.clone_from(&rule.target_directory_name);
    }
    for secret in &schema.secrets {
        setting(secret, &mut job)?;
    }
    (job.users.enabled, job.groups.enabled) = (false, false);
    for given in &rule.object_mappings {
        let mapping = match given.source_object_name.as_str() {
            "User" => &mut job.users,
            "Group" => &mut job.groups,
            other => return Err(format!("objects of type '{other}' are not provisioned").into()),
        };
        let types = |name: &str| {
            let directory = schema.directories.iter().find(|d| d.name == rule.target_directory_name)?;
            let object = directory.objects.iter().find(|object| object.name == given.target_object_name)?;
            object
                .attributes
                .iter()
                .find(|attribute| attribute.name == name)
                .map(|attribute| kind(&attribute.kind))
        };
        apply(given, mapping, &types)?;
    }
    Ok(job)
}

/// `SyncAll`, `SkipOutOfScopeDeletions` and the threshold in `SyncNotificationSettings`.
fn setting(secret: &SecretJson, job: &mut Job) -> Result<(), String> {
    let truth = secret.value.eq_ignore_ascii_case("true") || secret.value == "1";
    match secret.key.as_str() {
        "SyncAll" => job.scope = if truth { ScopeSetting::All } else { ScopeSetting::Assigned },
        "SkipOutOfScopeDeletions" => job.skip_out_of_scope_deletions = truth,
        "SyncNotificationSettings" => {
            let settings: serde_json::Value = serde_json::from_str(&secret.value)
                .map_err(|error| format!("SyncNotificationSettings: {error}"))?;
            let enabled = settings["DeleteThresholdEnabled"].as_bool().unwrap_or(false);
            job.delete_threshold = settings["DeleteThresholdValue"].as_u64().filter(|_| enabled);
        }
        _ => {}
    }
    Ok(())
}

fn kind(name: &str) -> AttributeType {
    match name.to_ascii_lowercase().as_str() {
        "boolean" => AttributeType::Boolean,
        "integer" => AttributeType::Integer,
        "reference" => AttributeType::Reference,
        "datetime" => AttributeType::DateTime,
        "binary" => AttributeType::Binary,
        _ => AttributeType::String,
    }
}

fn apply(
    given: &ObjectMappingJson,
    mapping: &mut ObjectMapping,
    types: &dyn Fn(&str) -> Option<AttributeType>,
) -> Result<(), String> {
    mapping.enabled = given.enabled;
    if let Some(flows) = &given.flow_types {
        let has = |name: &str| flows.split(',').any(|flow| flow.trim().eq_ignore_ascii_case(name));
        mapping.actions = Actions { create: has("Add"), update: has("Update"), delete: has("Delete") };
    }
    mapping.filters.clear();
    for group in given.scope.iter().flat_map(|scope| &scope.groups) {
        let clauses = group.clauses.iter().map(|clause| {
            let value = clause.target_operand.as_ref().and_then(|operand| operand.values.first());
            Clause::new(&clause.source_operand_name, &clause.operator_name, value.map_or("", String::as_str))
        });
        let title = group.name.clone().unwrap_or_default();
        mapping.filters.push(ScopingFilter { title, clauses: clauses.collect::<Result<_, _>>()? });
    }
    mapping.attributes =
        given.attribute_mappings.iter().map(|line| attribute(line, types)).collect::<Result<_, _>>()?;
    Ok(())
}

fn attribute(
    given: &AttributeMappingJson,
    types: &dyn Fn(&str) -> Option<AttributeType>,
) -> Result<AttributeMapping, String> {
    let target = Target::parse(&given.target_attribute_name)?;
    let constant = |source: &SourceJson| source.kind.as_deref() == Some("Constant");
    let source = match &given.source {
        None => Source::None,
        Some(source) if constant(source) => Source::Constant(source.name.clone().unwrap_or_default()),
        Some(SourceJson { expression: Some(expression), .. }) => Source::parse(expression)?,
        Some(SourceJson { name: Some(name), .. }) => Source::Direct(name.clone()),
        Some(_) => Source::None,
    };
    let usual = if target.is("active") { AttributeType::Boolean } else { AttributeType::String };
    Ok(AttributeMapping {
        source,
        kind: types(&given.target_attribute_name).unwrap_or(usual),
        target,
        default: given.default_value.clone(),
        matching_priority: u32::try_from(given.matching_priority).unwrap_or(0),
        flow_type: given.flow_type.unwrap_or_default(),
        flow_behavior: given.flow_behavior.unwrap_or_default(),
    })
}
