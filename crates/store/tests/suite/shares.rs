//! A tenant that asks for more than its share waits for the others' work, and only then; operators do not.

use crate::{acts::*, backend::Backend, on_both_databases, world::*};
use std::time::Duration;
use store::*;
use tokio::task::JoinSet;

on_both_databases!(beyond_its_share_a_tenant_waits_while_another_is_at_work);

/// Lookups and changes a second.
const SHARE: u32 = 10;
/// Longer than anything here takes; where a change is held, shorter than both databases wait for a lock.
const FOREVER: Duration = Duration::from_secs(60);
const WHILE_HELD: Duration = Duration::from_secs(4);

async fn look_up(store: &Store, tenant: TenantId) {
    assert_eq!(store.user_by_name(tenant, "nobody".to_owned(), false).await, Ok(None));
}

async fn beyond_its_share_a_tenant_waits_while_another_is_at_work(backend: Backend) {
    let world = World::new(backend.clone()).await;
    let (loud, quiet) = (world.tenant, tenant_row("quiet"));
    let of_operators = backend.open_with_share(SHARE);
    let store = of_operators.for_clients();
    assert!(store.create_tenant(quiet.clone()).await.unwrap());
    // Alone it is not held up, once the work of its share is past.
    let alone = async {
        let (mut before, mut in_a_row) = (0, 0);
        while in_a_row < 10 * SHARE {
            look_up(&store, loud).await;
            in_a_row = if store.held_back() == before { in_a_row + 1 } else { 0 };
            before = store.held_back();
        }
    };
    tokio::time::timeout(FOREVER, alone).await.expect("a tenant that is alone has all");

    let (held, before) = (backend.hold_changes(quiet.id.0), store.held_back());
    let change = tokio::spawn({
        let store = store.clone();
        async move { store.commit(quiet.id, create_user(new_id(), "ana")).await }
    });
    let mut clients = JoinSet::new();
    for _ in 0..SHARE {
        let store = store.clone();
        clients.spawn(async move {
            loop {
                look_up(&store, loud).await;
            }
        });
    }
    // Operators' lookups are not held back, so they tell the time.
    let beside = async {
        while store.held_back() == before {
            look_up(&of_operators, loud).await;
        }
    };
    tokio::time::timeout(WHILE_HELD, beside).await.expect("it is held back");
    clients.shutdown().await;

    let before = store.held_back();
    for _ in 0..2 * SHARE {
        look_up(&of_operators, loud).await;
    }
    assert_eq!(store.held_back(), before);
    drop(held);
    change.await.unwrap().unwrap();
}
