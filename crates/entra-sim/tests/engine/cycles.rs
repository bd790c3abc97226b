//! What a job does over time: scope, delta, references, escrows, deletions, resets, restarts.

use entra_sim::cycle::state::Departure;
use entra_sim::cycle::{CycleKind, Reset, State};
use entra_sim::report::log::{Action, Status};
use entra_sim::report::status::{ExecutionState, QuarantineReason, StatusCode};
use jiff::SignedDuration;
use serde_json::json;

use super::standin::TOKEN;
use super::{Bench, logged};

#[tokio::test]
async fn only_the_assigned_are_provisioned_and_the_counters_say_so() {
    let mut bench = Bench::new("");
    let report = bench.cycle().await;
    assert_eq!((report.kind, report.execution.state), (CycleKind::Initial, ExecutionState::Succeeded));
    assert_eq!((bench.server.count("Users"), bench.server.count("Groups")), (3, 1));
    assert_eq!(logged(&report, "Otto Off"), [(Status::Skipped, Some("EntrySynchronizationSkipped"))]);
    assert_eq!(logged(&report, "Not Assigned"), [(Status::Skipped, Some("EntrySynchronizationSkipped"))]);
    let guest = bench.server.resource("Users", "gus_fabrikam.example@contoso.example");
    assert_eq!(guest["displayName"], "Gus Guest");
    let counts = report.execution.counts;
    assert_eq!(
        (counts.count_imported, counts.count_entitled, counts.count_entitled_for_provisioning),
        (7, 5, 4)
    );
    // Three users, one group, one manager, one set of members.
    assert_eq!(
        (counts.count_exports, counts.count_exported, counts.count_imported_reference_deltas),
        (6, 6, 2)
    );
    let members = bench.server.resource("Groups", "Sales")["members"].clone();
    assert_eq!(
        members,
        json!([{"value": "u1"}, {"value": "u2"}]),
        "not the disabled one, not the nested group"
    );
    let status = &bench.engine.state().status;
    assert_eq!(status.code, StatusCode::Active);
    let counted: Vec<(&str, u64)> = status
        .synchronized_entry_count_by_type
        .iter()
        .map(|entry| (entry.key.as_str(), entry.value))
        .collect();
    assert_eq!(counted, [("Group", 1), ("User", 3)]);
}

#[tokio::test]
async fn a_cycle_without_changes_sends_nothing() {
    let mut bench = Bench::new("");
    bench.cycle().await;
    bench.server.take();
    let report = bench.next("").await;
    assert_eq!(report.kind, CycleKind::Incremental);
    assert_eq!(bench.server.lines(), Vec::<String>::new());
    assert_eq!(report.execution.counts.count_imported, 0);
}

#[tokio::test]
async fn default_access_counts_unless_the_switch_says_otherwise() {
    let mut bench = Bench::new("default_access_excluded = true");
    let report = bench.cycle().await;
    assert_eq!(bench.server.count("Users"), 2);
    let guest =
        report.logs.iter().find(|log| log.source_identity.display_name == "Gus Guest").expect("logged");
    let error = guest.provisioning_status_info.error_information.as_ref().expect("a reason");
    assert!(error.reason.contains("not effectively entitled"));
}

#[tokio::test]
async fn scope_all_provisions_everybody_with_an_enabled_account() {
    let mut bench = Bench::new("scope = \"all\"");
    bench.cycle().await;
    assert_eq!((bench.server.count("Users"), bench.server.count("Groups")), (4, 2));
}

#[tokio::test]
async fn existing_accounts_are_matched_and_only_differences_are_sent() {
    let mut bench = Bench::new("");
    bench.cycle().await;
    let mut second = Bench::new("");
    let resources = bench.server.lock().resources.clone();
    second.server.lock().resources = resources;
    let report = second.cycle().await;
    let lines = second.server.lines();
    assert!(
        lines.iter().all(|line| !line.starts_with("POST") && !line.starts_with("PATCH Users")),
        "{lines:?}"
    );
    assert_eq!(logged(&report, "Jane Doe"), [(Status::Skipped, Some("RedundantExport"))]);
}

