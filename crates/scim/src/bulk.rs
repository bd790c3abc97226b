//! `/Bulk` (RFC 7644 section 3.7): reading the request, resolving `bulkId` references, building the response.

use crate::{ScimError, schema::ResourceKind, urn};
use serde_json::{Map, Value, json};
use std::collections::{BTreeSet, HashMap};

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Create.
    Post,
    /// Replace.
    Put,
    /// Change.
    Patch,
    /// Delete.
    Delete,
}

/// One operation, its words checked.
#[derive(Clone, Debug)]
pub struct Operation {
    /// What it does.
    pub method: Method,
    /// The client's name for the resource it creates.
    pub bulk_id: Option<String>,
    /// `version`: acts as `If-Match`.
    pub version: Option<String>,
    /// Users or Groups.
    pub kind: ResourceKind,
    /// The id behind the endpoint (none for POST); may be a `bulkId:` reference.
    pub id: Option<String>,
    /// The body.
    pub data: Value,
}

/// A bulk request. An operation that cannot be read fails alone.
#[derive(Clone, Debug)]
pub struct BulkRequest {
    /// After so many failed operations no more are tried; none tries all.
    pub fail_on_errors: Option<u64>,
    /// In the order of the request, each with its `method` and `bulkId` as sent for the response.
    pub operations: Vec<(Echo, Result<Operation, ScimError>)>,
}

/// What of an operation is repeated in its response.
#[derive(Clone, Debug, Default)]
pub struct Echo {
    /// `method` as sent.
    pub method: String,
    /// `bulkId` as sent.
    pub bulk_id: Option<String>,
}

/// How an operation ended.
#[derive(Clone, Debug)]
pub enum Answer {
    /// It was carried out.
    Done {
        /// HTTP status.
        status: u16,
        /// Address of the resource.
        location: String,
        /// ETag; none after a delete.
        version: Option<String>,
    },
    /// It failed.
    Failed {
        /// Address of the resource; none for a failed POST.
        location: Option<String>,
        /// Why.
        error: ScimError,
    },
}

const REFERENCE: &str = "bulkId:";

impl BulkRequest {
    /// Reads the body.
    ///
    /// # Errors
    /// 400 `invalidSyntax` for a body that is no bulk request or gives a `bulkId` twice; 413 for more than
    /// `max_operations`.
    pub fn parse(body: Value, max_operations: usize) -> Result<BulkRequest, ScimError> {
        let shape =
            || ScimError::invalid_syntax("The body must be a BulkRequest object with a list \"Operations\".");
        let Value::Object(mut body) = body else { return Err(shape()) };
        let fail_on_errors = match get(&body, "failOnErrors") {
            None | Some(Value::Null) => None,
            Some(value) => Some(value.as_u64().filter(|count| *count > 0).ok_or_else(|| {
                ScimError::invalid_value("\"failOnErrors\" must be a whole number of 1 or more.")
            })?),
        };
        let Some(Value::Array(list)) = take(&mut body, "Operations") else { return Err(shape()) };
        if list.len() > max_operations {
            return Err(ScimError::too_large(format!(
                "A bulk request may hold {max_operations} operations at most."
            )));
        }
        let operations: Vec<_> =
            list.into_iter().map(|operation| (echo(&operation), read(operation))).collect();
        let mut seen = BTreeSet::new();
        if let Some(twice) =
            operations.iter().filter_map(|(echo, _)| echo.bulk_id.as_ref()).find(|id| !seen.insert(*id))
        {
            return Err(ScimError::invalid_syntax(format!(
                "The bulkId \"{twice}\" is given to two operations."
            )));
        }
        Ok(BulkRequest { fail_on_errors, operations })
    }
}

fn get<'a>(map: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    map.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

/// The value of a key, moved and not copied: it may be large.
fn take(map: &mut Map<String, Value>, name: &str) -> Option<Value> {
    map.iter_mut().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.take())
}

fn echo(operation: &Value) -> Echo {
    let text = |name| {
        operation.as_object().and_then(|map| get(map, name)).and_then(Value::as_str).map(str::to_owned)
    };
    Echo { method: text("method").unwrap_or_default(), bulk_id: text("bulkId").filter(|id| !id.is_empty()) }
}

