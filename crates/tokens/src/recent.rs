//! Credentials that were valid within the last 24 hours, by their digests: they never count as
//! those of strangers.

use scim::Timestamp;
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};
use store::Line;

/// How long a credential counts as known after it was valid, in milliseconds.
pub(crate) const KNOWN_FOR_MS: i64 = 24 * 3_600_000;
/// Most credentials that are remembered, some 20 MB. Those beyond are looked up as unknown ones.
pub(crate) const MOST: usize = if cfg!(test) { 100 } else { 250_000 };

/// How often those of longer ago are looked for where there is no room, in milliseconds.
const SWEPT_EVERY_MS: u64 = 60_000;

/// Digests of valid credentials. Only operators make credentials, so nobody else fills it.
#[derive(Default)]
pub(crate) struct Recent(Mutex<State>);

#[derive(Default)]
struct State {
    valid: HashMap<[u8; 32], Valid>,
    swept: Option<Timestamp>,
}

/// The line of its owner, and when it was valid.
#[derive(Clone, Copy)]
struct Valid {
    line: Line,
    at: Timestamp,
}

impl Recent {
    /// The line of the owner of a credential that was valid within the last 24 hours.
    pub(crate) fn line(&self, digest: &[u8; 32], now: Timestamp) -> Option<Line> {
        let valid = self.lock().valid.get(digest).copied()?;
        valid.is_known(now).then_some(valid.line)
    }

    /// Notes that a credential is valid.
    pub(crate) fn note(&self, digest: [u8; 32], line: Line, at: Timestamp) {
        let mut state = self.lock();
        let is_there = state.valid.contains_key(&digest);
        if !is_there && state.valid.len() >= MOST {
            state.sweep(at);
        }
        if is_there || state.valid.len() < MOST {
            state.valid.insert(digest, Valid { line, at });
        }
    }

    /// Forgets a credential that is not valid any more.
    pub(crate) fn forget(&self, digest: &[u8; 32]) {
        self.lock().valid.remove(digest);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn sweep(&mut self, now: Timestamp) {
        if self.swept.is_none_or(|swept| now.0.abs_diff(swept.0) >= SWEPT_EVERY_MS) {
            self.swept = Some(now);
            self.valid.retain(|_, valid| valid.is_known(now));
        }
    }
}

impl Valid {
    /// A clock that was set back makes nothing known for longer.
    fn is_known(self, now: Timestamp) -> bool {
        now.0.abs_diff(self.at.0) < KNOWN_FOR_MS.unsigned_abs()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use store::TenantId;
    use uuid::Uuid;

    const OWNER: Line = Line::Tenant(TenantId(Uuid::from_u128(1)));

    fn digest(n: usize) -> [u8; 32] {
        let mut digest = [0; 32];
        digest[..8].copy_from_slice(&n.to_be_bytes());
        digest
    }

    #[test]
    fn a_credential_is_known_for_a_day_after_it_was_valid() {
        let recent = Recent::default();
        recent.note(digest(1), OWNER, Timestamp(0));
        assert_eq!(recent.line(&digest(1), Timestamp(KNOWN_FOR_MS - 1)), Some(OWNER));
        assert_eq!(recent.line(&digest(1), Timestamp(KNOWN_FOR_MS)), None);
        assert_eq!(recent.line(&digest(2), Timestamp(0)), None);
        recent.note(digest(1), OWNER, Timestamp(KNOWN_FOR_MS));
        assert_eq!(recent.line(&digest(1), Timestamp(KNOWN_FOR_MS)), Some(OWNER));
        recent.forget(&digest(1));
        assert_eq!(recent.line(&digest(1), Timestamp(KNOWN_FOR_MS)), None);
    }

    #[test]
    fn memory_is_bounded_and_old_ones_make_room() {
        let recent = Recent::default();
        for n in 0..2 * MOST {
            recent.note(digest(n), OWNER, Timestamp(0));
        }
        assert_eq!(recent.lock().valid.len(), MOST);
        recent.note(digest(0), OWNER, Timestamp(1));
        assert_eq!(recent.line(&digest(0), Timestamp(KNOWN_FOR_MS)), Some(OWNER), "known ones are kept up");
        recent.note(digest(3 * MOST), OWNER, Timestamp(KNOWN_FOR_MS));
        assert_eq!(recent.lock().valid.len(), 2, "those of the last day");
    }
}
