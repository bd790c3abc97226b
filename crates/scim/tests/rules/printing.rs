//! Filters are printed to what reads back as the same filter: cursors are bound to the printed text.

use proptest::prelude::*;
use scim::{
    Profile,
    filter::{CompareOp, Filter, Value as Literal, ValueTest},
    path::AttributePath,
};

/// Any filter at all, sensible or not.
fn any_filter() -> impl Strategy<Value = Filter> {
    let name = "[a-zA-Z$][a-zA-Z0-9_-]{0,8}";
    let path = (prop::option::of("urn:[a-z0-9:.-]{1,12}"), name, prop::option::of(name))
        .prop_map(|(urn, name, sub)| AttributePath { urn, name, sub_attribute: sub });
    let literal = prop_oneof![
        Just(Literal::Null),
        any::<bool>().prop_map(|value| Literal::Word(value.to_string())),
        any::<f64>().prop_map(|number| Literal::Word(number.to_string())),
        (-1000..1000i32).prop_map(|number| Literal::Word(number.to_string())),
        "[a-zA-Z0-9+._@:-]{1,8}"
            .prop_filter("null is no word", |word| word != "null")
            .prop_map(Literal::Word),
        any::<String>().prop_filter("no NUL", |text| !text.contains('\0')).prop_map(Literal::Text),
    ];
    let op = prop::sample::select(vec![
        CompareOp::Eq,
        CompareOp::Ne,
        CompareOp::Co,
        CompareOp::Sw,
        CompareOp::Ew,
        CompareOp::Gt,
        CompareOp::Ge,
        CompareOp::Lt,
        CompareOp::Le,
    ]);
    let test = prop_oneof![
        name.prop_map(ValueTest::Present),
        (name, op.clone(), literal.clone()).prop_map(|(sub, op, value)| ValueTest::Compare(sub, op, value)),
    ];
    let term = prop_oneof![
        (path.clone(), op, literal).prop_map(|(path, op, value)| Filter::Compare(path, op, value)),
        path.clone().prop_map(Filter::Present),
    ];
    term.prop_recursive(5, 40, 4, move |inner| {
        let whole = path.clone().prop_map(|path| AttributePath { sub_attribute: None, ..path });
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(Filter::And),
            prop::collection::vec(inner.clone(), 2..4).prop_map(Filter::Or),
            inner.clone().prop_map(|inner| Filter::Not(Box::new(inner))),
            (whole, inner, prop::option::of(test.clone())).prop_map(|(path, inner, test)| Filter::ValuePath(
                path,
                Box::new(inner),
                test
            )),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_printed_reads_back(filter in any_filter()) {
        let text = filter.to_string();
        let read = Filter::parse_for(Profile::Entra, &text).map_err(|error| error.detail);
        prop_assert_eq!(read, Ok(filter), "{}", text);
    }
}

#[test]
fn parentheses_stand_only_where_they_are_needed() {
    for (text, printed) in [
        ("(a pr and b pr) or c pr", "a pr and b pr or c pr"),
        ("A PR AND (b Pr Or c pR)", "A pr and (b pr or c pr)"),
        ("a pr and (b pr and c pr)", "a pr and (b pr and c pr)"),
        ("NOT ( a pr )", "not (a pr)"),
        ("a EQ 7 or a eq 1.50 or a eq x", "a eq 7 or a eq 1.50 or a eq x"),
        ("a[b eq null].c NE true", "a[b eq null].c ne true"),
        ("a[b pr] eq 1", "a[b pr].value eq 1"),
    ] {
        assert_eq!(Filter::parse_for(Profile::Entra, text).unwrap().to_string(), printed, "{text}");
    }
}
