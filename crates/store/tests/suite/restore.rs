//! Deleted resources come back: as they were, into what is still there, once.

use crate::{backend::Backend, on_both_databases, world::*};
use scim::{
    Timestamp,
    event::EventKind,
    resource::Keys,
    schema::ResourceKind::{self, Group, User},
};
use serde_json::{Map, Value};
use store::*;
use uuid::Uuid;

on_both_databases!(
    a_user_comes_back_into_the_groups_that_are_left,
    a_group_comes_back_with_the_members_that_are_left,
    a_member_comes_back_before_its_group_or_after_it,
    a_restored_group_and_its_members_in_one_batch_agree,
    a_name_that_is_taken_keeps_the_user_away,
    a_restore_of_something_else_is_refused,
    what_comes_at_the_same_moment_sees_the_restored_user,
    deleted_resources_are_listed_the_latest_first,
    the_change_log_is_read_backwards,
    a_restore_and_its_audit_row_are_one_transaction,
);

fn ids(text: &str) -> Vec<ResourceId> {
    let ids: Vec<String> = serde_json::from_str(text).unwrap();
    ids.iter().map(|id| ResourceId::parse(id).unwrap()).collect()
}

/// The change that brings a deleted resource back.
pub(crate) fn restore(row: &DeletedRow) -> Change {
    let document: Map<String, Value> = serde_json::from_str(&row.document).unwrap();
    let action = Action::Restore {
        deleted: row.version,
        document: Document { json: row.document.clone(), keys: Keys::of(&document) },
        groups: ids(&row.groups),
    };
    change(row.kind, row.id, EventKind::Create, action)
}

async fn deleted(world: &World, kind: ResourceKind, id: ResourceId) -> DeletedRow {
    world.commit(delete(kind, id, None)).await.unwrap();
    world.store().deleted_resource(world.tenant, id).await.unwrap().unwrap()
}

async fn a_user_comes_back_into_the_groups_that_are_left(backend: Backend) {
    let world = World::new(backend).await;
    let (ana, ben) = (world.user("ana").await, world.user("ben").await);
    let (sales, gone) = (world.group("Sales", &[ana, ben]).await, world.group("Gone", &[ana]).await);
    let before = world.row(User, ana).await.unwrap();
    let row = deleted(&world, User, ana).await;
    world.commit(delete(Group, gone, None)).await.unwrap();
    let version = world.row(Group, sales).await.unwrap().version;

    let committed = world.commit(restore(&row)).await.unwrap();
    assert_eq!((committed.version, committed.created), (row.version + 1, before.created));
    let after = world.row(User, ana).await.unwrap();
    assert_eq!((&after.document, after.version), (&before.document, before.version + 2));
    assert_eq!(after.groups.iter().map(|group| group.id).collect::<Vec<_>>(), [sales]);
    let mut members = world.members(sales).await.users;
    members.sort();
    assert_eq!(members, [ana, ben]);
    assert_eq!(world.row(Group, sales).await.unwrap().version, version + 1);
    assert_eq!(
        world.store().user_by_name(world.tenant, "ana".to_owned(), false).await.unwrap().unwrap().id,
        ana
    );
    // Once only: it is not deleted any more.
    assert_eq!(world.store().deleted_resource(world.tenant, ana).await.unwrap(), None);
    assert_eq!(world.commit(restore(&row)).await, Err(CommitError::NotFound));
    // The feed tells of it, and a second deletion keeps it again.
    let told = "SELECT count(*) FROM change_log WHERE tenant_id = $ AND is_change AND event = 'create' AND version > 1";
    assert_eq!(world.number(told), 1);
    let again = deleted(&world, User, ana).await;
    assert_eq!(again.version, committed.version + 1);
    world.commit(restore(&again)).await.unwrap();
}

async fn a_group_comes_back_with_the_members_that_are_left(backend: Backend) {
    let world = World::new(backend).await;
    let (ana, ben) = (world.user("ana").await, world.user("ben").await);
    let inner = world.group("Inner", &[]).await;
    let sales = world.group("Sales", &[ana, ben, inner]).await;
    let outer = world.group("Outer", &[sales]).await;
    let row = deleted(&world, Group, sales).await;
    assert_eq!(row.member_count, 3);
    world.commit(delete(User, ben, None)).await.unwrap();
    world.commit(restore(&row)).await.unwrap();
    let members = world.members(sales).await;
    assert_eq!((members.users, members.groups), (vec![ana], vec![inner]));
    assert_eq!(world.members(outer).await.groups, [sales]);
    assert_eq!(world.store().member_count(world.tenant, sales).await.unwrap(), 2);
    // The log names who came back.
    let newest = world.store().changes(world.tenant, Some(sales), i64::MAX, at_most(1)).await.unwrap().rows;
    let told: Value = serde_json::from_str(newest[0].members.as_deref().unwrap()).unwrap();
    assert_eq!(ids(&told["add"].to_string()), [ana, inner]);
}

