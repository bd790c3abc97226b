//! The order in which jobs are taken.

use super::*;
use crate::data::model::TenantId;
use std::net::{IpAddr, Ipv4Addr};
use uuid::Uuid;

fn tenant(n: u128) -> Line {
    Line::Tenant(TenantId(Uuid::from_u128(n)))
}

/// Any number of jobs up to this weight.
fn portion(weight: u32) -> Portion {
    Portion { jobs: usize::MAX, weight: Weight(weight) }
}

fn most(jobs: usize) -> Portion {
    Portion { jobs, weight: Weight(u32::MAX) }
}

fn jobs(taken: Vec<Taken<u32>>) -> Vec<u32> {
    taken.into_iter().map(|taken| taken.job).collect()
}

fn queue(pushed: &[(u128, u32, u32)]) -> FairQueue<u32> {
    let queue = FairQueue::new(usize::MAX);
    for (line, weight, job) in pushed {
        queue.push(tenant(*line), Weight(*weight), *job).expect("a place");
    }
    queue
}

#[test]
fn lines_take_turns() {
    let queue = queue(&[(1, 1, 10), (1, 1, 11), (1, 1, 12), (2, 1, 20), (3, 1, 30)]);
    assert_eq!(jobs(queue.take(Which::All, most(4))), [10, 20, 30, 11]);
    assert_eq!(jobs(queue.take(Which::All, most(9))), [12]);
}

#[test]
fn turns_are_of_work_and_not_of_jobs() {
    let light: Vec<(u128, u32, u32)> = (0..6).map(|n| (2, 10, 20 + n)).collect();
    let queue = queue(&[&[(1, 30, 10), (1, 30, 11)], light.as_slice()].concat());
    // For one job of 30 units three of 10.
    assert_eq!(jobs(queue.take(Which::All, most(4))), [20, 21, 10, 22]);
    assert_eq!(jobs(queue.take(Which::All, most(9))), [23, 24, 11, 25]);
}

#[test]
fn a_batch_is_bounded_by_weight_and_a_heavy_job_is_taken_alone() {
    let queue = queue(&[(1, 60, 10), (2, 60, 20), (3, 60, 30), (4, ALONE.0 + 1, 40)]);
    assert_eq!(jobs(queue.take(Which::All, portion(130))), [10, 20]);
    assert_eq!(jobs(queue.take(Which::All, portion(1000))), [30]);
    assert_eq!(jobs(queue.take(Which::All, portion(1))), [40]);
}

#[test]
fn a_heavy_job_is_late_but_not_for_ever() {
    let queue = queue(&[(1, 1_000_000, 10)]);
    for job in 100..4 * LATE {
        queue.push(tenant(2), Weight::ONE, job).expect("a place");
    }
    let mut passed = 0;
    while jobs(queue.take(Which::All, portion(1))) != [10] {
        passed += 1;
    }
    assert!(passed <= LATE && passed > LATE / 2, "{passed} light jobs have passed it");
}

#[test]
fn a_line_pays_for_a_heavy_job_afterwards_and_no_longer_than_agreed() {
    let queue = queue(&[(1, 1_000_000, 10)]);
    assert_eq!(jobs(queue.take(Which::All, portion(1))), [10]);
    queue.done([(tenant(1), Weight(1_000_000))]);
    queue.push(tenant(1), Weight::ONE, 11).expect("a place");
    for job in 0..2 * DEBT as u32 {
        queue.push(tenant(2), Weight::ONE, 100 + job).expect("a place");
    }
    let taken = jobs(queue.take(Which::All, most(usize::MAX)));
    let place = taken.iter().position(|job| *job == 11).expect("it is taken");
    assert!((LATE as usize..=DEBT as usize + 1).contains(&place), "after {place} others");
}

#[test]
fn an_idle_line_has_saved_nothing_and_owes_nothing() {
    let queue = queue(&[(1, 1, 0)]);
    for job in 0..100 {
        queue.push(tenant(2), Weight::ONE, job).expect("a place");
    }
    drop(queue.take(Which::All, most(usize::MAX)));
    for job in [20, 21, 22] {
        queue.push(tenant(2), Weight::ONE, job).expect("a place");
    }
    for job in [30, 31, 32] {
        queue.push(tenant(3), Weight::ONE, job).expect("a place");
    }
    let taken = jobs(queue.take(Which::All, most(4)));
    assert_eq!(taken.iter().filter(|job| **job >= 30).count(), 2, "{taken:?}");
}

