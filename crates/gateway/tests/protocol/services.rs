//! Discovery, and bulk: what is claimed is so.

use super::{assert_error, group, ids, patch, user};
use crate::world::World;
use serde_json::{Value, json};
use test_support::{Backend, Database};

#[test]
fn discovery_answers_in_full_and_takes_no_filter() {
    let world = World::start(Backend::Sqlite);
    let tenant = world.tenant("own");
    for (list, count) in [("/Schemas", 3), ("/ResourceTypes", 2)] {
        let response = tenant.get(list);
        assert_eq!((response.status, &response.json["totalResults"]), (200, &json!(count)));
        for resource in response.json["Resources"].as_array().expect("Resources") {
            let location = resource["meta"]["location"].as_str().expect("location");
            assert_eq!(location, format!("{}{list}/{}", tenant.url(), resource["id"].as_str().expect("id")));
            let one = world.send("GET", location, Some(tenant.token()), None);
            assert_eq!((one.status, &one.json), (200, resource));
        }
    }
    for path in ["/Schemas", "/ResourceTypes", "/ServiceProviderConfig"] {
        assert_error(&tenant.get(&format!("{path}?filter=name%20eq%20%22User%22")), 403, None);
    }
}

#[test]
fn what_the_configuration_claims_is_so() {
    let settings = [
        ("JUNO__SCIM__MAX_BODY", "20000"),
        ("JUNO__SCIM__BULK_MAX_OPERATIONS", "3"),
        ("JUNO__SCIM__PAGE_SIZE", "2"),
        ("JUNO__SCIM__MAX_PAGE_SIZE", "4"),
    ];
    let world = World::with_settings(Database::Fresh(Backend::Sqlite), &settings);
    let tenant = world.tenant("own");
    let config = tenant.get("/ServiceProviderConfig").json;
    assert_eq!(config["bulk"], json!({"supported": true, "maxOperations": 3, "maxPayloadSize": 20000}));
    assert_eq!(config["filter"], json!({"supported": true, "maxResults": 4}));
    let paging = &config["pagination"];
    assert_eq!((&paging["defaultPageSize"], &paging["maxPageSize"]), (&json!(2), &json!(4)));
    for feature in ["patch", "sort", "etag"] {
        assert_eq!(config[feature]["supported"], true, "{feature}");
    }
    assert_eq!(config["changePassword"]["supported"], false);
    let operations: Vec<Value> = (0..6)
        .map(|n| json!({"method": "POST", "path": "/Users", "bulkId": n.to_string(), "data": user(&format!("u{n}"))}))
        .collect();
    for half in operations.chunks(3) {
        assert_eq!(tenant.post("/Bulk", &json!({"Operations": half})).status, 200);
    }
    assert_error(&tenant.post("/Bulk", &json!({"Operations": operations[..4]})), 413, None);
    for (query, items) in
        [("", 2), ("?count=3", 3), ("?count=1000", 4), ("?cursor", 2), ("?cursor&count=9", 4)]
    {
        assert_eq!(ids(&tenant.get(&format!("/Users{query}"))).len(), items, "{query}");
    }
    let mut long = user("long");
    long["title"] = json!("x".repeat(20000));
    assert_error(&tenant.post("/Users", &long), 413, None);
}

#[test]
fn bulk_answers_each_operation_in_order() {
    let world = World::start(Backend::Sqlite);
    let tenant = world.tenant("own");
    let known = tenant.create_user("known@example.com");
    let body = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": [
        {"method": "post", "path": "/Groups", "bulkId": "g", "data": group("G", &["bulkId:u"])},
        {"method": "POST", "path": "/Users", "bulkId": "u", "data": user("new@example.com")},
        {"method": "POST", "path": "/Users", "bulkId": "x", "data": user("NEW@example.com")},
        {"method": "PATCH", "path": format!("/Users/{known}"), "version": "W/\"1\"", "data": patch("title", json!("x"))},
        {"method": "PUT", "path": format!("/Users/{known}"), "version": "W/\"1\"", "data": user("known@example.com")},
        {"method": "DELETE", "path": format!("/Users/{known}")},
        {"method": "GET", "path": "/Users"},
    ]});
    let response = tenant.post("/Bulk", &body);
    assert_eq!(response.status, 200, "{}", response.text());
    assert_eq!(response.header("content-type"), Some("application/scim+json"));
    assert_eq!(response.json["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:BulkResponse"]));
    let answers = response.json["Operations"].as_array().expect("Operations");
    let words: Vec<_> =
        answers.iter().map(|answer| (answer["method"].as_str(), answer["status"].as_str())).collect();
    let expected = [
        ("post", "201"),
        ("POST", "201"),
        ("POST", "409"),
        ("PATCH", "200"),
        ("PUT", "412"),
        ("DELETE", "204"),
        ("GET", "400"),
    ];
    assert_eq!(words, expected.map(|(method, status)| (Some(method), Some(status))));
    let location = answers[0]["location"].as_str().expect("location");
    let made = world.send("GET", location, Some(tenant.token()), None);
    assert_eq!(made.json["members"][0]["$ref"], answers[1]["location"]);
    assert_eq!((&answers[0]["bulkId"], &answers[0]["version"]), (&json!("g"), &json!("W/\"1\"")));
    assert_eq!(answers[3]["location"], format!("{}/Users/{known}", tenant.url()));
    assert_eq!(answers[3]["version"], "W/\"2\"");
    // A failed POST has no location, any other operation has; the error stands in the response.
    assert_eq!(
        (answers[2].get("location"), &answers[2]["response"]["scimType"]),
        (None, &json!("uniqueness"))
    );
    assert_eq!(
        (&answers[4]["location"], &answers[4]["response"]["status"]),
        (&answers[3]["location"], &json!("412"))
    );
    assert!(
        answers
            .iter()
            .all(|answer| answer.get("response").is_some() == (answer["status"].as_str() > Some("3")))
    );
    assert_eq!(answers[5].get("version"), None);

    for body in [json!({}), json!([]), json!({"Operations": {}})] {
        assert_error(&tenant.post("/Bulk", &body), 400, Some("invalidSyntax"));
    }
    assert_error(
        &tenant.post("/Bulk", &json!({"failOnErrors": 0, "Operations": []})),
        400,
        Some("invalidValue"),
    );
    assert_eq!(tenant.post("/Bulk", &json!({"Operations": []})).json["Operations"], json!([]));
}
