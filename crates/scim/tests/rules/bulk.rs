//! Bulk requests (RFC 7644 section 3.7).

use scim::{
    ScimError, ScimType,
    bulk::{Answer, BulkRequest, Method, response},
    schema::ResourceKind,
};
use serde_json::{Value, json};
use std::collections::HashMap;

fn request(operations: Value) -> Value {
    json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": operations })
}

#[test]
fn the_figure_of_the_standard_is_read() {
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "failOnErrors": 1,
        "Operations": [
            { "method": "POST", "path": "/Users", "bulkId": "qwerty", "data": { "userName": "Alice" } },
            { "method": "PUT", "path": "/Users/b7c14771", "version": "W/\"3694e05e9dff591\"", "data": { "userName": "Bob" } },
            { "method": "PATCH", "path": "/Groups/5d8d29d3", "version": "W/\"edac3253e2c0ef2\"", "data": { "Operations": [] } },
            { "method": "DELETE", "path": "/Users/e9025315", "version": "W/\"0ee8add0a938e1a\"" },
        ],
    });
    let request = BulkRequest::parse(body, 4).unwrap();
    assert_eq!(request.fail_on_errors, Some(1));
    let read: Vec<_> = request.operations.into_iter().map(|(_, operation)| operation.unwrap()).collect();
    let words: Vec<_> = read
        .iter()
        .map(|read| (read.method, read.kind, read.id.as_deref(), read.bulk_id.as_deref()))
        .collect();
    assert_eq!(
        words,
        [
            (Method::Post, ResourceKind::User, None, Some("qwerty")),
            (Method::Put, ResourceKind::User, Some("b7c14771"), None),
            (Method::Patch, ResourceKind::Group, Some("5d8d29d3"), None),
            (Method::Delete, ResourceKind::User, Some("e9025315"), None),
        ]
    );
    assert_eq!(read[3].version.as_deref(), Some("W/\"0ee8add0a938e1a\""));
}

#[test]
fn a_request_of_the_wrong_shape_is_refused() {
    for body in [
        json!([]),
        json!({}),
        json!({ "Operations": {} }),
        request(json!([
            { "method": "POST", "path": "/Users", "bulkId": "a", "data": {} },
            { "method": "POST", "path": "/Users", "bulkId": "a", "data": {} },
        ])),
    ] {
        assert_eq!(BulkRequest::parse(body, 9).unwrap_err().scim_type, Some(ScimType::InvalidSyntax));
    }
    for fail_on_errors in [json!(0), json!(-1), json!("1"), json!(1.5)] {
        let body = json!({ "failOnErrors": fail_on_errors, "Operations": [] });
        assert_eq!(BulkRequest::parse(body, 9).unwrap_err().scim_type, Some(ScimType::InvalidValue));
    }
    let many = request(
        json!([{ "method": "DELETE", "path": "/Users/1" }, { "method": "DELETE", "path": "/Users/2" }]),
    );
    assert_eq!(BulkRequest::parse(many.clone(), 1).unwrap_err().status, 413);
    assert!(BulkRequest::parse(many, 2).is_ok());
}

#[test]
fn an_operation_that_cannot_be_read_fails_alone() {
    for operation in [
        json!(7),
        json!({ "path": "/Users", "bulkId": "a", "data": {} }),
        json!({ "method": "GET", "path": "/Users/1" }),
        json!({ "method": "POST", "path": "/Users", "data": {} }),
        json!({ "method": "POST", "path": "/Users", "bulkId": "", "data": {} }),
        json!({ "method": "POST", "path": "/Users/1", "bulkId": "a", "data": {} }),
        json!({ "method": "POST", "path": "Users", "bulkId": "a", "data": {} }),
        json!({ "method": "POST", "path": "/Devices", "bulkId": "a", "data": {} }),
        json!({ "method": "DELETE", "path": "/Users" }),
        json!({ "method": "DELETE", "path": "/Users/" }),
        json!({ "method": "PUT", "path": "/Users/1" }),
        json!({ "method": "PATCH", "path": "/Users/1", "data": [] }),
    ] {
        let good = json!({ "method": "delete", "path": "/Groups/1" });
        let request = BulkRequest::parse(request(json!([operation, good])), 9).unwrap();
        let [(_, refused), (_, read)] = request.operations.try_into().unwrap();
        let refused: Result<_, ScimError> = refused;
        assert_eq!(refused.unwrap_err().scim_type, Some(ScimType::InvalidSyntax), "{operation}");
        assert_eq!(read.unwrap().method, Method::Delete);
    }
    // An empty bulkId is none, so that two of them are no name given twice.
    let nameless = json!({ "method": "DELETE", "path": "/Users/1", "bulkId": "" });
    assert!(BulkRequest::parse(request(json!([nameless, nameless])), 9).is_ok());
}

#[test]
fn references_are_found_and_resolved_wherever_they_stand() {
    let body = request(json!([{
        "method": "PATCH",
        "path": "/Groups/bulkId:g",
        "data": { "Operations": [{ "op": "add", "path": "members", "value": [{ "value": "bulkId:u" }, { "value": "7" }] }] },
    }]));
    let mut operation = BulkRequest::parse(body, 9).unwrap().operations.remove(0).1.unwrap();
    assert_eq!(operation.references().into_iter().collect::<Vec<_>>(), ["g", "u"]);
    operation.resolve(&HashMap::from([("u".to_owned(), "U".to_owned())]));
    assert_eq!(operation.references().into_iter().collect::<Vec<_>>(), ["g"]);
    operation.resolve(&HashMap::from([("g".to_owned(), "G".to_owned())]));
    assert_eq!(operation.id.as_deref(), Some("G"));
    assert_eq!(operation.data["Operations"][0]["value"], json!([{ "value": "U" }, { "value": "7" }]));
}

#[test]
fn the_response_repeats_method_and_bulk_id() {
    let body = request(json!([
        { "method": "POST", "path": "/Users", "bulkId": "qwerty", "data": {} },
        { "method": "delete", "path": "/Users/1" },
        { "method": "PUT", "path": "/Users/2", "data": {} },
    ]));
    let answers = [
        Answer::Done { status: 201, location: "https://x/Users/92b".into(), version: Some("W/\"1\"".into()) },
        Answer::Done { status: 204, location: "https://x/Users/1".into(), version: None },
        Answer::Failed { location: Some("https://x/Users/2".into()), error: ScimError::not_found("gone") },
    ];
    let echoes = BulkRequest::parse(body, 9).unwrap().operations.into_iter().map(|(echo, _)| echo);
    assert_eq!(
        response(echoes.zip(answers)),
        json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkResponse"],
            "Operations": [
                { "method": "POST", "bulkId": "qwerty", "location": "https://x/Users/92b", "version": "W/\"1\"", "status": "201" },
                { "method": "delete", "location": "https://x/Users/1", "status": "204" },
                {
                    "method": "PUT",
                    "location": "https://x/Users/2",
                    "status": "404",
                    "response": {
                        "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
                        "status": "404",
                        "detail": "gone",
                    },
                },
            ],
        })
    );
}
