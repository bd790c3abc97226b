//! Errors as the client sees them (RFC 7644 section 3.12).

use scim::{
    Profile, ScimError,
    error::MAX_DETAIL,
    patch::{MAX_COMPARISONS, MAX_OPERATIONS, MAX_STEPS, PatchRequest},
    schema::{ResourceKind, ResourceType},
    value::MAX_VALUES,
};
use serde_json::{Map, Value, json};

#[test]
fn the_body_is_the_standards() {
    let error = ScimError::invalid_value("\"userName\" is required.").context("Operations[2]");
    assert_eq!(
        error.to_json(),
        json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
            "status": "400",
            "scimType": "invalidValue",
            "detail": "Operations[2]: \"userName\" is required.",
        })
    );
    assert_eq!(ScimError::not_found("gone").to_json().get("scimType"), None);
    assert_eq!(ScimError::uniqueness("taken").to_json()["status"], "409");
}

#[test]
fn what_a_client_writes_into_an_error_is_cut() {
    let error = ScimError::invalid_path("é".repeat(MAX_DETAIL + 1));
    assert_eq!(error.detail.chars().count(), MAX_DETAIL + 1);
    assert!(error.detail.ends_with("é…"));
    assert_eq!(ScimError::invalid_path("é".repeat(MAX_DETAIL)).detail, "é".repeat(MAX_DETAIL));
}

#[test]
fn a_refused_operation_is_named() {
    let body = |bad: Value| json!({ "Operations": [{ "op": "add", "path": "title", "value": "x" }, bad] });
    let error = PatchRequest::parse(Profile::Entra, body(json!({ "op": "append" }))).unwrap_err();
    assert_eq!(error.detail, "Operations[1]: \"op\" must be \"add\", \"replace\" or \"remove\".");
    let user = ResourceType::of(ResourceKind::User);
    let request =
        PatchRequest::parse(Profile::Entra, body(json!({ "op": "replace", "path": "id", "value": "7" })))
            .unwrap();
    let error = request.apply(user, Profile::Entra, &Map::new()).unwrap_err();
    assert_eq!(error.detail, "Operations[1]: \"id\" is read-only. Remove it from the attribute mapping.");
}

fn apply(operations: Vec<Value>) -> Result<(), u16> {
    let user = ResourceType::of(ResourceKind::User);
    let document = Map::from_iter([("userName".to_owned(), json!("a"))]);
    let request = PatchRequest::parse(Profile::Entra, json!({ "Operations": operations }));
    request
        .and_then(|request| request.apply(user, Profile::Entra, &document))
        .map(drop)
        .map_err(|error| error.status)
}

#[test]
fn a_patch_has_so_many_operations_at_most() {
    let operations = |count: usize| vec![json!({ "op": "remove", "path": "title" }); count];
    assert_eq!(apply(operations(MAX_OPERATIONS)), Ok(()));
    assert_eq!(apply(operations(MAX_OPERATIONS + 1)), Err(413));
    // The attributes of a path-less value count alike.
    let keys = |count: usize| (0..count).map(|key| (format!("a{key}"), json!(""))).collect::<Map<_, _>>();
    let path_less = |count: usize| vec![json!({ "op": "replace", "value": keys(count) })];
    assert_eq!(apply(path_less(MAX_OPERATIONS)), Ok(()));
    assert_eq!(apply(path_less(MAX_OPERATIONS + 1)), Err(413));
}

#[test]
fn a_patch_makes_so_many_comparisons_at_most() {
    let path = |terms: usize| format!("emails[{}]", vec!["value eq \"a\""; terms].join(" or "));
    let operation = |terms: usize| json!({ "op": "remove", "path": path(terms) });
    assert_eq!(MAX_COMPARISONS, 2_000);
    assert_eq!(apply(vec![operation(200); 10]), Ok(()));
    assert_eq!(apply([vec![operation(200); 10], vec![operation(1)]].concat()), Err(413));
    let as_key = json!({ "op": "replace", "value": { path(1): "" } });
    assert_eq!(apply([vec![operation(200); 10], vec![as_key]].concat()), Err(413));
}

#[test]
fn a_patch_takes_so_many_steps_through_lists_at_most() {
    let values = (0..MAX_VALUES).map(|n| json!({ "value": n.to_string() })).collect::<Value>();
    let fill = json!({ "op": "add", "path": "phoneNumbers", "value": values });
    // Two steps for each value: one to pass it and one to write it.
    let write = |count| vec![json!({ "op": "replace", "path": "phoneNumbers.type", "value": "work" }); count];
    let steps_of_a_write = 2 * MAX_VALUES;
    assert_eq!(MAX_STEPS, 500_000);
    assert_eq!(apply([vec![fill.clone()], write(MAX_STEPS / steps_of_a_write - 1)].concat()), Ok(()));
    assert_eq!(apply([vec![fill], write(MAX_STEPS / steps_of_a_write + 1)].concat()), Err(413));
}
