//! How far the connection is: whether Entra has come with the Secret Token, and what has arrived.

use super::state::Setup;
use crate::Failure;
use scim::schema::ResourceKind;
use store::{From, Listing, SecretTokenRow, Seen, Tenant};
use tokens::SetupSession;

/// What the live line says.
#[derive(Clone, Debug)]
pub(super) struct Progress {
    /// The Secret Token of this session, as far as it is stored.
    pub(super) token: Option<SecretTokenRow>,
    /// Whether it has ended: revoked or expired.
    pub(super) is_over: bool,
    /// Users of the tenant, all that were received.
    pub(super) users: u64,
    /// Its groups.
    pub(super) groups: u64,
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
        Ok(Progress {
            is_over: !token.as_ref().is_some_and(is_alive),
            token,
            users: count(setup, &session.tenant, ResourceKind::User).await?,
            groups: count(setup, &session.tenant, ResourceKind::Group).await?,
        })
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

/// How many there are of one tenant.
async fn count(setup: &Setup, tenant: &Tenant, kind: ResourceKind) -> Result<u64, Failure> {
    let from = From::Offset(0);
    let listing = Listing { kind, condition: None, sort: None, from, limit: 0, with_groups: false };
    Ok(setup.store.list(tenant.id, listing).await?.total)
}
