//! Resolving a filter: names against the schemas, values into the types of their attributes.

use super::{CompareOp, Filter, Value, ValueTest, fold};
use crate::{
    ScimError, Timestamp,
    condition::{Comparison, Condition, Literal, Operator, Target},
    path::AttributePath,
    schema::{Attribute, AttributeType, ResourceType},
};

/// Where the names of a filter are looked up.
#[derive(Clone, Copy)]
enum Scope<'a> {
    Resource(&'a ResourceType),
    /// Sub-attributes of an element; none if no schema describes the attribute.
    Element(Option<&'a Attribute>),
}

impl Filter {
    /// Resolves names and types against the schemas of a resource type.
    ///
    /// # Errors
    /// 400 `invalidFilter` for an attribute that no schema knows, or an operator that its type does not allow.
    pub fn resolve(&self, resource_type: &ResourceType) -> Result<Condition, ScimError> {
        resolve(self, Scope::Resource(resource_type))
    }

    /// Resolves a filter in the brackets of a value path: its names are sub-attributes of `attribute`.
    ///
    /// # Errors
    /// As [`Filter::resolve`].
    pub fn resolve_element(&self, attribute: Option<&Attribute>) -> Result<Condition, ScimError> {
        resolve(self, Scope::Element(attribute))
    }
}

fn resolve(filter: &Filter, scope: Scope<'_>) -> Result<Condition, ScimError> {
    let all = |parts: &[Filter]| parts.iter().map(|part| resolve(part, scope)).collect::<Result<Vec<_>, _>>();
    Ok(match filter {
        Filter::And(parts) => Condition::All(all(parts)?),
        Filter::Or(parts) => Condition::Any(all(parts)?),
        Filter::Not(inner) => Condition::Not(Box::new(resolve(inner, scope)?)),
        Filter::Compare(path, op, value) => compare(path, *op, value, scope)?,
        Filter::Present(path) => present(path, scope)?,
        Filter::ValuePath(path, inner, test) => value_path(path, inner, test.as_ref(), scope)?,
    })
}

fn value_path(
    path: &AttributePath,
    inner: &Filter,
    test: Option<&ValueTest>,
    scope: Scope<'_>,
) -> Result<Condition, ScimError> {
    let Scope::Resource(resource_type) = scope else {
        return Err(ScimError::invalid_filter("Brackets cannot stand within brackets."));
    };
    let found = look_up(path, resource_type)?;
    if let Some(attribute) = found.attribute
        && !(attribute.multi_valued && attribute.is_complex())
    {
        return Err(ScimError::invalid_filter(format!(
            "\"{}\" does not hold a list of complex values; brackets cannot stand behind it.",
            attribute.name
        )));
    }
    let inside = Scope::Element(found.attribute);
    let mut parts = vec![resolve(inner, inside)?];
    match test {
        Some(ValueTest::Present(sub)) => parts.push(present(&AttributePath::named(sub), inside)?),
        Some(ValueTest::Compare(sub, op, value)) => {
            parts.push(compare(&AttributePath::named(sub), *op, value, inside)?)
        }
        None => {}
    }
    let condition = if parts.len() == 1 { parts.remove(0) } else { Condition::All(parts) };
    let target = Target { sub_attribute: None, multi_valued: true, ..found.target };
    Ok(Condition::Element(target, Box::new(condition)))
}

fn present(path: &AttributePath, scope: Scope<'_>) -> Result<Condition, ScimError> {
    let found = find(path, scope)?;
    Ok(match (scope, &found.target.extension, found.target.attribute.as_str()) {
        // Every resource has an id and a meta.
        (Scope::Resource(_), None, "id" | "meta") => Condition::Not(Box::new(Condition::Never)),
        _ => Condition::Present(found.target),
    })
}

fn compare(
    path: &AttributePath,
    op: CompareOp,
    value: &Value,
    scope: Scope<'_>,
) -> Result<Condition, ScimError> {
    let found = find(path, scope)?;
    let not = |condition| Condition::Not(Box::new(condition));
    match (op, value) {
        (CompareOp::Eq, Value::Null) => return present(path, scope).map(not),
        (CompareOp::Ne, Value::Null) => return present(path, scope),
        _ => {}
    }
    let found = found.with_value_sub_attribute()?;
    let target = found.target;
    if let (Scope::Resource(resource_type), None, "meta", Some("resourceType")) =
        (scope, &target.extension, target.attribute.as_str(), target.sub_attribute.as_deref())
    {
        return constant(resource_type.name, op, value);
    }
    let operator = operator(op);
    let literal = literal(value, &target)?;
    allowed(operator, &literal, found.attribute, path)?;
    let test = Condition::Test(target, operator, literal);
    Ok(if op == CompareOp::Ne { not(test) } else { test })
}

/// `meta.resourceType` is the same for all resources of an endpoint.
fn constant(name: &str, op: CompareOp, value: &Value) -> Result<Condition, ScimError> {
    let equal = matches!(value, Value::Text(text) if text == name);
    match op {
        CompareOp::Eq if equal => Ok(Condition::Not(Box::new(Condition::Never))),
        CompareOp::Ne if !equal => Ok(Condition::Not(Box::new(Condition::Never))),
        CompareOp::Eq | CompareOp::Ne => Ok(Condition::Never),
        _ => Err(ScimError::invalid_filter("meta.resourceType can be compared by eq and ne only.")),
    }
}

fn operator(op: CompareOp) -> Operator {
    match op {
        CompareOp::Eq | CompareOp::Ne => Operator::Equal,
        CompareOp::Co => Operator::Contains,
        CompareOp::Sw => Operator::StartsWith,
        CompareOp::Ew => Operator::EndsWith,
        CompareOp::Gt => Operator::Greater,
        CompareOp::Ge => Operator::GreaterOrEqual,
        CompareOp::Lt => Operator::Less,
        CompareOp::Le => Operator::LessOrEqual,
    }
}

/// The value in the type of its attribute: texts and bare words become what the attribute is.
fn literal(value: &Value, target: &Target) -> Result<Literal, ScimError> {
    let mismatch = |wanted: &str| {
        ScimError::invalid_filter(format!("\"{}\" is compared with {wanted}.", target.attribute))
    };
    Ok(match (target.comparison, value) {
        (Comparison::Folded, _) => Literal::Text(fold(&text(value))),
        (Comparison::Exact, _) => Literal::Text(text(value)),
        (Comparison::Untyped, Value::Text(text)) => Literal::Text(fold(text)),
        (Comparison::Boolean | Comparison::Untyped, Value::Bool(value)) => Literal::Bool(*value),
        (Comparison::Number | Comparison::Untyped, Value::Number(value)) => Literal::Number(*value),
        (Comparison::Boolean, Value::Text(text)) if text.eq_ignore_ascii_case("true") => Literal::Bool(true),
        (Comparison::Boolean, Value::Text(text)) if text.eq_ignore_ascii_case("false") => {
            Literal::Bool(false)
        }
        (Comparison::Boolean, _) => return Err(mismatch("true or false")),
        (Comparison::Number, _) => return Err(mismatch("a number")),
        (Comparison::Instant, Value::Text(text)) => Literal::Instant(
            Timestamp::parse(text)
                .ok_or_else(|| mismatch("a date and time such as \"2026-01-31T12:00:00Z\""))?
                .0,
        ),
        (Comparison::Instant, _) => return Err(mismatch("a date and time such as \"2026-01-31T12:00:00Z\"")),
        (Comparison::Untyped, Value::Null) => return Err(mismatch("a value")),
    })
}

fn text(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        other => other.to_string(),
    }
}

