//! The walls between our crates: imports point down only, and each crate knows only what its duty needs.

use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

/// Which of our crates each of them may use. Without a row here a new crate fails the test.
const MAY_USE: &[(&str, &[&str])] = &[
    ("scim", &[]),
    ("sqlite-deadline", &[]),
    ("store", &["scim", "sqlite-deadline"]),
    ("outgoing", &[]),
    ("keys", &["scim", "store", "outgoing"]),
    ("tokens", &["scim", "store", "keys", "outgoing"]),
    ("provisioning", &["scim", "store"]),
    ("web", &["store"]),
    ("oauth-api", &["scim", "store", "keys", "tokens", "web"]),
    ("scim-api", &["scim", "store", "tokens", "provisioning", "web"]),
    ("admin", &["scim", "store", "keys", "tokens", "provisioning", "web"]),
    (
        "gateway",
        &[
            "scim",
            "store",
            "outgoing",
            "keys",
            "tokens",
            "provisioning",
            "web",
            "oauth-api",
            "scim-api",
            "admin",
        ],
    ),
    ("entra-sim", &[]),
    ("test-support", &[]),
];

/// Crates of others that only some of ours may use, beside those of `deny.toml` (SQL in store, HTTP at the rim).
const ONLY_IN: &[(&str, &[&str])] = &[
    ("r2d2", &["store"]),
    ("jsonwebtoken", &["keys"]),
    ("totp-rs", &["tokens"]),
    ("utoipa", &["admin"]),
    ("clap", &["gateway", "entra-sim"]),
    ("config", &["gateway"]),
    ("tracing-subscriber", &["gateway", "entra-sim"]),
    ("prometheus", &["scim-api", "oauth-api", "admin", "gateway"]),
    ("getrandom", &["store", "tokens", "entra-sim"]),
];

/// What the rules of the standard may use: nothing that reads, writes, waits or logs.
const SCIM_MAY_USE: &[&str] =
    &["base64", "jiff", "serde", "serde_json", "sha2", "thiserror", "unicode-normalization", "uuid"];

/// The dependencies of our crates: for each its (dependency, is it for tests only).
fn dependencies() -> BTreeMap<String, BTreeSet<(String, bool)>> {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.toml");
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version=1", "--offline", "--manifest-path", manifest])
        .output()
        .expect("cargo metadata");
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("metadata");
    let name = |value: &Value| value["name"].as_str().expect("name").to_owned();
    let packages = metadata["packages"].as_array().expect("packages").iter();
    packages
        .map(|package| {
            let list = package["dependencies"].as_array().expect("dependencies").iter();
            (name(package), list.map(|dependency| (name(dependency), dependency["kind"] == "dev")).collect())
        })
        .collect()
}

#[test]
fn imports_point_down_only() {
    let dependencies = dependencies();
    let ours: BTreeSet<&str> = dependencies.keys().map(String::as_str).collect();
    for (package, used) in &dependencies {
        let row = MAY_USE.iter().find(|(name, _)| name == package);
        let (_, allowed) = row.unwrap_or_else(|| panic!("{package} has no row in MAY_USE"));
        for (dependency, is_test) in used.iter().filter(|(dependency, _)| ours.contains(dependency.as_str()))
        {
            let is_allowed =
                allowed.contains(&dependency.as_str()) || (*is_test && dependency == "test-support");
            assert!(is_allowed, "{package} must not use {dependency}");
        }
    }
    assert!(dependencies.len() >= 8, "{ours:?}");
}

#[test]
fn each_crate_knows_only_what_its_duty_needs() {
    for (package, used) in dependencies() {
        for (dependency, _) in used.iter().filter(|(_, is_test)| !is_test) {
            for (_, allowed) in ONLY_IN.iter().filter(|(name, _)| name == dependency) {
                assert!(allowed.contains(&package.as_str()), "{package} must not use {dependency}");
            }
        }
    }
}

#[test]
fn the_rules_of_the_standard_touch_nothing() {
    for (dependency, is_test) in &dependencies()["scim"] {
        assert!(*is_test || SCIM_MAY_USE.contains(&dependency.as_str()), "scim must not use {dependency}");
    }
}
