//! Filters against resources: a table, and properties against a naive model written for this test alone.

use proptest::prelude::*;
use scim::{
    Profile, ScimType, Timestamp,
    condition::Condition,
    filter::{CompareOp, Filter, Value as Literal, ValueTest},
    path::AttributePath,
    schema::{ResourceKind, ResourceType},
};
use serde_json::{Map, Value, json};

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

fn user() -> &'static ResourceType {
    ResourceType::of(ResourceKind::User)
}

fn condition(text: &str) -> Condition {
    Filter::parse_for(Profile::Entra, text)
        .and_then(|filter| filter.resolve(user()))
        .unwrap_or_else(|error| panic!("{text}: {error:?}"))
}

fn resource() -> Map<String, Value> {
    let resource = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE, "urn:acme:hr"],
        "id": "2819c223-7f76-453a-919d-413861904646",
        "externalId": "Joe",
        "userName": "J.Doe@Contoso.com",
        "name": { "givenName": "Jörg", "familyName": "Doe" },
        "active": false,
        "emails": [
            { "type": "work", "value": "Joe@work.com", "primary": true },
            { "type": "home", "value": "joe@home.org", "primary": false },
        ],
        "roles": [{ "value": "Admin" }],
        "x509Certificates": [{ "value": "TUlJ" }],
        "groups": [{ "value": "e9e30dba-f08f-4109-8486-d5c6a331660a", "type": "direct" }],
        ENTERPRISE: { "department": "R&D", "manager": { "value": "26118915" } },
        "urn:acme:hr": { "badge": 7, "Night": true, "desk": "A1", "id": "x", "meta": { "resourceType": "y" } },
        "urn:acme:2.0:User": {
            "tags": ["a", ["B", ["c", 4]], false],
            "BADGE": "b7",
            "code": "007",
            "zero": "1e3",
            "flag": "True",
            "links": [
                { "Value": "v", "type": "a", "primary": true, "tags": ["x", ["y"]] },
                { "value": "w", "type": "b" },
                [{ "value": "z", "type": "c", "primary": "False" }],
            ],
            "addr": { "City": "Berlin", "zip": 10115 },
        },
        "meta": { "resourceType": "User", "created": "2026-11-24T12:00:00.000Z", "lastModified": "2026-11-24T12:30:00.000Z" },
    });
    let Value::Object(resource) = resource else { unreachable!() };
    resource
}

