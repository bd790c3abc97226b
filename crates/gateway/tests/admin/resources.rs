//! Users and groups over the API: searched, shown with their history, restored, exported.

use super::{assert_problem, operator};
use crate::{raw::Raw, world::World};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use test_support::{Backend, Database};

#[test]
fn users_are_searched_by_any_filter_and_shown_with_their_history() {
    for backend in Backend::ALL {
        let world = World::start(backend);
        let viewer = operator(&world, "anna", "viewer");
        let contoso = world.tenant("contoso");
        let ids: Vec<String> = (0..5).map(|n| contoso.create_user(&format!("user{n}@example.com"))).collect();
        let group = contoso.create_group("Sales", &[&ids[0], &ids[1]]);
        let patch = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{"op": "Replace", "path": "active", "value": "False"}]});
        assert_eq!(contoso.patch(&format!("/Users/{}", ids[0]), &patch).status, 200);

        let users = "/tenants/contoso/resources/Users";
        let found = viewer.read(&format!("{users}?filter=userName%20ew%20%223%40example.com%22"));
        assert_eq!((&found["total"], &found["resources"][0]["id"]), (&json!(1), &json!(ids[3])));
        let found = viewer.read(&format!("{users}?filter=active%20eq%20false"));
        assert_eq!((&found["total"], &found["resources"][0]["id"]), (&json!(1), &json!(ids[0])));
        assert_problem(&viewer.get(&format!("{users}?filter=userName%20is")), 400, "invalid");
        assert_problem(&viewer.get("/tenants/contoso/resources/Devices"), 404, "not-found");

        let mut seen = Vec::new();
        let mut path = format!("{users}?count=2");
        loop {
            let page = viewer.read(&path);
            assert_eq!(page["total"], 5);
            let rows = page["resources"].as_array().expect("resources");
            seen.extend(rows.iter().map(|row| row["id"].as_str().expect("id").to_owned()));
            let Some(next) = page["next_cursor"].as_str() else { break };
            path = format!("{users}?count=2&cursor={next}");
        }
        assert_eq!(seen, ids);

        let user = viewer.read(&format!("{users}/{}", ids[0]));
        assert_eq!(user["userName"], "user0@example.com");
        assert_eq!(user["groups"][0]["value"], json!(group));
        let groups = format!("/tenants/contoso/resources/Groups/{group}");
        let shown = viewer.read(&groups);
        assert_eq!((&shown["displayName"], shown.get("members")), (&json!("Sales"), None));
        let member =
            |n: usize| json!({"id": ids[n], "resource_type": "User", "name": format!("user{n}@example.com")});
        let page = viewer.read(&format!("{groups}/members?count=1"));
        assert_eq!((&page["members"], &page["total"]), (&json!([member(0)]), &json!(2)));
        let next = page["next_cursor"].as_str().expect("next");
        let page = viewer.read(&format!("{groups}/members?cursor={next}"));
        assert_eq!((&page["members"], &page["next_cursor"]), (&json!([member(1)]), &Value::Null));
        for wrong in [format!("{users}/{}/members", ids[0]), format!("{groups}0/members")] {
            assert_problem(&viewer.get(&wrong), 404, "not-found");
        }
        assert_problem(&viewer.get(&format!("{users}/{group}")), 404, "not-found");

        let history = viewer.read(&format!("{users}/{}/history", ids[0]));
        let newest = &history["changes"][0];
        assert_eq!(newest["event"], "deactivate");
        assert_eq!(
            (&newest["before"]["userName"], &newest["after"]["active"]),
            (&json!("user0@example.com"), &json!(false))
        );
        assert_eq!(newest["effects"][0]["outcome"], "coerced");
        assert!(newest["actor"].is_string());
        assert_eq!(history["changes"].as_array().map(Vec::len), Some(2));
        let log = viewer.read("/tenants/contoso/change-log?count=1");
        assert_eq!(log["changes"][0]["position"], 7);
        let next = log["next_cursor"].as_str().expect("next");
        let log = viewer.read(&format!("/tenants/contoso/change-log?cursor={next}"));
        assert_eq!(log["changes"].as_array().map(Vec::len), Some(6));
    }
}

#[test]
fn a_deleted_user_is_restored_with_its_memberships() {
    for backend in Backend::ALL {
        let world = World::start(backend);
        let support = operator(&world, "anna", "support");
        let contoso = world.tenant("contoso");
        let id = contoso.create_user("ana@example.com");
        let group = contoso.create_group("Sales", &[&id]);
        let gone = contoso.create_group("Gone", &[&id]);
        assert_eq!(contoso.delete(&format!("/Users/{id}")).status, 204);
        assert_eq!(contoso.delete(&format!("/Groups/{gone}")).status, 204);
        let deleted = support.read("/tenants/contoso/deleted");
        let kinds: Vec<&Value> =
            deleted["deleted"].as_array().expect("deleted").iter().map(|row| &row["resource_type"]).collect();
        assert_eq!(kinds, ["Group", "User"]);
        let restore = format!("/tenants/contoso/deleted/{id}/restore");

        let other = contoso.create_user("ANA@example.com");
        assert_problem(&support.post(&restore, &json!({})), 409, "conflict");
        assert_eq!(contoso.delete(&format!("/Users/{other}")).status, 204);
        let restored = support.post(&restore, &json!({}));
        assert_eq!(restored.status, 200, "{}", restored.text());
        assert_eq!(
            (&restored.json["id"], &restored.json["userName"]),
            (&json!(id), &json!("ana@example.com"))
        );
        assert_problem(&support.post(&restore, &json!({})), 404, "not-found");

        // The provisioning client finds it as if it had never been away.
        let user = contoso.get(&format!("/Users/{id}"));
        assert_eq!((user.status, user.json["groups"].as_array().map(Vec::len)), (200, Some(1)));
        assert_eq!(contoso.get(&format!("/Groups/{group}")).json["members"][0]["value"], json!(id));
        let newest =
            support.read(&format!("/tenants/contoso/resources/Users/{id}/history"))["changes"][0].clone();
        assert_eq!((&newest["event"], &newest["version"]), (&json!("create"), &json!(3)));
        let audit = world.juno(&["audit", "list", "--tenant", "contoso", "--count", "1"]);
        assert_eq!(audit["audit"][0]["action"], "resource.restore");
        assert_eq!(audit["audit"][0]["target"], format!("User {id}"));
        assert_eq!(audit["audit"][0]["actor"], "operator anna");
    }
}

