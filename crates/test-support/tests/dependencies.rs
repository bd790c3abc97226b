//! Holds the dependency tree to `deny.toml`: licences, sources, duplicate versions and walls around foreign crates.

use serde::Deserialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    process::Command,
};

/// The part of `deny.toml` that needs no network; anything else in the file is `cargo deny`'s.
#[derive(Deserialize)]
struct Policy {
    graph: Graph,
    licenses: Licenses,
    bans: Bans,
    sources: Sources,
}

#[derive(Deserialize)]
struct Graph {
    targets: Vec<String>,
}

#[derive(Deserialize)]
struct Licenses {
    allow: BTreeSet<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Bans {
    wildcards: String,
    multiple_versions: String,
    multiple_versions_include_dev: bool,
    skip: Vec<Ban>,
    deny: Vec<Ban>,
}

#[derive(Deserialize)]
struct Ban {
    #[serde(rename = "crate")]
    name: String,
    /// Crates that may depend on it directly; nobody where empty.
    #[serde(default)]
    wrappers: Vec<String>,
    reason: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Sources {
    unknown_registry: String,
    unknown_git: String,
}

/// What `cargo metadata` tells, as far as it is looked at.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    workspace_members: BTreeSet<String>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
    version: String,
    license: Option<String>,
    source: Option<String>,
    dependencies: Vec<Requirement>,
}

#[derive(Deserialize)]
struct Requirement {
    name: String,
    req: String,
    path: Option<String>,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    dependencies: Vec<String>,
}

fn workspace() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn policy() -> Policy {
    let text = std::fs::read_to_string(workspace().join("deny.toml")).expect("deny.toml is readable");
    toml::from_str(&text).expect("deny.toml has the known form")
}

fn metadata(policy: &Policy) -> Metadata {
    let mut command = Command::new(env!("CARGO"));
    command.current_dir(workspace()).args(["metadata", "--locked", "--format-version=1"]);
    for target in &policy.graph.targets {
        command.args(["--filter-platform", target]);
    }
    let output = command.output().expect("cargo runs");
    assert!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("cargo metadata prints JSON")
}

fn assert_none(what: &str, findings: Vec<String>) {
    assert!(findings.is_empty(), "{what}:\n  {}", findings.join("\n  "));
}

/// Whether a licence expression can be fulfilled by licences of the list alone.
fn is_allowed(license: &str, allow: &BTreeSet<String>) -> Result<bool, String> {
    // Old manifests say `MIT/Apache-2.0`.
    let expression =
        spdx::Expression::parse_mode(license, spdx::ParseMode::LAX).map_err(|error| error.to_string())?;
    Ok(expression.evaluate(|requirement| allow.contains(&requirement.to_string())))
}

#[test]
fn every_licence_is_allowed() {
    let policy = policy();
    let findings = metadata(&policy)
        .packages
        .iter()
        .filter_map(|package| match package.license.as_deref() {
            None => Some(format!("{} {} names no licence", package.name, package.version)),
            Some(license) => match is_allowed(license, &policy.licenses.allow) {
                Ok(true) => None,
                Ok(false) => Some(format!("{} {}: {license}", package.name, package.version)),
                Err(error) => Some(format!("{} {}: {error}", package.name, package.version)),
            },
        })
        .collect();
    assert_none("licences that deny.toml does not allow", findings);
}

#[test]
fn a_licence_expression_is_read_as_spdx_does() {
    let allow = BTreeSet::from(["MIT".to_owned(), "Zlib".to_owned()]);
    for (license, expected) in [
        ("MIT", true),
        ("GPL-3.0-only", false),
        ("MIT OR GPL-3.0-only", true),
        ("GPL-2.0-only/MIT", true),
        ("MIT AND Zlib", true),
        ("MIT AND Apache-2.0", false),
        ("(Apache-2.0 OR Zlib) AND MIT", true),
        ("MIT WITH LLVM-exception", false),
    ] {
        assert_eq!(is_allowed(license, &allow), Ok(expected), "{license}");
    }
    assert!(is_allowed("Our own words", &allow).is_err());
}

#[test]
fn every_crate_comes_from_the_registry_or_the_workspace() {
    let policy = policy();
    assert_eq!((&*policy.sources.unknown_registry, &*policy.sources.unknown_git), ("deny", "deny"));
    let metadata = metadata(&policy);
    // Cargo's own registry: where serde comes from.
    let serde = metadata.packages.iter().find(|package| package.name == "serde").expect("serde");
    let registry =
        serde.source.as_deref().filter(|source| source.starts_with("registry+")).expect("registry");
    let findings = metadata
        .packages
        .iter()
        .filter(|package| match package.source.as_deref() {
            None => !metadata.workspace_members.contains(&package.id),
            Some(source) => source != registry,
        })
        .map(|package| {
            format!(
                "{} {} from {}",
                package.name,
                package.version,
                package.source.as_deref().unwrap_or("a path")
            )
        })
        .collect();
    assert_none("crates from elsewhere", findings);
}

#[test]
fn every_requirement_of_ours_names_a_version() {
    let policy = policy();
    assert_eq!(policy.bans.wildcards, "deny");
    let metadata = metadata(&policy);
    let findings = metadata
        .packages
        .iter()
        .filter(|package| metadata.workspace_members.contains(&package.id))
        .flat_map(|package| package.dependencies.iter().map(move |requirement| (package, requirement)))
        .filter(|(_, requirement)| requirement.path.is_none() && requirement.req == "*")
        .map(|(package, requirement)| format!("{} asks for any {}", package.name, requirement.name))
        .collect();
    assert_none("requirements without a version", findings);
}

#[test]
fn a_crate_is_there_once_unless_deny_toml_says_why() {
    let policy = policy();
    assert_eq!((&*policy.bans.multiple_versions, policy.bans.multiple_versions_include_dev), ("deny", true));
    let mut versions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for package in metadata(&policy).packages {
        versions.entry(package.name).or_default().insert(package.version);
    }
    let skipped: BTreeSet<&str> = policy.bans.skip.iter().map(|skip| &*skip.name).collect();
    let mut findings = Vec::new();
    for (name, versions) in versions.iter().filter(|(name, _)| !skipped.contains(&***name)) {
        if versions.len() > 1 {
            findings.push(format!("{name} in versions {versions:?}"));
        }
    }
    for skip in &policy.bans.skip {
        if versions.get(&skip.name).is_none_or(|versions| versions.len() < 2) {
            findings.push(format!("{} need not be skipped any more ({})", skip.name, skip.reason));
        }
    }
    assert_none("duplicate crates", findings);
}

#[test]
fn walls_around_foreign_crates_hold() {
    let policy = policy();
    let metadata = metadata(&policy);
    let names: BTreeMap<&str, &str> =
        metadata.packages.iter().map(|package| (&*package.id, &*package.name)).collect();
    let name = |id: &str| names.get(id).copied().unwrap_or_default();
    let mut findings = Vec::new();
    for ban in &policy.bans.deny {
        for node in &metadata.resolve.nodes {
            let parent = name(&node.id);
            let depends = node.dependencies.iter().any(|dependency| name(dependency) == ban.name);
            if depends && !ban.wrappers.iter().any(|wrapper| wrapper == parent) {
                findings.push(format!("{parent} depends on {}: {}", ban.name, ban.reason));
            }
        }
    }
    assert_none("broken walls", findings);
}
