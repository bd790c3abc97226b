//! One object: import, scoping, matching, export. Reads the state, changes nothing of it, and says what came of it.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

use jiff::Timestamp;
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

use super::departure::departure_sentence;
use super::failure::{self, Failure, Operation};
use super::plan::{CycleKind, Work};
use super::requests::{self, Change};
use super::source::SourceObject;
use super::state::{Departure, Link, State};
use super::values;
use crate::expressions::{Scope, text_of};
use crate::http::tenant_url::encode;
use crate::http::{Client, Dialect, Exchange};
use crate::job::{Job, ObjectMapping, ObjectType, Target};
use crate::report::log::{Action, ModifiedProperty, Record, Status, StepType};

/// What every object of a cycle shares.
pub(super) struct Context<'a> {
    pub(super) client: &'a Client,
    pub(super) job: &'a Job,
    pub(super) state: &'a State,
    pub(super) dialect: Dialect,
    pub(super) kind: CycleKind,
    pub(super) now: Timestamp,
    pub(super) seed: u64,
    /// Objects in escrow.
    pub(super) escrowed: BTreeSet<&'a str>,
    /// An error of the whole job has come: nothing more is begun.
    pub(super) halted: Cell<bool>,
}

/// What becomes of the link of an object.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum LinkChange {
    Keep,
    Set(Box<Link>),
    Remove,
}

/// What came of one object.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) record: Record,
    pub(super) link: LinkChange,
    pub(super) failure: Option<Failure>,
    /// Whether something was to be written.
    pub(super) export: bool,
}

/// A target object as the server returned it.
pub(super) struct Found {
    pub(super) id: String,
    pub(super) resource: Value,
}

