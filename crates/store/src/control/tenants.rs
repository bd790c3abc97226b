//! Tenants: each is one company, with users, groups and credentials of its own.

use super::{
    act::{Acted, Refused, Unreadable},
    audit::AuditEntry,
};
use crate::{
    connection::{AnyConnection, read_by},
    data::model::{StoreError, TenantId, TenantKind},
    schema::{
        client_secrets, erasures, federations, feeds, oauth_clients, rotations, secret_tokens, setup_links,
        tenants, types::Id, used_assertions,
    },
    store::{Store, has_nul},
    tx::Tx,
};
use diesel::{dsl::exists, prelude::*};
use scim::{Profile, Timestamp, comparison::USER_NAME_KEY_VERSION};
use serde_json::{Value, json};
use uuid::Uuid;

/// Whether a tenant's provisioning client may work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TenantState {
    /// It may work.
    Active,
    /// Its credentials are good, but every request is refused with 403. Everything is kept.
    Suspended,
}

impl TenantState {
    /// The stored word.
    pub fn as_str(self) -> &'static str {
        match self {
            TenantState::Active => "active",
            TenantState::Suspended => "suspended",
        }
    }

    /// Reads the stored word.
    pub fn parse(word: &str) -> Option<TenantState> {
        [TenantState::Active, TenantState::Suspended].into_iter().find(|state| state.as_str() == word)
    }
}

/// A tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenant {
    /// Key.
    pub id: TenantId,
    /// Its part of the Tenant URL: a DNS label, unique.
    pub label: String,
    /// Its name as support wrote it.
    pub name: String,
    /// Compatibility profile.
    pub profile: Profile,
    /// State.
    pub state: TenantState,
    /// When it was opened.
    pub created: Timestamp,
}

impl Tenant {
    /// As the audit log shows it.
    fn shown(&self) -> Value {
        json!({
            "label": self.label,
            "name": self.name,
            "profile": self.profile.as_str(),
            "state": self.state.as_str(),
        })
    }
}

/// What is changed of a tenant. `None` leaves it as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TenantUpdate {
    /// Its name.
    pub name: Option<String>,
    /// Its compatibility profile, from the next request on.
    pub profile: Option<Profile>,
}

/// The row as it is stored. It is public only because diesel reads [`Tenant`] by it.
#[doc(hidden)]
#[derive(Insertable, Queryable, AsChangeset)]
#[diesel(table_name = tenants)]
pub struct TenantRecord {
    id: Id,
    label: String,
    name: String,
    profile: String,
    state: String,
    created_at: i64,
}

impl From<&Tenant> for TenantRecord {
    fn from(tenant: &Tenant) -> Self {
        TenantRecord {
            id: Id(tenant.id.0),
            label: tenant.label.clone(),
            name: tenant.name.clone(),
            profile: tenant.profile.as_str().to_owned(),
            state: tenant.state.as_str().to_owned(),
            created_at: tenant.created.0,
        }
    }
}

impl TryFrom<TenantRecord> for Tenant {
    type Error = Unreadable;

    fn try_from(record: TenantRecord) -> Result<Self, Unreadable> {
        let unknown = |what: &str, word: &str| Unreadable(format!("a tenant has the unknown {what} {word}"));
        Ok(Tenant {
            id: TenantId(record.id.0),
            label: record.label,
            name: record.name,
            profile: Profile::parse(&record.profile).ok_or_else(|| unknown("profile", &record.profile))?,
            state: TenantState::parse(&record.state).ok_or_else(|| unknown("state", &record.state))?,
            created: Timestamp(record.created_at),
        })
    }
}

read_by!(Tenant, TenantRecord);

/// There is no such tenant, or it is being erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TenantGone;

/// Another tenant has this label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LabelTaken;

/// Opens a tenant, with the feed of its changes.
///
/// # Errors
/// [`LabelTaken`].
pub fn create(tx: &mut Tx<'_>, tenant: &Tenant) -> Acted<((), AuditEntry), LabelTaken> {
    if !insert(tx, tenant)? {
        return Err(Refused::Because(LabelTaken));
    }
    Ok(((), entry("tenant.create", tenant).makes(tenant.shown())))
}

