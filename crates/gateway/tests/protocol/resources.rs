//! Resources: where they are, what an answer holds, what is not there.

use super::{assert_error, group, patch, user};
use crate::world::World;
use serde_json::json;
use test_support::{Backend, Response};

#[test]
fn a_created_resource_is_where_its_location_says() {
    let world = World::start(Backend::Sqlite);
    let tenant = world.tenant("own");
    let members = tenant.create_user("member@example.com");
    for (endpoint, body) in [("/Users", user("a@example.com")), ("/Groups", group("G", &[&members]))] {
        let created = tenant.post(endpoint, &body);
        assert_eq!(created.status, 201);
        let location = created.header("location").expect("location");
        assert_eq!(
            location,
            format!("{}{endpoint}/{}", tenant.url(), created.json["id"].as_str().expect("id"))
        );
        assert_eq!(created.json["meta"]["location"], location);
        assert_eq!(created.json["meta"]["version"], created.header("etag").expect("etag"));
        assert_eq!(created.json["meta"]["created"], created.json["meta"]["lastModified"]);
        let read = world.send("GET", location, Some(tenant.token()), None);
        assert_eq!((read.status, &read.json), (200, &created.json));
        assert_eq!(read.header("etag"), created.header("etag"));
    }
}

#[test]
fn put_and_patch_answer_with_the_resource_and_a_group_patch_without() {
    let world = World::start(Backend::Sqlite);
    let tenant = world.tenant("own");
    let id = tenant.create_user("a@example.com");
    let path = format!("/Users/{id}");
    let patched = tenant.patch(&path, &patch("title", json!("x")));
    assert_eq!(
        (patched.status, &patched.json["title"], patched.header("etag")),
        (200, &json!("x"), Some("W/\"2\""))
    );
    let put = tenant.put(&path, &user("b@example.com"));
    assert_eq!((put.status, put.json.get("title"), put.header("etag")), (200, None, Some("W/\"3\"")));
    assert_eq!(put.json, tenant.get(&path).json);

    let path = format!("/Groups/{}", tenant.create_group("G", &[&id]));
    let silent = tenant.patch(&path, &patch("displayName", json!("H")));
    assert_eq!((silent.status, silent.text().as_str(), silent.header("etag")), (204, "", Some("W/\"2\"")));
    let asked = tenant.patch(&format!("{path}?attributes=displayName"), &patch("displayName", json!("I")));
    assert_eq!(asked.status, 200);
    let keys: Vec<_> = asked.json.as_object().expect("object").keys().collect();
    assert_eq!(keys, ["id", "schemas", "displayName"]);
    let put = tenant.put(&path, &group("J", &[]));
    assert_eq!((put.status, &put.json["displayName"], &put.json["members"]), (200, &json!("J"), &json!([])));
}

#[test]
fn what_is_not_there_is_404_for_every_method() {
    let world = World::start(Backend::Sqlite);
    let tenant = world.tenant("own");
    let user_id = tenant.create_user("a@example.com");
    let group_id = tenant.create_group("G", &[]);
    let absent = "01980000-0000-7000-8000-000000000000";
    for id in [absent, "x", "%ff", "a%20b", &user_id.to_uppercase(), &group_id] {
        let path = format!("/Users/{id}");
        assert_error(&tenant.get(&path), 404, None);
        assert_error(&tenant.put(&path, &user("b@example.com")), 404, None);
        assert_error(&tenant.patch(&path, &patch("title", json!("x"))), 404, None);
        assert_error(&tenant.delete(&path), 404, None);
    }
    for id in [absent, &user_id] {
        let path = format!("/Groups/{id}");
        assert_error(&tenant.get(&path), 404, None);
        assert_error(&tenant.put(&path, &group("H", &[])), 404, None);
        assert_error(&tenant.patch(&path, &patch("displayName", json!("x"))), 404, None);
        let add = json!({"Operations": [{"op": "add", "path": "members", "value": [{"value": user_id}]}]});
        assert_error(&tenant.patch(&path, &add), 404, None);
        assert_error(&tenant.delete(&path), 404, None);
    }
    for path in ["/", "", "/Users/x/y", "/users", "/Schemas/urn:unknown", "/ResourceTypes/Robot"] {
        assert_error(&tenant.get(path), 404, None);
    }
    assert_error(&tenant.get("/Me"), 501, None);
}

#[test]
fn an_answer_holds_what_is_asked_for_after_a_write_too() {
    let world = World::start(Backend::Sqlite);
    let tenant = world.tenant("own");
    let mut body = user("a@example.com");
    body["title"] = json!("x");
    body["name"] = json!({"givenName": "G", "familyName": "F"});
    let keys = |response: &Response| -> Vec<String> {
        response.json.as_object().expect("object").keys().cloned().collect()
    };
    let created = tenant.post("/Users?attributes=name.givenName,TITLE", &body);
    assert_eq!(
        (created.status, keys(&created)),
        (201, ["id", "schemas", "title", "name"].map(str::to_owned).to_vec())
    );
    assert_eq!(created.json["name"], json!({"givenName": "G"}));
    let path = format!("/Users/{}", created.json["id"].as_str().expect("id"));
    let replaced = tenant.put(&format!("{path}?excludedAttributes=name,meta"), &body);
    assert_eq!(keys(&replaced), ["id", "schemas", "userName", "title"]);
    let patched = tenant.patch(&format!("{path}?attributes=meta"), &patch("title", json!("y")));
    assert_eq!(keys(&patched), ["id", "schemas", "meta"]);
    let listed = tenant.get("/Users?attributes=userName");
    assert_eq!(
        keys(&Response { json: listed.json["Resources"][0].clone(), ..listed.clone() }),
        ["id", "schemas", "userName"]
    );
    // Wrong words are refused before anything is written.
    assert_error(&tenant.post("/Users?attributes=a..b", &user("b@example.com")), 400, Some("invalidPath"));
    assert_eq!(tenant.count("/Users"), 1);
}
