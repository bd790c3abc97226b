//! Random directories, filters, sort orders and changes, from words chosen to collide and to trip.

use proptest::{
    bool,
    collection::vec,
    option,
    prelude::*,
    sample::{Index, select},
    strategy::Union,
};
use scim::schema::ResourceKind;
use serde_json::{Map, Value, json};

/// Users and groups before they are stored. Members are indices: of users first, then of groups.
#[derive(Clone, Debug)]
pub(crate) struct Directory {
    pub(crate) users: Vec<(u128, Value)>,
    pub(crate) groups: Vec<(u128, Value, Vec<Index>)>,
}

/// Words of many lengths, alphabets and dangers: case that changes length (İ), that depends on its place (Σ), that was
/// late (ẞ), that leads into ASCII (the Kelvin sign); accents in two forms, in two orders, and forms of another width; wildcards, quotes, escapes; what looks like another type.
const WORDS: &[&str] = &[
    "a",
    "A",
    "ab",
    "aB",
    "b",
    "abc",
    "\u{130}x",
    "i\u{307}x",
    "\u{39f}\u{3a3}",
    "\u{3bf}\u{3c3}",
    "\u{3a3}a",
    "stra\u{1e9e}e",
    "stra\u{df}e",
    "wor\u{212a}",
    "work",
    "WORK",
    "home",
    "\u{e9}",
    "E\u{301}",
    "a\u{323}\u{307}",
    "a\u{307}\u{323}",
    "\u{ff41}\u{ff22}",
    "\u{ff8a}\u{ff9e}",
    "\u{30d0}",
    "%",
    "_",
    "a%b",
    "a_b",
    "\\",
    "'",
    "a'b",
    "\"",
    "a\"b",
    "$",
    "{}",
    "[]",
    "null",
    "true",
    "1",
    "10",
    "\u{1}",
    "\u{7f}",
    "\u{d7ff}",
    "\u{e000}",
    "\u{fffd}",
    "\u{10ffff}",
    "a\u{10ffff}",
    "\u{1f600}",
    " a",
    "a ",
    "\n",
    "User",
    "Group",
];

fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => select(&["a", "A", "ab", "b"][..]).prop_map(str::to_owned),
        6 => select(WORDS).prop_map(str::to_owned),
        1 => (select(WORDS), select(WORDS)).prop_map(|(one, two)| format!("{one}{two}")),
        1 => "\\PC{1,4}".prop_filter("no letter that an older ICU does not know", |text| text.chars().all(is_known)),
    ]
}

/// Scripts and letters whose case came with Unicode 16 and 17 fold in Rust, and in PostgreSQL from ICU 76 on.
fn is_known(letter: char) -> bool {
    !matches!(u32::from(letter), 0x1c89 | 0xa7cb..=0xa7dc | 0x10d50..=0x10d65 | 0x16ea0..=0x16eb8)
}

/// An object of those members that are there.
fn object(members: Vec<(&'static str, BoxedStrategy<Value>)>) -> BoxedStrategy<Value> {
    let members: Vec<_> = members
        .into_iter()
        .map(|(name, value)| {
            option::weighted(0.6, value).prop_map(move |value| value.map(|value| (name.to_owned(), value)))
        })
        .collect();
    members.prop_map(|members| Value::Object(members.into_iter().flatten().collect::<Map<_, _>>())).boxed()
}

fn text() -> BoxedStrategy<Value> {
    word().prop_map(Value::from).boxed()
}

fn boolean() -> BoxedStrategy<Value> {
    any::<bool>().prop_map(Value::from).boxed()
}

fn number() -> BoxedStrategy<Value> {
    prop_oneof![
        (-3i64..3).prop_map(Value::from),
        select(&[0.5, -0.0, 1.0, 1e15, 9_007_199_254_740_992.0, 5e-324, 0.1, 2.602_214_076][..])
            .prop_map(Value::from),
    ]
    .boxed()
}

fn values() -> BoxedStrategy<Value> {
    let kind = prop_oneof![3 => select(&["work", "home", "Work", "wor\u{212a}"][..]).prop_map(Value::from), 1 => text()].boxed();
    let few = prop_oneof![3 => select(&["a", "A", "b"][..]).prop_map(Value::from), 1 => text()].boxed();
    let value = object(vec![("value", few), ("type", kind), ("display", text()), ("primary", boolean())]);
    vec(value, 0..4).prop_map(Value::Array).boxed()
}

/// A list of what `element` makes, and of lists of it.
fn nested(element: BoxedStrategy<Value>) -> BoxedStrategy<Value> {
    let list = |element: BoxedStrategy<Value>| vec(element, 0..3).prop_map(Value::Array).boxed();
    list(prop_oneof![3 => element.clone(), 1 => list(element.clone()), 1 => list(list(element))].boxed())
}

/// Values as clients write them where no schema says how: names in any case, booleans as texts.
fn links() -> BoxedStrategy<Value> {
    let few = select(&["a", "A", "b"][..]).prop_map(Value::from).boxed();
    let primary = prop_oneof![boolean(), select(&["True", "false"][..]).prop_map(Value::from)].boxed();
    let link = |value, kind, primary_name: &'static str| {
        object(vec![
            (value, few.clone()),
            (kind, few.clone()),
            (primary_name, primary.clone()),
            ("tags", nested(text())),
        ])
    };
    let link = prop_oneof![link("value", "type", "primary"), link("Value", "TYPE", "Primary")].boxed();
    prop_oneof![link.clone(), nested(link)].boxed()
}

