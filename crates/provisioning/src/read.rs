//! GET and search: resources as they are.

use crate::{Context, Failure, Provisioning, failure, walks::Walk};
use scim::{
    ScimError,
    condition::{Comparison, Condition, Operator},
    schema::ResourceKind,
    search::{Paging, Position, Query},
};
use store::{From, Listing, Member, Page, ResourceId, Row, StoreError};

/// A page of resources.
#[derive(Clone, Debug)]
pub struct Found {
    /// The resources of the page.
    pub rows: Vec<Row>,
    /// How many there are on all pages. More if resources were deleted during a walk by index that is not at its end: clients
    /// stop where `startIndex` exceeds it.
    pub total: u64,
    /// Behind which resource the next page begins, if there is one.
    pub next: Option<Position>,
    /// Whether the page has fewer resources than were asked for, since it would be too large.
    pub is_cut: bool,
}

impl Found {
    /// About how many bytes of text the resources have in an answer, without members; they take about as much memory.
    pub fn size(&self) -> usize {
        self.rows.iter().map(Row::size).sum()
    }
}

/// Whether a query finds one resource at most, by a key that is unique.
pub fn is_lookup(kind: ResourceKind, query: &Query) -> bool {
    let is_first_page = matches!(query.paging, Paging::Index { start_index: 1, count: 1.. });
    let by_name =
        |condition: &Condition| kind == ResourceKind::User && condition.as_user_name_lookup().is_some();
    let condition = query.condition.as_ref();
    is_first_page
        && condition.is_some_and(|condition| by_name(condition) || condition.as_id_lookup().is_some())
}

/// Whether a condition asks for the resource with a value of an attribute that a schema describes, as an identity provider
/// does to match a person. Such a query is never too dear.
fn is_match(condition: &Condition) -> bool {
    match condition {
        Condition::Test(target, Operator::Equal, _) => target.comparison != Comparison::Untyped,
        Condition::Element(_, inner) => is_match(inner),
        Condition::All(parts) => parts.iter().any(is_match),
        _ => false,
    }
}

fn too_dear() -> ScimError {
    ScimError::too_many(
        "This query reads more than one request may. Ask for fewer values in the filter, compare with \"eq\" instead of \
         \"co\" or \"sw\", leave out \"sortBy\", or page by cursor.",
    )
}

impl Provisioning {
    /// A resource by id.
    ///
    /// # Errors
    /// 404 if the tenant has no such resource.
    pub async fn get(
        &self,
        context: &Context,
        kind: ResourceKind,
        id: &str,
        with_groups: bool,
    ) -> Result<Row, Failure> {
        let key = ResourceId::parse(id).ok_or_else(|| failure::not_found(kind, id))?;
        let row = self.store.resource(context.tenant, kind, key, with_groups).await?;
        row.ok_or_else(|| failure::not_found(kind, id))
    }

    /// The resources that a query asks for. The two lookups that Entra sends most, by `userName` and by `id`, are
    /// answered together with others that wait. The page ends before the resource that would make it larger than
    /// `max_bytes`; its first resource is always there. A page by index that continues the last page of its client begins
    /// behind that page's last resource; any other `startIndex` is an offset.
    ///
    /// # Errors
    /// 400 `tooMany` for a query that reads too much; else faults of the store only: a query that matches nothing is an
    /// empty page.
    pub async fn search(
        &self,
        context: &Context,
        kind: ResourceKind,
        query: &Query,
        max_bytes: usize,
    ) -> Result<Found, Failure> {
        let with_groups = kind == ResourceKind::User && query.projection.returns("groups");
        if is_lookup(kind, query)
            && let Some(row) = self.look_up(context, kind, query, with_groups).await?
        {
            let rows: Vec<Row> = row.into_iter().collect();
            return Ok(Found { total: rows.len() as u64, rows, next: None, is_cut: false });
        }
        let walk = Walk::of(context, kind, query);
        let (from, limit) = match &query.paging {
            Paging::Index { start_index, count } => (self.begin(context, &walk, *start_index), *count),
            Paging::Cursor { after, count } => (From::After(after.clone()), *count),
        };
        let is_continued = matches!(from, From::After(_));
        let listing = Listing {
            kind,
            condition: query.condition.clone(),
            sort: query.sort.clone(),
            from,
            limit,
            max_bytes,
            with_groups,
        };
        let is_match = listing.condition.as_ref().is_some_and(is_match);
        let mut page = match self.store.list(context.tenant, listing).await {
            Err(StoreError::Late) if !is_match => return Err(too_dear().into()),
            page => page?,
        };
        if let Paging::Index { start_index, .. } = query.paging {
            self.end(context, &walk, start_index, is_continued, &mut page);
        }
        let Page { rows, total, next, is_cut } = page;
        Ok(Found { rows, total, next, is_cut })
    }

    /// Where a page by index begins.
    fn begin(&self, context: &Context, walk: &Walk, start_index: u64) -> From {
        match self.walks.last_before(walk, start_index, context.now.0) {
            Some(last) => From::After(Some(last)),
            None => From::Offset(start_index - 1),
        }
    }

    /// Remembers where a page by index ended, if another page follows. A page that was cut is remembered nowhere: its client
    /// does not get it.
    fn end(&self, context: &Context, walk: &Walk, start_index: u64, is_continued: bool, page: &mut Page) {
        let Some(last) = page.next.clone().filter(|_| !page.is_cut) else { return };
        let next_index = start_index.saturating_add(page.rows.len() as u64);
        if is_continued {
            page.total = page.total.max(next_index);
        }
        self.walks.page_ended(walk, next_index, last, context.now.0);
    }

    /// `Some` if the query is one lookup by a unique key; the inner option is its answer.
    async fn look_up(
        &self,
        context: &Context,
        kind: ResourceKind,
        query: &Query,
        with_groups: bool,
    ) -> Result<Option<Option<Row>>, Failure> {
        let Some(condition) = &query.condition else { return Ok(None) };
        if kind == ResourceKind::User
            && let Some(folded) = condition.as_user_name_lookup()
        {
            return Ok(Some(self.store.user_by_name(context.tenant, folded.to_owned(), with_groups).await?));
        }
        if let Some(id) = condition.as_id_lookup() {
            let Some(id) = ResourceId::parse(id) else { return Ok(Some(None)) };
            return Ok(Some(self.store.resource(context.tenant, kind, id, with_groups).await?));
        }
        Ok(None)
    }

    /// At most `limit` members of a group behind another member, by id; from the first if `after` is `None`.
    ///
    /// # Errors
    /// Faults of the store only: a group that is gone has no members.
    pub async fn members_after(
        &self,
        context: &Context,
        group: ResourceId,
        after: Option<ResourceId>,
        limit: u32,
    ) -> Result<Vec<Member>, Failure> {
        Ok(self.store.members_after(context.tenant, group, after, limit).await?)
    }
}
