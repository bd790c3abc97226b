//! .NET's custom date and time formats, read and written; a date with an offset is moved to UTC.

use jiff::civil::DateTime;
use jiff::{SignedDuration, Span};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// A piece of a format: a letter repeated so many times, or a literal.
enum Piece {
    Field(char, usize),
    Literal(char),
}

fn pieces(format: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut characters = format.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\\' => pieces.extend(characters.next().map(Piece::Literal)),
            '\'' | '"' => {
                let quoted = characters.by_ref().take_while(|c| *c != character);
                pieces.extend(quoted.map(Piece::Literal));
            }
            'y' | 'M' | 'd' | 'H' | 'h' | 'm' | 's' | 'f' | 'F' | 't' | 'z' | 'K' => {
                let mut count = 1;
                while characters.next_if_eq(&character).is_some() {
                    count += 1;
                }
                pieces.push(Piece::Field(character, count));
            }
            literal => pieces.push(Piece::Literal(literal)),
        }
    }
    pieces
}

/// Writes a moment in UTC.
pub(super) fn format(moment: DateTime, format: &str) -> String {
    pieces(format).into_iter().map(|piece| written(moment, piece)).collect()
}

fn written(moment: DateTime, piece: Piece) -> String {
    let (field, count) = match piece {
        Piece::Literal(literal) => return literal.to_string(),
        Piece::Field(field, count) => (field, count),
    };
    let digits = |value: i64| format!("{value:0count$}", count = count.min(2));
    let hour = i64::from(moment.hour());
    let month = MONTHS[usize::from(moment.month().unsigned_abs()).saturating_sub(1).min(11)];
    let day = DAYS[usize::from(moment.date().weekday().to_sunday_zero_offset().unsigned_abs()).min(6)];
    match (field, count) {
        ('y', 1 | 2) => digits(i64::from(moment.year()).rem_euclid(100)),
        ('y', _) => format!("{:0count$}", moment.year()),
        ('M', 1 | 2) => digits(i64::from(moment.month())),
        ('M', 3) => month[..3].to_owned(),
        ('M', _) => month.to_owned(),
        ('d', 1 | 2) => digits(i64::from(moment.day())),
        ('d', 3) => day[..3].to_owned(),
        ('d', _) => day.to_owned(),
        ('H', _) => digits(hour),
        ('h', _) => digits(if hour % 12 == 0 { 12 } else { hour % 12 }),
        ('m', _) => digits(i64::from(moment.minute())),
        ('s', _) => digits(i64::from(moment.second())),
        ('f', _) => format!("{:09}", moment.subsec_nanosecond())[..count.min(7)].to_owned(),
        ('F', _) => {
            format!("{:09}", moment.subsec_nanosecond())[..count.min(7)].trim_end_matches('0').to_owned()
        }
        ('t', _) => (if hour < 12 { "AM" } else { "PM" })[..count.min(2)].to_owned(),
        ('z', 1) => "+0".to_owned(),
        ('z', 2) => "+00".to_owned(),
        ('z', _) => "+00:00".to_owned(),
        _ => "Z".to_owned(),
    }
}

/// Reads a moment; `None` if the text is not of that form.
pub(super) fn parse(text: &str, format: &str) -> Option<DateTime> {
    let mut read = Read { rest: text, year: 1, month: 1, day: 1, ..Read::default() };
    for piece in pieces(format) {
        match piece {
            Piece::Literal('.') if format.contains(".F") && !read.rest.starts_with('.') => {}
            Piece::Literal(literal) => read.rest = read.rest.strip_prefix(literal)?,
            Piece::Field(field, count) => read.field(field, count)?,
        }
    }
    if !read.rest.is_empty() {
        return None;
    }
    let hour = match (read.afternoon, read.hour) {
        (Some(true), hour) if hour < 12 => hour + 12,
        (Some(false), 12) => 0,
        (_, hour) => hour,
    };
    let day = jiff::civil::Date::new(read.year, read.month, read.day).ok()?;
    let moment = day.at(0, 0, 0, 0).checked_add(SignedDuration::from_secs(
        i64::from(hour) * 3600 + i64::from(read.minute) * 60 + i64::from(read.second),
    ));
    let moment = moment.ok()?.checked_add(SignedDuration::from_nanos(read.nanosecond)).ok()?;
    moment.checked_sub(Span::new().minutes(read.offset)).ok()
}

