//! Bulk: many operations in one request, each of them the use case that a request of its own would be.

mod plan;

use crate::{Context, Failure, Precondition, Provisioning};
use futures_util::future::join_all;
pub use plan::AT_ONCE;
use plan::{Entry, Part, Step};
use scim::{
    ScimError,
    bulk::{BulkRequest, Echo, Method, Operation},
    effect::{Count, Counts, Effect},
    patch::PatchRequest,
    schema::ResourceKind,
};
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};

/// What came of a bulk request.
#[derive(Clone, Debug)]
pub struct BulkOutcomes {
    /// How each operation ended, in the order of the request.
    pub outcomes: Vec<BulkOutcome>,
    /// The effects of the operations that were carried out, counted by kind. The change log has them one by one.
    pub effects: Vec<Count>,
}

/// How an operation of a bulk request ended.
#[derive(Clone, Debug)]
pub struct BulkOutcome {
    /// What its response repeats.
    pub echo: Echo,
    /// The resource that it was about, as far as there is one.
    pub resource: Option<(ResourceKind, String)>,
    /// What came of it.
    pub result: Result<BulkDone, Failure>,
}

/// An operation that was carried out.
#[derive(Clone, Debug)]
pub struct BulkDone {
    /// What it did.
    pub method: Method,
    /// The version of the resource after it; none after a delete.
    pub version: Option<i64>,
}

/// An operation that was carried out, before it is noted.
struct CarriedOut {
    id: String,
    done: BulkDone,
    /// Dropped when they are counted: of a thousand operations they would be millions of bytes.
    effects: Vec<Effect>,
}

impl Provisioning {
    /// Carries out the operations of a bulk request (RFC 7644 section 3.7) and says how each ended. An operation is carried
    /// out after those that it refers to by `bulkId`. A POST in a circle of references is carried out in two steps: without
    /// the reference that closes the circle, and then with it.
    ///
    /// If an operation fails, only the operations that refer to it fail as well. After `failOnErrors` failures the rest is
    /// not tried, and is missing in the answer.
    pub async fn bulk(&self, context: &Context, request: BulkRequest) -> BulkOutcomes {
        let most =
            request.fail_on_errors.map_or(usize::MAX, |most| usize::try_from(most).unwrap_or(usize::MAX));
        let mut run = Run::new(request.operations);
        let batches = plan::batches(&run.entries, &run.posts);
        for batch in batches {
            let mut steps = batch.as_slice();
            // No more at once than may fail, so that none is tried behind the last failure that is allowed.
            while !steps.is_empty() && run.failures < most {
                let (now, later) = steps.split_at(steps.len().min(most - run.failures));
                let operations: Vec<_> = now.iter().map(|step| run.prepare(step)).collect();
                let results = join_all(operations.into_iter().map(async |operation| match operation {
                    Ok(operation) => self.carry_out(context, operation).await,
                    Err(failure) => Err(failure),
                }));
                for (step, result) in now.iter().zip(results.await) {
                    run.note(step, result);
                }
                steps = later;
            }
        }
        run.outcomes()
    }

    /// Carries out one operation, all of its references resolved.
    async fn carry_out(&self, context: &Context, operation: Operation) -> Result<CarriedOut, Failure> {
        let Operation { method, kind, data, .. } = operation;
        let id = operation.id.unwrap_or_default();
        let precondition = Precondition { if_match: operation.version.as_deref(), ..Precondition::default() };
        let (id, version, effects) = match method {
            Method::Post => {
                let written = self.create(context, kind, data).await?;
                (written.row.id.to_string(), Some(written.row.version), written.effects)
            }
            Method::Put => {
                let written = self.replace(context, kind, &id, precondition, data).await?;
                (id, Some(written.row.version), written.effects)
            }
            Method::Patch => {
                let request = PatchRequest::parse(context.profile, data)?;
                let changed = self.patch_in_silence(context, kind, &id, precondition, request).await?;
                (id, Some(changed.version), changed.effects)
            }
            Method::Delete => {
                self.delete(context, kind, &id, precondition).await?;
                (id, None, Vec::new())
            }
        };
        Ok(CarriedOut { id, done: BulkDone { method, version }, effects })
    }
}

/// A bulk request under way.
struct Run {
    entries: Vec<Entry>,
    posts: HashMap<String, usize>,
    /// Ids of the resources that were created, by `bulkId`.
    ids: HashMap<String, String>,
    results: Vec<Option<Result<BulkDone, Failure>>>,
    effects: Counts,
    failures: usize,
    /// Set once the database is away: it is not asked again for every operation that is left.
    unavailable: Option<Failure>,
}

