//! What everybody needs does not wait for what one tenant makes slow, and nobody works for a caller that has gone.

use crate::{acts::*, backend::Backend, on_both_databases, world::*};
use scim::{filter::Filter, schema::ResourceKind::User, schema::ResourceType};
use std::time::Duration;
use store::*;
use tokio::task::JoinHandle;

on_both_databases!(
    a_list_is_ended_when_its_caller_goes,
    nothing_waits_for_slow_lists_but_slow_lists,
    a_list_that_waits_is_not_begun_for_nobody,
);

/// Longer than anything here takes, but for the slow lists.
const SOON: Duration = Duration::from_secs(60);

/// Fills the tenant with people that a slow filter has to look at.
pub(crate) fn fill(world: &World) {
    let number = match world.backend.key(world.tenant.0).starts_with('x') {
        true => ("randomblob(16)", "CAST(n.i AS text)"),
        false => ("gen_random_uuid()", "n.i::text"),
    };
    let statement = format!(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) \
         INSERT INTO users (tenant_id, id, user_name, active, version, created_at, modified_at, document) \
         SELECT {}, {}, 'u' || {}, TRUE, 1, 0, 0, '{{\"userName\":\"u\",\"title\":\"none\",\"nickName\":\"x\"}}' FROM n",
        world.backend.key(world.tenant.0),
        number.0,
        number.1,
    );
    world.backend.execute(&statement);
}

/// A list that takes minutes.
fn slow() -> Listing {
    let terms: Vec<String> = (0..190).map(|n| format!("title co \"zz{n}\"")).collect();
    let filter = Filter::parse(&terms.join(" or ")).unwrap();
    let condition = Some(filter.resolve(ResourceType::of(User)).unwrap());
    Listing { condition, limit: 10, ..everything(User) }
}

pub(crate) fn ask(store: &Store, tenant: TenantId) -> JoinHandle<Result<Page, StoreError>> {
    let store = store.clone();
    tokio::spawn(async move { store.list(tenant, slow()).await })
}

pub(crate) fn slow_lane(store: &Store) -> LaneFigures {
    store.lanes().into_iter().find(|lane| lane.lane == Lane::Slow).unwrap()
}

/// Returns once this number of lists has begun.
pub(crate) async fn have_begun(store: &Store, lists: u64) {
    soon(|| slow_lane(store).waited.buckets.iter().sum::<u64>() >= lists).await;
}

/// Looks again and again, and lets others go on.
pub(crate) async fn soon(is_so: impl Fn() -> bool) {
    let looks = async {
        while !is_so() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(SOON, looks).await.expect("it is felt");
}

async fn a_list_is_ended_when_its_caller_goes(backend: Backend) {
    let world = World::new(backend).await;
    fill(&world);
    let store = world.store().for_clients();
    let list = ask(&store, world.tenant);
    have_begun(&store, 1).await;
    soon(|| slow_lane(&store).connections.busy == 1).await;
    list.abort();
    soon(|| slow_lane(&store).cancelled == 1).await;
    assert_eq!(slow_lane(&store).late, 0);
    let connections = slow_lane(&store).connections;
    assert!(connections.busy == 0 && connections.open <= 4, "{connections:?}");
    // Its thread and its connection go on.
    let few = Listing { limit: 1, condition: None, ..slow() };
    assert_eq!(store.list(world.tenant, few).await.unwrap().rows.len(), 1);
}

async fn nothing_waits_for_slow_lists_but_slow_lists(backend: Backend) {
    let world = World::new(backend.clone()).await;
    fill(&world);
    let store = world.store().for_clients();
    let other = tenant_row("other");
    assert!(store.create_tenant(other.clone()).await.unwrap());
    // As many as fit into what each of the two may have in flight.
    let lists: Vec<_> =
        (0..10).map(|n| ask(&store, if n % 2 == 0 { world.tenant } else { other.id })).collect();
    have_begun(&store, 1).await;
    store.ping().await.unwrap();
    assert_eq!(store.secret_token([9; 32], Line::Process).await, Ok(None));
    assert!(store.tenant("other").await.unwrap().is_some());
    store.commit(other.id, create_user(new_id(), "ana")).await.unwrap();
    assert!(store.user_by_name(other.id, "ana".to_owned(), true).await.unwrap().is_some());
    let first = Listing { condition: None, ..slow() };
    assert_eq!(store.list(other.id, first).await.unwrap().rows.len(), 1);
    assert!(!lists[0].is_finished(), "the slow list is still at work");
    lists.iter().for_each(JoinHandle::abort);
}

async fn a_list_that_waits_is_not_begun_for_nobody(backend: Backend) {
    let world = World::new(backend).await;
    fill(&world);
    let store = world.store().for_clients();
    let lists: Vec<_> = (0..5).map(|_| ask(&store, world.tenant)).collect();
    have_begun(&store, 1).await;
    let works = slow_lane(&store).worked;
    lists.iter().for_each(JoinHandle::abort);
    soon(|| slow_lane(&store).depth == 0 && slow_lane(&store).cancelled == 5).await;
    let begun = slow_lane(&store).worked.buckets.iter().sum::<u64>() - works.buckets.iter().sum::<u64>();
    assert!(begun <= 2, "{begun} lists were begun");
}
