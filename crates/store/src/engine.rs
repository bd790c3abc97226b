//! What a database must be able to do; blocking, called on the store's own threads.

use crate::{
    model::*,
    plan::{Facts, Questions, Writes},
};
use scim::{Timestamp, schema::ResourceKind};
use uuid::Uuid;

/// One lookup by a unique key, of any tenant; lookups that wait together are answered by one statement.
#[derive(Clone, Debug)]
pub(crate) struct Lookup {
    pub(crate) tenant: TenantId,
    pub(crate) key: LookupKey,
    pub(crate) with_groups: bool,
}

/// A unique key within a tenant.
#[derive(Clone, Debug)]
pub(crate) enum LookupKey {
    Id(ResourceKind, ResourceId),
    /// Folded `userName`.
    UserName(String),
}

/// A database.
pub(crate) trait Engine: Send + Sync + 'static {
    /// Brings the schema up to date, forward only.
    fn migrate(&self) -> Result<(), StoreError>;
    /// Whether the database answers.
    fn ping(&self) -> Result<(), StoreError>;

    /// Locks the feeds of the tenants in question, in order, answers the questions, has `decide` turn the answers into
    /// rows, and writes those: all in one transaction. Others see it on return; it is durable after [`Engine::flush`].
    fn transact(
        &self,
        questions: &Questions,
        decide: &mut dyn FnMut(Facts) -> Writes,
    ) -> Result<(), StoreError>;
    /// Makes everything durable that [`Engine::transact`] had finished before this call.
    fn flush(&self) -> Result<(), StoreError>;

    /// Answers each lookup, in order.
    fn look_up(&self, lookups: &[Lookup]) -> Result<Vec<Option<Row>>, StoreError>;
    fn list(&self, tenant: TenantId, listing: &Listing) -> Result<Page, StoreError>;
    fn members(&self, tenant: TenantId, group: ResourceId) -> Result<Members, StoreError>;

    /// `Ok(false)`: the label is taken.
    fn create_tenant(&self, tenant: &Tenant) -> Result<bool, StoreError>;
    fn tenants(&self) -> Result<Vec<Tenant>, StoreError>;
    /// By label or, if the text is a UUID, by id.
    fn tenant(&self, label_or_id: &str) -> Result<Option<Tenant>, StoreError>;
    /// `Ok(false)`: no such tenant.
    fn set_tenant_state(&self, tenant: TenantId, state: TenantState) -> Result<bool, StoreError>;
    /// Deletes the tenant and every row of it. `Ok(false)`: no such tenant.
    fn delete_tenant(&self, tenant: TenantId) -> Result<bool, StoreError>;

    fn insert_secret_token(&self, token: &SecretTokenRow) -> Result<(), StoreError>;
    fn secret_tokens(&self, tenant: TenantId) -> Result<Vec<SecretTokenRow>, StoreError>;
    /// By digest, alive or not; the caller judges.
    fn secret_token(&self, digest: &[u8; 32]) -> Result<Option<SecretTokenOwner>, StoreError>;
    /// Sets the expiry of a token that is not revoked; `Ok(false)`: no such token.
    fn expire_secret_token(&self, tenant: TenantId, id: Uuid, expires: Timestamp)
    -> Result<bool, StoreError>;
    /// `Ok(false)`: no such token, or revoked before.
    fn revoke_secret_token(&self, tenant: TenantId, id: Uuid, at: Timestamp) -> Result<bool, StoreError>;
    /// Notes when tokens were last used; never moves a time back.
    fn touch_secret_tokens(&self, used: &[(TenantId, Uuid, Timestamp)]) -> Result<(), StoreError>;
}
