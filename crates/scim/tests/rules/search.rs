//! Queries: the words of a URL or of a SearchRequest, paging (RFC 7644 section 3.4.2.4), sorting and cursors (RFC 9865).

use scim::{
    Profile, ScimError, ScimType,
    condition::Comparison,
    schema::{ResourceKind, ResourceType},
    search::{PageLimits, Paging, Position, Query, QueryScope, SortKey, Words, print_cursor},
};
use serde_json::json;

const LIMITS: PageLimits = PageLimits { default: 100, max: 500 };
const ID: &str = "2819c223-7f76-453a-919d-413861904646";

const SCOPE: QueryScope = QueryScope { tenant: [1; 16], profile: Profile::Entra, limits: LIMITS };

fn check(query: &str) -> Result<Query, ScimError> {
    check_for(query, ResourceKind::User, &SCOPE)
}

fn check_for(query: &str, kind: ResourceKind, scope: &QueryScope) -> Result<Query, ScimError> {
    Words::from_url(query)?.check(ResourceType::of(kind), scope)
}

fn refused(query: &str) -> Option<ScimType> {
    let error = check(query).expect_err(query);
    assert_eq!(error.status, 400, "{query}");
    error.scim_type
}

#[test]
fn a_query_is_decoded_as_entra_encodes_it() {
    for query in [
        "filter=userName+eq+%22a%40b%22",
        "filter=userName%20eq%20%22a%40b%22",
        "filter=userName+eq+\"a%40b\"",
        "filter=userName eq \"a@b\"",
        "FILTER=userName+eq+%22a%40b%22&aadOptscim062020",
        "aadOptscim062020&&x=%zz&filter=userName+eq+%22a%40b%22&",
    ] {
        let words = Words::from_url(query).unwrap();
        assert_eq!(words.filter.as_deref(), Some("userName eq \"a@b\""), "{query}");
    }
    assert_eq!(Words::from_url("filter=a%2Bb%C3%A9").unwrap().filter.as_deref(), Some("a+bé"));
    for query in ["filter=%", "filter=%2", "filter=%zz", "filter=%+1", "filter=%ff", "count=1&Count=2"] {
        assert_eq!(refused(query), Some(ScimType::InvalidSyntax), "{query}");
    }
}

#[test]
fn a_search_request_says_the_same_as_a_url() {
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
        "attributes": ["displayName", "userName"],
        "filter": "displayName sw \"smith\"",
        "sortBy": "userName",
        "sortOrder": "descending",
        "startIndex": 2,
        "count": 10,
        "cursor": null,
    });
    let user = ResourceType::of(ResourceKind::User);
    let of_body = Words::from_body(body).unwrap().check(user, &SCOPE).unwrap();
    let of_url = check(
        "attributes=displayName,userName&filter=displayName+sw+%22smith%22&sortBy=userName&sortOrder=descending&startIndex=2&count=10",
    )
    .unwrap();
    assert_eq!(format!("{of_body:?}"), format!("{of_url:?}"));
    for body in [json!([]), json!({ "filter": true }), json!({ "attributes": [1] }), json!({ "count": {} })] {
        assert_eq!(Words::from_body(body).unwrap_err().scim_type, Some(ScimType::InvalidSyntax));
    }
}

/// Ignored, `$filter` would answer a search for one user with all of them; of two filters one would be ignored.
#[test]
fn a_filter_is_never_overlooked() {
    for query in
        ["$filter=userName+eq+%22a%22", "%24filter=userName+pr", "$Filter=", "count=1&$filter=title+pr"]
    {
        assert_eq!(refused(query), Some(ScimType::InvalidFilter), "{query}");
    }
    for query in
        ["filter=title+pr&filter=title+pr", "filter=title+pr&Filter=title+pr", "filter=title+pr&%66ilter=a"]
    {
        assert_eq!(refused(query), Some(ScimType::InvalidSyntax), "{query}");
    }
    let refused_body = |body| Words::from_body(body).unwrap_err().scim_type;
    assert_eq!(refused_body(json!({ "$filter": "title pr" })), Some(ScimType::InvalidFilter));
    assert_eq!(
        refused_body(json!({ "filter": "title pr", "Filter": "title pr" })),
        Some(ScimType::InvalidSyntax)
    );
    assert!(check("$top=1&$count=true&top=7").unwrap().condition.is_none(), "other words are not ours");
}

