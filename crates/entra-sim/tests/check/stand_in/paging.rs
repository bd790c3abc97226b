//! Pages of the stand-in: a page that continues another one begins behind its last resource, even if
//! resources were deleted meanwhile.

use super::defect::Defect;
use super::directory::{Directory, Result};
use super::message::{Answer, Refusal, Request};
use serde_json::{Value, json};
use std::collections::HashMap;

/// The most resources on a page.
const LARGEST: usize = 1_000;

/// Where pages of all users or of all groups ended. Deletions in front of an end move it.
#[derive(Debug, Default)]
pub(crate) struct Ends {
    /// The `startIndex` that continues the last page by index, and the number of resources up to its end.
    index: Option<(i64, usize)>,
    /// The same by cursor.
    cursors: HashMap<String, usize>,
}

impl Ends {
    /// The resource at that position was deleted.
    pub(super) fn deleted(&mut self, at: usize) {
        let index = self.index.as_mut().map(|(_, end)| end);
        self.cursors.values_mut().chain(index).filter(|end| **end > at).for_each(|end| *end -= 1);
    }
}

/// A page of what was found.
struct Page {
    resources: Vec<Value>,
    /// How many resources stand before it, and how many up to its end.
    from: usize,
    end: usize,
    total: usize,
}

impl Directory {
    pub(super) fn list(&mut self, request: &Request, is_group: bool) -> Result<Answer> {
        if self.has(Defect::LargePagesRefused) && request.number("count").is_some_and(|count| count > 30) {
            return Err(Refusal::bad("tooMany", "the page would be too large"));
        }
        let found = self.found(request, is_group)?;
        match request.parameter("cursor").map(str::to_owned) {
            Some(cursor) => self.by_cursor(request, is_group, found, &cursor),
            None => self.by_index(request, is_group, found),
        }
    }

    fn by_cursor(
        &mut self,
        request: &Request,
        is_group: bool,
        found: Vec<Value>,
        cursor: &str,
    ) -> Result<Answer> {
        let known = self.ends(is_group).cursors.get(cursor).copied();
        let from = match (cursor, known) {
            ("", _) => 0,
            (_, Some(_)) if self.has(Defect::CursorsStandStill) => 0,
            (_, Some(end)) => end,
            (_, None) => return Err(Refusal::bad("invalidCursor", "the cursor is not known")),
        };
        let page = self.page(request, found, from, LARGEST);
        let (end, total) = (page.end, page.total);
        let mut list = self.envelope(page.resources, 1);
        list["totalResults"] = json!(total);
        list.as_object_mut().map(|list| list.remove("startIndex"));
        if end < total {
            let cursors = &mut self.ends(is_group).cursors;
            let next = format!("c{}", cursors.len());
            cursors.insert(next.clone(), end);
            list["nextCursor"] = json!(next);
        }
        Ok(Answer::ok(list))
    }

    fn by_index(&mut self, request: &Request, is_group: bool, found: Vec<Value>) -> Result<Answer> {
        let start = request.number("startIndex").unwrap_or(1);
        if start < 1 && self.has(Defect::StartIndexZeroRefused) {
            return Err(Refusal::bad("invalidValue", "startIndex begins at 1"));
        }
        let start = start.max(1);
        if start as usize > found.len() && !found.is_empty() && self.has(Defect::PagePastEndNotFound) {
            return Err(Refusal::plain(404, "there is no such page"));
        }
        let is_whole = is_group && self.has(Defect::GroupsNotPaged);
        let is_all = request.parameter("filter").is_none() && !self.has(Defect::WalkByOffset);
        let continued = self.ends(is_group).index.filter(|(next, _)| is_all && *next == start);
        let from = match continued {
            _ if is_whole || self.has(Defect::StartIndexIgnored) => 0,
            Some((_, end)) => end,
            None => start as usize - 1,
        };
        let page = self.page(request, found, from, if is_whole { usize::MAX } else { LARGEST });
        let next = start + (page.end - page.from) as i64;
        if is_all {
            self.ends(is_group).index = Some((next, page.end));
        }
        // Clients go on while the index is within the total.
        let is_shifted = continued.is_some() && page.end < page.total;
        let total = if is_shifted { page.total.max(next as usize) } else { page.total };
        let echoed = if self.has(Defect::StartIndexNotEchoed) { 1 } else { start };
        let mut list = self.envelope(page.resources, echoed);
        list["totalResults"] = json!(total);
        if let Some(members) = list.as_object_mut().filter(|_| self.has(Defect::BareEnvelope)) {
            members.retain(|name, _| name != "startIndex" && name != "itemsPerPage");
        }
        Ok(Answer::ok(list))
    }

    fn page(&self, request: &Request, found: Vec<Value>, from: usize, largest: usize) -> Page {
        let total = found.len();
        let count = request.number("count").map_or(LARGEST, |count| count.max(0) as usize).min(largest);
        let count = if largest == usize::MAX { largest } else { count };
        let page = found.into_iter().skip(from).take(count).map(|resource| self.shown(resource, request));
        let resources: Vec<_> = page.collect();
        let from = from.min(total);
        Page { from, end: from + resources.len(), total, resources }
    }

    fn ends(&mut self, is_group: bool) -> &mut Ends {
        &mut self.ends[usize::from(is_group)]
    }
}
