//! Whether the process lives, whether it can serve, and its metrics.

use actix_web::{HttpResponse, web};
use prometheus::{Registry, TextEncoder};
use std::time::{Duration, Instant};
use store::Store;
use tokens::Seldom;

/// How long `/readyz` waits for the database: shorter than the probes of usual orchestrators.
const PING_TIMEOUT: Duration = Duration::from_secs(1);

/// Anybody who reaches the listener may ask.
static NOT_READY: Seldom = Seldom::new();

/// What monitoring shows.
pub struct Monitoring {
    store: Store,
    registry: Registry,
}

impl Monitoring {
    /// Shows what is registered in `registry`, and whether `store` answers.
    pub fn new(store: Store, registry: Registry) -> Monitoring {
        Monitoring { store, registry }
    }
}

/// Where it is shown.
const PATHS: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

/// Whether only machines ask for this path, every few seconds.
pub fn is_probe(path: &str) -> bool {
    PATHS.contains(&path)
}

/// Mounts `/healthz`, `/readyz` and `/metrics`. The application must hold `Data<Monitoring>`.
pub(crate) fn configure(config: &mut web::ServiceConfig) {
    let routes = [web::get().to(alive), web::get().to(ready), web::get().to(metrics)];
    for (path, route) in PATHS.into_iter().zip(routes) {
        config.service(web::resource(path).route(route));
    }
}

/// 200 as long as the process answers at all: a restart would help if it did not.
async fn alive() -> HttpResponse {
    text("ok\n")
}

/// 503 while the database does not answer: a restart would not help, other machines may.
async fn ready(monitoring: web::Data<Monitoring>) -> HttpResponse {
    match tokio::time::timeout(PING_TIMEOUT, monitoring.store.ping()).await {
        Ok(Ok(())) => text("ready\n"),
        Ok(Err(cause)) => {
            if let Some(omitted) = NOT_READY.admit(Instant::now()) {
                tracing::warn!(%cause, omitted, "not ready");
            }
            HttpResponse::ServiceUnavailable().body("the database is not available\n")
        }
        Err(_) => {
            if let Some(omitted) = NOT_READY.admit(Instant::now()) {
                tracing::warn!(omitted, "not ready: the database did not answer in time");
            }
            HttpResponse::ServiceUnavailable().body("the database did not answer in time\n")
        }
    }
}

/// Prometheus' text format.
async fn metrics(monitoring: web::Data<Monitoring>) -> HttpResponse {
    match TextEncoder::new().encode_to_string(&monitoring.registry.gather()) {
        Ok(body) => HttpResponse::Ok().content_type(prometheus::TEXT_FORMAT).body(body),
        Err(cause) => {
            tracing::error!(%cause, "metrics cannot be encoded");
            HttpResponse::InternalServerError().finish()
        }
    }
}

fn text(body: &'static str) -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body(body)
}
