//! Names of target attributes as administrators write them, and where they point in a SCIM resource.

use std::fmt;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::expressions::ROLE_TYPE;

/// The enterprise extension of RFC 7643 section 4.3.
pub const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
/// The core schema of users.
pub const CORE_USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// The core schema of groups.
pub const CORE_GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";

/// The type column of the attribute list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum AttributeType {
    /// Text.
    #[default]
    String,
    /// `true` or `false`.
    Boolean,
    /// A whole number.
    Integer,
    /// A moment, sent as text.
    DateTime,
    /// Base64, sent as text.
    Binary,
    /// The `id` of another target object.
    Reference,
}

/// A parsed target attribute: `name.givenName`, `emails[type eq "work"].value`, `urn:…:User:department`.
#[derive(Clone, Debug)]
pub struct Target {
    text: String,
    urn: Option<String>,
    name: String,
    filter: Option<(String, String)>,
    sub: Option<String>,
}

/// Two names that differ only in case are the same attribute (RFC 7643 section 2.1).
impl PartialEq for Target {
    fn eq(&self, other: &Self) -> bool {
        self.text.eq_ignore_ascii_case(&other.text)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Splits a URN from the attribute name; the shape before 2018 has a dot between them.
fn split_urn(text: &str) -> (Option<String>, &str) {
    let plain = text.find('[').map_or(text, |bracket| &text[..bracket]);
    if !plain.to_ascii_lowercase().starts_with("urn:") {
        return (None, text);
    }
    let colon = plain.rfind(':').unwrap_or(0);
    match plain[colon + 1..].split_once('.') {
        Some((last, _)) if last == "User" || last == "Group" => {
            let dot = colon + 1 + last.len();
            (Some(text[..dot].to_owned()), &text[dot + 1..])
        }
        _ => (Some(text[..colon].to_owned()), &text[colon + 1..]),
    }
}

impl Target {
    /// Reads a name.
    ///
    /// # Errors
    /// A sentence saying what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = |why: &str| format!("target attribute '{text}': {why}");
        let (urn, rest) = split_urn(text.trim());
        let (path, filter, tail) = match rest.split_once('[') {
            None => (rest, None, ""),
            Some((path, after)) => {
                let (filter, tail) = after.split_once(']').ok_or_else(|| wrong("a '[' is not closed"))?;
                let mut words = filter.splitn(3, ' ');
                let key = words.next().unwrap_or_default().trim().to_owned();
                if !words.next().is_some_and(|operator| operator.eq_ignore_ascii_case("eq")) {
                    return Err(wrong("only [attribute eq \"value\"] can be used"));
                }
                let value = words.next().unwrap_or_default().trim().trim_matches('"').to_owned();
                (path, Some((key, value)), tail)
            }
        };
        let (name, sub) = match (path.split_once('.'), tail.strip_prefix('.')) {
            (Some((name, sub)), None) if filter.is_none() => (name, Some(sub)),
            (None, sub) if tail.is_empty() || sub.is_some() => (path, sub),
            _ => return Err(wrong("it is not of the form name[type eq \"value\"].sub")),
        };
        let valid = |name: &str| {
            let mut letters = name.chars();
            letters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '$')
                && letters.all(|letter| letter.is_ascii_alphanumeric() || "_-$".contains(letter))
        };
        if !valid(name) || sub.is_some_and(|sub| !valid(sub)) {
            return Err(wrong("it is not an attribute name"));
        }
        let (name, sub) = (name.to_owned(), sub.map(str::to_owned));
        Ok(Self { text: text.trim().to_owned(), urn, name, filter, sub })
    }

    /// Whether this is `id`, which no client may write.
    pub fn is_id(&self) -> bool {
        self.urn.is_none() && self.name.eq_ignore_ascii_case("id")
    }

