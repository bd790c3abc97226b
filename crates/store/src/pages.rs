//! Pages that are bounded by the number of their rows and by their bytes. Every list whose rows can be large is read with
//! [`Rows`].

use diesel::QueryResult;
use std::ops::Range;

/// How large a page may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageBounds {
    /// The most rows.
    pub rows: u32,
    /// The page ends before the row that would make it larger than this many bytes of text. Its first row is always there.
    pub bytes: usize,
}

impl PageBounds {
    /// One row more than fits on the page: it tells whether there is another page.
    pub(crate) fn limit(self) -> i64 {
        i64::from(self.rows) + 1
    }
}

/// A page of a list. The next page begins behind its last row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slice<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// Whether there are more rows behind the last one.
    pub has_more: bool,
}

impl<T> Slice<T> {
    /// The same page with each row converted.
    pub(crate) fn map<U>(self, convert: impl Fn(T) -> U) -> Slice<U> {
        Slice { rows: self.rows.into_iter().map(convert).collect(), has_more: self.has_more }
    }

    /// The same page with each row converted.
    ///
    /// # Errors
    /// The first error of `convert`.
    pub(crate) fn try_map<U, E>(self, convert: impl Fn(T) -> Result<U, E>) -> Result<Slice<U>, E> {
        let rows = self.rows.into_iter().map(convert).collect::<Result<_, _>>()?;
        Ok(Slice { rows, has_more: self.has_more })
    }
}

/// A row that knows its size.
pub(crate) trait Measured {
    /// About how many bytes of text the row has in an answer. It takes about as much memory.
    fn size(&self) -> usize;
}

/// The rows of a page as they are read, one after another, until there are as many as were asked for or their size ends
/// the page.
pub(crate) struct Rows<T> {
    rows: Vec<T>,
    /// What each row counts.
    sizes: Vec<usize>,
    limit: usize,
    bytes: usize,
    max_bytes: usize,
    has_more: bool,
    is_cut: bool,
}

impl<T: Measured> Rows<T> {
    pub(crate) fn new(bounds: PageBounds) -> Rows<T> {
        Rows {
            rows: Vec::new(),
            sizes: Vec::new(),
            limit: usize::try_from(bounds.rows).unwrap_or(usize::MAX),
            bytes: 0,
            max_bytes: bounds.bytes,
            has_more: false,
            is_cut: false,
        }
    }

    /// Takes rows until the page is full. Rows behind it are not kept; `rows` must not be held as a whole by the database
    /// library either.
    ///
    /// # Errors
    /// The first error of a row that is read.
    pub(crate) fn read(mut self, rows: impl Iterator<Item = QueryResult<T>>) -> QueryResult<Rows<T>> {
        for row in rows {
            if !self.push(row?) {
                break;
            }
        }
        Ok(self)
    }

    /// Adds a row. Returns whether the next one is wanted.
    pub(crate) fn push(&mut self, row: T) -> bool {
        if self.is_at_limit() {
            self.has_more = true;
            return false;
        }
        self.sizes.push(row.size());
        self.bytes += row.size();
        self.rows.push(row);
        self.cut();
        !self.is_cut
    }

    /// Measures the row at a place again, if it is still on the page: something was added to it.
    pub(crate) fn measure(&mut self, place: usize) {
        if let (Some(row), Some(size)) = (self.rows.get(place), self.sizes.get_mut(place)) {
            let before = std::mem::replace(size, row.size());
            self.bytes += *size - before;
            self.cut();
        }
    }

    /// Takes rows from the end while the page is too large. The first one stays: a page without rows would never end.
    fn cut(&mut self) {
        while self.bytes > self.max_bytes && self.rows.len() > 1 {
            self.rows.pop();
            self.bytes -= self.sizes.pop().unwrap_or_default();
            (self.has_more, self.is_cut) = (true, true);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether the page has as many rows as were asked for: another row is not added, but tells that there is another page.
    pub(crate) fn is_at_limit(&self) -> bool {
        self.rows.len() == self.limit
    }

    /// The size of all rows, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The rows at some places.
    pub(crate) fn rows_mut(&mut self, places: Range<usize>) -> impl Iterator<Item = &mut T> {
        self.rows[places].iter_mut()
    }

    /// Whether the page has fewer rows than were asked for, since it would be too large.
    pub(crate) fn is_cut(&self) -> bool {
        self.is_cut
    }

    pub(crate) fn finish(self) -> Slice<T> {
        Slice { rows: self.rows, has_more: self.has_more }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    impl Measured for usize {
        fn size(&self) -> usize {
            *self
        }
    }

    /// The page of rows of these sizes, and how many of them were read.
    fn page(sizes: &[usize], rows: u32, bytes: usize) -> (Slice<usize>, usize) {
        let read = Cell::new(0);
        let each = sizes.iter().inspect(|_| read.set(read.get() + 1)).map(|size| Ok(*size));
        let page = Rows::new(PageBounds { rows, bytes }).read(each).unwrap();
        (page.finish(), read.get())
    }

    #[test]
    fn no_more_is_read_than_the_row_that_is_too_much() {
        let sizes = [3, 3, 3, 3, 3, 3];
        assert_eq!(page(&sizes, 6, 9), (Slice { rows: vec![3, 3, 3], has_more: true }, 4));
        assert_eq!(page(&sizes, 2, 9), (Slice { rows: vec![3, 3], has_more: true }, 3));
        assert_eq!(page(&sizes, 6, 18), (Slice { rows: sizes.to_vec(), has_more: false }, 6));
        assert_eq!(page(&[], 6, 18), (Slice { rows: vec![], has_more: false }, 0));
    }

    #[test]
    fn the_first_row_is_there_whatever_its_size() {
        assert_eq!(page(&[9, 1], 2, 4), (Slice { rows: vec![9], has_more: true }, 2));
        assert_eq!(page(&[9], 2, 4), (Slice { rows: vec![9], has_more: false }, 1));
        assert_eq!(page(&[1, 9, 1], 3, 4), (Slice { rows: vec![1], has_more: true }, 2));
    }
}