/// RFC 7644 table 3: what has no order has no `gt`, what is no text has no `co`.
fn allowed(
    operator: Operator,
    literal: &Literal,
    attribute: Option<&Attribute>,
    path: &AttributePath,
) -> Result<(), ScimError> {
    let ordered = matches!(
        operator,
        Operator::Greater | Operator::GreaterOrEqual | Operator::Less | Operator::LessOrEqual
    );
    let searched = matches!(operator, Operator::Contains | Operator::StartsWith | Operator::EndsWith);
    let binary = attribute.is_some_and(|attribute| attribute.data_type == AttributeType::Binary);
    let refused = match literal {
        Literal::Bool(_) => ordered || searched,
        Literal::Number(_) | Literal::Instant(_) => searched,
        Literal::Text(_) | Literal::OneOf(_) => binary && (ordered || searched),
    };
    if refused {
        return Err(ScimError::invalid_filter(format!(
            "The type of \"{path}\" does not allow this operator."
        )));
    }
    Ok(())
}

/// An attribute that a path names, and where its values stand.
pub(crate) struct Found<'a> {
    pub(crate) target: Target,
    /// The attribute or sub-attribute whose value is meant; none if no schema describes it.
    pub(crate) attribute: Option<&'a Attribute>,
}

impl Found<'_> {
    /// Fills in `value` where a complex attribute is compared as if it were simple.
    fn with_value_sub_attribute(mut self) -> Result<Self, ScimError> {
        let Some(attribute) = self.attribute.filter(|attribute| attribute.is_complex()) else {
            return Ok(self);
        };
        let value = attribute.sub_attribute("value").ok_or_else(|| {
            ScimError::invalid_filter(format!(
                "\"{0}\" has parts; compare one of them, as in {0}.{1}.",
                attribute.name, attribute.sub_attributes[0].name
            ))
        })?;
        self.target.sub_attribute = Some(value.name.clone());
        self.target.comparison = comparison(Some(value));
        self.attribute = Some(value);
        Ok(self)
    }
}

/// Where the values of an attribute path stand, `value` filled in for complex attributes: what `sortBy` needs.
///
/// # Errors
/// 400 `invalidFilter`.
pub(crate) fn resolve_target(
    path: &AttributePath,
    resource_type: &ResourceType,
) -> Result<Target, ScimError> {
    Ok(look_up(path, resource_type)?.with_value_sub_attribute()?.target)
}