#[test]
fn a_heavy_job_is_for_those_who_take_heavy_ones_and_its_line_waits_for_it() {
    let heavy = ALONE.0 + 1;
    let queue = queue(&[(1, 1, 10), (1, heavy, 11), (1, 1, 12), (2, 1, 20)]);
    assert_eq!(jobs(queue.take(Which::Light, portion(1000))), [10, 20]);
    queue.push(tenant(2), Weight::ONE, 21).expect("a place");
    assert_eq!(jobs(queue.take(Which::Light, portion(1000))), [21], "what is before it is not done");
    queue.done([(tenant(1), Weight::default())]);
    assert_eq!(jobs(queue.take(Which::Heavy, portion(1000))), [11]);
    queue.push(tenant(2), Weight::ONE, 22).expect("a place");
    assert_eq!(jobs(queue.take(Which::Light, portion(1000))), [22], "its line waits");
    queue.done([(tenant(1), Weight::default())]);
    assert_eq!(jobs(queue.take(Which::Light, portion(1000))), [12]);
}

#[test]
fn no_line_has_more_than_its_part_running() {
    let queue = FairQueue::new(1);
    for job in [10, 11, 12] {
        queue.push(tenant(1), Weight::ONE, job).expect("a place");
    }
    queue.push(tenant(2), Weight::ONE, 20).expect("a place");
    assert_eq!(jobs(queue.take(Which::All, most(9))), [10, 20]);
    queue.done([(tenant(1), Weight::default())]);
    assert_eq!(jobs(queue.take(Which::All, most(9))), [11]);
}

#[test]
fn strangers_of_one_network_are_bounded_and_keep_nobody_out() {
    let queue = FairQueue::new(1);
    let stranger =
        |n| Line::Unverified(super::super::line::Network::of(IpAddr::V4(Ipv4Addr::new(192, 0, 2, n))));
    for job in 0..STRANGERS as u32 {
        assert_eq!(queue.push(stranger(1), Weight::ONE, job), Ok(()));
    }
    assert_eq!(queue.push(stranger(1), Weight::ONE, 0), Err(Rejected::Full));
    assert_eq!(queue.push(stranger(2), Weight::ONE, 1000), Ok(()));
    for line in [tenant(0), Line::Process, Line::Operators] {
        assert_eq!(queue.push(line, Weight::ONE, 1001), Ok(()));
    }
    assert_eq!(jobs(queue.take(Which::All, most(5))), [0, 1000, 1001, 1001, 1001]);
}

#[test]
fn a_closed_queue_is_drained_and_then_empty() {
    let queue = FairQueue::new(1);
    for job in [1, 2] {
        queue.push(tenant(1), Weight::ONE, job).expect("a place");
    }
    queue.close();
    assert_eq!(queue.push(tenant(1), Weight::ONE, 3), Err(Rejected::Closed));
    for job in [1, 2] {
        assert_eq!(jobs(queue.take(Which::All, most(9))), [job]);
        queue.done([(tenant(1), Weight::default())]);
    }
    assert!(queue.take(Which::All, most(9)).is_empty());
}

#[test]
fn lines_without_a_job_are_forgotten() {
    let queue = FairQueue::new(usize::MAX);
    for n in 0..10 * KNOWN as u128 {
        queue.push(tenant(n), Weight::ONE, 0).expect("a place");
        queue.take(Which::All, most(1));
        queue.done([(tenant(n), Weight::default())]);
    }
    assert!(queue.state().lines.len() <= KNOWN);
}

/// A thread that is not woken in time would leave a job behind, and this test would never end.
#[test]
fn every_job_is_taken_by_threads_that_sleep_in_between() {
    const JOBS: u32 = 2000;
    let queue = FairQueue::new(usize::MAX);
    let taken = std::thread::scope(|scope| {
        let takers: Vec<_> = [Which::Light, Which::Light, Which::Heavy]
            .into_iter()
            .map(|which| {
                let queue = &queue;
                scope.spawn(move || {
                    let mut count = 0;
                    loop {
                        let taken = queue.take(which, most(3));
                        if taken.is_empty() {
                            return count;
                        }
                        count += taken.len();
                        queue.done(taken.into_iter().map(|taken| (taken.line, Weight::default())));
                    }
                })
            })
            .collect();
        let pushers: Vec<_> = (0..3)
            .map(|line| {
                let queue = &queue;
                scope.spawn(move || {
                    for job in 0..JOBS {
                        let weight = if job % 7 == 0 { Weight(ALONE.0 + 1) } else { Weight::ONE };
                        queue.push(tenant(line), weight, job).expect("a place");
                        std::thread::yield_now();
                    }
                })
            })
            .collect();
        pushers.into_iter().for_each(|pusher| pusher.join().expect("a pusher"));
        queue.close();
        takers.into_iter().map(|taker| taker.join().expect("a taker")).sum::<usize>()
    });
    assert_eq!(taken, 3 * JOBS as usize);
}
