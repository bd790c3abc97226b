//! The change log is the feed: its rows are numbered in the order in which they become visible.

use crate::{backend::Backend, on_both_databases, world::*};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
use store::Store;
use tokio::task::JoinSet;

on_both_databases!(a_reader_of_the_feed_misses_nothing, the_feed_ends_where_the_log_does);

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
                    "SELECT position FROM change_log WHERE tenant_id = {tenant} AND position > {behind} AND is_change \
                     ORDER BY position"
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
    assert_eq!(seen, world.numbers("SELECT position FROM change_log WHERE tenant_id = $ ORDER BY position"));
}

async fn the_feed_ends_where_the_log_does(backend: Backend) {
    let world = World::new(backend).await;
    for number in 0..5 {
        world.user(&format!("user{number}")).await;
    }
    assert_eq!(world.number("SELECT count(*) FROM change_log WHERE tenant_id = $ AND is_change"), 5);
    let feed = world.number("SELECT position FROM feeds WHERE tenant_id = $");
    assert_eq!(feed, world.number("SELECT max(position) FROM change_log WHERE tenant_id = $"));
}
