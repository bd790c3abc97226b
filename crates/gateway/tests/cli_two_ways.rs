//! Every command of operators in both ways, on the database and over the API: the same answers, the same exit codes.

use crate::{admin::operator, world::World};
use serde_json::{Map, Value, json};
use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    io::Write,
    process::Output,
};
use tempfile::NamedTempFile;
use test_support::Backend;

/// How commands are run: as whoever sits at the machine, or as an operator elsewhere.
struct Way<'w> {
    world: &'w World,
    /// Address and token.
    server: Option<(String, NamedTempFile)>,
    /// The commands that were run, without their arguments.
    done: RefCell<BTreeSet<String>>,
}

fn token_file(token: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new().expect("file");
    writeln!(file, "{token}").expect("written");
    file
}

impl<'w> Way<'w> {
    fn on_the_database(world: &'w World) -> Way<'w> {
        Way { world, server: None, done: RefCell::default() }
    }

    /// As an operator of this role.
    fn over_the_api(world: &'w World, role: &str) -> Way<'w> {
        operator(world, role, role);
        let made = world.juno(&["operator", "api-token", "create", role]);
        let token = token_file(made["api_token"].as_str().expect("api_token"));
        let server = Some((world.gateway.admin().to_owned(), token));
        Way { world, server, done: RefCell::default() }
    }

    fn command(&self, arguments: &[&str]) -> Output {
        let mut all = arguments.to_vec();
        if let Some((address, token)) = &self.server {
            all.extend(["--server", address, "--token-file", token.path().to_str().expect("path")]);
        }
        self.world.gateway.command(&all)
    }

    /// Runs a command of so many words, which must succeed, for people and for programs.
    fn run(&self, words: usize, arguments: &[&str]) -> Value {
        self.done.borrow_mut().insert(arguments[..words].join(" "));
        let output = self.command(&[arguments, &["--json"]].concat());
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {stderr}");
        serde_json::from_slice(&output.stdout).unwrap_or_else(|cause| panic!("{arguments:?}: {cause}"))
    }

    /// Runs a command that must fail with this code; what it says.
    fn fail(&self, code: i32, arguments: &[&str]) -> String {
        let output = self.command(arguments);
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {stderr}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
        stderr
    }
}

fn text<'v>(json: &'v Value, key: &str) -> &'v str {
    json[key].as_str().unwrap_or_else(|| panic!("no {key} in {json}"))
}

/// What an answer is made of: its keys, without the values.
fn shape(json: &Value) -> Value {
    match json {
        Value::Object(members) => {
            members.iter().map(|(key, value)| (key.clone(), shape(value))).collect::<Map<_, _>>().into()
        }
        Value::Array(items) => items.first().map(shape).into_iter().collect(),
        _ => Value::Null,
    }
}

/// What gives somebody access is for a session, or for whoever sits at the machine: no token helps.
const NO_TOKEN_HELPS: [&str; 5] =
    ["operator create", "operator reset", "operator role", "operator enable", "operator api-token create"];

