//! Wrong settings: named before anything starts, with exit code 2, and no secret is ever printed.

use serde_json::Value;
use std::process::{Command, Output};

fn juno(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let folder = tempfile::tempdir().expect("folder");
    let mut command = Command::new(env!("CARGO_BIN_EXE_juno"));
    command.args(arguments).envs(environment.iter().copied()).current_dir(folder.path());
    let output = command.output().expect("juno runs");
    let left: Vec<_> = std::fs::read_dir(folder.path()).expect("folder").collect();
    assert!(left.is_empty(), "{arguments:?} wrote {left:?}");
    output
}

#[test]
fn wrong_settings_stop_every_command_and_are_all_named() {
    let wrong = [
        ("JUNO__SCIM__LISTEN", "nowhere"),
        ("JUNO__TOKENS__CACHE_TTL", "soon"),
        ("JUNO__SCIM__LISTEM", "127.0.0.1:1"),
        ("JUNO__DATABASE__URL", "oracle://scott:tiger@db/x"),
    ];
    for arguments in [
        &["serve"][..],
        &["migrate"],
        &["config", "check"],
        &["tenant", "create", "contoso"],
        &["token", "list", "contoso"],
    ] {
        let output = juno(arguments, &wrong);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
        let stderr = String::from_utf8_lossy(&output.stderr);
        for key in ["scim.listen: ", "tokens.cache_ttl: ", "scim.listem: ", "database.url: "] {
            assert!(stderr.contains(key), "{key} is not in {stderr}");
        }
        assert!(!stderr.contains("tiger"), "{stderr}");
    }
}

#[test]
fn with_json_the_error_is_one_object() {
    let output = juno(&["config", "check", "--json"], &[("JUNO__LOG__FORMAT", "xml")]);
    assert_eq!(output.status.code(), Some(2));
    let json: Value = serde_json::from_slice(&output.stdout).expect("one object");
    assert!(json["error"].as_str().is_some_and(|error| error.starts_with("log.format: ")), "{json}");
}

#[test]
fn config_check_shows_what_is_in_force_without_secrets() {
    let environment =
        [("JUNO__DATABASE__URL", "postgres://juno:hunter2@db/juno"), ("JUNO__SCIM__KEEP_ALIVE", "90000ms")];
    let output = juno(&["config", "check", "--json"], &environment);
    assert_eq!(output.status.code(), Some(0));
    let json: Value = serde_json::from_slice(&output.stdout).expect("one object");
    assert_eq!(json["database"]["url"], "postgres://juno:***@db/juno");
    assert_eq!(json["scim"]["keep_alive"], "90s");
    let text = juno(&["config", "check"], &environment);
    let text = String::from_utf8_lossy(&text.stdout);
    assert!(
        text.contains("[scim]\n") && text.contains("keep_alive = \"90s\"") && !text.contains("hunter2"),
        "{text}"
    );
}

#[test]
fn a_named_file_counts_and_a_missing_one_is_refused() {
    let file = tempfile::Builder::new().suffix(".toml").tempfile().expect("file");
    std::fs::write(file.path(), "[scim]\npage_size = 7\nsurprise = 1\n").expect("written");
    let name = file.path().to_str().expect("name");
    let file_name = file.path().file_name().expect("name").to_string_lossy().into_owned();
    let output = juno(&["config", "check", "--config", name], &[]);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr.contains("scim.surprise: ") && stderr.contains(&file_name), "{stderr}");
    assert!(!stderr.contains("page_size"), "{stderr}");
    assert_eq!(juno(&["config", "check", "--config", "/nonexistent.toml"], &[]).status.code(), Some(2));
}

#[test]
fn a_wrong_command_line_is_exit_code_2() {
    for arguments in [
        &["serv"][..],
        &["tenant", "create"],
        &["tenant", "create", "x", "--profile", "okta"],
        &["token", "issue", "x", "--expires-in", "tomorrow"],
        &["tenant", "list", "--server", "scim.example.com"],
        &["tenant", "list", "--server", "http://scim.example.com"],
        &["tenant", "list", "--server", "https://scim.example.com"],
        &["tenant", "list", "--server", "https://scim.example.com", "--token-file", "/nonexistent"],
    ] {
        let output = juno(arguments, &[]);
        assert_eq!(
            output.status.code(),
            Some(2),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}
