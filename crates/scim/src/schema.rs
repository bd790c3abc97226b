//! Schemas as data: the JSON of RFC 7643 section 8.7 drives validation, PATCH, filters, projection and `/Schemas`.

use serde::{Deserialize, Serialize};
use std::sync::LazyLock;

/// Data types of RFC 7643 section 2.3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum AttributeType {
    /// UTF-8 text.
    String,
    /// `true` or `false`.
    Boolean,
    /// A number with a fraction.
    Decimal,
    /// A whole number.
    Integer,
    /// RFC 3339 date and time.
    DateTime,
    /// Base64 text.
    Binary,
    /// A URI or the id of a resource.
    Reference,
    /// Has sub-attributes.
    Complex,
}

/// RFC 7643 section 7, `mutability`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Mutability {
    /// Set by the service provider.
    ReadOnly,
    /// May change at any time.
    ReadWrite,
    /// Set once.
    Immutable,
    /// Never returned.
    WriteOnly,
}

/// RFC 7643 section 7, `returned`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Returned {
    /// Whatever the projection says.
    Always,
    /// In no answer.
    Never,
    /// Unless the projection says otherwise.
    Default,
    /// Only where asked for.
    Request,
}

/// RFC 7643 section 7, `uniqueness`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Uniqueness {
    /// Values may repeat.
    None,
    /// Unique within the tenant.
    Server,
    /// Unique in the world.
    Global,
}

/// One attribute or sub-attribute with its characteristics (RFC 7643 section 7).
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Attribute {
    /// Canonical spelling of the name.
    pub name: String,
    /// Data type.
    #[serde(rename = "type")]
    pub data_type: AttributeType,
    /// Whether it holds a list of values.
    pub multi_valued: bool,
    /// For people.
    pub description: String,
    /// Whether a resource must have it.
    pub required: bool,
    /// Suggested values: published, never enforced (RFC 7643 section 7 lets other values be).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub canonical_values: Vec<String>,
    /// Whether comparison respects case.
    pub case_exact: bool,
    /// Who may change it, and when.
    pub mutability: Mutability,
    /// When it is returned.
    pub returned: Returned,
    /// Where it must be unique.
    pub uniqueness: Uniqueness,
    /// What a reference may point to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reference_types: Vec<String>,
    /// Parts of a complex attribute.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sub_attributes: Vec<Attribute>,
}

/// A schema (RFC 7643 section 7).
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Schema {
    /// Its URN.
    pub id: String,
    /// Short name.
    pub name: String,
    /// For people.
    pub description: String,
    /// What a resource of this schema may hold.
    pub attributes: Vec<Attribute>,
}

/// Which of the two resource types; also the name of its endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ResourceKind {
    /// RFC 7643 section 4.1 with 4.3.
    User,
    /// RFC 7643 section 4.2.
    Group,
}

/// A resource type (RFC 7643 section 6) with its schemas resolved.
#[derive(Debug)]
pub struct ResourceType {
    /// Which one.
    pub kind: ResourceKind,
    /// `User` or `Group`.
    pub name: &'static str,
    /// `/Users` or `/Groups`.
    pub endpoint: &'static str,
    /// For people.
    pub description: &'static str,
    /// The core schema.
    pub schema: Schema,
    /// Extensions that we know; unknown ones are kept as they are.
    pub extensions: Vec<Schema>,
    /// `schemas`, `id`, `externalId`, `meta`: RFC 7643 section 3.1, part of every resource.
    pub common: Vec<Attribute>,
}

impl Attribute {
    /// A sub-attribute by name, in any case.
    pub fn sub_attribute(&self, name: &str) -> Option<&Attribute> {
        self.sub_attributes.iter().find(|attribute| attribute.name.eq_ignore_ascii_case(name))
    }

    /// Whether it has sub-attributes.
    pub fn is_complex(&self) -> bool {
        self.data_type == AttributeType::Complex
    }
}

impl Schema {
    /// An attribute by name, in any case.
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|attribute| attribute.name.eq_ignore_ascii_case(name))
    }
}

impl ResourceType {
    /// The resource type of an endpoint.
    pub fn of(kind: ResourceKind) -> &'static ResourceType {
        static USER: LazyLock<ResourceType> = LazyLock::new(|| ResourceType {
            kind: ResourceKind::User,
            name: "User",
            endpoint: "/Users",
            description: "User Account",
            schema: read(include_str!("../schemas/user.json")),
            extensions: vec![read(include_str!("../schemas/enterprise_user.json"))],
            common: common(),
        });
        static GROUP: LazyLock<ResourceType> = LazyLock::new(|| ResourceType {
            kind: ResourceKind::Group,
            name: "Group",
            endpoint: "/Groups",
            description: "Group",
            schema: read(include_str!("../schemas/group.json")),
            extensions: Vec::new(),
            common: common(),
        });
        match kind {
            ResourceKind::User => &USER,
            ResourceKind::Group => &GROUP,
        }
    }

    /// Both resource types.
    pub fn all() -> [&'static ResourceType; 2] {
        [ResourceType::of(ResourceKind::User), ResourceType::of(ResourceKind::Group)]
    }

    /// An attribute of the core schema or a common one, by name in any case.
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.schema
            .attribute(name)
            .or_else(|| self.common.iter().find(|attribute| attribute.name.eq_ignore_ascii_case(name)))
    }

    /// Whether a URN is that of the core schema or of a known extension, in any case.
    pub fn describes(&self, urn: &str) -> bool {
        self.schema.id.eq_ignore_ascii_case(urn) || self.extension(urn).is_some()
    }

    /// A known extension by URN, in any case.
    pub fn extension(&self, urn: &str) -> Option<&Schema> {
        self.extensions.iter().find(|schema| schema.id.eq_ignore_ascii_case(urn))
    }
}

impl ResourceKind {
    /// `User` or `Group`.
    pub fn name(self) -> &'static str {
        ResourceType::of(self).name
    }
}

#[derive(Deserialize)]
struct Common {
    attributes: Vec<Attribute>,
}

fn common() -> Vec<Attribute> {
    read::<Common>(include_str!("../schemas/common.json")).attributes
}

/// Reads a schema file of this crate.
#[expect(clippy::expect_used, reason = "the files are part of the program; a test reads each of them")]
fn read<T: serde::de::DeserializeOwned>(text: &str) -> T {
    serde_json::from_str(text).expect("schema file of this crate")
}
