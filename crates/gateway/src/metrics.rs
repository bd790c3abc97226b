//! Metrics of the process as a whole; the rooms register their own.

use actix_web::web::Data;
use prometheus::{
    IntCounter, IntGauge, Opts, Registry,
    core::{Collector, Desc},
    proto::MetricFamily,
};
use scim_api::App;

/// A registry with the version that runs.
pub(crate) fn registry() -> prometheus::Result<Registry> {
    let registry = Registry::new();
    let build = Opts::new("juno_build_info", "1, labelled with the version that runs.");
    let build = IntGauge::with_opts(build.const_label("version", env!("CARGO_PKG_VERSION")))?;
    build.set(1);
    registry.register(Box::new(build))?;
    Ok(registry)
}

/// Registers what the authenticator counts.
pub(crate) fn register_credentials(registry: &Registry, app: Data<App>) -> prometheus::Result<()> {
    let help = "Questions to the database about a credential; all other requests were answered from memory.";
    let queries = IntCounter::new("juno_credential_queries_total", help)?;
    registry.register(Box::new(Credentials { app, queries }))
}

/// Reads the authenticator's own count whenever metrics are asked for.
struct Credentials {
    app: Data<App>,
    queries: IntCounter,
}

impl Collector for Credentials {
    fn desc(&self) -> Vec<&Desc> {
        self.queries.desc()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let total = self.app.authenticator().queries();
        self.queries.inc_by(total.saturating_sub(self.queries.get()));
        self.queries.collect()
    }
}
