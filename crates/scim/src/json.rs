//! Reading JSON from strangers: bounded depth, no duplicate keys, no numbers that would be changed, no NUL.

use crate::{ScimError, steps};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use std::fmt;

/// Deepest nesting of a body.
pub const MAX_DEPTH: usize = 32;

/// Reads a request body. A byte order mark at its start is skipped (RFC 8259 section 8.1).
///
/// # Errors
/// 400 `invalidSyntax`: no JSON, invalid UTF-8, nested deeper than [`MAX_DEPTH`], a key twice in one object, a number
/// that no double can hold exactly as written (beyond 2^53) or a text with U+0000.
pub fn parse(body: &[u8]) -> Result<Value, ScimError> {
    let text = std::str::from_utf8(body).map_err(|error| {
        ScimError::invalid_syntax(format!(
            "The body is not UTF-8 text (byte {}). Send JSON in UTF-8.",
            error.valid_up_to()
        ))
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim_start().is_empty() {
        return Err(ScimError::invalid_syntax("The request has no body. Send a JSON object."));
    }
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = Seed { depth: 0 }.deserialize(&mut deserializer);
    value
        .and_then(|value| deserializer.end().map(|()| value))
        .map_err(|error| ScimError::invalid_syntax(format!("The body is not acceptable JSON: {error}.")))
}

/// About how long the JSON text of a value is, in bytes: escapes are not counted, and a number counts 8 bytes.
pub fn size(value: &Value) -> usize {
    steps::take(1);
    match value {
        Value::Null | Value::Bool(_) => 4,
        Value::Number(_) => 8,
        Value::String(text) => text.len() + 2,
        Value::Array(list) => list.iter().map(|value| size(value) + 1).sum::<usize>() + 2,
        Value::Object(map) => map.iter().map(|(key, value)| key.len() + 4 + size(value)).sum::<usize>() + 2,
    }
}

/// How deeply lists and objects are nested in a value: 0 for a value that is neither.
pub(crate) fn depth(value: &Value) -> usize {
    steps::take(1);
    match value {
        Value::Array(list) => 1 + list.iter().map(depth).max().unwrap_or(0),
        Value::Object(map) => 1 + map.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

/// One value at a depth.
#[derive(Clone, Copy)]
struct Seed {
    depth: usize,
}

impl Seed {
    fn deeper<E: Error>(self) -> Result<Seed, E> {
        if self.depth == MAX_DEPTH {
            return Err(E::custom(format_args!("nested deeper than {MAX_DEPTH} levels")));
        }
        Ok(Seed { depth: self.depth + 1 })
    }
}

impl<'de> DeserializeSeed<'de> for Seed {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

fn text<E: Error>(text: &str) -> Result<(), E> {
    if text.contains('\0') {
        return Err(E::custom("a text holds the character U+0000"));
    }
    Ok(())
}

/// Largest integer up to which a double holds every integer.
const MAX_EXACT: f64 = 9_007_199_254_740_992.0;

impl<'de> Visitor<'de> for Seed {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        if value.unsigned_abs() > MAX_EXACT as u64 {
            return Err(E::custom("a number beyond 2^53; send it as a text"));
        }
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        if value > MAX_EXACT as u64 {
            return Err(E::custom("a number beyond 2^53; send it as a text"));
        }
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        match Number::from_f64(value) {
            Some(number) if value.abs() <= MAX_EXACT => Ok(Value::Number(number)),
            _ => Err(E::custom("a number beyond 2^53; send it as a text")),
        }
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        text(value)?;
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        text(&value)?;
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let seed = self.deeper()?;
        let mut list = Vec::new();
        while let Some(value) = access.next_element_seed(seed)? {
            list.push(value);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let seed = self.deeper()?;
        let mut map = Map::new();
        while let Some(key) = access.next_key::<String>()? {
            text(&key)?;
            let value = access.next_value_seed(seed)?;
            if map.contains_key(&key) {
                return Err(A::Error::custom("a key stands twice in one object"));
            }
            map.insert(key, value);
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_bodies_are_refused_with_a_reason() {
        let deep = "[".repeat(MAX_DEPTH + 1) + &"]".repeat(MAX_DEPTH + 1);
        let very_deep = "[".repeat(1_000_000);
        for (body, reason) in [
            (&b"\xff\xfe"[..], "UTF-8"),
            (b"  ", "no body"),
            (b"{", "EOF"),
            (b"{} {}", "trailing"),
            (br#"{"a":1,"a":2}"#, "twice"),
            (br#"{"a":1e999}"#, "number"),
            (b"12345678901234567890", "2^53"),
            (b"-9007199254740993", "2^53"),
            (b"1e300", "2^53"),
            (br#""a\u0000b""#, "U+0000"),
            (deep.as_bytes(), "deeper"),
            (very_deep.as_bytes(), "deeper"),
        ] {
            let error = parse(body).unwrap_err();
            assert_eq!((error.status, error.scim_type), (400, Some(crate::ScimType::InvalidSyntax)));
            assert!(error.detail.contains(reason), "{reason}: {}", error.detail);
        }
    }

    #[test]
    fn a_byte_order_mark_is_skipped_once() {
        assert_eq!(parse("\u{feff}{}".as_bytes()), Ok(serde_json::json!({})));
        for body in ["\u{feff}", "\u{feff}\u{feff}{}", "{\u{feff}}", "{}\u{feff}"] {
            assert!(parse(body.as_bytes()).is_err(), "{body:?}");
        }
    }

    #[test]
    fn good_bodies_keep_their_order() {
        let body = br#"{"b":[1,-2,1.5,true,null],"a":{"c":"\u00e9"}}"#;
        assert_eq!(parse(body).unwrap().to_string(), "{\"b\":[1,-2,1.5,true,null],\"a\":{\"c\":\"\u{e9}\"}}");
    }
}
