//! Functions on texts.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fancy_regex::Regex;
use rand::RngExt as _;
use serde_json::Value;
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use super::evaluate::{Call, Outcome};
use super::{is_empty, text_of};

/// A function of one text; null stays null.
fn on_text(call: &Call<'_>, change: impl Fn(&str) -> String) -> Outcome {
    Ok(call.text(0).map_or(Value::Null, |text| Value::from(change(&text))))
}

pub(super) fn append(call: &Call<'_>) -> Outcome {
    let suffix = text_of(call.value(1));
    on_text(call, |text| format!("{text}{suffix}"))
}

pub(super) fn to_text(call: &Call<'_>) -> Outcome {
    on_text(call, str::to_owned)
}

/// Base64 of UTF-16, low byte first.
pub(super) fn to_base64(call: &Call<'_>) -> Outcome {
    on_text(call, |text| STANDARD.encode(text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>()))
}

pub(super) fn to_hex(call: &Call<'_>) -> Outcome {
    on_text(call, |text| {
        text.bytes().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02X}");
            hex
        })
    })
}

pub(super) fn guid(call: &Call<'_>) -> Outcome {
    let bytes: [u8; 16] = call.scope.random.borrow_mut().random();
    Ok(Value::from(uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()))
}

/// Counted from 1; 0 if there is none.
pub(super) fn position(call: &Call<'_>) -> Outcome {
    let ignore_case = call.text(3).is_some_and(|compare| compare == "vbTextCompare");
    let fold = |text: String| if ignore_case { text.to_lowercase() } else { text };
    let (searched, found) = (fold(text_of(call.value(0))), fold(text_of(call.value(1))));
    let start = if call.value(2).is_null() { 1 } else { call.number(2)? };
    let skip = usize::try_from(start - 1).map_err(|_| call.wrong("positions are counted from 1"))?;
    let characters: Vec<char> = searched.chars().collect();
    let wanted: Vec<char> = found.chars().collect();
    let hit = (skip..characters.len()).find(|at| characters[*at..].starts_with(&wanted));
    Ok(Value::from(hit.map_or(0, |at| at + 1)))
}

pub(super) fn left(call: &Call<'_>) -> Outcome {
    let text = text_of(call.value(0));
    let kept = match usize::try_from(call.number(1)?) {
        Ok(count) => text.chars().take(count).collect(),
        Err(_) => text,
    };
    Ok(Value::from(kept))
}

pub(super) fn mid(call: &Call<'_>) -> Outcome {
    let skip =
        usize::try_from(call.number(1)? - 1).map_err(|_| call.wrong("positions are counted from 1"))?;
    let length = usize::try_from(call.number(2)?).map_err(|_| call.wrong("the length is negative"))?;
    on_text(call, |text| text.chars().skip(skip).take(length).collect())
}

/// Letters that do not fall apart into a base letter and marks.
const UNDIVIDED: &[(char, &str)] = &[
    ('æ', "ae"),
    ('Æ', "AE"),
    ('œ', "oe"),
    ('Œ', "OE"),
    ('ø', "oe"),
    ('Ø', "OE"),
    ('ł', "l"),
    ('Ł', "L"),
    ('ß', "ss"),
    ('ı', "i"),
    ('đ', "d"),
    ('Đ', "D"),
];

pub(super) fn normalize_diacritics(call: &Call<'_>) -> Outcome {
    on_text(call, |text| {
        let mut plain = String::new();
        for letter in text.nfd().filter(|letter| !is_combining_mark(*letter)) {
            match UNDIVIDED.iter().find(|(marked, _)| *marked == letter) {
                Some((_, base)) => plain.push_str(base),
                None => plain.push(letter),
            }
        }
        plain
    })
}

pub(super) fn proper_case(call: &Call<'_>) -> Outcome {
    let separators = call.text(1);
    let parts = |letter: char| match &separators {
        Some(given) => given.contains(letter),
        None => !letter.is_alphanumeric() && letter != '\'',
    };
    on_text(call, |text| {
        let mut begins = true;
        let mut proper = String::new();
        for letter in text.chars() {
            if begins {
                proper.extend(letter.to_uppercase());
            } else {
                proper.extend(letter.to_lowercase());
            }
            begins = parts(letter);
        }
        proper
    })
}

