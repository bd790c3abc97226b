//! What a tenant may have in flight, and when work beyond its share begins.

use super::*;
use std::{future::poll_fn, pin::Pin, task::Poll};
use uuid::Uuid;

const AT_ONCE: (Duration, Kind) = (Duration::ZERO, Kind::Quiet);
const SPARE: (Duration, Kind) = (Duration::ZERO, Kind::Spare);

fn tenant(n: u128) -> TenantId {
    TenantId(Uuid::from_u128(n))
}

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// Ten units a second, so one each 100 ms.
fn state() -> State {
    State::new(Budget { in_flight: 512, share: 10 })
}

fn begin(state: &mut State, n: u128, now: Duration) -> (Duration, Kind) {
    let begin = state.begin(tenant(n), Weight::ONE, now);
    (begin.wait, begin.kind)
}

/// Uses up what tenant 1 has at once, at this time.
fn spend(state: &mut State, now: Duration) {
    for _ in 0..10 {
        assert_eq!(begin(state, 1, now), AT_ONCE);
    }
    (0..10).for_each(|_| state.end(tenant(1), Weight::ONE, Kind::Quiet, now));
}

/// Work of tenant 2 is in flight from 0 to this time, and longer.
fn busy(state: &mut State) -> Duration {
    assert_eq!(begin(state, 2, ms(0)), AT_ONCE);
    ms(1000)
}

#[test]
fn beyond_its_share_a_tenant_waits_for_it_while_others_are_at_work() {
    let mut state = state();
    let now = busy(&mut state);
    spend(&mut state, now);
    for n in 1..=3 {
        assert_eq!(begin(&mut state, 1, now), (ms(100 * n), Kind::Shared));
    }
    assert_eq!(begin(&mut state, 3, now), AT_ONCE, "another has its own share");
}

#[test]
fn beyond_its_share_a_tenant_does_not_wait_while_the_others_do_little() {
    let mut state = state();
    begin(&mut state, 2, ms(0));
    state.end(tenant(2), Weight::ONE, Kind::Quiet, ms(20));
    spend(&mut state, ms(20));
    assert_eq!(begin(&mut state, 1, ms(20)), SPARE);
    // What the others left has cost no share: it is there when they come.
    begin(&mut state, 2, ms(20));
    assert_eq!(begin(&mut state, 1, ms(300)).0, ms(0));
    assert_eq!(begin(&mut state, 1, ms(300)).0, ms(0));
    assert_eq!(begin(&mut state, 1, ms(300)).0, ms(20));
}

#[test]
fn loud_tenants_do_not_hold_up_each_other() {
    let mut state = state();
    spend(&mut state, ms(0));
    assert_eq!(begin(&mut state, 1, ms(0)), SPARE);
    assert_eq!(begin(&mut state, 1, ms(100)).1, Kind::Shared, "paid by its share, and still loud");
    assert_eq!(state.quiet, 0);
}

#[test]
fn a_tenant_that_was_loud_is_quiet_again_after_a_while() {
    let mut state = state();
    spend(&mut state, ms(0));
    assert_eq!(begin(&mut state, 1, ms(0)), SPARE);
    assert_eq!(begin(&mut state, 1, ms(999)).1, Kind::Shared);
    assert_eq!(begin(&mut state, 1, ms(1000)), AT_ONCE);
}

#[test]
fn a_tenant_is_not_held_up_by_its_own_work() {
    let mut state = state();
    // A long job, begun while the tenant was quiet, and nobody else is there.
    assert_eq!(begin(&mut state, 1, ms(0)), AT_ONCE);
    for _ in 0..9 {
        assert_eq!(begin(&mut state, 1, ms(1000)), AT_ONCE);
        state.end(tenant(1), Weight::ONE, Kind::Quiet, ms(1000));
    }
    assert_eq!(begin(&mut state, 1, ms(1000)), AT_ONCE);
    begin(&mut state, 1, ms(1000));
    assert_eq!(state.quiet, 0, "a loud tenant's work counts for nobody");
    assert_eq!(begin(&mut state, 1, ms(1500)).0, ms(0));
    for _ in 0..100 {
        assert_eq!(begin(&mut state, 1, ms(1500)).0, ms(0), "nobody else is there");
    }
    // The long job ends later than the tenant turned loud.
    state.end(tenant(1), Weight::ONE, Kind::Quiet, ms(1500));
    assert_eq!(state.quiet, 0);
}

#[test]
fn a_booking_that_is_given_back_takes_no_debt_with_it() {
    let mut state = state();
    let now = busy(&mut state);
    state.begin(tenant(1), Weight(1_000_000), now);
    let before = state.tenants[&tenant(1)].booked;
    for _ in 0..100 {
        let begin = state.begin(tenant(1), Weight::ONE, now);
        state.give_back(tenant(1), begin.booked);
    }
    assert_eq!(state.tenants[&tenant(1)].booked, before);
}

#[test]
fn heavy_work_begins_and_is_paid_afterwards() {
    let mut state = state();
    let now = busy(&mut state);
    assert_eq!(state.begin(tenant(1), Weight(1_000_000), now).wait, ms(0));
    let next = begin(&mut state, 1, now).0;
    assert!(next > ms(8000) && next <= DEBT, "{next:?}");
    state.owe(tenant(1), Weight(1_000_000), now);
    assert!(begin(&mut state, 1, now).0 <= DEBT, "nobody waits for longer than agreed");
}

