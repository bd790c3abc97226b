//! Resolving a filter: names against the schemas, values into the types of their attributes.

use super::{
    CompareOp, Filter, Value, ValueTest,
    literal::{allowed, literals},
    names::{Scope, find, look_up, undescribed, whole},
};
use crate::{
    ScimError,
    condition::{Comparison, Condition, Literal, Operator, Target},
    path::AttributePath,
    schema::{Attribute, ResourceType},
    urn,
};

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
    if let (Scope::Resource(resource_type), Some(urn)) = (scope, &path.urn)
        && let Some(present) = extension_present(urn, path, resource_type)
    {
        return Ok(present);
    }
    let found = find(path, scope)?;
    Ok(match (scope, &found.target.extension, found.target.attribute.as_str()) {
        // Every resource has an id and a meta.
        (Scope::Resource(_), None, "id" | "meta") => always(),
        _ => Condition::Present(found.target),
    })
}

/// Whether a schema has values in the resource, if the path can mean a schema as a whole. The last part of a URN that no
/// schema describes may be an attribute as well: then one of both has to be there.
fn extension_present(urn: &str, path: &AttributePath, resource_type: &ResourceType) -> Option<Condition> {
    if path.name.is_empty() {
        // Every resource has its core schema.
        let is_core = urn.eq_ignore_ascii_case(&resource_type.schema.id);
        return Some(if is_core { always() } else { Condition::Present(whole(urn, resource_type)) });
    }
    if path.sub_attribute.is_some() || resource_type.describes(urn) || urn::names_resource_type(urn) {
        return None;
    }
    let is_schema = Condition::Present(whole(&format!("{urn}:{}", path.name), resource_type));
    Some(Condition::Any(vec![Condition::Present(undescribed(urn, path).target), is_schema]))
}

/// Fulfilled by every resource.
fn always() -> Condition {
    not(Condition::Never)
}

fn not(condition: Condition) -> Condition {
    Condition::Not(Box::new(condition))
}

fn compare(
    path: &AttributePath,
    op: CompareOp,
    value: &Value,
    scope: Scope<'_>,
) -> Result<Condition, ScimError> {
    match (op, value) {
        (CompareOp::Eq, Value::Null) => return present(path, scope).map(not),
        (CompareOp::Ne, Value::Null) => return present(path, scope),
        _ => {}
    }
    let found = find(path, scope)?.with_value_sub_attribute()?;
    let target = found.target;
    if let (Scope::Resource(resource_type), None, "meta", Some("resourceType")) =
        (scope, &target.extension, target.attribute.as_str(), target.sub_attribute.as_deref())
    {
        return constant(resource_type.name, op, value);
    }
    let operator = operator(op);
    let literals = literals(value, operator, &target)?;
    for literal in &literals {
        allowed(operator, literal, found.attribute, path)?;
    }
    let test = match is_not_primary(&target, scope, operator, &literals) {
        true => not_primary(target),
        false => any_of(target, operator, literals),
    };
    Ok(if op == CompareOp::Ne { not(test) } else { test })
}

/// A comparison that one of the literals has to fulfil.
fn any_of(target: Target, operator: Operator, literals: Vec<Literal>) -> Condition {
    let test = |literal| Condition::Test(target.clone(), operator, literal);
    let mut tests: Vec<Condition> = literals.into_iter().map(test).collect();
    if tests.len() == 1 { tests.remove(0) } else { Condition::Any(tests) }
}

/// Whether the comparison asks for `primary` to be false of a value of a list.
fn is_not_primary(target: &Target, scope: Scope<'_>, operator: Operator, literals: &[Literal]) -> bool {
    let part = match scope {
        Scope::Element(_) => Some(target.attribute.as_str()),
        Scope::Resource(_) => target.sub_attribute.as_deref(),
    };
    part.is_some_and(|part| part.eq_ignore_ascii_case("primary"))
        && operator == Operator::Equal
        && literals.contains(&Literal::Bool(false))
}

/// RFC 7643 section 2.4: `primary` that is not there is false. So a value is not primary unless it says that it is.
fn not_primary(target: Target) -> Condition {
    let primary = |target: Target| {
        let texts = (target.comparison == Comparison::Untyped).then(|| Literal::Text("true".to_owned()));
        let literals = std::iter::once(Literal::Bool(true)).chain(texts).collect();
        not(any_of(target, Operator::Equal, literals))
    };
    match &target.sub_attribute {
        None => primary(target),
        Some(sub) => {
            let part = Target {
                extension: None,
                attribute: sub.clone(),
                sub_attribute: None,
                multi_valued: false,
                comparison: target.comparison,
            };
            let list = Target { sub_attribute: None, multi_valued: true, ..target };
            Condition::Element(list, Box::new(primary(part)))
        }
    }
}

/// `meta.resourceType` is the same for all resources of an endpoint.
fn constant(name: &str, op: CompareOp, value: &Value) -> Result<Condition, ScimError> {
    let equal = value.spelling() == name;
    match op {
        CompareOp::Eq if equal => Ok(always()),
        CompareOp::Ne if !equal => Ok(always()),
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
