//! Filters over HTTP, on both databases: on extensions that no schema describes, on `primary`, and in each profile.

use super::{assert_error, ids, patch};
use crate::{
    scenario::encode,
    world::{Tenant, World},
};
use serde_json::{Value, json};
use test_support::Backend;

const CORE: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// Extensions that no schema describes.
const OWN: &str = "urn:ietf:params:scim:schemas:extension:Acme:2.0:User";
const OWN_GROUP: &str = "urn:ietf:params:scim:schemas:extension:Acme:2.0:Group";

fn on_both(test: impl Fn(&World)) {
    for backend in Backend::ALL {
        test(&World::start(backend));
    }
}

/// What an extension may hold.
fn extension() -> Value {
    json!({
        "tags": ["a", ["b", ["C"]]],
        "badge": "B7",
        "code": "007",
        "level": 3,
        "links": [{"type": "a", "Value": "v", "primary": true}, {"type": "b", "value": "w"}],
        "addr": {"City": "Berlin"},
        "flag": "True",
    })
}

/// Each filter on the extension, and whether the resource that has it is found.
const FILTERS: [(&str, bool); 24] = [
    ("X pr", true),
    ("X eq null", false),
    ("X:tags eq \"a\"", true),
    ("X:TAGS eq \"c\"", true),
    ("X:tags eq \"d\"", false),
    ("X:BADGE eq \"B7\"", true),
    ("X.badge eq \"b7\"", true),
    ("X:badge sw \"B\" and X:level gt 2", true),
    ("X:code eq 007", true),
    ("X:code eq 7", false),
    ("X:links.value eq \"v\"", true),
    ("X.links.VALUE eq \"w\"", true),
    ("X:links[type eq \"a\"]", true),
    ("X:links[type eq \"a\"].value eq \"v\"", true),
    ("X:links[type eq \"a\" and value eq \"w\"]", false),
    ("X:links[type eq \"b\" and primary eq false]", true),
    ("X:links[type eq \"a\" and primary eq false]", false),
    ("X:links[primary ne true].value eq \"w\"", true),
    ("X:tags[value eq \"b\"]", true),
    ("X:addr.city eq \"berlin\"", true),
    ("X:addr[city eq \"berlin\"]", true),
    ("X:flag eq true", true),
    ("X:none pr", false),
    ("not (X:tags eq \"a\")", false),
];

fn found(tenant: &Tenant<'_>, endpoint: &str, filter: &str) -> Vec<String> {
    let response = tenant.get(&encode(&format!("{endpoint}?filter={filter}")).replace('+', "%2B"));
    assert_eq!(response.status, 200, "{filter}: {}", response.text());
    let by_post = tenant.post(&format!("{endpoint}/.search"), &json!({"filter": filter}));
    assert_eq!(by_post.json, response.json, "{filter}");
    ids(&response).into_iter().map(str::to_owned).collect()
}

#[test]
fn an_extension_that_no_schema_describes_is_searched() {
    on_both(|world| {
        let tenant = world.tenant("own");
        let user = json!({"schemas": [CORE, OWN], "userName": "with", OWN: extension()});
        let group = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group", OWN_GROUP],
            "displayName": "With", OWN_GROUP: extension()});
        for (endpoint, body, urn) in [("/Users", &user, OWN), ("/Groups", &group, OWN_GROUP)] {
            let created = tenant.post(endpoint, body);
            assert_eq!(created.status, 201, "{}", created.text());
            let id = created.json["id"].as_str().expect("id");
            for (filter, is_found) in FILTERS {
                let expected: &[&str] = if is_found { &[id] } else { &[] };
                assert_eq!(found(&tenant, endpoint, &filter.replace('X', urn)), expected, "{filter}");
            }
        }
        let other = tenant.create_user("other");
        assert_eq!(found(&tenant, "/Users", &format!("not ({OWN} pr)")), [other.as_str()]);
        // An extension that we know is asked for as a whole too.
        let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
        assert_eq!(found(&tenant, "/Users", &format!("{enterprise} pr")), [""; 0]);
        assert_eq!(tenant.patch(&format!("/Users/{other}"), &patch("department", json!("D"))).status, 200);
        assert_eq!(found(&tenant, "/Users", &format!("{enterprise} pr")), [other.as_str()]);
        assert_eq!(found(&tenant, "/Users", &format!("{enterprise}.department eq \"d\"")), [other.as_str()]);
    });
}

