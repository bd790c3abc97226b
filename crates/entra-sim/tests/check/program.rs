//! The program itself: exit codes, reports, and no secret in any of them.

use crate::stand_in::defect::Defect;
use crate::stand_in::{StandIn, TOKEN};
use entra_sim::check::Profile;
use serde_json::Value;
use std::process::Output;

/// Runs `entra-sim` with these arguments, the server's Tenant URL and its token.
pub(crate) async fn entra_sim(server: &StandIn, arguments: &[&str]) -> Output {
    let connection = ["--tenant-url", &server.url, "--secret-token", TOKEN];
    run(arguments.iter().chain(&connection).map(|word| (*word).to_owned()).collect()).await
}

/// Runs `entra-sim` with these arguments and no others.
async fn run(arguments: Vec<String>) -> Output {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_entra-sim"));
    command.args(arguments);
    // The stand-in lives on this thread's runtime, so the wait must not block it.
    let running = tokio::task::spawn_blocking(move || command.output());
    running.await.expect("a thread").expect("the program runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

#[tokio::test]
async fn check_succeeds_against_a_correct_server_and_writes_junit() {
    let server = StandIn::start(Profile::Entra, None).await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("junit.xml");
    let path = file.to_str().expect("a path");
    let output = entra_sim(&server, &["check", "--only", "filter-by", "--only", "22", "--junit", path]).await;
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
    assert!(
        text(&output.stdout).contains("4 passed, 0 failed, 0 warnings, 0 blocked, 1 skipped"),
        "{}",
        text(&output.stdout)
    );
    let junit = std::fs::read_to_string(&file).expect("the report");
    assert!(junit.contains("tests=\"5\" failures=\"0\" skipped=\"1\""), "{junit}");
    assert_eq!(junit.matches("<testcase ").count(), 5);
}

#[tokio::test]
async fn check_fails_with_the_exchange_and_without_the_token() {
    let server = StandIn::start(Profile::Entra, Some(Defect::ValueListRemovesAll)).await;
    let output = entra_sim(&server, &["check", "--only", "members-removed-by-value-list"]).await;
    let told = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("> GET http://127.0.0.1"), "{told}");
    assert!(told.contains("AzureAD/SCIMReferenceCode #10"), "{told}");
    assert!(!told.contains(TOKEN) && output.stderr.is_empty(), "{told}");
    let output = entra_sim(&server, &["check", "--only", "members-removed-by-value-list", "--json"]).await;
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!((&report["failed"], &report["checks"][0]["result"]), (&Value::from(1), &Value::from("fail")));
    assert_eq!(report["checks"][0]["exchange"]["request"]["method"], "GET");
}

/// The vendor's URN in a group's schemas is refused: nine checks fail, for one cause.
#[tokio::test]
async fn one_cause_is_one_failure_in_every_report() {
    let server = StandIn::start(Profile::Entra, Some(Defect::VendorUrnRefused)).await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("junit.xml");
    let groups = ["check", "--only", "group", "--junit", file.to_str().expect("a path")];
    let output = entra_sim(&server, &groups).await;
    let told = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("FAIL group-vendor-urn (must)"), "{told}");
    assert_eq!(told.matches("FAIL ").count(), 1, "{told}");
    assert!(told.contains("  blocks 8: microsoft-08-create-group, "), "{told}");
    assert!(told.contains("1 failed, 0 warnings, 8 blocked"), "{told}");
    let junit = std::fs::read_to_string(&file).expect("the report");
    assert!(junit.contains("failures=\"1\" skipped=\"8\""), "{junit}");
    assert!(junit.contains("<skipped message=\"because of group-vendor-urn: "), "{junit}");
    let output = entra_sim(&server, &["check", "--only", "group", "--json"]).await;
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!((&report["failed"], &report["blocked"]), (&Value::from(1), &Value::from(8)));
    let check = |name: &str| {
        let checks = report["checks"].as_array().expect("checks");
        checks.iter().find(|check| check["name"] == name).expect("the check")
    };
    assert_eq!(check("microsoft-09-update-group")["result"], "blocked");
    assert_eq!(check("microsoft-09-update-group")["cause"], "group-vendor-urn");
    assert_eq!(check("group-vendor-urn")["blocks"].as_array().map(Vec::len), Some(8));
}

