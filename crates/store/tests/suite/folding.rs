//! Case is folded by Rust where a filter is read, and by the database where a document is compared.

use crate::backend::Backend;
use scim::filter::fold;

/// Letters that got their case with Unicode 16 and 17: Rust folds them, an ICU before version 78 does not know them yet.
fn is_new(letter: u32) -> bool {
    matches!(letter, 0x1c89 | 0xa7cb..=0xa7dc | 0x10d50..=0x10d65 | 0x16ea0..=0x16eb8)
}

#[test]
fn postgres_folds_every_letter_as_rust_does() {
    let backend = Backend::postgres();
    let as_text =
        |texts: &str| format!("SELECT ascii(letter)::bigint FROM ({texts}) AS all_of_them(letter, folded)");
    let folded = "lower(letter COLLATE \"und-x-icu\") COLLATE \"C\"";
    // Every letter that Rust folds, with what Rust makes of it.
    let rust: Vec<String> = ('\u{1}'..=char::MAX)
        .filter(|letter| fold(&letter.to_string()) != letter.to_string())
        .map(|letter| format!("('{letter}', '{}')", fold(&letter.to_string())))
        .collect();
    let wrong = format!("{} WHERE {folded} <> folded", as_text(&format!("VALUES {}", rust.join(","))));
    let wrong = backend.numbers(&wrong);
    assert!(wrong.iter().all(|letter| is_new(u32::try_from(*letter).unwrap())), "{wrong:x?}");
    // Every letter that PostgreSQL folds and Rust does not.
    let letters = "SELECT chr(code), '' FROM generate_series(1, 1114111) AS codes(code) WHERE code NOT BETWEEN 55296 AND 57343";
    let more = backend.numbers(&format!("{} WHERE {folded} <> letter", as_text(letters)));
    let is_unknown = |letter: &&i64| {
        let letter = char::from_u32(u32::try_from(**letter).unwrap()).unwrap().to_string();
        fold(&letter) == letter
    };
    assert_eq!(more.iter().filter(is_unknown).count(), 0, "{more:x?}");
}

#[test]
fn postgres_folds_words_as_rust_does() {
    let backend = Backend::postgres();
    let words = [
        "\u{391}\u{3a3}",
        "\u{3a3}",
        "\u{391}\u{3a3}\u{391}",
        "\u{391}\u{3a3}.",
        "\u{391}.\u{3a3}",
        "\u{391}\u{3a3}\u{300}",
        "\u{3a3}\u{3a3}",
        "a\u{3a3}1",
        "\u{1}\u{3a3}",
        "\u{24d0}\u{3a3}",
        "\u{130}I",
        "I\u{307}",
        "\u{1e9e}",
        "\u{212a}",
        "\u{13a0}",
        "D\u{17d}\u{1c4}",
        "\u{1f88}",
        "\u{10400}",
    ];
    let values: Vec<String> = words.iter().map(|word| format!("('{word}', '{}')", fold(word))).collect();
    let wrong = format!(
        "SELECT count(*) FROM (VALUES {}) AS words(word, folded) WHERE lower(word COLLATE \"und-x-icu\") COLLATE \"C\" <> folded",
        values.join(",")
    );
    assert_eq!(backend.numbers(&wrong), [0]);
}
