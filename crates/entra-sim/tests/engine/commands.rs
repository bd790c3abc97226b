//! The commands as a user runs them: output, files and exit codes.

use std::process::{Command, Output};

use entra_sim::http::federation::SigningKey;
use serde_json::Value;

use super::mails::sink;
use super::standin::{Standin, TOKEN};

fn entra_sim(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_entra-sim")).args(arguments).output().expect("it runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn test_connection_says_yes_and_no() {
    let server = Standin::start();
    let good = entra_sim(&["test-connection", "--tenant-url", &server.url, "--secret-token", TOKEN]);
    assert_eq!(good.status.code(), Some(0), "{}", text(&good.stderr));
    let lines = server.lines();
    assert!(lines[0].starts_with("GET Users?filter=userName eq \""), "{lines:?}");
    assert!(
        lines[1].starts_with("GET Groups?excludedAttributes=members&filter=displayName eq \""),
        "{lines:?}"
    );
    let bad =
        entra_sim(&["test-connection", "--tenant-url", &server.url, "--secret-token", "hush", "--json"]);
    assert_eq!(bad.status.code(), Some(3));
    let tests: Value = serde_json::from_slice(&bad.stdout).expect("JSON");
    assert_eq!(tests[0]["errorCode"], "SystemForCrossDomainIdentityManagementInvalidCredentials");
    assert!(!text(&bad.stdout).contains("hush") && !text(&bad.stderr).contains("hush"));
}

#[test]
fn run_provisions_several_tenants_and_goes_on_where_it_stopped() {
    let (one, two) = (Standin::start(), Standin::start());
    let folder = tempfile::tempdir().expect("a folder");
    let list = folder.path().join("tenants.toml");
    let table = |name: &str, url: &str| {
        format!("[[tenant]]\nname = \"{name}\"\ntenant_url = \"{url}\"\nsecret_token = \"{TOKEN}\"\n")
    };
    std::fs::write(&list, table("one", &one.url) + &table("two", &format!("{}?aadOptscim062020", two.url)))
        .expect("written");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let arguments = [
        "run",
        "--tenants",
        &path("tenants.toml"),
        "--users",
        "40",
        "--interval-seconds",
        "0.01",
        "--json",
        "--state",
        &path("state"),
        "--report",
        &path("report"),
    ];
    let output = entra_sim(&arguments);
    assert_eq!(output.status.code(), Some(0), "{}{}", text(&output.stdout), text(&output.stderr));
    let summaries: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    for (index, server) in [&one, &two].into_iter().enumerate() {
        let summary = &summaries[index];
        assert_eq!(summary["status"]["code"], "Active");
        assert_eq!(summary["cycles"][0]["kind"], "initial");
        assert_eq!(summary["cycles"][1]["kind"], "incremental");
        assert!(server.count("Users") >= 35, "{}", server.count("Users"));
    }
    let csv =
        std::fs::read_to_string(folder.path().join("report/one/ProvisioningLogs.csv")).expect("exported");
    assert!(csv.lines().count() > 40 && csv.starts_with("Change Id,"));
    let job = std::fs::read_to_string(folder.path().join("report/two/job.json")).expect("exported");
    let job: Value = serde_json::from_str(&job).expect("JSON");
    assert_eq!(
        (job["status"]["code"].as_str(), job["schedule"]["interval"].as_str()),
        (Some("Active"), Some("PT40M"))
    );
    let users = one.count("Users");
    let again = entra_sim(&[&arguments[..], &["--cycles", "1", "--no-changes"]].concat());
    let summaries: Value = serde_json::from_slice(&again.stdout).expect("JSON");
    assert_eq!(summaries[0]["cycles"][0]["kind"], "incremental", "the state survived");
    assert_eq!(one.count("Users"), users);
}

#[test]
fn wrong_use_is_told_by_exit_code_2() {
    let folder = tempfile::tempdir().expect("a folder");
    let job = folder.path().join("job.toml");
    std::fs::write(
        &job,
        "[users]\nmapping = [{ target = \"userName\", expression = \"Frob([a])\", matching = 1 }]",
    )
    .expect("written");
    let job = job.display().to_string();
    let url = ["--tenant-url", "http://127.0.0.1:9/scim"];
    let token = ["--secret-token", "x"];
    let wrong: [&[&[&str]]; 5] = [
        &[&["run"], &url],
        &[&["run"], &url, &token, &["--job", &job]],
        &[&["run"], &url, &token, &["--directory", "/nowhere.json"]],
        &[&["run"], &["--tenant-url", "ftp://x"], &token],
        &[&["on-demand", "nobody@contoso.example"], &url, &token],
    ];
    for arguments in wrong {
        let output = entra_sim(&arguments.concat());
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", text(&output.stderr));
        assert!(text(&output.stderr).starts_with("entra-sim: "), "{}", text(&output.stderr));
    }
}

#[test]
fn a_discovery_says_why_there_is_no_report() {
    let server = Standin::start();
    let discover = |arguments: &[&str]| {
        let connection = ["--tenant-url", &server.url, "--secret-token", TOKEN];
        entra_sim(&[&["discover"], arguments, &connection].concat())
    };
    let output = discover(&["--paging", "cursor"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("does not offer cursors"), "{}", text(&output.stderr));
    server.misbehave(|manners| manners.answers.push(("GET Users".to_owned(), 400)));
    assert_eq!(discover(&[]).status.code(), Some(1));
    server.misbehave(|manners| manners.token = Some("another"));
    let output = discover(&[]);
    assert_eq!(output.status.code(), Some(3), "{}", text_of(&output));
    assert!(!text_of(&output).contains(TOKEN));
}

#[test]
fn the_key_set_of_an_assertion_key_is_printed_without_its_private_half() {
    let key = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/assertion-key.pem");
    let output = entra_sim(&["key-set", "--assertion-key", key]);
    assert_eq!(output.status.code(), Some(0), "{}", text_of(&output));
    let printed: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let pem = std::fs::read_to_string(key).expect("the fixture");
    assert_eq!(printed, SigningKey::from_pem(&pem).expect("a key").key_set());
    let names: Vec<_> = printed["keys"][0].as_object().expect("a key").keys().collect();
    assert_eq!(names, ["kty", "use", "alg", "kid", "n", "e"], "the public half and no more");
    let nothing = entra_sim(&["key-set", "--assertion-key", "/nowhere.pem"]);
    assert_eq!(nothing.status.code(), Some(2));
    assert!(text(&nothing.stderr).starts_with("entra-sim: /nowhere.pem: "), "{}", text(&nothing.stderr));
}

#[test]
fn errors_and_quarantine_have_codes_of_their_own() {
    let server = Standin::start();
    server.misbehave(|manners| manners.answers.push(("POST Users".to_owned(), 500)));
    let run =
        ["run", "--tenant-url", &server.url, "--secret-token", TOKEN, "--users", "5", "--cycles", "1", "-q"];
    assert_eq!(entra_sim(&run).status.code(), Some(1));
    server.misbehave(|manners| manners.answers = vec![("GET Users".to_owned(), 404)]);
    assert_eq!(entra_sim(&run).status.code(), Some(3));
    let help = text(&entra_sim(&["--help"]).stdout);
    assert!(help.contains("Exit codes:") && help.contains("on-demand"));
}

#[test]
fn on_demand_shows_its_steps() {
    let server = Standin::start();
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/directory.json");
    let shown = entra_sim(&[
        "on-demand",
        "jdoe@contoso.example",
        "--tenant-url",
        &server.url,
        "--secret-token",
        TOKEN,
        "--directory",
        directory,
    ]);
    assert_eq!(shown.status.code(), Some(0), "{}", text(&shown.stderr));
    let out = text(&shown.stdout);
    for part in [
        "Import Success",
        "Scoping Success",
        "Matching Success",
        "Export Success",
        "userName",
        "\"inScope\":true",
    ] {
        assert!(out.contains(part), "{part} is not in:\n{out}");
    }
}

#[test]
fn a_quarantine_is_told_to_the_notification_address() {
    let (server, folder, (port, mails)) = (Standin::start(), tempfile::tempdir().expect("a folder"), sink());
    server.misbehave(|manners| manners.answers.push(("GET Users".to_owned(), 404)));
    let job = folder.path().join("job.toml");
    let notification =
        format!("notification = {{ to = \"admin@contoso.example\", smtp = \"smtp://127.0.0.1:{port}\" }}");
    std::fs::write(&job, notification).expect("written");
    let job = job.display().to_string();
    let run = [
        "run",
        "--tenant-url",
        &server.url,
        "--secret-token",
        TOKEN,
        "--users",
        "5",
        "--job",
        &job,
        "-q",
        "--interval-seconds",
        "0.01",
    ];
    assert_eq!(entra_sim(&run).status.code(), Some(3));
    let mail = mails.recv().expect("received");
    assert!(
        mail.text.contains("EncounteredQuarantineException") && mail.text.contains(&server.url),
        "{}",
        mail.text
    );
    assert!(!mail.text.contains(TOKEN));
    assert!(mails.recv().is_err(), "the second cycle has the same reason and sends none");
}

#[test]
fn hours_of_a_script_pass_at_once_and_purge() {
    let (server, folder) = (Standin::start(), tempfile::tempdir().expect("a folder"));
    let script = folder.path().join("changes.toml");
    let text = "[[cycle]]\nchange = [{ op = \"leave\", count = 3 }]\n[[cycle]]\nhours = 744\n";
    std::fs::write(&script, text).expect("written");
    let script = script.display().to_string();
    let output = entra_sim(&[
        "run",
        "--tenant-url",
        &server.url,
        "--secret-token",
        TOKEN,
        "--users",
        "30",
        "--cycles",
        "3",
        "-q",
        "--interval-seconds",
        "0.1",
        "--changes",
        &script,
    ]);
    assert_eq!(output.status.code(), Some(0), "{}", text_of(&output));
    assert_eq!(
        server.lines().iter().filter(|line| line.starts_with("DELETE Users/")).count(),
        3,
        "{}",
        text_of(&output)
    );
}

fn text_of(output: &Output) -> String {
    text(&output.stdout) + &text(&output.stderr)
}
