//! Random filters on random resources, against a naive model written for this test alone.

use proptest::prelude::*;
use scim::{
    Timestamp,
    filter::{CompareOp, Filter, Value as Literal, ValueTest},
    path::AttributePath,
    schema::{ResourceKind, ResourceType},
};
use serde_json::{Map, Value, json};

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

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
        let condition = filter.resolve(ResourceType::of(ResourceKind::User)).unwrap();
        prop_assert_eq!(
            condition.matches(resource.as_object().unwrap()),
            naive(&filter, &resource),
            "{} on {}", filter, resource
        );
    }
}