#[test]
fn work_that_was_heavier_than_estimated_is_paid_as_well() {
    let mut state = state();
    let now = busy(&mut state);
    assert_eq!(begin(&mut state, 1, now), AT_ONCE);
    state.owe(tenant(1), Weight(20), now);
    assert_eq!(begin(&mut state, 1, now).0, ms(1200));
}

/// At default settings, while others are at work: the database paused while one ordinary request was alone in its batch.
#[test]
fn a_pause_of_the_database_makes_nobody_wait() {
    let mut state = State::new(Budget::default());
    let now = busy(&mut state);
    assert_eq!(begin(&mut state, 1, now), AT_ONCE);
    state.owe(tenant(1), Weight::ONE.by_time(ms(8000)).above(Weight::ONE), now);
    assert_eq!(begin(&mut state, 1, now), AT_ONCE);
}

#[test]
fn a_refused_client_is_told_how_long_its_work_will_take() {
    let mut state = state();
    assert_eq!(state.retry_after(tenant(1)), 52, "512 units at 10 a second");
    for n in 0..200 {
        state.end(tenant(1), Weight(5), Kind::Spare, ms(10 * n));
    }
    assert_eq!(state.retry_after(tenant(1)), 2, "500 units a second were done");
}

#[test]
fn idle_tenants_are_forgotten() {
    let mut state = state();
    for n in 0..10 * KNOWN as u128 {
        let now = ms(100 * n as u64);
        drop(state.room(tenant(n), now));
        begin(&mut state, n, now);
        state.end(tenant(n), Weight::ONE, Kind::Quiet, now);
    }
    assert!(state.tenants.len() <= KNOWN, "{}", state.tenants.len());
}

/// A share of one unit a second, and the work of a quiet tenant that keeps the database busy.
async fn busy_work() -> (Arc<Work>, InFlight) {
    let work = Arc::new(Work::new(Budget { in_flight: 4, share: 1 }));
    let quiet = work.begin(tenant(2), Weight::ONE).await.expect("room");
    assert_eq!(work.state().quiet, 1);
    work.state().busy = 1.0;
    drop(work.begin(tenant(1), Weight::ONE).await);
    (work, quiet)
}

#[tokio::test(start_paused = true)]
async fn the_share_is_waited_for_while_others_are_at_work() {
    let (work, quiet) = busy_work().await;
    let before = tokio::time::Instant::now();
    drop(work.begin(tenant(1), Weight::ONE).await);
    assert!(before.elapsed() > ms(100), "{:?}", before.elapsed());
    assert_eq!(work.held_back(), 1);
    assert!(work.state().tenants[&tenant(1)].booked >= ms(2000), "two units are paid");
    drop(quiet);
    assert_eq!(work.state().quiet, 0);
}

#[tokio::test(start_paused = true)]
async fn work_that_waits_begins_when_the_others_are_done_and_costs_no_share() {
    let (work, quiet) = busy_work().await;
    let mut waits = Box::pin(work.begin(tenant(1), Weight::ONE));
    assert!(has_to_wait(waits.as_mut()).await);
    drop(quiet);
    work.state().busy = 0.0;
    drop(waits.await);
    assert!(work.state().tenants[&tenant(1)].booked < ms(2000), "one unit is paid");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_goes_away_gives_back_its_room_and_its_share() {
    let (work, _quiet) = busy_work().await;
    let mut waits = Box::pin(work.begin(tenant(1), Weight::ONE));
    assert!(has_to_wait(waits.as_mut()).await);
    assert_eq!(work.in_flight(), 2);
    drop(waits);
    assert!(work.state().tenants[&tenant(1)].booked < ms(2000), "one unit is paid");
    assert_eq!(work.in_flight(), 1);
}

#[tokio::test(start_paused = true)]
async fn beyond_its_room_a_tenant_waits_in_order_and_another_does_not() {
    let work = Arc::new(Work::new(Budget { in_flight: 2, share: 100 }));
    let first = work.begin(tenant(1), Weight(2)).await.expect("room");
    let mut second = Box::pin(work.begin(tenant(1), Weight::ONE));
    let mut third = Box::pin(work.begin(tenant(1), Weight(2)));
    assert!(has_to_wait(second.as_mut()).await && has_to_wait(third.as_mut()).await);
    assert!(work.begin(tenant(2), Weight::ONE).await.is_ok());
    drop(first);
    let second = second.await.expect("room");
    assert!(has_to_wait(third.as_mut()).await, "there is room for one unit, and it needs two");
    drop(second);
    assert!(third.await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_waits_for_room_for_too_long_is_told_when_to_come_again() {
    let work = Arc::new(Work::new(Budget { in_flight: 2, share: 1 }));
    let _first = work.begin(tenant(1), Weight(2)).await.expect("room");
    let before = tokio::time::Instant::now();
    let refused = work.begin(tenant(1), Weight::ONE).await.err();
    assert_eq!((refused, before.elapsed() >= PATIENCE, work.refused()), (Some(TooMuch(3)), true, 1));
}

#[tokio::test(start_paused = true)]
async fn work_that_is_heavier_than_all_room_takes_all_of_it() {
    let work = Arc::new(Work::new(Budget { in_flight: 2, share: 1 }));
    let heavy = work.begin(tenant(1), Weight(1000)).await.expect("room");
    assert_eq!(work.in_flight(), 2);
    drop(heavy);
    assert_eq!(work.in_flight(), 0);
}

/// Lets a future go on as far as it can now; whether it has to wait.
async fn has_to_wait(mut future: Pin<&mut impl Future>) -> bool {
    poll_fn(|context| Poll::Ready(future.as_mut().poll(context).is_pending())).await
}
