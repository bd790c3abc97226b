//! One log line for each request: what was asked by route, never by raw path, query or body; by whom only if proven.

use crate::clock;
use actix_web::{
    Error, HttpMessage,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::header::{HeaderName, HeaderValue},
    middleware::Next,
};
use scim_api::RequestTenant;
use std::time::Instant;
use tracing::Instrument;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Middleware: gives the request an id, which stands in the answer, in this line and in every line beneath it.
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
    tracing::info!(
        target: "access",
        method = asked.method().as_str(),
        route = asked.match_pattern().as_deref().unwrap_or("none"),
        status = response.status().as_u16(),
        ms = start.elapsed().as_micros() as f64 / 1000.0,
        tenant = asked.extensions().get::<RequestTenant>().map(|tenant| tenant.0.label.as_str()),
        "answered"
    );
    Ok(response)
}

/// The same for the operators' API and console alone: the probes beside them come every few seconds and say nothing.
pub(crate) async fn record_operators<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    if admin::is_probe(request.path()) { next.call(request).await } else { record(request, next).await }
}
