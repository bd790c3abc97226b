//! Membership: deltas that never read the group.

use crate::{backend::Backend, on_both_databases, world::*};
use scim::{
    event::EventKind,
    schema::ResourceKind::{Group, User},
};
use store::*;
use uuid::Uuid;

on_both_databases!(
    members_come_and_go,
    whoever_does_not_exist_cannot_be_added,
    a_group_is_no_member_of_itself,
    clearing_spares_those_who_are_added,
    a_thousand_members_come_at_once_and_go_at_once,
    groups_of_a_user_count_through_nesting,
    circles_of_groups_end,
    a_deleted_group_is_seen_nowhere,
    a_group_knows_how_many_members_it_has,
    what_touches_a_large_group_is_weighed_before_it_begins,
);

fn add(members: &[ResourceId]) -> MemberDelta {
    MemberDelta { clear: false, add: members.to_vec(), remove: Vec::new() }
}

fn sorted(mut ids: Vec<ResourceId>) -> Vec<ResourceId> {
    ids.sort();
    ids
}

async fn members_come_and_go(backend: Backend) {
    let world = World::new(backend).await;
    let (ana, ben) = (world.user("ana").await, world.user("ben").await);
    let inner = world.group("Inner", &[]).await;
    let sales = world.group("Sales", &[ana]).await;
    let committed = world.commit(delta(sales, add(&[ana, ben, inner]))).await.unwrap();
    assert_eq!((committed.version, committed.changed), (2, true));
    assert_eq!(world.members(sales).await, Members { users: sorted(vec![ana, ben]), groups: vec![inner] });
    let without = MemberDelta { clear: false, add: Vec::new(), remove: vec![ana, new_id()] };
    assert_eq!(world.commit(delta(sales, without)).await.unwrap().version, 3);
    assert_eq!(world.members(sales).await, Members { users: vec![ben], groups: vec![inner] });
    let log = "SELECT count(*) FROM change_log WHERE tenant_id = $ AND CAST(members AS text) =";
    assert_eq!(world.number(&format!("{log} '{{\"add\":[],\"remove\":[\"{ana}\"]}}'")), 1);
    // The document was not touched.
    assert_eq!(world.row(Group, sales).await.unwrap().document, group("Sales").json);
}

async fn whoever_does_not_exist_cannot_be_added(backend: Backend) {
    let world = World::new(backend).await;
    let ana = world.user("ana").await;
    let sales = world.group("Sales", &[]).await;
    let missing: Vec<ResourceId> = (0..12).map(|_| new_id()).collect();
    let refused = world.commit(delta(sales, add(&[&[ana], missing.as_slice()].concat()))).await;
    assert_eq!(refused, Err(CommitError::MissingMembers(missing[..10].to_vec())));
    assert_eq!(world.members(sales).await, Members::default());
    let refused = world.commit(create(Group, new_id(), group("New"), &missing[..1])).await;
    assert_eq!(refused, Err(CommitError::MissingMembers(missing[..1].to_vec())));
    world.commit(delete(User, ana, None)).await.unwrap();
    assert_eq!(world.commit(delta(sales, add(&[ana]))).await, Err(CommitError::MissingMembers(vec![ana])));
}

async fn a_group_is_no_member_of_itself(backend: Backend) {
    let world = World::new(backend).await;
    let sales = world.group("Sales", &[]).await;
    assert_eq!(
        world.commit(delta(sales, add(&[sales]))).await,
        Err(CommitError::MissingMembers(vec![sales]))
    );
}

async fn clearing_spares_those_who_are_added(backend: Backend) {
    let world = World::new(backend).await;
    let (ana, ben, cleo) = (world.user("ana").await, world.user("ben").await, world.user("cleo").await);
    let sales = world.group("Sales", &[ana, ben]).await;
    let exactly =
        |members: &[ResourceId]| MemberDelta { clear: true, add: members.to_vec(), remove: Vec::new() };
    assert_eq!(world.commit(delta(sales, exactly(&[ben, cleo]))).await.unwrap().version, 2);
    assert_eq!(world.members(sales).await.users, sorted(vec![ben, cleo]));
    let committed = world.commit(delta(sales, exactly(&[cleo, ben]))).await.unwrap();
    assert_eq!((committed.version, committed.changed), (2, false));
    assert_eq!(world.commit(delta(sales, exactly(&[]))).await.unwrap().version, 3);
    assert_eq!(world.members(sales).await, Members::default());
}

