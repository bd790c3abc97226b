//! The form in which texts are compared: in lower case, and `userName` by the rules of PRECIS.

use crate::resource::MAX_KEY;
use unicode_normalization::UnicodeNormalization;

/// The version of [`user_name_key`]. It must rise with each change of what that function returns for some text: keys are
/// stored, and the gateway makes keys of a lower version anew (`docs/adr/0034`). The migration that comes with a new
/// version sets `feeds.user_names_keyed_to` to NULL. Version 1 was lower case alone.
pub const USER_NAME_KEY_VERSION: i16 = 2;

/// Longest key, in bytes: as many as the longest `userName` can have. It must fit into an index.
const MAX_KEY_BYTES: usize = 4 * MAX_KEY;

/// A text in Unicode lower case: the form in which attributes with `caseExact` false are compared, except `userName`.
pub fn fold(text: &str) -> String {
    text.to_lowercase()
}

/// The form in which `userName` is compared: the profile UsernameCaseMapped of RFC 7613 section 3.2 (now RFC 8265 section
/// 3.3), as RFC 7644 section 5 asks. Fullwidth and halfwidth characters become ordinary ones, letters lower case, and
/// sequences NFC. Two users of a tenant cannot have the same key.
///
/// It only compares and never refuses: a text that the profile does not allow, such as one with a space, has a key too.
/// A text whose key would have more than 1,600 bytes is compared in lower case alone.
///
/// `user_name_key(fold(text))` is `user_name_key(text)`, and a key is its own key. So keys of version 1, and keys
/// themselves, tell what the key of this version is, without the document. For that, lower case comes before width.
pub fn user_name_key(text: &str) -> String {
    let lower = fold(text);
    if lower.is_ascii() {
        return lower;
    }
    let key: String = lower.chars().map(ordinary_width).nfc().collect();
    if key.len() > MAX_KEY_BYTES { lower } else { key }
}

/// The mappings `<wide>` and `<narrow>` of UnicodeData.txt.
fn ordinary_width(letter: char) -> char {
    let from = |first: char, of: char| {
        let code = u32::from(letter) - u32::from(first) + u32::from(of);
        // All of them are characters.
        char::from_u32(code).unwrap_or(letter)
    };
    match letter {
        '\u{3000}' => ' ',
        '\u{ff01}'..='\u{ff5e}' => from('\u{ff01}', '!'),
        '\u{ff5f}'..='\u{ff60}' => from('\u{ff5f}', '\u{2985}'),
        '\u{ff61}'..='\u{ff9f}' => {
            let place = (u32::from(letter) - 0xff61) as usize;
            KATAKANA.get(place).copied().unwrap_or(letter)
        }
        '\u{ffa0}' => '\u{3164}',
        '\u{ffa1}'..='\u{ffbe}' => from('\u{ffa1}', '\u{3131}'),
        '\u{ffc2}'..='\u{ffc7}' => from('\u{ffc2}', '\u{314f}'),
        '\u{ffca}'..='\u{ffcf}' => from('\u{ffca}', '\u{3155}'),
        '\u{ffd2}'..='\u{ffd7}' => from('\u{ffd2}', '\u{315b}'),
        '\u{ffda}'..='\u{ffdc}' => from('\u{ffda}', '\u{3161}'),
        '\u{ffe0}'..='\u{ffe1}' => from('\u{ffe0}', '\u{a2}'),
        '\u{ffe2}' => '\u{ac}',
        '\u{ffe3}' => '\u{af}',
        '\u{ffe4}' => '\u{a6}',
        '\u{ffe5}' => '\u{a5}',
        '\u{ffe6}' => '\u{20a9}',
        '\u{ffe8}' => '\u{2502}',
        '\u{ffe9}'..='\u{ffec}' => from('\u{ffe9}', '\u{2190}'),
        '\u{ffed}' => '\u{25a0}',
        '\u{ffee}' => '\u{25cb}',
        ordinary => ordinary,
    }
}

