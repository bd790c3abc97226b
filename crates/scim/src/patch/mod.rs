//! PATCH (RFC 7644 section 3.5.2) and both dialects of Entra: a document and operations in, a document and effects out.

mod apply;
mod budget;
mod elements;
mod extension;
mod fields;
mod members;
mod place;
mod select;
mod untyped;
mod write;

use crate::{
    Profile, ScimError,
    effect::Effect,
    json,
    member::MemberStep,
    path::Path,
    schema::{ResourceKind, ResourceType},
    urn,
};
use serde_json::{Map, Value};

/// Most operations of one PATCH; each attribute of a path-less value counts as one. (One operation may name any number of
/// members.)
pub const MAX_OPERATIONS: usize = 2_000;

/// Most comparisons in the paths of one PATCH, all taken together: each is made of each element.
pub const MAX_COMPARISONS: usize = 2_000;

/// Most steps of one PATCH through the values of lists, all operations taken together. A step compares, copies or passes
/// one value of a multi-valued attribute; a value of more than 64 bytes takes one more for each 64 bytes. So 500
/// operations on lists of 1,000 short values are carried out, and far more on lists as they are in practice.
pub const MAX_STEPS: usize = 500_000;

/// `op`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// Add.
    Add,
    /// Replace.
    Replace,
    /// Remove.
    Remove,
}

/// One element of `Operations`, its words checked but not yet resolved against a schema.
#[derive(Clone, Debug)]
pub struct Operation {
    /// What to do.
    pub op: Op,
    /// Where; none means the resource itself.
    pub path: Option<Path>,
    /// With what.
    pub value: Option<Value>,
    /// The deviations already translated while reading (the case of `op`, …).
    pub coerced: Option<&'static str>,
}

impl Operation {
    /// How often it passes the values of a list at most: once to write, and once for each comparison in its path. An
    /// estimate where keys of its value are paths.
    fn passes(&self) -> usize {
        match (&self.path, &self.value) {
            (Some(path), _) => 1 + path.filter.as_ref().map_or(0, |filter| filter.comparisons()),
            (None, Some(Value::Object(map))) => {
                // The shortest comparison, with what joins it to the next one, has 8 letters: "a pr or ".
                let filters = map.keys().filter(|key| key.contains('['));
                map.len() + filters.map(|key| key.len() / 8).sum::<usize>()
            }
            _ => 1,
        }
    }
}

/// A PATCH request.
#[derive(Clone, Debug)]
pub struct PatchRequest {
    /// In the order of the request.
    pub operations: Vec<Operation>,
    /// About how long its JSON text is, in bytes.
    size: usize,
}

/// What a PATCH does to a resource.
#[derive(Clone, Debug)]
pub struct Patched {
    /// The new document; equal to the old one if nothing changed.
    pub document: Map<String, Value>,
    /// Whether the document changed.
    pub changed: bool,
    /// Steps of membership (Group only), in order.
    pub members: Vec<MemberStep>,
    /// One or more for each operation; of each kind at most [`crate::effect::MAX_LISTED`] are listed.
    pub effects: Vec<Effect>,
}

impl PatchRequest {
    /// Reads the body.
    ///
    /// # Errors
    /// 400 `invalidSyntax` for a shape that is no PATCH or an unknown `op`, `invalidPath`, each naming the operation's index;
    /// 413 for more than [`MAX_OPERATIONS`].
    pub fn parse(profile: Profile, body: Value) -> Result<PatchRequest, ScimError> {
        let shape = || {
            ScimError::invalid_syntax(
                "The body of a PATCH must be an object with a list \"Operations\" that holds at least one operation.",
            )
        };
        let size = json::size(&body);
        let Value::Object(mut body) = body else { return Err(shape()) };
        let declared = take(&mut body, "schemas").unwrap_or_default();
        let listed = |list: &Vec<Value>| list.iter().any(|listed| listed == urn::PATCH_OP);
        if !profile.rules().forgives_missing_schemas && !declared.as_array().is_some_and(listed) {
            return Err(ScimError::invalid_syntax(format!("\"schemas\" must list \"{}\".", urn::PATCH_OP)));
        }
        let Some(Value::Array(list)) = take(&mut body, "Operations") else { return Err(shape()) };
        if list.is_empty() {
            return Err(shape());
        }
        if list.len() > MAX_OPERATIONS {
            return Err(ScimError::too_large(format!(
                "A PATCH may hold {MAX_OPERATIONS} operations at most."
            )));
        }
        let read = |(index, operation)| {
            read(profile, operation).map_err(|error| error.context(format!("Operations[{index}]")))
        };
        let operations = list.into_iter().enumerate().map(read).collect::<Result<Vec<_>, _>>()?;
        Ok(PatchRequest { operations, size })
    }

