//! The filter language: what is read, as what, and what is refused (RFC 7644 section 3.4.2.2).

use scim::{
    Profile, ScimType,
    filter::{CompareOp, Filter, MAX_DEPTH, MAX_LENGTH, MAX_TERMS, Value, ValueTest},
    path::AttributePath,
};

fn path(text: &str) -> AttributePath {
    AttributePath::parse(text).unwrap()
}

fn eq(name: &str, value: &str) -> Filter {
    Filter::Compare(path(name), CompareOp::Eq, Value::Text(value.to_owned()))
}

/// A comparison with a word without quotes.
fn eq_word(name: &str, word: &str) -> Filter {
    Filter::Compare(path(name), CompareOp::Eq, Value::Word(word.to_owned()))
}

fn pr(name: &str) -> Filter {
    Filter::Present(path(name))
}

fn and(parts: impl Into<Vec<Filter>>) -> Filter {
    Filter::And(parts.into())
}

fn or(parts: impl Into<Vec<Filter>>) -> Filter {
    Filter::Or(parts.into())
}

fn not(inner: Filter) -> Filter {
    Filter::Not(Box::new(inner))
}

fn within(name: &str, inner: Filter, test: Option<ValueTest>) -> Filter {
    Filter::ValuePath(path(name), Box::new(inner), test)
}

fn compare(name: &str, op: CompareOp, value: Value) -> Filter {
    Filter::Compare(path(name), op, value)
}

#[test]
fn not_binds_before_and_and_and_before_or() {
    let (a, b, c, d) = (|| pr("a"), || pr("b"), || pr("c"), || pr("d"));
    for (text, expected) in [
        ("a pr and b pr or c pr", or([and([a(), b()]), c()])),
        ("a pr or b pr and c pr", or([a(), and([b(), c()])])),
        ("a pr or b pr and c pr or d pr", or([a(), and([b(), c()]), d()])),
        ("a pr and b pr and c pr", and([a(), b(), c()])),
        ("a pr or b pr or c pr", or([a(), b(), c()])),
        ("(a pr or b pr) and c pr", and([or([a(), b()]), c()])),
        ("a pr and (b pr and c pr)", and([a(), and([b(), c()])])),
        ("not (a pr) and b pr", and([not(a()), b()])),
        ("not (a pr and b pr)", not(and([a(), b()]))),
        ("not (not (a pr))", not(not(a()))),
        ("a pr and not (b pr or c pr)", and([a(), not(or([b(), c()]))])),
        ("((a pr))", a()),
        ("(a pr)and(b pr)", and([a(), b()])),
        ("( a pr )  or\t( b pr )", or([a(), b()])),
    ] {
        assert_eq!(Filter::parse(text).unwrap(), expected, "{text}");
    }
}

#[test]
fn the_examples_of_the_standard_are_read() {
    let enterprise = "urn:ietf:params:scim:schemas:core:2.0:User:userName sw \"J\"";
    let date = "2011-05-13T04:42:34Z";
    let work = || eq("type", "work");
    for (text, expected) in [
        ("userName Eq \"john\"", eq("userName", "john")),
        ("userName eq \"bjensen\"", eq("userName", "bjensen")),
        (
            "name.familyName co \"O'Malley\"",
            compare("name.familyName", CompareOp::Co, Value::Text("O'Malley".into())),
        ),
        ("userName sw \"J\"", compare("userName", CompareOp::Sw, Value::Text("J".into()))),
        (
            enterprise,
            compare(
                "urn:ietf:params:scim:schemas:core:2.0:User:userName",
                CompareOp::Sw,
                Value::Text("J".into()),
            ),
        ),
        ("title pr", pr("title")),
        (
            "meta.lastModified gt \"2011-05-13T04:42:34Z\"",
            compare("meta.lastModified", CompareOp::Gt, Value::Text(date.into())),
        ),
        ("title pr and userType eq \"Employee\"", and([pr("title"), eq("userType", "Employee")])),
        (
            "userType eq \"Employee\" and (emails co \"example.com\" or emails.value co \"example.org\")",
            and([
                eq("userType", "Employee"),
                or([
                    compare("emails", CompareOp::Co, Value::Text("example.com".into())),
                    compare("emails.value", CompareOp::Co, Value::Text("example.org".into())),
                ]),
            ]),
        ),
        (
            "userType ne \"Employee\" and not (emails co \"example.com\")",
            and([
                compare("userType", CompareOp::Ne, Value::Text("Employee".into())),
                not(compare("emails", CompareOp::Co, Value::Text("example.com".into()))),
            ]),
        ),
        (
            "userType eq \"Employee\" and emails[type eq \"work\" and value co \"@example.com\"]",
            and([
                eq("userType", "Employee"),
                within(
                    "emails",
                    and([work(), compare("value", CompareOp::Co, Value::Text("@example.com".into()))]),
                    None,
                ),
            ]),
        ),
        (
            "emails[type eq \"work\"] or ims[type eq \"xmpp\"]",
            or([within("emails", work(), None), within("ims", eq("type", "xmpp"), None)]),
        ),
    ] {
        assert_eq!(Filter::parse(text).unwrap(), expected, "{text}");
    }
}

