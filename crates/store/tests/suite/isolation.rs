//! Two tenants with the same ids and names never meet.

use crate::{acts::*, backend::Backend, on_both_databases, world::*};
use scim::{
    filter::Filter,
    schema::{
        ResourceKind::{Group, User},
        ResourceType,
    },
};
use store::*;

on_both_databases!(the_same_ids_and_names_live_in_two_tenants, no_change_reaches_another_tenant);

/// Two tenants of one store, and in each a user and a group with the same ids and names.
async fn twins(backend: Backend) -> (World, TenantId, ResourceId, ResourceId) {
    let world = World::new(backend).await;
    let other = tenant_row("other");
    assert!(world.store().create_tenant(other.clone()).await.unwrap());
    let (ana, sales) = (new_id(), new_id());
    for tenant in [world.tenant, other.id] {
        world.store().commit(tenant, create_user(ana, "ana")).await.unwrap();
        world.store().commit(tenant, create(Group, sales, group("Sales"), &[ana])).await.unwrap();
    }
    (world, other.id, ana, sales)
}

fn listing(kind: scim::schema::ResourceKind, filter: &str) -> Listing {
    let condition = Filter::parse(filter).unwrap().resolve(ResourceType::of(kind)).unwrap();
    Listing { condition: Some(condition), ..everything(kind) }
}

async fn the_same_ids_and_names_live_in_two_tenants(backend: Backend) {
    let (world, other, ana, sales) = twins(backend).await;
    for tenant in [world.tenant, other] {
        for (kind, filter) in [
            (User, "userName eq \"ana\"".to_owned()),
            (User, format!("groups.value eq \"{sales}\"")),
            (User, "groups[value sw \"0\"]".to_owned()),
            (Group, format!("members eq \"{ana}\"")),
            (Group, "members[type eq \"User\"]".to_owned()),
        ] {
            let page = world.store().list(tenant, listing(kind, &filter)).await.unwrap();
            assert_eq!((page.total, page.rows.len()), (1, 1), "{filter}");
        }
        let row = world.store().resource(tenant, User, ana, true).await.unwrap().unwrap();
        assert_eq!(row.groups.len(), 1);
    }
}

async fn no_change_reaches_another_tenant(backend: Backend) {
    let (world, other, ana, sales) = twins(backend).await;
    let stranger = world.user("stranger").await;
    let before = world.store().list(other, everything(User)).await.unwrap();
    // Neither adding a member of another tenant, nor changing, nor deleting crosses over.
    let add = MemberDelta { clear: false, add: vec![stranger], remove: Vec::new() };
    let refused = world.store().commit(other, delta(sales, add)).await;
    assert_eq!(refused, Err(CommitError::MissingMembers(vec![stranger])));
    world.commit(replace(User, ana, None, user("renamed"))).await.unwrap();
    let clear = MemberDelta { clear: true, ..MemberDelta::default() };
    world.commit(delta(sales, clear)).await.unwrap();
    world.commit(delete(User, ana, None)).await.unwrap();
    world.commit(delete(Group, sales, None)).await.unwrap();
    assert_eq!(world.store().list(other, everything(User)).await.unwrap().rows, before.rows);
    assert_eq!(world.store().members(other, sales, 1).await.unwrap().users, [ana]);
    assert_eq!(world.store().resource(other, User, stranger, false).await.unwrap(), None);
    let by_name = world.store().user_by_name(other, "stranger".to_owned(), false).await.unwrap();
    assert_eq!(by_name, None);
}
