//! Lists by `eq` of one attribute that has no keys wait for one scan, and each finds what it would have found alone.

use crate::{
    backend::Backend,
    lanes::{ask, fill, have_begun, slow_lane, soon},
    on_both_databases,
    world::*,
};
use scim::{
    filter::Filter,
    schema::{ResourceKind::User, ResourceType},
};
use serde_json::json;
use store::*;
use tokio::task::{JoinError, JoinHandle};

on_both_databases!(
    lookups_that_wait_cost_one_scan,
    one_who_goes_leaves_the_scan_to_the_others,
    nobody_scans_when_all_have_gone,
    more_than_one_scan_takes_are_two_scans,
    other_shapes_have_scans_of_their_own,
    pages_that_are_too_large_together_are_read_apart,
    a_text_that_many_have_is_read_in_the_slow_lane,
);

/// A list of the users that a filter finds, as a client asks.
fn matching(filter: &str) -> Listing {
    let condition = Filter::parse(filter).unwrap().resolve(ResourceType::of(User)).unwrap();
    Listing { condition: Some(condition), limit: 3, ..everything(User) }
}

/// Waits for all of them.
async fn join_all<T>(tasks: Vec<JoinHandle<T>>) -> Vec<Result<T, JoinError>> {
    let mut done = Vec::new();
    for task in tasks {
        done.push(task.await);
    }
    done
}

/// A store whose tenant has many users and a slow list that keeps its thread of the slow lane, so that what comes then
/// waits.
struct Busy {
    world: World,
    store: Store,
    slow: JoinHandle<Result<Page, StoreError>>,
    begun: u64,
}

impl Busy {
    async fn new(backend: Backend) -> Busy {
        let world = World::new(backend).await;
        fill(&world);
        let group = world.group("Sales", &[]).await;
        for (name, title) in [("ana", "Lead"), ("ben", "LEAD"), ("cleo", "Boss"), ("dan", "Lead")] {
            let body = json!({
                "userName": name,
                "title": title,
                "phoneNumbers": [{"type": "work", "value": format!("+1 {name}")}, {"type": "home", "value": "+2"}],
            });
            let id = new_id();
            world.commit(create(User, id, document(User, body), &[])).await.unwrap();
            world
                .commit(delta(group, MemberDelta { add: vec![id], ..MemberDelta::default() }))
                .await
                .unwrap();
        }
        let store = world.backend.open_again().for_clients();
        let slow = ask(&store, world.tenant);
        have_begun(&store, 1).await;
        Busy { world, store, slow, begun: 1 }
    }

    /// Asks for a list and returns when it waits.
    async fn ask(&mut self, listing: Listing) -> JoinHandle<Result<Page, StoreError>> {
        let waiting = slow_lane(&self.store).depth;
        let (store, tenant) = (self.store.clone(), self.world.tenant);
        let list = tokio::spawn(async move { store.list(tenant, listing).await });
        soon(|| slow_lane(&self.store).depth == waiting + 1).await;
        list
    }

    /// Lets the slow lane go on.
    fn go_on(&self) {
        self.slow.abort();
    }

    /// How many scans the database has worked on behind the slow list, and how many lists they have answered.
    async fn scans(&self) -> (u64, u64) {
        // A job is counted behind its answers.
        soon(|| self.store.work_in_flight() == 0).await;
        let figures = slow_lane(&self.store);
        (figures.batch.buckets.iter().sum::<u64>() - self.begun, figures.batch.sum as u64 - self.begun)
    }
}

async fn lookups_that_wait_cost_one_scan(backend: Backend) {
    let mut busy = Busy::new(backend).await;
    let mut lists = Vec::new();
    let listings: Vec<Listing> = ["lead", "boss", "LEAD", "nobody", "none"]
        .into_iter()
        .map(|title| matching(&format!("title eq \"{title}\"")))
        .flat_map(|list| {
            let first = |limit| Listing { limit, ..list.clone() };
            [
                first(3),
                first(2),
                first(0),
                Listing { from: From::After(None), ..first(2) },
                Listing { max_bytes: 700, ..first(3) },
            ]
        })
        .collect();
    let before = slow_lane(&busy.store);
    for listing in &listings {
        lists.push(busy.ask(listing.clone()).await);
    }
    busy.go_on();
    let found = join_all(lists).await;
    assert_eq!(busy.scans().await, (1, listings.len() as u64));
    let one_scan = 64 + 1;
    assert_eq!(slow_lane(&busy.store).weight - before.weight, one_scan, "it is estimated once");
    for (listing, shared) in listings.into_iter().zip(found) {
        let (shared, alone) =
            (shared.unwrap().unwrap(), busy.store.list(busy.world.tenant, listing.clone()).await.unwrap());
        assert_eq!(
            (&shared.rows, shared.total, &shared.next),
            (&alone.rows, alone.total, &alone.next),
            "{listing:?}"
        );
        assert_eq!(shared.is_cut, alone.is_cut, "{listing:?}");
    }
}

