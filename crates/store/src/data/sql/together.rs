//! Lists that one scan answers: each looks by `eq` for a text in the same place.

use super::listing::{self, Listed};
use crate::{
    data::model::{From, Listing, Page, Row},
    pages::Rows,
};
use scim::{lookup::Shape, schema::ResourceKind};
use serde_json::{Map, Value};
use std::collections::{BTreeSet, HashMap};

/// What a list looks for, if a scan answers it and can answer others beside it: one text, from the beginning, in the order of
/// ids. That is what a provisioning client sends to match a resource.
pub(crate) fn shape(listing: &Listing) -> Option<Shape> {
    let is_first = matches!(listing.from, From::Offset(0) | From::After(None));
    if !is_first || listing.sort.is_some() || listing::lookups(listing).is_empty() {
        return None;
    }
    Some(Shape::of(listing.kind, listing.condition.as_ref()?)?.0)
}

/// The pages of lists of one shape, while the rows that any of them finds are read.
pub(crate) struct Together<'a> {
    shape: &'a Shape,
    listings: &'a [Listing],
    /// Which lists look for a key.
    by_key: HashMap<String, Vec<usize>>,
    found: Vec<Found>,
    /// The size of the rows of all pages, and the most that it may be: one page of the largest size. A list that finds more
    /// is left out.
    bytes: usize,
    max_bytes: usize,
}

/// What one of the lists has found so far.
struct Found {
    rows: Rows<Listed>,
    /// Whether the page takes no more rows.
    is_full: bool,
    /// Whether the list needs a scan of its own, since all pages together would be too large.
    is_left_out: bool,
    total: u64,
}

impl<'a> Together<'a> {
    /// Lists of this shape.
    pub(crate) fn of(shape: &'a Shape, listings: &'a [Listing]) -> Together<'a> {
        let mut by_key: HashMap<String, Vec<usize>> = HashMap::new();
        for (place, listing) in listings.iter().enumerate() {
            for lookup in listing.condition.iter().flat_map(|condition| condition.lookups(listing.kind)) {
                by_key.entry(lookup.key).or_default().push(place);
            }
        }
        let found = |listing| Found { rows: Rows::of(listing), is_full: false, is_left_out: false, total: 0 };
        let found = listings.iter().map(found).collect();
        let max_bytes = listings.iter().map(|listing| listing.max_bytes).max().unwrap_or_default();
        Together { shape, listings, by_key, found, bytes: 0, max_bytes }
    }

    /// The list of all that any of the lists finds, without an end.
    pub(crate) fn whole(&self) -> Listing {
        let kind = self.shape.path().kind();
        let conditions = self.listings.iter().filter_map(|listing| listing.condition.as_ref());
        let texts: BTreeSet<String> =
            conditions.filter_map(|condition| Some(Shape::of(kind, condition)?.1)).collect();
        Listing {
            kind,
            condition: Some(self.shape.looking_for(texts.into_iter().collect())),
            sort: None,
            from: From::Offset(0),
            limit: u32::MAX,
            max_bytes: usize::MAX,
            with_groups: false,
        }
    }

    /// Gives a row to the lists that find it. Rows come in the order of their ids.
    pub(crate) fn push(&mut self, row: &Row) {
        // What is stored is an object.
        let document: Map<String, Value> = serde_json::from_str(&row.document).unwrap_or_default();
        let keys = self.shape.path().keys(&document);
        let places: BTreeSet<usize> =
            keys.iter().filter_map(|key| self.by_key.get(key)).flatten().copied().collect();
        for place in places {
            let condition = self.listings[place].condition.as_ref();
            if !condition.is_some_and(|condition| condition.matches(&document)) {
                continue;
            }
            self.found[place].total += 1;
            if !self.found[place].is_full {
                self.add(place, row);
            }
        }
    }

    /// Adds a row to a page. Lists that have come later are left out if it does not fit, and at last this one.
    fn add(&mut self, place: usize, row: &Row) {
        let has_room = !self.found[place].rows.is_at_limit();
        while has_room && self.bytes.saturating_add(row.size()) > self.max_bytes {
            let has_rows = |found: &Found| found.rows.bytes() > 0;
            let last = self.found.iter().rposition(has_rows).map_or(place, |last| last.max(place));
            self.leave_out(last);
            if last == place {
                return;
            }
        }
        let found = &mut self.found[place];
        let before = found.rows.bytes();
        found.is_full = !found.rows.push(Listed { row: row.clone(), key: None });
        self.bytes = self.bytes - before + found.rows.bytes();
    }

    fn leave_out(&mut self, place: usize) {
        let found = &mut self.found[place];
        self.bytes -= found.rows.bytes();
        found.rows = Rows::of(&self.listings[place]);
        (found.is_full, found.is_left_out) = (true, true);
    }

    /// The pages, in the order of their lists; `None` for a list that is left out. `add_groups` fills in the groups of the
    /// users of a page.
    ///
    /// # Errors
    /// Those of `add_groups`.
    pub(crate) fn finish<E>(
        self,
        mut add_groups: impl FnMut(&Listing, &mut Rows<Listed>) -> Result<(), E>,
    ) -> Result<Vec<Option<Page>>, E> {
        let finished = self.listings.iter().zip(self.found).map(|(listing, mut found)| {
            if found.is_left_out {
                return Ok(None);
            }
            if listing.with_groups && listing.kind == ResourceKind::User {
                add_groups(listing, &mut found.rows)?;
            }
            found.rows.into_page(listing, || Ok(found.total)).map(Some)
        });
        finished.collect()
    }
}
