//! Generated directories and change scripts.

use std::collections::BTreeSet;

use entra_sim::directory::changes::Script;
use entra_sim::directory::generate::{Plan, generate};
use entra_sim::directory::{Assignments, Directory};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng as _;

fn made(users: usize, seed: u64) -> Directory {
    generate(&Plan { users, seed, domain: "contoso.example".to_owned() }).expect("made")
}

#[test]
fn a_seed_gives_the_same_company_and_another_seed_another() {
    assert_eq!(made(300, 7), made(300, 7));
    assert_ne!(made(300, 7), made(300, 8));
}

#[test]
fn a_company_is_believable() {
    let directory = made(300, 1);
    assert_eq!(directory.users.len(), 300);
    let upns: BTreeSet<String> =
        directory.users.values().map(|user| user.text("userPrincipalName").to_lowercase()).collect();
    assert_eq!(upns.len(), 300, "principal names are unique");
    let bosses =
        directory.users.values().filter(|user| user.manager.is_none() && user.text("userType") != "Guest");
    assert_eq!(bosses.count(), 1);
    let managers: BTreeSet<&String> =
        directory.users.values().filter_map(|user| user.manager.as_ref()).collect();
    assert!((20..80).contains(&managers.len()), "{}", managers.len());
    assert_eq!(
        directory.users.values().filter(|user| user.text("userPrincipalName").contains("#EXT#")).count(),
        10
    );
    let nested = |group: &&entra_sim::directory::Group| {
        group.members.iter().any(|id| directory.groups.contains_key(id))
    };
    assert_eq!(directory.groups.values().filter(nested).count(), 1);
    let assignments = Assignments::new(&directory);
    let entitled = directory.users.keys().filter(|id| assignments.of(id).assigned).count();
    assert!(entitled > 270 && entitled < 301, "{entitled}");
    let roles: BTreeSet<String> =
        directory.users.keys().flat_map(|id| assignments.of(id).roles).map(|role| role.value).collect();
    assert_eq!(roles.into_iter().collect::<Vec<_>>(), ["Admin", "Author", "Learner"]);
}

#[test]
fn small_companies_are_made_too() {
    for users in 0..12 {
        assert_eq!(made(users, 3).users.len(), users);
    }
}

#[test]
fn a_directory_survives_its_file() {
    let directory = made(60, 2);
    let text = directory.to_json().expect("written");
    assert_eq!(Directory::from_json(&text).expect("read"), directory);
}

#[test]
fn broken_files_are_refused_with_the_name_of_what_is_missing() {
    let wrong = [
        (r#"{"users":[{"objectId":"a","manager":"b"}]}"#, "'b'"),
        (r#"{"users":[{"objectId":"a"},{"objectId":"a"}]}"#, "twice"),
        (r#"{"users":[],"groups":[{"objectId":"g","members":["x"]}]}"#, "'x'"),
        (r#"{"users":[],"assignments":[{"principalId":"x"}]}"#, "'x'"),
        (r#"{"users":[{"objectId":"a"}],"assignments":[{"principalId":"a","appRoleId":"r"}]}"#, "'r'"),
        (r#"{"people":[]}"#, "people"),
    ];
    for (text, why) in wrong {
        let error = Directory::from_json(text).expect_err(text).to_string();
        assert!(error.contains(why), "{text}: {error}");
    }
}

#[test]
fn a_usual_day_changes_some_people() {
    let before = made(300, 1);
    let mut after = before.clone();
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let now = "2026-03-02T08:00:00Z".parse().expect("a moment");
    Script::usual(300, 1).cycles[0].apply(&mut after, &mut random, now).expect("applied");
    let joined = after.users.keys().filter(|id| !before.users.contains_key(*id)).count();
    let left = after.users.values().filter(|user| user.deleted_date_time.is_some()).count();
    let renamed = before
        .users
        .iter()
        .filter(|(id, user)| after.users[*id].text("surname") != user.text("surname"))
        .count();
    let disabled = after.users.values().filter(|user| !user.account_enabled).count();
    assert_eq!((joined, left, disabled), (7, 5, 2));
    assert!((1..=3).contains(&renamed), "{renamed}");
    assert!(before.groups.iter().any(|(id, group)| after.groups[id].members != group.members));
    let text = after.to_json().expect("written");
    assert!(Directory::from_json(&text).is_ok(), "no reference was left dangling");
}

#[test]
fn scripts_name_what_they_cannot_find() {
    let mut directory = made(20, 1);
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let now = "2026-03-02T08:00:00Z".parse().expect("a moment");
    let script =
        Script::from_toml("[[cycle]]\nchange = [{ op = \"leave\", user = \"x@y\" }]").expect("valid");
    let error = script.cycles[0].apply(&mut directory, &mut random, now).expect_err("no such user");
    assert!(error.to_string().contains("x@y"));
    assert!(Script::from_toml("[[cycle]]\nchange = [{ op = \"explode\" }]").is_err());
}
