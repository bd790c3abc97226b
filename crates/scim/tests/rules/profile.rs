//! Every deviation from the standard has a fixture that forced it.

use scim::Profile;
use std::{collections::BTreeSet, fs, path::Path};

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

/// The names of all fixtures.
fn fixtures() -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let folders = Profile::ALL.iter().map(|profile| root.join(profile.as_str()));
    let files = folders.flat_map(|folder| fs::read_dir(folder).unwrap());
    let stem = |path: &Path| path.file_stem().unwrap().to_string_lossy().into_owned();
    files.map(|file| stem(&file.unwrap().path())).collect()
}

/// Whether a fixture has this name, in which each `*` stands for any text.
fn is_named(fixture: &str, pattern: &str) -> bool {
    match pattern.split_once('*') {
        None => fixture == pattern,
        Some((before, rest)) => fixture.strip_prefix(before).is_some_and(|left| {
            (0..=left.len()).any(|at| left.is_char_boundary(at) && is_named(&left[at..], rest))
        }),
    }
}

/// The last column of the tables of `docs/CONFORMANCE.md` proves each row.
#[test]
fn what_the_document_on_conformance_cites_exists() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let document = fs::read_to_string(crates.join("../docs/CONFORMANCE.md")).unwrap();
    let (_, tables) = document.split_once("## RFC 7643").unwrap();
    let fixtures = fixtures();
    let mut count = 0;
    for row in tables.lines().filter(|line| line.starts_with("| ") && line.contains('`')) {
        let proof = row.trim_end_matches(" |").rsplit(" | ").next().unwrap();
        let cited: Vec<&str> = proof.split('`').skip(1).step_by(2).collect();
        assert!(!cited.is_empty(), "nothing proves {row}");
        for name in cited.into_iter().filter(|name| *name != "entra") {
            let exists = match name.contains('/') {
                true => crates.join(name).exists(),
                false => fixtures.iter().any(|fixture| is_named(fixture, name)),
            };
            assert!(exists, "{name} does not exist: {row}");
            count += 1;
        }
    }
    assert!(count >= 40, "{count} proofs");
}
