//! GET and search: resources as they are.

use crate::{Context, Failure, Provisioning, failure, walks::Walk};
use scim::{
    ScimError,
    condition::Condition,
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

/// Why a query that has missed its deadline fails. An identity provider matches a resource by `eq` of a text that tells
/// resources apart. It cannot ask in another way, and the same query succeeds when its lookup keys are complete: 503. Any
/// other query would miss its deadline again: 400 `tooMany`, with what to narrow.
fn missed_deadline(kind: ResourceKind, condition: Option<&Condition>) -> Failure {
    if condition.is_some_and(|condition| !condition.lookups(kind).is_empty()) {
        return StoreError::Late.into();
    }
    ScimError::too_many(
        "This query reads more than one request may. Ask for fewer values in the filter, compare with \"eq\" instead of \
         \"co\" or \"sw\", leave out \"sortBy\", or page by cursor.",
    )
    .into()
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
    /// If the query reads too much: 503 where it looks for a text by `eq`, else 400 `tooMany`. Otherwise faults of the store
    /// only: a query that matches nothing is an empty page.
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
        let mut page = match self.store.list(context.tenant, listing).await {
            Err(StoreError::Late) => return Err(missed_deadline(kind, query.condition.as_ref())),
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
            && let Some(name) = condition.as_user_name_lookup()
        {
            return Ok(Some(self.store.user_by_name(context.tenant, name.to_owned(), with_groups).await?));
        }
        if let Some(id) = condition.as_id_lookup() {
            let Some(id) = ResourceId::parse(id) else { return Ok(Some(None)) };
            return Ok(Some(self.store.resource(context.tenant, kind, id, with_groups).await?));
        }
        Ok(None)
    }

    /// At most `limit` members of a group behind another member, by id; from the first if `after` is `None`. `expected` is
    /// how many there probably are.
    ///
    /// # Errors
    /// Faults of the store only: a group that is gone has no members.
    pub async fn members_after(
        &self,
        context: &Context,
        group: ResourceId,
        after: Option<ResourceId>,
        limit: u32,
        expected: u64,
    ) -> Result<Vec<Member>, Failure> {
        Ok(self.store.members_after(context.tenant, group, after, limit, expected).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ResourceKind::{Group, User};
    use scim::{
        ScimType,
        filter::Filter,
        schema::{Attribute, AttributeType, ResourceType},
    };

    /// Whether a client is told to send the query again; otherwise it is told what to narrow.
    fn is_asked_again(kind: ResourceKind, filter: &str) -> bool {
        let condition = Filter::parse(filter).unwrap().resolve(ResourceType::of(kind)).unwrap();
        match missed_deadline(kind, Some(&condition)) {
            Failure::Unavailable(_) => true,
            Failure::Scim(error) => {
                assert_eq!((error.status, error.scim_type), (400, Some(ScimType::TooMany)), "{filter}");
                false
            }
            other => panic!("{filter}: {other}"),
        }
    }

    /// Every path at which an attribute, or a part of it, holds text.
    fn text_paths<'a>(prefix: &'a str, attributes: &'a [Attribute]) -> impl Iterator<Item = String> + 'a {
        let is_text = |attribute: &Attribute| {
            matches!(attribute.data_type, AttributeType::String | AttributeType::Reference)
        };
        attributes.iter().flat_map(move |attribute| {
            let own = is_text(attribute).then(|| format!("{prefix}{}", attribute.name));
            let parts =
                attribute.sub_attributes.iter().filter(move |part| is_text(part) && part.name != "type");
            own.into_iter().chain(parts.map(move |part| format!("{prefix}{}.{}", attribute.name, part.name)))
        })
    }

    #[test]
    fn a_lookup_of_any_text_of_the_schemas_is_asked_again() {
        let user = ResourceType::of(User);
        // Passwords are not filtered by, groups by `value` only.
        let is_filtered = |path: &String| path != "password" && !path.starts_with("groups.");
        let core = text_paths("", &user.schema.attributes).filter(is_filtered);
        let extensions = user.extensions.iter().flat_map(|extension| {
            let prefix = format!("{}:", extension.id);
            text_paths(&prefix, &extension.attributes).collect::<Vec<_>>()
        });
        let paths: Vec<String> = core.chain(extensions).collect();
        assert!(paths.len() > 40, "{paths:?}");
        for path in paths {
            assert!(is_asked_again(User, &format!("{path} eq \"x\"")), "{path}");
        }
    }

    #[test]
    fn what_a_client_is_told_of_a_missed_deadline() {
        let asked_again = [
            (User, "userName eq \"a\""),
            (User, "externalId eq \"a\""),
            (User, "id eq \"0198a3f2-0000-7000-8000-000000000001\""),
            (User, "employeeNumber eq \"17\""),
            (User, "emails eq \"a@b.c\""),
            (User, "emails[type eq \"work\"].value eq \"a@b.c\""),
            (User, "emails[type eq \"home\"].value eq \"a@b.c\""),
            (User, "emails[primary eq true].value eq \"a@b.c\""),
            (User, "emails[value eq \"a@b.c\" and type eq \"work\"]"),
            (User, "phoneNumbers[type eq \"work\"].value eq \"+1\""),
            (User, "phoneNumbers[type eq \"mobile\"].value eq \"+1\""),
            (User, "phoneNumbers[type eq \"fax\"].value eq \"+1\""),
            (User, "addresses[type eq \"work\"].formatted eq \"x\""),
            (User, "addresses[type eq \"work\"].postalCode eq \"x\""),
            (User, "title eq \"a\" and active eq true"),
            (User, "groups.value eq \"0198a3f2-0000-7000-8000-000000000001\""),
            (Group, "displayName eq \"a\""),
            (Group, "externalId eq \"a\""),
            (
                Group,
                "id eq \"0198a3f2-0000-7000-8000-000000000001\" and members eq \"0198a3f2-0000-7000-8000-000000000002\"",
            ),
        ];
        for (kind, filter) in asked_again {
            assert!(is_asked_again(kind, filter), "{filter}");
        }
        for filter in [
            "title co \"a\"",
            "title sw \"a\"",
            "title ne \"a\"",
            "title pr",
            "not (title eq \"a\")",
            "title eq \"a\" or nickName eq \"b\"",
            "active eq true",
            "emails.primary eq true",
            "emails[type eq \"work\"]",
            "emails[value co \"a\" and type eq \"work\"]",
            "meta.created gt \"2026-01-31T12:00:00Z\"",
            "schemas eq \"urn:ietf:params:scim:schemas:core:2.0:User\"",
            "urn:example:own:2.0:User:level eq \"a\"",
        ] {
            assert!(!is_asked_again(User, filter), "{filter}");
        }
        assert!(matches!(missed_deadline(User, None), Failure::Scim(_)), "a list of all");
    }
}