#[tokio::test]
async fn matching_asks_by_each_attribute_in_order_until_one_hits() {
    let toml = r#"
        groups.enabled = false
        [users]
        mapping = [
          { target = "userName", attribute = "userPrincipalName", matching = 2 },
          { target = "externalId", attribute = "employeeId", matching = 1 },
          { target = "active", expression = "Not([IsSoftDeleted])" },
        ]"#;
    let mut bench = Bench::new(toml);
    bench.cycle().await;
    let jane: Vec<String> = bench
        .server
        .lines()
        .into_iter()
        .filter(|line| line.contains("E1") || line.contains("jdoe"))
        .collect();
    let wanted =
        ["GET Users?filter=externalId eq \"E1\"", "GET Users?filter=userName eq \"jdoe@contoso.example\""];
    assert_eq!(jane, wanted);
}

#[tokio::test]
async fn leaving_disables_and_coming_back_enables_without_touching_memberships() {
    let mut bench = Bench::new("");
    bench.cycle().await;
    bench.server.take();
    let report = bench.next(r#"{ op = "leave", user = "jdoe@contoso.example" }"#).await;
    assert_eq!(bench.server.lines(), ["GET Users/u2", "PATCH Users/u2"]);
    assert_eq!(bench.server.resource("Users", "jdoe@contoso.example")["active"], false);
    let jane = report.logs.iter().find(|log| log.source_identity.display_name == "Jane Doe").expect("logged");
    assert_eq!(jane.provisioning_action, Action::Disable);
    assert_eq!(jane.modified_properties[0].new_value.as_deref(), Some("False"));
    bench.next(r#"{ op = "restore", user = "jdoe@contoso.example" }"#).await;
    assert_eq!(bench.server.lines(), ["GET Users/u2", "PATCH Users/u2"], "memberships are not sent again");
    assert_eq!(bench.server.resource("Users", "jdoe@contoso.example")["active"], true);
}

#[tokio::test]
async fn thirty_days_after_soft_deletion_comes_the_delete() {
    let mut bench = Bench::new("");
    bench.cycle().await;
    bench.next(r#"{ op = "leave", user = "jdoe@contoso.example" }"#).await;
    bench.server.take();
    bench.clock.advance(SignedDuration::from_hours(24 * 30));
    let now = bench.clock.now();
    bench.directory.purge_due(now);
    bench.cycle().await;
    let writes: Vec<String> =
        bench.server.lines().into_iter().filter(|line| !line.starts_with("GET")).collect();
    assert_eq!(writes, ["DELETE Users/u2"], "the membership goes with the user");
    assert!(bench.engine.state().links.values().all(|link| link.target_id != "u2"));
}

#[tokio::test]
async fn who_was_unassigned_before_is_not_deleted() {
    let mut bench = Bench::new("");
    bench.cycle().await;
    bench.next(r#"{ op = "unassign", principal = "gus_fabrikam.example#EXT#@contoso.example" }"#).await;
    let departed = bench.engine.state().links.values().find_map(|link| link.departed);
    assert_eq!(departed, Some(Departure::Unassigned));
    bench.server.take();
    bench.next(r#"{ op = "purge", user = "gus_fabrikam.example#EXT#@contoso.example" }"#).await;
    assert_eq!(bench.server.lines(), Vec::<String>::new());
}

#[tokio::test]
async fn out_of_scope_deletions_can_be_skipped() {
    let mut bench = Bench::new("skip_out_of_scope_deletions = true");
    bench.cycle().await;
    bench.server.take();
    bench.next(r#"{ op = "unassign", principal = "gus_fabrikam.example#EXT#@contoso.example" }"#).await;
    assert_eq!(bench.server.lines(), Vec::<String>::new());
}

#[tokio::test]
async fn an_unassigned_group_is_deleted_and_created_again_with_its_members() {
    let mut bench = Bench::new("");
    bench.cycle().await;
    bench.next(r#"{ op = "unassign", principal = "Sales" }"#).await;
    assert_eq!(bench.server.count("Groups"), 0);
    bench.next(r#"{ op = "assign", principal = "Sales", role = "Learner" }"#).await;
    let members = bench.server.resource("Groups", "Sales")["members"].clone();
    assert_eq!(members, json!([{"value": "u1"}, {"value": "u2"}]));
    assert_eq!(bench.server.resource("Users", "jdoe@contoso.example")["active"], true);
}

#[tokio::test]
async fn members_go_out_in_chunks() {
    let mut bench = Bench::new("members_per_patch = 1");
    bench.cycle().await;
    let patches = bench.server.lines().into_iter().filter(|line| line == "PATCH Groups/g1").count();
    assert_eq!(patches, 2);
}

#[tokio::test]
async fn actions_that_are_switched_off_are_not_done() {
    let mut bench = Bench::new("users.actions = [\"update\"]\ngroups.enabled = false");
    let report = bench.cycle().await;
    assert_eq!(bench.server.count("Users"), 0);
    assert_eq!(logged(&report, "Jane Doe"), [(Status::Skipped, Some("EntrySynchronizationSkipped"))]);
}

#[tokio::test]
async fn too_many_deletions_are_kept_back_until_they_are_allowed() {
    let mut bench = Bench::new("delete_threshold = 2");
    bench.cycle().await;
    bench.server.take();
    let leave = r#"{ op = "leave", user = "jdoe@contoso.example" }, { op = "disable", user = "ada@contoso.example" },
                   { op = "set", object = "Sales", attributes = { displayName = "Sellers" } }"#;
    let report = bench.next(leave).await;
    let lines = bench.server.lines();
    assert!(lines.iter().all(|line| line.contains("Groups/g1")), "the rename goes on: {lines:?}");
    let staged = report.logs.iter().filter(|log| log.provisioning_action == Action::StagedDelete).count();
    assert_eq!(staged, 2);
    let quarantine = bench.engine.state().status.quarantine.clone().expect("in quarantine");
    assert_eq!(quarantine.reason, QuarantineReason::TooManyDeletes);
    assert!(report.notify);
    assert!(!bench.next("").await.notify, "the reason is the same");
    bench.engine.reset(&[Reset::ForceDeletes]);
    bench.next("").await;
    assert_eq!(bench.server.resource("Users", "jdoe@contoso.example")["active"], false);
    assert_eq!(bench.server.resource("Users", "ada@contoso.example")["active"], false);
    assert_eq!(bench.engine.state().status.code, StatusCode::Active);
    assert!(bench.engine.state().staged.is_empty() && !bench.engine.state().deletes_allowed);
}

#[tokio::test]
async fn one_deletion_less_than_the_threshold_is_done() {
    let mut bench = Bench::new("delete_threshold = 2");
    bench.cycle().await;
    bench.next(r#"{ op = "leave", user = "jdoe@contoso.example" }"#).await;
    assert_eq!(bench.server.resource("Users", "jdoe@contoso.example")["active"], false);
}

#[tokio::test]
async fn the_state_survives_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("job.json");
    assert_eq!(State::load(&file).expect("absent is new"), State::default());
    let mut bench = Bench::new("");
    bench.server.misbehave(|manners| manners.answers.push(("POST Groups".to_owned(), 500)));
    bench.cycle().await;
    bench.engine.state().save(&file).expect("written");
    assert_eq!(State::load(&file).expect("read"), *bench.engine.state());
    std::fs::write(&file, "{").expect("written");
    assert!(State::load(&file).is_err(), "a broken file is not a new job");
    bench.server.misbehave(|manners| manners.answers.clear());
    bench.server.take();
    let mut bench = bench.again("", TOKEN, &[]);
    let report = bench.next("").await;
    assert_eq!(report.kind, CycleKind::Incremental);
    assert_eq!(bench.server.count("Groups"), 1, "the escrow was kept");
    assert!(bench.server.lines().iter().all(|line| line.contains("Groups")));
}

#[tokio::test]
async fn a_change_of_the_mapping_starts_an_initial_cycle_that_keeps_links() {
    let mut bench = Bench::new("");
    bench.cycle().await;
    bench.server.take();
    let filter = r#"users.filter = [{ title = "x", clauses = [{ attribute = "department", operator = "EQUALS", value = "R&D" }] }]"#;
    let mut bench = bench.again(filter, TOKEN, &[]);
    let report = bench.cycle().await;
    assert_eq!(report.kind, CycleKind::Initial);
    let lines = bench.server.lines();
    assert!(lines.contains(&"GET Users/u2".to_owned()), "{lines:?}");
    assert!(lines.iter().all(|line| !line.starts_with("POST")));
    assert_eq!(
        bench.server.resource("Users", "ada@contoso.example")["active"],
        false,
        "out of scope by the filter"
    );
}

#[tokio::test]
async fn a_full_reset_matches_everything_anew() {
    let mut bench = Bench::new("");
    bench.cycle().await;
    bench.server.take();
    bench.engine.reset(&[Reset::Full]);
    bench.cycle().await;
    let lines = bench.server.lines();
    assert!(lines.iter().any(|line| line.starts_with("GET Users?filter=")));
    assert!(
        lines.iter().all(|line| !line.starts_with("POST") && !line.starts_with("GET Users/")),
        "{lines:?}"
    );
}

#[tokio::test]
async fn on_demand_speaks_the_default_dialect() {
    let mut bench = Bench::with("", "?aadOptscim062020", &[]);
    let jane = "jdoe@contoso.example";
    let directory = bench.directory.clone();
    let first = bench.engine.on_demand(&directory, jane, &[]).await.expect("supported");
    assert!(first.succeeded);
    assert_eq!(
        (first.scope["assignedToApplication"].clone(), first.scope["inScope"].clone()),
        (json!(true), json!(true))
    );
    bench.change(r#"{ op = "set", object = "jdoe@contoso.example", attributes = { jobTitle = "Chief" } }"#);
    bench.server.take();
    let directory = bench.directory.clone();
    bench.engine.on_demand(&directory, jane, &[]).await.expect("supported");
    let patch = bench.server.take().into_iter().find(|seen| seen.line.starts_with("PATCH")).expect("patched");
    assert_eq!(patch.body["Operations"], json!([{"op": "Replace", "path": "title", "value": "Chief"}]));
    let off = bench.engine.on_demand(&directory, "off@contoso.example", &[]).await;
    assert!(off.is_err_and(|error| error.to_string().contains("disabled")));
    assert!(bench.engine.on_demand(&directory, "who@contoso.example", &[]).await.is_err());
}

#[tokio::test]
async fn a_group_on_demand_takes_the_chosen_members_and_removes_nobody() {
    let mut bench = Bench::new("");
    let directory = bench.directory.clone();
    let ids = ["ada@contoso.example", "jdoe@contoso.example"];
    for id in ids {
        bench.engine.on_demand(&directory, id, &[]).await.expect("supported");
    }
    for id in ids {
        bench.engine.on_demand(&directory, "Sales", &[id.to_owned()]).await.expect("supported");
    }
    let members = bench.server.resource("Groups", "Sales")["members"].clone();
    assert_eq!(members, json!([{"value": "u1"}, {"value": "u2"}]));
    let six: Vec<String> = vec![ids[0].to_owned(); 6];
    assert!(bench.engine.on_demand(&directory, "Sales", &six).await.is_err());
}
