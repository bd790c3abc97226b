//! The order of a bulk request's operations: each behind those that it refers to, else as in the request; and which
//! neighbours may be carried out at the same time.

use scim::{
    ScimError,
    bulk::{Echo, Method, Operation},
    comparison::user_name_key,
    schema::ResourceKind,
};
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};
use store::ResourceId;

/// An operation as it was read, or why it could not be.
pub(super) type Entry = (Echo, Result<Operation, ScimError>);

/// The most operations of a bulk request that are carried out at the same time: enough for one commit to pay for many of
/// them.
pub const AT_ONCE: usize = 32;

/// One step of a plan.
#[derive(Debug, PartialEq)]
pub(super) struct Step {
    /// The place of the operation in the request.
    pub(super) operation: usize,
    pub(super) part: Part,
}

/// How much of an operation a step carries out.
#[derive(Debug, PartialEq)]
pub(super) enum Part {
    /// All of it.
    Whole,
    /// A POST in a circle of references (RFC 7644 section 3.7.1), without the references to these `bulkId`s, whose
    /// resources cannot be there yet.
    Without(BTreeSet<String>),
    /// What was left out before, now that the circle is closed.
    Rest,
}

/// The POST operations by their `bulkId`: what can be referred to.
pub(super) fn posts(entries: &[Entry]) -> HashMap<String, usize> {
    let post = |(place, (_, operation)): (usize, &Entry)| match operation {
        Ok(Operation { method: Method::Post, bulk_id: Some(bulk_id), .. }) => Some((bulk_id.clone(), place)),
        _ => None,
    };
    entries.iter().enumerate().filter_map(post).collect()
}

/// The steps in order, in batches: those of a batch may be carried out in any order.
pub(super) fn batches(entries: &[Entry], posts: &HashMap<String, usize>) -> Vec<Vec<Step>> {
    let mut batches = Vec::new();
    let mut batch = Vec::new();
    let mut touched: HashMap<String, Access> = HashMap::new();
    for step in order(entries, posts) {
        let accesses = entries[step.operation].1.as_ref().map(accesses).unwrap_or_default();
        let meets = |(what, access): &(String, Access)| {
            touched.get(what).is_some_and(|other| other.excludes(*access))
        };
        if batch.len() == AT_ONCE || accesses.iter().any(meets) {
            batches.push(std::mem::take(&mut batch));
            touched.clear();
        }
        touched.extend(accesses);
        batch.push(step);
    }
    batches.push(batch);
    batches
}

/// How far the walk has come with an operation.
#[derive(Clone, Copy, PartialEq)]
enum Visit {
    New,
    /// It waits, at this depth, for what it refers to.
    Open(usize),
    Done,
}

/// An operation that waits for what it refers to.
struct Waiting {
    operation: usize,
    /// References still to be looked at, the first one last.
    ahead: Vec<(String, usize)>,
    missing: BTreeSet<String>,
    /// The outermost operation of the circle.
    until: Option<(usize, usize)>,
}

/// Walks the references depth first, in the order of the request. A reference to an operation that is still open
/// closes a circle: it is left out, and made good when the outermost operation of the circle is done.
fn order(entries: &[Entry], posts: &HashMap<String, usize>) -> Vec<Step> {
    let mut visits = vec![Visit::New; entries.len()];
    let mut steps = Vec::with_capacity(entries.len());
    let mut rests: HashMap<usize, Vec<usize>> = HashMap::new();
    for first in 0..entries.len() {
        let mut open = Vec::new();
        let mut next = (visits[first] == Visit::New).then_some(first);
        loop {
            if let Some(operation) = next.take() {
                visits[operation] = Visit::Open(open.len());
                let ahead = ahead(&entries[operation].1, posts);
                open.push(Waiting { operation, ahead, missing: BTreeSet::new(), until: None });
            }
            let Some(waiting) = open.last_mut() else { break };
            if let Some((name, target)) = waiting.ahead.pop() {
                match visits[target] {
                    Visit::New => next = Some(target),
                    Visit::Open(depth) => {
                        waiting.missing.insert(name);
                        waiting.until = waiting.until.into_iter().chain([(depth, target)]).min();
                    }
                    Visit::Done => {}
                }
                continue;
            }
            let Some(Waiting { operation, missing, until, .. }) = open.pop() else { break };
            visits[operation] = Visit::Done;
            let part = if missing.is_empty() { Part::Whole } else { Part::Without(missing) };
            steps.push(Step { operation, part });
            if let Some((_, outermost)) = until {
                rests.entry(outermost).or_default().push(operation);
            }
            let closed = rests.remove(&operation).unwrap_or_default();
            steps.extend(closed.into_iter().map(|operation| Step { operation, part: Part::Rest }));
        }
    }
    steps
}

