//! Errors as the client sees them (RFC 7644 section 3.12).

use scim::{
    Profile, ScimError,
    error::MAX_DETAIL,
    patch::{MAX_COMPARISONS, MAX_OPERATIONS, PatchRequest},
};
use serde_json::json;

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
    let body = |bad: serde_json::Value| json!({ "Operations": [{ "op": "add", "path": "title", "value": "x" }, bad] });
    let error = PatchRequest::parse(Profile::Entra, body(json!({ "op": "append" }))).unwrap_err();
    assert_eq!(error.detail, "Operations[1]: \"op\" must be \"add\", \"replace\" or \"remove\".");
    let user = scim::schema::ResourceType::of(scim::schema::ResourceKind::User);
    let request =
        PatchRequest::parse(Profile::Entra, body(json!({ "op": "replace", "path": "id", "value": "7" })))
            .unwrap();
    let error = request.apply(user, Profile::Entra, &serde_json::Map::new()).unwrap_err();
    assert_eq!(error.detail, "Operations[1]: \"id\" is read-only. Remove it from the attribute mapping.");
}

#[test]
fn a_patch_has_so_many_operations_at_most() {
    let body =
        |count: usize| json!({ "Operations": vec![json!({ "op": "remove", "path": "title" }); count] });
    assert!(PatchRequest::parse(Profile::Entra, body(MAX_OPERATIONS)).is_ok());
    assert_eq!(PatchRequest::parse(Profile::Entra, body(MAX_OPERATIONS + 1)).unwrap_err().status, 413);
}

#[test]
fn a_patch_makes_so_many_comparisons_at_most() {
    let path = |terms: usize| format!("emails[{}]", vec!["value eq \"a\""; terms].join(" or "));
    let body = |count: usize, rest: usize| {
        let mut list = vec![json!({ "op": "remove", "path": path(200) }); count];
        list.push(json!({ "op": "remove", "path": path(rest) }));
        json!({ "Operations": list })
    };
    assert_eq!(MAX_COMPARISONS, 2_000);
    assert!(PatchRequest::parse(Profile::Entra, body(9, 200)).is_ok());
    assert_eq!(PatchRequest::parse(Profile::Entra, body(10, 1)).unwrap_err().status, 413);
}