#[derive(Default)]
struct Read<'a> {
    rest: &'a str,
    year: i16,
    month: i8,
    day: i8,
    hour: i8,
    minute: i8,
    second: i8,
    nanosecond: i64,
    afternoon: Option<bool>,
    /// Minutes east of Greenwich.
    offset: i64,
}

impl Read<'_> {
    fn digits(&mut self, fewest: usize, most: usize) -> Option<i64> {
        let length = self.rest.bytes().take(most).take_while(u8::is_ascii_digit).count();
        let (digits, rest) = self.rest.split_at(length);
        if length < fewest {
            return None;
        }
        self.rest = rest;
        if digits.is_empty() { Some(0) } else { digits.parse().ok() }
    }

    fn small(&mut self, count: usize) -> Option<i8> {
        self.digits(count.min(2), 2)?.try_into().ok()
    }

    fn field(&mut self, field: char, count: usize) -> Option<()> {
        match (field, count) {
            ('y', 1 | 2) => self.year = i16::try_from(self.digits(count, 2)?).ok()? + 2000,
            ('y', _) => self.year = self.digits(4, 4)?.try_into().ok()?,
            ('M', 1 | 2) => self.month = self.small(count)?,
            ('M', _) => self.month = self.named(&MONTHS, count == 3)? + 1,
            ('d', 1 | 2) => self.day = self.small(count)?,
            ('d', _) => {
                self.named(&DAYS, count == 3)?;
            }
            ('H' | 'h', _) => self.hour = self.small(count)?,
            ('m', _) => self.minute = self.small(count)?,
            ('s', _) => self.second = self.small(count)?,
            ('f' | 'F', _) => {
                let before = self.rest.len();
                let digits = self.digits(if field == 'f' { count } else { 0 }, count)?;
                let length = u32::try_from(before - self.rest.len()).ok()?;
                self.nanosecond = digits * 10_i64.checked_pow(9_u32.checked_sub(length)?)?;
            }
            ('t', _) => {
                let length = count.min(2);
                let word = self.rest.get(..length)?.to_ascii_uppercase();
                self.afternoon = Some(word.starts_with('P'));
                self.rest = &self.rest[length..];
            }
            _ => self.offset = self.zone(field)?,
        }
        Some(())
    }

    fn named(&mut self, names: &[&str], short: bool) -> Option<i8> {
        let name = |name: &&str| if short { name[..3].to_owned() } else { (*name).to_owned() };
        let found = names.iter().map(name).position(|name| self.rest.starts_with(&name))?;
        self.rest = &self.rest[if short { 3 } else { names[found].len() }..];
        found.try_into().ok()
    }

    fn zone(&mut self, field: char) -> Option<i64> {
        if let Some(rest) = self.rest.strip_prefix('Z') {
            self.rest = rest;
            return Some(0);
        }
        let sign = match self.rest.chars().next() {
            Some('+') => 1,
            Some('-') => -1,
            _ if field == 'K' => return Some(0),
            _ => return None,
        };
        self.rest = &self.rest[1..];
        let hours = self.digits(1, 2)?;
        let minutes = match self.rest.strip_prefix(':') {
            Some(rest) => {
                self.rest = rest;
                self.digits(2, 2)?
            }
            None => 0,
        };
        Some(sign * (hours * 60 + minutes))
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn formats_are_read_and_written() {
        let moment = date(2015, 1, 23).at(10, 53, 47, 100_000_000);
        assert_eq!(parse("20150123105347.1Z", "yyyyMMddHHmmss.fZ"), Some(moment));
        assert_eq!(
            format(moment, "dddd, d MMMM yyyy h:mm tt 'o''clock' ff zzz"),
            "Friday, 23 January 2015 10:53 AM oclock 10 +00:00"
        );
        assert_eq!(parse("23 January 2015", "dd MMMM yyyy"), Some(date(2015, 1, 23).at(0, 0, 0, 0)));
        assert_eq!(parse("2015-02-30", "yyyy-MM-dd"), None);
        assert_eq!(parse("2015-02-3é", "yyyy-MM-dd"), None);
    }
}
