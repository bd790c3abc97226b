//! `entra-sim check`, which knows nothing of our types, finds nothing wrong: Microsoft's acceptance tests and the known
//! breakages, on both databases and in all profiles.

use crate::{oauth::Client, world::World};
use serde_json::Value;
use std::{path::Path, process::Command};
use test_support::Backend;

/// The binary beside `juno`: `cargo test --workspace` builds both.
pub(crate) fn entra_sim() -> Command {
    let binary = Path::new(env!("CARGO_BIN_EXE_juno")).with_file_name("entra-sim");
    assert!(binary.exists(), "{} is not built: run `cargo build --bin entra-sim`", binary.display());
    Command::new(binary)
}

/// `must_pass`: so many checks at least, so that none is skipped unnoticed.
fn check(backend: Backend, profile: &str, must_pass: u64) {
    let world = World::start(backend);
    let tenant = world.tenant_of_profile("checked", profile);
    let mut command = entra_sim();
    command.args(["check", "--json", "--profile", profile, "--tenant-url", tenant.url()]);
    finds_nothing(command.env("ENTRA_SIM_SECRET_TOKEN", tenant.token()), must_pass);
}

fn finds_nothing(command: &mut Command, must_pass: u64) {
    let output = command.output().expect("entra-sim runs");
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{printed}\n{}", String::from_utf8_lossy(&output.stderr));
    let summary: Value = serde_json::from_str(&printed).expect("JSON");
    for count in ["failed", "warnings", "blocked"] {
        assert_eq!(summary[count], 0, "{printed}");
    }
    assert!(summary["passed"].as_u64().is_some_and(|passed| passed >= must_pass), "{printed}");
}

#[test]
fn nothing_is_found_in_profile_entra_on_sqlite() {
    check(Backend::Sqlite, "entra", 130);
}

#[test]
fn nothing_is_found_in_profile_entra_on_postgres() {
    check(Backend::Postgres, "entra", 130);
}

#[test]
fn nothing_is_found_in_profile_rfc_on_sqlite() {
    check(Backend::Sqlite, "rfc", 109);
}

#[test]
fn nothing_is_found_in_profile_rfc_on_postgres() {
    check(Backend::Postgres, "rfc", 109);
}

#[test]
fn nothing_is_found_in_profile_interop_on_sqlite() {
    check(Backend::Sqlite, "interop", 118);
}

#[test]
fn nothing_is_found_in_profile_interop_on_postgres() {
    check(Backend::Postgres, "interop", 118);
}

/// Test 21 of Microsoft's suite, and all others with the access token that it leads to.
#[test]
fn nothing_is_found_with_client_credentials() {
    let world = World::start(Backend::Sqlite);
    let tenant = world.tenant("checked");
    let client = Client::create(&world, "checked");
    let mut command = entra_sim();
    command.args(["check", "--json", "--profile", "entra", "--tenant-url", tenant.url()]);
    command.args(["--client-id", &client.id, "--token-url", &client.token_endpoint]);
    finds_nothing(command.env("ENTRA_SIM_CLIENT_SECRET", &client.secret), 130);
}