#[tokio::test]
async fn a_should_is_a_warning_unless_it_is_asked_to_fail() {
    let server = StandIn::start(Profile::Entra, Some(Defect::ManagerReturnedAsWord)).await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("junit.xml");
    let path = file.to_str().expect("a path");
    let output = entra_sim(&server, &["check", "--only", "manager-shape", "--junit", path]).await;
    let told = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{told}");
    assert!(told.contains("WARN manager-shape (should)\n") && told.contains("only a should: "), "{told}");
    assert!(told.contains("0 failed, 1 warnings"), "{told}");
    let junit = std::fs::read_to_string(&file).expect("the report");
    assert!(junit.contains("failures=\"0\" skipped=\"1\""), "{junit}");
    assert!(junit.contains("classname=\"entra-sim.check.should\""), "{junit}");

    let asked = ["check", "--only", "manager-shape", "--fail-on", "should", "--junit", path];
    let output = entra_sim(&server, &asked).await;
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stdout));
    let junit = std::fs::read_to_string(&file).expect("the report");
    assert!(junit.contains("<failure type=\"should\""), "{junit}");

    let must = entra_sim(&server, &["check", "--only", "manager-shape", "--level", "must"]).await;
    assert_eq!(must.status.code(), Some(2), "there is no must of that name: {}", text(&must.stdout));
}

/// A cause has the level of the highest check that it blocks, else a must would end as a warning.
#[tokio::test]
async fn a_should_that_blocks_a_must_fails_the_run() {
    let server = StandIn::start(Profile::Entra, Some(Defect::UserDeleteHides)).await;
    let names = ["check", "--only", "microsoft-04-delete-user", "--only", "delete-twice"];
    let output = entra_sim(&server, &names).await;
    let told = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("FAIL microsoft-04-delete-user (must)\n"), "{told}");
}

#[tokio::test]
async fn a_server_that_cannot_be_used_is_one_message() {
    let server = StandIn::start(Profile::Entra, None).await;
    let arguments = |url: &str, token: &str| {
        let words = ["check", "--only", "filter", "--tenant-url", url, "--secret-token", token];
        words.map(str::to_owned).to_vec()
    };
    for (url, token, told) in [
        (server.url.as_str(), "another-token", "the server refuses the credentials: "),
        ("http://127.0.0.1:9/scim", TOKEN, "the server cannot be reached: "),
    ] {
        let output = run(arguments(url, token)).await;
        assert_eq!(output.status.code(), Some(3), "{}", text(&output.stdout));
        assert!(text(&output.stdout).starts_with(told), "{}", text(&output.stdout));
        assert_eq!(text(&output.stdout).lines().count(), 1);
    }
}

#[tokio::test]
async fn check_lists_what_there_is_without_a_tenant() {
    let list = run(["check", "--list"].map(str::to_owned).to_vec()).await;
    let told = text(&list.stdout);
    assert_eq!(list.status.code(), Some(0), "{told}{}", text(&list.stderr));
    assert!(told.contains("microsoft-16-null-update\n  Replacing"), "{told}");
    assert!(told.contains("\n  level: must\n") && told.contains("\n  level: should, because "), "{told}");
    let musts = run(["check", "--list", "--level", "must"].map(str::to_owned).to_vec()).await;
    assert!(!text(&musts.stdout).contains("level: should"), "{}", text(&musts.stdout));

    let nothing = run(["check"].map(str::to_owned).to_vec()).await;
    assert_eq!(nothing.status.code(), Some(2));
    assert!(text(&nothing.stdout).contains("--tenant-url"), "{}", text(&nothing.stdout));
    let server = StandIn::start(Profile::Entra, None).await;
    assert_eq!(entra_sim(&server, &["check", "--only", "nonsense"]).await.status.code(), Some(2));
    assert_eq!(server.requests(), 0, "nothing is sent");
}

#[tokio::test]
async fn swarm_writes_its_result_as_json() {
    let server = StandIn::start(Profile::Entra, None).await;
    let arguments = ["swarm", "--rate", "0", "--count", "50", "--mix", "match=1,members=1", "--json"];
    let output = entra_sim(&server, &arguments).await;
    let result: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(output.status.code(), Some(0), "{result}");
    assert_eq!((&result["requests"], &result["failed"]), (&Value::from(50), &Value::from(0)));
    assert!(result["ownCost"]["cpuMicrosecondsPerRequest"].as_f64().is_some_and(|cost| cost > 0.0));
    assert_eq!(server.len(), 0);
}

#[tokio::test]
async fn swarm_refuses_a_loud_tenant_that_there_is_not() {
    let server = StandIn::start(Profile::Entra, None).await;
    let output = entra_sim(&server, &["swarm", "--loud", "nobody=20"]).await;
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stdout).contains("nobody"));
}