fn read(operation: Value) -> Result<Operation, ScimError> {
    let Value::Object(mut map) = operation else {
        return Err(ScimError::invalid_syntax(
            "An operation must be an object with \"method\" and \"path\".",
        ));
    };
    let data = take(&mut map, "data").unwrap_or_default();
    let text = |name| get(&map, name).and_then(Value::as_str);
    let method = match text("method").unwrap_or_default().to_ascii_uppercase().as_str() {
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "PATCH" => Method::Patch,
        "DELETE" => Method::Delete,
        _ => return Err(ScimError::invalid_syntax("\"method\" must be POST, PUT, PATCH or DELETE.")),
    };
    let wrong_path = || {
        ScimError::invalid_syntax(
            "\"path\" must be /Users or /Groups for POST, and /Users/{id} or /Groups/{id} for other methods.",
        )
    };
    let mut parts =
        text("path").and_then(|path| path.strip_prefix('/')).ok_or_else(wrong_path)?.splitn(2, '/');
    let kind = match parts.next() {
        Some("Users") => ResourceKind::User,
        Some("Groups") => ResourceKind::Group,
        _ => return Err(wrong_path()),
    };
    let id = parts.next().filter(|id| !id.is_empty()).map(str::to_owned);
    if (method == Method::Post) != id.is_none() {
        return Err(wrong_path());
    }
    let bulk_id = text("bulkId").filter(|id| !id.is_empty()).map(str::to_owned);
    if method == Method::Post && bulk_id.is_none() {
        return Err(ScimError::invalid_syntax("A POST operation needs a \"bulkId\"."));
    }
    if method != Method::Delete && !data.is_object() {
        return Err(ScimError::invalid_syntax("The operation needs \"data\": the body of the request."));
    }
    Ok(Operation { method, bulk_id, version: text("version").map(str::to_owned), kind, id, data })
}

impl Operation {
    /// The `bulkId`s that it refers to, in its path or as text values of its data.
    pub fn references(&self) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        if let Some(reference) = self.id.as_deref().and_then(|id| id.strip_prefix(REFERENCE)) {
            found.insert(reference.to_owned());
        }
        collect(&self.data, &mut found);
        found
    }

    /// Puts ids in place of references.
    pub fn resolve(&mut self, ids: &HashMap<String, String>) {
        if let Some(id) =
            self.id.as_deref().and_then(|id| id.strip_prefix(REFERENCE)).and_then(|id| ids.get(id))
        {
            self.id = Some(id.clone());
        }
        replace(&mut self.data, ids);
    }
}

fn collect(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => found.extend(text.strip_prefix(REFERENCE).map(str::to_owned)),
        Value::Array(list) => list.iter().for_each(|value| collect(value, found)),
        Value::Object(map) => map.values().for_each(|value| collect(value, found)),
        _ => {}
    }
}

fn replace(value: &mut Value, ids: &HashMap<String, String>) {
    match value {
        Value::String(text) => {
            if let Some(id) = text.strip_prefix(REFERENCE).and_then(|id| ids.get(id)) {
                *text = id.clone();
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|value| replace(value, ids)),
        Value::Object(map) => map.values_mut().for_each(|value| replace(value, ids)),
        _ => {}
    }
}

/// The response to a bulk request; operations that were not tried are left out.
pub fn response(answers: impl IntoIterator<Item = (Echo, Answer)>) -> Value {
    let operations: Vec<Value> = answers
        .into_iter()
        .map(|(echo, answer)| {
            let mut operation = Map::new();
            operation.insert("method".to_owned(), echo.method.into());
            if let Some(bulk_id) = echo.bulk_id {
                operation.insert("bulkId".to_owned(), bulk_id.into());
            }
            let (location, status) = match &answer {
                Answer::Done { location, status, .. } => (Some(location), *status),
                Answer::Failed { location, error } => (location.as_ref(), error.status),
            };
            if let Some(location) = location {
                operation.insert("location".to_owned(), location.as_str().into());
            }
            if let Answer::Done { version: Some(version), .. } = &answer {
                operation.insert("version".to_owned(), version.as_str().into());
            }
            operation.insert("status".to_owned(), status.to_string().into());
            if let Answer::Failed { error, .. } = &answer {
                operation.insert("response".to_owned(), error.to_json());
            }
            Value::Object(operation)
        })
        .collect();
    json!({ "schemas": [urn::BULK_RESPONSE], "Operations": operations })
}
