//! A page of resources, within the memory that a page may hold.

use crate::{
    ApiError, App, Client,
    memory::{REQUEST, ROW},
};
use provisioning::{Found, is_lookup};
use scim::{
    ScimError,
    schema::ResourceKind,
    search::{Paging, Query},
};

/// Finds the resources that a query asks for. The request holds `held` bytes of resources already, which count.
///
/// Memory is reserved for what resources usually have. If they turn out to be larger, it is reserved for the largest page,
/// and they are read again: while it waits for memory, a request holds no resources.
///
/// # Errors
/// 429 if the memory does not become free; 400 `tooMany` if a page by index would be too large: it cannot be shorter, as a
/// client that goes on at `startIndex + count` would miss resources.
pub(crate) async fn find(
    app: &App,
    client: &mut Client,
    kind: ResourceKind,
    query: &Query,
    held: usize,
) -> Result<Found, ApiError> {
    let (Paging::Index { count, .. } | Paging::Cursor { count, .. }) = query.paging;
    let (base, max) = (REQUEST + held, app.limits.page_bytes.saturating_sub(held));
    let expected = if is_lookup(kind, query) { 0 } else { max.min(ROW * count as usize) };
    client.memory.raise_to(base + expected, base).await?;
    let mut found = app.provisioning.search(&client.context, kind, query, max.min(2 * expected)).await?;
    if found.is_cut && 2 * expected < max {
        drop(found);
        client.memory.raise_to(base + max, base).await?;
        found = app.provisioning.search(&client.context, kind, query, max).await?;
    }
    // What a request holds in any case has room for resources of ordinary size.
    if expected > 0 || held + found.size() > REQUEST {
        client.memory.correct_to(base + found.size());
    }
    if found.is_cut && matches!(query.paging, Paging::Index { .. }) {
        return Err(too_many(app.limits.page_bytes, found.rows.len()).into());
    }
    Ok(found)
}

fn too_many(max: usize, fits: usize) -> ScimError {
    ScimError::too_many(format!(
        "This page would be larger than {max} bytes. Ask for at most {fits} resources at a time (\"count\"), for fewer \
         attributes (\"attributes\"), or page by \"cursor\"."
    ))
}
