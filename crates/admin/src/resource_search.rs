//! What people type into the search for users or groups: a SCIM filter, or a text to look for.

use scim::{Profile, filter::Filter, schema::ResourceKind};
use uuid::Uuid;

/// Attributes that a text may be in.
fn attributes(kind: ResourceKind) -> &'static [&'static str] {
    match kind {
        ResourceKind::User => {
            &["userName", "displayName", "name.familyName", "name.givenName", "emails.value", "externalId"]
        }
        ResourceKind::Group => &["displayName", "externalId"],
    }
}

/// The filter that a search means; none for an empty one. Whatever looks like a filter is one, right or wrong.
pub(crate) fn filter(kind: ResourceKind, text: &str) -> Option<String> {
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    if is_filter(text) {
        return Some(text.to_owned());
    }
    // A text of JSON is a text of a filter.
    let quoted = serde_json::Value::from(text).to_string();
    if Uuid::try_parse(text).is_ok() {
        let lower = text.to_ascii_lowercase();
        return Some(format!("id eq \"{lower}\" or externalId eq {quoted}"));
    }
    let terms: Vec<String> = attributes(kind).iter().map(|name| format!("{name} co {quoted}")).collect();
    Some(terms.join(" or "))
}

fn is_filter(text: &str) -> bool {
    let operators = ["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le", "pr"];
    let second = text.split_whitespace().nth(1).unwrap_or_default();
    let looks_so = operators.iter().any(|operator| second.eq_ignore_ascii_case(operator))
        || text.starts_with('(')
        || text.contains('[')
        || text.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("not "));
    looks_so || Filter::parse_for(Profile::Entra, text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ResourceKind::{Group, User};

    #[test]
    fn a_text_is_looked_for_where_people_expect_it() {
        let made = filter(User, " ana \"x\" ").unwrap();
        assert!(made.starts_with(r#"userName co "ana \"x\"" or displayName co "ana \"x\"""#), "{made}");
        assert!(Filter::parse(&made).is_ok());
        assert_eq!(filter(Group, "Sales").unwrap(), r#"displayName co "Sales" or externalId co "Sales""#);
        assert_eq!(filter(User, "  "), None);
        let id = "0198C0DE-0000-7000-8000-000000000001";
        let made = filter(User, id).unwrap();
        assert!(made.contains(&id.to_ascii_lowercase()) && Filter::parse(&made).is_ok(), "{made}");
    }

    #[test]
    fn a_filter_is_left_as_it_is() {
        for text in [
            "userName eq \"ana\"",
            "active eq false",
            "title pr",
            "userName EQ",
            "(userName sw \"a\")",
            "not (active eq true)",
            "emails[type eq \"work\"].value co \"x\"",
        ] {
            assert_eq!(filter(User, text).as_deref(), Some(text));
        }
    }
}
