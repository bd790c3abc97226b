//! Reads all users, a page at a time, by index (RFC 7644 section 3.4.2.4) or by cursor (RFC 9865).

use std::collections::HashSet;

use jiff::SignedDuration;
use serde::Serialize;
use serde_json::Value;

use super::Plan;
use crate::http::{Client, Exchange};
use crate::job::target::member;

/// How pages are asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Paging {
    /// By `startIndex` and `count`, as the provisioning service does
    #[default]
    Index,
    /// By `cursor`, if /ServiceProviderConfig offers it (RFC 9865)
    Cursor,
}

/// A page that was read.
#[derive(Clone, Copy, Debug)]
pub struct PageRead<'a> {
    /// Which reading it belongs to: 1, or 2 for the second one of a verification.
    pub reading: usize,
    /// The ids on it.
    pub ids: &'a [String],
    /// How many users this reading has seen so far.
    pub read: usize,
    /// `totalResults` of the page.
    pub total: u64,
}

/// What the pages of one reading said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Totals {
    /// Pages read.
    pub pages: usize,
    /// Users read, each counted once.
    pub users: usize,
    /// `totalResults` of the first page.
    pub first_total: u64,
    /// `totalResults` of the last page.
    pub last_total: u64,
}

/// Why users could not be read to the end.
#[derive(Debug, thiserror::Error)]
pub enum WalkError {
    /// The server does not offer cursors.
    #[error(
        "the server does not offer cursors: /ServiceProviderConfig has no pagination.cursor that is true (RFC 9865)"
    )]
    NoCursors,
    /// A page was not answered with 200.
    #[error("a page of users cannot be read:\n{}", .0.describe(2_000))]
    Answer(Box<Exchange>),
    /// A page is no ListResponse.
    #[error("a page of users is no ListResponse: {why}:\n{}", .exchange.describe(2_000))]
    NoList {
        /// What is wrong with it.
        why: &'static str,
        /// The page.
        exchange: Box<Exchange>,
    },
    /// A page has only users that earlier pages had.
    #[error("the pages do not go on: every user of a page was on an earlier one:\n{}", .0.describe(2_000))]
    NoProgress(Box<Exchange>),
}

impl WalkError {
    /// The exchange that shows it.
    pub fn exchange(&self) -> Option<&Exchange> {
        match self {
            WalkError::NoCursors => None,
            WalkError::Answer(exchange)
            | WalkError::NoList { exchange, .. }
            | WalkError::NoProgress(exchange) => Some(exchange),
        }
    }
}

/// What one reading found.
#[derive(Debug, Default)]
pub(super) struct Walked {
    pub(super) totals: Totals,
    /// The ids that were read.
    pub(super) seen: HashSet<String>,
    /// Ids that came more than once.
    pub(super) doubled: Vec<String>,
}

/// Where the next page begins.
enum Place {
    Index(u64),
    Cursor(String),
}

/// A page, taken apart.
struct Page {
    users: Vec<Value>,
    ids: Vec<String>,
    total: u64,
    next_cursor: Option<String>,
}

