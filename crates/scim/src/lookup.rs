//! Lookup keys: the texts of one attribute in the form in which they are compared. By them, resources are found that a
//! filter compares by `eq`.
//!
//! Whatever fulfils the condition has the key, and not all that has the key fulfils it: what is found is tested as a whole.

use crate::{
    comparison::{fold, user_name_key},
    condition::{Comparison, Condition, Literal, Operator, Target},
    filter::resolve_target,
    path::AttributePath,
    schema::{ResourceKind, ResourceType},
};
use serde_json::{Map, Value};
use std::{collections::BTreeSet, fmt};

/// Rises with each change of what [`LookupPath::keys`] or [`Lookup::key`] returns: keys of another version are not to be
/// trusted. Keys of `userName` are not stored here but in a column, which has a version of its own
/// ([`crate::comparison::USER_NAME_KEY_VERSION`]).
pub const KEY_VERSION: i16 = 1;

/// Longest key, in characters. Longer texts are found by their beginning.
const MAX_KEY: usize = 128;

/// A described attribute that holds text, of the resources of one kind: `title`, `emails.value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LookupPath {
    kind: ResourceKind,
    target: Target,
}

/// What is looked up: the resources that have this key at this path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lookup {
    /// Where.
    pub path: LookupPath,
    /// Folded text, or the beginning of it.
    pub key: String,
}

impl LookupPath {
    /// Reads a path as [`fmt::Display`] writes it; `None` if the schemas describe no text there.
    pub fn parse(kind: ResourceKind, text: &str) -> Option<LookupPath> {
        let path = AttributePath::parse(text)?;
        let target = resolve_target(&path, ResourceType::of(kind)).ok()?;
        LookupPath::of(kind, target)
    }

    fn of(kind: ResourceKind, target: Target) -> Option<LookupPath> {
        let is_text =
            matches!(target.comparison, Comparison::Folded | Comparison::UserName | Comparison::Exact);
        // Every resource has one of few values there.
        let tells_apart = target.attribute != "schemas" && target.sub_attribute.as_deref() != Some("type");
        (is_text && tells_apart).then_some(LookupPath { kind, target })
    }

    /// Whose attribute it is.
    pub fn kind(&self) -> ResourceKind {
        self.kind
    }

    /// The attribute.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// The keys of a document (see [`crate::resource`]).
    pub fn keys(&self, document: &Map<String, Value>) -> BTreeSet<String> {
        let texts = self.target.values(document).filter_map(Value::as_str);
        texts.map(|text| key(self.target.comparison, text)).collect()
    }
}

/// As a filter says it; [`LookupPath::parse`] reads it.
impl fmt::Display for LookupPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Target { extension, attribute, sub_attribute, .. } = &self.target;
        let path = AttributePath {
            urn: extension.clone(),
            name: attribute.clone(),
            sub_attribute: sub_attribute.clone(),
        };
        path.fmt(f)
    }
}

/// Exact texts have keys in lower case as well: what is found is tested. No database takes a NUL in a text.
fn key(comparison: Comparison, text: &str) -> String {
    let text = if comparison == Comparison::UserName { user_name_key(text) } else { fold(text) };
    text.chars().filter(|c| *c != '\0').take(MAX_KEY).collect()
}

impl Condition {
    /// The lookups that each find all resources that fulfil the condition: those that tell resources apart best first.
    pub fn lookups(&self, kind: ResourceKind) -> Vec<Lookup> {
        match self {
            Condition::All(parts) => parts.iter().flat_map(|part| part.lookups(kind)).collect(),
            Condition::Test(target, operator, literal) => {
                lookup(kind, target, *operator, literal).into_iter().collect()
            }
            Condition::Element(list, inner) => of_element(kind, list, inner),
            Condition::Any(_) | Condition::Not(_) | Condition::Present(_) | Condition::Never => Vec::new(),
        }
    }
}

fn lookup(kind: ResourceKind, target: &Target, operator: Operator, literal: &Literal) -> Option<Lookup> {
    match (operator, literal) {
        (Operator::Equal, Literal::Text(wanted)) => {
            let key = key(target.comparison, wanted);
            Some(Lookup { path: LookupPath::of(kind, target.clone())?, key })
        }
        _ => None,
    }
}

/// `phoneNumbers[type eq "work" and value eq "…"]`: some element has the value, whatever else is asked of it.
fn of_element(kind: ResourceKind, list: &Target, inner: &Condition) -> Vec<Lookup> {
    let mut found: Vec<Lookup> = parts(inner).iter().filter_map(|test| of_part(kind, list, test)).collect();
    found.sort_by_key(|lookup| lookup.path.target.sub_attribute.as_deref() != Some("value"));
    found
}

/// What an element of a list has to fulfil.
fn parts(inner: &Condition) -> &[Condition] {
    match inner {
        Condition::All(parts) => parts.as_slice(),
        one => std::slice::from_ref(one),
    }
}

