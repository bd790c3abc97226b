//! One log line for each request: its route, never its raw path, query or body; its tenant only if
//! that is proven. Requests of strangers share one line a second.

use crate::clock;
use actix_web::{
    Error, HttpMessage, HttpRequest,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::{
        Method,
        header::{HeaderName, HeaderValue},
    },
    middleware::Next,
    web::Data,
};
use prometheus::{IntCounterVec, Opts, Registry};
use scim_api::RequestTenant;
use std::time::Instant;
use tokens::Seldom;
use tracing::Instrument;
use web::Authenticated;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Requests whose sender has not shown who they are, by listener and status.
#[derive(Clone)]
pub(crate) struct StrangerMetrics(IntCounterVec);

impl StrangerMetrics {
    /// Registers the metric.
    ///
    /// # Errors
    /// It is registered already.
    pub(crate) fn register(registry: &Registry) -> prometheus::Result<StrangerMetrics> {
        let help = "Requests answered whose sender was not authenticated, by listener and status; probes do not count.";
        let opts = Opts::new("juno_unauthenticated_requests_total", help);
        let counter = IntCounterVec::new(opts, &["listener", "status"])?;
        registry.register(Box::new(counter.clone()))?;
        Ok(StrangerMetrics(counter))
    }
}

/// The access log of one listener.
pub(crate) struct AccessLog {
    listener: &'static str,
    metrics: StrangerMetrics,
    strangers: Seldom,
}

impl AccessLog {
    /// Of this listener.
    pub(crate) fn new(listener: &'static str, metrics: StrangerMetrics) -> AccessLog {
        AccessLog { listener, metrics, strangers: Seldom::new() }
    }

    /// Writes the line of a request that began at `start` and has this status.
    fn write(&self, asked: &HttpRequest, status: u16, start: Instant) {
        let now = Instant::now();
        let extensions = asked.extensions();
        let tenant = extensions.get::<RequestTenant>().map(|tenant| tenant.0.label.as_str());
        let is_known = tenant.is_some() || extensions.contains::<Authenticated>();
        let mut omitted = 0;
        if !is_known {
            self.metrics.0.with_label_values(&[self.listener, &status.to_string()]).inc();
            let Some(since) = self.strangers.admit(now) else { return };
            omitted = since;
        }
        tracing::info!(
            target: "access",
            method = known_method(asked.method()),
            route = asked.match_pattern().as_deref().unwrap_or("none"),
            status,
            ms = now.saturating_duration_since(start).as_micros() as f64 / 1000.0,
            tenant,
            omitted = (omitted > 0).then_some(omitted),
            "answered"
        );
    }
}

/// The name of a standard method. Others are the client's own words, of any length.
fn known_method(method: &Method) -> &str {
    use Method as M;
    let known = [M::GET, M::POST, M::PUT, M::PATCH, M::DELETE, M::HEAD, M::OPTIONS, M::TRACE, M::CONNECT];
    if known.contains(method) { method.as_str() } else { "other" }
}

/// Middleware: gives the request an id, which stands in the answer, in this line and in every line
/// beneath it. The application holds `Data<AccessLog>`.
pub(crate) async fn record<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let start = Instant::now();
    let id = clock::new_id().hyphenated().to_string();
    let span = tracing::info_span!("request", id);
    let mut response = next.call(request).instrument(span.clone()).await?;
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    let _entered = span.enter();
    let asked = response.request();
    if let Some(log) = asked.app_data::<Data<AccessLog>>() {
        log.write(asked, response.status().as_u16(), start);
    }
    Ok(response)
}

/// The same for the operators' API and console alone: the probes beside them come every few seconds
/// and say nothing.
pub(crate) async fn record_operators<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    if admin::is_probe(request.path()) { next.call(request).await } else { record(request, next).await }
}
