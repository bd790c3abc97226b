//! Successful answers: resources and pages, rendered around their stored text wherever the projection allows it.

use crate::{ApiError, App, Client, stream::Answer};
use actix_web::{
    HttpResponse,
    http::{
        StatusCode,
        header::{CONTENT_TYPE, ETAG, HeaderValue, LOCATION},
    },
    web::Data,
};
use provisioning::Found;
use scim::{
    list::{self, Page},
    meta::etag,
    projection::Projection,
    schema::ResourceKind,
    search::{self, Paging, Query},
};
use serde_json::Value;
use store::Row;

/// RFC 7644 section 8.1.
pub(crate) const MEDIA_TYPE: HeaderValue = HeaderValue::from_static("application/scim+json");

/// 204.
pub(crate) fn no_content() -> HttpResponse {
    HttpResponse::NoContent().finish()
}

/// 204 after a change: the new version, without the resource.
pub(crate) fn changed(version: i64) -> HttpResponse {
    HttpResponse::NoContent().insert_header((ETAG, etag(version))).finish()
}

/// 304.
pub(crate) fn not_modified(version: i64) -> HttpResponse {
    HttpResponse::NotModified().insert_header((ETAG, etag(version))).finish()
}

/// A JSON value that is not a resource of the tenant.
pub(crate) fn json(value: &Value) -> HttpResponse {
    HttpResponse::Ok().insert_header((CONTENT_TYPE, MEDIA_TYPE)).body(value.to_string())
}

/// A text of any length that is a JSON value and not a resource of the tenant.
pub(crate) async fn text(app: Data<App>, client: Client, text: String) -> Result<HttpResponse, ApiError> {
    let body = Answer::to(client, app).text(text).into_body().await?;
    Ok(HttpResponse::Ok().insert_header((CONTENT_TYPE, MEDIA_TYPE)).body(body))
}

/// One resource, with its location and version in the headers.
pub(crate) async fn resource(
    app: Data<App>,
    client: Client,
    kind: ResourceKind,
    status: StatusCode,
    row: Row,
    projection: Projection,
) -> Result<HttpResponse, ApiError> {
    let location = list::location(&client.base, kind, &row.id.to_string());
    let version = etag(row.version);
    let body = Answer::to(client, app).rows(kind, vec![row], projection).into_body().await?;
    Ok(HttpResponse::build(status)
        .insert_header((CONTENT_TYPE, MEDIA_TYPE))
        .insert_header((LOCATION, location))
        .insert_header((ETAG, version))
        .body(body))
}

/// What was found of one kind of resource, and how it is to be shown.
pub(crate) struct Section {
    pub(crate) kind: ResourceKind,
    pub(crate) query: Query,
    pub(crate) found: Found,
}

/// A ListResponse around what was found; `paging` as the client asked for it.
pub(crate) async fn page(
    app: Data<App>,
    client: Client,
    paging: Paging,
    sections: Vec<Section>,
) -> Result<HttpResponse, ApiError> {
    let next = |section: &Section| {
        Some(search::print_cursor(section.found.next.as_ref()?, &section.query.fingerprint))
    };
    let (start_index, next_cursor) = match paging {
        Paging::Index { start_index, .. } => (Some(start_index), None),
        Paging::Cursor { .. } => (None, sections.iter().find_map(next)),
    };
    let envelope = Page {
        total_results: sections.iter().map(|section| section.found.total).sum(),
        items_per_page: sections.iter().map(|section| section.found.rows.len()).sum(),
        start_index,
        next_cursor,
    };
    let mut answer = Answer::to(client, app).text(envelope.head());
    for Section { kind, query, found } in sections {
        answer = answer.rows(kind, found.rows, query.projection);
    }
    let body = answer.text(Page::TAIL).into_body().await?;
    Ok(HttpResponse::Ok().insert_header((CONTENT_TYPE, MEDIA_TYPE)).body(body))
}
