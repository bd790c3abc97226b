//! What the store counts of its lanes, as Prometheus reads it. No label is chosen by a request.

use prometheus::{
    Registry,
    core::{Collector, Desc},
    proto::{Bucket, Counter, Gauge, Histogram, LabelPair, Metric, MetricFamily, MetricType},
};
use std::collections::HashMap;
use store::{COUNTS, Distribution, LaneFigures, Store, TIMES};

/// Registers the metrics of all lanes.
pub(super) fn register(registry: &Registry, store: &Store) -> prometheus::Result<()> {
    registry.register(Box::new(Lanes::new(store.clone())?))
}

/// A metric of each lane: its name, what it says, and how it is read.
struct Of(&'static str, &'static str, Read);

enum Read {
    Gauge(fn(&LaneFigures) -> u64),
    Counter(fn(&LaneFigures) -> u64),
    Times(fn(&LaneFigures) -> &Distribution),
    Counts(fn(&LaneFigures) -> &Distribution),
}

const METRICS: [Of; 10] = [
    Of(
        "juno_lane_depth",
        "Requests that wait for a thread of the lane, or for another request's scan.",
        Read::Gauge(|lane| lane.depth),
    ),
    Of(
        "juno_lane_connections",
        "Open connections of the lane to the database.",
        Read::Gauge(|lane| lane.connections.open),
    ),
    Of(
        "juno_lane_connections_busy",
        "Connections of the lane on which a job runs.",
        Read::Gauge(|lane| lane.connections.busy),
    ),
    Of("juno_lane_wait_seconds", "How long jobs have waited for a thread.", Read::Times(|lane| &lane.waited)),
    Of(
        "juno_lane_work_seconds",
        "How long the database has worked on a job or batch.",
        Read::Times(|lane| &lane.worked),
    ),
    Of("juno_lane_batch_jobs", "Jobs that were done together.", Read::Counts(|lane| &lane.batch)),
    Of("juno_lane_work_total", "Units of work as they were estimated.", Read::Counter(|lane| lane.weight)),
    Of("juno_lane_extra_work_total", "Units of work above the estimates.", Read::Counter(|lane| lane.extra)),
    Of(
        "juno_lane_cancelled_total",
        "Jobs that were ended or not begun since nobody waited for them.",
        Read::Counter(|lane| lane.cancelled),
    ),
    Of("juno_lane_late_total", "Jobs that missed their deadline.", Read::Counter(|lane| lane.late)),
];

struct Lanes {
    store: Store,
    descriptions: Vec<Desc>,
}

impl Lanes {
    fn new(store: Store) -> prometheus::Result<Lanes> {
        let describe = |Of(name, help, _): &Of| {
            Desc::new((*name).to_owned(), (*help).to_owned(), vec!["lane".to_owned()], HashMap::new())
        };
        let mut descriptions = METRICS.iter().map(describe).collect::<prometheus::Result<Vec<_>>>()?;
        descriptions.push(Desc::new(
            IN_FLIGHT.0.to_owned(),
            IN_FLIGHT.1.to_owned(),
            Vec::new(),
            HashMap::new(),
        )?);
        Ok(Lanes { store, descriptions })
    }
}

const IN_FLIGHT: (&str, &str) = ("juno_work_in_flight", "Units of work in flight, of all tenants.");

impl Collector for Lanes {
    fn desc(&self) -> Vec<&Desc> {
        self.descriptions.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let lanes = self.store.lanes();
        let mut families: Vec<MetricFamily> = METRICS.iter().map(|of| family(of, &lanes)).collect();
        let mut metric = Metric::default();
        metric.set_gauge(gauge(self.store.work_in_flight()));
        families.push(named(IN_FLIGHT.0, IN_FLIGHT.1, MetricType::GAUGE, vec![metric]));
        families
    }
}

fn named(name: &str, help: &str, kind: MetricType, metrics: Vec<Metric>) -> MetricFamily {
    let mut family = MetricFamily::default();
    family.set_name(name.to_owned());
    family.set_help(help.to_owned());
    family.set_field_type(kind);
    family.set_metric(metrics);
    family
}

fn family(Of(name, help, read): &Of, lanes: &[LaneFigures]) -> MetricFamily {
    let kind = match read {
        Read::Gauge(_) => MetricType::GAUGE,
        Read::Counter(_) => MetricType::COUNTER,
        Read::Times(_) | Read::Counts(_) => MetricType::HISTOGRAM,
    };
    named(name, help, kind, lanes.iter().map(|lane| metric(read, lane)).collect())
}

fn metric(read: &Read, lane: &LaneFigures) -> Metric {
    let mut label = LabelPair::default();
    label.set_name("lane".to_owned());
    label.set_value(lane.lane.name().to_owned());
    let mut metric = Metric::default();
    metric.set_label(vec![label]);
    match read {
        Read::Gauge(read) => metric.set_gauge(gauge(read(lane))),
        Read::Counter(read) => {
            let mut counter = Counter::default();
            counter.set_value(read(lane) as f64);
            metric.set_counter(counter);
        }
        Read::Times(read) => metric.set_histogram(histogram(read(lane), &TIMES)),
        Read::Counts(read) => metric.set_histogram(histogram(read(lane), &COUNTS)),
    }
    metric
}

fn gauge(value: u64) -> Gauge {
    let mut gauge = Gauge::default();
    gauge.set_value(value as f64);
    gauge
}

fn histogram(values: &Distribution, bounds: &[f64]) -> Histogram {
    let mut so_far = 0;
    let buckets = bounds.iter().zip(&values.buckets).map(|(bound, count)| {
        so_far += count;
        let mut bucket = Bucket::default();
        bucket.set_upper_bound(*bound);
        bucket.set_cumulative_count(so_far);
        bucket
    });
    let buckets: Vec<Bucket> = buckets.collect();
    let mut histogram = Histogram::default();
    histogram.set_bucket(buckets);
    histogram.set_sample_count(values.buckets.iter().sum());
    histogram.set_sample_sum(values.sum);
    histogram
}
