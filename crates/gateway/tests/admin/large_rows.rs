//! Operators read rows that are large: pages are bounded by bytes, and readers that take nothing disturb nobody.

use super::{Session, operator};
use crate::{
    raw::Raw,
    world::{Tenant, World, soon},
};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use test_support::Backend;

const TEXT: usize = 250_000;
/// The most that a page of such rows may have: 4 MB, and what stands around its documents.
const PAGE: usize = 4 * 1024 * 1024 + 100_000;

fn large_user(tenant: &Tenant<'_>, n: usize) -> String {
    let user = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "title": "x".repeat(TEXT),
        "userName": format!("user{n}@example.com")});
    let created = tenant.post("/Users", &user);
    assert_eq!(created.status, 201, "{}", created.text());
    created.json["id"].as_str().expect("id").to_owned()
}

/// Reads a list to its end, asking for 200 rows at a time. Returns how many rows each page had, and all of them by `key`.
fn walk(session: &Session, path: &str, rows: &str, key: &str) -> (Vec<usize>, Vec<Value>) {
    let (mut lengths, mut found, mut cursor) = (Vec::new(), Vec::new(), String::new());
    loop {
        let page = session.get(&format!("{path}?count=200&cursor={cursor}"));
        assert_eq!(page.status, 200, "{}", page.text());
        assert!(page.text().len() <= PAGE, "a page of {} bytes", page.text().len());
        let listed = page.json[rows].as_array().expect("rows");
        lengths.push(listed.len());
        found.extend(listed.iter().map(|row| row[key].clone()));
        match page.json["next_cursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => return (lengths, found),
        }
    }
}

#[test]
fn pages_of_large_rows_are_shorter_and_miss_nothing() {
    for backend in Backend::ALL {
        let world = World::start(backend);
        let admin = operator(&world, "root", "admin");
        let contoso = world.tenant("contoso");
        let ids: Vec<String> = (0..20).map(|n| large_user(&contoso, n)).collect();
        // Each of these changes holds the document after it and the old title, and shows the document before it.
        let patch = |n: usize| {
            let title = format!("{n}{}", "x".repeat(TEXT));
            json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
                "Operations": [{"op": "replace", "path": "title", "value": title}]})
        };
        for n in 0..10 {
            assert_eq!(contoso.patch(&format!("/Users/{}", ids[0]), &patch(n)).status, 200);
        }
        let history = format!("/tenants/contoso/resources/Users/{}/history", ids[0]);
        let (lengths, versions) = walk(&admin, &history, "changes", "version");
        assert_eq!(versions, (1..=11).rev().map(Value::from).collect::<Vec<_>>());
        assert_eq!(lengths, [5, 6]);
        let (lengths, positions) = walk(&admin, "/tenants/contoso/change-log", "changes", "position");
        assert_eq!(positions, (1..=30).rev().map(Value::from).collect::<Vec<_>>());
        assert_eq!(lengths, [5, 6, 16, 3]);

        for id in &ids {
            assert_eq!(contoso.delete(&format!("/Users/{id}")).status, 204);
        }
        let (lengths, deleted) = walk(&admin, "/tenants/contoso/deleted", "deleted", "id");
        let deleted: BTreeSet<&str> = deleted.iter().filter_map(Value::as_str).collect();
        assert_eq!(deleted, ids.iter().map(String::as_str).collect());
        assert_eq!(lengths, [16, 4]);
    }
}

#[test]
fn exports_that_nobody_takes_hold_no_connection() {
    for backend in Backend::ALL {
        let world = World::start(backend);
        let admin = operator(&world, "root", "admin");
        let contoso = world.tenant("contoso");
        // More than the system keeps between the two sides.
        (0..40).for_each(|n| drop(large_user(&contoso, n)));
        let request = format!(
            "POST /api/v1/tenants/contoso/export?confirm=contoso HTTP/1.1\r\nhost: {}\r\ncookie: {}\r\n\
             x-csrf-token: {}\r\ncontent-length: 0\r\n\r\n",
            world.gateway.admin().trim_start_matches("http://"),
            admin.cookie,
            admin.csrf,
        );
        // More than there are threads and connections in any lane.
        let readers: Vec<Raw> = (0..24)
            .map(|_| {
                let mut reader = Raw::to(world.gateway.admin());
                assert!(reader.send(request.as_bytes()));
                reader
            })
            .collect();
        let exports = || {
            let audit = admin.read("/audit?tenant=contoso&count=200");
            let rows = audit["audit"].as_array().expect("audit").iter();
            rows.filter(|row| row["action"] == "tenant.export").count()
        };
        soon("all exports have begun", || exports() == 24);
        for path in ["/tenants/contoso/change-log?count=1", "/tenants/contoso/deleted", "/tenants/contoso"] {
            admin.read(path);
        }
        assert_eq!(contoso.get("/Users?count=1").status, 200);
        assert_eq!(contoso.get("/Users?filter=title%20eq%20%22x%22").status, 200);
        drop(readers);
    }
}