async fn a_thousand_members_come_at_once_and_go_at_once(backend: Backend) {
    let world = World::new(backend).await;
    let mut ids = Vec::new();
    for number in 0..1000 {
        ids.push(world.user(&format!("user{number}")).await);
    }
    let sales = world.group("Sales", &[]).await;
    world.commit(delta(sales, add(&ids))).await.unwrap();
    assert_eq!(world.members(sales).await.users, sorted(ids.clone()));
    let half = MemberDelta { clear: false, add: Vec::new(), remove: ids[..500].to_vec() };
    world.commit(delta(sales, half)).await.unwrap();
    assert_eq!(world.members(sales).await.users, sorted(ids[500..].to_vec()));
    world.commit(delete(Group, sales, None)).await.unwrap();
    assert_eq!(world.members(sales).await, Members::default());
}

/// Its memberships stay where they are until it is purged, and nobody sees them.
async fn a_deleted_group_is_seen_nowhere(backend: Backend) {
    let world = World::new(backend).await;
    let (store, tenant) = (world.store(), world.tenant);
    let (ana, ben) = (world.user("ana").await, world.user("ben").await);
    let inner = world.group("Inner", &[ben]).await;
    let sales = world.group("Sales", &[ana, inner]).await;
    world.commit(delete(Group, sales, None)).await.unwrap();
    assert_eq!(store.hidden_members(tenant, sales, None, 100).await.unwrap(), sorted(vec![ana, inner]));
    assert_eq!(world.members(sales).await, Members::default());
    assert_eq!(store.member_count(tenant, sales).await.unwrap(), 0);
    let behind = store.members_behind(tenant, sales, ResourceId(Uuid::nil()), 10).await.unwrap();
    assert_eq!(behind, []);
    assert_eq!(world.row(User, ana).await.unwrap().groups, []);
    assert_eq!(world.row(User, ben).await.unwrap().groups.len(), 1);
    let groups: Vec<usize> =
        world.list(everything(User)).await.rows.iter().map(|row| row.groups.len()).collect();
    assert_eq!(groups, [0, 1]);
    // Who is deleted meanwhile leaves it as well, and nobody tells the group.
    let changes = world.number("SELECT count(*) FROM change_log WHERE tenant_id = $");
    world.commit(delete(User, ana, None)).await.unwrap();
    assert_eq!(store.hidden_members(tenant, sales, None, 100).await.unwrap(), [inner]);
    assert_eq!(world.number("SELECT count(*) FROM change_log WHERE tenant_id = $"), changes + 1);
    assert_eq!(world.row(Group, sales).await, None);
}

/// Members of whom nothing but the membership is stored, and how many the group has.
fn fill(world: &World, group: ResourceId, count: u64) {
    let member = match world.backend.key(group.0).starts_with('x') {
        true => "randomblob(16)",
        false => "gen_random_uuid()",
    };
    let (tenant, group) = (world.backend.key(world.tenant.0), world.backend.key(group.0));
    world.backend.execute(&format!(
        "INSERT INTO group_members (tenant_id, group_id, member_id, member_is_group) \
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) \
         SELECT {tenant}, {group}, {member}, n.i % 10 = 0 FROM n;
         UPDATE \"groups\" SET member_count = {count} WHERE tenant_id = {tenant} AND id = {group};
         UPDATE feeds SET membership_count = {count} WHERE tenant_id = {tenant}"
    ));
}

/// The units that a lane was asked for, as they were estimated.
fn weight(store: &Store, lane: Lane) -> u64 {
    store.lanes().into_iter().find(|figures| figures.lane == lane).unwrap().weight
}

