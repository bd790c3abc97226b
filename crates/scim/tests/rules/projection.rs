//! `attributes` and `excludedAttributes` (RFC 7644 section 3.9).

use scim::{
    ScimType,
    projection::{MAX_NAMES, Projection},
    schema::{ResourceKind, ResourceType},
};
use serde_json::{Map, Value, json};

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

fn user() -> Map<String, Value> {
    let user = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE, "urn:acme:hr"],
        "id": "7",
        "userName": "jdoe",
        "name": { "givenName": "Jane", "familyName": "Doe" },
        "emails": [{ "type": "work", "value": "a", "primary": true }, { "type": "home", "value": "b" }, { "value": "c" }],
        ENTERPRISE: { "department": "R&D", "manager": { "value": "1", "$ref": "../Users/1" } },
        "urn:acme:hr": { "badge": 7, "desk": { "floor": 1, "no": 2 } },
        "groups": [{ "value": "9", "type": "direct" }],
        "meta": { "resourceType": "User", "version": "W/\"1\"" },
    });
    user.as_object().cloned().unwrap()
}

fn parse(attributes: Option<&str>, excluded: Option<&str>) -> Projection {
    Projection::parse(ResourceType::of(ResourceKind::User), attributes, excluded).unwrap()
}

fn projected(attributes: Option<&str>, excluded: Option<&str>) -> Map<String, Value> {
    let mut resource = user();
    parse(attributes, excluded).apply(&mut resource);
    resource
}

/// The whole user but for id and schemas, which stand in every answer.
fn rest(resource: Map<String, Value>) -> Value {
    let mut resource = resource;
    assert_eq!(resource.shift_remove("id"), Some(json!("7")));
    assert_eq!(resource.shift_remove("schemas"), Some(user()["schemas"].clone()));
    Value::Object(resource)
}

/// Entra writes a dot behind a URN as well.
#[test]
fn a_dot_behind_a_urn_is_its_colon() {
    let (own, desk) = ("urn:acme:2.0:User", json!({ "Floor": 1, "no": 2 }));
    let mut whole = user();
    whole.insert(own.to_owned(), json!({ "badge": 7, "Desk": desk }));
    for (dot, colon) in [
        ("urn:acme:2.0:User.badge", "urn:acme:2.0:User:badge"),
        ("URN:ACME:2.0:USER.DESK.FLOOR", "urn:acme:2.0:User:desk.floor"),
        (
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User.manager.value",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value",
        ),
        ("urn:ietf:params:scim:schemas:core:2.0:User.name", "name"),
    ] {
        for excludes in [false, true] {
            let [dot, colon] = [dot, colon].map(|name| {
                let (only, without) = if excludes { (None, Some(name)) } else { (Some(name), None) };
                let mut resource = whole.clone();
                parse(only, without).apply(&mut resource);
                resource
            });
            assert_eq!(dot, colon);
            assert_ne!(dot, whole);
            assert!(excludes || dot.len() == 3, "{dot:?}");
        }
    }
    // The extension as a whole.
    let mut resource = whole.clone();
    parse(Some(own), None).apply(&mut resource);
    assert_eq!(rest(resource), json!({ own: whole[own] }));
}

#[test]
fn attributes_name_what_is_returned_beside_id_and_schemas() {
    let whole = user();
    for (list, expected) in [
        ("id", json!({})),
        ("schemas", json!({})),
        ("userName", json!({ "userName": "jdoe" })),
        (
            "USERNAME , emails.VALUE",
            json!({ "userName": "jdoe", "emails": [{ "value": "a" }, { "value": "b" }, { "value": "c" }] }),
        ),
        ("emails.type", json!({ "emails": [{ "type": "work" }, { "type": "home" }] })),
        ("emails.type,emails", json!({ "emails": whole["emails"] })),
        ("name.givenName,name.familyName", json!({ "name": whole["name"] })),
        ("name.middleName", json!({})),
        ("shoeSize", json!({})),
        ("meta.version", json!({ "meta": { "version": "W/\"1\"" } })),
        ("groups", json!({ "groups": whole["groups"] })),
        ("urn:ietf:params:scim:schemas:core:2.0:User:userName", json!({ "userName": "jdoe" })),
        (&format!("{ENTERPRISE}:department"), json!({ ENTERPRISE: { "department": "R&D" } })),
        (&format!("{ENTERPRISE}:manager.value"), json!({ ENTERPRISE: { "manager": { "value": "1" } } })),
        (&ENTERPRISE.to_uppercase(), json!({ ENTERPRISE: whole[ENTERPRISE] })),
        ("manager", json!({ ENTERPRISE: { "manager": whole[ENTERPRISE]["manager"] } })),
        ("urn:acme:hr", json!({ "urn:acme:hr": whole["urn:acme:hr"] })),
        ("urn:acme:hr:Badge", json!({ "urn:acme:hr": { "badge": 7 } })),
        ("urn:acme:hr:desk.no", json!({ "urn:acme:hr": { "desk": { "no": 2 } } })),
        (
            "urn:ietf:params:scim:schemas:core:2.0:User",
            json!({ "userName": "jdoe", "name": whole["name"], "emails": whole["emails"], "groups": whole["groups"], "meta": whole["meta"] }),
        ),
    ] {
        assert_eq!(rest(projected(Some(list), None)), expected, "{list}");
    }
}

