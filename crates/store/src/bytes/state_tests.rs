use super::*;
use crate::data::model::TenantId;
use uuid::Uuid;

const MB: usize = 1024 * 1024;

fn tenant(n: u128) -> Holder {
    Holder::Tenant(TenantId(Uuid::from_u128(n)))
}
fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}
/// 4 MB for each holder, 8 MB beyond the floors in all.
fn state() -> State<&'static str> {
    State::new(Limits { per_holder: 4 * MB, total: 8 * MB })
}
fn names(served: Vec<Served<&'static str>>) -> Vec<&'static str> {
    served.into_iter().map(|served| served.wake).collect()
}
/// Takes bytes or lines up for them; whether they were taken.
fn ask(state: &mut State<&'static str>, holder: Holder, bytes: usize, name: &'static str) -> bool {
    state.take(holder, bytes) || {
        state.line_up(holder, bytes, name).expect("a place in the line");
        false
    }
}

#[test]
fn requests_of_a_holder_are_served_in_order_as_bytes_come_back() {
    let mut state = state();
    assert!(ask(&mut state, tenant(1), 3 * MB, "first"));
    assert!(!ask(&mut state, tenant(1), 2 * MB, "second"));
    // It would fit, and has to wait behind the other all the same.
    assert!(!ask(&mut state, tenant(1), MB, "third"));
    assert_eq!(names(state.give_back(tenant(1), MB, ms(0))), ["second"]);
    assert_eq!(names(state.give_back(tenant(1), 2 * MB, ms(0))), ["third"]);
    assert_eq!(state.held(), 3 * MB);
}

#[test]
fn one_holder_at_its_limit_does_not_hold_up_another() {
    let mut state = state();
    assert!(ask(&mut state, tenant(1), 4 * MB, "all"));
    assert!(!ask(&mut state, tenant(1), 4 * MB, "again"));
    assert!(ask(&mut state, tenant(2), 4 * MB, "neighbour"));
    assert!(ask(&mut state, Holder::Operators, 1000, "operator"));
}

#[test]
fn what_exceeds_the_budget_of_its_holder_is_served_alone() {
    let mut state = state();
    let huge = state.charge(usize::MAX);
    assert_eq!(huge, 4 * MB);
    assert!(ask(&mut state, tenant(1), 1, "small"));
    assert!(!ask(&mut state, tenant(1), huge, "huge"));
    assert_eq!(names(state.give_back(tenant(1), 1, ms(0))), ["huge"]);
}

/// Two holders beyond their floors use up the budget of all.
fn exhausted() -> State<&'static str> {
    let mut state = state();
    for n in [1, 2, 3] {
        let rest = 8 * MB - state.beyond;
        assert!(ask(&mut state, tenant(n), (4 * MB).min(rest + FLOOR), "loud"));
    }
    assert_eq!(state.beyond, 8 * MB);
    state
}

#[test]
fn what_is_within_the_floor_never_waits_for_others() {
    let mut state = exhausted();
    for n in 10..1000 {
        assert!(ask(&mut state, tenant(n), FLOOR / 2, "little"));
        assert!(ask(&mut state, tenant(n), FLOOR / 2, "little"));
    }
    // Nor do floors that are used take anything from the others.
    assert_eq!(state.beyond, 8 * MB);
    assert!(!ask(&mut state, tenant(10), FLOOR, "more"));
    assert_eq!(names(state.give_back(tenant(10), FLOOR, ms(0))), ["more"]);
}

#[test]
fn holders_take_turns_at_the_budget_of_all_and_a_large_request_is_not_overtaken() {
    let mut state = exhausted();
    assert!(!ask(&mut state, tenant(4), 4 * MB, "4 large"));
    for _ in 0..3 {
        assert!(!ask(&mut state, tenant(5), MB, "5 small"));
    }
    assert!(!ask(&mut state, tenant(6), MB, "6 small"));
    // Room for the small ones, which came later.
    assert!(state.give_back(tenant(1), 2 * MB, ms(0)).is_empty());
    assert_eq!(names(state.give_back(tenant(1), 2 * MB, ms(0))), ["4 large"]);
    assert_eq!(names(state.give_back(tenant(2), 3 * MB, ms(0))), ["5 small", "6 small", "5 small"]);
    assert_eq!(names(state.give_back(tenant(4), 4 * MB, ms(0))), ["5 small"]);
}

