//! Pages by cursor: each says where the next begins; nothing is kept between them.

use crate::{
    Failure,
    admin::{PAGE, PAGE_BYTES},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use scim::Timestamp;
use std::{
    fmt::{self, Display},
    str::FromStr,
};
use store::{PageBounds, Slice};
use uuid::Uuid;

/// A page.
#[derive(Clone, Debug)]
pub struct Listed<T> {
    /// Its rows.
    pub rows: Vec<T>,
    /// Where the next page begins, if there is one.
    pub next: Option<String>,
}

/// Where a row stands in a list by time: its time and its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(pub(crate) Timestamp, pub(crate) Uuid);

impl Moment {
    /// Before every row.
    pub(crate) const START: Moment = Moment(Timestamp(i64::MIN), Uuid::nil());
    /// Behind every row.
    pub(crate) const END: Moment = Moment(Timestamp(i64::MAX), Uuid::max());
}

impl Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.0.0, self.1)
    }
}

impl FromStr for Moment {
    type Err = ();

    fn from_str(text: &str) -> Result<Moment, ()> {
        let (at, id) = text.split_once(' ').ok_or(())?;
        Ok(Moment(Timestamp(at.parse().map_err(drop)?), id.parse().map_err(drop)?))
    }
}

impl<T> Listed<T> {
    /// A page of rows that are all here, in the order of `place`: for lists that stay short.
    pub(crate) fn of_few<P: Ord + Display + FromStr>(
        rows: Vec<T>,
        (cursor, count): (Option<&str>, Option<u32>),
        place: impl Fn(&T) -> P,
    ) -> Result<Listed<T>, Failure> {
        let behind = self::place(cursor, |text| text.parse::<P>().ok())?;
        let is_behind = |row: &T| behind.as_ref().is_none_or(|behind| place(row) > *behind);
        let rest = rows.into_iter().filter(is_behind).collect();
        Ok(Listed::cut(rest, limit(count), |row| place(row).to_string()))
    }

    /// A page of rows that are asked for with one row more than fits on the page; `place` says where a row stands.
    pub(crate) fn cut(mut rows: Vec<T>, limit: u32, place: impl Fn(&T) -> String) -> Listed<T> {
        let has_more = rows.len() > limit as usize;
        rows.truncate(limit as usize);
        Listed::of(Slice { rows, has_more }, place)
    }

    /// A page of the store; `place` says where a row stands.
    pub(crate) fn of(page: Slice<T>, place: impl Fn(&T) -> String) -> Listed<T> {
        let Slice { rows, has_more } = page;
        let next = rows.last().filter(|_| has_more).map(|row| BASE64_URL_SAFE_NO_PAD.encode(place(row)));
        Listed { rows, next }
    }

    /// The same page of other rows.
    pub(crate) fn map<U>(self, show: impl Fn(T) -> U) -> Listed<U> {
        Listed { rows: self.rows.into_iter().map(show).collect(), next: self.next }
    }
}

/// How many rows a page has.
pub(crate) fn limit(count: Option<u32>) -> u32 {
    count.map_or(PAGE.default, |count| count.clamp(1, PAGE.max))
}

/// How large a page of rows that can be large may be.
pub(crate) fn bounds(count: Option<u32>) -> PageBounds {
    PageBounds { rows: limit(count), bytes: PAGE_BYTES }
}

/// Reads the place in a cursor; `None` on the first page.
pub(crate) fn place<P>(cursor: Option<&str>, read: impl Fn(&str) -> Option<P>) -> Result<Option<P>, Failure> {
    let Some(cursor) = cursor.filter(|cursor| !cursor.is_empty()) else { return Ok(None) };
    let text = BASE64_URL_SAFE_NO_PAD.decode(cursor).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let place = text.as_deref().and_then(read);
    place.map(Some).ok_or_else(|| Failure::Invalid("The cursor was not given out by this list.".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_one_another_and_foreign_cursors_are_refused() {
        let page = Listed::cut(vec![5, 4, 3], 2, i32::to_string);
        assert_eq!(page.rows, [5, 4]);
        let read = |text: &str| text.parse::<i32>().ok();
        assert_eq!(place(page.next.as_deref(), read).unwrap(), Some(4));
        assert_eq!(Listed::cut(vec![3], 2, i32::to_string).next, None);
        assert_eq!(place(None, read).unwrap(), None);
        for foreign in ["x", "eA", "=", "\u{0}"] {
            assert!(place(Some(foreign), read).is_err(), "{foreign}");
        }
    }

    #[test]
    fn a_short_list_is_cut_where_it_is() {
        let moments = [(1, 2), (2, 1), (2, 2)].map(|(at, id)| Moment(Timestamp(at), Uuid::from_u128(id)));
        let page = |cursor: Option<&str>| Listed::of_few(moments.to_vec(), (cursor, Some(2)), |row| *row);
        let first = page(None).unwrap();
        assert_eq!(first.rows, moments[..2]);
        let second = page(first.next.as_deref()).unwrap();
        assert_eq!((second.rows.as_slice(), second.next), (&moments[2..], None));
        assert!(page(Some("eA")).is_err());
        assert!(moments.iter().all(|moment| (Moment::START..Moment::END).contains(moment)));
    }
}
