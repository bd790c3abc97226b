//! Successful answers: resources and pages, rendered around their stored text wherever the projection allows it.

use crate::{
    ApiError, App, Client,
    group_stream::{Part, Parts},
};
use actix_web::{
    HttpResponse,
    http::{
        StatusCode,
        header::{CONTENT_TYPE, ETAG, HeaderValue, LOCATION},
    },
    web::Data,
};
use provisioning::{Failure, Found};
use scim::{
    list::{self, Page},
    meta::etag,
    projection::Projection,
    schema::ResourceKind,
    search::{self, Paging, Query},
};
use serde_json::{Map, Value};
use std::collections::VecDeque;
use store::{Members, Row};

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

/// One resource, with its location and version in the headers.
pub(crate) async fn resource(
    app: Data<App>,
    client: Client,
    kind: ResourceKind,
    status: StatusCode,
    row: Row,
    projection: &Projection,
) -> Result<HttpResponse, ApiError> {
    let location = list::location(&client.base, kind, &row.id.to_string());
    let version = etag(row.version);
    let mut parts = VecDeque::new();
    push_row(&app, &client, kind, &row, projection, &mut parts).await?;
    let parts = Parts { app, context: client.context, base: client.base, parts };
    let body = parts.into_body().await?;
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
    let mut parts = VecDeque::from([Part::Text(envelope.head())]);
    let mut begun = false;
    for Section { kind, query, found } in &sections {
        for row in &found.rows {
            if std::mem::replace(&mut begun, true) {
                push_text(&mut parts, ",".to_owned());
            }
            push_row(&app, &client, *kind, row, &query.projection, &mut parts).await?;
        }
    }
    push_text(&mut parts, Page::TAIL.to_owned());
    let parts = Parts { app, context: client.context, base: client.base, parts };
    Ok(HttpResponse::Ok().insert_header((CONTENT_TYPE, MEDIA_TYPE)).body(parts.into_body().await?))
}

/// Adds the text of one resource; its members, where they are returned, as a part of their own.
async fn push_row(
    app: &Data<App>,
    client: &Client,
    kind: ResourceKind,
    row: &Row,
    projection: &Projection,
    parts: &mut VecDeque<Part>,
) -> Result<(), ApiError> {
    let with_members = kind == ResourceKind::Group && projection.returns("members");
    let streamed = with_members && projection.returns_whole("members");
    let mut text = provisioning::open_resource(kind, row, &client.base);
    if with_members && !streamed {
        text.push_str(",\"members\":[");
        push_members(&mut text, &app.provisioning.members(&client.context, row.id).await?, &client.base);
        text.push(']');
    }
    if !(projection.keeps_document_whole() && projection.returns_whole("meta") && streamed == with_members) {
        text = project(text, projection)?;
    }
    if streamed {
        text.push_str(",\"members\":[");
        push_text(parts, text);
        parts.push_back(Part::MembersOf(row.id));
        push_text(parts, "]}".to_owned());
    } else {
        text.push('}');
        push_text(parts, text);
    }
    Ok(())
}

/// Cuts the text of a resource, still without its closing brace, down to what the projection returns.
fn project(mut text: String, projection: &Projection) -> Result<String, ApiError> {
    text.push('}');
    let mut resource: Map<String, Value> = serde_json::from_str(&text)
        .map_err(|error| Failure::Internal(format!("rendered resource: {error}")))?;
    projection.apply(&mut resource);
    let mut text = Value::Object(resource).to_string();
    text.pop();
    Ok(text)
}

fn push_members(text: &mut String, members: &Members, base: &str) {
    let users = members.users.iter().map(|id| (id, "User"));
    for (index, (id, kind)) in users.chain(members.groups.iter().map(|id| (id, "Group"))).enumerate() {
        if index > 0 {
            text.push(',');
        }
        list::push_member(text, &id.to_string(), kind, base);
    }
}

fn push_text(parts: &mut VecDeque<Part>, text: String) {
    match parts.back_mut() {
        Some(Part::Text(last)) => last.push_str(&text),
        _ => parts.push_back(Part::Text(text)),
    }
}
