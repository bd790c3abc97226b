//! Changes as people read them: what happened, by whom, what was before and after, and what became of each operation.

use super::tenant::TenantHead;
use crate::{
    Actors,
    web::{self, Difference},
};
use scim::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use store::ChangeRow;

/// Members that are named of one change; the others are counted.
const NAMED: usize = 10;

/// A change as `timeline.html` shows it.
pub(super) struct ChangeView {
    pub(super) at: Timestamp,
    pub(super) title: &'static str,
    /// `ok`, `bad` or nothing: how the point of the timeline looks.
    pub(super) tone: &'static str,
    /// `User` or `Group`.
    pub(super) kind: String,
    /// What it was called then, if the change says so; else its id.
    pub(super) name: String,
    /// The address of all its changes.
    pub(super) history: String,
    pub(super) actor: String,
    pub(super) version: i64,
    pub(super) differences: Vec<Difference>,
    /// Whether the differences are all of a document, as when it was created.
    pub(super) is_whole: bool,
    pub(super) joined: MembersView,
    pub(super) left: MembersView,
    pub(super) effects: Vec<EffectView>,
}

/// Members that came or went: the first of them, and how many there are in all.
#[derive(Default)]
pub(super) struct MembersView {
    /// Id, and the address of its changes.
    pub(super) named: Vec<(String, String)>,
    pub(super) total: usize,
}

impl MembersView {
    /// How many are not named.
    pub(super) fn others(&self) -> usize {
        self.total - self.named.len()
    }
}

/// What became of an operation.
pub(super) struct EffectView {
    /// Its number in the request, from 1.
    pub(super) number: usize,
    pub(super) path: String,
    /// The class of its badge.
    pub(super) tone: &'static str,
    pub(super) outcome: &'static str,
    pub(super) words: &'static str,
}

#[derive(Default, Deserialize)]
struct StoredMembers {
    #[serde(default)]
    add: Vec<String>,
    #[serde(default)]
    remove: Vec<String>,
}

#[derive(Deserialize)]
struct StoredEffect {
    operation: usize,
    path: String,
    outcome: String,
    rule: Option<String>,
}

/// Each change of a page.
pub(super) fn views(tenant: &TenantHead, actors: &Actors, rows: &[ChangeRow]) -> Vec<ChangeView> {
    rows.iter().map(|row| view(tenant, actors, row)).collect()
}

fn view(tenant: &TenantHead, actors: &Actors, row: &ChangeRow) -> ChangeView {
    let (title, tone) = event(&row.event);
    let members: StoredMembers =
        row.members.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let effects: Vec<StoredEffect> = serde_json::from_str(&row.effects).unwrap_or_default();
    let history = |id: &str| tenant.at(&format!("/changes?resource={id}"));
    let listed = |ids: Vec<String>| MembersView {
        total: ids.len(),
        named: ids.into_iter().take(NAMED).map(|id| (id.clone(), history(&id))).collect(),
    };
    let document = row.after.as_deref().or(row.before.as_deref());
    let id = row.resource.to_string();
    ChangeView {
        at: row.at,
        title,
        tone,
        kind: row.kind.clone(),
        name: document.and_then(name).unwrap_or_else(|| id.clone()),
        history: history(&id),
        actor: actors.words(row.actor),
        version: row.version,
        differences: web::differences(row.before.as_deref(), row.after.as_deref()),
        is_whole: row.before.is_none() != row.after.is_none(),
        joined: listed(members.add),
        left: listed(members.remove),
        effects: effects.into_iter().map(effect).collect(),
    }
}

/// What a document is called.
pub(super) fn name(document: &str) -> Option<String> {
    let document: Value = serde_json::from_str(document).ok()?;
    let name = document.get("userName").or_else(|| document.get("displayName"))?;
    name.as_str().map(str::to_owned)
}

fn event(word: &str) -> (&'static str, &'static str) {
    match word {
        "create" => ("Created", "ok"),
        "patch" => ("Changed", ""),
        "put" => ("Replaced", ""),
        "delete" => ("Deleted", "bad"),
        "activate" => ("Activated", "ok"),
        "deactivate" => ("Deactivated", "warn"),
        _ => ("Noted", ""),
    }
}

fn effect(stored: StoredEffect) -> EffectView {
    let (tone, outcome, words) = match stored.outcome.as_str() {
        "applied" => ("ok", "applied", ""),
        "alreadyTrue" => ("", "already so", ""),
        "coerced" => ("warn", "translated", rule_words(stored.rule.as_deref().unwrap_or_default())),
        "ignored" => ("warn", "ignored", rule_words(stored.rule.as_deref().unwrap_or_default())),
        _ => ("", "unknown", ""),
    };
    EffectView { number: stored.operation + 1, path: stored.path, tone, outcome, words }
}

/// What a rule of [`scim::effect`] says, for people.
fn rule_words(rule: &str) -> &'static str {
    match rule {
        "booleanText" => "a boolean came as text",
        "textFromScalar" => "a number or boolean came where a text belongs",
        "wrappedValue" => "the value came wrapped in a list or an object",
        "singleValue" => "one value came where a list belongs",
        "plainValue" => "a bare text came where an object belongs",
        "managerText" => "the manager came as a bare id",
        "roleJson" => "the role came as the JSON text of an app role assignment",
        "roleDisplayName" => "the role came with displayName instead of display",
        "primaryOnce" => "more than one value was primary: the first stays so",
        "createdByFilter" => "no element matched the path: it was made",
        "removeByValue" => "only the values that the operation names were removed",
        "removeMembersByValue" => "only the members that the operation names were removed",
        "operationCase" => "the operation was not in lower case",
        "pathAsKey" => "an attribute path came as a key of the value",
        "bareExtensionAttribute" => "an attribute of an extension came without its URN",
        "unknownAttribute" => "no schema knows this attribute",
        "readOnly" => "only the service provider sets this attribute",
        "passwordNotKept" => "passwords are accepted and never kept",
        "emptyElement" => "an element without a value is no value",
        _ => "by a rule of an earlier version",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_has_words_of_its_own() {
        let rules = scim::effect::COERCED.iter().chain(&scim::effect::IGNORED);
        let words: std::collections::BTreeSet<_> = rules.clone().map(|rule| rule_words(rule)).collect();
        assert_eq!(words.len(), rules.count());
        assert!(!words.contains(rule_words("another")));
    }

    #[test]
    fn every_event_has_a_title() {
        use scim::event::EventKind::*;
        for kind in [Create, Patch, Put, Delete, Activate, Deactivate] {
            assert_ne!(event(kind.as_str()).0, "Noted");
        }
    }
}
