//! What one PATCH may cost, whatever its size and that of the document.

use super::{MAX_COMPARISONS, MAX_OPERATIONS, MAX_STEPS};
use crate::{ScimError, json, path::Path, steps};
use serde_json::Value;

/// Spent so far by one request.
#[derive(Default)]
pub(super) struct Budget {
    operations: usize,
    comparisons: usize,
    steps: usize,
}

impl Budget {
    /// Spends one operation and the comparisons of its path.
    pub(super) fn operation(&mut self, path: &Path) -> Result<(), ScimError> {
        self.operations += 1;
        self.comparisons += path.filter.as_ref().map_or(0, |filter| filter.comparisons());
        if self.operations > MAX_OPERATIONS || self.comparisons > MAX_COMPARISONS {
            return Err(ScimError::too_large(format!(
                "A PATCH may change {MAX_OPERATIONS} attributes and make {MAX_COMPARISONS} comparisons at most."
            )));
        }
        Ok(())
    }

    /// Spends steps through the values of a list.
    pub(super) fn steps(&mut self, steps: usize) -> Result<(), ScimError> {
        self.charge(steps);
        if self.is_spent() {
            return Err(ScimError::too_large(format!(
                "The operations of this PATCH would take more than {MAX_STEPS} steps through the values of lists. Send \
                 fewer operations, fewer values or shorter filters in one request."
            )));
        }
        Ok(())
    }

    /// Spends steps where a refusal has to wait: until [`Budget::steps`] is called next.
    pub(super) fn charge(&mut self, steps: usize) {
        steps::take(steps.min(MAX_STEPS));
        self.steps = self.steps.saturating_add(steps);
    }

    pub(super) fn is_spent(&self) -> bool {
        self.steps > MAX_STEPS
    }
}

/// The steps that it takes to compare or copy a value.
pub(super) fn weight(value: &Value) -> usize {
    1 + json::size(value) / 64
}
