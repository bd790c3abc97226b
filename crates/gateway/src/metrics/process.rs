//! Metrics of the operating system's process, under the names that Prometheus' own libraries use.

use nix::sys::{
    resource::{Resource, UsageWho, getrlimit, getrusage},
    time::{TimeVal, TimeValLike},
};
use prometheus::{
    Counter, IntGauge, Registry,
    core::{Collector, Desc},
    proto::MetricFamily,
};
use std::fs;

/// Reads `/proc/self` and resource limits whenever metrics are asked for.
struct Process {
    cpu: Counter,
    resident: IntGauge,
    virtual_size: IntGauge,
    threads: IntGauge,
    open_files: IntGauge,
    max_files: IntGauge,
}

/// Registers the metrics.
///
/// # Errors
/// They are registered already.
pub(crate) fn register(registry: &Registry) -> prometheus::Result<()> {
    registry.register(Box::new(Process {
        cpu: Counter::new("process_cpu_seconds_total", "CPU time, of user and system, in seconds.")?,
        resident: IntGauge::new("process_resident_memory_bytes", "Memory in RAM, in bytes.")?,
        virtual_size: IntGauge::new("process_virtual_memory_bytes", "Address space, in bytes.")?,
        threads: IntGauge::new("process_threads", "Threads of the operating system.")?,
        open_files: IntGauge::new("process_open_fds", "Open file descriptors, connections among them.")?,
        max_files: IntGauge::new("process_max_fds", "Most file descriptors that may be open.")?,
    }))
}

impl Process {
    fn gauges(&self) -> [&IntGauge; 5] {
        [&self.resident, &self.virtual_size, &self.threads, &self.open_files, &self.max_files]
    }

    /// What cannot be read keeps its last value.
    fn read(&self) {
        if let Ok(usage) = getrusage(UsageWho::RUSAGE_SELF) {
            let seconds = |time: TimeVal| time.num_microseconds() as f64 / 1e6;
            let used = seconds(usage.user_time()) + seconds(usage.system_time());
            self.cpu.inc_by((used - self.cpu.get()).max(0.0));
        }
        if let Ok(status) = fs::read_to_string("/proc/self/status") {
            let field = |name| number(&status, name);
            set(&self.resident, field("VmRSS:").map(|kib| kib.saturating_mul(1024)));
            set(&self.virtual_size, field("VmSize:").map(|kib| kib.saturating_mul(1024)));
            set(&self.threads, field("Threads:"));
        }
        set(&self.open_files, fs::read_dir("/proc/self/fd").ok().map(|open| open.count() as i64));
        let limit = getrlimit(Resource::RLIMIT_NOFILE).ok();
        set(&self.max_files, limit.map(|(soft, _)| i64::try_from(soft).unwrap_or(i64::MAX)));
    }
}

fn set(gauge: &IntGauge, value: Option<i64>) {
    if let Some(value) = value {
        gauge.set(value);
    }
}

/// The number behind a name at the beginning of a line of `/proc/self/status`.
fn number(status: &str, name: &str) -> Option<i64> {
    let rest = status.lines().find_map(|line| line.strip_prefix(name))?;
    rest.split_whitespace().next()?.parse().ok()
}

impl Collector for Process {
    fn desc(&self) -> Vec<&Desc> {
        self.gauges().into_iter().flat_map(Collector::desc).chain(self.cpu.desc()).collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        self.read();
        self.gauges().into_iter().flat_map(Collector::collect).chain(self.cpu.collect()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_knows_its_size() {
        let registry = Registry::new();
        register(&registry).expect("registered");
        let text = prometheus::TextEncoder::new().encode_to_string(&registry.gather()).expect("text");
        let values: Vec<f64> = text
            .lines()
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| line.rsplit(' ').next()?.parse().ok())
            .collect();
        assert!(values.len() == 6 && values.iter().all(|value| *value > 0.0), "{text}");
        let status = "Name:\tjuno\nVmRSS:\t    2048 kB\nThreads:\t12\n";
        assert_eq!((number(status, "VmRSS:"), number(status, "Threads:")), (Some(2048), Some(12)));
        assert_eq!(number(status, "VmSize:"), None);
    }
}
