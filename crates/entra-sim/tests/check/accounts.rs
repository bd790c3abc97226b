//! Account Discovery: every user who is there throughout comes once, while others come and go; and a server that loses
//! users between its pages is found out.

use crate::program::entra_sim;
use crate::stand_in::defect::Defect;
use crate::stand_in::{StandIn, TOKEN};
use entra_sim::accounts::{Category, Discovery, PageRead, Paging, Plan, discover};
use entra_sim::check::Profile;
use entra_sim::clock::Clock;
use entra_sim::connection::Behaviour;
use entra_sim::directory::Directory;
use entra_sim::http::{Client, Credentials, Secret};
use entra_sim::job::Job;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Users at the beginning.
const USERS: usize = 3_000;

fn client(server: &StandIn, faults: &[&str]) -> Client {
    let faults = faults.iter().map(|fault| (*fault).to_owned()).collect();
    let token = Credentials::Bearer(Secret::new(TOKEN));
    let clock = Clock::standing(Timestamp::UNIX_EPOCH);
    Behaviour { faults, ..Behaviour::default() }.client(&server.url, token, clock).expect("a client")
}

fn plan(paging: Paging, verify: bool) -> Plan {
    Plan { paging, page_size: 100, verify }
}

fn fill(server: &StandIn) -> Vec<String> {
    server.change(|users| (0..USERS).map(|n| users.add_user(&format!("user{n}@x.example"))).collect())
}

/// Another client: after each page of the last reading it deletes users in front of the page's end and behind it, and
/// creates others.
struct Churn<'s> {
    server: &'s StandIn,
    reading: usize,
    /// Who is there from the beginning on, in the order of creation.
    left: Vec<String>,
    created: usize,
}

impl Churn<'_> {
    fn after(&mut self, page: PageRead<'_>) {
        if page.reading != self.reading {
            return;
        }
        let read: BTreeSet<_> = page.ids.iter().collect();
        let end = self.left.iter().rposition(|id| read.contains(id)).map_or(0, |at| at + 1);
        // Every 7th of the page, and every 50th behind it.
        let behind = self.left[end..].iter().step_by(50);
        let leaving: BTreeSet<String> = page.ids.iter().step_by(7).chain(behind).cloned().collect();
        self.server.change(|users| {
            for id in leaving.iter().filter(|id| self.left.contains(id)) {
                users.remove_user(id);
            }
            for _ in 0..10 {
                self.created += 1;
                users.add_user(&format!("new{}@x.example", self.created));
            }
        });
        self.left.retain(|id| !leaving.contains(id));
    }
}

async fn discover_while_others_write(
    defect: Option<Defect>,
    paging: Paging,
    verify: bool,
) -> (Discovery, Vec<String>) {
    let server = StandIn::start(Profile::Entra, defect).await;
    let left = fill(&server);
    let mut churn = Churn { server: &server, reading: 1 + usize::from(verify), left, created: 0 };
    let (directory, job) = (Directory::default(), Job::default());
    let mut on_page = |page: PageRead<'_>| churn.after(page);
    let client = client(&server, &[]);
    let discovery = discover(&client, &directory, &job, plan(paging, verify), &mut on_page).await;
    (discovery.expect("a report"), churn.left)
}

#[tokio::test]
async fn who_is_there_throughout_comes_once_while_others_come_and_go() {
    for paging in [Paging::Index, Paging::Cursor] {
        let (discovery, left) = discover_while_others_write(None, paging, true).await;
        let ids: Vec<_> = discovery.accounts.iter().map(|account| &account.id).collect();
        let once: BTreeSet<_> = ids.iter().collect();
        assert_eq!(ids.len(), once.len(), "{paging:?}: nobody twice");
        let missed: Vec<_> = left.iter().filter(|id| !once.contains(id)).collect();
        assert!(missed.is_empty() && left.len() < USERS, "{paging:?}: {missed:?}");
        assert!(discovery.is_complete());
        let verdict = discovery.verification.expect("a verdict");
        assert!(verdict.missed.is_empty() && verdict.gone > 0, "{verdict:?}");
    }
}

#[tokio::test]
async fn a_server_that_loses_users_between_pages_is_found_out() {
    let (discovery, left) =
        discover_while_others_write(Some(Defect::WalkByOffset), Paging::Index, true).await;
    let seen: BTreeSet<_> = discovery.accounts.iter().map(|account| &account.id).collect();
    let mut missed: Vec<_> = left.iter().filter(|id| !seen.contains(id)).cloned().collect();
    missed.sort_unstable();
    assert!(!missed.is_empty());
    assert_eq!(discovery.verification.as_ref().map(|it| &it.missed), Some(&missed));
    assert!(!discovery.is_complete());
    let mut told = Vec::new();
    discovery.write_text(&mut told).expect("written");
    let told = String::from_utf8(told).expect("UTF-8");
    assert!(told.contains(&format!("and not on any page: {}\n", missed.len())), "{told}");
}

