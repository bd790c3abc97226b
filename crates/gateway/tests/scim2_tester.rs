//! Clients that nobody here wrote: the conformance suite scim2-tester, and the commands of the README with `curl` and
//! `scim2`. Their Python is named by `JUNO_PYTHON`, which `make` sets.

use crate::world::World;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};
use test_support::Backend;

/// What the suite finds and may find, each with the reason why it is right; `check.py` prints findings.
const EXPLAINED: &str = include_str!("scim2/explained.json");
/// Checks that must have run, by resource type: a suite that broke off early must not pass.
const MUST_RUN: &str = include_str!("scim2/must_run.json");

pub(crate) fn python() -> PathBuf {
    let python = env::var_os("JUNO_PYTHON").map(PathBuf::from);
    python.filter(|path| path.exists()).expect(
        "JUNO_PYTHON must name the Python of target/python, which has scim2-tester: run `make test`, or make it with \
         `deploy/setup.sh python` and set JUNO_PYTHON to its absolute path",
    )
}

/// Runs a command that must succeed, and returns what it printed.
fn succeed(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|cause| panic!("{command:?}: {cause}"));
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{stdout}\n{}", String::from_utf8_lossy(&output.stderr));
    stdout
}

fn check(backend: Backend, profile: &str) {
    let world = World::start(backend);
    let tenant = world.juno(&["tenant", "create", profile, "--profile", profile]);
    let text = |key: &str| tenant[key].as_str().expect(key).to_owned();
    let printed = succeed(
        Command::new(python())
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scim2/check.py"))
            .env("SCIM_URL", text("tenant_url"))
            .env("SCIM_TOKEN", text("secret_token")),
    );
    let results: Vec<Value> = serde_json::from_str(&printed).expect("results");
    let explained: Vec<Value> = serde_json::from_str(EXPLAINED).expect("explained.json");
    // What depends on chance in the tester need not happen.
    let must_happen = |entry: &&Value| entry["profile"] == profile && entry["sometimes"] != true;
    let mut unused: Vec<&Value> = explained.iter().filter(must_happen).collect();
    let mut findings = Vec::new();
    for result in &results {
        let is_explained_by = |entry: &Value| {
            let reason = entry["reason"].as_str().expect("reason");
            entry["profile"] == profile
                && entry["check"] == result["check"]
                && result["reason"].as_str().is_some_and(|given| given.contains(reason))
        };
        let fine = ["SUCCESS", "COMPLIANT", "ACCEPTABLE"].iter().any(|status| result["status"] == *status);
        if !fine && !explained.iter().any(is_explained_by) {
            findings.push(format!("{result:#}"));
        }
        unused.retain(|entry| fine || !is_explained_by(entry));
    }
    assert!(findings.is_empty(), "scim2-tester, profile {profile}:\n{}", findings.join("\n"));
    assert!(unused.is_empty(), "explanations that nothing needs any more: {unused:#?}");

    let must_run: BTreeMap<String, Vec<String>> = serde_json::from_str(MUST_RUN).expect("must_run.json");
    for (resource_type, names) in &must_run {
        for name in names {
            let has_run = results.iter().any(|result| {
                result["check"] == name.as_str()
                    && result["resource_type"].as_str().unwrap_or("") == resource_type
            });
            assert!(has_run, "{name} has not run on \"{resource_type}\"");
        }
    }
}

#[test]
fn scim2_tester_finds_nothing_on_sqlite() {
    check(Backend::Sqlite, "entra");
}

#[test]
fn scim2_tester_finds_nothing_on_postgres() {
    check(Backend::Postgres, "entra");
}

#[test]
fn scim2_tester_finds_nothing_unexplained_in_the_strict_profile() {
    check(Backend::Sqlite, "rfc");
}

#[test]
fn scim2_tester_finds_nothing_unexplained_in_the_interop_profile() {
    check(Backend::Sqlite, "interop");
}

/// The commands of the README that speak to a running gateway, as one script; its example of an address and a token left out.
fn readme_script(root: &Path) -> String {
    let readme = fs::read_to_string(root.join("README.md")).expect("README.md");
    let blocks = readme.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    let script: String = blocks.filter(|block| block.contains("SCIM_URL")).collect();
    script
        .lines()
        .filter(|line| !line.starts_with("export SCIM_URL="))
        .map(|line| format!("{line}\n"))
        .collect()
}

#[test]
fn the_commands_of_the_readme_work() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let script = readme_script(&root);
    let commands = |program: &str| script.lines().filter(|line| line.starts_with(program)).count();
    assert!(commands("curl ") >= 1 && commands("target/python/bin/scim2 ") >= 3, "{script}");

    let programs = python().parent().expect("folder").display().to_string();
    let world = World::start(Backend::Sqlite);
    let tenant = world.tenant("readme");
    let printed = succeed(
        Command::new("sh")
            .args([
                "-euc",
                &script
                    .replace("scim2 test\n", "scim2 test || true\n")
                    .replace("target/python/bin", &programs),
            ])
            .current_dir(root)
            .env("SCIM_URL", tenant.url())
            .env("SCIM_TOKEN", tenant.token()),
    );
    assert!(!printed.contains("urn:ietf:params:scim:api:messages:2.0:Error"), "{printed}");
    let lines: Vec<&str> = printed.lines().collect();
    let passed = lines.iter().filter(|line| line.starts_with("SUCCESS ")).count();
    assert!(passed >= 100, "{passed} checks of the suite have passed: {printed}");
    // What the README says about this line.
    let is_explained = |reason: &str| reason.contains("did not remove attribute 'active'");
    for pair in
        lines.windows(2).filter(|pair| pair[0].starts_with("ERROR ") || pair[0].starts_with("CRITICAL "))
    {
        assert!(is_explained(pair[1]), "{pair:?}");
    }
    assert_eq!(tenant.get("/Users?filter=userName%20eq%20%22barbara@contoso.com%22").json["totalResults"], 1);
}