/// Runs every command once; the answers of all.
fn everything(way: &Way) -> Vec<(String, Value)> {
    let mut answers = Vec::new();
    let mut run = |words: usize, arguments: &[&str]| {
        let answer = way.run(words, arguments);
        answers.push((arguments[..words].join(" "), shape(&answer)));
        answer
    };
    let opened = run(2, &["tenant", "create", "Contoso Ltd.", "--label", "contoso", "--expires-in", "90d"]);
    run(2, &["tenant", "list", "--search", "ltd"]);
    run(2, &["tenant", "show", "contoso"]);
    let changed = run(2, &["tenant", "change", "contoso", "--name", "Contoso AG", "--profile", "rfc"]);
    assert_eq!((text(&changed, "name"), text(&changed, "profile")), ("Contoso AG", "rfc"));
    let tried = run(2, &["tenant", "conformance", "contoso"]);
    // Only the profile interop is what the standard asks for.
    assert_eq!(
        (&tried["profile"], &tried["al1"], &tried["al2"]),
        (&json!("rfc"), &json!(false), &json!(false))
    );
    assert_eq!(run(2, &["tenant", "suspend", "contoso", "--confirm", "contoso"])["state"], "suspended");
    assert_eq!(run(2, &["tenant", "resume", "contoso", "--confirm", "contoso"])["state"], "active");

    let issued = run(2, &["token", "issue", "contoso", "--label", "second"]);
    let rotation = run(2, &["token", "rotate", "contoso", text(&issued, "key_id"), "--expires-in", "90d"]);
    let rotation = text(&rotation, "id");
    run(2, &["rotation", "list", "contoso"]);
    run(2, &["rotation", "show", "contoso", rotation]);
    assert_eq!(run(2, &["rotation", "automatic", "contoso", rotation])["automatic"], true);
    way.fail(1, &["rotation", "complete", "contoso", rotation]);
    run(2, &["rotation", "complete", "contoso", rotation, "--force"]);
    let next = way.world.juno(&["token", "issue", "contoso"]);
    let begun = way.world.juno(&["token", "rotate", "contoso", text(&next, "key_id")]);
    run(2, &["rotation", "cancel", "contoso", text(&begun, "id")]);
    assert!(run(2, &["token", "revoke", "contoso", text(&next, "key_id")])["revoked"].is_string());
    assert_eq!(run(2, &["token", "list", "contoso"])["secret_tokens"].as_array().map(Vec::len), Some(5));

    let client = run(2, &["client", "create", "contoso", "--label", "Entra", "--expires-in", "400d"]);
    let id = text(&client, "client_id");
    let second = run(2, &["client", "add-secret", "contoso", id]);
    assert_ne!(text(&client, "client_secret"), text(&second, "client_secret"));
    run(2, &["client", "rotate", "contoso", text(&second, "key_id"), "--now"]);
    run(2, &["client", "revoke-secret", "contoso", id, text(&client, "key_id")]);
    run(2, &["client", "list", "contoso"]);
    assert!(run(2, &["client", "revoke", "contoso", id])["revoked"].is_string());

    let terms = ["--issuer", "https://login.example.com", "--subject", "s", "--audience", "api://juno"];
    let keys = ["--jwks-url", "https://login.example.com/keys"];
    run(2, &[&["federation", "set", "contoso"], &terms[..], &keys].concat());
    run(2, &["federation", "show", "contoso"]);
    assert_eq!(run(2, &["federation", "remove", "contoso"])["removed"], true);

    let link = run(2, &["setup-link", "create", "contoso", "--label", "Adele Vance", "--expires-in", "24h"]);
    assert!(text(&link, "url").starts_with("http"));
    run(2, &["setup-link", "list", "contoso"]);
    assert_eq!(run(2, &["setup-link", "revoke", "contoso", text(&link, "id")])["state"], "revoked");

    let (url, token) = (format!("{}/Users", text(&opened, "tenant_url")), text(&opened, "secret_token"));
    let user =
        json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "ana@example.com"});
    let created = way.world.send("POST", &url, Some(token), Some(&user));
    let user = text(&created.json, "id");
    assert_eq!(way.world.send("DELETE", &format!("{url}/{user}"), Some(token), None).status, 204);
    assert_eq!(run(2, &["tenant", "deleted", "contoso"])["deleted"][0]["id"], user);
    assert_eq!(run(2, &["tenant", "collisions", "contoso"])["collisions"], json!([]));
    assert_eq!(run(1, &["restore", "contoso", user])["userName"], "ana@example.com");

    let mut at_the_machine = |words: usize, arguments: &[&str]| {
        assert!(NO_TOKEN_HELPS.contains(&arguments[..words].join(" ").as_str()), "{arguments:?}");
        if way.server.is_none() {
            return run(words, arguments);
        }
        let said = way.fail(1, arguments);
        assert!(said.contains("sign in to the console, or use juno on the machine"), "{arguments:?}: {said}");
        way.world.juno(arguments)
    };
    at_the_machine(2, &["operator", "create", "spare", "--role", "viewer"]);
    at_the_machine(2, &["operator", "reset", "spare"]);
    assert_eq!(at_the_machine(2, &["operator", "role", "spare", "support"])["role"], "support");
    way.world.juno(&["operator", "disable", "spare"]);
    assert_eq!(at_the_machine(2, &["operator", "enable", "spare"])["active"], true);
    let token = at_the_machine(3, &["operator", "api-token", "create", "root", "--role", "viewer"]);
    assert_eq!(run(2, &["operator", "disable", "spare"])["active"], false);
    run(2, &["operator", "list"]);
    run(3, &["operator", "api-token", "list"]);
    run(3, &["operator", "api-token", "revoke", text(&token, "key_id")]);

    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("contoso.jsonl");
    let file_name = file.to_str().expect("name");
    let exported = run(2, &["tenant", "export", "contoso", "--confirm", "contoso", "--output", file_name]);
    let lines = std::fs::read_to_string(&file).expect("export");
    let last: Value = serde_json::from_str(lines.lines().last().expect("line")).expect("JSON");
    assert_eq!((&last["type"], &last["lines"]), (&json!("end"), &exported["lines"]));
    let printed = way.command(&["tenant", "export", "contoso", "--confirm", "contoso"]);
    assert_eq!(String::from_utf8_lossy(&printed.stdout).lines().count(), lines.lines().count());
    way.fail(1, &["tenant", "export", "contoso", "--confirm", "contoso", "--output", file_name]);

    let newest = run(2, &["audit", "list", "--tenant", "contoso", "--count", "1"]);
    let cursor = text(&newest, "next_cursor");
    let behind = way.run(2, &["audit", "list", "--tenant", "contoso", "--count", "1", "--cursor", cursor]);
    let position = |page: &Value| page["audit"][0]["position"].as_i64().expect("position");
    assert!(position(&behind) < position(&newest), "{behind}");
    assert_eq!(run(2, &["audit", "verify"])["verified"], true);
    assert_eq!(run(2, &["tenant", "delete", "contoso", "--confirm", "contoso"])["deleted"], true);
    answers
}

