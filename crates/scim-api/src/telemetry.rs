//! Metrics of the SCIM listener: by operation and by authenticated tenant, never by raw path or by what a stranger sent.

use actix_web::{
    Error, HttpMessage,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    middleware::Next,
    web::Data,
};
use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry};
use scim::effect::{self, Count, Effect, Outcome};
use std::{sync::Arc, time::Instant};
use store::Tenant;

use crate::App;

/// The authenticated tenant: set in the request's extensions once its credential was good.
#[derive(Clone, Debug)]
pub struct RequestTenant(pub Arc<Tenant>);

/// Counters and histograms of the SCIM listener.
#[derive(Clone)]
pub struct Metrics {
    requests: IntCounterVec,
    seconds: HistogramVec,
    effects: IntCounterVec,
}

impl Metrics {
    /// Registers the metrics.
    ///
    /// # Errors
    /// If they are registered already.
    pub fn register(registry: &Registry) -> prometheus::Result<Metrics> {
        let requests = IntCounterVec::new(
            Opts::new(
                "juno_scim_requests_total",
                "Requests answered, by authenticated tenant, route and status.",
            ),
            &["tenant", "method", "route", "status"],
        )?;
        let seconds = HistogramVec::new(
            HistogramOpts::new(
                "juno_scim_request_seconds",
                "Seconds from a request's head to its answer's, by route.",
            )
            .buckets(vec![0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0]),
            &["method", "route"],
        )?;
        let effects = IntCounterVec::new(
            Opts::new(
                "juno_scim_effects_total",
                "What became of operations and attributes of requests, by tenant: applied, already true, coerced or \
                 ignored, and by which rule.",
            ),
            &["tenant", "outcome", "rule"],
        )?;
        registry.register(Box::new(requests.clone()))?;
        registry.register(Box::new(seconds.clone()))?;
        registry.register(Box::new(effects.clone()))?;
        Ok(Metrics { requests, seconds, effects })
    }

    /// Counts the effects of a request.
    pub(crate) fn count_effects(&self, tenant: &str, effects: &[Effect]) {
        self.add_effects(tenant, effect::counts(effects));
    }

    /// Adds effects that are counted already.
    pub(crate) fn add_effects(&self, tenant: &str, counts: Vec<Count>) {
        for Count { outcome, rule, count } in counts {
            let outcome = match outcome {
                Outcome::Applied => "applied",
                Outcome::AlreadyTrue => "already_true",
                Outcome::Coerced => "coerced",
                Outcome::Ignored => "ignored",
            };
            self.effects.with_label_values(&[tenant, outcome, rule.unwrap_or("")]).inc_by(count);
        }
    }
}

/// Middleware: measures each request that the routing table answers.
pub(crate) async fn measure(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let start = Instant::now();
    let response = next.call(request).await?;
    let request = response.request();
    if let Some(app) = request.app_data::<Data<App>>() {
        let route = request.match_name().unwrap_or("unknown");
        let method = known_method(request.method().as_str());
        let extensions = request.extensions();
        let tenant = extensions.get::<RequestTenant>().map_or("", |tenant| tenant.0.label.as_str());
        app.metrics.seconds.with_label_values(&[method, route]).observe(start.elapsed().as_secs_f64());
        app.metrics.requests.with_label_values(&[tenant, method, route, response.status().as_str()]).inc();
    }
    Ok(response)
}

/// Methods as a bounded set of labels.
pub(crate) fn known_method(method: &str) -> &'static str {
    ["GET", "POST", "PUT", "PATCH", "DELETE"].into_iter().find(|known| *known == method).unwrap_or("other")
}
