//! The endpoints against RFC 7644, statement by statement.

mod clients;
mod filters;
mod interop;
mod requests;
mod resources;
mod searches;
mod services;
mod versions;

use serde_json::{Value, json};
use test_support::Response;

const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

fn user(user_name: &str) -> Value {
    json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": user_name})
}

fn group(name: &str, members: &[&str]) -> Value {
    let members: Vec<Value> = members.iter().map(|id| json!({"value": id})).collect();
    json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": name, "members": members})
}

fn patch(path: &str, value: Value) -> Value {
    json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{"op": "replace", "path": path, "value": value}]})
}

#[track_caller]
fn assert_error(response: &Response, status: u16, scim_type: Option<&str>) {
    assert_eq!(response.status, status, "{}", response.text());
    assert_eq!(response.header("content-type"), Some("application/scim+json"));
    assert_eq!(response.json["schemas"], json!([ERROR]));
    assert_eq!(response.json["status"], status.to_string());
    assert_eq!(response.json.get("scimType"), scim_type.map(Value::from).as_ref(), "{}", response.text());
    assert!(response.json["detail"].as_str().is_some_and(|detail| detail.len() > 10));
}

fn ids(response: &Response) -> Vec<&str> {
    let list = response.json["Resources"].as_array().expect("Resources");
    list.iter().map(|resource| resource["id"].as_str().expect("id")).collect()
}
