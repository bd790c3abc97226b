//! The result of a load, for people and for machines.

use super::cost::Cost;
use super::lane::Lane;
use super::mix::Operation;
use super::record::{Record, merged};
use super::windows::Window;
use hdrhistogram::Histogram;
use jiff::Timestamp;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::{self, Display};
use std::time::Duration;

/// Percentiles of a set of times, in milliseconds.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Percentiles {
    /// How many there were.
    pub count: u64,
    /// Half were no longer.
    pub p50: f64,
    /// 90 of 100 were no longer.
    pub p90: f64,
    /// 99 of 100 were no longer.
    pub p99: f64,
    /// 999 of 1000 were no longer.
    pub p999: f64,
    /// The longest.
    pub max: f64,
}

impl Percentiles {
    pub(super) fn of(times: &Histogram<u64>) -> Percentiles {
        let at = |quantile| times.value_at_quantile(quantile) as f64 / 1e3;
        Percentiles {
            count: times.len(),
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p999: at(0.999),
            max: times.max() as f64 / 1e3,
        }
    }
}

/// The result of one tenant.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TenantResult {
    /// Its name.
    pub name: String,
    /// By which factor its rate was raised; 1 for the quiet ones.
    pub factor: f64,
    /// Requests that were due; absent if as many as possible.
    pub scheduled: Option<u64>,
    /// Requests that ended, well or not.
    pub requests: u64,
    /// Requests that were due and never sent.
    pub unsent: u64,
    /// Requests that went wrong, by status or trouble.
    pub errors: BTreeMap<String, u64>,
    /// From the moment at which a request was due to the end of its answer.
    pub latency: Percentiles,
}

/// How evenly the tenants were served.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Fairness {
    /// The median of the quiet tenants' 99th percentiles, in milliseconds.
    pub median_p99: f64,
    /// The worst of them.
    pub worst_p99: f64,
    /// Whose it is.
    pub worst_tenant: String,
    /// Worst by median.
    pub ratio: f64,
    /// All requests of the quiet tenants together.
    pub quiet: Percentiles,
    /// All requests of the loud ones together, if there were any.
    pub loud: Option<Percentiles>,
}

/// What the swarm itself used.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OwnCost {
    /// Processor time of this process for one request, in microseconds.
    pub cpu_microseconds_per_request: f64,
    /// Of one core, while it ran.
    pub cpu_percent: f64,
    /// How late it woke for requests that nothing else held up, in milliseconds.
    pub lag: Percentiles,
}

/// The result of a load.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    /// When the first request was due, by the clock of the plan.
    pub started_at: Timestamp,
    /// How long it ran, in seconds.
    pub seconds: f64,
    /// Requests that ended, well or not.
    pub requests: u64,
    /// Requests that were due; absent if as many as possible.
    pub scheduled: Option<u64>,
    /// Requests that were due and never sent.
    pub unsent: u64,
    /// Requests that went wrong.
    pub failed: u64,
    /// Requests that ended, each second.
    pub requests_per_second: f64,
    /// Wrong ones by status or trouble.
    pub errors: BTreeMap<String, u64>,
    /// From the moment at which a request was due to the end of its answer.
    pub latency: Percentiles,
    /// From the sending to the end of the answer: what a client that waits before it sends the next would have seen.
    pub service: Percentiles,
    /// Latency by operation.
    pub operations: BTreeMap<&'static str, Percentiles>,
    /// Latency by time, if it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub windows: Option<Vec<Window>>,
    /// By tenant.
    pub tenants: Vec<TenantResult>,
    /// How evenly the tenants were served.
    pub fairness: Fairness,
    /// What the swarm itself used.
    pub own_cost: OwnCost,
}

impl Outcome {
    /// Sums up what the lanes recorded in `elapsed`, for which this process used `cost`.
    pub(super) fn of(
        lanes: &[impl AsRef<Lane>],
        started_at: Timestamp,
        elapsed: Duration,
        windows: Option<Vec<Window>>,
        cost: Cost,
    ) -> Outcome {
        let records: Vec<(&Lane, Record)> =
            lanes.iter().map(AsRef::as_ref).map(|lane| (lane, lane.state().record.clone())).collect();
        let all =
            |part: fn(&Record) -> &Histogram<u64>| merged(records.iter().map(|(_, record)| part(record)));
        let requests: u64 = records.iter().map(|(_, record)| record.requests()).sum();
        let scheduled: Option<Vec<u64>> = records.iter().map(|(lane, _)| lane.pace.scheduled()).collect();
        let by_operation = |operation: Operation| {
            Percentiles::of(&merged(records.iter().map(|(_, record)| &record.latency[operation as usize])))
        };
        let mut errors = BTreeMap::new();
        for ((_, word), count) in records.iter().flat_map(|(_, record)| &record.errors) {
            *errors.entry(word.clone()).or_default() += count;
        }
        let latency = merged(records.iter().flat_map(|(_, record)| &record.latency));
        Outcome {
            started_at,
            seconds: elapsed.as_secs_f64(),
            requests,
            scheduled: scheduled.map(|all| all.iter().sum()),
            unsent: records.iter().map(|(_, record)| record.unsent).sum(),
            failed: records.iter().map(|(_, record)| record.failed()).sum(),
            requests_per_second: requests as f64 / elapsed.as_secs_f64().max(f64::EPSILON),
            errors,
            latency: Percentiles::of(&latency),
            service: Percentiles::of(&all(|record| &record.service)),
            operations: Operation::ALL.iter().map(|it| (it.word(), by_operation(*it))).collect(),
            windows,
            tenants: records.iter().map(|(lane, record)| tenant(lane, record)).collect(),
            fairness: fairness(&records),
            own_cost: OwnCost {
                cpu_microseconds_per_request: cost.total().as_secs_f64() * 1e6 / requests.max(1) as f64,
                cpu_percent: cost.total().as_secs_f64() * 100.0 / elapsed.as_secs_f64().max(f64::EPSILON),
                lag: Percentiles::of(&all(|record| &record.lag)),
            },
        }
    }

