//! The end of a cycle: watermark, verdict, quarantine, status.

use jiff::Timestamp;

use super::plan::{CycleKind, Plan};
use super::quarantine::{self, Events};
use super::{CycleReport, Engine, Run};
use crate::report::status::{
    EntryCount, Execution, ExecutionState, JobFault, Progress, QuarantineReason, StatusCode,
};

impl Engine {
    pub(super) fn conclude(
        &mut self,
        plan: Plan<'_>,
        mut run: Run,
        staged: usize,
        began: Timestamp,
    ) -> CycleReport {
        let now = self.client.clock().now();
        let (escrowed, references) = self.state.escrowed();
        run.counts.count_escrowed = escrowed;
        run.counts.count_escrowed_raw = escrowed + references;
        let failed = run.fault.clone();
        if failed.is_none() {
            self.state.watermark = Some(plan.fingerprints);
            self.state.deletes_allowed = false;
        }
        let verdict = self.verdict(&run, staged);
        let notify = self.impose(verdict, run.kind, now);
        let state = match (&failed, escrowed + references) {
            (Some(_), _) => ExecutionState::Failed,
            (None, 0) => ExecutionState::Succeeded,
            (None, _) => ExecutionState::EntryLevelErrors,
        };
        let execution = Execution {
            activity_identifier: run.envelope.cycle_id.clone(),
            state,
            time_began: began,
            time_ended: now,
            error: failed,
            counts: run.counts,
        };
        self.note_status(&execution, &run);
        CycleReport { kind: run.kind, execution, notify, logs: run.logs }
    }

    /// Whether the job goes into quarantine: at once, for deletions, or for the number of failures.
    fn verdict(&self, run: &Run, staged: usize) -> Option<(QuarantineReason, JobFault)> {
        if let Some(fault) = &run.fault {
            return Some((QuarantineReason::EncounteredQuarantineException, fault.clone()));
        }
        let fault = |code: &str, message: String| JobFault {
            code: code.to_owned(),
            message,
            tenant_actionable: true,
        };
        if staged > 0 {
            let message =
                format!("{staged} deletions were kept back; allow them, or correct the cause and restart");
            return Some((QuarantineReason::TooManyDeletes, fault("TooManyDeletes", message)));
        }
        let reason = quarantine::judge(run.events, &self.job.thresholds)?;
        let Events { failures, reference_failures, .. } = run.events;
        let message = format!("{failures} objects and {reference_failures} references failed");
        Some((reason, fault("EscrowThreshold", message)))
    }

    /// Imposes or lifts the quarantine; true if somebody is to be told.
    fn impose(
        &mut self,
        verdict: Option<(QuarantineReason, JobFault)>,
        kind: CycleKind,
        now: Timestamp,
    ) -> bool {
        let status = &mut self.state.status;
        let Some((reason, error)) = verdict else {
            status.quarantine = None;
            status.code = StatusCode::Active;
            status.count_successive_complete_failures = 0;
            return false;
        };
        let thresholds = matches!(
            reason,
            QuarantineReason::EncounteredBaseEscrowThreshold
                | QuarantineReason::EncounteredTotalEscrowThreshold
                | QuarantineReason::EncounteredEscrowProportionThreshold
        );
        if thresholds && kind == CycleKind::Initial {
            self.state.escrows.clear();
            status.escrows_pruned = true;
        }
        let before = status.quarantine.take();
        let notify = before.as_ref().is_none_or(|before| before.reason != reason);
        let imposed = quarantine::impose(before.as_ref(), reason, error, now);
        let expired = now.duration_since(imposed.series_began) >= quarantine::LONGEST;
        status.code = if expired { StatusCode::Paused } else { StatusCode::Quarantine };
        status.count_successive_complete_failures += 1;
        status.quarantine = Some(imposed);
        notify || expired
    }

    fn note_status(&mut self, execution: &Execution, run: &Run) {
        self.state.cycles += u64::from(execution.error.is_none());
        let entries =
            self.state.entries.iter().map(|(key, value)| EntryCount { key: key.clone(), value: *value });
        let entries = entries.collect();
        let status = &mut self.state.status;
        status.synchronized_entry_count_by_type = entries;
        status.progress =
            vec![Progress { completed_units: run.done, total_units: run.pages, units: "pages".to_owned() }];
        if execution.state == ExecutionState::Succeeded {
            status.last_successful_execution = Some(execution.clone());
            if execution.counts.count_exported > 0 {
                status.last_successful_execution_with_exports = Some(execution.clone());
            }
            let ended = execution.time_ended;
            status.steady_state_first_achieved_time.get_or_insert(ended);
            status.steady_state_last_achieved_time = Some(ended);
        }
        status.last_execution = Some(execution.clone());
    }
}