impl Run {
    fn new(entries: Vec<Entry>) -> Run {
        let posts = plan::posts(&entries);
        let results = entries.iter().map(|_| None).collect();
        let effects = Counts::default();
        Run { entries, posts, ids: HashMap::new(), results, effects, failures: 0, unavailable: None }
    }

    /// The operation of a step, with ids in place of its references. Its data is taken away where it is not needed
    /// again.
    fn prepare(&mut self, step: &Step) -> Result<Operation, Failure> {
        if let Some(failure) = &self.unavailable {
            return Err(failure.clone());
        }
        let whole = self.entries[step.operation].1.as_mut().map_err(|error| Failure::Scim(error.clone()))?;
        let mut operation = match &step.part {
            Part::Whole | Part::Rest => Operation { data: std::mem::take(&mut whole.data), ..whole.clone() },
            Part::Without(missing) => {
                Operation { data: without(whole.data.clone(), missing).unwrap_or_default(), ..whole.clone() }
            }
        };
        if let Some(lost) = operation.references().into_iter().find(|name| !self.ids.contains_key(name)) {
            return Err(self.unresolved(&lost).into());
        }
        operation.resolve(&self.ids);
        if step.part == Part::Rest {
            operation.method = Method::Put;
            operation.id = operation.bulk_id.as_ref().and_then(|name| self.ids.get(name)).cloned();
        }
        Ok(operation)
    }

    fn unresolved(&self, bulk_id: &str) -> ScimError {
        if self.posts.contains_key(bulk_id) {
            return ScimError::new(
                409,
                format!("The operation with bulkId \"{bulk_id}\", which this one needs, failed."),
            );
        }
        ScimError::invalid_value(format!("No POST operation of this request has the bulkId \"{bulk_id}\"."))
    }

    /// Notes how a step ended.
    fn note(&mut self, step: &Step, result: Result<CarriedOut, Failure>) {
        // The second step of a POST in a circle has the effects of the first one again.
        if let (Part::Whole | Part::Rest, Ok(carried_out)) = (&step.part, &result) {
            self.effects.add(&carried_out.effects);
        }
        if let Err(failure @ Failure::Unavailable(_)) = &result {
            self.unavailable = Some(failure.clone());
        }
        let place = &mut self.results[step.operation];
        let result = match (step.part == Part::Rest, result, place.take()) {
            // Created before, or failed before; the second step tells the version, and what went wrong with it.
            (true, _, Some(Err(first))) => {
                *place = Some(Err(first));
                return;
            }
            (true, Ok(second), _) => Ok(BulkDone { method: Method::Post, ..second.done }),
            (true, Err(failure), _) => Err(match failure {
                Failure::Scim(error) => {
                    let detail =
                        format!("The resource was created without its circular reference: {}", error.detail);
                    Failure::Scim(ScimError { status: 409, scim_type: None, detail })
                }
                other => other,
            }),
            (false, Ok(CarriedOut { id, done, .. }), _) => {
                if let (Method::Post, Some(name)) = (done.method, &self.entries[step.operation].0.bulk_id) {
                    self.ids.insert(name.clone(), id);
                }
                Ok(done)
            }
            (false, Err(failure), _) => Err(failure),
        };
        self.failures += usize::from(result.is_err());
        *place = Some(result);
    }

    /// The outcomes in the order of the request, without the operations that were not tried.
    fn outcomes(self) -> BulkOutcomes {
        let Run { entries, ids, results, effects, .. } = self;
        let outcome = |((echo, operation), result): (Entry, Option<_>)| {
            let resource = operation.ok().and_then(|operation| {
                let name = operation
                    .id
                    .as_deref()
                    .map_or(operation.bulk_id.as_deref(), |id| id.strip_prefix("bulkId:"));
                let id = name.map_or(operation.id.as_ref(), |name| ids.get(name))?;
                Some((operation.kind, id.clone()))
            });
            Some(BulkOutcome { echo, resource, result: result? })
        };
        let outcomes = entries.into_iter().zip(results).filter_map(outcome).collect();
        BulkOutcomes { outcomes, effects: effects.into_list() }
    }
}

/// Data without the references to some `bulkId`s. A complex value whose reference goes, goes as a whole.
fn without(data: Value, missing: &BTreeSet<String>) -> Option<Value> {
    let refers = |text: &str| text.strip_prefix("bulkId:").is_some_and(|name| missing.contains(name));
    match data {
        Value::String(text) if refers(&text) => None,
        Value::Array(list) => Some(list.into_iter().filter_map(|value| without(value, missing)).collect()),
        Value::Object(map) if map.get("value").and_then(Value::as_str).is_some_and(refers) => None,
        Value::Object(map) => Some(Value::Object(
            map.into_iter().filter_map(|(key, value)| Some((key, without(value, missing)?))).collect(),
        )),
        other => Some(other),
    }
}
