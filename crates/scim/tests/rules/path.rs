//! Paths: whatever can be written reads back, with its brackets.

use proptest::prelude::*;
use scim::{
    Profile, ScimType,
    filter::{CompareOp, Filter, Value as Literal},
    path::{AttributePath, Path},
    urn,
};

fn attribute_path() -> impl Strategy<Value = AttributePath> {
    let known =
        prop::sample::select(vec![urn::USER, urn::GROUP, urn::ENTERPRISE_USER]).prop_map(str::to_owned);
    let urn = prop_oneof![known, "urn:acme:[a-z0-9:.~%-]{0,20}", "https://[a-z0-9./]{1,20}"];
    let name = "[a-zA-Z$][a-zA-Z0-9_-]{0,20}";
    (prop::option::of(urn), name, prop::option::of(name))
        .prop_map(|(urn, name, sub_attribute)| AttributePath { urn, name, sub_attribute })
}

fn filter() -> impl Strategy<Value = Filter> {
    let value = any::<String>().prop_filter("no NUL", |text| !text.contains('\0'));
    let term = (attribute_path(), value)
        .prop_map(|(path, value)| Filter::Compare(path, CompareOp::Eq, Literal::Text(value)));
    term.prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(Filter::And),
            inner.prop_map(|inner| Filter::Not(Box::new(inner))),
        ]
    })
}

proptest! {
    #[test]
    fn an_attribute_path_reads_back(path in attribute_path()) {
        prop_assert_eq!(AttributePath::parse(&path.to_string()), Some(path));
    }

    #[test]
    fn a_value_path_reads_back(path in attribute_path(), filter in filter(), space in "[ \t]{0,2}") {
        let whole = AttributePath { sub_attribute: None, ..path.clone() };
        let sub = path.sub_attribute.as_ref().map_or_else(String::new, |sub| format!(".{sub}"));
        let text = format!("{space}{whole}[{space}{filter}{space}]{sub}{space}");
        prop_assert_eq!(Path::parse(&text), Ok(Path { attribute: path, filter: Some(Box::new(filter)) }), "{}", text);
    }
}

/// A dot behind the URN of any schema that names a resource type is read as the colon.
#[test]
fn a_dot_behind_a_urn_is_its_colon() {
    for urn in [
        urn::USER,
        urn::GROUP,
        urn::ENTERPRISE_USER,
        "urn:ietf:params:scim:schemas:extension:Acme:2.0:User",
        "urn:ietf:params:scim:schemas:extension:Acme:2.0:group",
        "urn:acme:User",
    ] {
        for rest in ["otherMails", "desk.floor", "user", "user.user", "links[type eq \"a\"].value"] {
            let (dot, colon) = (Path::parse(&format!("{urn}.{rest}")), Path::parse(&format!("{urn}:{rest}")));
            assert_eq!(dot, colon, "{urn} {rest}");
            assert_eq!(dot.unwrap().attribute.urn.as_deref(), Some(urn), "{rest}");
        }
        let whole = AttributePath::parse(urn).unwrap();
        assert_eq!((whole.urn.as_deref(), whole.name.as_str()), (Some(urn), ""));
    }
    for (text, whole) in [("urn:acme:2.0", true), ("urn:acme:hr", false)] {
        assert_eq!(AttributePath::parse(text).unwrap().name.is_empty(), whole, "{text}");
    }
}

/// RFC 7644 figure 1: a value in brackets is JSON. Entra's clients write bare words as well.
#[test]
fn the_profile_says_how_brackets_are_written() {
    for word in ["work", "007", "TRUE", "Null", "+491234", "2026-01-31"] {
        let text = format!("emails[type eq {word}].value");
        assert!(Path::parse_for(Profile::Entra, &text).is_ok(), "{text}");
        let error = Path::parse_for(Profile::Rfc, &text).expect_err(&text);
        assert_eq!((error.status, error.scim_type), (400, Some(ScimType::InvalidPath)), "{text}");
    }
    for word in ["7", "1e3", "true", "null", "\"work\""] {
        let text = format!("emails[type eq {word}].value");
        let path = Path::parse_for(Profile::Entra, &text);
        assert!(path.is_ok() && path == Path::parse_for(Profile::Rfc, &text), "{text}");
    }
}

#[test]
fn names_and_urns_are_bounded() {
    let name = |length: usize| "a".repeat(length);
    assert!(AttributePath::parse(&name(128)).is_some());
    assert!(AttributePath::parse(&name(129)).is_none());
    assert!(AttributePath::parse(&format!("a.{}", name(129))).is_none());
    let urn = |length: usize| format!("urn:{}:a", name(length - 4));
    assert!(AttributePath::parse(&urn(256)).is_some());
    assert!(AttributePath::parse(&urn(257)).is_none());
}

/// Values in brackets may be personal data: what is shown of a path in effects and errors leaves them out.
#[test]
fn a_path_is_shown_without_the_values_of_its_filter() {
    let path = Path::parse("emails[value eq \"jane@contoso.com\"].display").unwrap();
    assert_eq!(path.to_string(), "emails[].display");
}
