//! Private PostgreSQL servers: fresh databases, crashes, and nothing left behind, not even by a test that is killed.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};
use test_support::Postgres;

#[test]
fn databases_are_fresh_and_survive_a_crash() {
    let postgres = Postgres::start(true);
    let (one, other) = (postgres.fresh_database(), postgres.fresh_database());
    postgres.query(&one, "create table t (x int); insert into t values (42)");
    assert_eq!(postgres.query(&other, "select count(*) from pg_tables where tablename = 't'"), "0");
    postgres.crash();
    postgres.restart();
    assert_eq!(postgres.query(&one, "select x from t"), "42");
    assert_eq!(postgres.query(&one, "show fsync"), "on");
}

/// Not a test: the process that [`a_killed_test_leaves_no_server`] kills.
#[test]
#[ignore = "run by another test"]
fn victim() {
    println!("\nurl {}", Postgres::shared().fresh_database());
    loop {
        thread::park();
    }
}

#[test]
fn a_killed_test_leaves_no_server() {
    let mut victim = Command::new(std::env::current_exe().expect("this program"))
        .args(["--ignored", "--exact", "victim", "--nocapture"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("victim");
    let lines = BufReader::new(victim.stdout.take().expect("stdout")).lines();
    let url = lines
        .map_while(Result::ok)
        .find_map(|line| line.strip_prefix("url ").map(str::to_owned))
        .expect("url");
    let folder = url.split(['@', '/']).nth(3).expect("socket").replace("%2F", "/");
    assert!(Path::new(&folder).join("data/postmaster.pid").exists(), "{folder}");
    victim.kill().expect("killed");
    victim.wait().expect("gone");
    let began = Instant::now();
    while Path::new(&folder).exists() {
        assert!(began.elapsed() < Duration::from_secs(30), "{folder} is still there");
        thread::yield_now();
    }
}
