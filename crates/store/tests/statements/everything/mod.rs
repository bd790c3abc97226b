//! Uses all of a store: every method, each action of a change, listings of every shape.

mod credentials;
mod operators;
mod resources;

use crate::{acts::*, backend::Backend, capture::Kind, large::add_slices, world::*};
use store::*;

/// Returns the tenant that was used, which is deleted at the end.
pub(crate) async fn use_everything(kind: Kind, backend: Backend) -> TenantId {
    let world = World::new(backend).await;
    let store = hands(world.store(), command_line());
    let tenant = world.tenant;
    resources::use_resources(&world).await;
    resources::use_listings(&world).await;
    resources::use_shared_scans(&world).await;
    if kind == Kind::Postgres {
        resources::lose_a_race(&world).await;
    }
    resources::use_history(&world, &world.store().acting(command_line())).await;
    resources::use_lookup_keys(&world).await;
    resources::use_user_names(&world).await;
    credentials::use_tokens(&store, tenant).await;
    credentials::use_oauth(&store, tenant).await;
    credentials::use_setup_links(&store, tenant).await;
    operators::use_operators(&store).await;
    add_slices(&world.backend, kind, tenant.0);
    credentials::use_scratch_tenants(&store, tenant).await;
    use_tenant(&store, tenant).await;
    tenant
}

async fn use_tenant(store: &Store, tenant: TenantId) {
    let target = "contoso".to_owned();
    let entry =
        AuditEntry { action: "tenant.export", target, tenant: Some(tenant), before: None, after: None };
    store.note(&command_line(), entry).await.unwrap();
    assert!(!store.audit_rows(Some(tenant), i64::MAX, at_most(10)).await.unwrap().rows.is_empty());
    assert!(!store.audit_rows(None, i64::MAX, at_most(10)).await.unwrap().rows.is_empty());
    assert!(store.verify_audit().await.unwrap().is_ok());
    assert_eq!(store.tenants().await.unwrap().len(), 1);
    for search in [
        TenantSearch::default(),
        TenantSearch { words: vec!["t".to_owned()], state: Some(TenantState::Active) },
    ] {
        assert_eq!(store.tenants_behind(String::new(), search, 10).await.unwrap().len(), 1);
    }
    assert_eq!(store.tenant_figures(vec![tenant], 10).await.unwrap().len(), 1);
    let renamed = TenantUpdate { name: Some("Other".to_owned()), profile: Some(scim::Profile::Rfc) };
    assert!(store.change_tenant(tenant, renamed).await.unwrap());
    assert!(store.change_tenant(tenant, TenantUpdate::default()).await.unwrap());
    assert!(store.set_tenant_state(tenant, TenantState::Suspended).await.unwrap());
    store.ping().await.unwrap();
    store.begin_erasing(tenant).await.unwrap();
    assert!(store.erase_tenant(tenant).await.unwrap());
}
