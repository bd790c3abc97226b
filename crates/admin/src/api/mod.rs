//! The JSON API, read from top to bottom: every path under `/api/v1`, who may call it, and what answers.

mod api_tokens;
mod audit;
mod caller;
mod conformance;
mod expiry;
mod federation;
mod oauth_clients;
mod openapi;
mod operators;
mod problem;
mod request;
mod resources;
mod rotations;
mod secret_tokens;
mod session;
mod setup_links;
mod stored;
mod tenants;

pub use crate::route::{Access, Route};
pub use openapi::document;
pub use problem::PROBLEM;

use crate::route::routes;
use actix_web::{HttpResponse, http::header::X_CONTENT_TYPE_OPTIONS, middleware::DefaultHeaders, web};
use problem::Problem;

/// Where the table is mounted.
pub const PREFIX: &str = "/api/v1";

/// Largest body, in bytes.
const MAX_BODY: usize = 64 * 1024;

routes! { "/api/v1", Problem;
    "/openapi.json" { GET Public => openapi::show }
    "/session" { POST Public => session::sign_in, GET Newcomer => session::show, DELETE Newcomer => session::sign_out }
    "/session/password" { PUT Newcomer => session::change_password }
    "/session/totp" { POST Newcomer => session::begin_totp, PUT Newcomer => session::confirm_totp }
    "/operators" { GET Admin => operators::list, POST Admin => operators::create }
    "/operators/{name}/reset" { POST Admin => operators::reset }
    "/operators/{name}/disable" { POST Admin => operators::disable }
    "/operators/{name}/enable" { POST Admin => operators::enable }
    "/operators/{name}/role" { PUT Admin => operators::set_role }
    "/api-tokens" { GET Viewer => api_tokens::list, POST Viewer => api_tokens::create }
    "/api-tokens/{key_id}/revoke" { POST Viewer => api_tokens::revoke }
    "/tenants" { GET Viewer => tenants::list, POST Support => tenants::create }
    "/tenants/{tenant}" { GET Viewer => tenants::show, PATCH Support => tenants::change, DELETE Admin => tenants::delete }
    "/tenants/{tenant}/suspend" { POST Support => tenants::suspend }
    "/tenants/{tenant}/resume" { POST Support => tenants::resume }
    "/tenants/{tenant}/conformance" { POST Support => conformance::examine }
    "/tenants/{tenant}/export" { POST Admin => tenants::export }
    "/tenants/{tenant}/secret-tokens" { GET Viewer => secret_tokens::list, POST Support => secret_tokens::issue }
    "/tenants/{tenant}/secret-tokens/{key_id}/revoke" { POST Support => secret_tokens::revoke }
    "/tenants/{tenant}/rotations" { GET Viewer => rotations::list, POST Support => rotations::start }
    "/tenants/{tenant}/rotations/{id}" { GET Viewer => rotations::show }
    "/tenants/{tenant}/rotations/{id}/complete" { POST Support => rotations::complete }
    "/tenants/{tenant}/rotations/{id}/cancel" { POST Support => rotations::cancel }
    "/tenants/{tenant}/rotations/{id}/automatic" { PUT Support => rotations::set_automatic }
    "/tenants/{tenant}/oauth-clients" { GET Viewer => oauth_clients::list, POST Support => oauth_clients::create }
    "/tenants/{tenant}/oauth-clients/{client_id}/revoke" { POST Support => oauth_clients::revoke }
    "/tenants/{tenant}/oauth-clients/{client_id}/secrets" { POST Support => oauth_clients::issue_secret }
    "/tenants/{tenant}/oauth-clients/{client_id}/secrets/{key_id}/revoke" { POST Support => oauth_clients::revoke_secret }
    "/tenants/{tenant}/federation" {
        GET Viewer => federation::show, PUT Support => federation::set, DELETE Support => federation::remove
    }
    "/tenants/{tenant}/setup-links" { GET Viewer => setup_links::list, POST Support => setup_links::create }
    "/tenants/{tenant}/setup-links/{id}/revoke" { POST Support => setup_links::revoke }
    "/tenants/{tenant}/resources/{type}" { GET Viewer => resources::search }
    "/tenants/{tenant}/resources/{type}/{id}" { GET Viewer => resources::show }
    "/tenants/{tenant}/resources/{type}/{id}/members" { GET Viewer => resources::members }
    "/tenants/{tenant}/resources/{type}/{id}/history" { GET Viewer => resources::history }
    "/tenants/{tenant}/change-log" { GET Viewer => resources::change_log }
    "/tenants/{tenant}/collisions" { GET Viewer => resources::collisions }
    "/tenants/{tenant}/deleted" { GET Viewer => resources::deleted }
    "/tenants/{tenant}/deleted/{id}/restore" { POST Support => resources::restore }
    "/expiring-credentials" { GET Viewer => expiry::list }
    "/audit" { GET Admin => audit::list }
    "/audit/verification" { GET Admin => audit::verify }
}

