//! The load keeps its rate, counts exactly, hides no stall, and clears up after itself.

use crate::stand_in::{StandIn, TOKEN, Trouble};
use entra_sim::check::Profile;
use entra_sim::clock::Clock;
use entra_sim::connection::Behaviour;
use entra_sim::http::{Credentials, Secret};
use entra_sim::swarm::{Mix, Outcome, Percentiles, Plan, Until, load};
use jiff::Timestamp;
use std::time::Duration;

/// Requests that prepare one tenant: a group and the users.
const PREPARED: usize = 1 + USERS as usize;
const USERS: u64 = 10;

fn plan(servers: &[&StandIn]) -> Plan {
    let clock = Clock::standing(Timestamp::UNIX_EPOCH);
    let client = |server: &StandIn| {
        let token = Credentials::Bearer(Secret::new(TOKEN));
        Behaviour::default().client(&server.url, token, clock.clone()).expect("a client")
    };
    Plan {
        tenants: servers.iter().enumerate().map(|(nth, it)| (format!("tenant{nth}"), client(it))).collect(),
        rate: None,
        until: Until::Count(200),
        mix: Mix::default(),
        loud: Vec::new(),
        connections: 2,
        threads: 1,
        users: USERS,
        timeout: Duration::from_secs(20),
        seed: 1,
        window: None,
        keep: true,
        tag: "swarm-test".to_owned(),
        clock: clock.clone(),
    }
}

async fn run(plan: Plan) -> Outcome {
    let (outcome, left) = load(plan).await.expect("a load");
    assert_eq!(left, 0, "everything could be removed");
    outcome
}

fn is_sane(times: &Percentiles) -> bool {
    let Percentiles { p50, p90, p99, p999, max, .. } = *times;
    0.0 < p50 && p50 <= p90 && p90 <= p99 && p99 <= p999 && p999 <= max * 1.01
}

#[tokio::test]
async fn a_rate_is_held_and_every_due_request_is_sent_once() {
    let (one, two) = (StandIn::start(Profile::Entra, None).await, StandIn::start(Profile::Entra, None).await);
    let timed = Plan { rate: Some(100.0), until: Until::Time(Duration::from_secs(1)), ..plan(&[&one, &two]) };
    let outcome = run(timed).await;
    assert_eq!((outcome.scheduled, outcome.requests, outcome.unsent), (Some(200), 200, 0));
    assert_eq!(outcome.failed, 0, "{:?}", outcome.errors);
    assert!(outcome.seconds > 0.98, "the last request is due at the end: {}", outcome.seconds);
    for server in [&one, &two] {
        assert_eq!(server.requests(), PREPARED + 100);
    }
    assert!(is_sane(&outcome.latency) && is_sane(&outcome.service), "{outcome}");
    assert_eq!(outcome.operations.values().map(|times| times.count).sum::<u64>(), 200);
    assert!(outcome.operations.values().all(|times| times.count > 0), "the mix has all of them: {outcome}");
    assert!(outcome.own_cost.cpu_microseconds_per_request > 0.0);
}

#[tokio::test]
async fn a_count_is_exact_as_fast_as_may_be_and_on_several_threads() {
    let (one, two) = (StandIn::start(Profile::Entra, None).await, StandIn::start(Profile::Entra, None).await);
    let outcome = run(Plan { threads: 2, connections: 3, ..plan(&[&one, &two]) }).await;
    assert_eq!((outcome.scheduled, outcome.requests, outcome.failed), (Some(400), 400, 0), "{outcome}");
    assert_eq!((one.requests(), two.requests()), (PREPARED + 200, PREPARED + 200));
}

#[tokio::test]
async fn a_time_ends_a_run_without_a_rate() {
    let server = StandIn::start(Profile::Entra, None).await;
    let outcome = run(Plan { until: Until::Time(Duration::from_millis(200)), ..plan(&[&server]) }).await;
    assert_eq!((outcome.scheduled, outcome.failed), (None, 0), "{outcome}");
    assert_eq!(server.requests() as u64, PREPARED as u64 + outcome.requests);
    assert!(outcome.seconds >= 0.2, "{}", outcome.seconds);
}

#[tokio::test]
async fn wrong_statuses_are_counted_one_by_one() {
    let server =
        StandIn::troubled(Profile::Entra, None, Trouble { error_every: 20, ..Trouble::default() }).await;
    let outcome = run(plan(&[&server])).await;
    let expected = (PREPARED + 200) / 20;
    assert_eq!(outcome.errors.get("500").copied(), Some(expected as u64), "{outcome}");
    assert_eq!((outcome.failed, outcome.requests), (expected as u64, 200));
    assert_eq!(outcome.tenants[0].errors.values().sum::<u64>(), expected as u64);
    assert!(!outcome.is_clean());
}

