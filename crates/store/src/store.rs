//! [`Store`]: the asynchronous face of an engine, its writer thread and its reader threads.

use crate::{
    act::Act,
    audit::By,
    engine::{Engine, Lookup, LookupKey},
    model::*,
    plan::TenantChange,
    postgres::PostgresEngine,
    queue::Share,
    shares::{Shares, UnderWay},
    sqlite::SqliteEngine,
    threads::Threads,
};
use scim::{Timestamp, schema::ResourceKind};
use std::sync::Arc;
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
    /// Most requests of one tenant in each queue: of the writer, of lookups, of other readers.
    pub queue_per_tenant: usize,
    /// Lookups and changes a second that each tenant has for itself; what it asks beyond them waits while the others keep
    /// the database busy.
    pub share_per_tenant: u32,
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

/// A place before every row of a list by time and id.
pub(crate) const BEFORE_ALL: (Timestamp, Uuid) = (Timestamp(i64::MIN), Uuid::nil());

/// A handle on the database; cheap to clone. Threads end when the last handle is gone, after what is waiting is done.
#[derive(Clone)]
pub struct Store {
    pub(crate) threads: Arc<Threads>,
    shares: Arc<Shares>,
    is_held: bool,
    by: Option<Arc<By>>,
}

impl Store {
    /// Connects, migrates forward, and starts the threads.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(settings: &Settings) -> Result<Store, OpenError> {
        let readers = match settings.readers {
            0 => 2 * std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            readers => readers.max(2),
        };
        let engine: Arc<dyn Engine> = if let Some(path) = settings.url.strip_prefix("sqlite://") {
            Arc::new(SqliteEngine::open(path, readers)?)
        } else if settings.url.starts_with("postgres://") || settings.url.starts_with("postgresql://") {
            Arc::new(PostgresEngine::open(&settings.url, readers)?)
        } else {
            return Err(OpenError::UnknownScheme);
        };
        engine.migrate()?;
        let share = Share { waiting: settings.queue_per_tenant.max(1), running: usize::MAX };
        Ok(Store {
            threads: Arc::new(Threads::start(engine, readers, settings.batch.max(1), share)?),
            shares: Arc::new(Shares::new(settings.share_per_tenant)),
            is_held: false,
            by: None,
        })
    }

    /// The same store in the hands of somebody: every administrative act through it writes its audit row, in the
    /// transaction of the act.
    #[must_use]
    pub fn acting(&self, by: By) -> Store {
        Store { by: Some(Arc::new(by)), ..self.clone() }
    }

    /// The same store in the hands of tenants' clients: lookups and changes that a tenant asks beyond its share wait while
    /// others keep the database busy. What operators do waits for no share.
    #[must_use]
    pub fn held_to_shares(&self) -> Store {
        Store { is_held: true, ..self.clone() }
    }

    async fn begin(&self, tenant: TenantId) -> Result<UnderWay, StoreError> {
        if self.is_held { Ok(self.shares.begin(tenant).await?) } else { Ok(UnderWay::uncounted()) }
    }

    /// Does an administrative act in the line of this tenant; `false`: not done.
    pub(crate) async fn act(&self, line: TenantId, act: Act) -> Result<bool, StoreError> {
        self.act_together(line, vec![act]).await
    }

    /// Does several in one transaction, in this order; `false`: one was not done, so none is.
    pub(crate) async fn act_together(&self, line: TenantId, acts: Vec<Act>) -> Result<bool, StoreError> {
        let by = self.by.clone();
        self.threads.run(line, move |engine| engine.act(by.as_deref(), &acts)).await
    }

    /// Asks the engine something that is no tenant's.
    pub(crate) async fn ask<A: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn Engine) -> Result<A, StoreError> + Send + 'static,
    ) -> Result<A, StoreError> {
        self.threads.run(NO_TENANT, work).await
    }

    /// Asks the engine something of a tenant.
    pub(crate) async fn ask_of<A: Send + 'static>(
        &self,
        tenant: TenantId,
        work: impl FnOnce(&dyn Engine) -> Result<A, StoreError> + Send + 'static,
    ) -> Result<A, StoreError> {
        self.threads.run(tenant, work).await
    }

    /// Commits one change; answered when it is durable. A deleted resource that somebody brings back leaves its audit row
    /// in the same transaction ([`Store::acting`]).
    ///
    /// # Errors
    /// See [`CommitError`].
    pub async fn commit(&self, tenant: TenantId, change: Change) -> Result<Committed, CommitError> {
        let under_way = self.begin(tenant).await?;
        self.threads.write(TenantChange { tenant, change, by: self.by.clone() }, under_way).await
    }

    /// How many lookups and changes have had to wait since their tenant asked for more than its share, of all tenants.
    pub fn held_back(&self) -> u64 {
        self.shares.held_back()
    }

    /// A resource by id.
    ///
    /// # Errors
    /// Faults of the database, here and below.
    pub async fn resource(
        &self,
        tenant: TenantId,
        kind: ResourceKind,
        id: ResourceId,
        with_groups: bool,
    ) -> Result<Option<Row>, StoreError> {
        let under_way = self.begin(tenant).await?;
        self.threads.look_up(Lookup { tenant, key: LookupKey::Id(kind, id), with_groups }, under_way).await
    }

    /// The user with this folded `userName`.
    ///
    /// # Errors
    /// As above.
    pub async fn user_by_name(
        &self,
        tenant: TenantId,
        folded: String,
        with_groups: bool,
    ) -> Result<Option<Row>, StoreError> {
        let under_way = self.begin(tenant).await?;
        self.threads
            .look_up(Lookup { tenant, key: LookupKey::UserName(folded), with_groups }, under_way)
            .await
    }

    /// A page of resources.
    ///
    /// # Errors
    /// As above.
    pub async fn list(&self, tenant: TenantId, listing: Listing) -> Result<Page, StoreError> {
        self.threads.run(tenant, move |engine| engine.list(tenant, &listing)).await
    }

    /// The members of a group; empty if there is no such group.
    ///
    /// # Errors
    /// As above.
    pub async fn members(&self, tenant: TenantId, group: ResourceId) -> Result<Members, StoreError> {
        self.threads.run(tenant, move |engine| engine.members(tenant, group)).await
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// As above.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.threads.run(NO_TENANT, |engine| engine.ping()).await
    }

    /// Opens a tenant; `false` if its label is taken.
    ///
    /// # Errors
    /// As above.
    pub async fn create_tenant(&self, tenant: Tenant) -> Result<bool, StoreError> {
        self.act(tenant.id, Act::CreateTenant(tenant)).await
    }

    /// Every tenant, by label.
    ///
    /// # Errors
    /// As above.
    pub async fn tenants(&self) -> Result<Vec<Tenant>, StoreError> {
        self.threads.run(NO_TENANT, |engine| engine.tenants()).await
    }

    /// A tenant by label or id.
    ///
    /// # Errors
    /// As above.
    pub async fn tenant(&self, label_or_id: &str) -> Result<Option<Tenant>, StoreError> {
        if has_nul(label_or_id) {
            return Ok(None);
        }
        let label_or_id = label_or_id.to_owned();
        self.threads.run(NO_TENANT, move |engine| engine.tenant(&label_or_id)).await
    }

    /// Suspends or resumes; `false` if there is no such tenant. What it is already leaves no audit row.
    ///
    /// # Errors
    /// As above.
    pub async fn set_tenant_state(&self, tenant: TenantId, state: TenantState) -> Result<bool, StoreError> {
        self.act(tenant, Act::SetTenantState(tenant, state)).await
    }

    /// Changes a tenant; `false` if there is no such tenant.
    ///
    /// # Errors
    /// As above.
    pub async fn change_tenant(&self, tenant: TenantId, update: TenantUpdate) -> Result<bool, StoreError> {
        self.act(tenant, Act::ChangeTenant(tenant, update)).await
    }

    /// Deletes a tenant with every row of it; `false` if there is no such tenant.
    ///
    /// # Errors
    /// As above.
    pub async fn delete_tenant(&self, tenant: TenantId) -> Result<bool, StoreError> {
        // By itself: the writer of all tenants would wait for a feed that is locked until everything is deleted. Where the
        // rest fails, the tenant takes no more changes and can be deleted again.
        self.threads.run(tenant, move |engine| engine.close_feed(tenant)).await?;
        self.act(tenant, Act::DeleteTenant(tenant)).await
    }

    /// Stores a new Secret Token; `false` if there is one of its id, or no such tenant any more.
    ///
    /// # Errors
    /// As above.
    pub async fn insert_secret_token(&self, token: SecretTokenRow) -> Result<bool, StoreError> {
        self.act(token.tenant, Act::InsertSecretToken(token)).await
    }

    /// The Secret Tokens of a tenant, oldest first, revoked ones too.
    ///
    /// # Errors
    /// As above.
    pub async fn secret_tokens(&self, tenant: TenantId) -> Result<Vec<SecretTokenRow>, StoreError> {
        self.threads.run(tenant, move |engine| engine.secret_tokens(tenant, BEFORE_ALL, i64::MAX)).await
    }

    /// Those behind a place (time of issue and id), oldest first.
    ///
    /// # Errors
    /// As above.
    pub async fn secret_tokens_behind(
        &self,
        tenant: TenantId,
        behind: (Timestamp, Uuid),
        limit: u32,
    ) -> Result<Vec<SecretTokenRow>, StoreError> {
        self.threads.run(tenant, move |engine| engine.secret_tokens(tenant, behind, limit.into())).await
    }

    /// The Secret Token with this digest, alive or not, and its tenant.
    ///
    /// # Errors
    /// As above.
    pub async fn secret_token(&self, digest: [u8; 32]) -> Result<Option<SecretTokenOwner>, StoreError> {
        // Whose token it is, is the question: each digest waits in a line of its own, so that a flood of guesses takes
        // turns with the token of a tenant.
        let mut line = [0; 16];
        line.copy_from_slice(&digest[..16]);
        self.threads.run(TenantId(Uuid::from_bytes(line)), move |engine| engine.secret_token(&digest)).await
    }

    /// Revokes a token; `false` if there is none alive.
    ///
    /// # Errors
    /// As above.
    pub async fn revoke_secret_token(
        &self,
        tenant: TenantId,
        id: Uuid,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        self.act(tenant, Act::RevokeSecretToken(tenant, id, at)).await
    }
}

/// Whether nothing can be found by this text. PostgreSQL refuses a NUL, in a question as well.
pub(crate) fn has_nul(text: &str) -> bool {
    text.contains('\0')
}

/// The line in which questions about no tenant wait: those of operators and of the process itself.
pub(crate) const NO_TENANT: TenantId = TenantId(Uuid::nil());
