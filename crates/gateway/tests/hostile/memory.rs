//! Requests that hold much memory, or hold it for long: they are bounded, and nobody else feels them.

use super::assert_scim_error;
use crate::{
    raw::Raw,
    world::{Tenant, World, soon},
};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use test_support::{Backend, Database};

const MB: usize = 1 << 20;

/// Bytes that requests hold, by the gateway's own account.
fn in_flight(world: &World) -> usize {
    world.gateway.metric(&world.http, "juno_bytes_in_flight", &[]) as usize
}

fn head(tenant: &Tenant<'_>, method: &str, path: &str, more: &str) -> Vec<u8> {
    let label = tenant.url().rsplit('/').nth(2).expect("label");
    let token = tenant.token();
    format!(
        "{method} /t/{label}/scim/v2{path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n{more}\r\n"
    )
    .into_bytes()
}

/// A user with so much text in an extension of its own.
fn large_user(name: &str, length: usize) -> Value {
    json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", "urn:x:large:2.0:User"], "userName": name,
        "urn:x:large:2.0:User": {"text": "x".repeat(length)}})
}

#[test]
fn bodies_that_never_end_hold_no_more_than_a_tenants_budget() {
    let world = World::start(Backend::Sqlite);
    let (loud, quiet) = (world.tenant("loud"), world.tenant("quiet"));
    quiet.get("/Users");
    let before = world.gateway.resident_memory();
    let body = vec![b' '; 2 * MB - 1];
    let announced = format!("content-type: application/scim+json\r\ncontent-length: {}\r\n", 2 * MB);
    let mut senders: Vec<Raw> = (0..400)
        .map(|_| {
            let mut raw = Raw::connect(&world.gateway);
            raw.send(&head(&loud, "POST", "/Users", &announced));
            raw.send_what_is_taken(&body);
            raw
        })
        .collect();
    // One body is read, and it is the only one: it takes more than half of what the tenant may hold.
    soon("the first body", || in_flight(&world) > 20 * MB);
    assert!(in_flight(&world) <= 32 * MB);
    // At most 256 requests of a tenant wait for memory. The others are refused at once.
    let refused = senders.split_off(300);
    for mut raw in refused {
        let response = raw.answer().expect("an answer");
        assert_scim_error("one too many", &response, &[429]);
        let seconds = response.header("retry-after").and_then(|text| text.parse::<u32>().ok());
        assert!(seconds.is_some_and(|seconds| (1..=60).contains(&seconds)), "{seconds:?}");
    }
    let id = quiet.create_user("ana@example.com");
    assert_eq!(quiet.get(&format!("/Users/{id}")).status, 200);
    assert!(in_flight(&world) <= 33 * MB);
    // 400 bodies of 2 MB would be 800 MB, without what they take when they are parsed.
    let after = world.gateway.resident_memory();
    assert!(after < before + 160 * MB as u64, "{before} bytes before, {after} after");
    drop(senders);
    soon("the end of the senders", || in_flight(&world) == 0);
    assert_eq!(loud.get("/Users").status, 200);
}

#[test]
fn a_body_that_would_take_far_more_memory_than_its_text_is_refused() {
    let world = World::start(Backend::Sqlite);
    let tenant = world.tenant("contoso");
    let dense = format!(r#"{{"userName":"a","x":[{}]}}"#, vec!["[0]"; 250_000].join(","));
    let response = super::send(&world, &tenant, "POST", "/Users", dense.as_bytes());
    assert_scim_error("dense", &response, &[413]);
    assert_eq!(in_flight(&world), 0);
    // The largest group that a body of 2 MB holds is taken; its members do not exist.
    let members: Vec<Value> = (0..42_000).map(|n| json!({"value": format!("{n:036}")})).collect();
    let group = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "All", "members": members});
    assert!((19 * MB / 10..2 * MB).contains(&group.to_string().len()));
    assert_scim_error("large", &tenant.post("/Groups", &group), &[400]);
}

#[test]
fn pages_are_bounded_by_bytes_and_nobody_is_missed() {
    for backend in Backend::ALL {
        let world = World::start(backend);
        let tenant = world.tenant("contoso");
        let ids: BTreeSet<String> = (0..60)
            .map(|n| {
                let response = tenant.post("/Users", &large_user(&format!("u{n}"), 200_000));
                assert_eq!(response.status, 201, "{}", response.text());
                response.json["id"].as_str().expect("id").to_owned()
            })
            .collect();
        // 12 MB do not fit on a page. By index the client is told what does.
        let response = tenant.get("/Users");
        assert_scim_error("by index", &response, &[400]);
        assert_eq!(response.json["scimType"], "tooMany");
        let detail = response.json["detail"].as_str().expect("detail");
        let fits: usize =
            detail.split(' ').find_map(|word| word.parse().ok().filter(|n| *n < 60)).expect(detail);
        assert_eq!(tenant.get(&format!("/Users?count={fits}")).json["itemsPerPage"], fits);
        assert_eq!(tenant.get("/Users?attributes=userName&count=20").json["itemsPerPage"], 20);
        // By cursor the pages are shorter.
        let (mut walked, mut cursor, mut pages) = (Vec::new(), String::new(), 0);
        loop {
            let page = tenant.get(&format!("/Users?cursor={cursor}")).json;
            assert_eq!(page["totalResults"], 60);
            let resources = page["Resources"].as_array().expect("Resources");
            assert_eq!(page["itemsPerPage"], resources.len());
            walked.extend(resources.iter().map(|user| user["id"].as_str().expect("id").to_owned()));
            pages += 1;
            match page["nextCursor"].as_str() {
                Some(next) => cursor = next.to_owned(),
                None => break,
            }
        }
        assert_eq!((walked.len(), pages), (60, 2));
        assert_eq!(walked.into_iter().collect::<BTreeSet<_>>(), ids);
        soon("the end", || in_flight(&world) == 0);
    }
}