/// The lookup of one test of an element.
fn of_part(kind: ResourceKind, list: &Target, test: &Condition) -> Option<Lookup> {
    let Condition::Test(sub, operator, literal) = test else { return None };
    let sub_attribute = Some(sub.attribute.clone());
    let target = Target { sub_attribute, comparison: sub.comparison, ..list.clone() };
    lookup(kind, &target, *operator, literal)
}

/// What conditions have in common that look for one text each in the same place: `title eq "…"`, or
/// `phoneNumbers[type eq "work"].value eq "…"`. One pass over the resources answers all of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    path: LookupPath,
    /// The condition, with no text where it looks for one.
    condition: Condition,
}

impl Shape {
    /// The shape of a condition and the text that it looks for; `None` if it asks for anything else than one text, or
    /// one text and one more thing of the same element.
    pub fn of(kind: ResourceKind, condition: &Condition) -> Option<(Shape, String)> {
        match condition {
            Condition::Test(target, operator, literal) => {
                let path = lookup(kind, target, *operator, literal)?.path;
                let (condition, text) = without_text(condition)?;
                Some((Shape { path, condition }, text))
            }
            Condition::Element(list, inner) => {
                let mut tests = parts(inner).to_vec();
                let is_simple =
                    tests.len() <= 2 && tests.iter().all(|test| matches!(test, Condition::Test(..)));
                let mut lookups = tests
                    .iter()
                    .enumerate()
                    .filter_map(|(place, test)| Some((place, of_part(kind, list, test)?)));
                let (Some((place, found)), None) = (lookups.next(), lookups.next()) else { return None };
                let (test, text) = without_text(&tests[place]).filter(|_| is_simple)?;
                tests[place] = test;
                let condition = Condition::Element(list.clone(), Box::new(Condition::All(tests)));
                Some((Shape { path: found.path, condition }, text))
            }
            _ => None,
        }
    }

    /// Where the text is looked for.
    pub fn path(&self) -> &LookupPath {
        &self.path
    }

    /// The condition that looks for all of these texts at once.
    pub fn looking_for(&self, texts: Vec<String>) -> Condition {
        match &self.condition {
            Condition::Element(list, inner) => {
                let tests = parts(inner).iter().map(|test| with_texts(test, &texts)).collect();
                Condition::Element(list.clone(), Box::new(Condition::All(tests)))
            }
            test => with_texts(test, &texts),
        }
    }
}

/// A test by `eq` without its text, and the text.
fn without_text(test: &Condition) -> Option<(Condition, String)> {
    match test {
        Condition::Test(target, Operator::Equal, Literal::Text(text)) => {
            let without = Condition::Test(target.clone(), Operator::Equal, Literal::OneOf(Vec::new()));
            Some((without, text.clone()))
        }
        _ => None,
    }
}