/// Reads all users; `each` gets every user once.
pub(super) async fn walk(
    client: &Client,
    plan: Plan,
    reading: usize,
    on_page: &mut (dyn FnMut(PageRead<'_>) + Send),
    mut each: impl FnMut(&Value),
) -> Result<Walked, WalkError> {
    let (mut place, mut count) = match plan.paging {
        Paging::Index => (Place::Index(1), plan.page_size),
        Paging::Cursor => (Place::Cursor(String::new()), largest_page(client, plan.page_size).await?),
    };
    let mut walked = Walked::default();
    loop {
        let exchange = read(client, &place, &mut count).await?;
        let page = page(&exchange)?;
        let new = take(&mut walked, &page, &mut each);
        on_page(PageRead { reading, ids: &page.ids, read: walked.totals.users, total: page.total });
        if new == 0 && !page.ids.is_empty() {
            return Err(WalkError::NoProgress(Box::new(exchange)));
        }
        match next(&place, page) {
            Some(next) => place = next,
            None => return Ok(walked),
        }
    }
}

/// Counts a page and hands on its users; how many of them are new.
fn take(walked: &mut Walked, page: &Page, each: &mut impl FnMut(&Value)) -> usize {
    let before = walked.totals.users;
    for (user, id) in page.users.iter().zip(&page.ids) {
        if walked.seen.insert(id.clone()) {
            walked.totals.users += 1;
            each(user);
        } else {
            walked.doubled.push(id.clone());
        }
    }
    if walked.totals.pages == 0 {
        walked.totals.first_total = page.total;
    }
    walked.totals.pages += 1;
    walked.totals.last_total = page.total;
    walked.totals.users - before
}

/// By index, the next page begins behind the users that came, which may be fewer than were asked for.
fn next(place: &Place, page: Page) -> Option<Place> {
    match place {
        Place::Index(start) => {
            let next = start + page.ids.len() as u64;
            (!page.ids.is_empty() && next <= page.total).then_some(Place::Index(next))
        }
        Place::Cursor(_) => page.next_cursor.map(Place::Cursor),
    }
}

/// How often a page is asked for before the reading is given up.
const ATTEMPTS: u32 = 4;
/// The longest wait before a page is asked for again, in seconds.
const LONGEST_WAIT: i64 = 60;

/// Reads a page. One that the server could not answer this time is asked for again, later each time. One that is too large
/// for the server (400 `tooMany`) is asked for with half as many users, and so are those behind it.
async fn read(client: &Client, place: &Place, count: &mut u32) -> Result<Exchange, WalkError> {
    let (name, value) = match place {
        Place::Index(start) => ("startIndex", start.to_string()),
        Place::Cursor(cursor) => ("cursor", cursor.clone()),
    };
    let mut attempt = 1;
    loop {
        let exchange = client.get("/Users", &[(name, &value), ("count", &count.to_string())]).await;
        match exchange.status() {
            Some(200) => return Ok(exchange),
            Some(400) if *count > 1 && is_too_many(&exchange) => *count /= 2,
            None | Some(429 | 500..) if attempt < ATTEMPTS => {
                wait(client, &exchange, attempt).await;
                attempt += 1;
            }
            _ => return Err(WalkError::Answer(Box::new(exchange))),
        }
    }
}

fn is_too_many(exchange: &Exchange) -> bool {
    exchange.json().is_some_and(|error| member(&error, "scimType") == Some(&Value::from("tooMany")))
}

/// Waits as long as `Retry-After` says, else for 2, 4 and 8 seconds.
async fn wait(client: &Client, exchange: &Exchange, attempt: u32) {
    let asked = exchange.response().and_then(|response| response.header("retry-after")?.trim().parse().ok());
    let seconds = asked.unwrap_or(1_i64 << attempt).clamp(0, LONGEST_WAIT);
    let clock = client.clock();
    if let Ok(when) = clock.now().checked_add(SignedDuration::from_secs(seconds)) {
        clock.wait_until(when).await;
    }
}

fn page(exchange: &Exchange) -> Result<Page, WalkError> {
    let wrong = |why| WalkError::NoList { why, exchange: Box::new(exchange.clone()) };
    let mut body = exchange.json().ok_or_else(|| wrong("it is not JSON"))?;
    let total = member(&body, "totalResults").and_then(Value::as_u64);
    let total = total.ok_or_else(|| wrong("it has no totalResults"))?;
    let next_cursor = member(&body, "nextCursor").and_then(Value::as_str).map(str::to_owned);
    let resources = body.as_object_mut().and_then(|body| {
        let (_, list) = body.iter_mut().find(|(name, _)| name.eq_ignore_ascii_case("Resources"))?;
        Some(list.take())
    });
    let users = match resources {
        Some(Value::Array(users)) => users,
        // An empty page may leave it out (RFC 7644 section 3.4.2).
        None | Some(Value::Null) => Vec::new(),
        Some(_) => return Err(wrong("its Resources are no list")),
    };
    let id = |user: &Value| member(user, "id").and_then(Value::as_str).map(str::to_owned);
    let ids: Option<Vec<_>> = users.iter().map(id).collect();
    let ids = ids.ok_or_else(|| wrong("a user has no id"))?;
    Ok(Page { users, ids, total, next_cursor })
}

/// The page size for cursors: at most the one that the server publishes, as it may refuse more (RFC 9865 section 3).
async fn largest_page(client: &Client, wanted: u32) -> Result<u32, WalkError> {
    let config = client.get("/ServiceProviderConfig", &[]).await.json().unwrap_or(Value::Null);
    let pagination = member(&config, "pagination").ok_or(WalkError::NoCursors)?;
    if member(pagination, "cursor") != Some(&Value::Bool(true)) {
        return Err(WalkError::NoCursors);
    }
    let largest = member(pagination, "maxPageSize").and_then(Value::as_u64).unwrap_or(u64::MAX);
    Ok(u32::try_from(largest).unwrap_or(u32::MAX).clamp(1, wanted.max(1)))
}
