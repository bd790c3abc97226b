//! A walk by index continues behind its last page; any other index is an offset.

use crate::tenant::{Client, NONE};
use provisioning::{Context, Found};
use scim::{
    Timestamp,
    schema::{ResourceKind::User, ResourceType},
    search::{PageLimits, Words},
};
use serde_json::json;
use uuid::Uuid;

/// Some pages of a query.
#[derive(Clone, Copy)]
struct Walk<'q> {
    filter: Option<&'q str>,
    sort_by: Option<&'q str>,
    max_bytes: usize,
}

const ALL: Walk<'static> = Walk { filter: None, sort_by: None, max_bytes: usize::MAX };
const FILTERED: Walk<'static> = Walk { filter: Some("userName sw \"u\""), ..ALL };
const SORTED: Walk<'static> = Walk { sort_by: Some("title"), ..ALL };

impl Walk<'_> {
    async fn found(self, client: &Client, context: &Context, start: u64, count: u64) -> Found {
        let words = Words {
            filter: self.filter.map(str::to_owned),
            sort_by: self.sort_by.map(str::to_owned),
            start_index: Some(start.to_string()),
            count: Some(count.to_string()),
            ..Words::default()
        };
        let scope = context.query_scope(PageLimits { default: 100, max: 100 });
        let query = words.check(ResourceType::of(User), &scope).unwrap();
        client.provisioning.search(context, User, &query, self.max_bytes).await.unwrap()
    }

    /// The ids of a page, and how many there are in all.
    async fn page(self, client: &Client, start: u64, count: u64) -> (Vec<String>, u64) {
        let found = self.found(client, &client.context, start, count).await;
        (found.rows.iter().map(|row| row.id.to_string()).collect(), found.total)
    }
}

/// A tenant with ten users, in the order of their ids, which is also the order of their titles.
async fn ten_users() -> (Client, Vec<String>) {
    let client = Client::new().await;
    let mut all = Vec::new();
    for n in 0..10 {
        // Ids are in the order of time, to the millisecond.
        let context = Context { now: Timestamp(client.context.now.0 + n), ..client.context };
        let body = json!({ "userName": format!("u{n}"), "title": format!("title {n}") });
        let written = client.provisioning.create(&context, User, body).await.unwrap();
        all.push(written.row.id.to_string());
    }
    assert!(all.is_sorted());
    (client, all)
}

/// Deletes the first two users.
async fn delete_two(client: &Client, all: &mut Vec<String>) {
    for id in all.drain(..2) {
        client.provisioning.delete(&client.context, User, &id, NONE).await.unwrap();
    }
}

#[tokio::test]
async fn a_walk_misses_nobody_who_is_there_throughout() {
    let (client, mut all) = ten_users().await;
    for walk in [ALL, FILTERED, SORTED] {
        assert_eq!(walk.page(&client, 1, 3).await, (all[..3].to_vec(), 10));
    }
    // An offset would skip two users of the next page.
    delete_two(&client, &mut all).await;
    for walk in [ALL, FILTERED, SORTED] {
        assert_eq!(walk.page(&client, 4, 3).await, (all[1..4].to_vec(), 8));
        assert_eq!(walk.page(&client, 4, 3).await, (all[1..4].to_vec(), 8), "the same page again");
        assert_eq!(walk.page(&client, 7, 9).await, (all[4..].to_vec(), 8));
    }
    // Where no page ended, the index is an offset.
    assert_eq!(ALL.page(&client, 3, 2).await, (all[2..4].to_vec(), 8));
    assert_eq!(ALL.page(&client, 9, 2).await, (Vec::new(), 8));
}

#[tokio::test]
async fn a_total_does_not_end_a_walk_too_early() {
    let (client, mut all) = ten_users().await;
    ALL.page(&client, 1, 6).await;
    delete_two(&client, &mut all).await;
    // Eight users are left. A client that stops where startIndex exceeds the total would not ask for the last two.
    assert_eq!(ALL.page(&client, 7, 2).await, (all[4..6].to_vec(), 9));
    assert_eq!(ALL.page(&client, 9, 2).await, (all[6..].to_vec(), 8));
    // The total of a page that continues nothing is exact.
    assert_eq!(ALL.page(&client, 1, 2).await, (all[..2].to_vec(), 8));
    assert_eq!(ALL.page(&client, 2, 0).await, (Vec::new(), 8));
}

#[tokio::test]
async fn a_walk_belongs_to_its_credential_and_query() {
    let (client, mut all) = ten_users().await;
    ALL.page(&client, 1, 3).await;
    delete_two(&client, &mut all).await;
    let by_offset = &all[3..4];
    let other = Context { actor: Some(Uuid::from_u128(8)), ..client.context };
    assert_eq!(ALL.found(&client, &other, 4, 1).await.rows[0].id.to_string(), by_offset[0]);
    assert_eq!(FILTERED.page(&client, 4, 1).await.0, by_offset);
    let later = Context { now: Timestamp(client.context.now.0 + 10 * 60_000), ..client.context };
    assert_eq!(ALL.found(&client, &later, 4, 1).await.rows[0].id.to_string(), by_offset[0]);
}

#[tokio::test]
async fn a_page_that_is_cut_is_no_step_of_a_walk() {
    let (client, mut all) = ten_users().await;
    let small = Walk { max_bytes: 1, ..ALL };
    let cut = small.found(&client, &client.context, 1, 3).await;
    assert_eq!((cut.rows.len(), cut.is_cut), (1, true));
    delete_two(&client, &mut all).await;
    // The client got 400 instead of the first page: to go on at 2 is its own idea.
    assert_eq!(ALL.page(&client, 2, 1).await.0, all[1..2]);
    // A walk whose page was cut asks for fewer at the same place, and goes on behind them.
    assert_eq!(ALL.page(&client, 1, 3).await.0, all[..3]);
    delete_two(&client, &mut all).await;
    assert!(small.found(&client, &client.context, 4, 3).await.is_cut);
    assert_eq!(ALL.page(&client, 4, 2).await.0, all[1..3]);
    assert_eq!(ALL.page(&client, 6, 2).await.0, all[3..5]);
}
