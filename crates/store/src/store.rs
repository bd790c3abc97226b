//! [`Store`]: the asynchronous face of a database: which lane and which line a question waits in, and what it weighs.

use crate::{
    control::actor::By,
    data::counts::Quotas,
    data::lookups,
    data::model::*,
    data::plan::TenantChange,
    data::sql::listing::is_indexed,
    engine::{Engine, Engines, Lookup, LookupKey},
    jobs::admission::{
        line::Line,
        scans::ScanCosts,
        weight::Weight,
        work::{Budget, InFlight, TooMuch, Work},
    },
    jobs::figures::LaneFigures,
    jobs::lane::Lane,
    jobs::threads::{Asked, Threads},
    jobs::workers::Batching,
    postgres::PostgresEngine,
    sqlite::SqliteEngine,
};
use scim::{
    Timestamp,
    comparison::{fold, user_name_key},
    schema::ResourceKind,
};
use std::sync::Arc;
use uuid::Uuid;

/// How to open a store.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `sqlite://path` (`sqlite:///abs/path`) or `postgres://…`.
    pub url: String,
    /// Threads that read resources; 0 means two a core.
    pub readers: usize,
    /// Most changes in one commit.
    pub batch: usize,
    /// The work that each tenant may ask for.
    pub budget: Budget,
    /// How much there may be of each tenant.
    pub quotas: Quotas,
}

impl Settings {
    /// The database at this URL, and otherwise what is usual.
    pub fn of(url: impl Into<String>) -> Settings {
        Settings {
            url: url.into(),
            readers: 0,
            batch: 64,
            budget: Budget::default(),
            quotas: Quotas::default(),
        }
    }
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

/// How many members of a group are read at a time.
pub const MEMBERS_AT_ONCE: u32 = 4096;

/// A handle on the database; cheap to clone. Threads end when the last handle is gone, after what is written is finished.
#[derive(Clone)]
pub struct Store {
    pub(crate) threads: Arc<Threads>,
    work: Arc<Work>,
    pub(crate) lookups: Arc<lookups::Memory>,
    pub(crate) scans: Arc<ScanCosts>,
    is_for_clients: bool,
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
        let engines = if let Some(path) = settings.url.strip_prefix("sqlite://") {
            SqliteEngine::watch()?;
            Engines::open(|lane| SqliteEngine::open(path, lane, readers))?
        } else if settings.url.starts_with("postgres://") || settings.url.starts_with("postgresql://") {
            let canceller = PostgresEngine::canceller(&settings.url)?;
            Engines::open(|lane| PostgresEngine::open(&settings.url, lane, readers, canceller.clone()))?
        } else {
            return Err(OpenError::UnknownScheme);
        };
        engines.of(Lane::Operators).migrate()?;
        Ok(Store {
            threads: Arc::new(Threads::start(
                engines,
                readers,
                Batching { most: settings.batch.max(1), quotas: settings.quotas },
            )?),
            work: Arc::new(Work::new(settings.budget)),
            lookups: Arc::new(lookups::Memory::new()),
            scans: Arc::default(),
            is_for_clients: false,
            by: None,
        })
    }

    /// The same store in the hands of somebody: every administrative act through it writes its audit row, in the
    /// transaction of the act.
    #[must_use]
    pub fn acting(&self, by: By) -> Store {
        Store { by: Some(Arc::new(by)), ..self.clone() }
    }

    /// The same store in the hands of tenants' clients: what a tenant asks is held to its budget and waits in its line.
    /// Operators have a line of their own and no budget.
    #[must_use]
    pub fn for_clients(&self) -> Store {
        Store { is_for_clients: true, ..self.clone() }
    }

    /// Whether what is asked is asked by a tenant's client.
    pub(crate) fn is_for_clients(&self) -> bool {
        self.is_for_clients
    }

    /// Asks for work on the resources of a tenant; returns when it may begin.
    pub(crate) async fn admit(&self, tenant: TenantId, weight: Weight) -> Result<Asked, StoreError> {
        let in_flight = match self.is_for_clients {
            true => self.work.begin(tenant, weight).await?,
            false => InFlight::uncounted(),
        };
        Ok(Asked { line: self.line_of(tenant), weight, in_flight })
    }

    /// The line in which work on the resources of a tenant waits.
    pub(crate) fn line_of(&self, tenant: TenantId) -> Line {
        if self.is_for_clients { Line::Tenant(tenant) } else { Line::Operators }
    }

