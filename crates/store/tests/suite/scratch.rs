//! Scratch tenants: nobody but those who opened one sees it, no quota binds it, and it leaves one entry.

use crate::{acts::*, backend::Backend, on_both_databases, tokens::token, world::*};
use scim::Timestamp;
use store::*;
use uuid::Uuid;

on_both_databases!(
    a_scratch_tenant_is_in_no_list,
    a_scratch_tenant_leaves_one_entry,
    a_scratch_tenant_is_like_a_tenant_that_is_there,
);

/// A scratch tenant that is not open yet, with its token.
fn scratch() -> (Tenant, SecretTokenRow) {
    let id = TenantId::scratch(Uuid::now_v7());
    let tenant = Tenant { id, label: format!("scratch-{}", id.0.simple()), ..tenant_row("scratch") };
    let token = SecretTokenRow { expires: Some(now().plus_seconds(3600)), ..token(id) };
    (tenant, token)
}

async fn a_scratch_tenant_is_in_no_list(backend: Backend) {
    let world = World::new(backend).await;
    let store = world.store();
    let (tenant, token) = scratch();
    assert_eq!((world.tenant.kind(), tenant.id.kind()), (TenantKind::Company, TenantKind::Scratch));
    assert!(store.open_scratch(world.tenant, tenant.clone(), token.clone()).await.unwrap());

    let found = store.tenants_behind(String::new(), TenantSearch::default(), 10).await.unwrap();
    assert_eq!(found.into_iter().map(|tenant| tenant.id).collect::<Vec<_>>(), [world.tenant]);
    for name in [tenant.label.clone(), tenant.id.to_string()] {
        assert_eq!(store.tenant(&name).await.unwrap(), None);
    }
    let (from, until) = (Timestamp(0), Timestamp(i64::MAX));
    assert_eq!(store.ends_of_credentials((from, until)).await.unwrap(), []);
    // Its client gets in.
    let owner = store.secret_token(token.digest, Line::Process).await.unwrap().expect("the token");
    assert_eq!(owner.tenant, tenant);
    let opened = tenant.created.0;
    assert_eq!(store.scratch_tenants(Timestamp(opened)).await.unwrap(), []);
    assert_eq!(store.scratch_tenants(Timestamp(opened + 1)).await.unwrap(), [tenant.id]);
}

async fn a_scratch_tenant_leaves_one_entry(backend: Backend) {
    let world = World::new(backend).await;
    let store = world.store();
    let (tenant, token) = scratch();
    let anna = hands(store, By { actor: operator_actor("anna"), origin: "192.0.2.7".to_owned(), at: now() });
    anna.open_scratch(world.tenant, tenant.clone(), token.clone()).await.unwrap();
    assert!(anna.erase_tenant(tenant.id).await.unwrap());
    assert_eq!(store.secret_token(token.digest, Line::Process).await.unwrap(), None);
    assert_eq!(store.scratch_tenants(Timestamp(i64::MAX)).await.unwrap(), []);
    let actions =
        async |tenant| told(store, tenant).await.into_iter().map(|row| row.action).collect::<Vec<_>>();
    assert_eq!(actions(world.tenant).await, ["tenant.conformance"]);
    assert!(actions(tenant.id).await.is_empty());
    assert!(store.verify_audit().await.unwrap().is_ok());
}

async fn a_scratch_tenant_is_like_a_tenant_that_is_there(backend: Backend) {
    let world = World::new(backend).await;
    let store = world.store();
    let ((tenant, token), (_, other)) = (scratch(), scratch());
    store.open_scratch(world.tenant, tenant.clone(), token).await.unwrap();
    assert!(!store.open_scratch(world.tenant, tenant, other).await.unwrap(), "its label is taken");
    let (tenant, token) = scratch();
    store.begin_erasing(world.tenant).await.unwrap();
    assert!(!store.open_scratch(world.tenant, tenant, token).await.unwrap(), "nothing to be like");
}