async fn what_touches_a_large_group_is_weighed_before_it_begins(backend: Backend) {
    let world = World::new(backend).await;
    let (store, tenant) = (world.store(), world.tenant);
    let ana = world.user("ana").await;
    let group = world.group("Sales", &[]).await;
    fill(&world, group, 5000);
    let row = world.row(Group, group).await.unwrap();
    assert_eq!(row.member_count, 5000);
    assert_eq!(world.list(everything(Group)).await.rows, std::slice::from_ref(&row));
    assert_eq!(world.row(User, ana).await.unwrap().member_count, 0);

    let before = weight(store, Lane::Quick);
    let members = store.members(tenant, group, row.member_count).await.unwrap();
    assert_eq!((members.users.len(), members.groups.len()), (4500, 500));
    assert!(members.users.is_sorted() && members.groups.is_sorted());
    assert_eq!(weight(store, Lane::Quick) - before, 4096 / 16 + (5000 - 4096) / 16, "two slices");

    let change = Change { member_count: 5000, ..delete(Group, group, None) };
    let before = weight(store, Lane::Writes);
    world.commit(change).await.unwrap();
    assert_eq!(weight(store, Lane::Writes) - before, 1, "the members stay where they are");
    let deleted = store.deleted_resource(tenant, group).await.unwrap().unwrap();
    let document = document(Group, serde_json::from_str(&deleted.document).unwrap());
    let restore = Action::Restore { deleted: deleted.version, document, groups: Vec::new() };
    let restore = change_of_all(group, EventKind::Create, restore);
    let before = weight(store, Lane::Writes);
    world.commit(restore).await.unwrap();
    assert_eq!(weight(store, Lane::Writes) - before, 1 + 5000 / 16);
    let empty = MemberDelta { clear: true, ..MemberDelta::default() };
    let empty = Action::Update { expected: None, before: None, document: None, members: empty };
    let before = weight(store, Lane::Writes);
    world.commit(change_of_all(group, EventKind::Patch, empty)).await.unwrap();
    assert_eq!(weight(store, Lane::Writes) - before, 1 + 5000 / 16);
    assert_eq!(store.members(tenant, group, 0).await.unwrap(), Members::default());
}

/// A change that touches the 5,000 members of a group.
fn change_of_all(group: ResourceId, event: EventKind, action: Action) -> Change {
    Change { member_count: 5000, ..change(Group, group, event, action) }
}

/// The count is kept beside the group, however its members come and go.
async fn a_group_knows_how_many_members_it_has(backend: Backend) {
    let world = World::new(backend).await;
    let count = async |group| world.store().member_count(world.tenant, group).await.unwrap();
    let (ana, ben, cleo) = (world.user("ana").await, world.user("ben").await, world.user("cleo").await);
    let sales = world.group("Sales", &[ana]).await;
    assert_eq!(count(sales).await, 1);
    world.commit(delta(sales, add(&[ana, ben, cleo]))).await.unwrap();
    assert_eq!(count(sales).await, 3);
    let (one, two) =
        tokio::join!(world.commit(delete(User, ana, None)), world.commit(delete(User, ben, None)));
    assert!(one.is_ok() && two.is_ok());
    assert_eq!(count(sales).await, 1);
    assert_eq!(world.row(Group, sales).await.unwrap().version, 4, "each deleted member is a change");
    world.commit(delta(sales, MemberDelta { clear: true, ..MemberDelta::default() })).await.unwrap();
    assert_eq!(count(sales).await, 0);
}

async fn groups_of_a_user_count_through_nesting(backend: Backend) {
    let world = World::new(backend).await;
    let ana = world.user("ana").await;
    let inner = world.group("Inner", &[ana]).await;
    let middle = world.group("Middle", &[inner]).await;
    let outer = world.group("Outer", &[middle, ana]).await;
    let of = |id, name: &str, direct| GroupOf { id, display: Some(name.to_owned()), direct };
    let expected = [of(inner, "Inner", true), of(outer, "Outer", true), of(middle, "Middle", false)];
    assert_eq!(world.row(User, ana).await.unwrap().groups, expected);
    assert_eq!(world.list(everything(User)).await.rows[0].groups, expected);
    let plain = world.store().resource(world.tenant, User, ana, false).await.unwrap().unwrap();
    assert_eq!(plain.groups, []);
}

async fn circles_of_groups_end(backend: Backend) {
    let world = World::new(backend).await;
    let ana = world.user("ana").await;
    let one = world.group("One", &[ana]).await;
    let two = world.group("Two", &[one]).await;
    world.commit(delta(one, add(&[two]))).await.unwrap();
    let groups = world.row(User, ana).await.unwrap().groups;
    assert_eq!(
        groups.iter().map(|group| (group.id, group.direct)).collect::<Vec<_>>(),
        [(one, true), (two, false)]
    );
}