/// What U+FF61 to U+FF9F are in ordinary width. The last two are combining sound marks.
const KATAKANA: [char; 63] = [
    '。', '「', '」', '、', '・', 'ヲ', 'ァ', 'ィ', 'ゥ', 'ェ', 'ォ', 'ャ', 'ュ', 'ョ', 'ッ', 'ー', 'ア',
    'イ', 'ウ', 'エ', 'オ', 'カ', 'キ', 'ク', 'ケ', 'コ', 'サ', 'シ', 'ス', 'セ', 'ソ', 'タ', 'チ', 'ツ',
    'テ', 'ト', 'ナ', 'ニ', 'ヌ', 'ネ', 'ノ', 'ハ', 'ヒ', 'フ', 'ヘ', 'ホ', 'マ', 'ミ', 'ム', 'メ', 'モ',
    'ヤ', 'ユ', 'ヨ', 'ラ', 'リ', 'ル', 'レ', 'ロ', 'ワ', 'ン', '\u{3099}', '\u{309a}',
];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use sha2::{Digest, Sha256};

    fn letters() -> impl Iterator<Item = char> {
        '\u{0}'..=char::MAX
    }

    /// The blocks with letters that have case, marks, width or another form.
    fn letters_with_forms() -> impl Iterator<Item = char> {
        ('\u{0}'..='\u{33ff}')
            .chain('\u{a000}'..='\u{abff}')
            .chain('\u{f900}'..='\u{11fff}')
            .chain('\u{16000}'..='\u{16fff}')
            .chain('\u{1d000}'..='\u{1f2ff}')
            .chain('\u{2f800}'..='\u{2fa1f}')
    }

    /// The order of RFC 8265 section 3.3: width, case, NFC.
    fn in_the_order_of_the_profile(text: &str) -> String {
        let ordinary: String = text.chars().map(ordinary_width).collect();
        ordinary.to_lowercase().nfc().collect()
    }

    fn check(text: &str) -> Result<(), TestCaseError> {
        let key = user_name_key(text);
        prop_assert_eq!(&user_name_key(&key), &key, "a key is its own key: {:?}", text);
        prop_assert_eq!(&fold(&key), &key, "a key is lower case: {:?}", text);
        prop_assert_eq!(&user_name_key(&fold(text)), &key, "the lower case tells it: {:?}", text);
        for equal in [text.nfc().collect::<String>(), text.nfd().collect()] {
            prop_assert_eq!(&user_name_key(&equal), &key, "{:?} is {:?}", equal, text);
        }
        Ok(())
    }

    #[test]
    fn equal_names_have_one_key() {
        for (names, key) in [
            (
                &["jos\u{e9}@example.com", "jose\u{301}@example.com", "JOSE\u{301}@Example.com"][..],
                "jos\u{e9}@example.com",
            ),
            (&["Ａｎａ＠ｃｏｎｔｏｓｏ．ｃｏｍ", "ana@contoso.com", "ANA@CONTOSO.COM"], "ana@contoso.com"),
            (&["ﾊﾞｯｸ", "バック", "ハ\u{3099}ック"], "バック"),
            (&["\u{212b}sa", "\u{c5}sa", "A\u{30a}sa", "\u{e5}sa"], "\u{e5}sa"),
            (&["a\u{3000}b", "a b"], "a b"),
            (&["\u{1e9e}", "\u{df}"], "\u{df}"),
            // Marks in another order.
            (&["a\u{323}\u{307}", "a\u{307}\u{323}"], "\u{1ea1}\u{307}"),
        ] {
            for name in names {
                assert_eq!(user_name_key(name), key, "{name}");
            }
        }
        // Compatibility forms other than width are other names, as are other letters that look alike.
        for (one, other) in
            [("\u{fb01}n", "fin"), ("x\u{b2}", "x2"), ("\u{430}na", "ana"), ("stra\u{df}e", "strasse")]
        {
            assert_ne!(user_name_key(one), user_name_key(other));
        }
    }

    #[test]
    fn width_is_mapped_as_unicode_says() {
        let ordinary = |text: String| text.nfkd().collect::<String>();
        for letter in letters() {
            let mapped = ordinary_width(letter);
            assert_eq!(ordinary(mapped.into()), ordinary(letter.into()), "{letter:?}");
            let is_in_block = matches!(letter, '\u{3000}' | '\u{ff00}'..='\u{ffef}');
            let has_form = ordinary(letter.into()) != letter.to_string();
            assert_eq!(mapped != letter, is_in_block && has_form, "{letter:?}");
        }
    }

    #[test]
    fn the_key_of_each_letter_is_stable() {
        for letter in letters_with_forms() {
            // With neighbours: case and composition depend on them.
            for text in [letter.to_string(), format!("A{letter}\u{301}"), format!("A\u{3a3}{letter}A")] {
                check(&text).unwrap();
            }
        }
    }

    #[test]
    fn the_order_of_the_profile_gives_the_same_keys() {
        for letter in letters_with_forms() {
            for text in
                [format!("A{letter}\u{3a3}"), format!("A\u{3a3}{letter}A"), format!("A\u{3a3}{letter}")]
            {
                assert_eq!(user_name_key(&text), in_the_order_of_the_profile(&text), "{text:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn the_key_of_each_text_is_stable(
            text in "[a-dA-D\u{c0}-\u{17f}\u{300}-\u{345}\u{391}-\u{3c9}\u{1f80}-\u{1fff}\u{3041}-\u{30ff}\u{1100}-\u{11ff}\u{ff00}-\u{ffef}]{0,12}",
            any in any::<String>(),
        ) {
            check(&text)?;
            check(&any)?;
            prop_assert_eq!(user_name_key(&text), in_the_order_of_the_profile(&text));
        }
    }

    #[test]
    fn a_key_fits_into_an_index() {
        // The letter whose NFC is the longest: 12 bytes.
        let longest = "\u{1d160}".repeat(MAX_KEY);
        assert_eq!(user_name_key(&longest), longest);
        assert_eq!(user_name_key(&"\u{1d160}".repeat(100)).len(), 1200);
        for letter in letters_with_forms() {
            assert!(fold(&letter.to_string()).len() <= 4, "{letter:?}");
        }
    }

    /// If a new compiler or library changes the key of some letter, this fails: raise [`USER_NAME_KEY_VERSION`], so that
    /// stored keys are made anew, and write the new digest here.
    #[test]
    fn the_version_rises_with_each_change_of_a_key() {
        let mut digest = Sha256::new();
        for letter in letters() {
            digest.update(user_name_key(&letter.to_string()));
            digest.update([0]);
        }
        let digest: String = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(
            (USER_NAME_KEY_VERSION, digest.as_str()),
            (2, "d418fce872864f74ae2d6cc8598d0c9b0f06d7d7d193a1907c19be2cc77fdde8")
        );
    }
}