    /// Whether every request that was due was sent and answered as a correct server answers.
    pub fn is_clean(&self) -> bool {
        self.failed == 0 && self.unsent == 0
    }
}

fn tenant(lane: &Lane, record: &Record) -> TenantResult {
    let mut errors = BTreeMap::new();
    for ((operation, word), count) in &record.errors {
        errors.insert(format!("{} {word}", operation.word()), *count);
    }
    TenantResult {
        name: lane.name.clone(),
        factor: lane.factor,
        scheduled: lane.pace.scheduled(),
        requests: record.requests(),
        unsent: record.unsent,
        errors,
        latency: Percentiles::of(&record.all_latencies()),
    }
}

fn fairness(records: &[(&Lane, Record)]) -> Fairness {
    let (loud, quiet): (Vec<_>, Vec<_>) = records.iter().partition(|(lane, _)| lane.factor > 1.0);
    let together = |group: &[&(&Lane, Record)]| {
        Percentiles::of(&merged(group.iter().flat_map(|(_, record)| &record.latency)))
    };
    let mut by_p99: Vec<_> = quiet
        .iter()
        .map(|(lane, record)| (Percentiles::of(&record.all_latencies()).p99, lane.name.clone()))
        .collect();
    by_p99.sort_by(|one, other| one.0.total_cmp(&other.0));
    let median_p99 = by_p99.get(by_p99.len() / 2).map_or(0.0, |(p99, _)| *p99);
    let (worst_p99, worst_tenant) = by_p99.last().cloned().unwrap_or_default();
    Fairness {
        median_p99,
        worst_p99,
        worst_tenant,
        ratio: if median_p99 > 0.0 { worst_p99 / median_p99 } else { 1.0 },
        quiet: together(&quiet),
        loud: (!loud.is_empty()).then(|| together(&loud)),
    }
}

/// Tenants of the printed table: the slowest ones.
const SHOWN: usize = 10;

impl Display for Outcome {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let due = self.scheduled.map(|scheduled| format!(" of {scheduled} due")).unwrap_or_default();
        writeln!(
            out,
            "{} requests{due} in {:.1} s: {:.1} a second; {} failed, {} never sent",
            self.requests, self.seconds, self.requests_per_second, self.failed, self.unsent
        )?;
        for (word, count) in &self.errors {
            writeln!(out, "  {count} × {word}")?;
        }
        writeln!(
            out,
            "\n{:<24}{:>9}{:>10}{:>10}{:>10}{:>10}{:>10}  ms from when it was due",
            "", "count", "p50", "p90", "p99", "p99.9", "max"
        )?;
        row(out, "all", &self.latency)?;
        for operation in Operation::ALL {
            if let Some(times) = self.operations.get(operation.word()).filter(|times| times.count > 0) {
                row(out, operation.word(), times)?;
            }
        }
        row(out, "(from the sending)", &self.service)?;
        let mut tenants: Vec<_> = self.tenants.iter().collect();
        tenants.sort_by(|one, other| other.latency.p99.total_cmp(&one.latency.p99));
        writeln!(out, "\nslowest tenants")?;
        for tenant in tenants.iter().take(SHOWN) {
            let name = if tenant.factor > 1.0 {
                format!("{} (×{})", tenant.name, tenant.factor)
            } else {
                tenant.name.clone()
            };
            row(out, &name, &tenant.latency)?;
        }
        let Fairness { median_p99, worst_p99, worst_tenant, ratio, quiet, loud } = &self.fairness;
        writeln!(
            out,
            "\nfairness: worst tenant's p99 {worst_p99:.2} ms ({worst_tenant}), median tenant's {median_p99:.2} ms, ratio {ratio:.2}"
        )?;
        if let Some(loud) = loud {
            writeln!(out, "          quiet tenants' p99 {:.2} ms, loud ones' {:.2} ms", quiet.p99, loud.p99)?;
        }
        let OwnCost { cpu_microseconds_per_request, cpu_percent, lag } = &self.own_cost;
        write!(
            out,
            "own cost: {cpu_microseconds_per_request:.1} µs of processor a request, {cpu_percent:.0} % of a core, woke {:.2} ms late (p50), {:.2} ms (p99)",
            lag.p50, lag.p99
        )
    }
}

fn row(out: &mut fmt::Formatter<'_>, name: &str, times: &Percentiles) -> fmt::Result {
    let Percentiles { count, p50, p90, p99, p999, max } = times;
    writeln!(out, "{name:<24}{count:>9}{p50:>10.2}{p90:>10.2}{p99:>10.2}{p999:>10.2}{max:>10.2}")
}