#[test]
fn a_holder_that_waits_for_itself_does_not_block_the_turns() {
    let mut state = exhausted();
    assert!(!ask(&mut state, tenant(4), MB, "4"));
    assert!(!ask(&mut state, tenant(1), 4 * MB, "1 again"));
    assert!(!ask(&mut state, tenant(5), MB, "5"));
    state.owe(tenant(4), 4 * MB);
    // Tenant 4 owes its whole budget by now: it takes its turn later.
    assert_eq!(names(state.give_back(tenant(2), 4 * MB, ms(0))), Vec::<&str>::new());
    assert_eq!(names(state.give_back(tenant(3), FLOOR, ms(0))), Vec::<&str>::new());
    assert_eq!(names(state.give_back(tenant(1), MB, ms(0))), ["5"]);
}

#[test]
fn who_leaves_the_line_makes_room() {
    let mut state = state();
    assert!(ask(&mut state, tenant(1), 3 * MB, "held"));
    let ticket = state.line_up(tenant(1), 2 * MB, "gone").expect("a place");
    assert!(!ask(&mut state, tenant(1), MB, "behind"));
    assert_eq!(names(state.leave(tenant(1), ticket)), ["behind"]);
    assert!(state.leave(tenant(1), ticket).is_empty());
}

#[test]
fn what_is_owed_is_waited_for() {
    let mut state = state();
    assert!(ask(&mut state, tenant(1), MB, "first"));
    state.owe(tenant(1), 9 * MB);
    assert_eq!(state.held(), 10 * MB);
    assert!(!ask(&mut state, tenant(1), MB, "second"));
    assert!(state.give_back(tenant(1), 6 * MB, ms(0)).is_empty());
    assert_eq!(names(state.give_back(tenant(1), MB, ms(0))), ["second"]);
}

#[test]
fn the_line_is_bounded_and_a_refusal_says_when_to_come_again() {
    let mut state = state();
    assert!(ask(&mut state, tenant(1), 4 * MB, "held"));
    for _ in 0..WAITING {
        assert!(!ask(&mut state, tenant(1), MB / 64, "waits"));
    }
    assert_eq!(state.line_up(tenant(1), MB, "one more"), None);
    // Nothing has come back yet.
    assert_eq!(state.retry_after(tenant(1), MB, ms(0)), RETRY.1);
    // 2 MB came back at once, which is 0.4 MB a second over the time that counts: some 4 MB wait, 1 MB is wanted.
    let served = state.give_back(tenant(1), 2 * MB, ms(0));
    assert_eq!(served.len(), 128);
    assert_eq!(state.retry_after(tenant(1), MB, ms(0)), Duration::from_secs(8));
    assert!(state.retry_after(tenant(1), MB, ms(5000)) > Duration::from_secs(16));
    assert_eq!(state.retry_after(tenant(2), MB, ms(0)), RETRY.0);
}

#[test]
fn the_largest_resource_is_remembered_and_fades() {
    let mut state = state();
    assert_eq!(state.largest_resource(tenant(1)), 0);
    state.note_resource(tenant(1), 160);
    state.note_resource(tenant(1), 100);
    assert_eq!(state.largest_resource(tenant(1)), 150);
    (0..40).for_each(|_| state.note_resource(tenant(1), 100));
    assert_eq!(state.largest_resource(tenant(1)), 100);
}

#[test]
fn idle_holders_are_forgotten() {
    let mut state = state();
    for n in 0..10 * KNOWN as u128 {
        assert!(ask(&mut state, tenant(n), 1000, "now and then"));
        state.give_back(tenant(n), 1000, ms(0));
    }
    assert!(state.holders.len() <= KNOWN, "{}", state.holders.len());
    assert_eq!((state.held(), state.beyond), (0, 0));
}
