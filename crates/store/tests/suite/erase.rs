//! Erasing a tenant goes in slices, and goes on where it was interrupted.

use crate::{
    acts::*, backend::Backend, oauth::client, on_both_databases, setup_links::link, tokens::token, world::*,
};
use store::{
    control::{Refused, tenants::TenantGone},
    *,
};

on_both_databases!(
    nothing_can_be_done_for_a_tenant_that_is_being_erased,
    a_large_tenant_is_erased_in_slices,
    erasing_goes_on_where_it_was_interrupted,
    two_operators_erase_a_tenant_once,
);

fn by(name: &str) -> By {
    By { actor: operator_actor(name), origin: "192.0.2.7".to_owned(), at: now() }
}

/// Actions of the audit log of a tenant.
async fn actions(world: &World) -> Vec<String> {
    told(world.store(), world.tenant).await.into_iter().map(|row| row.action).collect()
}

async fn nothing_can_be_done_for_a_tenant_that_is_being_erased(backend: Backend) {
    let world = World::new(backend).await;
    let (store, tenant) = (world.store(), world.tenant);
    let old = token(tenant);
    store.insert_secret_token(old.clone()).await.unwrap();
    world.user("ana").await;
    store.begin_erasing(tenant).await.unwrap();
    // Its credentials are refused, and it gets no others.
    assert_eq!(store.secret_token(old.digest, Line::Process).await.unwrap(), None);
    assert!(!store.insert_secret_token(token(tenant)).await.unwrap());
    assert!(!store.create_oauth_client(client(tenant), None).await.unwrap());
    assert!(!store.create_setup_link(link(tenant)).await.unwrap());
    assert!(!store.set_tenant_state(tenant, TenantState::Suspended).await.unwrap());
    // It takes no changes.
    assert_eq!(world.commit(create_user(new_id(), "ben")).await, Err(CommitError::TenantGone));
    store.begin_erasing(tenant).await.expect("once more");
    assert!(hands(store, by("anna")).erase_tenant(tenant).await.unwrap());
    assert_eq!(actions(&world).await, ["tenant.delete"]);
    assert_eq!(store.begin_erasing(tenant).await, Err(Refused::Because(TenantGone)));
}

/// Rows in the tables that are erased in slices.
fn rows(world: &World) -> Vec<i64> {
    ["change_log", "group_members", "deleted_resources", "\"groups\"", "users", "user_name_collisions"]
        .map(|table| world.number(&format!("SELECT count(*) FROM {table} WHERE tenant_id = $")))
        .to_vec()
}

/// Many more rows than a slice takes, and not a multiple of it.
fn fill(world: &World) {
    let tenant = world.backend.key(world.tenant.0);
    let id = match tenant.starts_with('x') {
        true => "randomblob(16)",
        false => "gen_random_uuid()",
    };
    let numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4100)";
    for (columns, values) in [
        (
            "change_log (tenant_id, position, at, kind, resource_id, event, version, effects, is_change)",
            format!("1000 + i, 1, 'User', {id}, 'put', 1, '[]', TRUE"),
        ),
        ("group_members (tenant_id, group_id, member_id, member_is_group)", format!("{tenant}, {id}, FALSE")),
        (
            "deleted_resources (tenant_id, id, kind, deleted_at, version, created_at, document, groups)",
            format!("{id}, 'User', 1, 1, 1, '{{}}', '[]'"),
        ),
        (
            "\"groups\" (tenant_id, id, version, created_at, modified_at, document)",
            format!("{id}, 1, 1, 1, '{{}}'"),
        ),
        (
            "users (tenant_id, id, user_name, active, version, created_at, modified_at, document)",
            format!("{id}, 'u' || i, TRUE, 1, 1, 1, '{{}}'"),
        ),
        ("user_name_collisions (tenant_id, id, kept_key, wanted_key)", format!("{id}, 'k' || i, 'w' || i")),
    ] {
        world.backend.execute(&format!("INSERT INTO {columns} {numbers} SELECT {tenant}, {values} FROM n"));
    }
}

async fn a_large_tenant_is_erased_in_slices(backend: Backend) {
    let world = World::new(backend).await;
    let neighbour = World::new(world.backend.clone()).await;
    fill(&world);
    let ana = neighbour.user("ana").await;
    neighbour.group("Sales", &[ana]).await;
    let before = rows(&neighbour);
    assert!(world.store().erase_tenant(world.tenant).await.unwrap());
    assert_eq!(rows(&world), [0; 6]);
    assert_eq!(rows(&neighbour), before);
}

async fn erasing_goes_on_where_it_was_interrupted(backend: Backend) {
    let world = World::new(backend).await;
    fill(&world);
    let tenant = world.backend.key(world.tenant.0);
    // As a process leaves it that was killed at work: the log is gone, and half of the memberships.
    world.store().begin_erasing(world.tenant).await.unwrap();
    world.backend.execute(&format!("DELETE FROM change_log WHERE tenant_id = {tenant}"));
    world.backend.execute(&format!(
        "DELETE FROM group_members WHERE tenant_id = {tenant} AND member_id IN \
         (SELECT member_id FROM group_members WHERE tenant_id = {tenant} ORDER BY member_id LIMIT 2050)"
    ));
    let again = hands(&world.backend.open_again(), by("ben"));
    assert!(again.erase_tenant(world.tenant).await.unwrap());
    assert_eq!(rows(&world), [0; 6]);
    assert_eq!(actions(&world).await, ["tenant.delete"]);
    assert_eq!(again.tenants().await.unwrap(), []);
}

async fn two_operators_erase_a_tenant_once(backend: Backend) {
    let world = World::new(backend).await;
    fill(&world);
    let (anna, ben) = (hands(world.store(), by("anna")), hands(&world.backend.open_again(), by("ben")));
    let (one, two) = tokio::join!(anna.erase_tenant(world.tenant), ben.erase_tenant(world.tenant));
    assert_eq!(usize::from(one.unwrap()) + usize::from(two.unwrap()), 1);
    assert_eq!(rows(&world), [0; 6]);
    assert_eq!(actions(&world).await, ["tenant.delete"]);
}