#[test]
fn a_client_that_does_not_read_is_cut_off_and_its_memory_given_back() {
    let settings = [("JUNO__SCIM__WRITE_TIMEOUT", "2s")];
    let world = World::with_settings(Database::Fresh(Backend::Sqlite), &settings);
    let (lazy, quiet) = (world.tenant("lazy"), world.tenant("quiet"));
    for n in 0..38 {
        assert_eq!(lazy.post("/Users", &large_user(&format!("u{n}"), 200_000)).status, 201);
    }
    let readers: Vec<Raw> = (0..3)
        .map(|_| {
            let mut raw = Raw::connect_with_small_buffer(&world.gateway);
            raw.send(&head(&lazy, "GET", "/Users", ""));
            raw
        })
        .collect();
    // Each page of 7.6 MB is held but for what the connection has taken; the system buffers 4 MB of it.
    soon("the pages", || in_flight(&world) > 6 * MB);
    assert!(in_flight(&world) <= 32 * MB);
    quiet.create_user("ana@example.com");
    soon("the end of the pages", || in_flight(&world) == 0);
    for raw in readers {
        let received = raw.rest_of_a_broken_answer();
        assert!(received < 7 * MB, "{received} bytes were received: the whole page");
    }
    let log = world.gateway.log();
    assert!(!log.contains("panicked") && !log.contains("ERROR"), "{log}");
}

#[test]
fn a_large_group_is_streamed_whatever_of_its_members_is_asked_for() {
    for backend in Backend::ALL {
        let world = World::start(backend);
        let tenant = world.tenant("contoso");
        let ids: BTreeSet<String> = (0..9).flat_map(|batch| create_users(&tenant, batch)).collect();
        let members: Vec<&str> = ids.iter().map(String::as_str).collect();
        let group = tenant.create_group("Everybody", &members);
        tenant.create_group("Nobody", &[]);
        let all = |text: &str| format!("{text}{group}");
        for (path, keys) in [
            (all("/Groups/"), ["$ref", "type", "value"].as_slice()),
            (all("/Groups?filter=id%20eq%20%22") + "%22", &["$ref", "type", "value"]),
            (all("/Groups/") + "?attributes=members.value", &["value"]),
            ("/Groups?attributes=members.value,displayName".to_owned(), &["value"]),
            ("/Groups?excludedAttributes=members.value".to_owned(), &["$ref", "type"]),
        ] {
            let json = tenant.get(&path).json;
            let resources = json["Resources"].as_array().cloned().unwrap_or_else(|| vec![json.clone()]);
            let group = resources.iter().find(|found| found["id"] == group.as_str()).expect(&path);
            let members = group["members"].as_array().expect("members");
            assert_eq!(members.len(), ids.len(), "{path}");
            for member in members {
                let names: Vec<&String> = member.as_object().expect("member").keys().collect();
                assert_eq!(
                    names.into_iter().collect::<BTreeSet<_>>(),
                    keys.iter().map(|key| (*key).to_owned()).collect::<Vec<_>>().iter().collect()
                );
            }
            if keys.contains(&"value") {
                let shown = members.iter().map(|member| member["value"].as_str().expect("value").to_owned());
                assert_eq!(shown.collect::<BTreeSet<_>>(), ids, "{path}");
            }
            assert!(resources.iter().all(|group| group["displayName"] != "Nobody"
                || group["members"].as_array().is_none_or(Vec::is_empty)));
        }
    }
}

/// A thousand users.
fn create_users(tenant: &Tenant<'_>, batch: usize) -> Vec<String> {
    let operation = |n: usize| {
        json!({"method": "POST", "path": "/Users", "bulkId": n.to_string(), "data": {
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": format!("u{batch}-{n}")}})
    };
    let bulk = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": (0..1000).map(operation).collect::<Vec<_>>()});
    let answer = tenant.post("/Bulk", &bulk);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let operations = answer.json["Operations"].as_array().expect("Operations");
    assert_eq!(operations.len(), 1000);
    let id = |done: &Value| {
        assert_eq!(done["status"], "201", "{done}");
        assert!(done.get("response").is_none(), "{done}");
        done["location"].as_str().and_then(|location| location.rsplit('/').next()).expect("id").to_owned()
    };
    operations.iter().map(id).collect()
}