/// The POST operations that an operation refers to, the last of the request first.
fn ahead(operation: &Result<Operation, ScimError>, posts: &HashMap<String, usize>) -> Vec<(String, usize)> {
    let references = operation.as_ref().map(Operation::references).unwrap_or_default();
    let place = |name: String| posts.get(&name).map(|place| (name, *place));
    let mut ahead: Vec<_> = references.into_iter().filter_map(place).collect();
    ahead.sort_by_key(|(_, place)| std::cmp::Reverse(*place));
    ahead
}

/// What an operation does to something that other operations may touch as well.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Access {
    /// Refers to a resource.
    Refer,
    /// Changes it, alone.
    Change,
    /// Takes a new `userName`.
    TakeName,
    /// Sets a `userName` free.
    FreeName,
}

impl Access {
    /// Whether the order of two accesses could matter.
    fn excludes(self, other: Access) -> bool {
        self != other || self == Access::Change
    }
}

/// All user names of the tenant together.
const USER_NAMES: &str = "userName";

/// What an operation touches. Resources go by their id, new ones by `bulkId:…`.
fn accesses(operation: &Operation) -> Vec<(String, Access)> {
    let mut found = Vec::new();
    refer(&operation.data, &mut found);
    let target = match (&operation.id, &operation.bulk_id) {
        (Some(id), _) => id.clone(),
        (None, bulk_id) => format!("bulkId:{}", bulk_id.as_deref().unwrap_or_default()),
    };
    // After the references, so that the change counts where an operation refers to what it changes.
    found.push((target, Access::Change));
    match (operation.kind, operation.method) {
        (ResourceKind::Group, _) => {}
        (_, Method::Post) => {
            found.push((USER_NAMES.to_owned(), Access::TakeName));
            let name = operation.data.as_object().and_then(|data| {
                data.iter()
                    .find(|(key, _)| key.eq_ignore_ascii_case("userName"))
                    .and_then(|(_, name)| name.as_str())
            });
            found.push((format!("userName {}", user_name_key(name.unwrap_or_default())), Access::Change));
        }
        (_, Method::Delete) => found.push((USER_NAMES.to_owned(), Access::FreeName)),
        (_, Method::Put | Method::Patch) if speaks_of_names(&operation.data) => {
            found.push((USER_NAMES.to_owned(), Access::Change));
        }
        (_, Method::Put | Method::Patch) => {}
    }
    found
}

fn refer(data: &Value, found: &mut Vec<(String, Access)>) {
    match data {
        Value::String(text) if text.starts_with("bulkId:") || ResourceId::parse(text).is_some() => {
            found.push((text.clone(), Access::Refer));
        }
        Value::Array(list) => list.iter().for_each(|value| refer(value, found)),
        Value::Object(map) => map.values().for_each(|value| refer(value, found)),
        _ => {}
    }
}