/// RFC 7644 figure 1: a value of a filter is JSON. Entra's clients write bare words as well.
#[test]
fn the_profile_says_how_filters_are_written() {
    let rfc = QueryScope { profile: Profile::Rfc, ..SCOPE };
    let condition = |filter: &str| check(filter).unwrap().condition;
    for (bare, quoted) in [
        ("filter=userName+eq+bjensen", "filter=userName+eq+%22bjensen%22"),
        ("filter=emails[type+eq+work]", "filter=emails[type+eq+%22work%22]"),
        ("filter=active+eq+TRUE", "filter=active+eq+true"),
        ("filter=meta.created+gt+2026-01-31T12:00:00Z", "filter=meta.created+gt+%222026-01-31T12:00:00Z%22"),
        ("filter=phoneNumbers.value+eq+%2B491234", "filter=phoneNumbers.value+eq+%22%2B491234%22"),
        ("filter=userName+eq+007", "filter=userName+eq+%22007%22"),
        ("filter=userName+eq+Null", "filter=userName+eq+%22null%22"),
        ("filter=externalId+eq+True", "filter=externalId+eq+%22True%22"),
    ] {
        assert_eq!(condition(bare), condition(quoted), "{bare}");
        let strict = check_for(bare, ResourceKind::User, &rfc).expect_err(bare);
        assert_eq!((strict.status, strict.scim_type), (400, Some(ScimType::InvalidFilter)), "{bare}");
        assert!(check_for(quoted, ResourceKind::User, &rfc).is_ok(), "{quoted}");
    }
    // What is JSON is a text of its spelling, whatever it looks like.
    for (word, quoted) in [
        ("1e3", "%221e3%22"),
        ("1.0", "%221.0%22"),
        ("-7", "%22-7%22"),
        ("true", "%22true%22"),
        ("12345678901234567890", "%2212345678901234567890%22"),
    ] {
        let filter = |value: &str| format!("filter=externalId+eq+{value}");
        assert_eq!(condition(&filter(word)), condition(&filter(quoted)), "{word}");
        assert!(check_for(&filter(word), ResourceKind::User, &rfc).is_ok(), "{word}");
    }
}

#[test]
fn pages_are_bounded_and_forgiving() {
    for (query, start_index, count) in [
        ("", 1, 100),
        ("startIndex=3&count=5", 3, 5),
        // RFC 7644 section 3.4.2.4: less than 1 means 1, negative means 0.
        ("startindex=0&count=100", 1, 100),
        ("startIndex=-7&count=-7", 1, 0),
        ("count=0", 1, 0),
        ("count=501", 1, 500),
        ("count=9223372036854775807", 1, 500),
        ("startIndex=9223372036854775807", 9_223_372_036_854_775_807, 100),
        ("startIndex=%203%20", 3, 100),
    ] {
        assert_eq!(check(query).unwrap().paging, Paging::Index { start_index, count }, "{query}");
    }
    for query in ["count=many", "count=", "count=1.5", "startIndex=x", "count=99999999999999999999"] {
        assert_eq!(refused(query), Some(ScimType::InvalidValue), "{query}");
    }
}

#[test]
fn a_cursor_pages_whatever_start_index_says() {
    for query in ["cursor", "cursor=&count=5", "cursor=&startIndex=7"] {
        assert!(matches!(check(query).unwrap().paging, Paging::Cursor { after: None, .. }), "{query}");
    }
    assert_eq!(refused("cursor=&count=many"), Some(ScimType::InvalidCount));
    for cursor in ["x", "AAAA", "%00", "====", "eyJhIjoxfQ"] {
        assert_eq!(refused(&format!("cursor={cursor}")), Some(ScimType::InvalidCursor), "{cursor}");
    }
}

#[test]
fn a_cursor_is_taken_back_by_its_own_query_alone() {
    let filter = "filter=title+pr";
    let query = format!("{filter}&sortBy=userName");
    let position = Position { key: Some(SortKey::Text("jdoe".into())), id: ID.into() };
    let cursor = print_cursor(&position, &check(&query).unwrap().fingerprint);
    let unreserved = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
    assert!(cursor.chars().all(unreserved), "{cursor} needs no encoding");

    // The projection and the size of the page may change under way.
    for same in [
        query.clone(),
        format!("{query}&attributes=id&count=7"),
        query.replace("+", "%20").replace("pr", "PR"),
    ] {
        let paging = check(&format!("{same}&cursor={cursor}")).unwrap().paging;
        assert!(matches!(paging, Paging::Cursor { after: Some(after), .. } if after == position), "{same}");
    }
    for other in [
        "",
        filter,
        "filter=nickName+pr&sortBy=userName",
        "sortBy=userName",
        &format!("{query}&sortOrder=descending"),
    ] {
        assert_eq!(refused(&format!("{other}&cursor={cursor}")), Some(ScimType::InvalidCursor), "{other}");
    }
}

#[test]
fn a_cursor_is_of_no_use_at_another_endpoint_or_to_another_tenant() {
    let position = Position { key: None, id: ID.into() };
    for query in ["", "sortBy=displayName", "filter=displayName+pr"] {
        let cursor = print_cursor(&position, &check(query).unwrap().fingerprint);
        let again = |kind, scope: &QueryScope| {
            check_for(&format!("{query}&cursor={cursor}"), kind, scope)
                .map(drop)
                .map_err(|error| error.scim_type)
        };
        let foreign = Err(Some(ScimType::InvalidCursor));
        assert_eq!(again(ResourceKind::User, &SCOPE), Ok(()));
        assert_eq!(again(ResourceKind::Group, &SCOPE), foreign, "{query}");
        assert_eq!(again(ResourceKind::User, &QueryScope { tenant: [2; 16], ..SCOPE }), foreign, "{query}");
        // Neither what the filter may look like nor the size of pages tells queries apart.
        let limits = PageLimits { default: 1, max: 1 };
        let other = QueryScope { profile: Profile::Rfc, limits, ..SCOPE };
        assert_eq!(again(ResourceKind::User, &other), Ok(()));
    }
}

