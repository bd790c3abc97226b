//! What each fuzz target does with its bytes: read them as a stranger's input, and panic where a promise is broken.
//!
//! libFuzzer calls these functions (`fuzz_targets/`), and so do ordinary tests on stable Rust (`tests/rules/hostile.rs`
//! of the `scim` crate, which includes this file).

use scim::{
    Profile,
    bulk::BulkRequest,
    effect,
    filter::Filter,
    list,
    meta::{Meta, Timestamp},
    patch::PatchRequest,
    path::{AttributePath, Path},
    resource,
    schema::{ResourceKind, ResourceType},
    search::{PageLimits, Paging, Position, QueryScope, SortKey, Words, print_cursor},
};
use serde_json::{Map, Value, json};
use std::collections::HashMap;

/// What a target does with its bytes.
pub type Target = fn(&[u8]);

/// Every target by its name.
pub const TARGETS: [(&str, Target); 6] =
    [("filter", filter), ("path", path), ("body", body), ("patch", patch), ("query", query), ("bulk", bulk)];

/// Every resource type under every profile.
fn both() -> impl Iterator<Item = (&'static ResourceType, Profile)> {
    ResourceType::all()
        .into_iter()
        .flat_map(|resource_type| Profile::ALL.map(|profile| (resource_type, profile)))
}

fn text(data: &[u8]) -> &str {
    std::str::from_utf8(data).unwrap_or_default()
}

/// A complete user, as filters and projections see it.
fn user() -> Map<String, Value> {
    let user = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],
        "id": "2819c223-7f76-453a-919d-413861904646",
        "userName": "jdoe@contoso.com",
        "externalId": "jdoe",
        "displayName": "Jane Doe",
        "active": true,
        "name": { "givenName": "Jane", "familyName": "Doe" },
        "emails": [
            { "type": "work", "value": "jdoe@contoso.com", "primary": true },
            { "type": "home", "value": "jane@doe.org" },
        ],
        "roles": [{ "primary": false, "value": "Admin", "display": "Admin" }],
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": { "department": "R&D", "manager": { "value": "7" } },
        "urn:acme:hr": {
            "badge": 7,
            "Tags": ["a", ["b"]],
            "links": [{ "type": "work", "value": "a" }],
            "desk": { "no": 1 },
        },
        "groups": [{ "value": "9", "type": "direct" }],
        "meta": { "resourceType": "User", "created": "2026-01-01T00:00:00.000Z" },
    });
    user.as_object().cloned().unwrap_or_default()
}

/// The document that is stored of it.
fn document() -> Map<String, Value> {
    let mut document = user();
    document.retain(|key, _| !["id", "groups", "meta"].contains(&key.as_str()));
    document
}

/// What is stored must be readable again, and render to JSON.
fn check_document(kind: ResourceKind, document: &Map<String, Value>) {
    let text = Value::from(document.clone()).to_string();
    assert_eq!(scim::json::parse(text.as_bytes()), Ok(Value::from(document.clone())));
    let meta =
        Meta { kind, id: "7".to_owned(), version: 1, created: Timestamp(0), last_modified: Timestamp(0) };
    let rendered = list::open_resource(&text, &meta, "https://juno.example/t/a/scim/v2", &[]) + "}";
    assert!(
        serde_json::from_str::<Value>(&rendered)
            .is_ok_and(|rendered| rendered["meta"]["version"] == "W/\"1\"")
    );
}

/// A filter is refused, or prints to what reads back as itself, and can be resolved and evaluated. What the grammar of the
/// RFC reads, a lenient one reads alike.
pub fn filter(data: &[u8]) {
    let text = text(data);
    let Ok(filter) = Filter::parse_for(Profile::Entra, text) else {
        assert!(Filter::parse(text).is_err());
        return;
    };
    assert_eq!(Filter::parse_for(Profile::Entra, &filter.to_string()).as_ref(), Ok(&filter));
    if let Ok(strict) = Filter::parse(text) {
        assert_eq!(Filter::parse(&strict.to_string()).as_ref(), Ok(&strict));
        assert_eq!(strict, filter);
    }
    for resource_type in ResourceType::all() {
        if let Ok(condition) = filter.resolve(resource_type) {
            condition.matches(&user());
        }
    }
}

