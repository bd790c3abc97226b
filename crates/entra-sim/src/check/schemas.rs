//! Turns `/Schemas` into the flat names of target attributes, as Microsoft's acceptance suite does.

use super::outcome::Stop;
use super::probe::{Probe, Reply};
use serde_json::Value;

/// URN of the core User schema.
pub(crate) const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// URN of the core Group schema.
pub(crate) const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
/// URN of the enterprise extension of User.
pub(crate) const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// One attribute that a provisioning job can write, under the name a mapping gives it.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// For example `emails[type eq "work"].value`.
    pub name: String,
    /// The schema attribute that holds it, for example `emails`.
    pub top: String,
    /// The schema's data type: `string`, `boolean`, …
    pub kind: String,
    /// `readWrite`, `immutable`, …; absent counts as `readWrite` (RFC 7643 section 7).
    pub mutability: String,
    /// Whether the server demands it.
    pub required: bool,
    /// Whether it holds several values without being flattened.
    pub multi_valued: bool,
    /// The values that the server says it accepts; empty: any.
    pub canonical_values: Vec<String>,
}

impl Target {
    /// Whether the suite's update tests write it: one value, writable, neither reference, boolean nor complex.
    pub(crate) fn is_updatable(&self) -> bool {
        !self.multi_valued
            && self.mutability == "readWrite"
            && !["reference", "boolean", "complex"].contains(&self.kind.as_str())
            && !["id", "schemas", "meta", "active", "groups", "roles"].contains(&self.top.as_str())
    }

    /// Whether the name selects an element by a value path.
    pub(crate) fn is_bracketed(&self) -> bool {
        self.name.contains('[')
    }
}

/// The three schemas that the suite reads, as the server published them.
pub(crate) struct Schemas {
    reply: Reply,
}

impl Schemas {
    /// Reads `/Schemas`; a failure if the answer is no list.
    pub(crate) async fn read(probe: &Probe) -> Result<Schemas, Stop> {
        let reply = probe.get("/Schemas").await?.expect(&[200], "/Schemas must be readable")?;
        reply
            .ensure(reply.list().is_some(), "/Schemas must answer with a ListResponse that has Resources")?;
        Ok(Schemas { reply })
    }

    /// The answer they were read from, to show in a failure.
    pub(crate) fn reply(&self) -> &Reply {
        &self.reply
    }

    /// The schema of that URN.
    pub(crate) fn schema(&self, urn: &str) -> Option<&Value> {
        let schemas = self.reply.list()?;
        schemas.iter().find(|schema| word(schema, "id").is_some_and(|id| id.eq_ignore_ascii_case(urn)))
    }

    /// The definition of one attribute of a schema.
    pub(crate) fn attribute(&self, urn: &str, name: &str) -> Option<&Value> {
        attributes(self.schema(urn)?)
            .iter()
            .find(|it| word(it, "name").is_some_and(|n| n.eq_ignore_ascii_case(name)))
    }

    /// Every target attribute that can be derived from the schema of that URN.
    pub(crate) fn targets(&self, urn: &str) -> Vec<Target> {
        let prefix = if urn == ENTERPRISE { format!("{ENTERPRISE}:") } else { String::new() };
        self.schema(urn)
            .map(|schema| attributes(schema).iter().flat_map(|it| flatten(it, &prefix)).collect())
            .unwrap_or_default()
    }
}

/// The flat names of one attribute, by the rules of the suite's "Schemas flattening".
fn flatten(attribute: &Value, prefix: &str) -> Vec<Target> {
    let Some(name) = word(attribute, "name") else { return Vec::new() };
    let plain = || vec![target(format!("{prefix}{name}"), name, attribute)];
    if ["manager", "members"].contains(&name) || word(attribute, "type") != Some("complex") {
        return plain();
    }
    let subs = list(attribute, "subAttributes");
    if attribute["multiValued"] != Value::Bool(true) {
        let simple = subs.iter().filter(|sub| !matches!(word(sub, "type"), Some("complex" | "reference")));
        return simple
            .filter_map(|sub| Some((word(sub, "name")?, sub)))
            .map(|(sub, it)| target(format!("{prefix}{name}.{sub}"), name, it))
            .collect();
    }
    let types = subs.iter().find(|sub| word(sub, "name") == Some("type")).map(canonical).unwrap_or_default();
    let selectors: Vec<String> = match types.is_empty() {
        true => vec!["primary eq \"True\"".to_owned()],
        false => types.iter().map(|kind| format!("type eq \"{kind}\"")).collect(),
    };
    let named = subs.iter().filter_map(|sub| Some((word(sub, "name")?, sub)));
    let written: Vec<_> = named.filter(|(sub, _)| !["type", "primary"].contains(sub)).collect();
    let pairs =
        selectors.iter().flat_map(|selector| written.iter().map(move |(sub, it)| (selector, sub, it)));
    pairs.map(|(selector, sub, it)| target(format!("{prefix}{name}[{selector}].{sub}"), name, it)).collect()
}

fn target(name: String, top: &str, definition: &Value) -> Target {
    Target {
        name,
        top: top.to_owned(),
        kind: word(definition, "type").unwrap_or("string").to_owned(),
        mutability: word(definition, "mutability").unwrap_or("readWrite").to_owned(),
        required: definition["required"] == Value::Bool(true),
        multi_valued: definition["multiValued"] == Value::Bool(true),
        canonical_values: canonical(definition),
    }
}

/// The attributes of a schema.
pub(crate) fn attributes(schema: &Value) -> &[Value] {
    list(schema, "attributes")
}

fn canonical(definition: &Value) -> Vec<String> {
    list(definition, "canonicalValues").iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn list<'a>(place: &'a Value, name: &str) -> &'a [Value] {
    place.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn word<'a>(place: &'a Value, name: &str) -> Option<&'a str> {
    place.get(name)?.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn names(attribute: &Value, prefix: &str) -> Vec<String> {
        flatten(attribute, prefix).into_iter().map(|target| target.name).collect()
    }

    #[test]
    fn simple_and_enterprise_attributes_keep_their_name() {
        assert_eq!(names(&json!({"name": "title", "type": "string"}), ""), ["title"]);
        assert_eq!(names(&json!({"name": "department", "type": "string"}), "urn:x:"), ["urn:x:department"]);
        assert_eq!(
            names(&json!({"name": "manager", "type": "complex", "subAttributes": [{"name": "value"}]}), "u:"),
            ["u:manager"]
        );
    }

    #[test]
    fn a_single_valued_complex_attribute_becomes_dotted_names() {
        let name = json!({"name": "name", "type": "complex", "subAttributes": [
            {"name": "givenName", "type": "string"}, {"name": "link", "type": "reference"}]});
        assert_eq!(names(&name, ""), ["name.givenName"]);
    }

    #[test]
    fn a_multi_valued_one_is_selected_by_type_or_by_primary() {
        let mut emails = json!({"name": "emails", "type": "complex", "multiValued": true, "subAttributes": [
            {"name": "value", "type": "string"}, {"name": "primary", "type": "boolean"},
            {"name": "type", "type": "string", "canonicalValues": ["work", "home"]}]});
        assert_eq!(names(&emails, ""), ["emails[type eq \"work\"].value", "emails[type eq \"home\"].value"]);
        emails["subAttributes"][2]["canonicalValues"] = json!([]);
        assert_eq!(names(&emails, ""), ["emails[primary eq \"True\"].value"]);
    }
}
