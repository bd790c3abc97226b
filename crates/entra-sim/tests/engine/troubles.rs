//! What goes wrong: refused credentials, wrong answers, lost connections; what the log says, and what is tried again.

use entra_sim::cycle::Reset;
use entra_sim::report::log::Status;
use entra_sim::report::status::{ExecutionState, QuarantineReason, StatusCode};
use jiff::SignedDuration;

use super::standin::TOKEN;
use super::{Bench, logged};

const JANE: &str = "Jane Doe";

#[tokio::test]
async fn refused_credentials_are_quarantine_at_once_and_six_hours_of_rest() {
    let mut bench = Bench::new("");
    bench.cycle().await;
    let mut bench = bench.again("", "stolen", &[]);
    let report = bench
        .next(r#"{ op = "set", object = "jdoe@contoso.example", attributes = { city = "Oslo" } }"#)
        .await;
    assert_eq!(report.execution.state, ExecutionState::Failed);
    let quarantine = bench.engine.state().status.quarantine.clone().expect("in quarantine");
    assert_eq!(quarantine.reason, QuarantineReason::EncounteredQuarantineException);
    assert_eq!(quarantine.error.code, "SystemForCrossDomainIdentityManagementInvalidCredentials");
    let next = bench.engine.next_run(bench.clock.now()).expect("it goes on");
    assert_eq!(next.duration_since(quarantine.series_began), SignedDuration::from_hours(6));
    bench.clock.wait_until(next).await;
    let mut bench = bench.again("", TOKEN, &[]);
    bench.cycle().await;
    assert_eq!(bench.engine.state().status.code, StatusCode::Active);
    let jane = bench.server.resource("Users", "jdoe@contoso.example");
    let city = &jane["addresses"][0]["locality"];
    assert_eq!(city, "Oslo", "the change was not lost with the failed cycle");
}

#[tokio::test]
async fn four_weeks_of_quarantine_disable_the_job() {
    let mut bench = Bench::new("");
    bench.server.misbehave(|manners| manners.answers.push(("GET".to_owned(), 401)));
    bench.cycle().await;
    let mut attempts = 0;
    while let Some(next) = bench.engine.next_run(bench.clock.now()) {
        bench.clock.wait_until(next).await;
        bench.cycle().await;
        attempts += 1;
    }
    assert_eq!(attempts, 3 + 27, "after 6, 12 and 24 hours, then daily to the 28th day");
    assert_eq!(bench.engine.state().status.code, StatusCode::Paused);
    bench.engine.reset(&Reset::PORTAL);
    assert_eq!(bench.engine.state().status.code, StatusCode::NotRun);
}

#[tokio::test]
async fn a_404_for_an_empty_list_is_quarantine() {
    let mut bench = Bench::new("");
    bench.server.misbehave(|manners| manners.answers.push(("GET Users?".to_owned(), 404)));
    bench.cycle().await;
    let quarantine = bench.engine.state().status.quarantine.clone().expect("in quarantine");
    assert_eq!(quarantine.error.code, "SystemForCrossDomainIdentityManagementServiceIncompatible");
}

async fn first_code(answers: &[(&str, u16)], name: &str) -> (Status, Option<String>) {
    let mut bench = Bench::new("");
    for (begin, status) in answers {
        bench.server.misbehave(|manners| manners.answers.push(((*begin).to_owned(), *status)));
    }
    let report = bench.cycle().await;
    let (status, code) = logged(&report, name)[0];
    (status, code.map(str::to_owned))
}

#[tokio::test]
async fn statuses_reach_the_log_as_microsoft_names_them() {
    let codes = [
        (400, "WebExceptionProtocolError"),
        (403, "InsufficientRights"),
        (405, "MethodNotAllowed"),
        (409, "EntryConflict"),
        (422, "UnprocessableEntity"),
        (429, "TooManyRequests"),
        (500, "InternalServerError"),
        (501, "NotImplemented"),
    ];
    for (status, code) in codes {
        let logged = first_code(&[("POST Users", status)], JANE).await;
        assert_eq!(logged, (Status::Failure, Some(code.to_owned())), "{status}");
    }
}

#[tokio::test]
async fn answers_that_are_not_scim_are_incompatible() {
    let mut bench = Bench::new("");
    bench.server.misbehave(|manners| manners.media_type = Some("text/html"));
    let report = bench.cycle().await;
    let code = "SystemForCrossDomainIdentityManagementServiceIncompatible";
    assert_eq!(logged(&report, JANE), [(Status::Failure, Some(code))]);
    assert_eq!(bench.engine.state().status.code, StatusCode::Active, "an error of entries, not of the job");
}

#[tokio::test]
async fn members_that_were_excluded_are_an_error() {
    let mut bench = Bench::new("");
    bench.cycle().await;
    bench.server.misbehave(|manners| manners.members_though_excluded = true);
    let report = bench.next(r#"{ op = "rename-group", group = "Sales", name = "Sellers" }"#).await;
    let code = "SystemForCrossDomainIdentityManagementMultipleEntriesInResponse";
    assert_eq!(logged(&report, "Sellers"), [(Status::Failure, Some(code))]);
}

#[tokio::test]
async fn an_object_that_is_gone_is_an_invalid_anchor_until_the_job_is_restarted() {
    let mut bench = Bench::new("");
    bench.cycle().await;
    bench.server.lock().resources.get_mut("Users").expect("users").remove("u2");
    let report = bench
        .next(r#"{ op = "set", object = "jdoe@contoso.example", attributes = { city = "Oslo" } }"#)
        .await;
    assert_eq!(logged(&report, JANE), [(Status::Failure, Some("InvalidAnchor"))]);
    assert_eq!(bench.server.count("Users"), 2);
    bench.engine.reset(&Reset::PORTAL);
    bench.cycle().await;
    assert_eq!(bench.server.count("Users"), 3, "matched anew, not found, created");
}

#[tokio::test]
async fn an_escrow_is_tried_in_the_next_cycle_and_then_ever_later() {
    let mut bench = Bench::new("");
    bench.server.misbehave(|manners| manners.answers.push(("POST Users".to_owned(), 500)));
    let report = bench.cycle().await;
    assert_eq!(report.execution.state, ExecutionState::EntryLevelErrors);
    assert_eq!(report.execution.counts.count_escrowed, 3);
    let mut tried = Vec::new();
    for cycle in 1..=8 {
        bench.server.take();
        bench.next("").await;
        if !bench.server.lines().is_empty() {
            tried.push(cycle);
        }
    }
    assert_eq!(tried, [1, 3, 7], "after 40, 80 and 160 minutes");
    bench.server.misbehave(|manners| manners.answers.clear());
    bench.clock.advance(SignedDuration::from_hours(24));
    let report = bench.next("").await;
    assert_eq!((report.execution.state, bench.server.count("Users")), (ExecutionState::Succeeded, 3));
    assert!(bench.engine.state().escrows.is_empty());
}

#[tokio::test]
async fn failed_references_are_tried_again_apart_from_their_objects() {
    let mut bench = Bench::new("");
    bench.server.misbehave(|manners| manners.answers.push(("PATCH Groups".to_owned(), 500)));
    let report = bench.cycle().await;
    let counts = report.execution.counts;
    assert_eq!((counts.count_escrowed, counts.count_escrowed_raw), (0, 1));
    bench.server.misbehave(|manners| manners.answers.clear());
    bench.server.take();
    bench.next("").await;
    assert_eq!(bench.server.lines(), ["PATCH Groups/g1"]);
}

#[tokio::test]
async fn two_matches_are_an_error_and_no_guess() {
    let bench = Bench::new("");
    let mut bench = bench.again("", TOKEN, &["duplicate-matches,on=GET filter /Users"]);
    bench
        .server
        .lock()
        .resources
        .entry("Users".to_owned())
        .or_default()
        .insert("x1".to_owned(), serde_json::json!({"id": "x1", "userName": "jdoe@contoso.example"}));
    let report = bench.cycle().await;
    assert_eq!(logged(&report, JANE), [(Status::Failure, Some("DuplicateTargetEntries"))]);
}

#[tokio::test]
async fn a_dropped_answer_to_a_post_is_matched_in_the_next_cycle() {
    let mut bench = Bench::with("concurrency = 1", "", &["drop-answer,on=POST /Users,count=1"]);
    let report = bench.cycle().await;
    assert_eq!(logged(&report, "Ada Boss")[0], (Status::Failure, Some("WebExceptionProtocolError")));
    assert_eq!(bench.server.count("Users"), 3, "the server had done the work");
    bench.server.take();
    let report = bench.next("").await;
    assert_eq!(report.execution.state, ExecutionState::Succeeded);
    assert_eq!(bench.server.count("Users"), 3, "and no twin was made");
    assert_eq!(bench.server.lines()[0], "GET Users?filter=userName eq \"ada@contoso.example\"");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_an_error_of_each_entry() {
    let mut bench = Bench::with("", "", &["drop"]);
    let report = bench.cycle().await;
    assert_eq!(report.execution.state, ExecutionState::EntryLevelErrors);
    assert_eq!(report.execution.counts.count_exported, 0);
}

#[tokio::test]
async fn failures_beyond_the_threshold_prune_the_initial_cycle_and_pause_it() {
    let quarantine = "[quarantine]\nevaluated_from = 3\npercent = 40\nbase = 100\ntotal = 100";
    let mut bench = Bench::new(quarantine);
    bench.server.misbehave(|manners| manners.answers.push(("POST Users".to_owned(), 500)));
    let report = bench.cycle().await;
    let state = bench.engine.state();
    let reason = state.status.quarantine.as_ref().map(|quarantine| quarantine.reason);
    assert_eq!(reason, Some(QuarantineReason::EncounteredEscrowProportionThreshold));
    assert!(state.status.escrows_pruned && state.escrows.is_empty() && report.notify);
}

#[tokio::test]
async fn references_wait_for_objects_in_escrow() {
    let toml = "concurrency = 1";
    let mut bench = Bench::with(toml, "", &["status=500,on=POST /Users,count=1"]);
    let report = bench.cycle().await;
    let counts = report.execution.counts;
    assert_eq!(
        (counts.count_escrowed, counts.count_escrowed_raw),
        (1, 3),
        "the boss; a manager and members wait"
    );
    bench.next("").await;
    let boss = bench.server.resource("Users", "ada@contoso.example")["id"].clone();
    let members = bench.server.resource("Groups", "Sales")["members"].clone();
    assert!(members.as_array().is_some_and(|members| members.iter().any(|member| member["value"] == boss)));
    let jane = bench.server.resource("Users", "jdoe@contoso.example");
    let manager = &jane["urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"]["manager"]["value"];
    assert_eq!(*manager, boss);
    assert!(bench.engine.state().escrows.is_empty());
}

#[tokio::test]
async fn a_lost_answer_to_an_enabling_does_not_keep_the_account_enabled() {
    let jane = "{ op = \"OP\", user = \"jdoe@contoso.example\" }";
    let mut bench = Bench::new("");
    bench.cycle().await;
    bench.next(&jane.replace("OP", "leave")).await;
    let mut bench = bench.again("", TOKEN, &["drop-answer,on=PATCH /Users,count=1"]);
    bench.next(&jane.replace("OP", "restore")).await;
    assert_eq!(bench.server.resource("Users", "jdoe@contoso.example")["active"], true);
    bench.next(&jane.replace("OP", "leave")).await;
    assert_eq!(bench.server.resource("Users", "jdoe@contoso.example")["active"], false);
}

#[tokio::test]
async fn an_error_of_the_job_stops_it_at_once() {
    let bench = Bench::new("concurrency = 1");
    let mut bench = bench.again("concurrency = 1", "stolen", &[]);
    let report = bench.cycle().await;
    assert_eq!(bench.server.lines().len(), 1, "nothing is asked after the first refusal");
    assert!(bench.engine.state().escrows.is_empty());
    assert_eq!(
        report.execution.error.map(|error| error.code).as_deref(),
        Some("SystemForCrossDomainIdentityManagementInvalidCredentials")
    );
}

#[tokio::test]
async fn a_member_whose_addition_got_no_answer_is_removed_when_he_leaves() {
    let mut bench = Bench::with("", "", &["drop-answer,on=PATCH /Groups,count=1"]);
    bench.cycle().await;
    assert_eq!(bench.engine.state().links.values().map(|link| link.uncertain.len()).sum::<usize>(), 2);
    bench.next("{ op = \"remove-member\", group = \"Sales\", member = \"ada@contoso.example\" }").await;
    let jane = bench.server.resource("Users", "jdoe@contoso.example")["id"].clone();
    assert_eq!(bench.server.resource("Groups", "Sales")["members"], serde_json::json!([{"value": jane}]));
    assert!(bench.engine.state().links.values().all(|link| link.uncertain.is_empty()));
}

#[tokio::test]
async fn references_of_who_left_do_not_wait_for_ever() {
    let mut bench = Bench::with("concurrency = 1", "", &["status=500,on=PATCH /Users,count=1"]);
    bench.cycle().await;
    assert_eq!(bench.engine.state().escrows.len(), 1, "the manager of Jane");
    let report = bench.next("{ op = \"leave\", user = \"jdoe@contoso.example\" }").await;
    assert_eq!(report.execution.state, ExecutionState::Succeeded);
    assert!(bench.engine.state().escrows.is_empty());
}
