//! The table that a terminal shows while a load runs.

use super::lane::Lane;
use super::record::{Record, merged};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often it is drawn.
pub(super) const PERIOD: Duration = Duration::from_secs(1);
/// Tenants of the table: the slowest ones.
const SHOWN: usize = 12;

/// Draws on the terminal; on anything else it draws nothing.
pub(super) struct Live {
    bar: ProgressBar,
    before: u64,
    drawn: Instant,
}

impl Live {
    pub(super) fn new() -> Live {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{msg}") {
            bar.set_style(style);
        }
        Live { bar, before: 0, drawn: Instant::now() }
    }

    /// Shows how it stands.
    pub(super) fn draw(&mut self, lanes: &[Arc<Lane>], elapsed: Duration) {
        if self.bar.is_hidden() {
            return;
        }
        let records: Vec<(&str, Record)> =
            lanes.iter().map(|lane| (lane.name.as_str(), lane.state().record.clone())).collect();
        let requests: u64 = records.iter().map(|(_, record)| record.requests()).sum();
        let failed: u64 = records.iter().map(|(_, record)| record.failed()).sum();
        let all = merged(records.iter().flat_map(|(_, record)| &record.latency));
        let rate = (requests - self.before) as f64 / self.drawn.elapsed().as_secs_f64();
        (self.before, self.drawn) = (requests, Instant::now());
        let millis = |micros: u64| micros as f64 / 1e3;
        let mut rows: Vec<_> = records
            .iter()
            .map(|(name, record)| {
                (record.all_latencies().value_at_quantile(0.99), *name, record.requests(), record.failed())
            })
            .collect();
        rows.sort_by(|one, other| other.cmp(one));
        let mut table = format!(
            "{:>4} s  {requests} requests, {rate:.0} a second, {failed} failed, p50 {:.1} ms, p99 {:.1} ms\n",
            elapsed.as_secs(),
            millis(all.value_at_quantile(0.5)),
            millis(all.value_at_quantile(0.99))
        );
        for (p99, name, requests, failed) in rows.iter().take(SHOWN) {
            // Writing to a String cannot fail.
            let _ = writeln!(
                table,
                "  {name:<24}{requests:>9} requests{failed:>7} failed  p99 {:>8.1} ms",
                millis(*p99)
            );
        }
        self.bar.set_message(table);
        self.bar.tick();
    }

    /// Takes the table away.
    pub(super) fn clear(&self) {
        self.bar.finish_and_clear();
    }
}