#[tokio::test]
async fn broken_connections_are_counted_and_made_again() {
    let server =
        StandIn::troubled(Profile::Entra, None, Trouble { drop_every: 40, ..Trouble::default() }).await;
    let outcome = run(plan(&[&server])).await;
    assert_eq!(outcome.errors.get("dropped").copied(), Some(((PREPARED + 200) / 40) as u64), "{outcome}");
    assert_eq!(outcome.requests, 200, "the others are answered on new connections");
}

#[tokio::test]
async fn a_stall_is_seen_by_every_request_that_was_due_meanwhile() {
    let stall = (PREPARED + 60, Duration::from_millis(400));
    let server =
        StandIn::troubled(Profile::Entra, None, Trouble { stall: Some(stall), ..Trouble::default() }).await;
    let timed = Plan { rate: Some(200.0), until: Until::Time(Duration::from_secs(1)), ..plan(&[&server]) };
    let outcome = run(timed).await;
    assert_eq!((outcome.requests, outcome.failed), (200, 0), "{outcome}");
    // 80 of the 200 were due while nothing was answered, but only two were on the wire.
    assert!(outcome.latency.p90 > 150.0, "coordinated omission: {outcome}");
    assert!(outcome.service.max >= 400.0, "{outcome}");
    assert!(outcome.service.p90 < outcome.latency.p90, "{outcome}");
}

#[tokio::test]
async fn windows_of_time_show_when_it_was_slow() {
    let stall = (PREPARED + 60, Duration::from_millis(300));
    let server =
        StandIn::troubled(Profile::Entra, None, Trouble { stall: Some(stall), ..Trouble::default() }).await;
    let timed = Plan {
        rate: Some(100.0),
        until: Until::Time(Duration::from_secs(2)),
        window: Some(Duration::from_millis(500)),
        ..plan(&[&server])
    };
    let outcome = run(timed).await;
    let windows = outcome.windows.expect("windows");
    assert_eq!(windows.iter().map(|window| window.latency.count).collect::<Vec<_>>(), [50; 4]);
    // The 60th request was due at 0.6 s.
    assert!(windows[1].latency.max >= 300.0, "{windows:?}");
    assert!(windows[0].latency.max < windows[1].latency.max, "{windows:?}");
}

#[tokio::test]
async fn an_answer_is_not_waited_for_beyond_the_timeout() {
    let stall = (PREPARED + 20, Duration::from_millis(600));
    let server =
        StandIn::troubled(Profile::Entra, None, Trouble { stall: Some(stall), ..Trouble::default() }).await;
    let outcome = run(Plan { timeout: Duration::from_millis(200), connections: 1, ..plan(&[&server]) }).await;
    assert!(outcome.errors.get("timeout").is_some_and(|count| *count >= 1), "{outcome}");
    assert_eq!(outcome.requests, 200, "a timeout ends a request, and the run goes on");
}

#[tokio::test]
async fn a_loud_tenant_sends_its_factor_more_and_is_no_measure_of_fairness() {
    let (one, two) = (StandIn::start(Profile::Entra, None).await, StandIn::start(Profile::Entra, None).await);
    let loud = vec![("tenant1".to_owned(), 5.0)];
    let timed =
        Plan { rate: Some(40.0), until: Until::Time(Duration::from_secs(1)), loud, ..plan(&[&one, &two]) };
    let outcome = run(timed).await;
    let requests: Vec<_> = outcome.tenants.iter().map(|tenant| tenant.requests).collect();
    assert_eq!(requests, [40, 200]);
    assert_eq!(outcome.fairness.worst_tenant, "tenant0");
    assert_eq!(outcome.fairness.quiet.count, 40);
    assert_eq!(outcome.fairness.loud.as_ref().map(|loud| loud.count), Some(200));
}

#[tokio::test]
async fn what_was_made_is_removed_unless_it_is_to_stay() {
    let server = StandIn::start(Profile::Entra, None).await;
    run(Plan { keep: false, ..plan(&[&server]) }).await;
    assert_eq!(server.len(), 0);
    let outcome = run(plan(&[&server])).await;
    assert_eq!(server.len() as u64, PREPARED as u64 + outcome.operations["create"].count);
}

#[tokio::test]
async fn a_tenant_that_cannot_be_prepared_is_named() {
    let server =
        StandIn::troubled(Profile::Entra, None, Trouble { error_every: 3, ..Trouble::default() }).await;
    let why = load(plan(&[&server])).await.expect_err("no load");
    assert!(why.contains("tenant0") && why.contains("500"), "{why}");
    assert!(!why.contains(TOKEN), "{why}");
}