async fn one_who_goes_leaves_the_scan_to_the_others(backend: Backend) {
    let mut busy = Busy::new(backend).await;
    let [first, second, third] = [
        busy.ask(matching("title eq \"boss\"")).await,
        busy.ask(matching("title eq \"lead\"")).await,
        busy.ask(matching("title eq \"boss\"")).await,
    ];
    first.abort();
    third.abort();
    assert!(first.await.unwrap_err().is_cancelled() && third.await.unwrap_err().is_cancelled());
    busy.go_on();
    assert_eq!(second.await.unwrap().unwrap().total, 3);
    assert_eq!(busy.scans().await, (1, 1));
}

async fn nobody_scans_when_all_have_gone(backend: Backend) {
    let mut busy = Busy::new(backend).await;
    let lists =
        vec![busy.ask(matching("title eq \"boss\"")).await, busy.ask(matching("title eq \"lead\"")).await];
    for list in &lists {
        list.abort();
    }
    join_all(lists).await;
    // Who comes now does not wait for a scan that nobody makes.
    let late = busy.ask(matching("title eq \"lead\"")).await;
    busy.go_on();
    assert_eq!(late.await.unwrap().unwrap().total, 3);
    assert_eq!(busy.scans().await, (1, 1));
}

async fn more_than_one_scan_takes_are_two_scans(backend: Backend) {
    let mut busy = Busy::new(backend).await;
    let mut lists = Vec::new();
    for n in 0..65 {
        lists.push(busy.ask(matching(&format!("title eq \"title {n}\""))).await);
    }
    busy.go_on();
    for list in join_all(lists).await {
        assert_eq!(list.unwrap().unwrap().total, 0);
    }
    assert_eq!(busy.scans().await, (2, 65));
}

async fn other_shapes_have_scans_of_their_own(backend: Backend) {
    let mut busy = Busy::new(backend).await;
    let shapes = [
        ("title eq \"boss\"", 1),
        ("nickName eq \"x\"", 20_000),
        ("phoneNumbers[type eq \"work\"].value eq \"+1 ana\"", 1),
        ("phoneNumbers[type eq \"home\"].value eq \"+1 ana\"", 0),
        ("phoneNumbers[type eq \"work\"].value eq \"+1 BEN\"", 1),
    ];
    let mut lists = Vec::new();
    for (filter, total) in shapes {
        lists.push((filter, total, busy.ask(matching(filter)).await));
    }
    busy.go_on();
    for (filter, total, list) in lists {
        assert_eq!(list.await.unwrap().unwrap().total, total, "{filter}");
    }
    assert_eq!(busy.scans().await, (4, 5));
}

/// Each page is small enough. All of them are held at the same time, so all of them together may be as large as one.
async fn pages_that_are_too_large_together_are_read_apart(backend: Backend) {
    let mut busy = Busy::new(backend).await;
    let none = Listing { with_groups: false, ..matching("title eq \"none\"") };
    let page = busy.world.store().list(busy.world.tenant, none.clone()).await.unwrap();
    let max_bytes = page.rows.iter().map(Row::size).sum::<usize>() + 1;
    let mut lists = Vec::new();
    for _ in 0..3 {
        lists.push(busy.ask(Listing { max_bytes, ..none.clone() }).await);
    }
    busy.go_on();
    for list in join_all(lists).await {
        let found = list.unwrap().unwrap();
        assert_eq!((found.rows, found.total, found.is_cut), (page.rows.clone(), page.total, false));
    }
    assert_eq!(busy.scans().await, (3, 5), "the two that are left out have scans of their own");
}

async fn a_text_that_many_have_is_read_in_the_slow_lane(backend: Backend) {
    let world = World::new(backend).await;
    fill(&world);
    let id = new_id();
    let ana = document(User, json!({"userName": "ana", "title": "Boss", "nickName": "Ann"}));
    world.commit(create(User, id, ana, &[])).await.unwrap();
    let store = world.store().for_clients();
    let list = async |filter: &str| store.list(world.tenant, matching(filter)).await.unwrap();
    let scans = || slow_lane(&store).batch.buckets.iter().sum::<u64>();
    for _ in 0..5 {
        list("title eq \"x\"").await;
        list("nickName eq \"x\"").await;
    }
    while store.tend_lookups(now()).await.unwrap() {}
    for (filter, total, jobs) in [
        ("title eq \"boss\"", 1, 0),
        ("title eq \"none\"", 20_000, 1),
        ("nickName eq \"x\" and title eq \"none\"", 20_000, 1),
        // The keys of the text that fewer have find it.
        ("title eq \"none\" and nickName eq \"ann\"", 0, 0),
        ("nickName eq \"x\" and title eq \"boss\"", 0, 0),
    ] {
        soon(|| store.work_in_flight() == 0).await;
        let before = scans();
        let page = list(filter).await;
        assert_eq!((page.total, page.rows.len()), (total, total.min(3) as usize), "{filter}");
        soon(|| store.work_in_flight() == 0).await;
        assert_eq!(scans() - before, jobs, "{filter}");
    }
}