/// An extension that no schema describes, with whatever JSON in it.
fn own_extension() -> BoxedStrategy<Value> {
    let simple = prop_oneof![text(), boolean(), number()].boxed();
    let inner = object(vec![("name", simple.clone()), ("flag", boolean()), ("Deep", text())]);
    let mixed =
        prop_oneof![simple.clone(), inner.clone(), vec(simple.clone(), 0..2).prop_map(Value::Array)].boxed();
    object(vec![
        ("level", simple.clone()),
        ("inner", inner),
        ("list", vec(mixed.clone(), 0..3).prop_map(Value::Array).boxed()),
        ("Tags", nested(simple)),
        ("links", links()),
        ("mixed", mixed),
    ])
}

/// A `$ref` of another form than ours is accepted beside a `value` only.
fn manager() -> BoxedStrategy<Value> {
    object(vec![("value", text()), ("$ref", text())])
        .prop_map(|mut manager| {
            let has_value = manager["value"].as_str().is_some_and(|value| !value.is_empty());
            if let Some(parts) = manager.as_object_mut().filter(|_| !has_value) {
                parts.remove("$ref");
            }
            manager
        })
        .boxed()
}

fn user(index: usize) -> BoxedStrategy<Value> {
    let attributes = object(vec![
        ("externalId", text()),
        ("displayName", text()),
        ("nickName", text()),
        ("title", text()),
        ("profileUrl", text()),
        ("active", boolean()),
        ("name", object(vec![("familyName", text()), ("givenName", text())])),
        ("emails", values()),
        ("phoneNumbers", values()),
        ("photos", values()),
        (
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
            object(vec![("department", text()), ("manager", manager())]),
        ),
        ("urn:example:Own:2.0:User", own_extension()),
        ("urn:example:hr", object(vec![("badge", text())])),
    ]);
    (word(), attributes)
        .prop_map(move |(name, mut body)| {
            // Unique whatever folding does.
            body["userName"] = json!(format!("{name}.{index}"));
            body
        })
        .boxed()
}

fn group() -> BoxedStrategy<Value> {
    let attributes = object(vec![("externalId", text()), ("urn:example:Own:2.0:Group", own_extension())]);
    (word(), attributes)
        .prop_map(|(name, mut body)| {
            body["displayName"] = json!(name);
            body
        })
        .boxed()
}

pub(crate) fn directory() -> impl Strategy<Value = Directory> {
    let users: Vec<_> = (0..10).map(|index| (any::<u128>(), user(index))).collect();
    let groups = vec((any::<u128>(), group(), vec(any::<Index>(), 0..4)), 5);
    (users, groups).prop_map(|(users, groups)| Directory { users, groups })
}