#[test]
fn filters_find_what_they_say() {
    for (text, found) in [
        ("userName eq \"j.doe@contoso.com\"", true),
        ("USERNAME eq \"J.DOE@CONTOSO.COM\"", true),
        ("userName ne \"j.doe@contoso.com\"", false),
        ("userName sw \"j.D\" and userName ew \".COM\" and userName co \"@\"", true),
        // Fullwidth letters; RFC 7644 section 5.
        ("userName eq \"\u{ff2a}.Doe\u{ff20}contoso.com\"", true),
        ("userName sw \"\u{ff2a}.\" and userName co \"\u{ff24}OE\" and userName ew \"\u{ff0e}com\"", true),
        ("externalId eq \"Joe\"", true),
        ("externalId eq \"joe\"", false),
        ("externalId ne \"joe\"", true),
        ("name.givenName eq \"JÖRG\"", true),
        // Other attributes are compared in lower case alone.
        ("name.givenName eq \"Jo\u{308}rg\"", false),
        ("name.middleName pr", false),
        ("name pr", true),
        ("title pr", false),
        ("title eq null", true),
        ("title ne null", false),
        ("title eq \"x\"", false),
        ("title ne \"x\"", true),
        ("not (title eq \"x\")", true),
        ("active eq false", true),
        ("active eq \"False\"", true),
        ("active ne true", true),
        ("emails eq \"joe@home.org\"", true),
        ("emails.value eq \"JOE@HOME.ORG\"", true),
        ("emails[type eq \"work\"].value eq \"joe@work.com\"", true),
        ("emails[type eq \"WORK\"].value eq \"joe@home.org\"", false),
        ("emails[type eq \"work\"] eq \"joe@work.com\"", true),
        ("emails[type eq \"home\"].value pr", true),
        ("emails[type eq \"other\"].value pr", false),
        ("emails[type eq \"home\" and primary eq true]", false),
        ("emails.type eq \"home\" and emails.primary eq true", true),
        ("emails[primary eq \"True\"].value sw \"joe@w\"", true),
        ("not (emails[type eq \"other\"])", true),
        ("roles eq \"admin\"", true),
        ("x509Certificates eq \"TUlJ\"", true),
        ("x509Certificates eq \"tulj\"", false),
        ("groups eq \"e9e30dba-f08f-4109-8486-d5c6a331660a\"", true),
        ("id eq \"2819c223-7f76-453a-919d-413861904646\" and manager eq \"26118915\"", true),
        ("manager.value eq 26118915", true),
        ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department eq \"r&d\"", true),
        ("urn:ietf:params:scim:schemas:core:2.0:User:name.familyName eq \"doe\"", true),
        ("URN:IETF:params:scim:schemas:core:2.0:user:NAME.FAMILYNAME eq \"doe\"", true),
        ("department eq \"x\" or department eq \"r&d\"", true),
        ("urn:acme:hr:badge ge 7", true),
        ("urn:acme:hr:badge eq \"7\"", false),
        ("urn:acme:hr:badge eq 7", true),
        ("urn:acme:hr:badge eq 7.0", true),
        ("urn:acme:hr:Night eq true", true),
        ("urn:acme:hr:desk eq \"a1\"", true),
        ("urn:acme:hr:desk pr and not (urn:acme:hr:chair pr)", true),
        // Names under an extension are its own, whatever they are called.
        ("urn:acme:hr:id pr", true),
        ("urn:acme:it:id pr", false),
        ("urn:acme:hr:meta.resourceType eq \"y\"", true),
        ("urn:acme:hr:meta.resourceType eq \"User\"", false),
        // Names in any case, at each level.
        ("urn:acme:hr:BADGE eq 7", true),
        ("urn:acme:2.0:User:badge eq \"B7\"", true),
        ("URN:ACME:2.0:USER:ADDR.CITY eq \"berlin\"", true),
        ("urn:acme:2.0:User:LINKS[VALUE eq \"v\"]", true),
        // A list stands for its elements, those of lists in lists included.
        ("urn:acme:2.0:User:tags eq \"a\"", true),
        ("urn:acme:2.0:User:tags eq \"b\"", true),
        ("urn:acme:2.0:User:tags eq \"C\"", true),
        ("urn:acme:2.0:User:tags eq 4", true),
        ("urn:acme:2.0:User:tags eq false", true),
        ("urn:acme:2.0:User:tags eq \"d\"", false),
        ("urn:acme:2.0:User:tags ne \"a\"", false),
        ("urn:acme:2.0:User:tags ne \"d\"", true),
        ("urn:acme:2.0:User:tags co \"b\" and urn:acme:2.0:User:tags gt 3", true),
        ("urn:acme:2.0:User:tags pr", true),
        ("urn:acme:2.0:User:tags.value eq \"c\"", true),
        ("urn:acme:2.0:User:tags[value eq \"c\"]", true),
        ("urn:acme:2.0:User:tags[value ne \"c\"]", true),
        ("urn:acme:2.0:User:tags[value sw \"d\"]", false),
        ("urn:acme:2.0:User:links.value eq \"v\"", true),
        ("urn:acme:2.0:User:links.value eq \"z\"", true),
        ("urn:acme:2.0:User:links.tags eq \"y\"", true),
        ("urn:acme:2.0:User:links[type eq \"a\"]", true),
        ("urn:acme:2.0:User:links[type eq \"a\" and value eq \"w\"]", false),
        ("urn:acme:2.0:User:links[type eq \"c\" and value eq \"z\"]", true),
        ("urn:acme:2.0:User:links[type eq \"a\"].value eq \"V\"", true),
        ("urn:acme:2.0:User:links[type eq \"a\"] eq \"w\"", false),
        ("urn:acme:2.0:User:links[tags eq \"y\"].type eq \"a\"", true),
        ("urn:acme:2.0:User:links[tags pr].type eq \"b\"", false),
        ("urn:acme:2.0:User:addr[city eq \"berlin\" and zip gt 10000]", true),
        ("urn:acme:2.0:User:addr.value pr", false),
        ("urn:acme:2.0:User:links eq \"v\"", false),
        // An extension as a whole.
        ("urn:acme:2.0:User pr", true),
        ("urn:acme:2.0:user ne null", true),
        ("not (urn:acme:3.0:User pr)", true),
        ("urn:acme:3.0:User eq null", true),
        ("urn:acme:hr pr", true),
        ("urn:acme:it pr", false),
        ("urn:acme:2.0 pr", false),
        ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User pr", true),
        ("urn:ietf:params:scim:schemas:core:2.0:User pr", true),
        // A dot behind the URN.
        ("urn:acme:2.0:User.code eq \"007\"", true),
        ("urn:acme:2.0:User.addr.city eq \"berlin\"", true),
        ("urn:acme:2.0:User.links[type eq \"a\"].value eq \"v\"", true),
        ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User.department eq \"r&d\"", true),
        ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User.manager.value eq \"26118915\"", true),
        ("urn:ietf:params:scim:schemas:core:2.0:User.name.familyName eq \"doe\"", true),
        // Words keep their spelling.
        ("urn:acme:2.0:User:code eq 007", true),
        ("urn:acme:2.0:User:code eq 7", false),
        ("urn:acme:2.0:User:zero eq 1e3", true),
        ("urn:acme:2.0:User:zero eq 1000", false),
        ("urn:acme:2.0:User:code sw 00 and urn:acme:2.0:User:badge ew 7", true),
        ("urn:acme:2.0:User:flag eq true", true),
        ("urn:acme:hr:night eq True", true),
        ("urn:acme:hr:night eq \"True\"", true),
        ("urn:acme:hr:night ne \"True\"", false),
        // RFC 7643 section 2.4: `primary` that is not there is false.
        ("urn:acme:2.0:User:links[primary eq false and type eq \"b\"]", true),
        ("urn:acme:2.0:User:links[primary eq \"False\" and type eq \"c\"]", true),
        ("urn:acme:2.0:User:links[primary eq false and type eq \"a\"]", false),
        ("urn:acme:2.0:User:links[primary eq \"True\"].value eq \"v\"", true),
        ("urn:acme:2.0:User:links[primary ne true].value eq \"w\"", true),
        ("urn:acme:2.0:User:links.primary eq false", true),
        ("roles[primary eq false]", true),
        ("roles[primary eq \"False\"].value eq \"admin\"", true),
        ("roles[primary ne true]", true),
        ("roles[not (primary eq true)]", true),
        ("roles[primary ne false]", false),
        ("roles[primary eq true]", false),
        ("roles[primary pr]", false),
        ("roles[primary eq null]", true),
        ("roles.primary eq false", true),
        ("roles.primary ne true", true),
        ("roles.primary ne false", false),
        ("emails.primary eq false and emails.primary eq true", true),
        ("emails[primary eq false].value eq \"joe@home.org\"", true),
        ("emails[primary eq false].value eq \"joe@work.com\"", false),
        ("photos[primary eq false]", false),
        ("photos.primary eq false", false),
        ("photos.primary ne true", true),
        ("id pr and meta pr", true),
        ("meta.resourceType eq \"User\"", true),
        ("meta.resourceType eq \"Group\"", false),
        ("meta.resourceType ne \"Group\"", true),
        ("meta.created ge \"2026-11-24T13:00:00+01:00\"", true),
        ("meta.lastModified gt \"2026-11-24T12:30:00Z\"", false),
        ("meta.lastModified lt \"2026-11-24T12:30:00.001Z\"", true),
        ("userName gt \"j\" and userName lt \"k\"", true),
    ] {
        assert_eq!(condition(text).matches(&resource()), found, "{text}");
    }
}