/// A path is refused, or prints to what reads back as itself.
pub fn path(data: &[u8]) {
    let text = text(data);
    if let Some(attribute) = AttributePath::parse(text) {
        assert_eq!(AttributePath::parse(&attribute.to_string()), Some(attribute));
    }
    for profile in Profile::ALL {
        if let Ok(path) = Path::parse_for(profile, text)
            && path.filter.is_none()
        {
            assert_eq!(Path::parse_for(profile, &path.to_string()), Ok(path));
        }
    }
}

/// A body is refused, or becomes a document that is a fixed point: created again from itself, it stays as it is.
pub fn body(data: &[u8]) {
    let Ok(body) = scim::json::parse(data) else { return };
    for resource_type in ResourceType::all() {
        for profile in Profile::ALL {
            let Ok(draft) = resource::draft(resource_type, profile, body.clone()) else { continue };
            check_document(resource_type.kind, &draft.document);
            resource::Keys::of(&draft.document);
            let again = resource::draft(resource_type, profile, Value::from(draft.document.clone()));
            assert_eq!(again.map(|again| again.document), Ok(draft.document));
        }
    }
}

/// A PATCH is refused, or ends in a document that can be stored, and in an effect of each operation.
pub fn patch(data: &[u8]) {
    let Ok(body) = scim::json::parse(data) else { return };
    let group = Map::from_iter([
        ("schemas".to_owned(), json!([scim::urn::GROUP])),
        ("displayName".to_owned(), json!("All")),
    ]);
    for (kind, document) in [(ResourceKind::User, document()), (ResourceKind::Group, group)] {
        let resource_type = ResourceType::of(kind);
        for profile in Profile::ALL {
            let Ok(request) = PatchRequest::parse(profile, body.clone()) else { continue };
            let members_only = request.is_members_only(resource_type);
            let Ok(patched) = request.apply(resource_type, profile, &document) else { continue };
            check_document(kind, &patched.document);
            assert_eq!(patched.changed, patched.document != document);
            assert!(!(members_only && patched.changed), "members live in a table");
            let has_effect = |index| patched.effects.iter().any(|effect| effect.operation == index);
            let is_cut = patched.effects.iter().any(|effect| effect.more > 0);
            assert!(is_cut || (0..request.operations.len()).all(has_effect), "nothing is dropped in silence");
            let count: u64 = effect::counts(&patched.effects).iter().map(|kind| kind.count).sum();
            assert!(count >= request.operations.len() as u64);
        }
    }
}

/// A URL query is refused, or its words can be checked; `id` and `schemas` survive every projection, and a cursor that
/// the query gives out is one that it takes back.
pub fn query(data: &[u8]) {
    let Ok(words) = Words::from_url(text(data)) else { return };
    let limits = PageLimits { default: 100, max: 1000 };
    for (resource_type, profile) in both() {
        let scope = QueryScope { tenant: [7; 16], profile, limits };
        let Ok(query) = words.check(resource_type, &scope) else { continue };
        if let Some(condition) = &query.condition {
            condition.matches(&user());
        }
        let mut resource = user();
        query.projection.apply(&mut resource);
        assert!(resource.contains_key("id") && resource.contains_key("schemas"));
        let (Paging::Index { count, .. } | Paging::Cursor { count, .. }) = query.paging;
        assert!(count <= limits.max);
        let id = "2819c223-7f76-453a-919d-413861904646".to_owned();
        for key in [None, Some(SortKey::Text("a".to_owned())), Some(SortKey::Number(1.0))] {
            let position = Position { key, id: id.clone() };
            let next = Words { cursor: Some(print_cursor(&position, &query.fingerprint)), ..words.clone() };
            if let Ok(next) = next.check(resource_type, &scope) {
                assert!(
                    matches!(next.paging, Paging::Cursor { after: Some(after), .. } if after == position)
                );
            }
            let foreign = QueryScope { tenant: [8; 16], ..scope };
            assert!(next.check(resource_type, &foreign).is_err(), "of another tenant");
        }
    }
}

/// A bulk request is refused, or its references can be found and resolved.
pub fn bulk(data: &[u8]) {
    let Ok(body) = scim::json::parse(data) else { return };
    let Ok(request) = BulkRequest::parse(body, 100) else { return };
    for (_, operation) in request.operations {
        let Ok(mut operation) = operation else { continue };
        let ids: HashMap<String, String> =
            operation.references().into_iter().map(|reference| (reference, "7".to_owned())).collect();
        operation.resolve(&ids);
        assert!(operation.references().is_empty(), "every reference is resolved");
    }
}
