//! Secret Tokens as rows.

use crate::{acts::*, backend::Backend, on_both_databases, world::*};
use scim::Timestamp;
use store::*;
use uuid::Uuid;

on_both_databases!(a_token_is_found_by_its_digest_with_its_tenant, a_token_ends_once,);

pub(crate) fn token(tenant: TenantId) -> SecretTokenRow {
    let id = Uuid::now_v7();
    let mut digest = [0; 32];
    digest[..16].copy_from_slice(id.as_bytes());
    SecretTokenRow {
        id,
        tenant,
        key_id: "k7".to_owned(),
        digest,
        label: "Entra".to_owned(),
        created: now(),
        expires: None,
        revoked: None,
        seen: None,
    }
}

async fn a_token_is_found_by_its_digest_with_its_tenant(backend: Backend) {
    let world = World::new(backend).await;
    let first = SecretTokenRow { expires: Some(Timestamp(9)), ..token(world.tenant) };
    let second = token(world.tenant);
    for token in [&second, &first] {
        world.store().insert_secret_token(token.clone()).await.unwrap();
    }
    let found = world.store().secret_token(first.digest, Line::Process).await.unwrap().unwrap();
    assert_eq!((&found.token, found.tenant.id), (&first, world.tenant));
    assert_eq!(world.store().secret_token([7; 32], Line::Process).await.unwrap(), None);
    assert_eq!(world.store().secret_tokens(world.tenant).await.unwrap(), [first.clone(), second.clone()]);
    // Two of the same time stand in the order of their ids.
    let third = SecretTokenRow { created: second.created, ..token(world.tenant) };
    world.store().insert_secret_token(third.clone()).await.unwrap();
    let behind = async |row: &SecretTokenRow, limit| {
        let place = (row.created, row.id);
        let rows = world.store().secret_tokens_behind(world.tenant, place, limit).await.unwrap();
        rows.into_iter().map(|row| row.id).collect::<Vec<_>>()
    };
    assert_eq!(behind(&first, 1).await, [second.id]);
    assert_eq!(behind(&second, 9).await, [third.id]);
    assert!(behind(&third, 9).await.is_empty());
    assert_eq!(world.store().secret_tokens(TenantId(Uuid::now_v7())).await.unwrap(), []);
}

async fn a_token_ends_once(backend: Backend) {
    let world = World::new(backend).await;
    let other = TenantId(Uuid::now_v7());
    let row = token(world.tenant);
    world.store().insert_secret_token(row.clone()).await.unwrap();
    let stored = async || world.store().secret_token(row.digest, Line::Process).await.unwrap().unwrap().token;
    assert!(!world.store().revoke_secret_token(other, row.id, Timestamp(6)).await.unwrap());
    assert!(world.store().revoke_secret_token(world.tenant, row.id, Timestamp(6)).await.unwrap());
    assert!(!world.store().revoke_secret_token(world.tenant, row.id, Timestamp(7)).await.unwrap());
    assert_eq!(stored().await.revoked, Some(Timestamp(6)));
}
