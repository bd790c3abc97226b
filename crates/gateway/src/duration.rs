//! Durations as people write them: a whole number and a unit.

use std::time::Duration;

/// Units from the largest, in milliseconds.
const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];

/// Reads `500ms`, `30s`, `15m`, `12h`, `90d`; none if it is nothing of the kind or longer than a hundred years.
pub(crate) fn parse(text: &str) -> Option<Duration> {
    let text = text.trim();
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit())?);
    let (_, millis) = UNITS.iter().find(|(name, _)| *name == unit)?;
    let millis = number.parse::<u64>().ok()?.checked_mul(*millis)?;
    (millis <= 100 * 366 * 86_400_000).then(|| Duration::from_millis(millis))
}

/// Writes it in the largest unit that leaves no rest.
pub(crate) fn show(duration: Duration) -> String {
    let millis = duration.as_millis();
    let unit = UNITS.iter().find(|(_, unit)| millis != 0 && millis.is_multiple_of(u128::from(*unit)));
    unit.map_or_else(|| "0s".to_owned(), |(name, unit)| format!("{}{name}", millis / u128::from(*unit)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_back_as_they_are_shown() {
        for (text, millis) in
            [("1ms", 1), ("1500ms", 1500), ("30s", 30_000), ("90m", 5_400_000), ("90d", 7_776_000_000)]
        {
            assert_eq!(parse(text), Some(Duration::from_millis(millis)), "{text}");
            assert_eq!(show(Duration::from_millis(millis)), text);
        }
        assert_eq!(parse(" 0s "), Some(Duration::ZERO));
        assert_eq!(show(Duration::ZERO), "0s");
    }

    #[test]
    fn anything_else_is_none() {
        for text in
            ["", "5", "s", "-5s", "5 s", "1.5h", "5w", "5S", "99999999999999999999d", "36601d", "1d12h"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
