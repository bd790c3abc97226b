//! The audit log in the console: who did what, with what it changed; and whether the log is what was written.

use super::{assert_page, between, operator};
use crate::world::World;
use serde_json::Value;
use test_support::{Backend, Database, Postgres};

#[test]
fn acts_are_shown_with_what_they_changed() {
    for backend in Backend::ALL {
        let world = World::start(backend);
        world.tenant("contoso");
        world.tenant("fabrikam");
        let root = operator(&world, "root", "admin");
        world.juno(&["tenant", "suspend", "contoso", "--confirm", "contoso"]);
        let log = root.get("/audit");
        assert_page(&log);
        let log = log.text();
        for words in ["operator root", "from 127.0.0.1", "tenant.suspend", "fabrikam"] {
            assert!(log.contains(words), "{words} is not in {log}");
        }
        let newest = between(&log, "<tbody>", "</tr>").expect("a row");
        assert!(
            newest.contains("tenant.suspend") && newest.contains("href=\"/tenants/contoso\""),
            "{newest}"
        );
        assert!(newest.contains("<del><span class=\"sr\">was </span>active</del>"), "{newest}");
        assert!(newest.contains("<ins><span class=\"sr\">is </span>suspended</ins>"), "{newest}");

        let of_contoso = root.page("/audit?tenant=contoso");
        assert!(of_contoso.contains("value=\"contoso\"") && !of_contoso.contains("fabrikam"), "{of_contoso}");
        let nobody = root.get("/audit?tenant=nobody%22%3E");
        assert_eq!(nobody.status, 400);
        assert_page(&nobody);
        assert!(nobody.text().contains("There is no tenant") && nobody.text().contains("nobody&#34;&#62;"));
        assert_eq!(root.get("/audit?cursor=x").status, 400);
    }
}

#[test]
fn setup_links_are_named_on_the_page_and_not_in_the_log() {
    for backend in Backend::ALL {
        let world = World::start(backend);
        world.tenant("contoso");
        let root = operator(&world, "root", "admin");
        let made = world.juno(&["setup-link", "create", "contoso", "--label", "Adele <Vance>"]);
        let id = made["id"].as_str().expect("id");
        let log = world.juno(&["audit", "list", "--tenant", "contoso"]);
        assert_eq!(
            (&log["audit"][0]["action"], &log["audit"][0]["target"]),
            (&"setup-link.create".into(), &id.into())
        );
        assert!(!log.to_string().contains("Adele"), "{log}");
        let page = root.page("/audit");
        let newest = between(&page, "<tbody>", "</tr>").expect("a row");
        assert!(newest.contains(id) && newest.contains("<q>Adele &#60;Vance&#62;</q>"), "{newest}");
        world.juno(&["tenant", "delete", "contoso", "--confirm", "contoso"]);
        let page = root.page("/audit");
        assert!(page.contains(id) && !page.contains("Adele"), "{page}");
    }
}

#[test]
fn pages_follow_one_another_to_the_first_act() {
    let world = World::start(Backend::Sqlite);
    let root = operator(&world, "root", "admin");
    for n in 0..60 {
        let label = format!("tenant-{}", n / 2);
        match n % 2 {
            0 => world.juno(&["tenant", "create", &label]),
            _ => world.juno(&["tenant", "suspend", &label, "--confirm", &label]),
        };
    }
    let mut seen = Vec::new();
    let mut next = Some("/audit".to_owned());
    while let Some(address) = next {
        let page = root.page(&address);
        let numbers = page.split("No. ").skip(1).map(|rest| rest.split('<').next().expect("number"));
        seen.extend(numbers.map(|number| number.parse::<u32>().expect("number")));
        next = between(&page, "rel=\"next\" href=\"", "\"");
    }
    assert!(seen.len() > 60, "{seen:?}");
    assert_eq!(seen, (1..=seen.len() as u32).rev().collect::<Vec<_>>(), "every act once, the newest first");
}

#[test]
fn whether_the_log_is_what_was_written_is_found_on_request() {
    let database = Postgres::shared().fresh_database();
    let world = World::with_settings(Database::At(database.clone()), &[]);
    world.tenant("contoso");
    let root = operator(&world, "root", "admin");
    assert!(!root.page("/audit").contains("is what was written"));
    let verify = || {
        let answer = root.post("/audit/verify", &[]);
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_page(&answer);
        answer.text()
    };
    let whole = verify();
    assert!(whole.contains("The log is what was written"), "{whole}");
    let sql = "ALTER TABLE audit_log DISABLE TRIGGER ALL; UPDATE audit_log SET actor = 'operator ben' WHERE position = 2";
    Postgres::shared().query(&database, sql);
    let broken = verify();
    assert!(broken.contains("The log is not what was written"), "{broken}");
    assert!(broken.contains("the row at position 2 was changed"), "{broken}");
}

#[test]
fn a_visit_leaves_its_route_in_our_log_and_nothing_of_its_content() {
    let json_lines = [("JUNO__LOG__FORMAT", "json"), ("JUNO__LOG__LEVEL", "debug")];
    let world = World::with_settings(Database::Fresh(Backend::Sqlite), &json_lines);
    let root = operator(&world, "marker-root", "admin");
    let found = root.get("/operators/marker-root");
    assert_eq!(found.status, 200);
    assert_eq!(root.get("/audit?tenant=marker").status, 400);
    let log = world.gateway.log();
    let visit = found.header("x-request-id").expect("x-request-id");
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let line = lines.into_iter().find(|line| line["target"] == "access" && line["span"]["id"] == visit);
    let line = line.unwrap_or_else(|| panic!("no line of {visit} in {log}"));
    assert_eq!((&line["route"], &line["status"]), (&"/operators/{name}".into(), &200.into()));
    assert!(!log.to_lowercase().contains("marker"), "{log}");
}