#[test]
fn what_no_schema_describes_can_be_sorted_by() {
    on_both(|world| {
        let tenant = world.tenant("own");
        let values =
            [json!("b"), json!(10), json!("A"), json!(9), json!(true), json!(["c", "a"]), Value::Null];
        for (n, value) in values.iter().enumerate() {
            let user = json!({"schemas": [CORE], "userName": format!("u{n}"), OWN: {"Key": value}});
            assert_eq!(tenant.post("/Users", &user).status, 201);
        }
        let walk = |order: &str| {
            let (mut names, mut cursor) = (Vec::new(), String::new());
            loop {
                let query = format!("sortBy={OWN}.key&sortOrder={order}&count=2&cursor={cursor}");
                let page = tenant.get(&format!("/Users?{query}"));
                let users = page.json["Resources"].as_array().expect("Resources");
                names
                    .extend(users.iter().map(|user| user["userName"].as_str().expect("userName").to_owned()));
                match page.json["nextCursor"].as_str() {
                    Some(next) => cursor = next.to_owned(),
                    None => return names,
                }
            }
        };
        // Numbers and booleans, then texts, then the user without a value.
        let mut expected = ["u4", "u3", "u1", "u2", "u0", "u5", "u6"];
        assert_eq!(walk("ascending"), expected);
        expected.reverse();
        assert_eq!(walk("descending"), expected);
    });
}

/// RFC 7643 section 2.4: `primary` that is not there is false, of each attribute that has one.
#[test]
fn a_value_that_does_not_say_so_is_not_primary() {
    on_both(|world| {
        let tenant = world.tenant("own");
        let lists = [
            "emails",
            "phoneNumbers",
            "ims",
            "photos",
            "addresses",
            "entitlements",
            "roles",
            "x509Certificates",
        ];
        for list in lists {
            let value = |value: &str, primary: Option<bool>| match (list, primary) {
                ("addresses", None) => json!({"locality": value}),
                ("addresses", primary) => json!({"locality": value, "primary": primary}),
                (_, None) => json!({"value": value}),
                (_, primary) => json!({"value": value, "primary": primary}),
            };
            let make = |name: &str, values: Value| {
                let user = json!({"schemas": [CORE], "userName": format!("{name}.{list}"), list: values});
                let created = tenant.post("/Users", &user);
                assert_eq!(created.status, 201, "{}", created.text());
                created.json["id"].as_str().expect("id").to_owned()
            };
            let one = make("one", json!([value("YQ==", Some(true))]));
            let silent = make("silent", json!([value("YQ==", None)]));
            let both = make("both", json!([value("YQ==", Some(true)), value("Yg==", None)]));
            let said = make("said", json!([value("YQ==", Some(false))]));
            let [one, silent, both, said] = [&one, &silent, &both, &said].map(String::as_str);
            for (filter, expected) in [
                ("L[primary eq false]", vec![silent, both, said]),
                ("L[primary eq \"False\"]", vec![silent, both, said]),
                ("L[primary ne true]", vec![silent, both, said]),
                ("L[not (primary eq true)]", vec![silent, both, said]),
                ("L.primary eq false", vec![silent, both, said]),
                ("L[primary eq true]", vec![one, both]),
                ("L[primary ne false]", vec![one, both]),
                ("L.primary eq true", vec![one, both]),
                // `ne` is the negation of `eq`, over all values (docs/adr/0005).
                ("L.primary ne true and L pr", vec![silent, said]),
                ("L.primary ne false and L pr", vec![one]),
                ("L[primary pr]", vec![one, both, said]),
            ] {
                let filter = filter.replace('L', list);
                assert_eq!(found(&tenant, "/Users", &filter), expected, "{filter}");
            }
        }
    });
}

