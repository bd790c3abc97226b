//! Membership: deltas that never read the group.

use crate::{backend::Backend, on_both_databases, world::*};
use scim::schema::ResourceKind::{Group, User};
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
