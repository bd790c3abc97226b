//! `/tenants/{tenant}/rotations`.

use super::{
    Problem,
    caller::{Caller, Support, Viewer},
    request::{Body, Query},
    tenants::{PageQuery, created, ok},
};
use crate::{Admin, NewRotation, NewSecret, StartedRotation, idempotency::IdempotencyKey};
use actix_web::{
    HttpResponse,
    web::{Data, Path},
};
use scim::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use store::{CredentialKind, Seen};
use tokens::{Judged, Rotating, RotationState};
use utoipa::ToSchema;

/// A kind of credential that can be rotated.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum KindWord {
    SecretToken,
    ClientSecret,
}

/// A rotation to be started.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RotationBody {
    kind: KindWord,
    /// The key id of the credential that shall end.
    key_id: String,
    /// How long the new one is good.
    expires_in_seconds: Option<u64>,
    /// Whether it is completed by itself as soon as that is safe; `false` if not given.
    #[serde(default)]
    automatic: bool,
}

/// How to complete.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CompleteBody {
    /// Complete it although that is not safe yet.
    #[serde(default)]
    force: bool,
}

/// Whether to complete by itself.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AutomaticBody {
    automatic: bool,
}

/// What was seen of the use of a credential, some seconds late. All null if it was never used.
#[derive(Serialize, ToSchema)]
#[schema(as = Seen)]
pub(super) struct SeenShape {
    first_used: Option<String>,
    last_used: Option<String>,
    /// The address that the last use came from: that of the proxy, if one is in front that `scim.trusted_proxies` lacks.
    last_used_from: Option<String>,
    /// What the last use was.
    #[schema(example = "GET /Users/{id}")]
    last_used_for: Option<String>,
}

/// One of the two credentials of a rotation.
#[derive(Serialize, ToSchema)]
#[schema(as = Rotating)]
pub(super) struct RotatingShape {
    key_id: String,
    created: String,
    expires: Option<String>,
    revoked: Option<String>,
    #[serde(flatten)]
    seen: SeenShape,
}

/// A rotation.
#[derive(Serialize, ToSchema)]
#[schema(as = Rotation)]
pub(super) struct RotationShape {
    id: String,
    /// `secret-token` or `client-secret`.
    kind: &'static str,
    /// Of client secrets.
    client_id: Option<String>,
    started: String,
    /// `waiting`, `both-in-use`, `old-silent`, `safe`, `completed` or `cancelled`.
    state: &'static str,
    /// The same in words.
    #[schema(example = "Both in use")]
    words: String,
    /// What to do next.
    advice: &'static str,
    /// Since when the old one has been silent, while the new one is there.
    silent_since: Option<String>,
    /// When it will be safe to complete it, if the old one stays silent.
    safe_at: Option<String>,
    /// Whether it is completed by itself as soon as that is safe.
    automatic: bool,
    ended: Option<String>,
    /// The credential that shall end.
    old: RotatingShape,
    /// The one in its place.
    new: RotatingShape,
}

/// A page of rotations.
#[derive(Serialize, ToSchema)]
#[schema(as = Rotations)]
pub(super) struct RotationsShape {
    rotations: Vec<RotationShape>,
    /// Where the next page begins; null on the last.
    next_cursor: Option<String>,
}

/// A rotation just started, with the new credential: one of the two last fields is not null, unless the same request has been
/// answered with it before.
#[derive(Serialize, ToSchema)]
#[schema(as = StartedRotation)]
pub(super) struct StartedShape {
    #[serde(flatten)]
    rotation: RotationShape,
    secret_token: Option<String>,
    client_secret: Option<String>,
}

pub(super) fn seen_shape(seen: Option<&Seen>) -> SeenShape {
    SeenShape {
        first_used: seen.map(|seen| seen.first.to_rfc3339()),
        last_used: seen.map(|seen| seen.last.to_rfc3339()),
        last_used_from: seen.and_then(|seen| seen.from.clone()),
        last_used_for: seen.and_then(|seen| seen.doing.clone()),
    }
}

fn rotating(credential: &Rotating) -> RotatingShape {
    RotatingShape {
        key_id: credential.key_id.clone(),
        created: credential.created.to_rfc3339(),
        expires: credential.expires.map(Timestamp::to_rfc3339),
        revoked: credential.revoked.map(Timestamp::to_rfc3339),
        seen: seen_shape(credential.seen.as_ref()),
    }
}

fn shape(found: &Judged) -> RotationShape {
    let (silent_since, safe_at) = match found.state {
        RotationState::OldSilent { since, safe_at } => (Some(since), Some(safe_at)),
        RotationState::Safe { since, .. } => (Some(since), None),
        _ => (None, None),
    };
    let ended = match found.state {
        RotationState::Completed { at } | RotationState::Cancelled { at } => Some(at),
        _ => None,
    };
    RotationShape {
        id: found.rotation.id.to_string(),
        kind: found.rotation.kind.as_str(),
        client_id: found.client.map(|client| client.to_string()),
        started: found.rotation.started.to_rfc3339(),
        state: found.state.as_str(),
        words: found.words(),
        advice: found.state.advice(),
        silent_since: silent_since.map(Timestamp::to_rfc3339),
        safe_at: safe_at.map(Timestamp::to_rfc3339),
        automatic: found.rotation.is_automatic,
        ended: ended.map(Timestamp::to_rfc3339),
        old: rotating(&found.old),
        new: rotating(&found.new),
    }
}

