//! [`Store`]: the asynchronous face of an engine, its writer thread and its reader threads.

use crate::model::*;
use scim::{Timestamp, schema::ResourceKind};
use uuid::Uuid;

/// How to open a store.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `sqlite://path` (`sqlite:///abs/path`) or `postgres://…`.
    pub url: String,
    /// Reader threads; 0 means two a core.
    pub readers: usize,
    /// Most changes in one commit.
    pub batch: usize,
    /// Most requests of one tenant that may wait, in the writer and in the readers each.
    pub queue_per_tenant: usize,
}

/// Why a store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The URL is of no kind we know.
    #[error("database.url must begin with sqlite:// or postgres://")]
    UnknownScheme,
    /// The database cannot be reached or migrated.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A handle on the database; cheap to clone. Threads end when the last handle is gone, after what is waiting is done.
#[derive(Clone)]
pub struct Store {}

impl Store {
    /// Connects, migrates forward, and starts the threads.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(_settings: &Settings) -> Result<Store, OpenError> {
        todo!()
    }

    /// Commits one change; answered when it is durable.
    ///
    /// # Errors
    /// See [`CommitError`].
    pub async fn commit(&self, _tenant: TenantId, _change: Change) -> Result<Committed, CommitError> {
        todo!()
    }

    /// A resource by id.
    pub async fn resource(
        &self,
        _tenant: TenantId,
        _kind: ResourceKind,
        _id: ResourceId,
        _with_groups: bool,
    ) -> Result<Option<Row>, StoreError> {
        todo!()
    }

    /// The user with this folded `userName`.
    pub async fn user_by_name(
        &self,
        _tenant: TenantId,
        _folded: String,
        _with_groups: bool,
    ) -> Result<Option<Row>, StoreError> {
        todo!()
    }

    /// A page of resources.
    pub async fn list(&self, _tenant: TenantId, _listing: Listing) -> Result<Page, StoreError> {
        todo!()
    }

    /// The members of a group; empty if there is no such group.
    pub async fn members(&self, _tenant: TenantId, _group: ResourceId) -> Result<Members, StoreError> {
        todo!()
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), StoreError> {
        todo!()
    }

    /// Opens a tenant; `false` if its label is taken.
    pub async fn create_tenant(&self, _tenant: Tenant) -> Result<bool, StoreError> {
        todo!()
    }

    /// Every tenant, by label.
    pub async fn tenants(&self) -> Result<Vec<Tenant>, StoreError> {
        todo!()
    }

    /// A tenant by label or id.
    pub async fn tenant(&self, _label_or_id: &str) -> Result<Option<Tenant>, StoreError> {
        todo!()
    }

    /// Suspends or resumes; `false` if there is no such tenant.
    pub async fn set_tenant_state(&self, _tenant: TenantId, _state: TenantState) -> Result<bool, StoreError> {
        todo!()
    }

    /// Deletes a tenant with every row of it; `false` if there is no such tenant.
    pub async fn delete_tenant(&self, _tenant: TenantId) -> Result<bool, StoreError> {
        todo!()
    }

    /// Stores a new Secret Token.
    pub async fn insert_secret_token(&self, _token: SecretTokenRow) -> Result<(), StoreError> {
        todo!()
    }

    /// The Secret Tokens of a tenant, oldest first, revoked ones too.
    pub async fn secret_tokens(&self, _tenant: TenantId) -> Result<Vec<SecretTokenRow>, StoreError> {
        todo!()
    }

    /// The Secret Token with this digest, alive or not, and its tenant.
    pub async fn secret_token(&self, _digest: [u8; 32]) -> Result<Option<SecretTokenOwner>, StoreError> {
        todo!()
    }

    /// Lets a token end at a time; `false` if there is no such token.
    pub async fn expire_secret_token(
        &self,
        _tenant: TenantId,
        _id: Uuid,
        _expires: Timestamp,
    ) -> Result<bool, StoreError> {
        todo!()
    }

    /// Revokes a token; `false` if there is none alive.
    pub async fn revoke_secret_token(
        &self,
        _tenant: TenantId,
        _id: Uuid,
        _at: Timestamp,
    ) -> Result<bool, StoreError> {
        todo!()
    }

    /// Notes when tokens were last used.
    pub async fn touch_secret_tokens(
        &self,
        _used: Vec<(TenantId, Uuid, Timestamp)>,
    ) -> Result<(), StoreError> {
        todo!()
    }
}