#[test]
fn filters_that_make_no_sense_are_refused() {
    for text in [
        "shoeSize eq 44",
        "name.aura pr",
        "userName.x pr",
        "emails[smell eq \"x\"]",
        "emails[type eq \"work\"].smell eq \"x\"",
        "emails[emails[type eq \"x\"]]",
        "emails[urn:a:b:type eq \"x\"]",
        "name[givenName eq \"x\"]",
        "userName[value eq \"x\"]",
        "name eq \"x\"",
        "addresses eq \"x\"",
        "active gt true",
        "active co \"true\"",
        "active eq \"yes\"",
        "active eq 1",
        "meta.created eq \"yesterday\"",
        "meta.created co \"2026\"",
        "meta.created eq 7",
        "meta.location pr",
        "meta.version eq \"x\"",
        "meta.resourceType co \"U\"",
        "password pr",
        "password eq \"x\"",
        "x509Certificates gt \"x\"",
        "groups.display eq \"x\"",
        "urn:acme:hr:night gt true",
        "urn:acme:hr:night gt null",
        "urn:acme:2.0:User eq \"x\"",
        "urn:acme:2.0:User gt 1",
        "urn:ietf:params:scim:schemas:core:2.0:User eq \"x\"",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User ne \"x\"",
        "urn:acme:hr:links[urn:acme:2.0:User pr]",
        "urn:acme:hr:links[a.b eq \"x\"]",
        "urn:ietf:params:scim:schemas:core:2.0:User.shoeSize pr",
        "urn:ietf:params:scim:schemas:core:2.0:User:shoeSize pr",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:shoeSize pr",
    ] {
        let error = Filter::parse(text).and_then(|filter| filter.resolve(user())).expect_err(text);
        assert_eq!((error.status, error.scim_type), (400, Some(ScimType::InvalidFilter)), "{text}");
    }
}

