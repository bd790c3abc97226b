//! `/Users` and `/Groups`: each handler extracts, makes one call to a use case, and answers.

use crate::{ApiError, App, Client, answer, answer::Section, body::Body, query::Query, search};
use actix_web::{
    HttpResponse,
    http::StatusCode,
    web::{Data, Path},
};
use scim::{
    ScimError,
    patch::PatchRequest,
    schema::{ResourceKind, ResourceType},
    search::{Paging, Words},
};

/// Which of the two endpoints a handler serves.
pub(crate) trait Kind: 'static {
    /// The resource type behind the endpoint.
    const KIND: ResourceKind;
}

/// `/Users`.
pub(crate) enum Users {}
impl Kind for Users {
    const KIND: ResourceKind = ResourceKind::User;
}

/// `/Groups`.
pub(crate) enum Groups {}
impl Kind for Groups {
    const KIND: ResourceKind = ResourceKind::Group;
}

type Answer = Result<HttpResponse, ApiError>;

/// RFC 7644 section 3.3.
pub(crate) async fn create<K: Kind>(mut client: Client, app: Data<App>, query: Query, body: Body) -> Answer {
    let projection = query.words()?.projection(ResourceType::of(K::KIND))?;
    let body = body.read(&app, &mut client.memory, Ok).await?;
    let written = app.provisioning.create(&client.context, K::KIND, body).await?;
    app.metrics.count_effects(client.label(), &written.effects);
    answer::resource(app, client, K::KIND, StatusCode::CREATED, written.row, projection).await
}

/// RFC 7644 section 3.4.1.
pub(crate) async fn get<K: Kind>(
    client: Client,
    app: Data<App>,
    path: Path<(String, String)>,
    query: Query,
) -> Answer {
    let projection = query.words()?.projection(ResourceType::of(K::KIND))?;
    let with_groups = K::KIND == ResourceKind::User && projection.returns("groups");
    let row = app.provisioning.get(&client.context, K::KIND, &path.1, with_groups).await?;
    if query.has_seen(row.version) {
        return Ok(answer::not_modified(row.version));
    }
    answer::resource(app, client, K::KIND, StatusCode::OK, row, projection).await
}

/// RFC 7644 section 3.5.1.
pub(crate) async fn replace<K: Kind>(
    mut client: Client,
    app: Data<App>,
    path: Path<(String, String)>,
    query: Query,
    body: Body,
) -> Answer {
    let projection = query.words()?.projection(ResourceType::of(K::KIND))?;
    let body = body.read(&app, &mut client.memory, Ok).await?;
    let written =
        app.provisioning.replace(&client.context, K::KIND, &path.1, query.precondition(), body).await?;
    app.metrics.count_effects(client.label(), &written.effects);
    answer::resource(app, client, K::KIND, StatusCode::OK, written.row, projection).await
}

/// RFC 7644 section 3.5.2. A user is answered with 200 and the resource, a group with 204 unless `attributes` asks
/// for more: its member list may be long, and Entra wants none.
pub(crate) async fn patch<K: Kind>(
    mut client: Client,
    app: Data<App>,
    path: Path<(String, String)>,
    query: Query,
    body: Body,
) -> Answer {
    let words = query.words()?;
    let projection = words.projection(ResourceType::of(K::KIND))?;
    let profile = client.profile();
    let parse = move |body| PatchRequest::parse(profile, body);
    let request = body.read(&app, &mut client.memory, parse).await?;
    let (context, precondition) = (&client.context, query.precondition());
    if K::KIND == ResourceKind::Group && words.attributes.is_none() {
        let changed =
            app.provisioning.patch_in_silence(context, K::KIND, &path.1, precondition, request).await?;
        app.metrics.count_effects(client.label(), &changed.effects);
        return Ok(answer::changed(changed.version));
    }
    let written = app.provisioning.patch(context, K::KIND, &path.1, precondition, request).await?;
    app.metrics.count_effects(client.label(), &written.effects);
    answer::resource(app, client, K::KIND, StatusCode::OK, written.row, projection).await
}

/// RFC 7644 section 3.6.
pub(crate) async fn delete<K: Kind>(
    client: Client,
    app: Data<App>,
    path: Path<(String, String)>,
    query: Query,
) -> Answer {
    app.provisioning.delete(&client.context, K::KIND, &path.1, query.precondition()).await?;
    Ok(answer::no_content())
}

/// RFC 7644 section 3.4.2.
pub(crate) async fn search<K: Kind>(client: Client, app: Data<App>, query: Query) -> Answer {
    list(app, client, K::KIND, query.words()?).await
}

/// RFC 7644 section 3.4.3.
pub(crate) async fn post_search<K: Kind>(mut client: Client, app: Data<App>, body: Body) -> Answer {
    let words = body.read(&app, &mut client.memory, Words::from_body).await?;
    list(app, client, K::KIND, &words).await
}

async fn list(app: Data<App>, mut client: Client, kind: ResourceKind, words: &Words) -> Answer {
    let scope = client.context.query_scope(app.limits.page);
    let query = words.check(ResourceType::of(kind), &scope)?;
    let found = search::find(&app, &mut client, kind, &query, 0).await?;
    answer::page(app, client, query.paging.clone(), vec![Section { kind, query, found }]).await
}

/// RFC 7644 section 3.4.3 at the server root: users first, then groups, counted through. An attribute that only one
/// of them has finds nothing among the others.
pub(crate) async fn search_all(mut client: Client, app: Data<App>, body: Body) -> Answer {
    let words = body.read(&app, &mut client.memory, Words::from_body).await?;
    if words.cursor.as_deref().is_some_and(|cursor| !cursor.is_empty()) {
        // Whichever endpoint gave it out, it is foreign here (RFC 9865 section 2.1).
        return Err(ScimError::invalid_cursor(only_one_kind("cursor").detail).into());
    }
    let kinds = [ResourceKind::User, ResourceKind::Group];
    let scope = client.context.query_scope(app.limits.page);
    let checked = kinds.map(|kind| words.check(ResourceType::of(kind), &scope));
    let paging = match &checked {
        [Ok(query), _] | [_, Ok(query)] => query.paging.clone(),
        [Err(error), Err(_)] => return Err(error.clone().into()),
    };
    let Paging::Index { start_index, count } = paging else {
        return Err(only_one_kind("cursor").into());
    };
    if words.sort_by.is_some() {
        return Err(only_one_kind("sortBy").into());
    }
    let mut sections = Vec::new();
    let (mut before, mut left, mut held) = (0, count, 0);
    for (kind, query) in kinds.into_iter().zip(checked) {
        let Ok(mut query) = query else { continue };
        query.paging = Paging::Index { start_index: start_index.saturating_sub(before).max(1), count: left };
        let found = search::find(&app, &mut client, kind, &query, held).await?;
        before += found.total;
        held += found.size();
        left = left.saturating_sub(u32::try_from(found.rows.len()).unwrap_or(u32::MAX));
        sections.push(Section { kind, query, found });
    }
    answer::page(app, client, paging, sections).await
}

fn only_one_kind(word: &str) -> ScimError {
    ScimError::invalid_value(format!(
        "\"{word}\" is offered at /Users/.search and /Groups/.search, not at /.search."
    ))
}
