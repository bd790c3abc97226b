//! Limits of documents: what is refused, and what never is.

use scim::{
    Profile, ScimError, ScimType,
    limits::{DocumentLimits, Measured},
    patch::PatchRequest,
    schema::{ResourceKind, ResourceType},
};
use serde_json::{Map, Value, json};

const EXTENSION: &str = "urn:acme:2.0:User";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// Small enough that a text shows what is above them.
const LIMITS: DocumentLimits = DocumentLimits { bytes: 200, extension_keys: 5, extensions: 2 };

fn check(before: Option<&Value>, after: &Value) -> Result<(), ScimError> {
    let measured = |document: &Map<String, Value>| json!(document).to_string().len();
    let of = |document| Measured { document, length: measured(document) };
    let object = |document: &Value| document.as_object().unwrap().clone();
    let before = before.map(object);
    LIMITS.check(ResourceType::of(ResourceKind::User), before.as_ref().map(of), of(&object(after)))
}

fn refused(before: Option<&Value>, after: &Value) -> String {
    let error = check(before, after).unwrap_err();
    assert_eq!((error.status, error.scim_type), (400, Some(ScimType::InvalidValue)), "{}", error.detail);
    error.detail
}

/// A user whose title has `letters` letters.
fn titled(letters: usize, active: Option<bool>) -> Value {
    let mut user = json!({ "userName": "u", "title": "x".repeat(letters) });
    if let Some(active) = active {
        user["active"] = active.into();
    }
    user
}

/// A user with one extension for each number, which says how many keys the extension has.
fn extended(keys: &[usize]) -> Value {
    let mut user = json!({ "userName": "u" });
    for (n, keys) in keys.iter().enumerate() {
        user[format!("{EXTENSION}{n}")] =
            (0..*keys).map(|n| (format!("k{n}"), json!(1))).collect::<Map<_, _>>().into();
    }
    user
}

#[test]
fn the_published_defaults() {
    let defaults = DocumentLimits { bytes: 262_144, extension_keys: 500, extensions: 50 };
    assert_eq!(DocumentLimits::default(), defaults);
}

#[test]
fn a_document_is_as_long_as_the_limit_at_most() {
    let length = titled(0, None).to_string().len();
    assert_eq!(check(None, &titled(200 - length, None)), Ok(()));
    assert_eq!(check(None, &titled(200 - length, Some(true))), Ok(()), "active does not count");
    let detail = refused(None, &titled(201 - length, None));
    assert_eq!(
        detail,
        format!(
            "The User would take 201 bytes; at most 200 can be kept. \"title\" takes {} of them. Send a shorter value, or \
             remove the attribute from the attribute mapping.",
            203 - length
        )
    );
}

#[test]
fn a_document_above_the_limit_may_change_but_not_grow() {
    let before = titled(500, Some(true));
    for after in [titled(500, Some(true)), titled(499, Some(true)), titled(0, None)] {
        assert_eq!(check(Some(&before), &after), Ok(()));
    }
    refused(Some(&before), &titled(501, Some(true)));
    refused(Some(&titled(100, None)), &titled(501, None));
}

#[test]
fn a_user_above_the_limit_can_be_deactivated_and_activated() {
    for was in [None, Some(true)] {
        assert_eq!(check(Some(&titled(500, was)), &titled(500, Some(false))), Ok(()));
        assert_eq!(check(Some(&titled(500, Some(false))), &titled(500, Some(true))), Ok(()));
    }
}

#[test]
fn what_is_sent_along_with_a_deactivation_may_go_up_to_twice_the_limit() {
    let before = titled(150, Some(true));
    refused(Some(&before), &titled(300, Some(true)));
    assert_eq!(check(Some(&before), &titled(300, Some(false))), Ok(()));
    refused(Some(&before), &titled(400, Some(false)));
    // It was inactive before.
    refused(Some(&titled(150, Some(false))), &titled(300, Some(false)));
}

#[test]
fn an_undescribed_extension_has_so_many_keys_at_most() {
    assert_eq!(check(None, &extended(&[5, 5])), Ok(()));
    let detail = refused(None, &extended(&[5, 6]));
    assert!(detail.starts_with("The extension \"urn:acme:2.0:User1\" would have 6 attributes"), "{detail}");
    assert!(detail.contains("at most 5 can be kept. Remove some of them"), "{detail}");
    let deep = json!({ "userName": "u", EXTENSION: { "a": { "b": [{ "c": 1, "d": 1 }, { "c": 1 }] } } });
    assert_eq!(check(None, &deep), Ok(()));
    let deeper =
        json!({ "userName": "u", EXTENSION: { "a": { "b": [{ "c": 1, "d": 1 }, { "c": 1, "d": 1 }] } } });
    refused(None, &deeper);
    // What a schema describes is bounded by it.
    let described = json!({ "a": 1, "b": 1, "c": 1, "d": 1, "e": 1, "f": 1 });
    assert_eq!(check(None, &json!({ "userName": "u", ENTERPRISE: described })), Ok(()));
    // Above the limit each extension may shrink, for itself.
    let before = extended(&[9, 9]);
    assert_eq!(check(Some(&before), &extended(&[9, 8])), Ok(()));
    refused(Some(&before), &extended(&[8, 10]));
    refused(Some(&extended(&[9])), &extended(&[0, 9]));
}

#[test]
fn a_document_has_so_many_undescribed_extensions_at_most() {
    assert_eq!(check(None, &extended(&[1, 1])), Ok(()));
    let detail = refused(None, &extended(&[1, 1, 1]));
    assert!(
        detail.starts_with(
            "The User would have 3 extensions that /Schemas does not describe; at most 2 can be kept."
        ),
        "{detail}"
    );
    assert_eq!(check(Some(&extended(&[1, 1, 1, 1])), &extended(&[1, 1, 1])), Ok(()));
    refused(Some(&extended(&[1, 1, 1])), &extended(&[1, 1, 1, 1]));
}

#[test]
fn the_work_of_a_patch_grows_with_document_and_operations() {
    let request = |operations: Vec<Value>| {
        PatchRequest::parse(Profile::Entra, json!({ "Operations": operations })).unwrap()
    };
    let path = "emails[type eq \"work\"].value";
    let operation = json!({ "op": "Replace", "path": path, "value": "a@example.com" });
    let as_key = json!({ "op": "Replace", "value": { path: "a@example.com" } });
    let in_list = json!({ "op": "Replace", "path": "emails.type", "value": "home" });
    let ordinary = request(vec![operation.clone(); 10]).work(3_000);
    assert!((8_000..20_000).contains(&ordinary), "{ordinary}");
    for operation in [operation, as_key, in_list] {
        let many = request(vec![operation; 200]).work(40_000);
        assert!(many > 1_000_000, "{many}");
    }
    assert!(
        request(vec![json!({ "op": "add", "path": "title", "value": "x".repeat(70_000) })]).work(0) > 70_000
    );
}
