use super::*;

const PAUSE: Duration = Duration::from_secs(8);

#[test]
fn a_pause_of_the_database_is_hardly_charged_to_a_light_job() {
    for lane in Lane::ALL.into_iter().filter(|lane| *lane != Lane::Slow) {
        let charged = extra(lane, Weight::ONE, Weight::ONE, PAUSE);
        assert!(charged <= Weight(16), "{lane:?}: {charged:?}");
    }
}

#[test]
fn a_list_without_an_index_is_charged_for_its_time() {
    let charged = extra(Lane::Slow, Weight(64), Weight::ONE, PAUSE);
    assert!(charged > Weight(70_000), "{charged:?}");
}

#[test]
fn rows_are_charged_whatever_the_time() {
    assert_eq!(extra(Lane::Writes, Weight(10), Weight(500), Duration::ZERO), Weight(490));
    assert_eq!(extra(Lane::Writes, Weight(10), Weight(3), Duration::ZERO), Weight::default());
}
