//! Routes of the API and the console: one table each, read from top to bottom, walked by tests.

/// Who may call a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// Everybody.
    Public,
    /// Whoever has signed in, even with a one-time password or without a second factor.
    Newcomer,
    /// Each operator.
    Viewer,
    /// Support and admins.
    Support,
    /// Admins.
    Admin,
}

/// A route as tests walk it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// HTTP method.
    pub method: &'static str,
    /// Path under the prefix of its table, with `{…}` for its variable parts.
    pub path: &'static str,
    /// Who may call it. The type of the handler's first argument is what keeps it so.
    pub access: Access,
}

/// A routing table: the constant that tests walk and the function that mounts it, made of the same lines. Other methods of
/// a path are refused with `$refusal::MethodNotAllowed`.
macro_rules! routes {
    ($prefix:literal, $refusal:ident; $($path:literal { $($method:ident $access:ident => $handler:expr),+ $(,)? })+) => {
        /// Every route of the table.
        pub const ROUTES: &[$crate::route::Route] =
            &[$($($crate::route::Route { method: stringify!($method), path: $path, access: $crate::route::Access::$access },)+)+];

        fn mount(scope: actix_web::Scope) -> actix_web::Scope {
            scope$(.service(
                actix_web::web::resource($path)
                    .name(concat!($prefix, $path))
                    $(.route(actix_web::web::method(actix_web::http::Method::$method).to($handler)))+
                    .default_service(actix_web::web::to(async || -> Result<actix_web::HttpResponse, $refusal> {
                        Err($refusal::MethodNotAllowed($crate::route::allowed!($($method),+)))
                    })),
            ))+
        }
    };
}

macro_rules! allowed {
    ($first:ident $(, $method:ident)*) => { concat!(stringify!($first) $(, ", ", stringify!($method))*) };
}

pub(crate) use {allowed, routes};