    /// Whether this names the whole attribute `name`, without sub-attribute or filter.
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name) && self.sub.is_none() && self.filter.is_none()
    }

    /// Whether the name holds a value filter.
    pub fn has_filter(&self) -> bool {
        self.filter.is_some()
    }

    /// Whether this is the attribute `roles` or a part of it.
    pub fn is_roles(&self) -> bool {
        self.urn.is_none() && self.name.eq_ignore_ascii_case("roles")
    }

    /// The extension that it belongs to, if any.
    pub fn extension(&self) -> Option<&str> {
        self.urn.as_deref().filter(|urn| !urn.starts_with("urn:ietf:params:scim:schemas:core:"))
    }

    /// The attribute in a filter: Entra writes the name as the administrator did.
    pub fn in_filter(&self) -> &str {
        &self.text
    }

    /// The value in a resource as the server returned it; `None` if it has none.
    pub fn read(&self, resource: &Value) -> Option<Value> {
        let holder = match self.extension() {
            Some(urn) => member(resource, urn)?,
            None => resource,
        };
        let attribute = member(holder, &self.name)?;
        let element = match &self.filter {
            None => attribute,
            Some((key, value)) => attribute.as_array()?.iter().find(|element| {
                member(element, key)
                    .is_some_and(|found| crate::expressions::text_of(found).eq_ignore_ascii_case(value))
            })?,
        };
        let found = match &self.sub {
            Some(sub) => member(element, sub)?,
            None => element,
        };
        (!crate::expressions::is_empty(found)).then(|| found.clone())
    }

    /// Puts a value where the body of a POST has it.
    pub fn write(&self, resource: &mut Map<String, Value>, value: Value) {
        let holder = match self.extension() {
            Some(urn) => object(resource, urn),
            None => Some(resource),
        };
        let Some(holder) = holder else { return };
        let place = match (&self.filter, &self.sub) {
            (None, None) => Some((holder, self.name.as_str())),
            (None, Some(sub)) => object(holder, &self.name).map(|complex| (complex, sub.as_str())),
            (Some(filter), sub) => {
                let elements = holder.entry(self.name.clone()).or_insert_with(|| json!([]));
                let element = elements.as_array_mut().and_then(|elements| self.element(elements, filter));
                element.map(|element| (element, sub.as_deref().unwrap_or("value")))
            }
        };
        if let Some((object, name)) = place {
            object.insert(name.to_owned(), value);
        }
    }

    fn element<'a>(
        &self,
        elements: &'a mut Vec<Value>,
        filter: &(String, String),
    ) -> Option<&'a mut Map<String, Value>> {
        let (key, wanted) = filter;
        let same = |element: &Value| {
            crate::expressions::text_of(&element[key.as_str()]).eq_ignore_ascii_case(wanted)
        };
        let at = elements.iter().position(same).unwrap_or_else(|| {
            elements.push(self.new_element(key, wanted));
            elements.len() - 1
        });
        elements.get_mut(at)?.as_object_mut()
    }

    /// Entra's samples mark the work e-mail and the work telephone as primary, nothing else.
    fn new_element(&self, key: &str, wanted: &str) -> Value {
        if key.eq_ignore_ascii_case("primary") {
            let primary = wanted.eq_ignore_ascii_case("true");
            return if self.is_roles() {
                json!({"primary": primary, "type": ROLE_TYPE})
            } else {
                json!({"primary": primary})
            };
        }
        let favoured = ["emails", "phoneNumbers"].iter().any(|name| name.eq_ignore_ascii_case(&self.name));
        json!({"primary": favoured && wanted.eq_ignore_ascii_case("work"), key: wanted})
    }
}

/// A member of an object, whatever the case of its name.
pub fn member<'a>(object: &'a Value, name: &str) -> Option<&'a Value> {
    let object = object.as_object()?;
    object
        .get(name)
        .or_else(|| object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value))
}

/// The object of that name, made anew if there is none.
fn object<'a>(holder: &'a mut Map<String, Value>, name: &str) -> Option<&'a mut Map<String, Value>> {
    let entry = holder.entry(name.to_owned()).or_insert_with(|| json!({}));
    if !entry.is_object() {
        *entry = Value::Object(Map::new());
    }
    entry.as_object_mut()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_point_to_the_same_place_for_reading_and_writing() {
        let names = [
            "userName",
            "name.givenName",
            "emails[type eq \"work\"].value",
            "addresses[type eq \"work\"].formatted",
            "roles[primary eq \"True\"].value",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User.division",
            "urn:ietf:params:scim:schemas:extension:Custom:2.0:User:badge",
        ];
        let mut resource = Map::new();
        for name in names {
            Target::parse(name).expect(name).write(&mut resource, json!(name));
        }
        let resource = Value::Object(resource);
        for name in names {
            assert_eq!(Target::parse(name).expect(name).read(&resource), Some(json!(name)), "{resource}");
        }
        assert_eq!(resource["roles"][0]["type"], ROLE_TYPE);
        assert_eq!(resource["emails"][0]["primary"], true);
        assert_eq!(resource["addresses"][0]["primary"], false);
        assert_eq!(resource[ENTERPRISE]["division"], names[6]);
    }

    #[test]
    fn reading_does_not_mind_case() {
        let resource = json!({"Emails": [{"Type": "Work", "Value": "x"}], "DISPLAYNAME": ""});
        assert_eq!(
            Target::parse("emails[type eq \"work\"].value").expect("valid").read(&resource),
            Some(json!("x"))
        );
        assert_eq!(Target::parse("displayName").expect("valid").read(&resource), None, "empty is absent");
    }

    #[test]
    fn nonsense_is_refused() {
        for text in [
            "",
            "a b",
            "emails[type ne \"x\"].value",
            "emails[type eq \"x\"",
            "emails[type eq \"x\"]x",
            "a..b",
            "1x",
        ] {
            assert!(Target::parse(text).is_err(), "{text}");
        }
    }
}
