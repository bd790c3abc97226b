//! Shapes of costly requests, each within the published limits, and the directory that makes them costly.

use super::{PART, Victim};
use crate::{
    raw::Raw,
    world::{Tenant, World},
};
use serde_json::{Value, json};
use std::fmt::Write;
use test_support::Response;

/// One kind of costly request.
pub(super) struct Shape {
    pub(super) name: &'static str,
    /// Sends one; none if its nature is not to read the answer.
    pub(super) send: fn(&World, &Tenant<'_>, &Victim, usize) -> Option<Response>,
}

const USERS: usize = 600;
const GROUPS: usize = 60;
const BULK: usize = 200;

/// Ids of nobody.
fn strangers(count: usize, seed: usize) -> Vec<Value> {
    (0..count)
        .map(|n| json!({"value": format!("0198a000-0000-7000-8000-{:012x}", n + (seed << 24))}))
        .collect()
}

fn members(ids: &[String]) -> Vec<Value> {
    ids.iter().map(|id| json!({"value": id})).collect()
}

fn patch(operations: &Value) -> Value {
    json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations})
}

fn search(rest: Value) -> Value {
    let mut body = rest;
    body["schemas"] = json!(["urn:ietf:params:scim:api:messages:2.0:SearchRequest"]);
    body
}

fn user(name: &str) -> Value {
    json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": name})
}

pub(super) const SHAPES: &[Shape] = &[
    Shape {
        name: "a-user-in-many-groups",
        send: |_, a, v, n| Some(a.get(&format!("/Users/{}", v.users[n % USERS]))),
    },
    Shape { name: "a-page-of-users-in-many-groups", send: |_, a, _, _| Some(a.get("/Users?count=1000")) },
    Shape {
        name: "a-change-of-unknown-members",
        send: |_, a, v, n| {
            let body =
                patch(&json!([{"op": "add", "path": "members", "value": strangers(30_000 / PART, n % 64)}]));
            Some(a.patch(&format!("/Groups/{}", v.groups[n % GROUPS]), &body))
        },
    },
    Shape {
        name: "a-new-group-with-many-members",
        send: |_, a, v, n| {
            let body = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
                "displayName": format!("group {n}"), "members": members(&v.users)});
            Some(a.post("/Groups", &body))
        },
    },
    Shape {
        name: "a-large-group-that-changes-places",
        send: |_, a, v, n| {
            let half = if n % 2 == 0 { &v.users[..USERS / 2] } else { &v.users[USERS / 2..] };
            let body = patch(&json!([{"op": "replace", "path": "members", "value": members(half)}]));
            Some(a.patch(&format!("/Groups/{}", v.groups[GROUPS - 1]), &body))
        },
    },
    Shape {
        name: "a-document-that-grows",
        send: |_, a, v, n| {
            let value = "x".repeat(1_900_000 / PART);
            let path = format!("urn:x:e{n}:2.0:User:b");
            let body = patch(&json!([{"op": "add", "path": path, "value": value}]));
            Some(a.patch(&format!("/Users/{}", v.users[0]), &body))
        },
    },
    Shape {
        name: "all-members-of-all-groups",
        send: |_, a, _, _| Some(a.get("/Groups?attributes=members.value")),
    },
    Shape {
        name: "many-attribute-names",
        send: |_, a, _, _| {
            let names = vec!["urn:a:b"; 100_000 / PART];
            Some(a.post("/Users/.search", &search(json!({"attributes": names, "count": 1000}))))
        },
    },
    Shape {
        name: "many-operations-on-a-wide-extension",
        send: |_, a, v, n| {
            let operations: Vec<Value> = (0..2000 / PART)
                .map(|m| json!({"op": "replace", "path": format!("urn:x:wide:2.0:User:k{m}"), "value": format!("{n}")}))
                .collect();
            Some(a.patch(&format!("/Users/{}", v.wide), &patch(&json!(operations))))
        },
    },
    Shape {
        name: "a-post-with-many-unknown-names",
        send: |_, a, _, n| {
            let mut body = user(&format!("unknown{n}@example.com"));
            (0..60_000 / PART).for_each(|m| body[format!("unknown{m}")] = json!("x"));
            Some(a.post("/Users", &body))
        },
    },
    Shape {
        name: "a-filter-with-many-terms",
        send: |_, a, _, _| {
            let terms: Vec<String> = (0..100).map(|m| format!("groups.value co \"zz{m}\"")).collect();
            Some(a.post("/Users/.search", &search(json!({"filter": terms.join(" or "), "count": 1000}))))
        },
    },
    Shape {
        name: "a-sorted-page-from-far",
        send: |_, a, _, _| Some(a.get("/Users?sortBy=emails&startIndex=500&count=100&attributes=userName")),
    },
    Shape {
        name: "a-bulk-of-heavy-operations",
        send: |_, a, v, n| {
            let operations: Vec<Value> = (0..500 / PART)
                .map(|m| {
                    let path = format!("/Groups/{}", v.groups[m % GROUPS]);
                    json!({"method": "PATCH", "path": path,
                        "data": patch(&json!([{"op": "add", "path": "members", "value": strangers(30, n % 64)}]))})
                })
                .collect();
            let body = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": operations});
            Some(a.post("/Bulk", &body))
        },
    },
    Shape { name: "a-body-without-its-end", send: |w, a, _, _| half_a_body(w, a) },
    Shape { name: "an-answer-that-nobody-reads", send: |w, a, _, _| unread(w, a, "/Groups?count=100") },
    Shape {
        name: "a-list-whose-client-leaves",
        send: |w, a, _, _| {
            let terms: Vec<String> = (0..100).map(|m| format!("groups.value%20co%20%22zz{m}%22")).collect();
            unread(w, a, &format!("/Users?filter={}&count=1000", terms.join("%20or%20")))
        },
    },
    Shape { name: "a-token-request-for-nobody", send: |w, _, _, n| Some(token_request(w, n)) },
    Shape {
        name: "a-token-that-nobody-has",
        send: |w, a, _, n| {
            drop(w.try_send("GET", &format!("{}/Users", a.url()), Some(&format!("juno_{n:043}")), None));
            None
        },
    },
];