const USER_PATHS: &[&str] = &[
    "userName",
    "externalId",
    "displayName",
    "nickName",
    "title",
    "profileUrl",
    "active",
    "name",
    "name.familyName",
    "emails",
    "emails.value",
    "emails.type",
    "emails.primary",
    "phoneNumbers.display",
    "photos",
    "photos.value",
    "schemas",
    "id",
    "meta",
    "meta.created",
    "meta.lastModified",
    "meta.resourceType",
    "groups",
    "groups.value",
    "manager",
    "manager.value",
    "manager.$ref",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
    "URN:ietf:params:scim:schemas:core:2.0:user:userName",
    "urn:example:Own:2.0:User:level",
    "URN:EXAMPLE:own:2.0:USER:mixed",
    "urn:example:Own:2.0:User:inner.name",
    "urn:example:Own:2.0:User:inner.flag",
    "urn:example:Own:2.0:User:list",
    "urn:example:Own:2.0:User:inner",
    "urn:example:Own:2.0:User",
    "urn:example:Own:2.0:User.TAGS",
    "urn:example:Own:2.0:User:tags.value",
    "urn:example:Own:2.0:User:links",
    "urn:example:Own:2.0:user.Links.value",
    "urn:example:Own:2.0:User:links.primary",
    "urn:example:Own:2.0:User:links.tags",
    "urn:example:Own:2.0:User:list.NAME",
    "urn:example:hr",
    "urn:example:hr:badge",
    "urn:example:none:thing",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
    "urn:ietf:params:scim:schemas:core:2.0:User",
];
const USER_LISTS: &[(&str, &[&str])] = &[
    ("emails", &["value", "type", "display", "primary"]),
    ("phoneNumbers", &["value", "type", "primary"]),
    ("photos", &["value", "type"]),
    ("groups", &["value"]),
    ("urn:example:Own:2.0:User:list", &["name", "flag", "deep", "value"]),
    ("urn:example:Own:2.0:User:links", &["value", "type", "primary", "TAGS"]),
    ("urn:example:Own:2.0:User.tags", &["value", "type"]),
    ("urn:example:Own:2.0:User:INNER", &["name", "Flag"]),
];
const GROUP_PATHS: &[&str] = &[
    "displayName",
    "externalId",
    "id",
    "members",
    "members.value",
    "members.type",
    "meta.lastModified",
    "schemas",
    "urn:example:Own:2.0:Group",
    "urn:example:Own:2.0:Group:LEVEL",
    "urn:example:Own:2.0:Group.tags",
    "urn:example:Own:2.0:Group:links.value",
    "urn:ietf:params:scim:schemas:core:2.0:Group",
];
const GROUP_LISTS: &[(&str, &[&str])] =
    &[("members", &["value", "type"]), ("urn:example:Own:2.0:Group:links", &["value", "type", "primary"])];

/// A value as it stands in a filter. `<u3>`, `<g1>` stand for ids, `<t5>` for a time, which only the test knows.
fn literal() -> BoxedStrategy<String> {
    prop_oneof![
        8 => word().prop_map(|word| Value::from(word).to_string()),
        1 => word().prop_map(|word| Value::from(word.to_lowercase()).to_string()),
        2 => (word(), 0..10).prop_map(|(word, index)| Value::from(format!("{word}.{index}")).to_string()),
        2 => select(&["true", "false", "\"True\"", "FALSE"][..]).prop_map(str::to_owned),
        1 => select(&["a", "10", "1.0", "007", "1e15", "Null"][..]).prop_map(str::to_owned),
        1 => number().prop_map(|number| number.to_string()),
        1 => Just("null".to_owned()),
        1 => Just("\"\"".to_owned()),
        1 => Just("\"urn:ietf:params:scim:schemas:core:2.0:User\"".to_owned()),
        2 => (0..10).prop_map(|index| format!("\"<u{index}>\"")),
        2 => (0..5).prop_map(|index| format!("\"<g{index}>\"")),
        2 => (0..10).prop_map(|index| format!("\"<t{index}>\"")),
        1 => select(&["0", "8", "-", "f"][..]).prop_map(|digit| format!("\"{digit}\"")),
    ]
    .boxed()
}

fn test(path: BoxedStrategy<String>) -> BoxedStrategy<String> {
    let operator = select(&["eq", "eq", "eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"][..]);
    prop_oneof![
        1 => path.clone().prop_map(|path| format!("{path} pr")),
        6 => (path, operator, literal()).prop_map(|(path, operator, literal)| format!("{path} {operator} {literal}")),
    ]
    .boxed()
}

/// And, or, not over tests.
fn combined(test: BoxedStrategy<String>, depth: u32) -> BoxedStrategy<String> {
    test.prop_recursive(depth, 8, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|inner| format!("not ({inner})")),
            (inner.clone(), inner.clone()).prop_map(|(one, two)| format!("({one} and {two})")),
            (inner.clone(), inner).prop_map(|(one, two)| format!("({one} or {two})")),
        ]
    })
    .boxed()
}

