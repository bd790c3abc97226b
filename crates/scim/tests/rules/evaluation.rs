//! Filters against resources, as a table of what each finds. `evaluation_model.rs` has random ones.

use scim::{
    Profile, ScimType,
    condition::Condition,
    filter::Filter,
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
