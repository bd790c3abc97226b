//! Values that a page shows as more than text: times, QR codes, JSON.

use crate::Failure;
use askama::filters::HtmlSafe;
use base64::{Engine, prelude::BASE64_STANDARD};
use qrcode::{EcLevel, QrCode, render::svg};
use scim::Timestamp;
use std::fmt;

/// A time, in UTC for everybody; the script turns it into the reader's own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Time(Timestamp);

/// Shows a time. By reference, as templates pass what they have.
pub(crate) fn time(at: &Timestamp) -> Time {
    Time(*at)
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let exact = self.0.to_rfc3339();
        // `2026-11-25T00:50:01.123Z`: to the second, as people read it.
        let (day, rest) = exact.split_once('T').unwrap_or((exact.as_str(), ""));
        let clock = rest.get(..8).unwrap_or(rest);
        write!(f, "<time datetime=\"{exact}\">{day} {clock} UTC</time>")
    }
}

/// Digits, letters and punctuation of a time alone.
impl HtmlSafe for Time {}

/// A number as people read it: `1,234,567`. A whole one of any type, by reference or not.
pub(crate) fn number(number: impl fmt::Display) -> String {
    let digits = number.to_string();
    let mut shown = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.char_indices() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// A QR code as an image that stands in the page.
#[derive(Clone, Debug)]
pub(crate) struct Qr(String);

/// The QR code of a text.
///
/// # Errors
/// [`Failure::Internal`] if the text is too long for one.
pub(crate) fn qr(text: &str) -> Result<Qr, Failure> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M).map_err(Failure::internal)?;
    let image = code.render::<svg::Color<'_>>().min_dimensions(240, 240).build();
    Ok(Qr(format!("data:image/svg+xml;base64,{}", BASE64_STANDARD.encode(image))))
}

/// The address of the image.
impl fmt::Display for Qr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A JSON document as people read it; as it is, where it is none.
pub(crate) fn json(text: &str) -> String {
    let document = serde_json::from_str::<serde_json::Value>(text).ok();
    document
        .and_then(|document| serde_json::to_string_pretty(&document).ok())
        .unwrap_or_else(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_shown_to_the_second_in_utc() {
        let shown = time(&Timestamp(1_764_031_801_123)).to_string();
        assert_eq!(shown, "<time datetime=\"2025-11-25T00:50:01.123Z\">2025-11-25 00:50:01 UTC</time>");
    }

    #[test]
    fn numbers_are_grouped_by_thousands() {
        for (value, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn a_qr_code_is_an_image_without_anything_else() {
        let shown = qr("otpauth://totp/x?secret=ABC").unwrap().to_string();
        let svg = BASE64_STANDARD.decode(shown.strip_prefix("data:image/svg+xml;base64,").unwrap()).unwrap();
        let svg = String::from_utf8(svg).unwrap();
        assert!(svg.contains("<svg") && svg.contains("<path") && !svg.contains("otpauth"), "{svg}");
        assert!(qr(&"x".repeat(10_000)).is_err());
    }

    #[test]
    fn json_is_laid_out_and_other_text_left_alone() {
        assert_eq!(json("{\"a\":[1]}"), "{\n  \"a\": [\n    1\n  ]\n}");
        assert_eq!(json("{nonsense"), "{nonsense");
    }
}
