//! A tenant named by host instead of by path; and what Entra adds to the query.

use crate::world::{Tenant, World};
use serde_json::{Value, json};
use test_support::{Backend, Database, Response};

const SETTINGS: &[(&str, &str)] = &[
    ("JUNO__SCIM__HOST_SUFFIX", "scim.example.com"),
    ("JUNO__SCIM__PUBLIC_URL", "https://scim.example.com/base"),
];

fn world() -> World {
    World::with_settings(Database::Fresh(Backend::Sqlite), SETTINGS)
}

fn at_host(
    world: &World,
    host: &str,
    method: &str,
    path: &str,
    token: &str,
    body: Option<&Value>,
) -> Response {
    let bearer = format!("Bearer {token}");
    let headers = [("host", host), ("authorization", &bearer), ("content-type", "application/scim+json")];
    let body = body.map(ToString::to_string).unwrap_or_default();
    world.http.send(method, &format!("{}{path}", world.gateway.scim()), &headers, body.as_bytes())
}

#[test]
fn the_host_names_the_tenant_and_locations_keep_its_form() {
    let world = world();
    let tenant = world.tenant("contoso");
    let user =
        json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "a@example.com"});
    let host = "Contoso.scim.example.com:8443";
    let created = at_host(&world, host, "POST", "/scim/v2/Users", tenant.token(), Some(&user));
    assert_eq!(created.status, 201, "{}", created.text());
    let id = created.json["id"].as_str().expect("id");
    let location = format!("https://contoso.scim.example.com:8443/scim/v2/Users/{id}");
    assert_eq!(created.header("location"), Some(location.as_str()));
    assert_eq!(created.json["meta"]["location"], location.as_str());

    // The same resource by path, in the form of the path.
    let by_path = tenant.get(&format!("/Users/{id}"));
    assert_eq!(
        by_path.json["meta"]["location"],
        format!("https://scim.example.com/base/t/contoso/scim/v2/Users/{id}")
    );

    let filter = "/scim/v2/Users?filter=userName%20eq%20%22A@example.com%22";
    let found = at_host(&world, "contoso.scim.example.com", "GET", filter, tenant.token(), None);
    assert_eq!(found.json["totalResults"], 1);
    let location = format!("https://contoso.scim.example.com/scim/v2/Users/{id}");
    assert_eq!(found.json["Resources"][0]["meta"]["location"], location.as_str());
    let group = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "G",
        "members": [{"value": id}]});
    let group =
        at_host(&world, "contoso.scim.example.com", "POST", "/scim/v2/Groups", tenant.token(), Some(&group));
    assert_eq!(group.json["members"][0]["$ref"], location.as_str());
}

#[test]
fn a_host_gives_no_one_more_than_a_path_does() {
    let world = world();
    let (contoso, fabrikam) = (world.tenant("contoso"), world.tenant("fabrikam"));
    fabrikam.create_user("theirs@example.com");
    let ask = |host: &str, path: &str, tenant: &Tenant<'_>| {
        at_host(&world, host, "GET", path, tenant.token(), None)
    };
    for (host, path, status) in [
        ("contoso.scim.example.com", "/scim/v2/Users", 200),
        ("fabrikam.scim.example.com", "/scim/v2/Users", 401),
        ("nobody.scim.example.com", "/scim/v2/Users", 401),
        // Named twice, it is named by neither.
        ("contoso.scim.example.com", "/t/contoso/scim/v2/Users", 404),
        ("contoso.scim.example.com", "/t/fabrikam/scim/v2/Users", 404),
        ("fabrikam.scim.example.com", "/t/contoso/scim/v2/Users", 404),
        ("contoso.scim.example.com", "/scim/v2/../../t/fabrikam/scim/v2/Users", 404),
        // Not one of our hosts: only a path can name a tenant.
        ("scim.example.com", "/scim/v2/Users", 404),
        ("a.contoso.scim.example.com", "/scim/v2/Users", 404),
        ("contoso.scim.example.com.evil.test", "/scim/v2/Users", 404),
        ("scim.example.com", "/t/contoso/scim/v2/Users", 200),
    ] {
        let response = ask(host, path, &contoso);
        assert_eq!(response.status, status, "{host}{path}: {}", response.text());
        assert_eq!(response.header("content-type"), Some("application/scim+json"), "{host}{path}");
        if status != 200 {
            assert_eq!(response.json["status"], status.to_string(), "{host}{path}");
        }
    }
    // What a proxy is said to have seen does not name a tenant.
    let bearer = format!("Bearer {}", contoso.token());
    let headers = [("x-forwarded-host", "contoso.scim.example.com"), ("authorization", bearer.as_str())];
    let response = world.http.send("GET", &format!("{}/scim/v2/Users", world.gateway.scim()), &headers, b"");
    assert_eq!(response.status, 404);
}

#[test]
fn without_a_suffix_no_host_names_a_tenant() {
    let world = World::start(Backend::Sqlite);
    let tenant = world.tenant("contoso");
    let response = at_host(&world, "contoso.scim.example.com", "GET", "/scim/v2/Users", tenant.token(), None);
    assert_eq!(response.status, 404);
}

#[test]
fn the_flag_of_entra_is_ignored_wherever_it_stands() {
    let world = world();
    let tenant = world.tenant("contoso");
    let id = tenant.create_user("a@example.com");
    for query in [
        "?aadOptscim062020",
        "?aadOptscim062020&filter=userName%20eq%20%22a@example.com%22",
        "?filter=userName%20eq%20%22a@example.com%22&aadOptscim062020",
        "?startIndex=1&aadOptscim062020=&count=5",
        "?AADOPTSCIM062020=true&aadOptscim062020",
        "?aadOptscim062020?filter=userName%20eq%20%22nobody%22",
    ] {
        let response = tenant.get(&format!("/Users{query}"));
        assert_eq!(
            (response.status, &response.json["totalResults"]),
            (200, &json!(1)),
            "{query}: {}",
            response.text()
        );
        let path = format!("/scim/v2/Users{query}");
        let response = at_host(&world, "contoso.scim.example.com", "GET", &path, tenant.token(), None);
        assert_eq!(response.json["totalResults"], 1, "{query}");
    }
    let patch = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{"op": "replace", "value": {"active": false}}]});
    let patched = tenant.patch(&format!("/Users/{id}?aadOptscim062020"), &patch);
    assert_eq!((patched.status, &patched.json["active"]), (200, &json!(false)), "{}", patched.text());
    assert_eq!(tenant.delete(&format!("/Users/{id}?aadOptscim062020")).status, 204);
}
