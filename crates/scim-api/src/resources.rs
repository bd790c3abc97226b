//! `/Users` and `/Groups`: each handler extracts, makes one call to a use case, and answers.

use crate::{ApiError, App, Client, answer, body::Body, query::Query};
use actix_web::{
    HttpResponse,
    http::StatusCode,
    web::{Data, Path},
};
use provisioning::Found;
use scim::{
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
pub(crate) async fn create<K: Kind>(client: Client, app: Data<App>, query: Query, body: Body) -> Answer {
    let projection = query.words.projection(ResourceType::of(K::KIND))?;
    let written = app.provisioning.create(&client.context, K::KIND, body.0).await?;
    app.metrics.count_effects(&client.label, &written.effects);
    answer::resource(app, client, K::KIND, StatusCode::CREATED, written.row, &projection).await
}

/// RFC 7644 section 3.4.1.
pub(crate) async fn get<K: Kind>(
    client: Client,
    app: Data<App>,
    path: Path<(String, String)>,
    query: Query,
) -> Answer {
    let projection = query.words.projection(ResourceType::of(K::KIND))?;
    let with_groups = K::KIND == ResourceKind::User && projection.returns("groups");
    let row = app.provisioning.get(&client.context, K::KIND, &path.1, with_groups).await?;
    if query.has_seen(row.version) {
        return Ok(answer::not_modified(row.version));
    }
    answer::resource(app, client, K::KIND, StatusCode::OK, row, &projection).await
}

/// RFC 7644 section 3.5.1.
pub(crate) async fn replace<K: Kind>(
    client: Client,
    app: Data<App>,
    path: Path<(String, String)>,
    query: Query,
    body: Body,
) -> Answer {
    let projection = query.words.projection(ResourceType::of(K::KIND))?;
    let written =
        app.provisioning.replace(&client.context, K::KIND, &path.1, query.precondition(), body.0).await?;
    app.metrics.count_effects(&client.label, &written.effects);
    answer::resource(app, client, K::KIND, StatusCode::OK, written.row, &projection).await
}

/// RFC 7644 section 3.5.2. A user is answered with 200 and the resource, a group with 204 unless `attributes` asks
/// for more: its member list may be long, and Entra wants none.
pub(crate) async fn patch<K: Kind>(
    client: Client,
    app: Data<App>,
    path: Path<(String, String)>,
    query: Query,
    body: Body,
) -> Answer {
    let projection = query.words.projection(ResourceType::of(K::KIND))?;
    let request = PatchRequest::parse(client.profile(), body.0)?;
    let (context, precondition) = (&client.context, query.precondition());
    if K::KIND == ResourceKind::Group && query.words.attributes.is_none() {
        let changed =
            app.provisioning.patch_in_silence(context, K::KIND, &path.1, precondition, &request).await?;
        app.metrics.count_effects(&client.label, &changed.effects);
        return Ok(answer::changed(changed.version));
    }
    let written = app.provisioning.patch(context, K::KIND, &path.1, precondition, &request).await?;
    app.metrics.count_effects(&client.label, &written.effects);
    answer::resource(app, client, K::KIND, StatusCode::OK, written.row, &projection).await
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
    list(app, client, K::KIND, &query.words).await
}

/// RFC 7644 section 3.4.3.
pub(crate) async fn post_search<K: Kind>(client: Client, app: Data<App>, body: Body) -> Answer {
    list(app, client, K::KIND, &Words::from_body(body.0)?).await
}

async fn list(app: Data<App>, client: Client, kind: ResourceKind, words: &Words) -> Answer {
    let query = words.check(ResourceType::of(kind), app.limits.page)?;
    let found = app.provisioning.search(&client.context, kind, &query).await?;
    answer::page(app, client, &query, vec![(kind, found)]).await
}

/// RFC 7644 section 3.4.3 at the server root: users first, then groups. An attribute that only one of them has finds
/// nothing among the others.
pub(crate) async fn search_all(client: Client, app: Data<App>, body: Body) -> Answer {
    let words = Words::from_body(body.0)?;
    let users = words.check(ResourceType::of(ResourceKind::User), app.limits.page);
    let groups = words.check(ResourceType::of(ResourceKind::Group), app.limits.page);
    if let (Err(error), Err(_)) = (&users, &groups) {
        return Err(error.clone().into());
    }
    let mut found = Vec::new();
    let mut answered = None;
    let mut before = 0;
    let mut taken = 0;
    for (kind, query) in [(ResourceKind::User, users), (ResourceKind::Group, groups)] {
        let Ok(mut query) = query else { continue };
        let Paging::Index { start_index, count } = query.paging else {
            return Err(scim::ScimError::invalid_value(
                "cursor: pages by cursor are offered at /Users/.search and /Groups/.search; use startIndex here.",
            )
            .into());
        };
        answered.get_or_insert_with(|| query.clone());
        let start_index = start_index.saturating_sub(before).max(1);
        query.paging = Paging::Index { start_index, count: count - taken };
        let page = app.provisioning.search(&client.context, kind, &query).await?;
        before += page.total;
        taken += u32::try_from(page.rows.len()).unwrap_or(count);
        found.push((kind, Found { next: None, ..page }));
    }
    match answered {
        Some(query) => answer::page(app, client, &query, found).await,
        None => Err(ApiError::Misconfigured),
    }
}
