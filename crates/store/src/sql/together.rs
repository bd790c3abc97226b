//! Lists that one scan answers: each looks by `eq` for a text in the same place.

use super::listing::{self, Listed};
use crate::{
    model::{From, Listing, Page, Row},
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
}

/// What one of the lists has found so far.
struct Found {
    rows: Rows<Listed>,
    /// Whether the page takes no more rows.
    is_full: bool,
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
        let found = |listing| Found { rows: Rows::of(listing), is_full: false, total: 0 };
        Together { shape, listings, by_key, found: listings.iter().map(found).collect() }
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
            let found = &mut self.found[place];
            found.total += 1;
            if !found.is_full {
                found.is_full = !found.rows.push(Listed { row: row.clone(), key: None });
            }
        }
    }

    /// The pages, in the order of their lists; `add_groups` fills in the groups of the users of a page.
    ///
    /// # Errors
    /// Those of `add_groups`.
    pub(crate) fn finish<E>(
        self,
        mut add_groups: impl FnMut(&Listing, &mut Rows<Listed>) -> Result<(), E>,
    ) -> Result<Vec<Page>, E> {
        let finished = self.listings.iter().zip(self.found).map(|(listing, mut found)| {
            if listing.with_groups && listing.kind == ResourceKind::User {
                add_groups(listing, &mut found.rows)?;
            }
            found.rows.into_page(listing, || Ok(found.total))
        });
        finished.collect()
    }
}