    /// Asks the engine something in a lane and line, whose cost no tenant answers for.
    pub(crate) async fn ask_in<A: Send + 'static>(
        &self,
        lane: Lane,
        line: impl Into<Line>,
        work: impl FnOnce(&dyn Engine) -> Result<A, StoreError> + Send + 'static,
    ) -> Result<A, StoreError> {
        let asked = Asked { line: line.into(), weight: Weight::ONE, in_flight: InFlight::uncounted() };
        self.threads.run(lane, asked, work, |_| Weight::ONE).await
    }

    /// Commits one change; answered when it is durable. A deleted resource that somebody brings back leaves its audit row
    /// in the same transaction ([`Store::acting`]).
    ///
    /// # Errors
    /// See [`CommitError`].
    pub async fn commit(&self, tenant: TenantId, change: Change) -> Result<Committed, CommitError> {
        let asked = self.admit(tenant, Weight::of_change(&change)).await?;
        self.threads.write(asked, TenantChange { tenant, change, by: self.by.clone() }).await
    }

    /// How many jobs have had to wait since their tenant was beyond its budget, of all tenants.
    pub fn held_back(&self) -> u64 {
        self.work.held_back()
    }

    /// How many jobs were refused since their tenant had too much in flight for too long, of all tenants.
    pub fn refused(&self) -> u64 {
        self.work.refused()
    }

    /// Units of work in flight, of all tenants.
    pub fn work_in_flight(&self) -> u64 {
        self.work.in_flight()
    }

    /// What each lane has done since the start.
    pub fn lanes(&self) -> Vec<LaneFigures> {
        self.threads.figures()
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
        self.look_up(Lookup { tenant, key: LookupKey::Id(kind, id), with_groups }).await
    }

    /// The user with this `userName`, in any spelling. Of two users whose names are equal it is the one who is stored under
    /// this spelling, else the one who has the key (`docs/adr/0034`).
    ///
    /// # Errors
    /// As above.
    pub async fn user_by_name(
        &self,
        tenant: TenantId,
        name: String,
        with_groups: bool,
    ) -> Result<Option<Row>, StoreError> {
        let (lower, key) = (fold(&name), user_name_key(&name));
        let look_up = |name| self.look_up(Lookup { tenant, key: LookupKey::UserName(name), with_groups });
        if lower != key
            && let Some(row) = look_up(lower).await?
        {
            return Ok(Some(row));
        }
        look_up(key).await
    }

    async fn look_up(&self, lookup: Lookup) -> Result<Option<Row>, StoreError> {
        let asked = self.admit(lookup.tenant, Weight::of_lookup(&lookup)).await?;
        self.threads.look_up(asked, lookup).await
    }

    /// A page of resources.
    ///
    /// # Errors
    /// As above; [`StoreError::Late`] if it reads too much.
    pub async fn list(&self, tenant: TenantId, listing: Listing) -> Result<Page, StoreError> {
        if let Some(page) = self.list_by_lookup(tenant, &listing).await? {
            return Ok(page);
        }
        let is_indexed = is_indexed(&listing);
        let scan = (!is_indexed).then(|| self.scans.of(tenant));
        let asked = self.admit(tenant, Weight::of_listing(&listing, scan)).await?;
        if is_indexed {
            let work = move |engine: &dyn Engine| engine.snapshot(|tx| tx.list(tenant, &listing, None));
            return self.threads.run(Lane::Quick, asked, work, Weight::of_page).await;
        }
        let scans = Arc::clone(&self.scans);
        let work = move |engine: &dyn Engine| {
            scans.note(tenant, || engine.snapshot(|tx| tx.list(tenant, &listing, None)))
        };
        self.threads.run(Lane::Slow, asked, work, Weight::of_page).await
    }

    /// The members of a group; empty if there is no such group. `member_count` is how many there probably are. They are read in
    /// slices, each of them the group at that moment: who stays in the group is there once. Any change of the members
    /// meanwhile raises the version of the group.
    ///
    /// # Errors
    /// As above.
    pub async fn members(
        &self,
        tenant: TenantId,
        group: ResourceId,
        member_count: u64,
    ) -> Result<Members, StoreError> {
        let (mut members, mut after, mut expected) = (Members::default(), None, member_count);
        loop {
            let slice = self.members_after(tenant, group, after, MEMBERS_AT_ONCE, expected).await?;
            after = slice.last().map(|member| member.id);
            expected = expected.saturating_sub(slice.len() as u64);
            for member in &slice {
                let is_group = member.kind == ResourceKind::Group;
                if is_group { &mut members.groups } else { &mut members.users }.push(member.id);
            }
            if slice.len() < MEMBERS_AT_ONCE as usize {
                return Ok(members);
            }
        }
    }

    /// At most `limit` members of a group behind another member, by id; from the first if `after` is `None`. Empty if there
    /// is no such group. `expected` is how many there probably are. It is the weight of the job before it runs.
    ///
    /// # Errors
    /// As above.
    pub async fn members_after(
        &self,
        tenant: TenantId,
        group: ResourceId,
        after: Option<ResourceId>,
        limit: u32,
        expected: u64,
    ) -> Result<Vec<Member>, StoreError> {
        let rows = usize::try_from(expected.min(limit.into())).unwrap_or(usize::MAX);
        let asked = self.admit(tenant, Weight::of_rows(rows)).await?;
        let read = move |engine: &dyn Engine| engine.members_after(tenant, group, after, limit);
        self.threads
            .run(Lane::Quick, asked, read, |members: &Vec<Member>| Weight::of_rows(members.len()))
            .await
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// As above.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.ask_in(Lane::Vital, Line::Process, |engine| engine.ping()).await
    }
}

/// Whether nothing can be found by this text. PostgreSQL refuses a NUL, in a question as well.
pub(crate) fn has_nul(text: &str) -> bool {
    text.contains('\0')
}

impl std::convert::From<TenantId> for Line {
    fn from(tenant: TenantId) -> Line {
        Line::Tenant(tenant)
    }
}

impl std::convert::From<TooMuch> for StoreError {
    fn from(TooMuch(seconds): TooMuch) -> StoreError {
        StoreError::Overloaded(seconds)
    }
}