#[test]
fn a_group_is_found_by_its_members() {
    let group = ResourceType::of(ResourceKind::Group);
    let resource = json!({ "id": "g", "displayName": "All", "members": [{ "value": "u1", "type": "User" }] });
    for (text, found) in [
        ("id eq \"g\" and members eq \"u1\"", true),
        ("members.value eq \"u1\"", true),
        ("members[value eq \"u1\"]", true),
        ("members[value eq \"u1\" and type eq \"group\"]", false),
        ("members eq \"u2\"", false),
        ("members pr", true),
        ("displayName eq \"ALL\"", true),
    ] {
        let condition = Filter::parse(text).and_then(|filter| filter.resolve(group)).unwrap();
        assert_eq!(condition.matches(resource.as_object().unwrap()), found, "{text}");
    }
    let extended =
        json!({ "id": "g", "urn:acme:2.0:Group": { "Tags": ["a", ["b"]], "links": [{ "value": "v" }] } });
    for (text, found) in [
        ("urn:acme:2.0:Group:tags eq \"B\"", true),
        ("urn:acme:2.0:Group.tags eq \"c\"", false),
        ("urn:acme:2.0:group.links[value eq \"v\" and primary eq false]", true),
        ("urn:acme:2.0:Group pr", true),
        ("urn:ietf:params:scim:schemas:core:2.0:Group pr", true),
        ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User pr", false),
    ] {
        let condition = Filter::parse(text).and_then(|filter| filter.resolve(group)).unwrap();
        assert_eq!(condition.matches(extended.as_object().unwrap()), found, "{text}");
    }
    for text in
        ["members.display eq \"x\"", "members[display eq \"x\"]", "userName eq \"x\"", "department pr"]
    {
        assert!(Filter::parse(text).and_then(|filter| filter.resolve(group)).is_err(), "{text}");
    }
}