fn find<'a>(path: &AttributePath, scope: Scope<'a>) -> Result<Found<'a>, ScimError> {
    match scope {
        Scope::Resource(resource_type) => look_up(path, resource_type),
        Scope::Element(attribute) => sub_attribute(path, attribute),
    }
}

fn sub_attribute<'a>(path: &AttributePath, attribute: Option<&'a Attribute>) -> Result<Found<'a>, ScimError> {
    if path.urn.is_some() || path.sub_attribute.is_some() {
        return Err(ScimError::invalid_filter(format!(
            "\"{path}\" is no sub-attribute; in brackets stand plain names."
        )));
    }
    let found = match attribute {
        Some(attribute) => Some(attribute.sub_attribute(&path.name).ok_or_else(|| {
            ScimError::invalid_filter(format!(
                "\"{}\" has no sub-attribute \"{}\".",
                attribute.name, path.name
            ))
        })?),
        None => None,
    };
    if let (Some(parent), Some(sub)) = (attribute, found) {
        check_table_attribute(&parent.name, Some(&sub.name))?;
    }
    let target = Target {
        extension: None,
        attribute: found.map_or_else(|| path.name.clone(), |sub| sub.name.clone()),
        sub_attribute: None,
        multi_valued: false,
        comparison: comparison(found),
    };
    Ok(Found { target, attribute: found })
}

fn look_up<'a>(path: &AttributePath, resource_type: &'a ResourceType) -> Result<Found<'a>, ScimError> {
    let unknown = || {
        ScimError::invalid_filter(format!(
            "A {} has no attribute \"{path}\". See /Schemas for those it has.",
            resource_type.name
        ))
    };
    let (extension, attribute) = match &path.urn {
        Some(urn) if urn.eq_ignore_ascii_case(&resource_type.schema.id) => {
            (None, resource_type.attribute(&path.name).ok_or_else(unknown)?)
        }
        Some(urn) => match resource_type.extension(urn) {
            Some(schema) => (Some(schema.id.clone()), schema.attribute(&path.name).ok_or_else(unknown)?),
            None => return Ok(untyped(urn, path)),
        },
        None => match resource_type.attribute(&path.name) {
            Some(attribute) => (None, attribute),
            // Entra asks for "manager" without its URN.
            None => resource_type
                .extensions
                .iter()
                .find_map(|schema| Some((Some(schema.id.clone()), schema.attribute(&path.name)?)))
                .ok_or_else(unknown)?,
        },
    };
    let sub = match &path.sub_attribute {
        Some(name) => Some(attribute.sub_attribute(name).ok_or_else(unknown)?),
        None => None,
    };
    check_filterable(attribute, sub)?;
    let meant = sub.unwrap_or(attribute);
    let target = Target {
        extension,
        attribute: attribute.name.clone(),
        sub_attribute: sub.map(|sub| sub.name.clone()),
        multi_valued: attribute.multi_valued,
        comparison: comparison(Some(meant)),
    };
    Ok(Found { target, attribute: Some(meant) })
}

fn untyped<'a>(urn: &str, path: &AttributePath) -> Found<'a> {
    let target = Target {
        extension: Some(urn.to_owned()),
        attribute: path.name.clone(),
        sub_attribute: path.sub_attribute.clone(),
        multi_valued: false,
        comparison: Comparison::Untyped,
    };
    Found { target, attribute: None }
}

/// Not everything that is returned can be asked for.
fn check_filterable(attribute: &Attribute, sub: Option<&Attribute>) -> Result<(), ScimError> {
    let sub_name = sub.map(|sub| sub.name.as_str());
    let refused = match attribute.name.as_str() {
        "password" => true,
        "meta" => matches!(sub_name, Some("location" | "version")),
        _ => false,
    };
    if refused {
        return Err(ScimError::invalid_filter(format!(
            "\"{}\" cannot be filtered or sorted by.",
            attribute.name
        )));
    }
    check_table_attribute(&attribute.name, sub_name)
}

/// Memberships are rows of ids: of `members` the ids and types are known, of `groups` the ids.
fn check_table_attribute(attribute: &str, sub: Option<&str>) -> Result<(), ScimError> {
    let known: &[&str] = match attribute {
        "members" => &["value", "type"],
        "groups" => &["value"],
        _ => return Ok(()),
    };
    match sub {
        Some(sub) if !known.contains(&sub) => Err(ScimError::invalid_filter(format!(
            "\"{attribute}\" can be filtered by {} only.",
            known.join(" and ")
        ))),
        _ => Ok(()),
    }
}

fn comparison(attribute: Option<&Attribute>) -> Comparison {
    let Some(attribute) = attribute else { return Comparison::Untyped };
    match attribute.data_type {
        AttributeType::Boolean => Comparison::Boolean,
        AttributeType::Decimal | AttributeType::Integer => Comparison::Number,
        AttributeType::DateTime => Comparison::Instant,
        _ if attribute.case_exact => Comparison::Exact,
        _ => Comparison::Folded,
    }
}
