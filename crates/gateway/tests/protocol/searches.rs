//! Searches by GET and by POST, of one kind and at the root.

use super::{assert_error, ids};
use crate::{scenario::encode, world::World};
use serde_json::{Value, json};
use test_support::Backend;

#[test]
fn nothing_found_is_an_empty_list() {
    let world = World::start(Backend::Sqlite);
    let tenant = world.tenant("own");
    let empty = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": 0, "itemsPerPage": 0, "startIndex": 1, "Resources": []});
    for path in
        ["/Users", "/Groups", "/Users?filter=userName%20eq%20%22x%22", "/Groups?filter=id%20eq%20%22x%22"]
    {
        let response = tenant.get(path);
        assert_eq!((response.status, &response.json), (200, &empty), "{path}");
    }
    for path in ["/Users/.search", "/Groups/.search", "/.search"] {
        let response =
            tenant.post(path, &json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"]}));
        assert_eq!((response.status, &response.json), (200, &empty), "{path}");
    }
}

#[test]
fn a_search_by_post_finds_what_a_search_by_get_finds() {
    let world = World::start(Backend::Sqlite);
    let tenant = world.tenant("own");
    for name in ["a", "b", "c"] {
        tenant.create_user(name);
    }
    let get = tenant.get(&encode(
        "/Users?filter=userName gt \"a\"&sortBy=userName&sortOrder=descending&count=1&attributes=userName",
    ));
    let body = json!({"filter": "userName gt \"a\"", "sortBy": "userName", "sortOrder": "descending", "count": 1,
        "attributes": ["userName"]});
    let post = tenant.post("/Users/.search", &body);
    assert_eq!((post.status, &post.json), (200, &get.json));
    assert_eq!(
        (&post.json["totalResults"], &post.json["Resources"][0]["userName"]),
        (&json!(2), &json!("c"))
    );
    assert_error(&tenant.post("/Users/.search", &json!({"count": {}})), 400, Some("invalidSyntax"));
    assert_error(&tenant.post("/Users/.search", &json!([])), 400, Some("invalidSyntax"));
}

#[test]
fn a_search_at_the_root_counts_through_users_and_groups() {
    let world = World::start(Backend::Sqlite);
    let tenant = world.tenant("own");
    let mut all: Vec<String> = (0..3).map(|n| tenant.create_user(&format!("u{n}"))).collect();
    let member = all[0].clone();
    all.extend((0..4).map(|n| tenant.create_group(&format!("g{n}"), &[&member])));
    let search = |body: Value| tenant.post("/.search", &body);
    for start in 1..=9 {
        for count in 0..=8 {
            let response = search(json!({"startIndex": start, "count": count}));
            let expected: Vec<_> = all.iter().skip(start - 1).take(count).collect();
            assert_eq!(ids(&response), expected, "{start} {count}");
            let (total, index) = (&response.json["totalResults"], &response.json["startIndex"]);
            assert_eq!((total, index), (&json!(7), &json!(start)));
            assert_eq!(response.json["itemsPerPage"], expected.len());
        }
    }
    // What only one of them has finds nothing among the others.
    assert_eq!(ids(&search(json!({"filter": "userName eq \"U1\""}))), [all[1].as_str()]);
    assert_eq!(
        ids(&search(json!({"filter": format!("members eq \"{}\"", all[0]), "count": 1}))),
        [all[3].as_str()]
    );
    assert_eq!(
        ids(&search(json!({"filter": "displayName sw \"G\"", "startIndex": 2, "count": 2}))),
        [&all[4], &all[5]]
    );
    // Each kind is shown by its own schema.
    let shown = search(json!({"attributes": ["Members", "USERNAME"], "startIndex": 3, "count": 2}));
    assert_eq!(shown.json["Resources"][0]["userName"], "u2");
    assert_eq!(shown.json["Resources"][1]["members"][0]["value"], all[0].as_str());
    for body in [json!({"cursor": ""}), json!({"sortBy": "displayName"})] {
        assert_error(&search(body), 400, Some("invalidValue"));
    }
    assert_error(&search(json!({"filter": "shoeSize eq"})), 400, Some("invalidFilter"));
}