#[tokio::test]
async fn pages_that_do_not_go_on_end_the_reading() {
    let server = StandIn::start(Profile::Entra, Some(Defect::StartIndexIgnored)).await;
    fill(&server);
    let (directory, job) = (Directory::default(), Job::default());
    let plan = plan(Paging::Index, false);
    let failed = discover(&client(&server, &[]), &directory, &job, plan, &mut |_| {}).await;
    let told = failed.expect_err("no report").to_string();
    assert!(told.starts_with("the pages do not go on") && told.contains("startIndex=101"), "{told}");
}

#[tokio::test]
async fn a_page_that_cannot_be_answered_this_time_is_asked_for_again() {
    let server = StandIn::start(Profile::Entra, None).await;
    fill(&server);
    let (directory, job) = (Directory::default(), Job::default());
    let plan = plan(Paging::Index, false);
    let passing = client(&server, &["status=503,on=GET /Users,skip=3,count=3"]);
    let discovery = discover(&passing, &directory, &job, plan, &mut |_| {}).await.expect("a report");
    assert_eq!((discovery.totals.users, discovery.totals.pages), (USERS, USERS / 100));
    let lasting = client(&server, &["status=503,on=GET /Users,skip=3"]);
    let failed = discover(&lasting, &directory, &job, plan, &mut |_| {}).await.expect_err("no report");
    assert!(failed.to_string().contains("503"), "{failed}");
    assert!(!failed.to_string().contains(TOKEN), "{failed}");
}

#[tokio::test]
async fn a_page_that_is_too_large_is_asked_for_with_fewer_users() {
    let server = StandIn::start(Profile::Entra, Some(Defect::LargePagesRefused)).await;
    fill(&server);
    let (directory, job) = (Directory::default(), Job::default());
    for paging in [Paging::Index, Paging::Cursor] {
        let client = client(&server, &[]);
        let discovery = discover(&client, &directory, &job, plan(paging, false), &mut |_| {}).await;
        let totals = discovery.expect("a report").totals;
        // 100, 50, 25: two refusals in all.
        assert_eq!((totals.users, totals.pages), (USERS, USERS / 25), "{paging:?}");
    }
}

/// A person who is assigned, one who is not, one with two accounts, and one without any.
fn directory() -> Value {
    let person =
        |id: &str| json!({"objectId": id, "userPrincipalName": format!("{id}@x.example"), "mail": "m"});
    let users = ["ann", "bob", "kim", "zoe"].map(person);
    let assignments = ["ann", "kim", "zoe"].map(|id| json!({"principalId": id}));
    json!({"users": users, "assignments": assignments})
}

#[tokio::test]
async fn the_report_says_who_is_local_unassigned_or_assigned() {
    let server = StandIn::start(Profile::Entra, None).await;
    let names = ["ann@x.example", "Bob@X.example", "kim@x.example", "printer", "=cmd()"];
    let ids = server.change(|users| names.map(|name| users.add_user(name)));
    let again = server.change(|users| users.add_user("KIM@x.example"));
    let folder = tempfile::tempdir().expect("a folder");
    let (people, csv) = (folder.path().join("people.json"), folder.path().join("accounts.csv"));
    std::fs::write(&people, directory().to_string()).expect("written");
    let path = |path: &std::path::Path| path.to_str().expect("a path").to_owned();
    let (people, csv) = (path(&people), path(&csv));

    for paging in ["index", "cursor"] {
        let arguments = ["discover", "--directory", &people, "--paging", paging, "--csv", &csv, "--json"];
        let output = entra_sim(&server, &arguments).await;
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(report["counts"], json!({"local": 2, "unassigned": 1, "assigned": 3}));
        assert_eq!(report["assignedWithoutAccount"], 1);
        assert_eq!(report["severalAccounts"], json!({"kim": [ids[2], again]}));
        assert_eq!(report["accounts"][1]["category"], "unassigned");
        assert_eq!(report["accounts"][1]["objectId"], "bob");
    }
    let table = std::fs::read_to_string(&csv).expect("the table");
    assert_eq!(table.lines().count(), 1 + 6);
    assert!(table.contains(&format!("local,{},'=cmd(),,true,'=cmd(),\r\n", ids[4])), "{table}");

    let output = entra_sim(&server, &["discover", "--directory", &people]).await;
    let told = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(told.contains("        2 local ") && told.contains("\nlocal:\n"), "{told}");
    assert!(told.contains("missed: not verified"), "{told}");
}

#[tokio::test]
async fn a_job_without_a_direct_match_sends_nothing() {
    let server = StandIn::start(Profile::Entra, None).await;
    let folder = tempfile::tempdir().expect("a folder");
    let job = folder.path().join("job.toml");
    let mapping =
        "[users]\nmapping = [{ target = \"userName\", expression = \"ToLower([mail])\", matching = 1 }]";
    std::fs::write(&job, mapping).expect("written");
    let output = entra_sim(&server, &["discover", "--job", job.to_str().expect("a path")]).await;
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(told.contains("direct matching attribute") && told.contains("userName"), "{told}");
    assert_eq!(server.requests(), 0);
}

#[test]
fn categories_are_written_in_microsofts_words() {
    let words = [Category::Local, Category::Unassigned, Category::Assigned].map(Category::word);
    assert_eq!(words, ["local", "unassigned", "assigned"]);
}