/// The commands under a command, as its help lists them.
fn listed(world: &World, words: &[&str]) -> Vec<String> {
    let help = world.gateway.command(&[words, &["--help"]].concat());
    let help = String::from_utf8_lossy(&help.stdout).into_owned();
    let Some((_, commands)) = help.split_once("Commands:\n") else { return Vec::new() };
    let lines = commands.lines().take_while(|line| !line.is_empty());
    let names = lines.filter_map(|line| line.strip_prefix("  ")?.split_whitespace().next());
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

/// Every command that does something, in the words by which it is called.
fn leaves(world: &World, words: &[&str]) -> BTreeSet<String> {
    let listed = listed(world, words);
    if listed.is_empty() {
        return BTreeSet::from([words.join(" ")]);
    }
    listed.iter().flat_map(|name| leaves(world, &[words, &[name.as_str()]].concat())).collect()
}

fn both_ways(backend: Backend) {
    let (here, there) = (World::start(backend), World::start(backend));
    operator(&here, "root", "admin");
    operator(&there, "root", "admin");
    let (database, api) = (Way::on_the_database(&here), Way::over_the_api(&there, "admin"));
    let (one, other) = (everything(&database), everything(&api));
    let other: BTreeMap<String, Value> = other.into_iter().collect();
    assert!(one.len() > 35 && other.len() + NO_TOKEN_HELPS.len() == one.len());
    for (command, answer) in &one {
        if !NO_TOKEN_HELPS.contains(&command.as_str()) {
            assert_eq!(Some(answer), other.get(command), "{command}");
        }
    }
    let actors = |world: &World| -> BTreeSet<String> {
        let log = world.juno(&["audit", "list", "--count", "3"]);
        let rows = log["audit"].as_array().expect("audit").iter();
        rows.map(|row| text(row, "actor").split(' ').next().unwrap_or_default().to_owned()).collect()
    };
    assert_eq!(actors(&here), BTreeSet::from(["command".to_owned()]));
    assert_eq!(actors(&there), BTreeSet::from(["operator".to_owned()]));

    // What is about the machine has one way.
    let mut all = leaves(&here, &[]);
    all.retain(|command| !["serve", "migrate", "config check"].contains(&command.as_str()));
    assert_eq!(*database.done.borrow(), all, "a command that was not tried");
    // What a token cannot do says so before it is tried.
    for command in &all {
        let words: Vec<&str> = command.split(' ').chain(["--help"]).collect();
        let help = String::from_utf8_lossy(&here.gateway.command(&words).stdout).into_owned();
        let is_said = help.contains("Not with --server");
        assert_eq!(is_said, NO_TOKEN_HELPS.contains(&command.as_str()), "{command}: {help}");
    }
}

#[test]
fn every_command_answers_the_same_in_both_ways_on_sqlite() {
    both_ways(Backend::Sqlite);
}

#[test]
fn every_command_answers_the_same_in_both_ways_on_postgres() {
    both_ways(Backend::Postgres);
}

#[test]
fn what_is_refused_has_the_same_words_and_exit_codes_in_both_ways() {
    let world = World::start(Backend::Sqlite);
    world.tenant("contoso");
    let (database, api) = (Way::on_the_database(&world), Way::over_the_api(&world, "admin"));
    for (code, arguments) in [
        (1, &["tenant", "show", "nobody"][..]),
        (1, &["tenant", "create", "Contoso"]),
        (2, &["tenant", "create", "Müller"]),
        (2, &["tenant", "delete", "contoso"]),
        (2, &["tenant", "delete", "contoso", "--confirm", "another"]),
        (2, &["tenant", "suspend", "contoso"]),
        (2, &["tenant", "suspend", "contoso", "--confirm", "another"]),
        (2, &["tenant", "resume", "contoso"]),
        (2, &["tenant", "export", "contoso"]),
        (2, &["tenant", "export", "contoso", "--confirm", "another"]),
        (2, &["tenant", "change", "contoso", "--name", ""]),
        (2, &["token", "issue", "contoso", "--expires-in", "9999d"]),
        (1, &["token", "revoke", "contoso", "nothing"]),
        (2, &["client", "create", "contoso", "--expires-in", "1d"]),
        (1, &["client", "revoke", "contoso", "nothing"]),
        (1, &["federation", "show", "contoso"]),
        (1, &["restore", "contoso", "nothing"]),
        (1, &["operator", "disable", "nobody"]),
        (2, &["audit", "list", "--count", "0"]),
        (2, &["audit", "list", "--cursor", "x"]),
    ] {
        assert_eq!(database.fail(code, arguments), api.fail(code, arguments), "{arguments:?}");
    }
    assert_eq!(world.juno(&["tenant", "list"])["tenants"].as_array().map(Vec::len), Some(1));
}

#[test]
fn a_server_that_does_not_let_in_or_is_none_is_told() {
    let world = World::start(Backend::Sqlite);
    world.tenant("contoso");
    let viewer = Way::over_the_api(&world, "viewer");
    viewer.run(2, &["tenant", "show", "contoso"]);
    assert!(viewer.fail(1, &["tenant", "suspend", "contoso", "--confirm", "contoso"]).contains("role"));
    let at = |address: &str, token: &str| Way {
        world: &world,
        server: Some((address.to_owned(), token_file(token))),
        done: RefCell::default(),
    };
    let show = ["tenant", "show", "contoso"];
    at(world.gateway.admin(), "wrong").fail(1, &show);
    // The other listener is none of this API, and nobody listens at the last.
    assert!(at(world.gateway.scim(), "wrong").fail(1, &show).contains("is the address of --server right?"));
    let nobody = at("http://127.0.0.1:1", "wrong").fail(1, &show);
    assert!(nobody.contains("the server cannot be asked: "), "{nobody}");
    assert!(at(world.gateway.admin(), "").fail(2, &show).contains("JUNO_API_TOKEN"));
    assert!(at("http://scim.example.com", "wrong").fail(2, &show).contains("https://"));
    // With --server no database is opened and no settings are read.
    let folder = tempfile::tempdir().expect("folder");
    let (address, token) = viewer.server.as_ref().expect("server");
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_juno"))
        .args(["tenant", "list", "--json"])
        .env_clear()
        .env("JUNO_SERVER", address)
        .env("JUNO_API_TOKEN", std::fs::read_to_string(token.path()).expect("token").trim())
        .env("JUNO__SCIM__LISTEN", "nowhere")
        .current_dir(folder.path())
        .output()
        .expect("juno runs");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(std::fs::read_dir(folder.path()).expect("folder").count(), 0);
}