#[test]
fn a_forged_cursor_brings_nothing_into_the_store() {
    let text = check("sortBy=userName").unwrap().fingerprint;
    let number = check("sortBy=meta.created").unwrap().fingerprint;
    let forged = |sort_by: &str, key: Option<SortKey>, id: &str, fingerprint| {
        let cursor = print_cursor(&Position { key, id: id.into() }, fingerprint);
        check(&format!("sortBy={sort_by}&cursor={cursor}")).map(drop).map_err(|error| error.scim_type)
    };
    let foreign = Err(Some(ScimType::InvalidCursor));
    assert_eq!(forged("userName", Some(SortKey::Text("a".into())), ID, &text), Ok(()));
    assert_eq!(forged("userName", None, ID, &text), Ok(()));
    assert_eq!(forged("userName", Some(SortKey::Number(1.0)), ID, &text), foreign);
    assert_eq!(forged("userName", Some(SortKey::Text("a\0".into())), ID, &text), foreign);
    assert_eq!(forged("userName", None, "x' or 1=1", &text), foreign);
    assert_eq!(forged("meta.created", Some(SortKey::Number(1.0)), ID, &number), Ok(()));
    assert_eq!(forged("meta.created", Some(SortKey::Text("a".into())), ID, &number), foreign);
    // What no schema describes may be sorted by texts and by numbers.
    let by = "urn:acme:hr:badge";
    let mixed = check(&format!("sortBy={by}")).unwrap().fingerprint;
    assert_eq!(forged(by, Some(SortKey::Number(1.0)), ID, &mixed), Ok(()));
    assert_eq!(forged(by, Some(SortKey::Text("a".into())), ID, &mixed), Ok(()));
    assert_eq!(forged(by, Some(SortKey::Text("a\0".into())), ID, &mixed), foreign);
    let unsorted = check("").unwrap().fingerprint;
    assert_eq!(forged("", Some(SortKey::Text("a".into())), ID, &unsorted), foreign);
}

#[test]
fn sorting_is_by_what_has_an_order() {
    for (by, attribute, sub_attribute, comparison) in [
        ("userName", "userName", None, Comparison::UserName),
        ("EXTERNALID", "externalId", None, Comparison::Exact),
        ("name.familyName", "name", Some("familyName"), Comparison::Folded),
        ("emails", "emails", Some("value"), Comparison::Folded),
        ("active", "active", None, Comparison::Boolean),
        ("meta.lastModified", "meta", Some("lastModified"), Comparison::Instant),
        (
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
            "department",
            None,
            Comparison::Folded,
        ),
        (
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User.department",
            "department",
            None,
            Comparison::Folded,
        ),
        ("urn:acme:hr:badge", "badge", None, Comparison::Untyped),
        ("urn:acme:2.0:User.links.value", "links", Some("value"), Comparison::Untyped),
    ] {
        let sort = check(&format!("sortBy={by}&sortOrder=Descending")).unwrap().sort.unwrap();
        assert!(sort.descending);
        assert_eq!(
            (sort.target.attribute.as_str(), sort.target.sub_attribute.as_deref()),
            (attribute, sub_attribute)
        );
        assert_eq!(sort.target.comparison, comparison, "{by}");
    }
    assert_eq!(check("sortOrder=descending").unwrap().sort, None);
    assert_eq!(check("sortBy=").unwrap().sort, None);
    assert!(!check("sortBy=userName").unwrap().sort.unwrap().descending);
    for by in [
        "shoeSize",
        "name",
        "addresses",
        "groups",
        "password",
        "meta.version",
        "urn:acme:2.0:User",
        "urn:ietf:params:scim:schemas:core:2.0:User",
        "a.b.c",
        "emails[a pr]",
    ] {
        assert_eq!(refused(&format!("sortBy={by}")), Some(ScimType::InvalidPath), "{by}");
    }
    assert_eq!(refused("sortBy=userName&sortOrder=up"), Some(ScimType::InvalidValue));
}

#[test]
fn each_word_is_checked_under_its_own_name() {
    assert_eq!(refused("filter=userName"), Some(ScimType::InvalidFilter));
    assert_eq!(refused("filter=shoeSize+pr"), Some(ScimType::InvalidFilter));
    assert_eq!(refused("filter="), Some(ScimType::InvalidFilter));
    assert_eq!(refused("attributes=a.b.c"), Some(ScimType::InvalidPath));
    assert_eq!(refused("attributes=id&excludedAttributes=name"), Some(ScimType::InvalidValue));
}