/// What gives somebody access. An API token that has leaked must not become more than it is.
const GIVING_ACCESS: [(&str, &str); 5] = [
    ("POST", "/operators"),
    ("POST", "/operators/{name}/reset"),
    ("POST", "/operators/{name}/enable"),
    ("PUT", "/operators/{name}/role"),
    ("POST", "/api-tokens"),
];

/// Whether a route is for sessions alone (and, but for those of a session itself, for the machine's command line), so that no
/// API token helps. The type of the handler's first argument is what keeps it so.
pub fn needs_session(route: &Route) -> bool {
    route.access == Access::Newcomer || GIVING_ACCESS.contains(&(route.method, route.path))
}

/// Mounts the table under [`PREFIX`]. The application must hold `Data<Admin>`.
pub(crate) fn configure(config: &mut web::ServiceConfig) {
    let no_such_path = async || -> Result<HttpResponse, Problem> { Err(Problem::NoSuchPath) };
    let scope = mount(web::scope(PREFIX)).default_service(web::to(no_such_path));
    // Whatever a browser is shown, it is what its media type says.
    config.service(scope.wrap(DefaultHeaders::new().add((X_CONTENT_TYPE_OPTIONS, "nosniff"))));
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_description_has_every_route_and_no_other() {
        let document = serde_json::to_value(document()).unwrap();
        let described: BTreeSet<(String, String)> = document["paths"]
            .as_object()
            .unwrap()
            .iter()
            .flat_map(|(path, operations)| {
                let methods = operations.as_object().unwrap().keys();
                methods.map(move |method| (method.to_uppercase(), path.clone()))
            })
            .collect();
        let routes: BTreeSet<(String, String)> =
            ROUTES.iter().map(|route| (route.method.to_owned(), format!("{PREFIX}{}", route.path))).collect();
        assert_eq!(described, routes);
        assert_eq!(routes.len(), ROUTES.len(), "a route is there twice");
        let operations =
            document["paths"].as_object().unwrap().values().flat_map(|path| path.as_object().unwrap());
        let names: BTreeSet<&str> =
            operations.map(|(_, operation)| operation["operationId"].as_str().unwrap()).collect();
        assert_eq!(names.len(), ROUTES.len(), "each operation has a name of its own: {names:?}");
        assert_eq!(document["openapi"], "3.1.0");
    }

    /// A request that makes something may come again.
    #[test]
    fn whatever_makes_something_takes_an_idempotency_key() {
        let document = serde_json::to_value(document()).unwrap();
        let operations =
            document["paths"].as_object().unwrap().values().flat_map(|path| path.as_object().unwrap());
        let mut made = 0;
        for (_, operation) in operations {
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            let keys = parameters.filter(|parameter| parameter["name"] == "Idempotency-Key").count();
            let makes = operation["responses"].get("201").is_some();
            assert_eq!(keys, usize::from(makes), "{}", operation["operationId"]);
            made += keys;
        }
        assert_eq!(made, 8);
    }

    #[test]
    fn each_route_says_who_may_call_it_and_how_it_fails() {
        let document = serde_json::to_value(document()).unwrap();
        for route in ROUTES {
            let operation =
                &document["paths"][format!("{PREFIX}{}", route.path)][route.method.to_lowercase()];
            let is_public = operation.get("security").is_none();
            assert_eq!(is_public, route.access == Access::Public, "{route:?}");
            assert!(operation["responses"]["default"]["content"]["application/problem+json"].is_object());
            for response in operation["responses"].as_object().unwrap().values() {
                assert!(response["description"].as_str().is_some_and(|words| !words.is_empty()), "{route:?}");
            }
            let variables: Vec<&str> = route.path.split('/').filter(|part| part.starts_with('{')).collect();
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            let in_path = parameters.filter(|parameter| parameter["in"] == "path").count();
            assert_eq!(in_path, variables.len(), "{route:?}");
            if !is_public && route.method != "GET" {
                let schemes = operation["security"][0].as_object().unwrap();
                assert!(schemes.contains_key("csrf"), "{route:?}");
            }
            let takes_tokens = operation["security"][1].get("apiToken").is_some();
            assert_eq!(takes_tokens, !is_public && !needs_session(route), "{route:?}");
        }
    }
}