async fn a_member_comes_back_before_its_group_or_after_it(backend: Backend) {
    let world = World::new(backend).await;
    for group_is_first in [true, false] {
        let ana = world.user("ana").await;
        let sales = world.group("Sales", &[ana]).await;
        let the_group = deleted(&world, Group, sales).await;
        let the_user = deleted(&world, User, ana).await;
        let both = if group_is_first { [&the_group, &the_user] } else { [&the_user, &the_group] };
        for row in both {
            world.commit(restore(row)).await.unwrap();
        }
        assert_eq!(world.members(sales).await.users, [ana], "{group_is_first}");
        assert_eq!(world.store().member_count(world.tenant, sales).await.unwrap(), 1);
        world.commit(delete(User, ana, None)).await.unwrap();
    }
}

/// Waiting together, they are mostly one batch.
async fn a_restored_group_and_its_members_in_one_batch_agree(backend: Backend) {
    let world = World::new(backend).await;
    let (ana, ben) = (world.user("ana").await, world.user("ben").await);
    let sales = world.group("Sales", &[ana, ben]).await;
    let row = deleted(&world, Group, sales).await;
    let (gone, back, again) = tokio::join!(
        world.commit(delete(User, ana, None)),
        world.commit(restore(&row)),
        world.commit(delete(Group, sales, None)),
    );
    assert!(gone.is_ok() && back.is_ok() && again.is_ok());
    assert_eq!(world.store().hidden_members(world.tenant, sales, None, 100).await.unwrap(), [ben]);
    let row = world.store().deleted_resource(world.tenant, sales).await.unwrap().unwrap();
    let (back, gone) = tokio::join!(world.commit(restore(&row)), world.commit(delete(User, ben, None)));
    assert!(back.is_ok() && gone.is_ok());
    assert_eq!(world.members(sales).await, Members::default());
    assert_eq!(world.store().member_count(world.tenant, sales).await.unwrap(), 0);
    assert_eq!(world.row(Group, sales).await.unwrap().version, row.version + 2);
}

async fn a_name_that_is_taken_keeps_the_user_away(backend: Backend) {
    let world = World::new(backend).await;
    let ana = world.user("ana").await;
    let row = deleted(&world, User, ana).await;
    let other = world.user("Ana").await;
    assert_eq!(world.commit(restore(&row)).await, Err(CommitError::UserNameTaken));
    assert_eq!(world.row(User, ana).await, None);
    assert!(world.store().deleted_resource(world.tenant, ana).await.unwrap().is_some());
    world.commit(delete(User, other, None)).await.unwrap();
    world.commit(restore(&row)).await.unwrap();
}

async fn a_restore_of_something_else_is_refused(backend: Backend) {
    let world = World::new(backend).await;
    let ana = world.user("ana").await;
    let row = deleted(&world, User, ana).await;
    let stale = DeletedRow { version: row.version - 1, ..row.clone() };
    assert_eq!(world.commit(restore(&stale)).await, Err(CommitError::VersionMismatch(row.version)));
    // Another tenant has nothing of the kind.
    let neighbour = World::new(world.backend.clone()).await;
    assert_eq!(neighbour.commit(restore(&row)).await, Err(CommitError::NotFound));
    assert_eq!(neighbour.store().deleted_resource(neighbour.tenant, ana).await.unwrap(), None);
    let nobody = DeletedRow { id: new_id(), ..row };
    assert_eq!(world.commit(restore(&nobody)).await, Err(CommitError::NotFound));
}

