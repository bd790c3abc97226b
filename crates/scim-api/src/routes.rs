//! The routing table, read from top to bottom: every path under a Tenant URL and what answers it.

use crate::{ApiError, Client, bulk, discovery, resources, telemetry};
use actix_web::{HttpResponse, middleware::from_fn, web};
use resources::{Groups, Users};

/// A route as tests walk it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// HTTP method.
    pub method: &'static str,
    /// Path under the Tenant URL, with `{…}` for its variable parts; a final slash makes no difference.
    pub path: &'static str,
}

macro_rules! routes {
    ($($path:literal { $($method:ident => $handler:expr),+ $(,)? })+) => {
        /// Every route under a Tenant URL.
        pub const ROUTES: &[Route] = &[$($(Route { method: stringify!($method), path: $path },)+)+];

        fn mount(scope: actix_web::Scope) -> actix_web::Scope {
            scope$(.service(
                // Entra's own tools put a slash behind some of them.
                web::resource([$path, concat!($path, "/")])
                    .name($path)
                    $(.route(web::method(actix_web::http::Method::$method).to($handler)))+
                    .default_service(web::to(async |_: Client| -> Result<HttpResponse, ApiError> {
                        Err(ApiError::MethodNotAllowed(allowed!($($method),+)))
                    })),
            ))+
        }
    };
}

macro_rules! allowed {
    ($first:ident $(, $method:ident)*) => { concat!(stringify!($first) $(, ", ", stringify!($method))*) };
}

routes! {
    "/Users" { GET => resources::search::<Users>, POST => resources::create::<Users> }
    "/Users/.search" { POST => resources::post_search::<Users> }
    "/Users/{id}" {
        GET => resources::get::<Users>,
        PUT => resources::replace::<Users>,
        PATCH => resources::patch::<Users>,
        DELETE => resources::delete::<Users>,
    }
    "/Groups" { GET => resources::search::<Groups>, POST => resources::create::<Groups> }
    "/Groups/.search" { POST => resources::post_search::<Groups> }
    "/Groups/{id}" {
        GET => resources::get::<Groups>,
        PUT => resources::replace::<Groups>,
        PATCH => resources::patch::<Groups>,
        DELETE => resources::delete::<Groups>,
    }
    "/.search" { POST => resources::search_all }
    "/Bulk" { POST => bulk::bulk }
    "/Me" {
        GET => discovery::me, POST => discovery::me, PUT => discovery::me, PATCH => discovery::me, DELETE => discovery::me,
    }
    "/Schemas" { GET => discovery::schemas }
    "/Schemas/{id}" { GET => discovery::schema }
    "/ResourceTypes" { GET => discovery::resource_types }
    "/ResourceTypes/{id}" { GET => discovery::resource_type }
    "/ServiceProviderConfig" { GET => discovery::service_provider_config }
}

/// Mounts the table under `/t/{tenant}/scim/v2`. The application must hold `Data<App>`.
pub fn configure(config: &mut web::ServiceConfig) {
    let scope = web::scope("/t/{tenant}/scim/v2");
    let measured = from_fn(telemetry::measure);
    config.service(mount(scope).default_service(web::to(unknown_path)).wrap(measured));
}

/// The path in the table that has this name.
pub(crate) fn known(name: Option<&str>) -> &'static str {
    ROUTES.iter().map(|route| route.path).find(|path| Some(*path) == name).unwrap_or("unknown")
}

async fn unknown_path(_client: Client) -> Result<HttpResponse, ApiError> {
    Err(scim::ScimError::not_found(
        "There is no such endpoint. The Tenant URL must end in /scim/v2, without a slash or /Users behind it.",
    )
    .into())
}
