//! The attributes of users that the customer's administrator maps in Entra: data (`mapping.json`), after Microsoft's tutorial
//! for Juno Journey.

use crate::Failure;
use serde::Deserialize;
use std::sync::LazyLock;

/// A row of *Attribute Mapping*.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MappedAttribute {
    /// What Entra calls the target attribute, or customappsso attribute.
    pub(super) target: String,
    /// What Entra calls the source attribute, or the expression.
    pub(super) source: String,
    /// As the tutorial and Entra's attribute list have it.
    pub(super) kind: String,
    /// What to know about it.
    pub(super) note: Option<String>,
}

impl MappedAttribute {
    /// Whether the source is an expression, for which *Mapping type* is *Expression*.
    pub(super) fn is_expression(&self) -> bool {
        self.source.contains('(')
    }
}

/// The rows, in the order in which the page shows them.
///
/// # Errors
/// None that should be: a test reads the same data.
pub(super) fn attributes() -> Result<&'static [MappedAttribute], Failure> {
    static ROWS: LazyLock<Result<Vec<MappedAttribute>, serde_json::Error>> =
        LazyLock::new(|| serde_json::from_str(include_str!("mapping.json")));
    ROWS.as_deref().map_err(Failure::internal)
}

#[cfg(test)]
mod tests {
    use super::*;
    use scim::{
        path::Path,
        schema::{AttributeType, ResourceKind, ResourceType},
    };
    use std::collections::BTreeMap;

    /// The job by which the tests' Entra provisions, kept apart from our own types on purpose.
    const SIMULATED: &str = include_str!("../../../entra-sim/src/job/juno.toml");

    #[test]
    fn the_rows_are_the_tutorials_26_attributes_as_the_simulated_entra_maps_them() {
        let job: toml::Table = SIMULATED.parse().unwrap();
        let simulated: BTreeMap<String, String> = job["users"]["mapping"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| {
                let source = row.get("attribute").or_else(|| row.get("expression")).unwrap();
                (row["target"].as_str().unwrap().to_owned(), source.as_str().unwrap().to_owned())
            })
            .collect();
        let shown: BTreeMap<String, String> =
            attributes().unwrap().iter().map(|row| (row.target.clone(), row.source.clone())).collect();
        assert_eq!(shown, simulated);
        assert_eq!((shown.len(), attributes().unwrap().len()), (26, 26));
    }

    #[test]
    fn our_schemas_have_each_target_attribute() {
        let user = ResourceType::of(ResourceKind::User);
        for row in attributes().unwrap() {
            let path = Path::parse(&row.target).unwrap();
            let attribute = match &path.attribute.urn {
                Some(urn) => user.extension(urn).unwrap().attribute(&path.attribute.name),
                None => user.attribute(&path.attribute.name),
            };
            let mut attribute = attribute.unwrap_or_else(|| panic!("no attribute {}", row.target));
            if let Some(name) = &path.attribute.sub_attribute {
                attribute = attribute.sub_attribute(name).unwrap_or_else(|| panic!("no {}", row.target));
            }
            let is_boolean = attribute.data_type == AttributeType::Boolean;
            assert_eq!(row.kind == "Boolean", is_boolean, "{}", row.target);
        }
    }
}
