//! The description of the API (OpenAPI 3.1), made from the handlers and their types.

use super::{
    Access, PREFIX, Problem, ROUTES, Route, api_tokens, audit, conformance, expiry, federation,
    needs_session, oauth_clients, operators, problem, resources, rotations, secret_tokens, session,
    setup_links, tenants,
};
use crate::cookies;
use actix_web::HttpResponse;
use std::sync::LazyLock;
use utoipa::{
    Modify, OpenApi, PartialSchema, ToSchema,
    openapi::{
        self, Content, RefOr, ResponseBuilder,
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
    },
};

#[derive(OpenApi)]
#[openapi(
    info(title = "Juno provisioning gateway: operators' API", description = "What Juno support can do."),
    paths(
        show,
        session::sign_in,
        session::show,
        session::sign_out,
        session::change_password,
        session::begin_totp,
        session::confirm_totp,
        operators::list,
        operators::create,
        operators::reset,
        operators::disable,
        operators::enable,
        operators::set_role,
        api_tokens::list,
        api_tokens::create,
        api_tokens::revoke,
        tenants::list,
        tenants::create,
        tenants::show,
        tenants::change,
        tenants::delete,
        tenants::suspend,
        tenants::resume,
        tenants::export,
        secret_tokens::list,
        secret_tokens::issue,
        secret_tokens::revoke,
        rotations::list,
        rotations::start,
        rotations::show,
        rotations::complete,
        rotations::cancel,
        rotations::set_automatic,
        expiry::list,
        oauth_clients::list,
        oauth_clients::create,
        oauth_clients::revoke,
        oauth_clients::issue_secret,
        oauth_clients::revoke_secret,
        federation::show,
        federation::set,
        federation::remove,
        setup_links::list,
        setup_links::create,
        setup_links::revoke,
        resources::search,
        resources::show,
        resources::members,
        resources::history,
        resources::change_log,
        resources::collisions,
        resources::deleted,
        resources::restore,
        conformance::examine,
        audit::list,
        audit::verify,
    ),
    modifiers(&WhatAllShare)
)]
struct Description;

/// The description.
pub fn document() -> openapi::OpenApi {
    Description::openapi()
}

/// This description.
#[utoipa::path(get, path = "/api/v1/openapi.json", tag = "description",
    responses((status = 200, body = serde_json::Value, description = "OpenAPI 3.1")))]
pub(super) async fn show() -> Result<HttpResponse, Problem> {
    static TEXT: LazyLock<String> = LazyLock::new(|| document().to_json().unwrap_or_default());
    Ok(HttpResponse::Ok().content_type("application/json").body(TEXT.as_str()))
}

/// What is so for every route, and is not said at each: how it fails, and who may call it.
struct WhatAllShare;

impl Modify for WhatAllShare {
    fn modify(&self, document: &mut openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        components.add_security_scheme(
            "session",
            SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new(cookies::SESSION))),
        );
        components.add_security_scheme(
            "csrf",
            SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new("X-CSRF-Token"))),
        );
        let api_token =
            HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some("An API token.")).build();
        components.add_security_scheme("apiToken", SecurityScheme::Http(api_token));
        let name = problem::ProblemDetails::name().into_owned();
        components.schemas.insert(name.clone(), problem::ProblemDetails::schema());
        let schema = openapi::Ref::from_schema_name(name);
        let failure = ResponseBuilder::new()
            .description("Problem details (RFC 9457).")
            .content(problem::MEDIA_TYPE, Content::new(Some(schema)))
            .build();
        for (path, item) in &mut document.paths.paths {
            let methods = [
                ("GET", &mut item.get),
                ("POST", &mut item.post),
                ("PUT", &mut item.put),
                ("PATCH", &mut item.patch),
                ("DELETE", &mut item.delete),
            ];
            for (method, operation) in methods {
                let Some(operation) = operation else { continue };
                if let (Some(name), Some([tag, ..])) =
                    (&mut operation.operation_id, operation.tags.as_deref())
                {
                    // Handlers have one name in each room.
                    *name = format!("{}-{name}", tag.replace(' ', "-"));
                }
                // The standard wants each answer described; where the handler's words say it all, the status does.
                for (status, response) in &mut operation.responses.responses {
                    if let RefOr::T(response) = response
                        && response.description.is_empty()
                    {
                        response.description = described(status).to_owned();
                    }
                }
                operation.responses.responses.insert("default".to_owned(), RefOr::T(failure.clone()));
                let route = ROUTES
                    .iter()
                    .find(|route| route.method == method && path.strip_prefix(PREFIX) == Some(route.path));
                if let Some(route) = route {
                    operation.security = security(route);
                    let who = format!("For: {}.", words(route.access));
                    operation.description = Some(match operation.description.take() {
                        Some(text) => format!("{text}\n\n{who}"),
                        None => who,
                    });
                }
            }
        }
    }
}

/// A session, with the CSRF token for what changes something; or an API token.
fn security(route: &Route) -> Option<Vec<SecurityRequirement>> {
    let named = |name: &str| SecurityRequirement::new::<_, [&str; 0], _>(name, []);
    let session = match route.method {
        "GET" => named("session"),
        _ => named("session").add::<_, [&str; 0], _>("csrf", []),
    };
    match route.access {
        Access::Public => None,
        _ if needs_session(route) => Some(vec![session]),
        _ => Some(vec![session, named("apiToken")]),
    }
}

fn described(status: &str) -> &'static str {
    match status {
        "201" => "Made.",
        "204" => "Done; there is nothing to say.",
        _ => "Done.",
    }
}

fn words(access: Access) -> &'static str {
    match access {
        Access::Public => "everybody",
        Access::Newcomer => "whoever has a session, even before the first sign-in is finished",
        Access::Viewer => "viewers, support and admins",
        Access::Support => "support and admins",
        Access::Admin => "admins",
    }
}
