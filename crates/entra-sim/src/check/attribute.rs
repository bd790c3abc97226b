//! Reads the value of a mapped target attribute, written as Entra writes it, out of a resource.

use serde_json::Value;

/// The value at `target` in `resource`: `userName`, `name.givenName`, `emails[type eq "work"].value`,
/// `urn:…:enterprise:2.0:User:department`. Names match without regard to case; `None` if absent or null.
pub(crate) fn read<'a>(resource: &'a Value, target: &str) -> Option<&'a Value> {
    let (place, rest) = match split_urn(target) {
        Some((urn, rest)) => (member(resource, urn)?, rest),
        None => (resource, target),
    };
    let Some((name, tail)) = rest.split_once('[') else {
        return rest.split('.').try_fold(place, member).filter(|value| !value.is_null());
    };
    let (condition, tail) = tail.split_once(']')?;
    let (key, wanted) = condition.split_once(" eq ")?;
    let elements = member(place, name)?.as_array()?;
    let element = elements.iter().find(|element| matches(element, key.trim(), wanted.trim()))?;
    match tail.strip_prefix('.') {
        Some(sub) => member(element, sub).filter(|value| !value.is_null()),
        None => Some(element),
    }
}

/// The text at `target`, if there is one.
pub(crate) fn text<'a>(resource: &'a Value, target: &str) -> Option<&'a str> {
    read(resource, target)?.as_str()
}

/// The elements of the multi-valued attribute `name`; none if it is absent.
pub(crate) fn elements<'a>(resource: &'a Value, name: &str) -> &'a [Value] {
    member(resource, name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Splits `urn:…:User:department` into the schema's URN and what follows it.
pub(crate) fn split_urn(target: &str) -> Option<(&str, &str)> {
    let is_urn = target.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("urn:"));
    is_urn.then(|| target.rsplit_once(':')).flatten()
}

fn member<'a>(place: &'a Value, name: &str) -> Option<&'a Value> {
    place.as_object()?.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

fn matches(element: &Value, key: &str, wanted: &str) -> bool {
    let wanted = wanted.trim_matches('"');
    match member(element, key) {
        Some(Value::String(text)) => text.eq_ignore_ascii_case(wanted),
        Some(Value::Bool(value)) => wanted.eq_ignore_ascii_case(if *value { "true" } else { "false" }),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn reads_every_shape_of_target() {
        let user = json!({"userName": "a", "name": {"givenName": "G"}, "title": null,
            "emails": [{"type": "home", "value": "h"}, {"Type": "Work", "value": "w"}],
            "roles": [{"primary": true, "value": "Admin"}],
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "D"}});
        assert_eq!(text(&user, "USERNAME"), Some("a"));
        assert_eq!(text(&user, "name.givenName"), Some("G"));
        assert_eq!(text(&user, "emails[type eq \"work\"].value"), Some("w"));
        assert_eq!(text(&user, "roles[primary eq \"True\"].value"), Some("Admin"));
        assert_eq!(
            text(&user, "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department"),
            Some("D")
        );
        assert_eq!(read(&user, "title"), None);
        assert_eq!(read(&user, "emails[type eq \"other\"].value"), None);
        assert_eq!(elements(&user, "emails").len(), 2);
        assert!(elements(&user, "photos").is_empty());
    }
}