#[test]
fn matching_queries_are_known_as_look_ups() {
    assert_eq!(condition("USERNAME eq \"A@B\"").as_user_name_lookup(), Some("a@b"));
    assert_eq!(condition("userName eq \"JOSE\u{301}\"").as_user_name_lookup(), Some("jose\u{301}"));
    assert_eq!(condition("id eq \"X\"").as_id_lookup(), Some("X"));
    for text in [
        "userName co \"a\"",
        "userName ne \"a\"",
        "userName eq \"a\" and title pr",
        "urn:a:b:userName eq \"a\"",
    ] {
        assert_eq!(condition(text).as_user_name_lookup(), None, "{text}");
    }
}

// Properties.

/// Attributes of the random resources, each with how a naive reader would compare it.
const ATTRIBUTES: [(&str, Kind); 10] = [
    ("userName", Kind::Folded),
    ("externalId", Kind::Exact),
    ("name.givenName", Kind::Folded),
    ("emails.value", Kind::Folded),
    ("emails.primary", Kind::Bool),
    ("active", Kind::Bool),
    ("meta.created", Kind::Instant),
    ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department", Kind::Folded),
    ("urn:acme:hr:badge", Kind::Untyped),
    ("urn:acme:hr:desks.no", Kind::Untyped),
];

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Folded,
    Exact,
    Bool,
    Instant,
    Untyped,
}

/// Text from a small alphabet, so that tests often hold.
fn word() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a", "A", "ab", "Ab", "b", "ba", "é", "É"]).prop_map(str::to_owned)
}

fn instant() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "2026-01-01T00:00:00Z",
        "2026-01-01T01:00:00+01:00",
        "2026-01-02T00:00:00.000Z",
    ])
    .prop_map(str::to_owned)
}

fn random_resource() -> impl Strategy<Value = Value> {
    let email = (
        prop::option::of(word()),
        prop::option::of(any::<bool>()),
        prop::sample::select(vec!["work", "home"]),
    );
    let parts = (
        prop::option::of(word()),
        prop::option::of(word()),
        prop::option::of(word()),
        prop::option::of(any::<bool>()),
        prop::collection::vec(email, 0..3),
        instant(),
        prop::option::of(word()),
        prop::option::of(undescribed().boxed()),
        prop::option::of(desks().boxed()),
    );
    parts.prop_map(|(user_name, external_id, given, active, emails, created, department, badge, desks)| {
        let mut resource = Map::new();
        let mut put = |key: &str, value: Option<Value>| {
            if let Some(value) = value {
                resource.insert(key.to_owned(), value);
            }
        };
        put("userName", user_name.map(Value::from));
        put("externalId", external_id.map(Value::from));
        put("name", given.map(|given| json!({ "givenName": given })));
        put("active", active.map(Value::from));
        let emails: Vec<Value> = emails
            .into_iter()
            .map(|(value, primary, kind)| {
                let mut email = json!({ "type": kind });
                value.into_iter().for_each(|value| email["value"] = value.into());
                primary.into_iter().for_each(|primary| email["primary"] = primary.into());
                email
            })
            .collect();
        put("emails", (!emails.is_empty()).then(|| emails.into()));
        // Every resource has one.
        put("meta", Some(json!({ "created": created })));
        put(ENTERPRISE, department.map(|department| json!({ "department": department })));
        let own = badge.map(|badge| json!({ "Badge": badge }));
        put("urn:acme:hr", desks.map(|desks| json!({ "desks": desks })).or(own));
        Value::Object(resource)
    })
}

/// A value that no schema describes: simple, or a list of such, or of lists.
fn undescribed() -> impl Strategy<Value = Value> {
    let simple = prop_oneof![
        word().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        (0..3).prop_map(Value::from),
        prop::sample::select(vec!["1", "true"]).prop_map(Value::from),
    ];
    simple.prop_recursive(3, 6, 3, |inner| prop::collection::vec(inner, 1..3).prop_map(Value::from))
}

/// An object with a number, or a list of such, or of lists.
fn desks() -> impl Strategy<Value = Value> {
    let name = prop::sample::select(vec!["no", "No", "other"]);
    let desk = (name, undescribed()).prop_map(|(name, value)| json!({ name: value }));
    desk.prop_recursive(2, 4, 2, |inner| prop::collection::vec(inner, 1..3).prop_map(Value::from))
}

