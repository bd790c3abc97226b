//! Changes as people read them: what happened, by whom, what was before and after, and what became of each operation.

use super::tenant::TenantHead;
use crate::{
    Actors, Admin, Failure,
    web::{self, Differences},
};
use scim::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};
use store::{ChangeRow, NamedResource, ResourceId};

/// Members that are named of one change; the others are counted.
const NAMED: usize = 5;

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
    pub(super) differences: Differences,
    /// Whether the differences are all of a document, as when it was created.
    pub(super) is_whole: bool,
    pub(super) joined: MembersView,
    pub(super) left: MembersView,
    pub(super) effects: Vec<EffectView>,
}

/// Members that came or went: the first of them, and how many there are in all.
#[derive(Default)]
pub(super) struct MembersView {
    /// What they are called, and their addresses.
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
    /// How many more of the same outcome and rule are not listed.
    pub(super) more: u64,
}

#[derive(Default, Deserialize)]
struct StoredMembers {
    #[serde(default)]
    add: Vec<String>,
    #[serde(default)]
    remove: Vec<String>,
}

impl StoredMembers {
    fn of(row: &ChangeRow) -> StoredMembers {
        row.members.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    }
}

#[derive(Deserialize)]
struct StoredEffect {
    operation: usize,
    path: String,
    outcome: String,
    rule: Option<String>,
    #[serde(default)]
    more: u64,
}

/// Each change of a page.
///
/// # Errors
/// No such tenant.
pub(super) async fn views(
    admin: &Admin,
    tenant: &TenantHead,
    rows: &[ChangeRow],
) -> Result<Vec<ChangeView>, Failure> {
    let members: Vec<StoredMembers> = rows.iter().map(StoredMembers::of).collect();
    let first = |ids: &Vec<String>| -> Vec<ResourceId> {
        ids.iter().take(NAMED).filter_map(|id| ResourceId::parse(id)).collect()
    };
    let named = members.iter().flat_map(|members| [first(&members.add), first(&members.remove)].concat());
    let nameless = rows.iter().filter(|row| row.before.is_none() && row.after.is_none());
    let ids: BTreeSet<ResourceId> = named.chain(nameless.map(|row| row.resource)).collect();
    let known = Known {
        tenant,
        actors: admin.actors(&tenant.label).await?,
        names: admin.resource_names(&tenant.label, ids.into_iter().collect()).await?,
    };
    Ok(rows.iter().zip(members).map(|(row, members)| known.view(row, &members)).collect())
}

/// What is known of those that changes name.
struct Known<'t> {
    tenant: &'t TenantHead,
    actors: Actors,
    names: HashMap<ResourceId, NamedResource>,
}

impl Known<'_> {
    fn name(&self, id: ResourceId) -> String {
        let name = self.names.get(&id).and_then(|named| named.name.clone());
        name.unwrap_or_else(|| id.to_string())
    }

    /// What a member is called, and its page, or its changes if it has none.
    fn member(&self, id: &str) -> (String, String) {
        let Some(key) = ResourceId::parse(id) else { return (id.to_owned(), self.history(id)) };
        let path = match self.names.get(&key) {
            Some(named) if !named.is_deleted => {
                self.tenant.at(&format!("/{}/{id}", if named.is_group { "groups" } else { "users" }))
            }
            _ => self.history(id),
        };
        (self.name(key), path)
    }

    fn history(&self, id: &str) -> String {
        self.tenant.at(&format!("/changes?resource={id}"))
    }

    fn members(&self, ids: &[String]) -> MembersView {
        MembersView { total: ids.len(), named: ids.iter().take(NAMED).map(|id| self.member(id)).collect() }
    }

    fn view(&self, row: &ChangeRow, members: &StoredMembers) -> ChangeView {
        let (title, tone) = event(&row.event);
        let effects: Vec<StoredEffect> = serde_json::from_str(&row.effects).unwrap_or_default();
        let document = row.after.as_deref().or(row.before.as_deref());
        ChangeView {
            at: row.at,
            title,
            tone,
            kind: row.kind.clone(),
            name: document.and_then(name).unwrap_or_else(|| self.name(row.resource)),
            history: self.history(&row.resource.to_string()),
            actor: self.actors.words(row.actor),
            version: row.version,
            differences: web::differences(row.before.as_deref(), row.after.as_deref()),
            is_whole: row.before.is_none() != row.after.is_none(),
            joined: self.members(&members.add),
            left: self.members(&members.remove),
            effects: effects.into_iter().map(effect).collect(),
        }
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
    EffectView { number: stored.operation + 1, path: stored.path, tone, outcome, words, more: stored.more }
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
        "emptyAdd" => "the operation had no value to add",
        "namesNothing" => "the value names nothing that can be removed",
        "activeKept" => "a disabled user stays disabled until active is set to true",
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
    fn effects_that_are_not_listed_are_counted() {
        let stored = r#"[{"operation":0,"path":"title","outcome":"applied"},
            {"operation":19,"path":"x","outcome":"ignored","rule":"unknownAttribute","more":7}]"#;
        let stored: Vec<StoredEffect> = serde_json::from_str(stored).unwrap();
        let views: Vec<EffectView> = stored.into_iter().map(effect).collect();
        assert_eq!(views.iter().map(|view| (view.number, view.more)).collect::<Vec<_>>(), [(1, 0), (20, 7)]);
    }

    #[test]
    fn every_event_has_a_title() {
        use scim::event::EventKind::*;
        for kind in [Create, Patch, Put, Delete, Activate, Deactivate] {
            assert_ne!(event(kind.as_str()).0, "Noted");
        }
    }
}
