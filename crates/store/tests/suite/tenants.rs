//! Tenants: opened, found, suspended, deleted without a trace.

use crate::{
    acts::*,
    backend::Backend,
    credentials::rotation,
    oauth::{client, federation, secret},
    on_both_databases,
    setup_links::link,
    tokens::token,
    world::*,
};
use scim::schema::ResourceKind::{Group, User};
use store::*;
use uuid::Uuid;

on_both_databases!(
    tenants_are_found_by_label_and_by_id,
    a_tenant_is_suspended_and_resumed,
    a_deleted_tenant_leaves_no_row,
    nothing_is_stored_for_a_tenant_that_is_gone,
    a_store_is_opened_again_with_all_it_held,
);

async fn tenants_are_found_by_label_and_by_id(backend: Backend) {
    let (contoso, fabrikam) = (tenant_row("contoso"), tenant_row("fabrikam"));
    let store = &backend.store;
    assert!(store.create_tenant(fabrikam.clone()).await.unwrap());
    assert!(store.create_tenant(contoso.clone()).await.unwrap());
    assert!(!store.create_tenant(tenant_row("contoso")).await.unwrap());
    assert_eq!(store.tenants().await.unwrap(), [contoso.clone(), fabrikam.clone()]);
    assert_eq!(store.tenant("fabrikam").await.unwrap(), Some(fabrikam.clone()));
    assert_eq!(store.tenant(&contoso.id.to_string()).await.unwrap(), Some(contoso));
    for nobody in ["", "Contoso", "contoso\0", &Uuid::now_v7().to_string()] {
        assert_eq!(store.tenant(nobody).await.unwrap(), None);
    }
}

async fn a_tenant_is_suspended_and_resumed(backend: Backend) {
    let row = tenant_row("contoso");
    let store = &backend.store;
    store.create_tenant(row.clone()).await.unwrap();
    for state in [TenantState::Suspended, TenantState::Active] {
        assert!(store.set_tenant_state(row.id, state).await.unwrap());
        assert_eq!(store.tenant("contoso").await.unwrap().unwrap().state, state);
    }
    assert!(!store.set_tenant_state(TenantId(Uuid::now_v7()), TenantState::Active).await.unwrap());
}

async fn nothing_is_stored_for_a_tenant_that_is_gone(backend: Backend) {
    let store = &backend.store;
    let row = tenant_row("contoso");
    assert!(store.create_tenant(row.clone()).await.unwrap());
    assert!(store.erase_tenant(row.id).await.unwrap());
    let (old, owner) = (token(row.id), client(row.id));
    assert!(!store.insert_secret_token(old.clone()).await.unwrap());
    let (rotation, new) = rotation(&old);
    assert!(!store.start_rotation(rotation, new).await.unwrap());
    assert!(!store.create_setup_link(link(row.id)).await.unwrap());
    assert!(!store.create_oauth_client(owner.clone(), Some(secret(&owner))).await.unwrap());
    assert!(!store.insert_client_secret(secret(&owner)).await.unwrap());
    assert!(!store.set_federation(federation(&owner), None, Some(owner.clone())).await.unwrap());
    assert!(!store.note_assertion(row.id, [7; 32], now()).await.unwrap());
}

/// In every table that the database itself says has tenants in it.
async fn a_deleted_tenant_leaves_no_row(backend: Backend) {
    let world = World::new(backend).await;
    let neighbour = World::new(world.backend.clone()).await;
    for world in [&world, &neighbour] {
        let (ana, ben) = (world.user("ana").await, world.user("ben").await);
        world.group("Sales", &[ana, ben]).await;
        world.commit(delete(User, ben, None)).await.unwrap();
        let gone = world.group("Gone", &[ana]).await;
        world.commit(delete(Group, gone, None)).await.unwrap();
        let old = token(world.tenant);
        world.store().insert_secret_token(old.clone()).await.unwrap();
        let (rotation, new) = rotation(&old);
        assert!(world.store().start_rotation(rotation, new).await.unwrap());
        assert!(world.store().create_setup_link(link(world.tenant)).await.unwrap());
        let row = client(world.tenant);
        world.store().create_oauth_client(row.clone(), Some(secret(&row))).await.unwrap();
        world.store().set_federation(federation(&row), None, None).await.unwrap();
        assert!(world.store().note_assertion(world.tenant, [7; 32], now()).await.unwrap());
        let key = world.backend.key(world.tenant.0);
        world.backend.execute(&format!(
            "INSERT INTO lookup_paths (tenant_id, id, kind, path, version, state, created_at, used_at, uses) \
             VALUES ({key}, 1, 'User', 'title', 1, 'filled', 1, 1, 1); \
             INSERT INTO lookup_keys (tenant_id, path_id, key, resource_id) VALUES ({key}, 1, 'lead', {key}); \
             INSERT INTO user_name_collisions (tenant_id, id, kept_key, wanted_key) VALUES ({key}, {key}, 'a', 'b')"
        ));
    }
    let tables = world.backend.tables_with("tenant_id");
    assert!(tables.len() >= 8, "{tables:?}");
    let rows = |world: &World| -> Vec<i64> {
        tables
            .iter()
            .map(|table| world.number(&format!("SELECT count(*) FROM \"{table}\" WHERE tenant_id = $")))
            .collect()
    };
    let before = rows(&neighbour);
    let filled = rows(&world).into_iter().zip(&tables).filter(|(_, table)| *table != "erasures");
    assert!(
        filled.into_iter().all(|(count, _)| count > 0),
        "each table is tried: {tables:?} {:?}",
        rows(&world)
    );
    assert!(world.store().erase_tenant(world.tenant).await.unwrap());
    assert_eq!(rows(&world), vec![0; tables.len()]);
    assert_eq!(rows(&neighbour), before);
    assert!(!world.store().erase_tenant(world.tenant).await.unwrap());
    assert_eq!(world.commit(create_user(new_id(), "ana")).await, Err(CommitError::TenantGone));
}

async fn a_store_is_opened_again_with_all_it_held(backend: Backend) {
    let world = World::new(backend).await;
    let ana = world.user("ana").await;
    let again = world.backend.open_again();
    let row = again.resource(world.tenant, User, ana, true).await.unwrap();
    assert_eq!(row, world.row(User, ana).await);
    assert!(again.ping().await.is_ok());
}
