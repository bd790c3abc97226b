//! How far the connection is: whether Entra has come with the Secret Token, and what has arrived.

use super::state::Setup;
use crate::{Failure, web};
use store::{SecretTokenRow, Seen};
use tokens::SetupSession;

/// What the live line says.
#[derive(Clone, Debug)]
pub(super) struct Progress {
    /// The Secret Token of this session, as far as it is stored.
    pub(super) token: Option<SecretTokenRow>,
    /// Whether it has ended: revoked or expired.
    pub(super) is_over: bool,
    /// Users of the tenant.
    users: i64,
    /// Its groups.
    groups: i64,
}

impl Progress {
    /// That of a session.
    ///
    /// # Errors
    /// Faults of the store.
    pub(super) async fn of(setup: &Setup, session: &SetupSession) -> Result<Progress, Failure> {
        let (token, now) = (setup.links.secret_token(session).await?, setup.now());
        let is_alive = |token: &SecretTokenRow| {
            token.revoked.is_none() && token.expires.is_none_or(|expires| now < expires)
        };
        let figures = setup.store.tenant_figures(vec![session.tenant.id], 0).await?;
        let counts = figures.first().map(|figures| figures.counts).unwrap_or_default();
        Ok(Progress {
            is_over: !token.as_ref().is_some_and(is_alive),
            token,
            users: counts.users,
            groups: counts.groups,
        })
    }

    /// Whether somebody has revoked the token: this page cannot undo that.
    pub(super) fn is_revoked(&self) -> bool {
        self.token.as_ref().is_none_or(|token| token.revoked.is_some())
    }

    /// What has arrived, in words; none as long as nothing has.
    pub(super) fn received(&self) -> Option<String> {
        let counted =
            [(self.users, "user"), (self.groups, "group")].into_iter().filter(|(count, _)| *count > 0);
        let words: Vec<String> = counted
            .map(|(count, one)| match count {
                1 => format!("1 {one}"),
                count => format!("{} {one}s", web::number(count)),
            })
            .collect();
        (!words.is_empty()).then(|| words.join(" and "))
    }

    /// Since when Entra comes with the token, and what it did last.
    pub(super) fn seen(&self) -> Option<&Seen> {
        self.token.as_ref().and_then(|token| token.seen.as_ref())
    }

    /// The part of the token by which people speak of it.
    pub(super) fn key_id(&self) -> &str {
        self.token.as_ref().map_or("", |token| &token.key_id)
    }
}
