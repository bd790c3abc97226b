//! No input makes a panic: the bodies of the fuzz targets over their seeds, over what fuzzers found, over mutations of the
//! seeds and over random text.

#[expect(unreachable_pub, reason = "this file is the library of the fuzz project")]
#[path = "../../fuzz/src/lib.rs"]
mod targets;

use base64::{Engine, prelude::BASE64_STANDARD};
use proptest::prelude::*;
use std::{fs, path::PathBuf};
use targets::TARGETS;

fn seeds_of(target: &str) -> Vec<Vec<u8>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(target);
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "{target} has no seeds");
    files.into_iter().map(|file| fs::read(file).unwrap()).collect()
}

#[test]
fn the_seeds_keep_every_promise() {
    for (name, target) in TARGETS {
        seeds_of(name).iter().for_each(|seed| target(seed));
    }
}

/// Each of these reaches something in the code that the others do not reach.
#[test]
fn what_fuzzers_found_keeps_every_promise() {
    for (name, target) in TARGETS {
        let file =
            PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fuzz/found").join(name).with_extension("txt");
        let found = fs::read_to_string(file).unwrap();
        assert!(found.lines().count() > 500, "{name}");
        found.lines().for_each(|line| target(&BASE64_STANDARD.decode(line).unwrap()));
    }
}

/// One change of some bytes.
#[derive(Clone, Debug)]
enum Mutation {
    /// Puts a text that parsers care about in place of so many bytes.
    Put(prop::sample::Index, usize, &'static str),
    /// Takes so many bytes out.
    Cut(prop::sample::Index, usize),
    /// Repeats what stands between two places.
    Repeat(prop::sample::Index, prop::sample::Index),
}

const TOKENS: [&str; 44] = [
    "\"",
    "\\",
    "\\u0000",
    "\\ud800",
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    ":",
    ",",
    ".",
    " ",
    "%",
    "%00",
    "%zz",
    "+",
    "&",
    "=",
    "null",
    "true",
    "\"False\"",
    "[]",
    "{}",
    "\"\"",
    "0",
    "-1",
    "1e400",
    "99999999999999999999",
    "é",
    "\u{0}",
    "\u{feff}",
    " and ",
    " or ",
    " not (",
    " eq ",
    " pr",
    "[type eq \"work\"]",
    "$ref",
    "urn:a:b:",
    "bulkId:",
    "members",
    "Remove",
];

impl Mutation {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Mutation::Put(at, length, token) => {
                let start = at.index(bytes.len() + 1);
                let end = (start + length).min(bytes.len());
                bytes.splice(start..end, token.bytes());
            }
            Mutation::Cut(at, length) => {
                let start = at.index(bytes.len() + 1);
                let end = (start + length).min(bytes.len());
                bytes.drain(start..end);
            }
            Mutation::Repeat(from, to) => {
                let (from, to) = (from.index(bytes.len() + 1), to.index(bytes.len() + 1));
                let part = bytes[from.min(to)..from.max(to)].to_vec();
                bytes.splice(to..to, part);
            }
        }
    }
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let index = any::<prop::sample::Index>;
    prop_oneof![
        4 => (index(), 0..3usize, prop::sample::select(TOKENS.to_vec())).prop_map(|(at, length, token)| Mutation::Put(at, length, token)),
        2 => (index(), 1..9usize).prop_map(|(at, length)| Mutation::Cut(at, length)),
        1 => (index(), index()).prop_map(|(from, to)| Mutation::Repeat(from, to)),
    ]
}

proptest! {
    #[test]
    fn mutated_seeds_keep_every_promise(
        which in any::<prop::sample::Index>(),
        mutations in prop::collection::vec(mutation(), 1..6),
    ) {
        for (name, target) in TARGETS {
            let seeds = seeds_of(name);
            let mut bytes = which.get(&seeds).clone();
            mutations.iter().for_each(|mutation| mutation.apply(&mut bytes));
            target(&bytes);
        }
    }

    #[test]
    fn random_text_keeps_every_promise(text in any::<String>(), bytes in any::<Vec<u8>>()) {
        for (_, target) in TARGETS {
            target(text.as_bytes());
            target(&bytes);
        }
    }

    #[test]
    fn text_of_the_languages_letters_keeps_every_promise(
        words in prop::collection::vec(prop::sample::select(TOKENS.to_vec()), 0..24),
    ) {
        for (_, target) in TARGETS {
            target(words.concat().as_bytes());
            target(words.join(" ").as_bytes());
        }
    }
}
