//! Runs every fixture under `tests/fixtures`: a body of a create or of a PATCH, and what becomes of it.

use crate::sound;
use scim::{
    Profile, ScimError,
    effect::{self, Effect},
    filter::Filter,
    member::MemberStep,
    patch::PatchRequest,
    resource,
    schema::{ResourceKind, ResourceType},
    undescribed,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::{collections::BTreeSet, fs, path::Path};

/// Fewer fixtures than this, and some were not found.
const AT_LEAST: [(&str, Profile, usize); 3] =
    [("entra", Profile::Entra, 304), ("rfc", Profile::Rfc, 175), ("interop", Profile::Interop, 10)];

/// One case.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fixture {
    /// For whoever reads a failure.
    what: String,
    /// Where the body comes from.
    source: String,
    resource_type: String,
    profile: String,
    /// The id of the resource, where a PATCH repeats it.
    id: Option<String>,
    /// What is stored before a PATCH; a create has none.
    document: Option<Map<String, Value>>,
    request: Value,
    expect: Expect,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expect {
    document: Option<Map<String, Value>>,
    error: Option<ExpectedError>,
    /// `{operation} {outcome}[:{rule}] {path}`
    effects: Option<Vec<String>>,
    /// Steps of a PATCH, ids of a create.
    members: Option<Vec<Value>>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ExpectedError {
    status: u16,
    scim_type: Option<String>,
}

/// What happened, in the words of a fixture.
struct Ended {
    document: Map<String, Value>,
    effects: Vec<String>,
    members: Vec<Value>,
}

#[test]
fn every_fixture_ends_as_it_says() {
    let mut failures = Vec::new();
    let mut rules = BTreeSet::new();
    for (folder, profile, at_least) in AT_LEAST {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(folder);
        let mut count = 0;
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let text = fs::read_to_string(&path).unwrap();
            let fixture: Fixture =
                serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path:?}: {error}"));
            assert_eq!(Profile::parse(&fixture.profile), Some(profile), "{path:?} lies in the wrong folder");
            count += 1;
            rules.extend(fixture.expect.effects.iter().flatten().filter_map(|effect| rule(effect)));
            if let Err(difference) = check(&fixture, profile) {
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                failures.push(format!("{name}: {} ({})\n  {difference}", fixture.what, fixture.source));
            }
        }
        assert!(count >= at_least, "{count} fixtures in {folder:?}, expected {at_least} or more");
    }
    let known: BTreeSet<String> =
        effect::COERCED.iter().chain(&effect::IGNORED).map(|rule| (*rule).to_owned()).collect();
    assert_eq!(rules, known, "every rule has a fixture, and every rule of a fixture is published");
    failures.sort();
    assert!(failures.is_empty(), "{} fixtures fail:\n{}", failures.len(), failures.join("\n"));
}

/// The rule in the words of an effect: `0 coerced:booleanText active`.
fn rule(effect: &str) -> Option<String> {
    let outcome = effect.split(' ').nth(1)?;
    outcome.split_once(':').map(|(_, rule)| rule.to_owned())
}

fn check(fixture: &Fixture, profile: Profile) -> Result<(), String> {
    let kind = match fixture.resource_type.as_str() {
        "User" => ResourceKind::User,
        "Group" => ResourceKind::Group,
        other => return Err(format!("no resource type {other}")),
    };
    let resource_type = ResourceType::of(kind);
    // As it arrives: bytes.
    let body = scim::json::parse(fixture.request.to_string().as_bytes()).map_err(|error| error.detail)?;
    let ended = match &fixture.document {
        None => create(resource_type, profile, body),
        Some(document) => {
            sound::check(resource_type, document);
            patch(resource_type, profile, fixture.id.as_deref(), document, body)
        }
    };
    match (ended, &fixture.expect.error) {
        (Err(error), Some(expected)) => {
            let got = ExpectedError {
                status: error.status,
                scim_type: error.scim_type.map(|scim_type| scim_type.as_str().to_owned()),
            };
            same("error", &got, expected)
        }
        (Err(error), None) => Err(format!("refused: {error}: {}", error.detail)),
        (Ok(_), Some(expected)) => Err(format!("not refused, expected {expected:?}")),
        (Ok(ended), None) => {
            sound::check(resource_type, &ended.document);
            let expect = &fixture.expect;
            same("document", &json!(ended.document), &json!(expect.document))?;
            same(
                "effects",
                &ended.effects,
                expect.effects.as_ref().ok_or("a fixture must tell its effects")?,
            )?;
            same("members", &ended.members, &expect.members.clone().unwrap_or_default())
        }
    }
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, got: &T, expected: &T) -> Result<(), String> {
    if got == expected {
        return Ok(());
    }
    Err(format!("{what}\n       got {got:?}\n  expected {expected:?}"))
}

fn create(resource_type: &ResourceType, profile: Profile, body: Value) -> Result<Ended, ScimError> {
    let draft = resource::draft(resource_type, profile, body)?;
    undescribed::check(profile, resource_type, None, &draft.document)?;
    Ok(Ended {
        document: draft.document,
        effects: draft.effects.iter().map(word).collect(),
        members: draft.members.unwrap_or_default().into_iter().map(Value::from).collect(),
    })
}

fn patch(
    resource_type: &ResourceType,
    profile: Profile,
    id: Option<&str>,
    document: &Map<String, Value>,
    body: Value,
) -> Result<Ended, ScimError> {
    let request = PatchRequest::parse(profile, body)?;
    let patched = match id {
        Some(id) => request.apply_to(resource_type, profile, id, document)?,
        None => request.apply(resource_type, profile, document)?,
    };
    undescribed::check(profile, resource_type, Some(document), &patched.document)?;
    assert_eq!(patched.changed, patched.document != *document, "`changed` tells the truth");
    for index in 0..request.operations.len() {
        assert!(
            patched.effects.iter().any(|effect| effect.operation == index),
            "operation {index} has an effect"
        );
    }
    Ok(Ended {
        document: patched.document,
        effects: patched.effects.iter().map(word).collect(),
        members: patched.members.iter().map(step).collect(),
    })
}

fn word(effect: &Effect) -> String {
    let outcome = json!(effect.outcome);
    let rule = effect.rule.map_or_else(String::new, |rule| format!(":{rule}"));
    format!("{} {}{rule} {}", effect.operation, outcome.as_str().unwrap(), effect.path)
}

fn step(step: &MemberStep) -> Value {
    match step {
        MemberStep::Add(ids) => json!({ "add": ids }),
        MemberStep::Remove(ids) => json!({ "remove": ids }),
        MemberStep::RemoveAll => json!("removeAll"),
        MemberStep::RemoveWhere(condition) => {
            // The one filter that the fixtures use.
            let filter = Filter::parse("type eq \"Group\"").unwrap();
            let members = ResourceType::of(ResourceKind::Group).attribute("members");
            assert_eq!(*condition, filter.resolve_element(members).unwrap());
            json!({ "removeWhere": "type eq \"Group\"" })
        }
    }
}
