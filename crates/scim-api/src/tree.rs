//! How much memory the values of a JSON text take, told from the text before it is parsed.
//!
//! It is 5 to 11 times the text for what provisioning clients send, and up to 140 times for `[[[0]],[[0]],…]`.

use scim::json::MAX_DEPTH;
use serde_json::Value;

/// What an element of a list takes.
const ELEMENT: usize = size_of::<Value>();
/// What a member of an object takes, beside its texts: the entry with its hash, and its place in the table of hashes.
const MEMBER: usize = size_of::<String>() + size_of::<Value>() + size_of::<usize>();
/// The smallest capacities of a list and an object that are not empty.
const LEAST_ELEMENTS: usize = 4;
const LEAST_MEMBERS: usize = 3;
/// What a text takes beside its bytes: allocations are of whole words.
const TEXT: usize = 12;

/// A list or an object that is still open.
#[derive(Clone, Copy)]
struct Open {
    is_object: bool,
    values: usize,
}

/// About how many bytes the parsed values of a text take. Of a text that is no JSON, or nested deeper than is accepted, it
/// is what the parser may hold until it finds out.
pub(crate) fn size(text: &[u8]) -> usize {
    let mut open = [Open { is_object: false, values: 0 }; MAX_DEPTH];
    let (mut depth, mut total) = (0, text.len());
    let mut bytes = text.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => {
                total += TEXT;
                while let Some(byte) = bytes.next()
                    && *byte != b'"'
                {
                    if *byte == b'\\' {
                        bytes.next();
                    }
                }
            }
            b'{' | b'[' => {
                let Some(place) = open.get_mut(depth) else { break };
                *place = Open { is_object: *byte == b'{', values: 1 };
                depth += 1;
            }
            b',' if depth > 0 => open[depth - 1].values += 1,
            b'}' | b']' if depth > 0 => {
                depth -= 1;
                total += open[depth].size();
            }
            _ => {}
        }
    }
    total + open[..depth].iter().map(|open| open.size()).sum::<usize>()
}

impl Open {
    /// What it takes with the capacity that it has grown to: twice as much each time.
    fn size(self) -> usize {
        if !self.is_object {
            return ELEMENT * self.values.next_power_of_two().max(LEAST_ELEMENTS);
        }
        // A table of hashes is at most seven eighths full.
        let buckets = (self.values * 8 / 7 + 1).next_power_of_two();
        let members = if self.values <= LEAST_MEMBERS { LEAST_MEMBERS } else { buckets / 8 * 7 };
        MEMBER * members + (buckets + 2) * (size_of::<usize>() + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn times(text: &str) -> f64 {
        size(text.as_bytes()) as f64 / text.len() as f64
    }

    fn list(count: usize, element: &str) -> String {
        format!("[{}]", vec![element; count].join(","))
    }

    /// Compared with what an allocator that counts has measured.
    #[test]
    fn sizes_are_those_that_were_measured() {
        let member = r#"{"value":"01980000-0000-7000-8000-000000000000"}"#;
        let full = r#"{"value":"01980000-0000-7000-8000-000000000000","$ref":"https://x/Users/01980000-0000-7000-8000-000000000000","type":"User"}"#;
        for (text, measured) in [
            (list(40_000, member), 10.2),
            (list(15_000, full), 4.4),
            (list(1_000_000, "0"), 37.7),
            (list((1 << 19) + 1, "0"), 72.0),
            (list(500_000, "\"a\""), 20.9),
            (list(500_000, "[0]"), 90.9),
            (list(250_000, "{\"\":0}"), 64.5),
            (list(20_000, &format!("{}0{}", "{\"\":".repeat(28), "}".repeat(28))), 75.0),
            (list(30_000, &format!("{}0{}", "[".repeat(28), "]".repeat(28))), 140.4),
            (format!("{{\"a\":\"{}\"}}", "x".repeat(2_000_000)), 1.0),
        ] {
            let times = times(&text);
            assert!((measured * 0.9..measured * 1.25 + 1.0).contains(&times), "{} {times}", &text[..50]);
            // Where the end is missing, the parser holds all the rest when it finds out.
            assert!(self::times(&text[..text.len() - 1]) >= measured * 0.9, "{}", &text[..50]);
        }
    }

    #[test]
    fn what_stands_in_texts_is_no_value() {
        let text = json!({ "a": "[[[{{{,,,\"\\,,,[[[" }).to_string();
        let plain = json!({ "a": "abcdefghijklmnopqr" }).to_string();
        assert_eq!(size(text.as_bytes()) - text.len(), size(plain.as_bytes()) - plain.len());
    }

    #[test]
    fn what_is_no_json_does_no_harm() {
        for text in ["", "]", "}}}", "\"", "\"\\", ",,,", "{", "\\", &"[".repeat(100_000)] {
            size(text.as_bytes());
        }
    }
}
