//! Events of a tenant are numbered in the order in which they become visible.

use crate::{backend::Backend, on_both_databases, world::*};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
use store::Store;
use tokio::task::JoinSet;

on_both_databases!(a_reader_of_the_feed_misses_nothing, every_event_has_its_change);

const WRITERS: usize = 8;
const EACH: usize = 40;

/// Eight writers over two stores, as two processes would be, and a reader that only ever asks for what lies behind the
/// last position it saw.
async fn a_reader_of_the_feed_misses_nothing(backend: Backend) {
    let world = World::new(backend).await;
    let stores: [Store; 2] = [world.store().clone(), world.backend.open_again()];
    let done = Arc::new(AtomicBool::new(false));
    let reader = {
        let (done, backend, tenant) =
            (done.clone(), world.backend.clone(), world.backend.key(world.tenant.0));
        std::thread::spawn(move || {
            let mut seen: Vec<i64> = Vec::new();
            loop {
                let last_round = done.load(Ordering::SeqCst);
                let behind = seen.last().copied().unwrap_or(0);
                seen.extend(backend.numbers(&format!(
                    "SELECT position FROM events WHERE tenant_id = {tenant} AND position > {behind} ORDER BY position"
                )));
                if last_round {
                    return seen;
                }
                std::thread::yield_now();
            }
        })
    };
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let (store, tenant) = (stores[writer % 2].clone(), world.tenant);
        writers.spawn(async move {
            for number in 0..EACH {
                store.commit(tenant, create_user(new_id(), &format!("w{writer}n{number}"))).await.unwrap();
            }
        });
    }
    writers.join_all().await;
    done.store(true, Ordering::SeqCst);
    let seen = reader.join().unwrap();
    assert!(seen.is_sorted_by(|one, next| one < next));
    assert_eq!(seen.len(), WRITERS * EACH);
    assert_eq!(seen, world.numbers("SELECT position FROM events WHERE tenant_id = $ ORDER BY position"));
}

async fn every_event_has_its_change(backend: Backend) {
    let world = World::new(backend).await;
    for number in 0..5 {
        world.user(&format!("user{number}")).await;
    }
    let joined = "SELECT count(*) FROM events AS e JOIN change_log AS c ON c.tenant_id = e.tenant_id AND \
                  c.position = e.position AND c.resource_id = e.resource_id AND c.version = e.version AND \
                  c.event = e.event WHERE e.tenant_id = $";
    assert_eq!(world.number(joined), 5);
    let feed = world.number("SELECT position FROM feeds WHERE tenant_id = $");
    assert_eq!(feed, world.number("SELECT max(position) FROM events WHERE tenant_id = $"));
}
