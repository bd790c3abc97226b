//! `make run`: the script of a newcomer, run really, in a folder of its own.

use serde_json::json;
use std::{fs, net::TcpListener, os::unix::fs::symlink, path::Path, process::Command};
use test_support::{Http, Supervised};

/// A folder with the script, and the built binary where the script looks for it.
fn checkout(folder: &Path) {
    for part in ["deploy", "target/debug"] {
        fs::create_dir_all(folder.join(part)).expect("folder");
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/run.sh");
    fs::copy(script, folder.join("deploy/run.sh")).expect("script");
    symlink(env!("CARGO_BIN_EXE_juno"), folder.join("target/debug/juno")).expect("binary");
}

/// Free addresses, and no other settings than these.
fn prepare(command: &mut Command) {
    for (key, _) in std::env::vars_os().filter(|(key, _)| key.to_string_lossy().starts_with("JUNO_")) {
        command.env_remove(key);
    }
    command.env("JUNO__SCIM__LISTEN", "127.0.0.1:0").env("JUNO__ADMIN__LISTEN", "127.0.0.1:0");
}

/// Starts it and waits for the end of what it says.
fn run(script: &Supervised) -> String {
    let mut said = String::new();
    let (_, said) = script.start(|line| {
        said.push_str(line);
        said.push('\n');
        line.contains("Ctrl-C ends it").then(|| said.clone())
    });
    said
}

/// The word behind these.
fn word<'a>(said: &'a str, before: &str) -> &'a str {
    let rest = said.split(before).nth(1).unwrap_or_else(|| panic!("no {before:?} in {said}"));
    rest.split_whitespace().next().expect("a word")
}

#[test]
fn the_first_password_is_shown_once_the_gateway_listens() {
    let folder = tempfile::Builder::new().prefix("juno-run-").tempdir().expect("folder").keep();
    checkout(&folder);
    let script = Supervised::new(&folder, "TERM", &folder.join("deploy/run.sh"), prepare);

    // Where it cannot listen it makes nothing that would be shown once, and says what to do.
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("address").to_string();
    let mut refused = Command::new(folder.join("deploy/run.sh"));
    prepare(&mut refused);
    let refused = refused.env("JUNO__ADMIN__LISTEN", &address).output().expect("the script runs");
    let words = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!((refused.status.code(), refused.stdout.len()), (Some(1), 0), "{words}");
    let reason = format!("admin.listen: cannot listen at {address}");
    assert!(words.contains(&reason) && words.contains("no tenant, token or operator was made"), "{words}");

    let said = run(&script);
    let http = Http::new();
    let bearer = format!("Bearer {}", word(&said, "Secret Token  "));
    let users = format!("{}/Users", word(&said, "Tenant URL    "));
    assert_eq!(http.send("GET", &users, &[("authorization", &bearer)], b"").status, 200, "{said}");
    let once = word(&said, "One-time password  ");
    let session = format!("{}api/v1/session", word(&said, "The console of Juno support:"));
    let body = json!({"name": word(&said, "Name  "), "password": once}).to_string();
    let signed_in = http.send("POST", &session, &[("content-type", "application/json")], body.as_bytes());
    assert_eq!(signed_in.status, 200, "{}", signed_in.text());

    script.end("TERM");
    let again = run(&script);
    assert!(again.contains("Sign in as before") && !again.contains("One-time password"), "{again}");
    assert_ne!(word(&again, "Secret Token  "), word(&said, "Secret Token  "));
}
