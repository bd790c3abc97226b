//! Pages by cursor: each says where the next begins; nothing is kept between them.

use crate::{Failure, admin::PAGE};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

/// A page.
#[derive(Clone, Debug)]
pub struct Listed<T> {
    /// Its rows.
    pub rows: Vec<T>,
    /// Where the next page begins, if there is one.
    pub next: Option<String>,
}

impl<T> Listed<T> {
    /// Of rows that were asked for with one more than fit; `place` says where a row stands.
    pub(crate) fn cut(mut rows: Vec<T>, limit: u32, place: impl Fn(&T) -> String) -> Listed<T> {
        let is_more = rows.len() > limit as usize;
        rows.truncate(limit as usize);
        let next = rows.last().filter(|_| is_more).map(|row| BASE64_URL_SAFE_NO_PAD.encode(place(row)));
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
}
