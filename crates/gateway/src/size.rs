//! Sizes as people write them: a whole number and a unit.

/// Units from the largest, in bytes.
const UNITS: [(&str, usize); 4] = [("GB", 1 << 30), ("MB", 1 << 20), ("KB", 1 << 10), ("B", 1)];

/// Reads `512KB`, `32MB`, `1GB`, or a number of bytes; `None` if the text is no size or does not fit into memory.
pub(crate) fn parse(text: &str) -> Option<usize> {
    let text = text.trim();
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let unit = if unit.is_empty() { "B" } else { unit };
    let (_, bytes) = UNITS.iter().find(|(name, _)| *name == unit)?;
    number.parse::<usize>().ok()?.checked_mul(*bytes)
}

/// Writes it in the largest unit that leaves no rest.
pub(crate) fn show(size: usize) -> String {
    let unit = UNITS.iter().find(|(_, unit)| size != 0 && size.is_multiple_of(*unit));
    unit.map_or_else(|| "0B".to_owned(), |(name, unit)| format!("{}{name}", size / unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_back_as_they_are_shown() {
        for (text, size) in
            [("1B", 1), ("1500B", 1500), ("64KB", 65_536), ("32MB", 33_554_432), ("2GB", 2 << 30)]
        {
            assert_eq!(parse(text), Some(size), "{text}");
            assert_eq!(show(size), text);
        }
        assert_eq!((parse(" 0MB "), show(0)), (Some(0), "0B".to_owned()));
        assert_eq!(parse("1500"), Some(1500));
    }

    #[test]
    fn anything_else_is_none() {
        for text in [
            "",
            "MB",
            "-5MB",
            "5 MB",
            "1.5MB",
            "5mb",
            "5TB",
            "99999999999999999999GB",
            "18446744073709551615GB",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