#[test]
fn the_filters_of_entra_are_read() {
    let work = || eq("type", "work");
    let value = |sub: &str| Some(ValueTest::Compare(sub.to_owned(), CompareOp::Eq, Value::Text("x".into())));
    for (text, expected) in [
        ("emails[type eq \"work\"].value eq \"x\"", within("emails", work(), value("value"))),
        ("emails[type eq \"work\"] eq \"x\"", within("emails", work(), value("value"))),
        ("emails[type eq \"work\"].display EQ \"x\"", within("emails", work(), value("display"))),
        (
            "emails[type eq \"work\"].value pr",
            within("emails", work(), Some(ValueTest::Present("value".into()))),
        ),
        ("externalId eq jyoung", eq_word("externalId", "jyoung")),
        ("id eq 54D3-A and manager eq 2819-B", and([eq_word("id", "54D3-A"), eq_word("manager", "2819-B")])),
        // RFC 9865 section 2 writes the value without quotes too.
        ("userName sw J", compare("userName", CompareOp::Sw, Value::Word("J".into()))),
        ("members[value eq \"x\"]", within("members", eq("value", "x"), None)),
        (
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department eq \"x\"",
            eq("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department", "x"),
        ),
        ("urn:acme:2.0:User:badge.no pr", pr("urn:acme:2.0:User:badge.no")),
        ("urn:acme:2.0:User.badge.no pr", pr("urn:acme:2.0:User:badge.no")),
        ("urn:acme:2.0:User pr", pr("urn:acme:2.0:User")),
        (
            "urn:acme:2.0:User.links[type eq \"work\"].value eq \"x\"",
            within("urn:acme:2.0:User:links", work(), value("value")),
        ),
        (
            "active eq true and (meta.lastModified ge \"a\" and meta.lastModified le \"b\")",
            and([
                eq_word("active", "true"),
                and([
                    compare("meta.lastModified", CompareOp::Ge, Value::Text("a".into())),
                    compare("meta.lastModified", CompareOp::Le, Value::Text("b".into())),
                ]),
            ]),
        ),
    ] {
        assert_eq!(Filter::parse_for(Profile::Entra, text).unwrap(), expected, "{text}");
    }
}

#[test]
fn every_operator_is_read_in_any_case() {
    for (word, op) in [
        ("eq", CompareOp::Eq),
        ("ne", CompareOp::Ne),
        ("co", CompareOp::Co),
        ("sw", CompareOp::Sw),
        ("ew", CompareOp::Ew),
        ("gt", CompareOp::Gt),
        ("ge", CompareOp::Ge),
        ("lt", CompareOp::Lt),
        ("le", CompareOp::Le),
    ] {
        for word in [word.to_owned(), word.to_uppercase(), mixed(word)] {
            let filter = Filter::parse(&format!("a {word} 1")).unwrap();
            assert_eq!(filter, compare("a", op, Value::Word("1".into())), "{word}");
        }
    }
    assert_eq!(
        Filter::parse("a PR AND NOT (b Pr) Or c pr").unwrap(),
        or([and([pr("a"), not(pr("b"))]), pr("c")])
    );
    // Words of the language may name attributes.
    assert_eq!(Filter::parse("not eq \"x\" and and pr").unwrap(), and([eq("not", "x"), pr("and")]));
}

fn mixed(word: &str) -> String {
    word[..1].to_uppercase() + &word[1..]
}