/// Inserts the rows of a tenant, for an action that opens one as a part. Returns `false` if its label or id is taken.
pub(super) fn insert(tx: &mut Tx<'_>, tenant: &Tenant) -> QueryResult<bool> {
    let row = TenantRecord::from(tenant);
    let feed = (
        feeds::tenant_id.eq(Id(tenant.id.0)),
        feeds::position.eq(0),
        feeds::user_name_key_version.eq(USER_NAME_KEY_VERSION),
    );
    tx.insert(|db| {
        diesel::insert_into(tenants::table).values(row).execute(db)?;
        diesel::insert_into(feeds::table).values(feed).execute(db)
    })
}

/// Changes a tenant. Returns it as it is then. An update that changes nothing has no entry.
///
/// # Errors
/// [`TenantGone`].
pub fn change(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    update: TenantUpdate,
) -> Acted<(Tenant, Option<AuditEntry>), TenantGone> {
    let before = lock(tx, tenant)?;
    let after = Tenant {
        name: update.name.unwrap_or_else(|| before.name.clone()),
        profile: update.profile.unwrap_or(before.profile),
        ..before.clone()
    };
    if after == before {
        return Ok((after, None));
    }
    write(tx, &after)?;
    let entry = entry("tenant.change", &before).changes(before.shown(), after.shown());
    Ok((after, Some(entry)))
}

/// Suspends or resumes a tenant. Returns it as it is then. A state that it is in already has no entry.
///
/// # Errors
/// [`TenantGone`].
pub fn set_state(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    state: TenantState,
) -> Acted<(Tenant, Option<AuditEntry>), TenantGone> {
    let before = lock(tx, tenant)?;
    if before.state == state {
        return Ok((before, None));
    }
    let after = Tenant { state, ..before.clone() };
    write(tx, &after)?;
    let action = match state {
        TenantState::Active => "tenant.resume",
        TenantState::Suspended => "tenant.suspend",
    };
    let show = |state: TenantState| json!({ "state": state.as_str() });
    let entry = entry(action, &before).changes(show(before.state), show(state));
    Ok((after, Some(entry)))
}

/// Ends what can be done for a tenant: its credentials go, and actions on it are refused from now on ([`lock`]).
///
/// # Errors
/// [`TenantGone`] if there is no such tenant.
pub(crate) fn begin_erasing(tx: &mut Tx<'_>, tenant: TenantId) -> Acted<(), TenantGone> {
    lock_whole(tx, tenant)?;
    let id = erasures::tenant_id.eq(Id(tenant.0));
    if !diesel::select(exists(erasures::table.filter(id))).get_result(tx.db)? {
        diesel::insert_into(erasures::table).values(id).execute(tx.db)?;
    }
    delete_credentials(tx, tenant)?;
    Ok(())
}

/// Takes the feed of a tenant away: its resources cannot be changed any more.
pub(crate) fn close_feed(tx: &mut Tx<'_>, tenant: TenantId) -> QueryResult<()> {
    diesel::delete(feeds::table.find(Id(tenant.0))).execute(tx.db).map(drop)
}

/// Deletes the row of a tenant, after its resources (`erase.rs`). It is locked, so that nothing is inserted for it meanwhile.
/// The end of a scratch tenant has no entry: what was tried on it has one.
///
/// # Errors
/// [`TenantGone`] if there is no such tenant.
pub(crate) fn delete(tx: &mut Tx<'_>, tenant: TenantId) -> Acted<((), Option<AuditEntry>), TenantGone> {
    let before = lock_whole(tx, tenant)?;
    // An assertion may have been exchanged when the erasing began.
    delete_credentials(tx, tenant)?;
    diesel::delete(erasures::table.find(Id(tenant.0))).execute(tx.db)?;
    diesel::delete(tenants::table.find(Id(tenant.0))).execute(tx.db)?;
    let entry = entry("tenant.delete", &before).removes(before.shown());
    Ok(((), (tenant.kind() == TenantKind::Company).then_some(entry)))
}