#[test]
fn excluded_attributes_name_what_is_left_out_but_never_id_and_schemas() {
    let without = |change: &dyn Fn(&mut Map<String, Value>)| {
        let mut resource = user();
        change(&mut resource);
        rest(resource)
    };
    let remove =
        |key: &'static str| move |resource: &mut Map<String, Value>| drop(resource.shift_remove(key));
    for (list, expected) in [
        ("id,schemas", without(&|_| ())),
        ("shoeSize", without(&|_| ())),
        ("EMAILS", without(&remove("emails"))),
        ("groups", without(&remove("groups"))),
        ("meta", without(&remove("meta"))),
        (ENTERPRISE, without(&remove(ENTERPRISE))),
        ("urn:acme:hr", without(&remove("urn:acme:hr"))),
        ("name.givenName", without(&|resource| resource["name"] = json!({ "familyName": "Doe" }))),
        ("name.givenName,name.familyName", without(&remove("name"))),
        // An element without any part is none.
        (
            "emails.value",
            without(&|resource| {
                resource["emails"] = json!([{ "type": "work", "primary": true }, { "type": "home" }])
            }),
        ),
        (
            &format!("{ENTERPRISE}:manager"),
            without(&|resource| resource[ENTERPRISE] = json!({ "department": "R&D" })),
        ),
        (
            &format!("{ENTERPRISE}:manager.$ref"),
            without(&|resource| resource[ENTERPRISE]["manager"] = json!({ "value": "1" })),
        ),
        ("department,manager", without(&remove(ENTERPRISE))),
        (
            "urn:acme:hr:badge",
            without(&|resource| resource["urn:acme:hr"] = json!({ "desk": { "floor": 1, "no": 2 } })),
        ),
    ] {
        assert_eq!(rest(projected(None, Some(list))), expected, "{list}");
    }
}

#[test]
fn empty_lists_are_no_lists() {
    assert_eq!(projected(Some(""), Some(" , ")), user());
    assert_eq!(projected(Some("userName"), Some("")).len(), 3);
}

#[test]
fn both_lists_at_once_and_malformed_names_are_refused() {
    let user = ResourceType::of(ResourceKind::User);
    let refused = |attributes, excluded| Projection::parse(user, attributes, excluded).unwrap_err().scim_type;
    assert_eq!(refused(Some("userName"), Some("emails")), Some(ScimType::InvalidValue));
    for name in ["a.b.c", "emails[type eq \"work\"]", "1a", "é", "a b", ".", "urn:\u{0}:a"] {
        assert_eq!(refused(Some(name), None), Some(ScimType::InvalidPath), "{name}");
        assert_eq!(refused(None, Some(name)), Some(ScimType::InvalidPath), "{name}");
    }
}

#[test]
fn more_names_than_the_limit_are_refused() {
    let user = ResourceType::of(ResourceKind::User);
    let names = |count: usize| vec!["emails.value"; count].join(",");
    assert_eq!(MAX_NAMES, 100);
    for (attributes, excluded) in [(101, 0), (0, 101), (51, 50)] {
        let error = Projection::parse(user, Some(&names(attributes)), Some(&names(excluded))).unwrap_err();
        assert_eq!((error.status, error.scim_type), (400, Some(ScimType::InvalidValue)));
        assert!(
            error.detail.contains("100 names at most. Name the attributes that you need"),
            "{}",
            error.detail
        );
    }
    assert!(Projection::parse(user, Some(&names(MAX_NAMES)), None).is_ok());
    assert!(Projection::parse(user, None, Some(&names(MAX_NAMES))).is_ok());
    // Empty names are none.
    assert!(Projection::parse(user, Some(&",".repeat(10 * MAX_NAMES)), None).is_ok());
}

#[test]
fn a_name_counts_once_in_whatever_case() {
    assert_eq!(parse(Some("userName,USERNAME"), None), parse(Some("username"), None));
    assert_eq!(parse(None, Some("emails,emails.value")), parse(None, Some("emails.type,emails")));
    assert_eq!(parse(None, Some("urn:acme:HR:badge")), parse(None, Some("URN:acme:hr:Badge")));
}

#[test]
fn the_store_knows_what_need_not_be_fetched_or_parsed() {
    let group = ResourceType::of(ResourceKind::Group);
    let parse = |attributes, excluded| Projection::parse(group, attributes, excluded).unwrap();
    for (projection, returns, whole, document) in [
        (Projection::default(), true, true, true),
        (parse(None, Some("members")), false, false, true),
        (parse(None, Some("MEMBERS")), false, false, true),
        (parse(None, Some("members.display")), true, false, false),
        (parse(None, Some("displayName")), true, true, false),
        (parse(None, Some("urn:ietf:params:scim:schemas:core:2.0:Group:members")), false, false, true),
        (parse(None, Some("urn:ietf:params:scim:schemas:core:2.0:Group")), false, false, false),
        (parse(Some("displayName"), None), false, false, false),
        (parse(Some("members"), None), true, true, false),
        (parse(Some("members.value"), None), true, false, false),
    ] {
        assert_eq!(
            (
                projection.returns("members"),
                projection.returns_whole("members"),
                projection.keeps_document_whole()
            ),
            (returns, whole, document),
            "{projection:?}"
        );
    }
}
