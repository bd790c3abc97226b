//! Functions on dates; between functions a date is a text in UTC, `M/d/yyyy h:mm:ss tt`.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp};
use serde_json::Value;

use super::date_format;
use super::evaluate::{Call, Outcome};
use super::{EvaluationError, text_of};

/// The format in which dates pass between functions.
const STANDARD: &str = "M/d/yyyy h:mm:ss tt";
/// The formats that `CDate` and its kin read.
const READ: &[&str] = &[
    "yyyy-MM-ddzzz",
    "yyyy-MM-dd",
    "yyyy-MM-ddTHH:mm:ssK",
    "yyyy-MM-ddTHH:mm:ss.FFFFFFFK",
    "yyyy-MM-dd HH:mm:ssK",
    "M/d/yyyy h:mm:ss tt",
    "M/d/yyyy H:mm:ss",
    "M/d/yyyy",
];
/// Seconds from 1601, where Active Directory begins to count, to 1970.
const FILE_TIME_EPOCH: i64 = 11_644_473_600;
/// Active Directory counts in tenths of a microsecond.
const FILE_TIME_TICKS: i64 = 10_000_000;

fn standard(moment: DateTime) -> Value {
    Value::from(date_format::format(moment, STANDARD))
}

fn date(call: &Call<'_>, index: usize) -> Result<DateTime, EvaluationError> {
    let text = text_of(call.value(index));
    let read = READ.iter().find_map(|format| date_format::parse(text.trim(), format));
    read.ok_or_else(|| call.wrong(&format!("'{text}' is not a date")))
}

fn utc(moment: DateTime) -> Option<Timestamp> {
    TimeZone::UTC.to_timestamp(moment).ok()
}

pub(super) fn to_date(call: &Call<'_>) -> Outcome {
    if call.value(0).is_null() { Ok(Value::Null) } else { date(call, 0).map(standard) }
}

pub(super) fn now(call: &Call<'_>) -> Outcome {
    Ok(standard(TimeZone::UTC.to_datetime(call.scope.now)))
}

pub(super) fn add(call: &Call<'_>) -> Outcome {
    let (amount, moment) = (call.number(1)?, date(call, 2)?);
    let span = match text_of(call.value(0)).as_str() {
        "yyyy" => Span::new().try_years(amount),
        "m" => Span::new().try_months(amount),
        "d" => Span::new().try_days(amount),
        "ww" => Span::new().try_weeks(amount),
        "h" => Span::new().try_hours(amount),
        "n" => Span::new().try_minutes(amount),
        "s" => Span::new().try_seconds(amount),
        other => return Err(call.wrong(&format!("'{other}' is not an interval"))),
    };
    let sum = span.and_then(|span| moment.checked_add(span));
    sum.map(standard).map_err(|error| call.wrong(&error.to_string()))
}

/// As Visual Basic counts: years, months and weeks by the calendar, shorter intervals by whole units that passed.
pub(super) fn difference(call: &Call<'_>) -> Outcome {
    let (from, to) = (date(call, 1)?, date(call, 2)?);
    let passed = |unit: i64| {
        let seconds = utc(to).zip(utc(from)).map(|(to, from)| to.duration_since(from).as_secs());
        seconds.map(|seconds| seconds / unit).ok_or_else(|| call.wrong("the dates are out of range"))
    };
    let years = i64::from(to.year()) - i64::from(from.year());
    let count = match text_of(call.value(0)).as_str() {
        "yyyy" => years,
        "m" => years * 12 + i64::from(to.month()) - i64::from(from.month()),
        "ww" => {
            let sunday = |moment: DateTime| moment.date().weekday().to_sunday_zero_offset();
            let day = |moment: DateTime| utc(moment.date().to_datetime(jiff::civil::Time::midnight()));
            let days = day(to).zip(day(from)).map(|(to, from)| to.duration_since(from).as_hours() / 24);
            let days = days.ok_or_else(|| call.wrong("the dates are out of range"))?;
            (days - i64::from(sunday(to)) + i64::from(sunday(from))) / 7
        }
        "d" => passed(86_400)?,
        "h" => passed(3_600)?,
        "n" => passed(60)?,
        "s" => passed(1)?,
        other => return Err(call.wrong(&format!("'{other}' is not an interval"))),
    };
    Ok(Value::from(count))
}

pub(super) fn from_file_time(call: &Call<'_>) -> Outcome {
    let ticks = call.number(0)?;
    let since = SignedDuration::new(
        ticks.div_euclid(FILE_TIME_TICKS) - FILE_TIME_EPOCH,
        i32::try_from(ticks.rem_euclid(FILE_TIME_TICKS) * 100).unwrap_or_default(),
    );
    let moment = Timestamp::from_duration(since).map_err(|error| call.wrong(&error.to_string()))?;
    Ok(standard(TimeZone::UTC.to_datetime(moment)))
}

pub(super) fn to_file_time(call: &Call<'_>) -> Outcome {
    let moment = utc(date(call, 0)?).ok_or_else(|| call.wrong("the date is out of range"))?;
    let ticks = (moment.as_second() + FILE_TIME_EPOCH) * FILE_TIME_TICKS;
    Ok(Value::from(ticks + i64::from(moment.subsec_nanosecond()) / 100))
}

/// The styles of parsing (second argument) are not told apart: leading and trailing white space is always allowed.
pub(super) fn format(call: &Call<'_>) -> Outcome {
    let Some(source) = call.text(0) else { return Ok(Value::Null) };
    let (from, to) = (text_of(call.value(2)), text_of(call.value(3)));
    let moment = date_format::parse(source.trim(), &from)
        .ok_or_else(|| call.wrong(&format!("'{source}' is not of the form '{from}'")))?;
    Ok(Value::from(date_format::format(moment, &to)))
}