/// The test with texts, if its text was taken away.
fn with_texts(test: &Condition, texts: &[String]) -> Condition {
    match test {
        Condition::Test(target, operator, Literal::OneOf(_)) => {
            Condition::Test(target.clone(), *operator, Literal::OneOf(texts.to_vec()))
        }
        test => test.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::Filter;
    use serde_json::json;

    const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

    fn lookups(kind: ResourceKind, filter: &str) -> Vec<(String, String)> {
        let condition = Filter::parse(filter).unwrap().resolve(ResourceType::of(kind)).unwrap();
        condition.lookups(kind).into_iter().map(|lookup| (lookup.path.to_string(), lookup.key)).collect()
    }

    fn one(path: &str, key: &str) -> Vec<(String, String)> {
        vec![(path.to_owned(), key.to_owned())]
    }

    #[test]
    fn what_is_compared_by_eq_is_looked_up() {
        use ResourceKind::{Group, User};
        assert_eq!(lookups(User, "title eq \"Lead\""), one("title", "lead"));
        assert_eq!(lookups(User, "name.familyName eq \"X\""), one("name.familyName", "x"));
        assert_eq!(lookups(User, "emails eq \"A@b\""), one("emails.value", "a@b"));
        for work in [
            "phoneNumbers[type eq \"work\"].value eq \"+1\"",
            "phoneNumbers[value eq \"+1\" and type eq \"work\"]",
        ] {
            assert_eq!(lookups(User, work), one("phoneNumbers.value", "+1"));
        }
        let number = format!("{ENTERPRISE}:employeeNumber");
        assert_eq!(lookups(User, "employeeNumber eq \"A7\""), one(&number, "a7"));
        assert_eq!(lookups(User, &format!("{number} eq \"A7\"")), one(&number, "a7"));
        assert_eq!(
            lookups(User, "nickName eq \"N\" and emails[display eq \"D\" and value eq \"V\"]"),
            [one("nickName", "n"), one("emails.value", "v"), one("emails.display", "d")].concat()
        );
        assert_eq!(lookups(User, "userName eq \"JOSE\u{301}\""), one("userName", "jos\u{e9}"));
        assert_eq!(lookups(Group, "displayName eq \"Sales\""), one("displayName", "sales"));
    }

    #[test]
    fn what_others_may_fulfil_is_not_looked_up() {
        for filter in [
            "title ne \"a\"",
            "title sw \"a\"",
            "title pr",
            "title eq \"a\" or nickName eq \"b\"",
            "not (title eq \"a\")",
            "emails[type eq \"work\"]",
            "emails[not (value eq \"a\")]",
            "emails[value eq \"a\" or display eq \"b\"]",
            "active eq true",
            "schemas eq \"urn:ietf:params:scim:schemas:core:2.0:User\"",
            "urn:example:own:2.0:User:level eq \"a\"",
        ] {
            assert_eq!(lookups(ResourceKind::User, filter), [], "{filter}");
        }
    }

    fn shape(filter: &str) -> Option<(Shape, String)> {
        let user = ResourceType::of(ResourceKind::User);
        Shape::of(ResourceKind::User, &Filter::parse(filter).unwrap().resolve(user).unwrap())
    }

    #[test]
    fn conditions_that_differ_in_the_text_alone_have_one_shape() {
        for (one, other) in [
            ("title eq \"A\"", "TITLE eq \"b\""),
            ("emails eq \"A\"", "emails.value eq \"b\""),
            (
                "phoneNumbers[type eq \"work\"].value eq \"A\"",
                "phoneNumbers[type eq \"WORK\" and value eq \"b\"]",
            ),
        ] {
            let ((shape, text), (other_shape, other_text)) = (shape(one).unwrap(), shape(other).unwrap());
            assert_eq!(shape, other_shape, "{one}");
            assert_eq!((text.as_str(), other_text.as_str()), ("a", "b"));
            let both = shape.looking_for(vec![text, other_text]);
            let resource = |value: &str| {
                let list = json!([{"type": "work", "value": value}]);
                let resource = json!({"title": value, "emails": list, "phoneNumbers": list});
                resource.as_object().unwrap().clone()
            };
            assert!(
                both.matches(&resource("a")) && both.matches(&resource("B")) && !both.matches(&resource("c"))
            );
        }
        let work = shape("phoneNumbers[type eq \"work\"].value eq \"a\"").unwrap().0;
        for other in
            ["phoneNumbers[type eq \"home\"].value eq \"a\"", "phoneNumbers.value eq \"a\"", "title eq \"a\""]
        {
            assert_ne!(shape(other).unwrap().0, work, "{other}");
        }
    }

    #[test]
    fn a_condition_that_asks_for_more_has_no_shape() {
        for filter in [
            "title co \"a\"",
            "title eq \"a\" and nickName eq \"b\"",
            "title eq \"a\" or title eq \"b\"",
            "emails[display eq \"a\" and value eq \"b\"]",
            "emails[value eq \"a\" and type eq \"b\" and primary eq true]",
            "emails[value eq \"a\" and not (type eq \"b\")]",
            "emails[type eq \"work\"]",
            "active eq true",
        ] {
            assert_eq!(shape(filter), None, "{filter}");
        }
    }

    #[test]
    fn keys_are_the_folded_texts_of_the_path() {
        let document = json!({
            "title": "LEAD",
            "emails": [{"value": "A@b", "type": "work"}, {"value": "a@B"}, {"display": "c"}, "d"],
            ENTERPRISE: {"employeeNumber": "x".repeat(500), "manager": {"value": "M"}},
        });
        let keys = |path: &str| {
            let path = LookupPath::parse(ResourceKind::User, path).unwrap();
            path.keys(document.as_object().unwrap()).into_iter().collect::<Vec<_>>()
        };
        assert_eq!(keys("title"), ["lead"]);
        assert_eq!(keys("emails.value"), ["a@b"]);
        assert_eq!(keys("nickName"), [""; 0]);
        assert_eq!(keys(&format!("{ENTERPRISE}:employeeNumber")), ["x".repeat(128)]);
        assert_eq!(keys(&format!("{ENTERPRISE}:manager.value")), ["m"]);
        assert_eq!(
            lookups(ResourceKind::User, &format!("title eq \"{}\"", "y".repeat(500))),
            one("title", &"y".repeat(128))
        );
    }

    #[test]
    fn a_path_is_read_as_it_is_written() {
        for path in ["title", "emails.value", &format!("{ENTERPRISE}:manager.value")] {
            assert_eq!(LookupPath::parse(ResourceKind::User, path).unwrap().to_string(), path);
        }
        for none in
            ["active", "nothing", "emails.primary", "emails.type", "urn:example:own:2.0:User:level", ""]
        {
            assert_eq!(LookupPath::parse(ResourceKind::User, none), None, "{none}");
        }
    }
}
