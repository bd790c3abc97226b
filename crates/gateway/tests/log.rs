//! The log: one line a request that can be found by its id, and nothing that is secret or personal.

use crate::world::World;
use serde_json::{Value, json};
use test_support::{Backend, Database};

#[test]
fn a_request_leaves_its_route_and_nothing_of_its_content() {
    for backend in Backend::ALL {
        let json_lines = [("JUNO__LOG__FORMAT", "json"), ("JUNO__LOG__LEVEL", "debug")];
        let world = World::with_settings(Database::Fresh(backend), &json_lines);
        let tenant = world.tenant("contoso");
        let body = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "marker1@example.com",
            "displayName": "Marker2"});
        let id = tenant.post("/Users", &body).json["id"].as_str().expect("id").to_owned();
        assert_eq!(tenant.post("/Users", &body).status, 409);
        let patch = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{"op": "explode", "path": "marker3", "value": "marker4"}]});
        assert_eq!(tenant.patch(&format!("/Users/{id}"), &patch).status, 400);
        assert_eq!(tenant.get("/Users?filter=userName%20eq%20%22marker5%22").status, 200);
        assert_eq!(tenant.get("/Users?filter=marker6%20%22").status, 400);
        assert_eq!(tenant.get("/marker7").status, 404);
        let found = tenant.get(&format!("/Users/{id}"));
        let stranger = world.send("GET", &format!("{}/Users", tenant.url()), Some("marker8"), None);
        assert_eq!((found.status, stranger.status), (200, 401));

        let log = world.gateway.log();
        assert!(!log.to_lowercase().contains("marker"), "{log}");
        assert!(!log.contains(&tenant.token()[14..]) && !log.contains(&id), "{log}");
        let line = |response: &test_support::Response| -> Value {
            let request = response.header("x-request-id").expect("x-request-id");
            let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            let mut lines = lines.filter(|line| line["target"] == "access" && line["span"]["id"] == request);
            lines.next().unwrap_or_else(|| panic!("no line of {request} in {log}"))
        };
        let known = line(&found);
        assert_eq!(known["route"], "/t/{tenant}/scim/v2/Users/{id}");
        assert_eq!(
            (&known["method"], &known["status"], &known["tenant"]),
            (&json!("GET"), &json!(200), &json!("contoso"))
        );
        assert!(known["ms"].as_f64().is_some_and(|ms| ms > 0.0));
        // Whom a stranger claims to be does not count.
        let unknown = line(&stranger);
        assert_eq!((&unknown["status"], unknown.get("tenant")), (&json!(401), None));
    }
}
