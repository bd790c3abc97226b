//! What was deleted long ago is erased for good, and its history keeps no word of it.

use crate::{backend::Backend, on_both_databases, world::*};
use scim::{
    Timestamp,
    event::EventKind,
    resource::Keys,
    schema::ResourceKind::{Group, User},
};
use store::*;

on_both_databases!(
    what_is_due_goes_with_the_documents_of_its_history,
    a_long_history_goes_in_steps,
    hidden_members_go_in_steps,
    what_is_half_purged_is_not_restored,
    the_longest_deleted_go_first_and_no_more_than_asked,
    a_restored_resource_stays,
    two_processes_purge_each_resource_once,
    a_restore_and_a_purge_at_the_same_moment_agree,
);

/// Behind everything that has happened.
fn later() -> Timestamp {
    Timestamp(now().0 + 1)
}

/// Rows of the change log that hold something of a resource.
fn full(world: &World, id: ResourceId) -> i64 {
    let id = world.backend.key(id.0);
    world.number(&format!(
        "SELECT count(*) FROM change_log WHERE tenant_id = $ AND resource_id = {id} \
         AND (before IS NOT NULL OR old_values IS NOT NULL OR after IS NOT NULL OR members IS NOT NULL)"
    ))
}

/// How many were purged, without a fault.
fn purged(done: Result<Purged, StoreError>) -> u64 {
    let done = done.unwrap();
    assert_eq!(done.fault, None);
    done.resources
}

async fn deleted_user(world: &World, name: &str) -> (ResourceId, Timestamp) {
    let id = world.user(name).await;
    world.commit(delete(User, id, None)).await.unwrap();
    let row = world.store().deleted_resource(world.tenant, id).await.unwrap().unwrap();
    (id, row.at)
}

fn restore(row: &DeletedRow) -> Change {
    let document: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&row.document).unwrap();
    let action = Action::Restore {
        deleted: row.version,
        document: Document { json: row.document.clone(), keys: Keys::of(&document) },
        groups: vec![],
    };
    change(row.kind, row.id, EventKind::Create, action)
}

/// Positions of the feed at which this resource changed.
fn told(world: &World, id: ResourceId) -> Vec<i64> {
    let id = world.backend.key(id.0);
    world.numbers(&format!(
        "SELECT position FROM change_log WHERE tenant_id = $ AND resource_id = {id} AND is_change ORDER BY position"
    ))
}

async fn what_is_due_goes_with_the_documents_of_its_history(backend: Backend) {
    let world = World::new(backend.clone()).await;
    let other = World::new(backend).await;
    let (ana, ben) = (world.user("ana").await, world.user("ben").await);
    let sales = world.group("Sales", &[ana, ben]).await;
    world.commit(replaced(ana, 1, &titled("ana", "a"), &titled("ana", "b"))).await.unwrap();
    world.commit(change(User, ana, EventKind::Patch, Action::Record)).await.unwrap();
    world.commit(delete(User, ana, None)).await.unwrap();
    let changed = told(&world, ana);
    assert_eq!(changed.len(), 3, "the record is no change");
    let at = world.store().deleted_resource(world.tenant, ana).await.unwrap().unwrap().at;
    let (theirs, _) = deleted_user(&other, "ana").await;

    assert_eq!(purged(world.store().purge(at, 100).await), 0, "it was deleted at that time, not before");
    assert!(full(&world, ana) >= 3);
    assert_eq!(purged(world.store().purge(Timestamp(at.0 + 1), 100).await), 1);
    assert_eq!(world.store().deleted_resource(world.tenant, ana).await.unwrap(), None);
    assert_eq!(full(&world, ana), 0);
    // That it was there, and what became of it, is still told.
    let changes = world.store().changes(world.tenant, Some(ana), i64::MAX, at_most(100)).await.unwrap().rows;
    let events: Vec<&str> = changes.iter().rev().map(|row| row.event.as_str()).collect();
    assert_eq!(events, ["create", "patch", "patch", "delete"]);
    assert_eq!(told(&world, ana), changed, "and which of them were changes");
    assert!(changes.iter().all(|row| row.before.is_none() && row.after.is_none() && row.effects == "[]"));
    // Nobody else lost a word.
    assert!(full(&world, ben) > 0 && full(&world, sales) > 0 && full(&other, theirs) > 0);
    assert!(other.store().deleted_resource(other.tenant, theirs).await.unwrap().is_some());
    assert_eq!(world.members(sales).await.users, [ben]);
    // The tenant goes on.
    world.user("ana").await;
}

async fn a_long_history_goes_in_steps(backend: Backend) {
    let world = World::new(backend).await;
    let sales = world.group("Sales", &[]).await;
    let log = world.backend.key(sales.0);
    // As many changes as several steps can empty.
    world.commit(delete(Group, sales, None)).await.unwrap();
    world.backend.execute(&format!(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1200) \
         INSERT INTO change_log (tenant_id, position, at, kind, resource_id, event, version, before, after, members, effects, is_change) \
         SELECT {}, 1000000 + i, 1, 'Group', {log}, 'patch', 1, NULL, NULL, '{{}}', '[]', TRUE FROM n",
        world.backend.key(world.tenant.0)
    ));
    assert!(full(&world, sales) >= 1200);
    assert_eq!(purged(world.store().purge(later(), 1).await), 1);
    assert_eq!(full(&world, sales), 0);
    assert_eq!(purged(world.store().purge(later(), 1).await), 0);
}