/// Waiting together, they are mostly one batch.
async fn what_comes_at_the_same_moment_sees_the_restored_user(backend: Backend) {
    let world = World::new(backend).await;
    let ana = world.user("ana").await;
    let sales = world.group("Sales", &[ana]).await;
    let row = deleted(&world, User, ana).await;
    let join = MemberDelta { clear: false, add: vec![ana], remove: Vec::new() };
    let others = world.group("Others", &[]).await;
    let (restored, renamed, joined, taken) = tokio::join!(
        world.commit(restore(&row)),
        world.commit(replace(User, ana, None, user("anna"))),
        world.commit(delta(others, join)),
        world.commit(create_user(new_id(), "anna")),
    );
    assert_eq!((restored.unwrap().version, renamed.unwrap().version), (row.version + 1, row.version + 2));
    assert!(joined.unwrap().changed);
    assert_eq!(taken, Err(CommitError::UserNameTaken));
    assert_eq!(world.members(sales).await.users, [ana]);
    assert_eq!(world.members(others).await.users, [ana]);

    // Restored and deleted again in one breath, then restored twice at once.
    let row = deleted(&world, User, ana).await;
    let (restored, gone) = tokio::join!(world.commit(restore(&row)), world.commit(delete(User, ana, None)));
    assert_eq!((restored.unwrap().version, gone.unwrap().version), (row.version + 1, row.version + 2));
    assert_eq!(world.row(User, ana).await, None);
    let row = world.store().deleted_resource(world.tenant, ana).await.unwrap().unwrap();
    let (one, two) = tokio::join!(world.commit(restore(&row)), world.commit(restore(&row)));
    assert_eq!((one.is_ok(), two), (true, Err(CommitError::NotFound)));
    assert_eq!(world.members(sales).await.users, [ana]);
    assert_eq!(world.number("SELECT count(*) FROM deleted_resources WHERE tenant_id = $"), 0);
}

async fn deleted_resources_are_listed_the_latest_first(backend: Backend) {
    let world = World::new(backend).await;
    let mut all = Vec::new();
    for name in ["a", "b", "c"] {
        let id = world.user(name).await;
        all.insert(0, deleted(&world, User, id).await);
    }
    let page =
        async |before| world.store().deleted_resources(world.tenant, before, at_most(2)).await.unwrap().rows;
    let first = page((Timestamp(i64::MAX), ResourceId(Uuid::max()))).await;
    assert_eq!(first, all[..2]);
    assert_eq!(page((first[1].at, first[1].id)).await, all[2..]);
}

async fn the_change_log_is_read_backwards(backend: Backend) {
    let world = World::new(backend).await;
    let (ana, ben) = (world.user("ana").await, world.user("ben").await);
    world.commit(replace(User, ana, None, user("anna"))).await.unwrap();
    world.group("Sales", &[ben]).await;
    let read = async |resource, before| {
        world.store().changes(world.tenant, resource, before, at_most(2)).await.unwrap().rows
    };
    let newest = read(None, i64::MAX).await;
    assert_eq!(newest.iter().map(|row| row.position).collect::<Vec<_>>(), [4, 3]);
    assert_eq!(newest[0].kind, "Group");
    assert!(newest[0].members.as_ref().is_some_and(|members| members.contains(&ben.to_string())));
    let of_ana = read(Some(ana), i64::MAX).await;
    assert_eq!(of_ana.iter().map(|row| row.event.as_str()).collect::<Vec<_>>(), ["put", "create"]);
    assert!(of_ana[0].after.as_ref().is_some_and(|after| after.contains("anna")));
    assert_eq!(read(None, 2).await.iter().map(|row| row.resource).collect::<Vec<_>>(), [ana]);
    let neighbour = World::new(world.backend.clone()).await;
    assert_eq!(
        neighbour.store().changes(neighbour.tenant, Some(ana), i64::MAX, at_most(2)).await.unwrap().rows,
        []
    );
}

async fn a_restore_and_its_audit_row_are_one_transaction(backend: Backend) {
    let world = World::new(backend).await;
    let ana = world.user("ana").await;
    let row = deleted(&world, User, ana).await;
    let by = By { actor: operator_actor("anna"), origin: "192.0.2.7".to_owned(), at: now() };
    let store = world.store().acting(by);
    // Where no audit row can be written, nothing is restored.
    world.backend.execute("ALTER TABLE audit_log RENAME TO elsewhere");
    assert!(matches!(store.commit(world.tenant, restore(&row)).await, Err(CommitError::Store(_))));
    assert_eq!(world.row(User, ana).await, None);
    world.backend.execute("ALTER TABLE elsewhere RENAME TO audit_log");
    store.commit(world.tenant, restore(&row)).await.unwrap();
    let rows = told(&store, world.tenant).await;
    let acts: Vec<_> = rows.iter().map(|row| (row.action.as_str(), row.target.clone())).collect();
    assert_eq!(acts, [("resource.restore", format!("User {ana}"))]);
    let json = |text: &Option<String>| serde_json::from_str::<Value>(text.as_deref().unwrap()).unwrap();
    assert_eq!(json(&rows[0].before)["deleted"], row.at.to_rfc3339());
    assert_eq!(json(&rows[0].after)["version"], row.version + 1);
    // A restore that is refused, or that nobody answers for, leaves none.
    assert_eq!(store.commit(world.tenant, restore(&row)).await, Err(CommitError::NotFound));
    let again = deleted(&world, User, ana).await;
    world.commit(restore(&again)).await.unwrap();
    assert_eq!(told(&store, world.tenant).await.len(), 1);
}
