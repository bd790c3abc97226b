//! Every deviation from the standard has a fixture that forced it.

use scim::Profile;
use std::path::Path;

#[test]
fn every_fixture_that_a_profile_names_exists() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let source = include_str!("../../src/profile.rs");
    // In doc comments from "Fixtures:" on, possibly over the end of a line.
    let named = source.split("Fixtures: ").skip(1).flat_map(|text| {
        let names = text.split("pub(crate)").next().unwrap();
        names.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>()
    });
    let mut count = 0;
    for name in named {
        let exists = |folder| fixtures.join(folder).join(format!("{name}.json")).is_file();
        assert!(["entra", "interop"].into_iter().any(exists), "no fixture {name}");
        count += 1;
    }
    assert!(count >= 18, "{count} fixtures named");
}

#[test]
fn a_profile_is_stored_under_its_word() {
    for profile in Profile::ALL {
        assert_eq!(Profile::parse(profile.as_str()), Some(profile));
    }
    assert_eq!((Profile::parse("Entra"), Profile::default()), (None, Profile::Entra));
}