fn value_path(list: &'static str, subs: &'static [&'static str]) -> BoxedStrategy<String> {
    let sub = || select(subs).prop_map(str::to_owned).boxed();
    let work = prop_oneof![Just("type eq \"work\"".to_owned()), Just("value eq \"a\"".to_owned())].boxed();
    let inner = || match list {
        "emails" => prop_oneof![3 => combined(test(sub()), 2), 1 => work.clone()].boxed(),
        _ => combined(test(sub()), 2),
    };
    prop_oneof![
        inner().prop_map(move |inner| format!("{list}[{inner}]")),
        (inner(), test(sub())).prop_map(move |(inner, test)| format!("{list}[{inner}].{test}")),
        select(&["\"a\"", "\"B\"", "\"\\u0001\""][..])
            .prop_map(move |value| format!("{list}[type eq \"work\" and value eq {value}]")),
    ]
    .boxed()
}

/// A filter as text; one in some does not resolve (an operator that its attribute does not allow, say).
pub(crate) fn filter(kind: ResourceKind) -> BoxedStrategy<String> {
    let (paths, lists) = match kind {
        ResourceKind::User => (USER_PATHS, USER_LISTS),
        ResourceKind::Group => (GROUP_PATHS, GROUP_LISTS),
    };
    let simple = test(select(paths).prop_map(str::to_owned).boxed());
    let listed = Union::new(lists.iter().map(|(list, subs)| value_path(list, subs)));
    combined(prop_oneof![2 => simple, 1 => listed].boxed(), 3)
}

/// `sortBy`.
pub(crate) fn sort(kind: ResourceKind) -> BoxedStrategy<String> {
    let paths = match kind {
        ResourceKind::User => USER_PATHS,
        ResourceKind::Group => GROUP_PATHS,
    };
    select(paths).prop_map(str::to_owned).boxed()
}

/// A change of a directory, or something that is done beside changes. Resources are indices into those that there were
/// before, which may be deleted by now.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    CreateUser {
        active: bool,
        title: String,
    },
    ReplaceUser {
        user: Index,
        active: bool,
        title: String,
    },
    DeleteUser(Index),
    CreateGroup {
        members: Vec<Index>,
    },
    ReplaceGroup {
        group: Index,
        title: String,
    },
    ChangeMembers {
        group: Index,
        clear: bool,
        add: Vec<Index>,
        remove: Vec<Index>,
    },
    DeleteGroup(Index),
    /// One of those that are kept as deleted.
    Restore(Index),
}

/// Steps of one moment: they are mostly one batch. Then the longest deleted resources that are purged.
pub(crate) type Moment = (Vec<Step>, u32);

pub(crate) fn moments() -> impl Strategy<Value = Vec<Moment>> {
    let some = || vec(any::<Index>(), 0..5);
    let step = prop_oneof![
        1 => (any::<bool>(), word()).prop_map(|(active, title)| Step::CreateUser { active, title }),
        3 => (any::<Index>(), any::<bool>(), word())
            .prop_map(|(user, active, title)| Step::ReplaceUser { user, active, title }),
        4 => any::<Index>().prop_map(Step::DeleteUser),
        1 => some().prop_map(|members| Step::CreateGroup { members }),
        1 => (any::<Index>(), word()).prop_map(|(group, title)| Step::ReplaceGroup { group, title }),
        4 => (any::<Index>(), bool::weighted(0.2), some(), some())
            .prop_map(|(group, clear, add, remove)| Step::ChangeMembers { group, clear, add, remove }),
        2 => any::<Index>().prop_map(Step::DeleteGroup),
        6 => any::<Index>().prop_map(Step::Restore),
    ];
    let purged = prop_oneof![6 => Just(0), 1 => 1..3_u32];
    vec((vec(step, 1..6), purged), 8..16)
}

/// A filter by `eq` that looks for one text where no lookup keys are kept, so that lists which wait together share a scan.
pub(crate) fn lookup() -> BoxedStrategy<String> {
    let path = select(&["photos.value", "phoneNumbers.display", "name.givenName", "manager.value"][..])
        .prop_map(|path| format!("{path} eq @"));
    let value_path = select(
        &[
            "photos[type eq \"work\"].value eq @",
            "photos[type eq \"home\"].value eq @",
            "photos[value eq @ and primary eq true]",
            "emails[display eq @]",
        ][..],
    );
    let filter = prop_oneof![path, value_path.prop_map(str::to_owned)];
    (filter, word()).prop_map(|(filter, word)| filter.replace('@', &Value::from(word).to_string())).boxed()
}