    /// An estimate of the work to apply it to a document whose JSON text has `document` bytes. Its unit is a byte that is
    /// read once, about 15 ns; to pass the values of a list takes an eighth of that for each of their bytes.
    pub fn work(&self, document: usize) -> usize {
        let passes: usize = self.operations.iter().map(Operation::passes).sum();
        self.size.saturating_add(document).saturating_add((document / 8).saturating_mul(passes))
    }

    /// Whether every operation concerns `members` alone, so that the group itself need not be read.
    pub fn is_members_only(&self, resource_type: &ResourceType) -> bool {
        let is_members = |path: &Path| {
            let core = path
                .attribute
                .urn
                .as_ref()
                .is_none_or(|urn| urn.eq_ignore_ascii_case(&resource_type.schema.id));
            core && path.attribute.name.eq_ignore_ascii_case("members")
        };
        resource_type.kind == ResourceKind::Group
            && self.operations.iter().all(|operation| match (&operation.path, &operation.value) {
                (Some(path), _) => is_members(path),
                (None, Some(Value::Object(map))) => {
                    !map.is_empty() && map.keys().all(|key| key.eq_ignore_ascii_case("members"))
                }
                _ => false,
            })
    }

    /// Applies the operations in order; the first refused one refuses the request and nothing has happened.
    ///
    /// # Errors
    /// 400 with the `scimType` of RFC 7644 table 9; 413 for more than [`MAX_OPERATIONS`], [`MAX_COMPARISONS`] or
    /// [`MAX_STEPS`].
    pub fn apply(
        &self,
        resource_type: &ResourceType,
        profile: Profile,
        document: &Map<String, Value>,
    ) -> Result<Patched, ScimError> {
        apply::apply(self, resource_type, profile, None, document)
    }

    /// As [`PatchRequest::apply`], for the resource of this `id`: a value that repeats the id changes nothing.
    ///
    /// # Errors
    /// As [`PatchRequest::apply`].
    pub fn apply_to(
        &self,
        resource_type: &ResourceType,
        profile: Profile,
        id: &str,
        document: &Map<String, Value>,
    ) -> Result<Patched, ScimError> {
        apply::apply(self, resource_type, profile, Some(id), document)
    }
}

/// Takes a member of an object out, whatever the case of its name.
fn take(map: &mut Map<String, Value>, name: &str) -> Option<Value> {
    let key = map.keys().find(|key| key.eq_ignore_ascii_case(name))?.clone();
    map.shift_remove(&key)
}

fn read(profile: Profile, operation: Value) -> Result<Operation, ScimError> {
    let Value::Object(mut operation) = operation else {
        return Err(ScimError::invalid_syntax(
            "An operation must be an object with \"op\", \"path\" and \"value\".",
        ));
    };
    let unknown = || ScimError::invalid_syntax("\"op\" must be \"add\", \"replace\" or \"remove\".");
    let Some(Value::String(word)) = take(&mut operation, "op") else { return Err(unknown()) };
    let lower = word.to_ascii_lowercase();
    let op = match lower.as_str() {
        "add" => Op::Add,
        "replace" => Op::Replace,
        "remove" => Op::Remove,
        _ => return Err(unknown()),
    };
    if lower != word && !profile.rules().reads_op_in_any_case {
        return Err(unknown());
    }
    let path = match take(&mut operation, "path") {
        None | Some(Value::Null) => None,
        Some(Value::String(path)) if path.trim().is_empty() => None,
        Some(Value::String(path)) => Some(Path::parse_for(profile, &path)?),
        Some(_) => return Err(ScimError::invalid_path("\"path\" must be a text.")),
    };
    let value = take(&mut operation, "value");
    if op != Op::Remove && value.is_none() {
        return Err(ScimError::invalid_value("An operation add or replace needs a \"value\"."));
    }
    if op == Op::Remove && path.is_none() {
        return Err(ScimError::no_target("An operation remove needs a \"path\"."));
    }
    Ok(Operation { op, path, value, coerced: (lower != word).then_some("operationCase") })
}