impl Context<'_> {
    /// Does what the plan says; nothing once the job is halted.
    pub(super) async fn run(&self, work: &Work<'_>) -> Option<Outcome> {
        if self.halted.get() {
            return None;
        }
        let begun = std::time::Instant::now();
        let mut outcome = match work {
            Work::Provision(object) => self.provision(object).await,
            Work::Deprovision(object, departure) => self.deprovision(object, *departure).await,
            Work::Purge { id, link } => self.purge(id, link).await,
            Work::Skip(object, departure) => self.skip(object, *departure),
        };
        outcome.record.milliseconds = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        if let Some(failure) = &outcome.failure {
            outcome.record.status = Status::Failure;
            outcome.record.error = Some(failure.information());
            self.halted.set(self.halted.get() || failure.job.is_some());
        }
        Some(outcome)
    }

    pub(super) fn outcome(object: &SourceObject<'_>) -> Outcome {
        let record = Record::new(object.object_type, object.id, object.name());
        Outcome { record, link: LinkChange::Keep, failure: None, export: false }
    }

    pub(super) fn imported(&self, object: &SourceObject<'_>) -> Outcome {
        let mut outcome = Self::outcome(object);
        let linked = self.state.link(object.id).is_some();
        let (step, change) = if linked { ("EntryImportUpdate", "Update") } else { ("EntryImportAdd", "Add") };
        let (kind, name) = (object.object_type, object.name());
        let sentence = format!(
            "Received {kind} '{name}' change of type ({change}) from {}",
            crate::report::log::SOURCE_SYSTEM
        );
        outcome.record.step(StepType::Import, step, Status::Success, sentence);
        if let Some(link) = self.state.link(object.id) {
            outcome.record.target_id.clone_from(&link.target_id);
        }
        outcome
    }

    fn skip(&self, object: &SourceObject<'_>, departure: Departure) -> Outcome {
        let mut outcome = self.imported(object);
        let why = departure_sentence(departure);
        outcome.record.step(
            StepType::Scoping,
            "EntrySynchronizationScoping",
            Status::Skipped,
            why.to_owned(),
        );
        outcome.record.skip("EntrySynchronizationSkipped", why);
        outcome
    }

    async fn provision(&self, object: &SourceObject<'_>) -> Outcome {
        let mut outcome = self.imported(object);
        let sentence = format!("{} '{}' is in scope", object.object_type, object.name());
        outcome.record.step(StepType::Scoping, "EntrySynchronizationScoping", Status::Success, sentence);
        let result = self.match_and_export(object, &mut outcome).await;
        outcome.failure = result.err();
        if let (Some(_), Some(link)) = (&outcome.failure, self.state.link(object.id))
            && link.departed.is_some()
        {
            // The server may have enabled the target and the answer was lost: it is no longer known to be disabled.
            outcome.link = LinkChange::Set(Box::new(Link { departed: None, ..link.clone() }));
        }
        outcome
    }

    async fn match_and_export(
        &self,
        object: &SourceObject<'_>,
        outcome: &mut Outcome,
    ) -> Result<(), Failure> {
        let mapping = self.job.mapping(object.object_type);
        let mut linked = self.state.link(object.id).cloned();
        let mut found = None;
        if let Some(link) = &linked {
            found = self.read(link).await?;
            if found.is_none() {
                if self.kind == CycleKind::Incremental {
                    let why =
                        format!("{} '{}' no longer exists in the target", link.object_type, link.target_id);
                    return Err(Failure {
                        advice: Some("restart the job"),
                        ..Failure::new("InvalidAnchor", why)
                    });
                }
                linked = None;
            }
        }
        if linked.is_none() {
            let Some(matched) = self.find(object, mapping, &mut outcome.record).await? else { return Ok(()) };
            found = matched;
        }
        let (kind, name) = (object.object_type, object.name());
        match found {
            None => {
                let sentence = format!(
                    "{kind} '{name}' will be created in {} ({kind} is active and assigned in {}, but no matching {kind} was found in {})",
                    self.job.name,
                    crate::report::log::SOURCE_SYSTEM,
                    self.job.name
                );
                outcome.record.step(StepType::Matching, "EntrySynchronizationAdd", Status::Success, sentence);
                self.create(object, mapping, outcome).await
            }
            Some(found) => {
                let sentence = format!("{kind} '{name}' matches '{}' in {}", found.id, self.job.name);
                outcome.record.step(
                    StepType::Matching,
                    "EntrySynchronizationUpdate",
                    Status::Success,
                    sentence,
                );
                outcome.record.target_id.clone_from(&found.id);
                self.update(object, mapping, linked, found, outcome).await
            }
        }
    }

    /// The current state of a linked object; none if the server has it no longer.
    pub(super) async fn read(&self, link: &Link) -> Result<Option<Found>, Failure> {
        let path = format!("{}/{}", link.object_type.endpoint(), encode(&link.target_id));
        let query: &[(&str, &str)] = match link.object_type {
            ObjectType::User => &[],
            ObjectType::Group => &[("excludedAttributes", "members")],
        };
        let exchange = self.client.get(&path, query).await;
        if exchange.status() == Some(404) {
            return Ok(None);
        }
        let resource = success(&exchange, Operation::Read)?;
        without_members(link.object_type, &resource)?;
        Ok(Some(Found { id: link.target_id.clone(), resource }))
    }

    /// Asks by each matching attribute until one finds something. The outer `None`: there is nothing to ask by.
    async fn find(
        &self,
        object: &SourceObject<'_>,
        mapping: &ObjectMapping,
        record: &mut Record,
    ) -> Result<Option<Option<Found>>, Failure> {
        let mut asked = false;
        for matching in mapping.matching() {
            let value = self.value(object, |scope| matching.value(scope))?;
            if value.is_null() {
                continue;
            }
            asked = true;
            let filter = requests::equals(matching.target.in_filter(), &text_of(&value));
            let found = self.query(object.object_type, &filter).await?;
            if found.is_some() {
                return Ok(Some(found));
            }
        }
        if !asked {
            let why = "no matching attribute has a value";
            record.step(StepType::Matching, "EntrySynchronizationSkip", Status::Skipped, why.to_owned());
            record.skip("ImportSkipped", why);
            return Ok(None);
        }
        Ok(Some(None))
    }

    async fn query(&self, object_type: ObjectType, filter: &str) -> Result<Option<Found>, Failure> {
        let query = match object_type {
            ObjectType::User => vec![("filter", filter)],
            ObjectType::Group => vec![("excludedAttributes", "members"), ("filter", filter)],
        };
        let exchange = self.client.get(object_type.endpoint(), &query).await;
        let list = success(&exchange, Operation::Match)?;
        let resources = list["Resources"].as_array().map_or(&[][..], Vec::as_slice);
        match resources {
            [] if list["totalResults"].as_u64() == Some(0) => Ok(None),
            [] => Err(Failure::incompatible("the list has no Resources, and totalResults is not 0")),
            [only] => {
                without_members(object_type, only)?;
                let id = only["id"].as_str().ok_or_else(|| Failure::incompatible("a resource has no id"))?;
                Ok(Some(Found { id: id.to_owned(), resource: only.clone() }))
            }
            several => {
                let why = format!("{} objects match {filter}", several.len());
                Err(Failure::new("DuplicateTargetEntries", why))
            }
        }
    }

    async fn create(
        &self,
        object: &SourceObject<'_>,
        mapping: &ObjectMapping,
        outcome: &mut Outcome,
    ) -> Result<(), Failure> {
        if !mapping.actions.create {
            outcome.record.skip("EntrySynchronizationSkipped", "creating objects is switched off");
            return Ok(());
        }
        (outcome.record.action, outcome.export) = (Action::Create, true);
        let values = self.value(object, |scope| values::for_creation(mapping, scope))?;
        let body = requests::create(object.object_type, &values);
        let exchange = self.client.post(object.object_type.endpoint(), &body).await;
        let created =
            success(&exchange, Operation::Create).and_then(|resource| match resource["id"].as_str() {
                Some(id) if !id.is_empty() => Ok(id.to_owned()),
                _ => Err(Failure::incompatible("the answer to the POST has no id")),
            });
        self.export_step(object, "EntryExportAdd", "create", "created", created.is_ok(), &mut outcome.record);
        let target_id = created?;
        outcome.record.modified = modified(&values);
        outcome.record.target_id.clone_from(&target_id);
        outcome.link = LinkChange::Set(Box::new(Link::new(object.object_type, &target_id)));
        Ok(())
    }

    async fn update(
        &self,
        object: &SourceObject<'_>,
        mapping: &ObjectMapping,
        linked: Option<Link>,
        found: Found,
        outcome: &mut Outcome,
    ) -> Result<(), Failure> {
        let departed = object.scoping.departure();
        let mut link = linked.unwrap_or_else(|| Link::new(object.object_type, &found.id));
        let was = link.departed;
        link.manager = values::manager_of(mapping, &found.resource);
        let changes = self.value(object, |scope| values::for_update(mapping, &found.resource, scope))?;
        if changes.is_empty() {
            let why = "the states of the entry in the source and in the target already match";
            outcome.record.skip("RedundantExport", why);
        } else if !mapping.actions.update {
            outcome.record.skip("EntrySynchronizationSkipped", "updating objects is switched off");
        } else {
            let disabling = departed.is_some() && was.is_none();
            outcome.record.action = if disabling { Action::Disable } else { Action::Update };
            self.patch(object, &found.id, &changes, outcome).await?;
        }
        link.departed = departed;
        outcome.link = LinkChange::Set(Box::new(link));
        Ok(())
    }

    pub(super) async fn patch(
        &self,
        object: &SourceObject<'_>,
        target_id: &str,
        changes: &[Change<'_>],
        outcome: &mut Outcome,
    ) -> Result<(), Failure> {
        outcome.export = true;
        let body = requests::patch(self.dialect, changes, &object.attribute("appRoleAssignments"));
        let path = format!("{}/{}", object.object_type.endpoint(), encode(target_id));
        let exchange = self.client.patch(&path, &body).await;
        let done = exchange.is_success();
        self.export_step(object, "EntryExportUpdate", "update", "updated", done, &mut outcome.record);
        if !done {
            return Err(Failure::of(&exchange, Operation::Update));
        }
        outcome.record.modified = modified(changes);
        Ok(())
    }

    fn export_step(
        &self,
        object: &SourceObject<'_>,
        step: &str,
        verb: &str,
        done_verb: &str,
        done: bool,
        record: &mut Record,
    ) {
        let (kind, name) = (object.object_type, object.name());
        let sentence = if done {
            format!("{kind} '{name}' was {done_verb} in {}", self.job.name)
        } else {
            format!("Failed to {verb} {kind} '{name}' in {}", self.job.name)
        };
        let status = if done { Status::Success } else { Status::Failure };
        record.step(StepType::Export, step, status, sentence);
    }

    /// Evaluates something for an object, with randomness of its own.
    pub(super) fn value<T>(
        &self,
        object: &SourceObject<'_>,
        evaluate: impl FnOnce(&Scope<'_>) -> Result<T, crate::expressions::EvaluationError>,
    ) -> Result<T, Failure> {
        let own = object.id.bytes().fold(self.seed, |seed, byte| seed.rotate_left(5) ^ u64::from(byte));
        let random = RefCell::new(ChaCha8Rng::seed_from_u64(own));
        let attribute = |name: &str| object.attribute(name);
        Ok(evaluate(&Scope { attribute: &attribute, now: self.now, random: &random })?)
    }
}

/// The body of a successful answer.
fn success(exchange: &Exchange, operation: Operation) -> Result<Value, Failure> {
    if exchange.is_success() { failure::body(exchange) } else { Err(Failure::of(exchange, operation)) }
}

/// A group that was asked for without its members has none in the answer.
fn without_members(object_type: ObjectType, resource: &Value) -> Result<(), Failure> {
    let members = Target::parse("members").ok().and_then(|target| target.read(resource));
    if object_type == ObjectType::Group && members.is_some() {
        return Err(Failure::new(
            failure::MULTIPLE_ENTRIES,
            "members were excluded, and the answer has them",
        ));
    }
    Ok(())
}

fn modified(changes: &[Change<'_>]) -> Vec<ModifiedProperty> {
    let shown = |change: &Change<'_>, value: &Value| {
        if change.mapping.is_redacted() { "[Redact]".to_owned() } else { text_of(value) }
    };
    let property = |change: &Change<'_>| ModifiedProperty {
        display_name: change.mapping.target.to_string(),
        old_value: change.old.as_ref().map(|old| shown(change, old)),
        new_value: Some(shown(change, &change.new)),
    };
    changes.iter().map(property).collect()
}