async fn hidden_members_go_in_steps(backend: Backend) {
    let world = World::new(backend).await;
    let ana = world.user("ana").await;
    let (sales, other) = (world.group("Sales", &[ana]).await, world.group("Other", &[ana]).await);
    world.commit(delete(Group, sales, None)).await.unwrap();
    let members = world.backend.key(sales.0);
    // As many members as several steps can remove.
    let member = match world.backend.key(uuid::Uuid::nil()).starts_with('x') {
        true => "randomblob(16)",
        false => "gen_random_uuid()",
    };
    world.backend.execute(&format!(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1200) \
         INSERT INTO group_members (tenant_id, group_id, member_id, member_is_group) \
         SELECT {}, {members}, {member}, FALSE FROM n",
        world.backend.key(world.tenant.0)
    ));
    assert_eq!(purged(world.store().purge(later(), 1).await), 1);
    assert_eq!(world.number("SELECT count(*) FROM group_members WHERE tenant_id = $"), 1);
    assert_eq!(world.members(other).await.users, [ana]);
}

async fn what_is_half_purged_is_not_restored(backend: Backend) {
    let world = World::new(backend).await;
    let (ana, _) = deleted_user(&world, "ana").await;
    let row = world.store().deleted_resource(world.tenant, ana).await.unwrap().unwrap();
    world.backend.execute("UPDATE deleted_resources SET purging = TRUE");
    assert_eq!(world.commit(restore(&row)).await, Err(CommitError::NotFound));
    assert_eq!(world.store().deleted_resource(world.tenant, ana).await.unwrap(), None);
    let before = (Timestamp(i64::MAX), ResourceId(uuid::Uuid::max()));
    assert_eq!(world.store().deleted_resources(world.tenant, before, at_most(10)).await.unwrap().rows, []);
    assert_eq!(purged(world.store().purge(later(), 1).await), 1);
}

async fn the_longest_deleted_go_first_and_no_more_than_asked(backend: Backend) {
    let world = World::new(backend).await;
    let mut ids = Vec::new();
    for name in ["a", "b", "c"] {
        ids.push(deleted_user(&world, name).await.0);
    }
    let round = world.store().purge(later(), 2).await.unwrap();
    assert_eq!((round.resources, round.is_more), (2, true));
    let before = (Timestamp(i64::MAX), ResourceId(uuid::Uuid::max()));
    let left = world.store().deleted_resources(world.tenant, before, at_most(10)).await.unwrap().rows;
    assert_eq!(left.iter().map(|row| row.id).collect::<Vec<_>>(), [ids[2]]);
}

async fn a_restored_resource_stays(backend: Backend) {
    let world = World::new(backend).await;
    let (ana, _) = deleted_user(&world, "ana").await;
    let row = world.store().deleted_resource(world.tenant, ana).await.unwrap().unwrap();
    world.commit(restore(&row)).await.unwrap();
    assert_eq!(purged(world.store().purge(later(), 100).await), 0);
    assert!(full(&world, ana) > 0);
    assert!(world.row(User, ana).await.is_some());
}

async fn two_processes_purge_each_resource_once(backend: Backend) {
    let world = World::new(backend).await;
    let mut ids = Vec::new();
    for n in 0..20 {
        ids.push(deleted_user(&world, &format!("u{n}")).await.0);
    }
    let other = world.backend.open_again();
    let (here, there) = tokio::join!(world.store().purge(later(), 100), other.purge(later(), 100));
    let (here, there) = (here.unwrap(), there.unwrap());
    assert_eq!(here.resources + there.resources, 20);
    assert!(!here.is_more && !there.is_more, "each has seen all that was due");
    for id in ids {
        assert_eq!(full(&world, id), 0);
    }
}

async fn a_restore_and_a_purge_at_the_same_moment_agree(backend: Backend) {
    let world = World::new(backend).await;
    let other = world.backend.open_again();
    for n in 0..20 {
        let (id, _) = deleted_user(&world, &format!("u{n}")).await;
        let row = world.store().deleted_resource(world.tenant, id).await.unwrap().unwrap();
        let (restored, done) = tokio::join!(world.commit(restore(&row)), other.purge(later(), 100));
        match restored {
            Ok(_) => {
                assert_eq!(purged(done), 0, "it was restored");
                assert!(world.row(User, id).await.is_some() && full(&world, id) > 0);
            }
            Err(error) => {
                assert_eq!((error, purged(done)), (CommitError::NotFound, 1));
                assert!(world.row(User, id).await.is_none() && full(&world, id) == 0);
            }
        }
    }
}