pub(super) fn random(call: &Call<'_>) -> Outcome {
    const SPECIAL: &str = "~!@#$%^&*_-+=`|\\(){}[]:;\"'<>,.?/";
    let avoided = call.text(5).unwrap_or_default();
    let allowed = |set: &str| set.chars().filter(|c| !avoided.contains(*c)).collect::<Vec<char>>();
    let sets = [
        allowed("0123456789"),
        allowed(SPECIAL),
        allowed("ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
        allowed("abcdefghijklmnopqrstuvwxyz"),
    ];
    let length = usize::try_from(call.number(0)?).ok().filter(|length| *length <= 256);
    let length = length.ok_or_else(|| call.wrong("the length is not between 0 and 256"))?;
    let mut random = call.scope.random.borrow_mut();
    let mut characters = Vec::new();
    for (index, set) in sets.iter().enumerate() {
        let wanted = usize::try_from(call.number(index + 1)?).unwrap_or(0);
        if wanted > 0 && set.is_empty() {
            return Err(call.wrong("every character of a kind is to be avoided"));
        }
        characters.extend((0..wanted).map(|_| set[random.random_range(0..set.len())]));
    }
    let letters = [sets[3].as_slice(), sets[0].as_slice()].concat();
    if characters.len() > length || letters.is_empty() {
        return Err(call.wrong("the length is smaller than the sum of the minima"));
    }
    while characters.len() < length {
        characters.push(letters[random.random_range(0..letters.len())]);
    }
    for index in (1..characters.len()).rev() {
        characters.swap(index, random.random_range(0..=index));
    }
    Ok(Value::from(characters.into_iter().collect::<String>()))
}

/// The five uses of `Replace`, told apart by which arguments are given.
pub(super) fn replace(call: &Call<'_>) -> Outcome {
    let [old, pattern, group, value, template] = [1, 2, 3, 4, 6].map(|index| call.text(index));
    let attribute_given = call.arguments.get(5).is_some_and(Option::is_some);
    if let Some(old) = old {
        return match (value, template) {
            (_, Some(template)) => on_text(call, |text| template.replace(&old, text)),
            (Some(value), None) => on_text(call, |text| text.replace(&old, &value)),
            (None, None) => Err(call.wrong("oldValue needs replacementValue or template")),
        };
    }
    let pattern = pattern.ok_or_else(|| call.wrong("it needs oldValue or regexPattern"))?;
    let pattern = Regex::new(&pattern).map_err(|error| call.wrong(&format!("regexPattern: {error}")))?;
    match (group, value) {
        (Some(group), None) if attribute_given => {
            if !is_empty(call.value(0)) {
                return Ok(call.value(0).clone());
            }
            let other = call.text(5).unwrap_or_default();
            let found = pattern.captures(&other).ok().flatten();
            Ok(found
                .and_then(|found| found.name(&group).map(|hit| Value::from(hit.as_str())))
                .unwrap_or(Value::Null))
        }
        (Some(group), Some(value)) => on_text(call, |text| replace_group(&pattern, text, &group, &value)),
        (None, Some(value)) => on_text(call, |text| pattern.replace_all(text, value.as_str()).into_owned()),
        (_, None) => Err(call.wrong("regexPattern needs replacementValue or replacementAttributeName")),
    }
}

/// Replaces what the named group matched, and leaves the rest of each match.
fn replace_group(pattern: &Regex, text: &str, group: &str, value: &str) -> String {
    let mut replaced = String::new();
    let mut done = 0;
    for hit in pattern.captures_iter(text).map_while(Result::ok).filter_map(|captures| captures.name(group)) {
        if hit.start() < done || (hit.start() == hit.end() && done > 0) {
            continue;
        }
        replaced.push_str(&text[done..hit.start()]);
        replaced.push_str(value);
        done = hit.end();
    }
    replaced + &text[done..]
}

pub(super) fn strip_spaces(call: &Call<'_>) -> Outcome {
    on_text(call, |text| text.replace(' ', ""))
}

/// Turkish and Azeri tell the dotted from the dotless i.
fn dots_matter(call: &Call<'_>) -> bool {
    call.text(1).is_some_and(|culture| culture.starts_with("tr") || culture.starts_with("az"))
}

pub(super) fn lower(call: &Call<'_>) -> Outcome {
    if dots_matter(call) {
        return on_text(call, |text| text.replace('I', "ı").replace('İ', "i").to_lowercase());
    }
    on_text(call, str::to_lowercase)
}

pub(super) fn upper(call: &Call<'_>) -> Outcome {
    if dots_matter(call) {
        return on_text(call, |text| text.replace('i', "İ").to_uppercase());
    }
    on_text(call, str::to_uppercase)
}

pub(super) fn word(call: &Call<'_>) -> Outcome {
    let (text, delimiters) = (text_of(call.value(0)), text_of(call.value(2)));
    let index = usize::try_from(call.number(1)? - 1).ok();
    let mut words = text.split(|c| delimiters.contains(c)).filter(|word| !word.is_empty());
    Ok(Value::from(index.and_then(|index| words.nth(index)).unwrap_or_default()))
}
