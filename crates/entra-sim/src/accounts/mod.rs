//! Account Discovery: every user of the target is read through pages and compared with the people of the directory.
//!
//! Source: Microsoft, "Discover identities in target applications with Account Discovery" (how-to-account-discovery,
//! 2026-05-26). It names the three categories, the direct matching attribute, and that only the first one counts.

mod pages;
mod people;
mod report;
mod verify;

pub use pages::{PageRead, Paging, Totals, WalkError};
pub use people::{Category, Match, NoDirectMatch};
pub use report::write_csv;
pub use verify::Verification;

use std::collections::{BTreeMap, HashSet};
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::Value;

use crate::directory::Directory;
use crate::expressions::text_of;
use crate::http::Client;
use crate::job::Job;
use crate::job::target::member;
use people::People;

/// How the users of the target are read.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// By index or by cursor.
    pub paging: Paging,
    /// Users asked for in one page.
    pub page_size: u32,
    /// Read all users twice, and look for those that the second time misses.
    pub verify: bool,
}

/// An account of the target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Account {
    /// Its `id` in the target.
    pub id: String,
    /// Its `userName`, if it has one.
    pub user_name: Option<String>,
    /// Its `displayName`, if it has one.
    pub display_name: Option<String>,
    /// Its `active`, if it has one.
    pub active: Option<bool>,
    /// Its value of the matching attribute, if it has one.
    pub matching_value: Option<String>,
    /// What Account Discovery makes of it.
    pub category: Category,
    /// The `objectId` of the person that it matches.
    pub object_id: Option<String>,
}

/// How many accounts fell into each category.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Accounts that match nobody in the directory.
    pub local: usize,
    /// Accounts that match a person who is not assigned to the application.
    pub unassigned: usize,
    /// Accounts that match an assigned person.
    pub assigned: usize,
}

/// The report of a discovery.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Discovery {
    /// The server that was read.
    pub tenant_url: String,
    /// The pair of attributes that decides whether an account and a person match.
    pub matching: Match,
    /// By index or by cursor.
    pub paging: Paging,
    /// How many accounts fell into each category.
    pub counts: Counts,
    /// Assigned people for whom no account was found.
    pub assigned_without_account: usize,
    /// People who match more than one account, by `objectId`, with the ids of the accounts.
    pub several_accounts: BTreeMap<String, Vec<String>>,
    /// What the pages said.
    pub totals: Totals,
    /// Ids that came more than once.
    pub doubled: Vec<String>,
    /// What became of users whom the first reading saw and the second one did not. `None` without [`Plan::verify`].
    pub verification: Option<Verification>,
    /// How long the reading took, in seconds. With [`Plan::verify`], the second one.
    pub seconds: f64,
    /// Every account once, in the order of the pages.
    pub accounts: Vec<Account>,
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum DiscoveryError {
    /// The job does not match users directly.
    #[error(transparent)]
    Matching(#[from] NoDirectMatch),
    /// The users could not be read to the end.
    #[error(transparent)]
    Walk(#[from] WalkError),
}

impl Discovery {
    /// Whether every user came exactly once, as far as this can be known.
    pub fn is_complete(&self) -> bool {
        self.doubled.is_empty() && self.verification.as_ref().is_none_or(|it| it.missed.is_empty())
    }
}

/// Reads every user of the target and classifies it. `on_page` is told of each page after it was read.
///
/// # Errors
/// [`DiscoveryError::Matching`] if the job's first matching attribute is not mapped directly; nothing was sent then.
/// [`DiscoveryError::Walk`] if a page cannot be read, or the pages do not come to an end.
pub async fn discover(
    client: &Client,
    directory: &Directory,
    job: &Job,
    plan: Plan,
    on_page: &mut (dyn FnMut(PageRead<'_>) + Send),
) -> Result<Discovery, DiscoveryError> {
    let people = People::new(directory, job)?;
    let before = match plan.verify {
        true => Some(pages::walk(client, plan, 1, on_page, |_| {}).await?.seen),
        false => None,
    };
    let begun = Instant::now();
    let mut accounts = Vec::new();
    let walked = pages::walk(client, plan, 1 + usize::from(plan.verify), on_page, |user| {
        accounts.push(account(&people, user))
    })
    .await?;
    let took = begun.elapsed();
    let verification = match &before {
        Some(before) => Some(verify::verify(client, missing(before, &walked.seen)).await),
        None => None,
    };
    Ok(report(client, &people, plan, accounts, walked, verification, took))
}

/// What the first reading saw and the second one did not.
fn missing(before: &HashSet<String>, after: &HashSet<String>) -> Vec<String> {
    let mut missing: Vec<String> = before.difference(after).cloned().collect();
    missing.sort_unstable();
    missing
}

fn account(people: &People<'_>, user: &Value) -> Account {
    let text = |name: &str| member(user, name).and_then(Value::as_str).map(str::to_owned);
    let matching_value = people.value_of(user);
    let person = matching_value.as_deref().and_then(|value| people.find(value));
    Account {
        id: text("id").unwrap_or_default(),
        user_name: text("userName"),
        display_name: text("displayName"),
        active: member(user, "active").and_then(|value| text_of(value).to_lowercase().parse().ok()),
        matching_value,
        category: person.map_or(Category::Local, |person| person.category()),
        object_id: person.map(|person| person.object_id.to_owned()),
    }
}

fn report(
    client: &Client,
    people: &People<'_>,
    plan: Plan,
    accounts: Vec<Account>,
    walked: pages::Walked,
    verification: Option<Verification>,
    took: Duration,
) -> Discovery {
    let mut counts = Counts::default();
    let mut owned = BTreeMap::<String, Vec<String>>::new();
    for account in &accounts {
        match account.category {
            Category::Local => counts.local += 1,
            Category::Unassigned => counts.unassigned += 1,
            Category::Assigned => counts.assigned += 1,
        }
        if let Some(person) = &account.object_id {
            owned.entry(person.clone()).or_default().push(account.id.clone());
        }
    }
    let assigned_without_account = people.assigned().filter(|id| !owned.contains_key(*id)).count();
    owned.retain(|_, ids| ids.len() > 1);
    Discovery {
        tenant_url: client.tenant().base().to_owned(),
        matching: people.matching().clone(),
        paging: plan.paging,
        counts,
        assigned_without_account,
        several_accounts: owned,
        totals: walked.totals,
        doubled: walked.doubled,
        verification,
        seconds: took.as_secs_f64(),
        accounts,
    }
}
