//! `entra-sim check`, which knows nothing of our types, finds nothing wrong: Microsoft's acceptance tests and the known
//! breakages, on both databases and in both profiles.

use crate::world::World;
use serde_json::Value;
use std::{path::Path, process::Command};
use test_support::Backend;

/// The binary beside `juno`: `cargo test --workspace` builds both.
fn entra_sim() -> Command {
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
    let output = command.env("ENTRA_SIM_SECRET_TOKEN", tenant.token()).output().expect("entra-sim runs");
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{printed}\n{}", String::from_utf8_lossy(&output.stderr));
    let summary: Value = serde_json::from_str(&printed).expect("JSON");
    assert_eq!(summary["failed"], 0, "{printed}");
    assert!(summary["passed"].as_u64().is_some_and(|passed| passed >= must_pass), "{printed}");
}

#[test]
fn nothing_is_found_in_profile_entra_on_sqlite() {
    check(Backend::Sqlite, "entra", 126);
}

#[test]
fn nothing_is_found_in_profile_entra_on_postgres() {
    check(Backend::Postgres, "entra", 126);
}

#[test]
fn nothing_is_found_in_profile_rfc_on_sqlite() {
    check(Backend::Sqlite, "rfc", 106);
}

#[test]
fn nothing_is_found_in_profile_rfc_on_postgres() {
    check(Backend::Postgres, "rfc", 106);
}