/// A request whose body ends before it is complete.
fn half_a_body(world: &World, tenant: &Tenant<'_>) -> Option<Response> {
    let mut head = head(tenant, "POST", "/Users");
    let _ = write!(head, "content-type: application/scim+json\r\ncontent-length: 2000000\r\n\r\n");
    let mut raw = Raw::connect(&world.gateway);
    raw.send(&[head.as_bytes(), &vec![b' '; 1_999_000]].concat());
    raw.finish();
    raw.answer()
}

/// A request whose answer is not read.
fn unread(world: &World, tenant: &Tenant<'_>, path: &str) -> Option<Response> {
    let mut raw = Raw::connect(&world.gateway);
    raw.send(format!("{}\r\n", head(tenant, "GET", path)).as_bytes());
    None
}

fn head(tenant: &Tenant<'_>, method: &str, path: &str) -> String {
    let path = format!("{}{path}", tenant.url());
    let (_, rest) = path.split_once("//").expect("an address");
    let path = &rest[rest.find('/').expect("a path")..];
    format!("{method} {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n", tenant.token())
}

/// Of a client whose id means the process itself, if ids of clients meant lines.
fn token_request(world: &World, n: usize) -> Response {
    let client = if n.is_multiple_of(2) {
        "00000000-0000-0000-0000-000000000000"
    } else {
        "00000000-0000-0000-0000-000000000001"
    };
    let body = format!(
        "grant_type=client_credentials&client_id={client}&client_assertion=a.b.c\
         &client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"
    );
    let url = format!("{}/t/hostile/oauth/token", world.gateway.scim());
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let mut answer = world.http.send("POST", &url, &headers, body.as_bytes());
    // The words of the token endpoint are those of OAuth (RFC 6749 section 5.2).
    assert!([400, 401, 429].contains(&answer.status), "{}", answer.text());
    assert!(answer.json["error"].is_string(), "{}", answer.text());
    answer.status = 200;
    answer
}

/// Fills the directory of the hostile tenant.
pub(super) fn prepare(tenant: &Tenant<'_>) -> Victim {
    let mut users = Vec::new();
    for first in (0..USERS).step_by(BULK) {
        let operations: Vec<Value> = (first..(first + BULK).min(USERS))
            .map(|n| {
                json!({"method": "POST", "path": "/Users", "bulkId": format!("u{n}"),
                "data": user(&format!("user{n}@hostile.example"))})
            })
            .collect();
        users.extend(bulk(tenant, &operations));
    }
    let mut groups: Vec<String> = Vec::new();
    for n in 0..GROUPS {
        let mut list = members(&users);
        list.extend(groups.last().map(|inner| json!({"value": inner})));
        let body = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
            "displayName": format!("small {n}"), "members": list});
        let created = tenant.post("/Groups", &body);
        assert_eq!(created.status, 201, "{}", created.text());
        groups.push(created.json["id"].as_str().expect("id").to_owned());
    }
    let wide = tenant.create_user("wide@hostile.example");
    Victim { users, groups, wide }
}

/// Carries out operations that must all create something; the ids of it.
fn bulk(tenant: &Tenant<'_>, operations: &[Value]) -> Vec<String> {
    let body =
        json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": operations});
    let answer = tenant.post("/Bulk", &body);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let done = answer.json["Operations"].as_array().expect("Operations").clone();
    let id = |entry: &Value| -> String {
        assert_eq!(entry["status"], "201", "{entry}");
        entry["location"]
            .as_str()
            .and_then(|location| location.rsplit('/').next())
            .expect("location")
            .to_owned()
    };
    done.iter().map(id).collect()
}
