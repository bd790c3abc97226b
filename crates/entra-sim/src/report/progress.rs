//! Progress as the portal shows it: pages processed and counts; one bar a tenant on a terminal.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::status::Counts;
use crate::cycle::{CycleKind, CycleReport, Observer};

/// The bars of all tenants.
#[derive(Debug)]
pub struct Bars(MultiProgress);

impl Bars {
    /// Bars on standard error; none if it is not a terminal or `quiet`.
    pub fn new(quiet: bool) -> Self {
        let target = if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        Self(MultiProgress::with_draw_target(target))
    }

    /// The bar of a tenant; `width` is that of the longest name.
    pub fn tenant(&self, name: &str, width: usize) -> TenantBar {
        let bar = self.0.add(ProgressBar::new(0));
        let style = "{prefix} {spinner} [{bar:32}] {percent:>3} % of {len} pages  {msg}";
        if let Ok(style) = ProgressStyle::with_template(style) {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_prefix(format!("{name:width$}"));
        bar.enable_steady_tick(Duration::from_millis(120));
        TenantBar { bar, kind: Mutex::new(CycleKind::Initial) }
    }
}

/// The bar of a tenant.
#[derive(Debug)]
pub struct TenantBar {
    bar: ProgressBar,
    kind: Mutex<CycleKind>,
}

impl TenantBar {
    fn kind(&self) -> CycleKind {
        *self.kind.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says something beside the bar.
    pub fn say(&self, text: &str) {
        self.bar.set_message(text.to_owned());
    }

    /// Leaves the bar as it is.
    pub fn finish(&self) {
        self.bar.finish();
    }
}

impl Observer for TenantBar {
    fn began(&self, kind: CycleKind, pages: u64) {
        *self.kind.lock().unwrap_or_else(PoisonError::into_inner) = kind;
        self.bar.set_length(pages);
        self.bar.set_position(0);
        self.bar.set_message(format!("{kind} cycle"));
    }

    fn page(&self, counts: &Counts, failures: u64) {
        self.bar.inc(1);
        let Counts { count_exported, count_imported, .. } = counts;
        let kind = self.kind();
        self.bar.set_message(format!(
            "{kind} cycle: {count_imported} read, {count_exported} exported, {failures} failed"
        ));
    }

    fn ended(&self, report: &CycleReport) {
        self.bar.set_position(self.bar.length().unwrap_or_default());
        let Counts { count_exported, count_escrowed_raw, .. } = report.execution.counts;
        let state = report.execution.state;
        self.bar.set_message(format!(
            "{} cycle {state:?}: {count_exported} exported, {count_escrowed_raw} in escrow",
            report.kind
        ));
    }
}
