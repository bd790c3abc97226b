//! Pages and counts; the property test of `filters` covers what is on them.

use crate::{backend::Backend, on_both_databases, world::*};
use scim::{
    schema::ResourceKind::{Group, User},
    search::Position,
};
use store::*;

on_both_databases!(
    counting_needs_no_rows,
    a_page_behind_the_end_is_empty_and_counts,
    a_walk_by_position_survives_deletes_and_creates,
    lookups_that_wait_together_are_answered_each_alone,
);

async fn with_users(backend: Backend, count: usize) -> (World, Vec<ResourceId>) {
    let world = World::new(backend).await;
    let mut ids = Vec::new();
    for number in 0..count {
        ids.push(world.user(&format!("user{number}")).await);
    }
    (world, ids)
}

async fn counting_needs_no_rows(backend: Backend) {
    let (world, _) = with_users(backend, 3).await;
    for from in [From::Offset(0), From::Offset(7), From::After(None)] {
        let page = world.list(Listing { from, limit: 0, ..everything(User) }).await;
        assert_eq!((page.total, page.rows.len(), page.next), (3, 0, None));
    }
    assert_eq!(world.list(everything(Group)).await.total, 0);
}

async fn a_page_behind_the_end_is_empty_and_counts(backend: Backend) {
    let (world, ids) = with_users(backend, 3).await;
    for offset in [3, 4, u64::MAX] {
        let page = world.list(Listing { from: From::Offset(offset), limit: 2, ..everything(User) }).await;
        assert_eq!((page.total, page.rows.len(), page.next), (3, 0, None), "{offset}");
    }
    let page = world.list(Listing { from: From::Offset(1), limit: 2, ..everything(User) }).await;
    assert_eq!(page.rows.iter().map(|row| row.id).collect::<Vec<_>>(), ids[1..]);
    assert_eq!((page.total, page.next), (3, None));
    let page = world.list(Listing { limit: 2, ..everything(User) }).await;
    assert_eq!(page.next, Some(Position { key: None, id: ids[1].to_string() }));
}

async fn a_walk_by_position_survives_deletes_and_creates(backend: Backend) {
    let (world, ids) = with_users(backend, 30).await;
    let mut walked = Vec::new();
    let mut from = From::After(None);
    for round in 0.. {
        let page = world.list(Listing { from, limit: 4, ..everything(User) }).await;
        walked.extend(page.rows.iter().map(|row| row.id));
        let Some(position) = page.next else { break };
        // One of those already seen goes, even the one that the position names, and a new one comes at the end.
        world.commit(delete(User, *walked.last().unwrap(), None)).await.unwrap();
        if round < 3 {
            world.user(&format!("late{round}")).await;
        }
        from = From::After(Some(position));
    }
    assert_eq!(walked[..30], ids);
    assert_eq!(walked.len(), 33);
}

async fn lookups_that_wait_together_are_answered_each_alone(backend: Backend) {
    let (world, ids) = with_users(backend, 20).await;
    let group = world.group("Sales", &ids[..10]).await;
    let mut under_way = tokio::task::JoinSet::new();
    for round in 0..200 {
        let (store, tenant, id) = (world.store().clone(), world.tenant, ids[round % 20]);
        under_way.spawn(async move {
            let groups = usize::from(round % 20 < 10);
            let name = format!("user{}", round % 20);
            let by_id = store.resource(tenant, User, id, true).await.unwrap().unwrap();
            let by_name = store.user_by_name(tenant, name, true).await.unwrap().unwrap();
            assert_eq!((by_id.id, by_id.groups.len()), (id, groups));
            assert_eq!(by_id, by_name);
            assert_eq!(store.resource(tenant, Group, id, false).await.unwrap(), None);
            assert_eq!(store.resource(tenant, Group, group, false).await.unwrap().unwrap().id, group);
        });
    }
    under_way.join_all().await;
}