/// Entra's clients write bare words (RFC 7644 figure 1 does not know them), which keep their spelling.
#[test]
fn the_profile_says_whether_words_may_stand_without_quotes() {
    on_both(|world| {
        let (entra, rfc) = (world.tenant("lenient"), world.tenant_of_profile("strict", "rfc"));
        let names = ["bjensen", "1e3", "007", "1.0", "+49301234", "true", "Null", "2026-01-31"];
        for name in names {
            let id = entra.create_user(name);
            assert_eq!(found(&entra, "/Users", &format!("userName eq {name}")), [id.as_str()], "{name}");
            assert_eq!(found(&entra, "/Users", &format!("userName eq \"{name}\"")), [id.as_str()], "{name}");
            rfc.create_user(name);
        }
        for name in ["bjensen", "007", "+49301234", "TRUE", "Null", "2026-01-31"] {
            for filter in [format!("userName eq {name}"), format!("emails[value eq {name}]")] {
                assert_error(
                    &rfc.get(&encode(&format!("/Users?filter={filter}")).replace('+', "%2B")),
                    400,
                    Some("invalidFilter"),
                );
                for path in ["/Users/.search", "/.search"] {
                    assert_error(&rfc.post(path, &json!({"filter": filter})), 400, Some("invalidFilter"));
                }
            }
        }
        // JSON is JSON, and compared with a text it is what it looks like.
        for name in ["1e3", "1.0", "true"] {
            assert_eq!(found(&rfc, "/Users", &format!("userName eq {name}")).len(), 1, "{name}");
        }
        let group = rfc.create_group("All", &[]);
        let by_bare_id = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{"op": "remove", "path": format!("members[value eq {group}]")}]});
        assert_error(&rfc.patch(&format!("/Groups/{group}"), &by_bare_id), 400, Some("invalidPath"));
    });
}

/// A filter says what a resource shows: a user without `active` is neither active nor inactive to it (docs/adr/0005).
#[test]
fn a_user_without_active_is_found_by_its_absence_alone() {
    on_both(|world| {
        let tenant = world.tenant("own");
        let silent = tenant.create_user("silent");
        let post = |name: &str, active: bool| {
            let user = json!({"schemas": [CORE], "userName": name, "active": active});
            tenant.post("/Users", &user).json["id"].as_str().expect("id").to_owned()
        };
        let (active, inactive) = (post("active", true), post("inactive", false));
        let [silent, active, inactive] = [&silent, &active, &inactive].map(String::as_str);
        assert!(tenant.get(&format!("/Users/{silent}")).json.get("active").is_none());
        for (filter, expected) in [
            ("active eq true", vec![active]),
            ("active eq false", vec![inactive]),
            ("active ne false", vec![silent, active]),
            ("active ne true", vec![silent, inactive]),
            ("active pr", vec![active, inactive]),
            ("active eq null", vec![silent]),
            // Names and operators in any case (RFC 7644 section 3.4.2.2).
            ("ACTIVE Eq true", vec![active]),
            ("Active NE False AND NOT (active PR)", vec![silent]),
        ] {
            assert_eq!(found(&tenant, "/Users", filter), expected, "{filter}");
        }
    });
}

#[test]
fn a_cursor_is_taken_back_by_its_own_endpoint_and_tenant_alone() {
    on_both(|world| {
        let tenants = [world.tenant("own"), world.tenant("other")];
        for tenant in &tenants {
            for n in 0..3 {
                tenant.create_user(&format!("u{n}"));
                tenant.create_group(&format!("u{n}"), &[]);
            }
        }
        let [own, other] = &tenants;
        for query in ["", "&sortBy=displayName", "&filter=displayName%20pr", "&filter=id%20pr&sortBy=id"] {
            let page = own.get(&format!("/Users?count=1&cursor{query}"));
            let Some(cursor) = page.json["nextCursor"].as_str() else {
                assert!(query.contains("displayName%20pr"), "no user has a displayName: {query}");
                continue;
            };
            let with_cursor = |endpoint: &str| format!("{endpoint}?count=1&cursor={cursor}{query}");
            assert_eq!(own.get(&with_cursor("/Users")).status, 200, "{query}");
            assert_error(&own.get(&with_cursor("/Groups")), 400, Some("invalidCursor"));
            assert_error(&other.get(&with_cursor("/Users")), 400, Some("invalidCursor"));
            if query.is_empty() {
                let body = json!({"count": 1, "cursor": cursor});
                assert_eq!(own.post("/Users/.search", &body).status, 200);
                for (tenant, path) in [(own, "/Groups/.search"), (own, "/.search"), (other, "/Users/.search")]
                {
                    assert_error(&tenant.post(path, &body), 400, Some("invalidCursor"));
                }
            }
        }
    });
}