/// Whether a key or a path anywhere in a body may mean `userName`.
fn speaks_of_names(data: &Value) -> bool {
    let means = |text: &str| text.to_ascii_lowercase().contains("username");
    match data {
        Value::String(text) => means(text),
        Value::Array(list) => list.iter().any(speaks_of_names),
        Value::Object(map) => map.iter().any(|(key, value)| means(key) || speaks_of_names(value)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use scim::bulk::BulkRequest;
    use serde_json::json;

    fn entries(operations: Value) -> Vec<Entry> {
        BulkRequest::parse(json!({ "Operations": operations }), 100).unwrap().operations
    }

    fn user(bulk_id: &str, user_name: &str) -> Value {
        json!({"method": "POST", "path": "/Users", "bulkId": bulk_id, "data": {"userName": user_name}})
    }

    fn group(bulk_id: &str, members: &[&str]) -> Value {
        let members: Vec<Value> = members.iter().map(|id| json!({"value": format!("bulkId:{id}")})).collect();
        json!({"method": "POST", "path": "/Groups", "bulkId": bulk_id, "data": {"displayName": "g", "members": members}})
    }

    fn change(method: &str, path: &str, data: Value) -> Value {
        json!({"method": method, "path": path, "data": data})
    }

    /// The plan as text: batches in brackets, `-` for a part without its circular references, `+` for the rest.
    fn plan(operations: Value) -> String {
        let entries = entries(operations);
        let show = |step: &Step| match &step.part {
            Part::Whole => step.operation.to_string(),
            Part::Without(_) => format!("{}-", step.operation),
            Part::Rest => format!("{}+", step.operation),
        };
        batches(&entries, &posts(&entries))
            .iter()
            .map(|batch| format!("[{}]", batch.iter().map(show).collect::<Vec<_>>().join(" ")))
            .collect()
    }

    #[test]
    fn what_is_referred_to_comes_first() {
        assert_eq!(plan(json!([group("g", &["u", "h"]), user("u", "a"), group("h", &[])])), "[1 2][0]");
        assert_eq!(
            plan(json!([group("a", &["b"]), group("b", &["c"]), group("c", &["d"]), group("d", &[])])),
            "[3][2][1][0]"
        );
    }

    #[test]
    fn a_circle_is_entered_without_one_reference_and_closed_behind_it() {
        assert_eq!(plan(json!([group("a", &["b"]), group("b", &["a"])])), "[1-][0][1+]");
        assert_eq!(plan(json!([group("a", &["a"])])), "[0-][0+]");
        // Two circles through a; c refers back to both a and b, and must wait for the outer one.
        assert_eq!(
            plan(json!([group("a", &["b"]), group("b", &["c"]), group("c", &["b", "a"])])),
            "[2-][1][0][2+]"
        );
    }

    #[test]
    fn what_follows_a_circle_waits_until_it_is_closed() {
        let patch = change("PATCH", "/Groups/bulkId:b", json!({"Operations": []}));
        assert_eq!(plan(json!([patch, group("a", &["b"]), group("b", &["a"])])), "[1-][2][1+][0]");
    }

    #[test]
    fn neighbours_run_together_only_where_order_cannot_matter() {
        let id = |n: u128| uuid::Uuid::from_u128(n).to_string();
        let add = |n| json!({"Operations": [{"op": "add", "path": "members", "value": [{"value": id(n)}]}]});
        let title = json!({"Operations": [{"op": "add", "path": "title", "value": "x"}]});
        let name = json!({"Operations": [{"op": "replace", "path": "UserName", "value": "x"}]});
        let (u1, u2) = (format!("/Users/{}", id(1)), format!("/Users/{}", id(2)));
        let (g3, g4) = (format!("/Groups/{}", id(3)), format!("/Groups/{}", id(4)));
        for (operations, expected) in [
            (json!([user("1", "a"), user("2", "b")]), "[0 1]"),
            (json!([user("1", "a"), user("2", "A")]), "[0][1]"),
            (json!([user("1", "\u{e9}"), user("2", "E\u{301}")]), "[0][1]"),
            (json!([change("PATCH", &g3, add(1)), change("PATCH", &g4, add(1))]), "[0 1]"),
            (json!([change("PATCH", &g3, add(1)), change("PATCH", &g3, add(2))]), "[0][1]"),
            (json!([change("DELETE", &u1, json!(null)), change("DELETE", &u2, json!(null))]), "[0 1]"),
            (json!([change("DELETE", &u1, json!(null)), change("PATCH", &g3, add(1))]), "[0][1]"),
            (json!([change("DELETE", &u1, json!(null)), user("1", "a")]), "[0][1]"),
            (json!([change("PATCH", &u1, title.clone()), change("PATCH", &u2, title)]), "[0 1]"),
            (json!([change("PATCH", &u1, name.clone()), change("PATCH", &u2, name)]), "[0][1]"),
            (json!([{"method": "GET"}, user("1", "a")]), "[0 1]"),
        ] {
            assert_eq!(plan(operations.clone()), expected, "{operations}");
        }
        let many: Vec<Value> = (0..AT_ONCE + 1).map(|n| user(&n.to_string(), &n.to_string())).collect();
        let many = entries(many.into());
        assert_eq!(batches(&many, &posts(&many)).iter().map(Vec::len).collect::<Vec<_>>(), [AT_ONCE, 1]);
    }
}