fn delete_credentials(tx: &mut Tx<'_>, tenant: TenantId) -> QueryResult<()> {
    let key = Id(tenant.0);
    diesel::delete(setup_links::table.filter(setup_links::tenant_id.eq(key))).execute(tx.db)?;
    diesel::delete(rotations::table.filter(rotations::tenant_id.eq(key))).execute(tx.db)?;
    diesel::delete(secret_tokens::table.filter(secret_tokens::tenant_id.eq(key))).execute(tx.db)?;
    diesel::delete(used_assertions::table.filter(used_assertions::tenant_id.eq(key))).execute(tx.db)?;
    diesel::delete(federations::table.filter(federations::tenant_id.eq(key))).execute(tx.db)?;
    diesel::delete(client_secrets::table.filter(client_secrets::tenant_id.eq(key))).execute(tx.db)?;
    diesel::delete(oauth_clients::table.filter(oauth_clients::tenant_id.eq(key))).execute(tx.db)?;
    Ok(())
}

fn write(tx: &mut Tx<'_>, tenant: &Tenant) -> QueryResult<()> {
    let row = tenants::table.find(Id(tenant.id.0));
    diesel::update(row).set(TenantRecord::from(tenant)).execute(tx.db).map(drop)
}

fn entry(action: &'static str, tenant: &Tenant) -> AuditEntry {
    AuditEntry::of_tenant(action, tenant.label.clone(), tenant.id)
}

/// The tenant of this id, locked until the end of the transaction: the first thing that an action on a tenant or on its
/// credentials does. Actions on one tenant wait for each other. SQLite has one writer, and nothing to lock.
///
/// # Errors
/// [`TenantGone`].
pub(super) fn lock(tx: &mut Tx<'_>, tenant: TenantId) -> Acted<Tenant, TenantGone> {
    let row = tenants::table.find(Id(tenant.0));
    let found = match tx.db {
        AnyConnection::Postgres(connection) => row.for_no_key_update().first(connection),
        AnyConnection::Sqlite(connection) => row.first(connection),
    };
    let found = found.optional()?.ok_or(Refused::Because(TenantGone))?;
    match diesel::select(exists(erasures::table.find(Id(tenant.0)))).get_result(tx.db)? {
        true => Err(Refused::Because(TenantGone)),
        false => Ok(found),
    }
}

/// The same for an action that has a reason of its own for it.
///
/// # Errors
/// `gone` if there is no such tenant, or it is being erased.
pub(super) fn lock_or<E>(tx: &mut Tx<'_>, tenant: TenantId, gone: E) -> Acted<Tenant, E> {
    lock(tx, tenant).map_err(|refused| refused.map(|TenantGone| gone))
}

/// The tenant of this id, being erased or not, under the stronger lock: rows that refer to it wait as well.
fn lock_whole(tx: &mut Tx<'_>, tenant: TenantId) -> Acted<Tenant, TenantGone> {
    let row = tenants::table.find(Id(tenant.0));
    let found = match tx.db {
        AnyConnection::Postgres(connection) => row.for_update().first(connection),
        AnyConnection::Sqlite(connection) => row.first(connection),
    };
    found.optional()?.ok_or(Refused::Because(TenantGone))
}

/// Every tenant, by label.
pub(crate) fn all(tx: &mut Tx<'_>) -> QueryResult<Vec<Tenant>> {
    tenants::table.order(tenants::label).load(tx.db)
}

impl Store {
    /// Every tenant, by label.
    ///
    /// # Errors
    /// Faults of the database.
    pub async fn tenants(&self) -> Result<Vec<Tenant>, StoreError> {
        self.read_for_operators(all).await
    }

    /// A company by label or id; scratch tenants are nobody's to see.
    ///
    /// # Errors
    /// Faults of the database.
    pub async fn tenant(&self, label_or_id: &str) -> Result<Option<Tenant>, StoreError> {
        if has_nul(label_or_id) {
            return Ok(None);
        }
        let (label, id) = (label_or_id.to_owned(), Id(Uuid::try_parse(label_or_id).unwrap_or_default()));
        let question = move |tx: &mut Tx<'_>| {
            let found = tenants::table.filter(tenants::label.eq(label).or(tenants::id.eq(id)));
            found.filter(tenants::id.lt(Id(TenantId::FIRST_SCRATCH.0))).first(tx.db).optional()
        };
        self.read_for_operators(question).await
    }
}