/// List the rotations of a tenant, the newest first, ended ones too.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/rotations", tag = "rotations",
    params(("tenant" = String, Path, description = "Label or id"), PageQuery),
    responses((status = 200, body = RotationsShape)))]
pub(super) async fn list(
    _caller: Caller<Viewer>,
    admin: Data<Admin>,
    tenant: Path<String>,
    query: Query<PageQuery>,
) -> Result<HttpResponse, Problem> {
    let query = query.read()?;
    let page = admin.rotations(&tenant, query.cursor.as_deref(), query.count).await?;
    let page = page.map(|found| shape(&found));
    Ok(ok(&RotationsShape { rotations: page.rows, next_cursor: page.next }))
}

/// Start to rotate a Secret Token or a client secret.
///
/// A second one is good beside the first until the rotation is completed or cancelled. There is one at a time for a
/// credential: 409 if one is under way.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/rotations", request_body = RotationBody, tag = "rotations",
    params(("tenant" = String, Path, description = "Label or id"), IdempotencyKey),
    responses((status = 201, body = StartedShape)))]
pub(super) async fn start(
    caller: Caller<Support>,
    admin: Data<Admin>,
    tenant: Path<String>,
    key: IdempotencyKey,
    body: Body<RotationBody>,
) -> Result<HttpResponse, Problem> {
    let body = body.read(&admin).await?;
    let kind = match body.kind {
        KindWord::SecretToken => CredentialKind::SecretToken,
        KindWord::ClientSecret => CredentialKind::ClientSecret,
    };
    let lifetime = body.expires_in_seconds.map(Duration::from_secs);
    let new = NewRotation { kind, key_id: body.key_id, lifetime, is_automatic: body.automatic };
    let started = admin.start_rotation(caller.by(), &tenant, new, key.read()?).await?;
    let StartedRotation { rotation, secret } = started;
    let location = format!("{}/tenants/{}/rotations/{}", super::PREFIX, *tenant, rotation.rotation.id);
    let (secret_token, client_secret) = match &secret {
        None => (None, None),
        Some(NewSecret::SecretToken(token)) => (Some(token.reveal().to_owned()), None),
        Some(NewSecret::ClientSecret(secret)) => (None, Some(secret.reveal().to_owned())),
    };
    Ok(created(Some(location), &StartedShape { rotation: shape(&rotation), secret_token, client_secret }))
}

/// Show a rotation.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/rotations/{id}", tag = "rotations",
    params(("tenant" = String, Path, description = "Label or id"), ("id" = String, Path)),
    responses((status = 200, body = RotationShape)))]
pub(super) async fn show(
    _caller: Caller<Viewer>,
    admin: Data<Admin>,
    path: Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let (tenant, id) = path.into_inner();
    Ok(ok(&shape(&admin.rotation(&tenant, &id).await?)))
}

/// Complete a rotation: the old credential ends now.
///
/// 409 if that is not safe yet, unless it is forced.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/rotations/{id}/complete", request_body = CompleteBody,
    tag = "rotations", params(("tenant" = String, Path, description = "Label or id"), ("id" = String, Path)),
    responses((status = 200, body = RotationShape)))]
pub(super) async fn complete(
    caller: Caller<Support>,
    admin: Data<Admin>,
    path: Path<(String, String)>,
    body: Body<CompleteBody>,
) -> Result<HttpResponse, Problem> {
    let is_confirmed = body.read(&admin).await?.force;
    let (tenant, id) = path.into_inner();
    Ok(ok(&shape(&admin.complete_rotation(caller.by(), (&tenant, &id), is_confirmed).await?)))
}

/// Cancel a rotation: the new credential ends now, the old one stays.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/rotations/{id}/cancel", tag = "rotations",
    params(("tenant" = String, Path, description = "Label or id"), ("id" = String, Path)),
    responses((status = 200, body = RotationShape)))]
pub(super) async fn cancel(
    caller: Caller<Support>,
    admin: Data<Admin>,
    path: Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let (tenant, id) = path.into_inner();
    Ok(ok(&shape(&admin.cancel_rotation(caller.by(), &tenant, &id).await?)))
}

/// Say whether a rotation is completed by itself.
///
/// A gateway does it as soon as that is safe, unless neither credential is used any more.
#[utoipa::path(put, path = "/api/v1/tenants/{tenant}/rotations/{id}/automatic", request_body = AutomaticBody,
    tag = "rotations", params(("tenant" = String, Path, description = "Label or id"), ("id" = String, Path)),
    responses((status = 200, body = RotationShape)))]
pub(super) async fn set_automatic(
    caller: Caller<Support>,
    admin: Data<Admin>,
    path: Path<(String, String)>,
    body: Body<AutomaticBody>,
) -> Result<HttpResponse, Problem> {
    let automatic = body.read(&admin).await?.automatic;
    let (tenant, id) = path.into_inner();
    Ok(ok(&shape(&admin.set_rotation_automatic(caller.by(), (&tenant, &id), automatic).await?)))
}