#[test]
fn a_tenant_is_exported_line_by_line() {
    for backend in Backend::ALL {
        let world = World::start(backend);
        let admin = operator(&world, "root", "admin");
        let contoso = world.tenant("contoso");
        let ids: Vec<String> =
            (0..203).map(|n| contoso.create_user(&format!("user{n}@example.com"))).collect();
        contoso.create_group("Sales", &[&ids[0], &ids[202]]);
        assert_eq!(contoso.delete(&format!("/Users/{}", ids[1])).status, 204);
        world.tenant("fabrikam").create_user("stranger@example.com");

        let export = admin.post("/tenants/contoso/export?confirm=contoso", &json!({}));
        assert_eq!((export.status, export.header("content-type")), (200, Some("application/jsonl")));
        let text = export.text();
        assert!(!text.contains("stranger") && !text.contains(&contoso.token()[14..]));
        let lines: Vec<Value> =
            text.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect();
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for line in &lines {
            *counts.entry(line["type"].as_str().expect("type")).or_default() += 1;
        }
        let expected =
            [("Group", 1), ("User", 202), ("change", 205), ("deleted", 1), ("end", 1), ("tenant", 1)];
        assert_eq!(counts, BTreeMap::from(expected));
        assert_eq!(lines.last(), Some(&json!({"type": "end", "lines": lines.len() - 1})));
        let group = lines.iter().find(|line| line["type"] == "Group").expect("group");
        assert_eq!(group["members"], json!([ids[0], ids[202]]));
        assert_eq!(group["resource"]["displayName"], "Sales");
        let audit = world.juno(&["audit", "list", "--tenant", "contoso", "--count", "1"]);
        assert_eq!(audit["audit"][0]["action"], "tenant.export");
    }
}

/// What is erased while it is read is not whole, and must not say that it is.
#[test]
fn an_export_of_a_tenant_that_is_erased_meanwhile_has_no_end() {
    let world = World::start(Backend::Sqlite);
    let admin = operator(&world, "root", "admin");
    let contoso = world.tenant("contoso");
    // More than the system keeps between the two sides.
    let title = "x".repeat(250_000);
    for n in 0..80 {
        let user = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "title": title,
            "userName": format!("user{n}@example.com")});
        assert_eq!(contoso.post("/Users", &user).status, 201);
    }
    let mut reader = Raw::to(world.gateway.admin());
    let head = format!(
        "POST /api/v1/tenants/contoso/export?confirm=contoso HTTP/1.1\r\nhost: {}\r\ncookie: {}\r\nx-csrf-token: {}\r\n\
         content-length: 0\r\nconnection: close\r\n\r\n",
        world.gateway.admin().trim_start_matches("http://"),
        admin.cookie,
        admin.csrf,
    );
    assert!(reader.send(head.as_bytes()));
    soon("the export", || {
        admin.read("/audit?tenant=contoso&count=1")["audit"][0]["action"] == "tenant.export"
    });
    let erased = admin.send("DELETE", "/tenants/contoso?confirm=contoso", None);
    assert_eq!(erased.status, 204, "{}", erased.text());
    let text = reader.rest();
    assert!(text.starts_with("HTTP/1.1 200") && text.contains("\"type\":\"tenant\""), "{}", &text[..200]);
    assert!(!text.contains("\"type\":\"end\""));
}

/// Asks until it is so; fails if that takes longer than any timer may.
fn soon(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(60), "{what}");
    }
}

#[test]
fn what_was_deleted_is_purged_when_its_time_has_come() {
    for backend in Backend::ALL {
        let brief = [("JUNO__PROVISIONING__KEEP_DELETED", "10s")];
        let world = World::with_settings(Database::Fresh(backend), &brief);
        let support = operator(&world, "anna", "support");
        let contoso = world.tenant("contoso");
        let id = contoso.create_user("ana@example.com");
        contoso.create_group("Sales", &[&id]);
        assert_eq!(contoso.delete(&format!("/Users/{id}")).status, 204);
        let deleted = support.read("/tenants/contoso/deleted");
        let row = &deleted["deleted"][0];
        assert!(row["purged"].as_str() > row["deleted"].as_str(), "{row}");
        soon("it is purged", || support.read("/tenants/contoso/deleted")["deleted"] == json!([]));
        assert_problem(
            &support.post(&format!("/tenants/contoso/deleted/{id}/restore"), &json!({})),
            404,
            "not-found",
        );
        let history = support.get(&format!("/tenants/contoso/resources/Users/{id}/history"));
        let events: Vec<&Value> =
            history.json["changes"].as_array().expect("changes").iter().map(|row| &row["event"]).collect();
        assert_eq!(events, ["delete", "create"], "that it was there stays");
        assert!(!history.text().contains("ana"), "{}", history.text());
        soon("it is counted", || {
            world.gateway.metric(&world.http, "juno_purged_resources_total", &[]).to_bits() == 1f64.to_bits()
        });
    }
}
