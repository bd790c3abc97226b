//! The part of [`Store`] that is about credentials of every kind: their use, their rotation, their ends.

use crate::{
    act::Act,
    credential::{CredentialKind, Ending, EndingCredential, NotedUse, Rotation, Successor, UsedToken},
    model::{StoreError, TenantId},
    store::Store,
};
use scim::Timestamp;
use uuid::Uuid;

impl Store {
    /// Notes uses of credentials. The time of a last use never moves back; that of a first use is never moved.
    ///
    /// # Errors
    /// Faults of the database, here and below.
    pub async fn note_uses(&self, uses: Vec<NotedUse>) -> Result<(), StoreError> {
        self.ask_for_process(move |engine| engine.note_uses(&uses)).await
    }

    /// The Secret Tokens of all tenants that are not revoked and were used since a time: at most `limit`, the last used
    /// first. It reads all tokens, so only a process that starts calls it.
    ///
    /// # Errors
    /// As above.
    pub async fn secret_tokens_used_since(
        &self,
        since: Timestamp,
        limit: usize,
    ) -> Result<Vec<UsedToken>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.ask_for_process(move |engine| engine.secret_tokens_used_since(since, limit)).await
    }

    /// Starts a rotation with its new credential; `false` if the old one is part of one that is under way.
    ///
    /// # Errors
    /// As above.
    pub async fn start_rotation(&self, rotation: Rotation, successor: Successor) -> Result<bool, StoreError> {
        self.act(rotation.tenant, Act::StartRotation(rotation, successor)).await
    }

    /// Ends a rotation and the credential that is not to stay; `false` if it has ended already.
    ///
    /// # Errors
    /// As above.
    pub async fn end_rotation(&self, rotation: Rotation, ending: Ending) -> Result<bool, StoreError> {
        self.act(rotation.tenant, Act::EndRotation(rotation, ending)).await
    }

    /// Says whether a gateway shall complete a rotation as soon as that is safe; `false` if it has ended, or that is
    /// what was said before.
    ///
    /// # Errors
    /// As above.
    pub async fn set_rotation_automatic(
        &self,
        rotation: Rotation,
        is_automatic: bool,
    ) -> Result<bool, StoreError> {
        self.act(rotation.tenant, Act::SetRotationAutomatic(rotation, is_automatic)).await
    }

    /// Rotations of a tenant that were started before another ([`Uuid::max`] is behind all), the newest first.
    ///
    /// # Errors
    /// As above.
    pub async fn rotations_before(
        &self,
        tenant: TenantId,
        before: Uuid,
        limit: u32,
    ) -> Result<Vec<Rotation>, StoreError> {
        self.ask_of(tenant, move |engine| engine.rotations_before(tenant, before, limit.into())).await
    }

    /// A rotation.
    ///
    /// # Errors
    /// As above.
    pub async fn rotation(&self, tenant: TenantId, id: Uuid) -> Result<Option<Rotation>, StoreError> {
        self.ask_of(tenant, move |engine| engine.rotation(tenant, id)).await
    }

    /// The rotation that has made this credential, to take the place of another.
    ///
    /// # Errors
    /// As above.
    pub async fn rotation_to(&self, tenant: TenantId, new: Uuid) -> Result<Option<Rotation>, StoreError> {
        self.ask_of(tenant, move |engine| engine.rotation_to(tenant, new)).await
    }

    /// The rotations of a tenant that are under way, the newest first; no more than it has credentials.
    ///
    /// # Errors
    /// As above.
    pub async fn rotations_under_way(&self, tenant: TenantId) -> Result<Vec<Rotation>, StoreError> {
        self.ask_of(tenant, move |engine| engine.rotations_under_way(tenant)).await
    }

    /// The rotations that are under way, of all tenants.
    ///
    /// # Errors
    /// As above.
    pub async fn open_rotations(&self) -> Result<Vec<Rotation>, StoreError> {
        self.ask_for_process(|engine| engine.open_rotations()).await
    }

    /// Credentials of all tenants that nobody revoked and that end in this time (from, until), in the order in which
    /// they end; those behind a place, which is the end and the id of a credential.
    ///
    /// # Errors
    /// As above.
    pub async fn ending_credentials(
        &self,
        ends: (Timestamp, Timestamp),
        behind: (Timestamp, Uuid),
        limit: u32,
    ) -> Result<Vec<EndingCredential>, StoreError> {
        self.ask(move |engine| engine.ending_credentials(ends, behind, limit.into())).await
    }

    /// When such credentials end, in no order.
    ///
    /// # Errors
    /// As above.
    pub async fn ends_of_credentials(
        &self,
        ends: (Timestamp, Timestamp),
    ) -> Result<Vec<(CredentialKind, Timestamp)>, StoreError> {
        self.ask_for_process(move |engine| engine.ends_of_credentials(ends)).await
    }
}