/// A comparison that the kind of its attribute allows.
fn test_of(kind: Kind) -> BoxedStrategy<(CompareOp, Literal)> {
    use CompareOp::{Co, Eq, Ew, Ge, Gt, Le, Lt, Ne, Sw};
    let all = prop::sample::select(vec![Eq, Ne, Co, Sw, Ew, Gt, Ge, Lt, Le]);
    let ordered = prop::sample::select(vec![Eq, Ne, Gt, Ge, Lt, Le]);
    let equal = prop::sample::select(vec![Eq, Ne]);
    let text = (all, word().prop_map(Literal::Text));
    let boolean = (equal, any::<bool>().prop_map(|value| Literal::Word(value.to_string())));
    let number = (ordered.clone(), (0..3i32).prop_map(|number| Literal::Word(number.to_string())));
    match kind {
        Kind::Folded | Kind::Exact => text.boxed(),
        Kind::Bool => boolean.boxed(),
        Kind::Instant => (ordered, instant().prop_map(Literal::Text)).boxed(),
        Kind::Untyped => prop_oneof![text, boolean, number].boxed(),
    }
}

fn random_term() -> impl Strategy<Value = Filter> {
    let compare = prop::sample::select(ATTRIBUTES.to_vec()).prop_flat_map(|(path, kind)| {
        test_of(kind)
            .prop_map(move |(op, value)| Filter::Compare(AttributePath::parse(path).unwrap(), op, value))
    });
    let present = prop::sample::select(ATTRIBUTES.to_vec())
        .prop_map(|(path, _)| Filter::Present(AttributePath::parse(path).unwrap()));
    let value = (test_of(Kind::Folded), prop::sample::select(vec!["work", "home"])).prop_map(
        |((op, value), kind)| {
            let inner =
                Filter::Compare(AttributePath::named("type"), CompareOp::Eq, Literal::Text(kind.to_owned()));
            let test = ValueTest::Compare("value".to_owned(), op, value);
            Filter::ValuePath(AttributePath::named("emails"), Box::new(inner), Some(test))
        },
    );
    prop_oneof![4 => compare, 1 => present, 2 => value]
}

fn random_filter() -> impl Strategy<Value = Filter> {
    random_term().prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(Filter::And),
            prop::collection::vec(inner.clone(), 2..4).prop_map(Filter::Or),
            inner.prop_map(|inner| Filter::Not(Box::new(inner))),
        ]
    })
}

/// The meaning of a filter, straight from the words of RFC 7644 section 3.4.2.2.
fn naive(filter: &Filter, resource: &Value) -> bool {
    match filter {
        Filter::And(parts) => parts.iter().all(|part| naive(part, resource)),
        Filter::Or(parts) => parts.iter().any(|part| naive(part, resource)),
        Filter::Not(inner) => !naive(inner, resource),
        Filter::Present(path) => !naive_values(&path.to_string(), resource).is_empty(),
        Filter::Compare(path, op, literal) => {
            let path = path.to_string();
            let kind = ATTRIBUTES.iter().find(|(name, _)| *name == path).unwrap().1;
            let values = match path.as_str() {
                // RFC 7643 section 2.4: absent is false.
                "emails.primary" => {
                    let emails = resource["emails"].as_array().cloned().unwrap_or_default();
                    emails.iter().map(|email| Value::from(email["primary"] == true)).collect()
                }
                _ => naive_values(&path, resource),
            };
            naive_test(&values, kind, *op, literal)
        }
        Filter::ValuePath(_, inner, test) => {
            let Filter::Compare(_, _, Literal::Text(wanted)) = &**inner else { panic!("not generated") };
            let Some(ValueTest::Compare(_, op, literal)) = test else { panic!("not generated") };
            let emails = resource["emails"].as_array().cloned().unwrap_or_default();
            // `ne` is true of an element of the type whose value is not equal.
            emails.iter().filter(|email| email["type"] == wanted.as_str()).any(|email| {
                let values: Vec<Value> = email.get("value").cloned().into_iter().collect();
                naive_test(&values, Kind::Folded, *op, literal)
            })
        }
    }
}