#[test]
fn every_literal_is_read() {
    let text = |text: &str| Value::Text(text.to_owned());
    let word = |word: &str| Value::Word(word.to_owned());
    for (literal, value) in [
        ("null", Value::Null),
        ("true", word("true")),
        ("false", word("false")),
        ("0", word("0")),
        ("-1.5", word("-1.5")),
        ("1e3", word("1e3")),
        ("1.0", word("1.0")),
        ("12345678901234567890", word("12345678901234567890")),
        ("\"\"", text("")),
        ("\"true\"", text("true")),
        (r#""a\"b\\c\u00e9""#, text("a\"b\\c\u{e9}")),
        ("\"a) or (b pr\"", text("a) or (b pr")),
        ("\"a]b\"", text("a]b")),
    ] {
        let expected = Ok(compare("a", CompareOp::Eq, value));
        for profile in Profile::ALL {
            assert_eq!(Filter::parse_for(profile, &format!("a eq {literal}")), expected, "{literal}");
        }
    }
}

/// Words that are no JSON: Entra's clients write them, RFC 7644 figure 1 does not know them.
#[test]
fn a_bare_word_keeps_its_spelling_or_is_refused() {
    for word in [
        "bjensen",
        "54D3-A",
        "007",
        "+491234",
        ".5",
        "1.",
        "1e",
        "0x1F",
        "NaN",
        "1e999",
        "Null",
        "NULL",
        "True",
        "TRUE",
        "False",
        "FALSE",
        "a@b.com",
        "2026-01-31T12:00:00Z",
        "\u{e9}",
    ] {
        let filter = format!("a eq {word}");
        assert_eq!(Filter::parse_for(Profile::Entra, &filter), Ok(eq_word("a", word)), "{word}");
        for filter in
            [filter, format!("a[b eq {word}]"), format!("a[b pr].c eq {word}"), format!("not (a eq {word})")]
        {
            let error = Filter::parse_for(Profile::Rfc, &filter).expect_err(&filter);
            assert_eq!((error.status, error.scim_type), (400, Some(ScimType::InvalidFilter)), "{filter}");
            assert!(error.detail.contains("double quotes"), "{}", error.detail);
        }
    }
}

#[test]
fn what_is_no_filter_is_refused() {
    for text in [
        "",
        " ",
        "a",
        "a eq",
        "a eq ",
        "a is 1",
        "eq 1",
        "a pr b pr",
        "a pr and",
        "and a pr",
        "a pr or or b pr",
        "(a pr",
        "a pr)",
        "()",
        "not a pr",
        "not (a pr",
        "a eq \"x",
        "a eq 'x'y\"",
        // Another kind of quotes is no bare word: it would be taken into the value.
        "a eq 'x'",
        "a eq “x”",
        "a eq `x`",
        "a eq \"\\x\"",
        "a eq \"\u{0}\"",
        "a eq \"\\u0000\"",
        "a eq \u{0}",
        "a[b pr",
        "a[] pr",
        "a[b pr].",
        "a[b pr].c",
        "a[b pr].c.d pr",
        "a[b pr].u:c pr",
        "a.b[c pr]",
        "a.b.c pr",
        "1a pr",
        "é pr",
        "urn:ietf:params:scim:schemas:core:2.0:User[a pr]",
        "urn:acme:2.0:User[a pr]",
        "a\u{0}b:c pr",
        "a eq \"x\"extra",
    ] {
        for profile in Profile::ALL {
            let error = Filter::parse_for(profile, text).expect_err(text);
            assert_eq!((error.status, error.scim_type), (400, Some(ScimType::InvalidFilter)), "{text}");
        }
    }
}

#[test]
fn an_error_says_where() {
    let error = Filter::parse("a eq \"é\" und b pr").unwrap_err();
    assert_eq!(error.detail, "At character 10 of the filter, the end, \"and\" or \"or\" is expected.");
}

#[test]
fn the_published_limits_hold_to_the_letter() {
    let longest = format!("a eq \"{}\"", "é".repeat(MAX_LENGTH - 7));
    assert!(Filter::parse(&longest).is_ok());
    assert!(Filter::parse(&format!("{longest} ")).is_err());

    let nested = |depth: usize| "(".repeat(depth) + "a pr" + &")".repeat(depth);
    assert!(Filter::parse(&nested(MAX_DEPTH)).is_ok());
    assert!(Filter::parse(&nested(MAX_DEPTH + 1)).is_err());
    let negated = |depth: usize| "not (".repeat(depth) + "a pr" + &")".repeat(depth);
    assert!(Filter::parse(&negated(MAX_DEPTH)).is_ok());
    assert!(Filter::parse(&negated(MAX_DEPTH + 1)).is_err());
    let bracketed = |depth: usize| "a[".repeat(depth) + "a pr" + &"]".repeat(depth);
    assert!(Filter::parse(&bracketed(MAX_DEPTH + 1)).is_err());
    assert!(Filter::parse(&"(".repeat(MAX_LENGTH)).is_err());

    let terms = |count: usize| vec!["a pr"; count].join(" and ");
    assert!(Filter::parse(&terms(MAX_TERMS)).is_ok());
    assert!(Filter::parse(&terms(MAX_TERMS + 1)).is_err());
}
