//! `juno tenant conformance`: what it says of each profile, and that no line of its table can be proven by wrong answers.

use crate::world::World;
use admin::{
    Failure,
    conformance::{Door, LINES, Line, Outcome, ScimAnswer, ScimRequest, ScimService},
};
use futures_util::future::{FutureExt, LocalBoxFuture};
use serde_json::{Value, json};
use std::{collections::BTreeSet, time::Duration};
use test_support::Backend;
use tokens::SecretToken;

/// Wrong answers: of which line, to which requests (method and a part of the path), and what is wrong.
const WRONG: &str = include_str!("fixtures/conformance.txt");

fn tried(backend: Backend, profile: &str) -> Value {
    let world = World::start(backend);
    world.tenant_of_profile("contoso", profile);
    let found = world.juno(&["tenant", "conformance", "contoso"]);
    // It leaves an entry in the audit log, and nothing else.
    assert_eq!(world.juno(&["tenant", "list"])["tenants"].as_array().map(Vec::len), Some(1));
    let log = world.juno(&["audit", "list"]);
    let newest = &log["audit"][0];
    assert_eq!((&newest["action"], &newest["target"]), (&json!("tenant.conformance"), &json!("contoso")));
    assert_eq!(world.juno(&["audit", "verify"])["verified"], true);
    found
}

/// The names of lines with this outcome.
fn of(found: &Value, outcome: &str) -> Vec<String> {
    let lines = found["lines"].as_array().expect("lines").iter();
    let named = lines.filter(|line| line["outcome"] == outcome).filter_map(|line| line["name"].as_str());
    named.map(str::to_owned).collect()
}

fn the_profile_interop_meets_both_levels(backend: Backend) {
    let found = tried(backend, "interop");
    assert_eq!((&found["al1"], &found["al2"]), (&json!(true), &json!(true)), "{found:#}");
    // Allowed on purpose: Entra sends groups of one name (docs/CONFORMANCE.md).
    assert_eq!(of(&found, "failed"), ["group-names-differ"]);
    assert_eq!(of(&found, "proven").len(), LINES.iter().filter(|line| line.is_tried()).count() - 1);
}

#[test]
fn the_profile_interop_meets_both_levels_on_sqlite() {
    the_profile_interop_meets_both_levels(Backend::Sqlite);
}

#[test]
fn the_profile_interop_meets_both_levels_on_postgres() {
    the_profile_interop_meets_both_levels(Backend::Postgres);
}

#[test]
fn the_profile_entra_differs_where_entra_does() {
    let found = tried(Backend::Sqlite, "entra");
    assert_eq!((&found["al1"], &found["al2"]), (&json!(false), &json!(false)));
    assert_eq!(
        of(&found, "failed"),
        ["interop-profile", "no-credentials", "group-names-differ"],
        "{found:#}"
    );
}

/// Says the wrong thing to some requests.
struct Liar<'w> {
    world: &'w World,
    method: &'static str,
    path: &'static str,
    wrong: &'static str,
}

impl Liar<'_> {
    async fn lie(&self, answer: &mut ScimAnswer) {
        match self.wrong.split_once(' ') {
            None if self.wrong == "late" => tokio::time::advance(Duration::from_millis(100)).await,
            Some(("status", status)) => answer.status = status.parse().expect("a status"),
            Some(("without", name)) => drop(answer.body.as_object_mut().map(|body| body.remove(name))),
            Some((pointer, value)) => {
                let value = serde_json::from_str(value).expect("JSON");
                // Where there is no such place, nothing is said wrongly.
                if let Some(place) = answer.body.pointer_mut(pointer) {
                    *place = value;
                }
            }
            _ => panic!("{} is no wrong answer", self.wrong),
        }
    }
}

impl ScimService for Liar<'_> {
    fn ask(&self, request: ScimRequest) -> LocalBoxFuture<'_, Result<ScimAnswer, Failure>> {
        async move {
            let url = format!("{}{}", self.world.gateway.scim(), request.path);
            let (method, token) = (request.method.as_str(), request.token.as_deref());
            let response = self.world.send(method, &url, token, request.body.as_ref());
            let mut answer = ScimAnswer { status: response.status, body: response.json };
            if method == self.method && request.path.contains(self.path) {
                self.lie(&mut answer).await;
            }
            Ok(answer)
        }
        .boxed_local()
    }
}

fn line(name: &str) -> &'static Line {
    LINES.iter().find(|line| line.name == name).unwrap_or_else(|| panic!("{name} is no line"))
}

/// Time stands still but for answers that are late.
#[tokio::test(start_paused = true)]
async fn no_line_is_proven_by_wrong_answers() {
    let world = World::start(Backend::Sqlite);
    let mut judged = BTreeSet::new();
    let rows = WRONG.lines().filter(|row| !row.is_empty() && !row.starts_with('#'));
    for (number, row) in rows.enumerate() {
        let [name, method, path, wrong] = row.splitn(4, ' ').collect::<Vec<_>>().try_into().expect("four");
        let tenant = world.tenant_of_profile(&format!("t{number}"), "interop");
        let token = SecretToken::parse(tenant.token()).expect("a token");
        let door = Door { label: format!("t{number}"), token };
        let outcome = line(name).prove(&Liar { world: &world, method, path, wrong }, &door).await;
        assert!(matches!(outcome, Ok(Outcome::Failed(_))), "{row}: {outcome:?}");
        judged.insert(name);
    }
    let tried: BTreeSet<&str> = LINES.iter().filter(|line| line.is_tried()).map(|line| line.name).collect();
    assert_eq!(judged, tried, "each line that is tried has a wrong answer");
}

#[test]
fn each_line_has_a_name_and_says_something() {
    let names: BTreeSet<&str> = LINES.iter().map(|line| line.name).collect();
    assert_eq!(names.len(), LINES.len());
    assert!(LINES.iter().all(|line| line.requirement.ends_with('.')));
}