/// The values of a name in an extension that no schema describes.
fn naive_members(value: &Value, name: &str) -> Vec<Value> {
    let object = value.as_object().cloned().unwrap_or_default();
    let named = object.into_iter().filter(|(key, _)| key.to_lowercase() == name);
    named.flat_map(|(_, value)| naive_flat(&value)).collect()
}

fn naive_flat(value: &Value) -> Vec<Value> {
    match value {
        Value::Array(list) => list.iter().flat_map(naive_flat).collect(),
        single => vec![single.clone()],
    }
}

fn naive_values(path: &str, resource: &Value) -> Vec<Value> {
    if let Some(path) = path.strip_prefix("urn:acme:hr:") {
        let (name, sub) = path.split_once('.').unwrap_or((path, ""));
        let values = naive_members(&resource["urn:acme:hr"], name);
        return match sub {
            "" => values,
            sub => values.iter().flat_map(|value| naive_members(value, sub)).collect(),
        };
    }
    let pointers: Vec<String> = match path {
        "emails.value" => (0..3).map(|index| format!("/emails/{index}/value")).collect(),
        "emails.primary" => (0..3).map(|index| format!("/emails/{index}/primary")).collect(),
        _ => match path.rsplit_once(':') {
            Some((urn, name)) => vec![format!("/{urn}/{name}")],
            None => vec![format!("/{}", path.replace('.', "/"))],
        },
    };
    pointers.iter().filter_map(|pointer| resource.pointer(pointer)).cloned().collect()
}

fn naive_test(values: &[Value], kind: Kind, op: CompareOp, literal: &Literal) -> bool {
    if op == CompareOp::Ne {
        return !naive_test(values, kind, CompareOp::Eq, literal);
    }
    values.iter().any(|value| match (value, literal) {
        (Value::String(text), Literal::Text(wanted)) if kind == Kind::Instant => {
            let millis = |text: &str| Timestamp::parse(text).unwrap();
            naive_order(millis(text), millis(wanted), op)
        }
        (Value::String(text), Literal::Text(wanted)) => {
            let fold = |text: &str| if kind == Kind::Exact { text.to_owned() } else { text.to_lowercase() };
            let (text, wanted) = (fold(text), fold(wanted));
            match op {
                CompareOp::Co => text.contains(&wanted),
                CompareOp::Sw => text.starts_with(&wanted),
                CompareOp::Ew => text.ends_with(&wanted),
                _ => naive_order(text.chars().collect::<Vec<_>>(), wanted.chars().collect(), op),
            }
        }
        (Value::Bool(value), Literal::Word(word)) => word.parse() == Ok(*value),
        (Value::Number(value), Literal::Word(word)) => {
            word.parse().is_ok_and(|wanted| naive_order(value.as_f64().unwrap(), wanted, op))
        }
        // A word of its own spelling.
        (Value::String(text), Literal::Word(word)) => op == CompareOp::Eq && text == word,
        _ => false,
    })
}

fn naive_order<T: PartialOrd>(value: T, wanted: T, op: CompareOp) -> bool {
    match op {
        CompareOp::Eq => value == wanted,
        CompareOp::Gt => value > wanted,
        CompareOp::Ge => value >= wanted,
        CompareOp::Lt => value < wanted,
        CompareOp::Le => value <= wanted,
        CompareOp::Ne | CompareOp::Co | CompareOp::Sw | CompareOp::Ew => panic!("no order"),
    }
}

proptest! {
    #[test]
    fn the_evaluator_agrees_with_the_naive_model(filter in random_filter(), resource in random_resource()) {
        let condition = filter.resolve(user()).unwrap();
        prop_assert_eq!(
            condition.matches(resource.as_object().unwrap()),
            naive(&filter, &resource),
            "{} on {}", filter, resource
        );
    }
}
