//! Secret Tokens as rows.

use crate::{backend::Backend, on_both_databases, world::*};
use scim::Timestamp;
use store::*;
use uuid::Uuid;

on_both_databases!(
    a_token_is_found_by_its_digest_with_its_tenant,
    a_token_ends_once,
    the_time_of_last_use_never_goes_back,
);

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
        last_used: None,
    }
}

async fn a_token_is_found_by_its_digest_with_its_tenant(backend: Backend) {
    let world = World::new(backend).await;
    let first = SecretTokenRow { expires: Some(Timestamp(9)), ..token(world.tenant) };
    let second = token(world.tenant);
    for token in [&second, &first] {
        world.store().insert_secret_token(token.clone()).await.unwrap();
    }
    let found = world.store().secret_token(first.digest).await.unwrap().unwrap();
    assert_eq!((&found.token, found.tenant.id), (&first, world.tenant));
    assert_eq!(world.store().secret_token([7; 32]).await.unwrap(), None);
    assert_eq!(world.store().secret_tokens(world.tenant).await.unwrap(), [first, second]);
    assert_eq!(world.store().secret_tokens(TenantId(Uuid::now_v7())).await.unwrap(), []);
}

async fn a_token_ends_once(backend: Backend) {
    let world = World::new(backend).await;
    let other = TenantId(Uuid::now_v7());
    let row = token(world.tenant);
    world.store().insert_secret_token(row.clone()).await.unwrap();
    let stored = async || world.store().secret_token(row.digest).await.unwrap().unwrap().token;
    assert!(!world.store().expire_secret_token(other, row.id, Timestamp(5)).await.unwrap());
    assert!(world.store().expire_secret_token(world.tenant, row.id, Timestamp(5)).await.unwrap());
    assert_eq!(stored().await.expires, Some(Timestamp(5)));
    assert!(!world.store().revoke_secret_token(other, row.id, Timestamp(6)).await.unwrap());
    assert!(world.store().revoke_secret_token(world.tenant, row.id, Timestamp(6)).await.unwrap());
    assert!(!world.store().revoke_secret_token(world.tenant, row.id, Timestamp(7)).await.unwrap());
    assert!(!world.store().expire_secret_token(world.tenant, row.id, Timestamp(8)).await.unwrap());
    let ended = stored().await;
    assert_eq!((ended.expires, ended.revoked), (Some(Timestamp(5)), Some(Timestamp(6))));
}

async fn the_time_of_last_use_never_goes_back(backend: Backend) {
    let world = World::new(backend).await;
    let (one, two) = (token(world.tenant), token(world.tenant));
    for token in [&one, &two] {
        world.store().insert_secret_token(token.clone()).await.unwrap();
    }
    let used =
        |at| vec![(world.tenant, one.id, Timestamp(at)), (world.tenant, Uuid::now_v7(), Timestamp(at))];
    for (at, expected) in [(5, 5), (9, 9), (7, 9)] {
        world.store().touch_secret_tokens(used(at)).await.unwrap();
        let found = world.store().secret_token(one.digest).await.unwrap().unwrap();
        assert_eq!(found.token.last_used, Some(Timestamp(expected)));
    }
    assert_eq!(world.store().secret_token(two.digest).await.unwrap().unwrap().token.last_used, None);
}
