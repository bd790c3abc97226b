//! Each check is proved twice: a correct server passes it, and a server with a named mistake fails it.

use crate::stand_in::defect::Defect;
use crate::stand_in::{ASSERTION, CLIENT_SECRET, StandIn, TOKEN};
use entra_sim::check::{Check, Finding, Level, Outcome, Profile, Target, checks, examine};
use entra_sim::clock::Clock;
use entra_sim::connection::Behaviour;
use entra_sim::http::credentials::Assertion;
use entra_sim::http::{Client, Credentials, Secret};
use futures_util::StreamExt;
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// The mistakes and the checks that each must fail.
const DEFECTS: &str = include_str!("fixtures/defects.txt");

/// A quarter of all requests is this one check's, so it is left out where the fixture does not ask for it.
const CROWD: &str = "members-beyond-one-hundred";

/// With which OAuth credentials tests 21 and 22 are tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Grant {
    Secret,
    Assertion,
}

async fn examine_all(
    server: &StandIn,
    profile: Profile,
    grant: Option<Grant>,
    except: Option<&str>,
) -> Vec<Finding> {
    let applies = |check: &&Check| check.applies.to(profile) && Some(check.name) != except;
    let chosen: Vec<_> = checks().filter(applies).collect();
    let oauth = grant.map(|grant| match grant {
        Grant::Secret => Credentials::ClientCredentials {
            client_id: "juno".to_owned(),
            client_secret: CLIENT_SECRET.into(),
            token_url: server.token_url.clone(),
            scope: None,
        },
        Grant::Assertion => Credentials::Federation {
            client_id: "juno".to_owned(),
            token_url: server.token_url.clone(),
            scope: Some("scim".to_owned()),
            assertion: Assertion::Given(ASSERTION.into()),
        },
    });
    let oauth = oauth.map(|credentials| client(server, credentials));
    let client = client(server, Credentials::Bearer(Secret::new(TOKEN)));
    examine(&Target { client, oauth, profile, run: "test".to_owned() }, &chosen, 4).await
}

fn client(server: &StandIn, credentials: Credentials) -> Client {
    let clock = Clock::standing(Timestamp::UNIX_EPOCH);
    Behaviour::default().client(&server.url, credentials, clock).expect("a client")
}

/// What the fixture says of a mistake.
#[derive(Default)]
struct Expected {
    profile: Profile,
    /// The check that judges it; none if it is no mistake.
    cause: BTreeSet<&'static str>,
    /// The checks that fail because of it.
    blocked: BTreeSet<&'static str>,
}

impl Expected {
    fn names(&self) -> impl Iterator<Item = &'static str> {
        self.cause.iter().chain(&self.blocked).copied().filter(|name| *name != "*")
    }

    /// How the findings differ from it; `None` if they do not.
    fn difference(&self, findings: &[Finding]) -> Option<String> {
        let failed: Vec<_> = findings.iter().filter(|it| matches!(it.outcome, Outcome::Fail(_))).collect();
        let names = |wanted: bool| -> BTreeSet<&str> {
            failed.iter().filter(|it| it.cause.is_some() == wanted).map(|it| it.check.name).collect()
        };
        let (causes, blocked) = (names(false), names(true));
        let is_whole = if self.blocked.contains("*") { !blocked.is_empty() } else { blocked == self.blocked };
        let leads = failed.iter().all(|it| it.cause.is_none_or(|cause| self.cause.contains(cause)));
        (causes != self.cause || !is_whole || !leads)
            .then(|| format!("failed: {causes:?}, because of {:?}: {blocked:?}", self.cause))
    }
}

fn expectations() -> BTreeMap<String, Expected> {
    let lines = DEFECTS.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let mut expected = BTreeMap::<String, Expected>::new();
    let (mut current, mut is_blocked) = (String::new(), false);
    for line in lines {
        if let Some(head) = line.strip_suffix(':') {
            let (name, profile) = match head.split_once(' ') {
                Some((name, "rfc")) => (name, Profile::Rfc),
                Some((name, "interop")) => (name, Profile::Interop),
                _ => (head, Profile::Entra),
            };
            (current, is_blocked) = (name.to_owned(), false);
            expected.insert(current.clone(), Expected { profile, ..Expected::default() });
            continue;
        }
        let entry = expected.get_mut(&current).expect("a mistake before its checks");
        for word in line.split_whitespace() {
            match word {
                "+" => is_blocked = true,
                name => {
                    let checks = if is_blocked { &mut entry.blocked } else { &mut entry.cause };
                    checks.insert(name);
                }
            }
        }
    }
    expected
}

#[tokio::test]
async fn a_correct_server_passes_every_check_and_is_left_empty() {
    let all = [
        (Profile::Entra, Grant::Secret),
        (Profile::Rfc, Grant::Assertion),
        (Profile::Interop, Grant::Assertion),
    ];
    for (profile, grant) in all {
        let server = StandIn::start(profile, None).await;
        let findings = examine_all(&server, profile, Some(grant), None).await;
        for Finding { check, outcome, .. } in &findings {
            let other_grant = match grant {
                Grant::Secret => "microsoft-22-federated-identity",
                Grant::Assertion => "microsoft-21-validate-credentials",
            };
            match outcome {
                Outcome::Pass => {}
                Outcome::Skip(_) if check.name == other_grant => {}
                outcome => panic!("{profile:?} {}: {outcome:?}", check.name),
            }
        }
        assert_eq!(server.len(), 0, "every check removes what it made");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_mistake_is_one_failure_and_blocks_exactly_the_checks_named_for_it() {
    let expected = expectations();
    let one = |defect: Defect| async move {
        let (name, expected) = (format!("{defect:?}"), expectations());
        let wanted = expected.get(&name).unwrap_or_else(|| panic!("{name} is not in the fixture"));
        let server = StandIn::start(wanted.profile, Some(defect)).await;
        let grant = match defect {
            Defect::ShortTokenLife => Some(Grant::Secret),
            Defect::AssertionRefused => Some(Grant::Assertion),
            _ => None,
        };
        let except = (!wanted.names().any(|name| name == CROWD)).then_some(CROWD);
        let findings = examine_all(&server, wanted.profile, grant, except).await;
        wanted.difference(&findings).map(|difference| format!("{name}: {difference}"))
    };
    let runs =
        futures_util::stream::iter(Defect::ALL.iter().copied()).map(|defect| tokio::spawn(one(defect)));
    let problems: Vec<_> =
        runs.buffer_unordered(4).filter_map(|run| async { run.expect("a run") }).collect().await;
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    assert_eq!(expected.len(), Defect::ALL.len(), "the fixture names a mistake that there is not");
    assert!(expected.values().all(|it| it.cause.len() <= 1), "one mistake is one failure");
}

#[test]
fn no_check_is_vacuous() {
    let expected = expectations();
    let failed: BTreeSet<_> = expected.values().flat_map(Expected::names).collect();
    let names: BTreeSet<_> = checks().map(|check| check.name).collect();
    assert_eq!(names.len(), checks().count(), "two checks have one name");
    assert_eq!(names, failed, "each check is failed by a mistake, and each named check exists");
}

#[test]
fn every_check_says_its_source_and_who_leaves_it_open() {
    for check in checks() {
        assert!(!check.source.is_empty() && check.proves.ends_with('.'), "{}", check.name);
        assert_eq!(
            check.level == Level::Should,
            check.should_because.is_some_and(|it| !it.is_empty()),
            "{}",
            check.name
        );
        assert!(
            check.name.chars().all(|char| char.is_ascii_lowercase() || char.is_ascii_digit() || char == '-')
        );
    }
}
