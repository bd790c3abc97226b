//! Metrics of the process as a whole; the rooms register their own.

mod lanes;
mod process;

use actix_web::web::Data;
use prometheus::{
    IntCounter, IntGauge, Opts, Registry,
    core::{Collector, Desc},
    proto::MetricFamily,
};
use scim_api::App;
use store::Store;

/// A registry with the version that runs.
pub(crate) fn registry() -> prometheus::Result<Registry> {
    let registry = Registry::new();
    let build = Opts::new("juno_build_info", "1, labelled with the version that runs.");
    let build = IntGauge::with_opts(build.const_label("version", env!("CARGO_PKG_VERSION")))?;
    build.set(1);
    registry.register(Box::new(build))?;
    process::register(&registry)?;
    Ok(registry)
}

/// Registers counts that others keep.
pub(crate) fn register_counts(registry: &Registry, app: &Data<App>, store: &Store) -> prometheus::Result<()> {
    let budget = app.budget().clone();
    let help = "Bytes of memory that requests of provisioning clients hold: bodies, resources and answers.";
    Level::register(registry, "juno_bytes_in_flight", help, move || budget.in_flight())?;
    let budget = app.budget().clone();
    let help = "Requests that were refused with 429, since the memory that they need did not become free.";
    Count::register(registry, "juno_bytes_refused_total", help, move || budget.refused())?;
    let (of, store) = (app.clone(), store.clone());
    let help = "Questions to the database about a credential that the cache did not have.";
    Count::register(registry, "juno_credential_queries_total", help, move || of.authenticator().queries())?;
    let of = app.clone();
    let help = "Requests whose credential the cache had.";
    Count::register(registry, "juno_credential_hits_total", help, move || of.authenticator().hits())?;
    let help = "Requests refused with 429, as their network has shown too many unknown Secret Tokens.";
    let of = app.clone();
    Count::register(registry, "juno_unknown_tokens_refused_total", help, move || {
        of.authenticator().rationed()
    })?;
    lanes::register(registry, &store)?;
    let of = store.clone();
    let help = "Jobs that had to wait since their tenant was beyond its budget of work.";
    Count::register(registry, "juno_held_back_total", help, move || of.held_back())?;
    let help = "Jobs that were refused since their tenant had too much work in flight for too long.";
    Count::register(registry, "juno_work_refused_total", help, move || store.refused())
}

/// A count that another keeps, read whenever metrics are asked for.
struct Count<F> {
    counter: IntCounter,
    read: F,
}

impl<F: Fn() -> u64 + Send + Sync + 'static> Count<F> {
    fn register(registry: &Registry, name: &str, help: &str, read: F) -> prometheus::Result<()> {
        registry.register(Box::new(Count { counter: IntCounter::new(name, help)?, read }))
    }
}

impl<F: Fn() -> u64 + Send + Sync> Collector for Count<F> {
    fn desc(&self) -> Vec<&Desc> {
        self.counter.desc()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        self.counter.inc_by((self.read)().saturating_sub(self.counter.get()));
        self.counter.collect()
    }
}

/// A level that another keeps, read whenever metrics are asked for.
struct Level<F> {
    gauge: IntGauge,
    read: F,
}

impl<F: Fn() -> usize + Send + Sync + 'static> Level<F> {
    fn register(registry: &Registry, name: &str, help: &str, read: F) -> prometheus::Result<()> {
        registry.register(Box::new(Level { gauge: IntGauge::new(name, help)?, read }))
    }
}

impl<F: Fn() -> usize + Send + Sync> Collector for Level<F> {
    fn desc(&self) -> Vec<&Desc> {
        self.gauge.desc()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        self.gauge.set(i64::try_from((self.read)()).unwrap_or(i64::MAX));
        self.gauge.collect()
    }
}
