//! Operators: the people who work in the admin service.

use super::{
    act::{Acted, Refused, Unreadable},
    api_tokens,
    audit::AuditEntry,
    sessions::{self, SessionEnded},
};
use crate::{
    connection::{AnyConnection, read_by},
    data::model::StoreError,
    schema::{operators, types::Id},
    store::{Store, has_nul},
    tx::Tx,
};
use diesel::prelude::*;
use scim::Timestamp;
use serde_json::{Value, json};
use std::fmt;
use uuid::Uuid;

/// What an operator may do; each may do what those before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Look at everything but operators and the audit log.
    Viewer,
    /// Open and suspend tenants, hand out credentials, restore resources.
    Support,
    /// Erase and export tenants, manage operators, read the audit log.
    Admin,
}

impl Role {
    /// All, from the least.
    pub const ALL: [Role; 3] = [Role::Viewer, Role::Support, Role::Admin];

    /// The stored word.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Viewer => "viewer",
            Role::Support => "support",
            Role::Admin => "admin",
        }
    }

    /// Reads the stored word.
    pub fn parse(word: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.as_str() == word)
    }
}

/// The second factor of an operator.
#[derive(Clone, PartialEq, Eq)]
pub struct Totp {
    /// The secret that both sides know.
    pub secret: Vec<u8>,
    /// Whether a code of it was seen; before that it does not count.
    pub is_confirmed: bool,
    /// The newest time step of which a code was used.
    pub last_step: i64,
}

/// Without the secret.
impl fmt::Debug for Totp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Totp").field("is_confirmed", &self.is_confirmed).finish_non_exhaustive()
    }
}

/// Somebody who works in the admin service.
#[derive(Clone, PartialEq, Eq)]
pub struct Operator {
    /// Key.
    pub id: Uuid,
    /// Name to sign in with, in lower case; unique.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Whether they may sign in.
    pub is_active: bool,
    /// argon2id, as a PHC string.
    pub password_hash: String,
    /// Whether the password was given by somebody else and must be changed.
    pub password_is_once: bool,
    /// Second factor, once there is one.
    pub totp: Option<Totp>,
    /// When they were added.
    pub created: Timestamp,
}

/// Without the hash.
impl fmt::Debug for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Operator").field("name", &self.name).field("role", &self.role).finish_non_exhaustive()
    }
}

impl Operator {
    /// Whether the second factor is in use.
    pub fn has_totp(&self) -> bool {
        self.totp.as_ref().is_some_and(|totp| totp.is_confirmed)
    }

    /// Whether nothing is left to do before they may work: they have a password of their own and a second factor.
    pub fn is_ready(&self) -> bool {
        !self.password_is_once && self.has_totp()
    }

    /// As the audit log shows it.
    fn shown(&self) -> Value {
        json!({
            "role": self.role.as_str(),
            "active": self.is_active,
            "one_time_password": self.password_is_once,
            "totp": self.has_totp(),
        })
    }
}

/// The row as it is stored. It is public only because diesel reads [`Operator`] by it.
#[doc(hidden)]
#[derive(Insertable, Queryable, AsChangeset)]
#[diesel(table_name = operators, treat_none_as_null = true)]
pub struct OperatorRecord {
    id: Id,
    name: String,
    role: String,
    state: String,
    password_hash: String,
    password_is_once: bool,
    totp_secret: Option<Vec<u8>>,
    totp_is_confirmed: bool,
    totp_last_step: i64,
    created_at: i64,
}

/// The stored word of those who may sign in.
pub(super) const ACTIVE: &str = "active";
const DISABLED: &str = "disabled";

impl From<&Operator> for OperatorRecord {
    fn from(operator: &Operator) -> Self {
        let totp = operator.totp.as_ref();
        OperatorRecord {
            id: Id(operator.id),
            name: operator.name.clone(),
            role: operator.role.as_str().to_owned(),
            state: if operator.is_active { ACTIVE } else { DISABLED }.to_owned(),
            password_hash: operator.password_hash.clone(),
            password_is_once: operator.password_is_once,
            totp_secret: totp.map(|totp| totp.secret.clone()),
            totp_is_confirmed: totp.is_some_and(|totp| totp.is_confirmed),
            totp_last_step: totp.map_or(0, |totp| totp.last_step),
            created_at: operator.created.0,
        }
    }
}

impl TryFrom<OperatorRecord> for Operator {
    type Error = Unreadable;

    fn try_from(record: OperatorRecord) -> Result<Self, Unreadable> {
        let role = Role::parse(&record.role)
            .ok_or_else(|| Unreadable(format!("an operator has the unknown role {}", record.role)))?;
        let (is_confirmed, last_step) = (record.totp_is_confirmed, record.totp_last_step);
        Ok(Operator {
            id: record.id.0,
            name: record.name,
            role,
            is_active: record.state == ACTIVE,
            password_hash: record.password_hash,
            password_is_once: record.password_is_once,
            totp: record.totp_secret.map(|secret| Totp { secret, is_confirmed, last_step }),
            created: Timestamp(record.created_at),
        })
    }
}

read_by!(Operator, OperatorRecord);

/// There is no operator of this id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gone;

/// Another operator has this name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NameTaken;

/// Why somebody stays the admin that they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StaysAdmin {
    /// There is no operator of this id.
    Gone,
    /// Nobody else is an active admin.
    LastAdmin,
}

/// Why operators could not change their own password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordRefused {
    /// The session has ended, as by a reset meanwhile.
    SessionEnded,
    /// The password is no longer the one that they have shown.
    Changed,
}

/// Why operators could not set up their second factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TotpRefused {
    /// The session has ended, as by a reset meanwhile.
    SessionEnded,
    /// A second factor is already set up.
    AlreadySetUp,
    /// This secret is not the one that was begun last.
    NotBegun,
}

/// Adds an operator.
///
/// # Errors
/// [`NameTaken`].
pub fn create(tx: &mut Tx<'_>, operator: &Operator) -> Acted<((), AuditEntry), NameTaken> {
    let row = diesel::insert_into(operators::table).values(OperatorRecord::from(operator));
    if !tx.insert(|db| row.execute(db))? {
        return Err(Refused::Because(NameTaken));
    }
    Ok(((), entry("operator.create", operator).makes(operator.shown())))
}

/// Operators give themselves a new password. `old` is the hash that the old one was checked against. All their other
/// sessions end.
///
/// # Errors
/// [`PasswordRefused`].
pub fn set_password(
    tx: &mut Tx<'_>,
    id: Uuid,
    session: &[u8; 32],
    old: &str,
    new: String,
) -> Acted<((), AuditEntry), PasswordRefused> {
    let before =
        in_session(tx, id, session).map_err(|refused| refused.map(|_| PasswordRefused::SessionEnded))?;
    if before.password_hash != old {
        return Err(Refused::Because(PasswordRefused::Changed));
    }
    let after = Operator { password_hash: new, password_is_once: false, ..before.clone() };
    sessions::end_others(tx, id, session)?;
    Ok(((), change(tx, "operator.change-password", &before, &after)?))
}

/// Operators begin to set up their second factor: the secret counts once it is confirmed.
///
/// # Errors
/// [`TotpRefused::SessionEnded`], [`TotpRefused::AlreadySetUp`].
pub fn begin_totp(
    tx: &mut Tx<'_>,
    id: Uuid,
    session: &[u8; 32],
    secret: Vec<u8>,
) -> Acted<((), AuditEntry), TotpRefused> {
    let before = in_session(tx, id, session).map_err(|refused| refused.map(|_| TotpRefused::SessionEnded))?;
    if before.has_totp() {
        return Err(Refused::Because(TotpRefused::AlreadySetUp));
    }
    let totp = Some(Totp { secret, is_confirmed: false, last_step: 0 });
    let after = Operator { totp, ..before.clone() };
    Ok(((), change(tx, "operator.begin-totp", &before, &after)?))
}

/// Operators have shown a code of this time step: the secret counts from now on. All their other sessions end.
///
/// # Errors
/// [`TotpRefused`].
pub fn confirm_totp(
    tx: &mut Tx<'_>,
    id: Uuid,
    session: &[u8; 32],
    secret: &[u8],
    step: i64,
) -> Acted<((), AuditEntry), TotpRefused> {
    let before = in_session(tx, id, session).map_err(|refused| refused.map(|_| TotpRefused::SessionEnded))?;
    if before.has_totp() {
        return Err(Refused::Because(TotpRefused::AlreadySetUp));
    }
    if before.totp.as_ref().is_none_or(|totp| totp.secret != secret) {
        return Err(Refused::Because(TotpRefused::NotBegun));
    }
    let totp = Some(Totp { secret: secret.to_vec(), is_confirmed: true, last_step: step });
    let after = Operator { totp, ..before.clone() };
    sessions::end_others(tx, id, session)?;
    Ok(((), change(tx, "operator.confirm-totp", &before, &after)?))
}

/// Makes an operator as new: active, with a one-time password of this hash, and without second factor, sessions and API
/// tokens. Returns the operator as it is then.
///
/// # Errors
/// [`Gone`].
pub fn reset(tx: &mut Tx<'_>, id: Uuid, hash: String) -> Acted<(Operator, AuditEntry), Gone> {
    let before = lock(tx, id)?.ok_or(Refused::Because(Gone))?;
    let after = Operator {
        is_active: true,
        password_hash: hash,
        password_is_once: true,
        totp: None,
        ..before.clone()
    };
    sign_out_everywhere(tx, id)?;
    let entry = change(tx, "operator.reset", &before, &after)?;
    Ok((after, entry))
}

/// Lets an operator sign in no more, and ends their sessions and API tokens. Returns the operator as it is then.
///
/// # Errors
/// [`StaysAdmin`].
pub fn disable(tx: &mut Tx<'_>, id: Uuid) -> Acted<(Operator, AuditEntry), StaysAdmin> {
    let before = lock_among_admins(tx, id)?;
    let after = Operator { is_active: false, ..before.clone() };
    sign_out_everywhere(tx, id)?;
    let entry = change(tx, "operator.disable", &before, &after)?;
    Ok((after, entry))
}

/// Lets a disabled operator sign in again, with the password and the second factor from before. Returns the operator as it
/// is then.
///
/// # Errors
/// [`Gone`].
pub fn enable(tx: &mut Tx<'_>, id: Uuid) -> Acted<(Operator, AuditEntry), Gone> {
    let before = lock(tx, id)?.ok_or(Refused::Because(Gone))?;
    let after = Operator { is_active: true, ..before.clone() };
    let entry = change(tx, "operator.enable", &before, &after)?;
    Ok((after, entry))
}

/// Gives an operator another role. Returns the operator as it is then.
///
/// # Errors
/// [`StaysAdmin`].
pub fn set_role(tx: &mut Tx<'_>, id: Uuid, role: Role) -> Acted<(Operator, AuditEntry), StaysAdmin> {
    let before = match role {
        Role::Admin => lock(tx, id)?.ok_or(Refused::Because(StaysAdmin::Gone))?,
        Role::Viewer | Role::Support => lock_among_admins(tx, id)?,
    };
    let after = Operator { role, ..before.clone() };
    let entry = change(tx, "operator.set-role", &before, &after)?;
    Ok((after, entry))
}

/// Writes an operator, and returns the entry of that.
fn change(
    tx: &mut Tx<'_>,
    action: &'static str,
    before: &Operator,
    after: &Operator,
) -> QueryResult<AuditEntry> {
    let row = operators::table.find(Id(before.id));
    diesel::update(row).set(OperatorRecord::from(after)).execute(tx.db)?;
    Ok(entry(action, before).changes(before.shown(), after.shown()))
}

fn entry(action: &'static str, operator: &Operator) -> AuditEntry {
    AuditEntry::of(action, operator.name.clone())
}

fn sign_out_everywhere(tx: &mut Tx<'_>, id: Uuid) -> QueryResult<()> {
    sessions::end_all(tx, id)?;
    api_tokens::delete_of(tx, id)
}

/// An operator, locked until the end of the transaction, whose session of this digest goes on. A reset that is under way ends
/// before the answer, and one that comes later waits, and then ends what is done meanwhile.
///
/// # Errors
/// [`SessionEnded`].
pub(super) fn in_session(tx: &mut Tx<'_>, id: Uuid, session: &[u8; 32]) -> Acted<Operator, SessionEnded> {
    let operator = lock(tx, id)?.ok_or(Refused::Because(SessionEnded))?;
    match sessions::goes_on(tx, id, session)? {
        true => Ok(operator),
        false => Err(Refused::Because(SessionEnded)),
    }
}

/// The operator of this id, locked until the end of the transaction. SQLite has one writer, and nothing to lock.
pub(super) fn lock(tx: &mut Tx<'_>, id: Uuid) -> QueryResult<Option<Operator>> {
    let row = operators::table.find(Id(id));
    match tx.db {
        AnyConnection::Postgres(connection) => row.for_no_key_update().first(connection),
        AnyConnection::Sqlite(connection) => row.first(connection),
    }
    .optional()
}

/// The operator of this id, who may lose the rights of an admin. Every admin is locked too, in one order: of two admins that
/// take each other's role the second waits, and sees what the first has done.
fn lock_among_admins(tx: &mut Tx<'_>, id: Uuid) -> Acted<Operator, StaysAdmin> {
    let rows = operators::table
        .filter(operators::role.eq(Role::Admin.as_str()).or(operators::id.eq(Id(id))))
        .order(operators::id);
    let found: Vec<Operator> = match tx.db {
        AnyConnection::Postgres(connection) => rows.for_no_key_update().load(connection)?,
        AnyConnection::Sqlite(connection) => rows.load(connection)?,
    };
    let is_admin = |operator: &&Operator| operator.role == Role::Admin && operator.is_active;
    let remains = found.iter().filter(is_admin).any(|operator| operator.id != id);
    let operator = found.iter().find(|operator| operator.id == id).cloned();
    let operator = operator.ok_or(Refused::Because(StaysAdmin::Gone))?;
    match remains || !is_admin(&&operator) {
        true => Ok(operator),
        false => Err(Refused::Because(StaysAdmin::LastAdmin)),
    }
}

impl Store {
    /// Every operator, by name.
    ///
    /// # Errors
    /// Faults of the database.
    pub async fn operators(&self) -> Result<Vec<Operator>, StoreError> {
        self.read_for_operators(|tx| operators::table.order(operators::name).load(tx.db)).await
    }

    /// The operator of this name (lower case).
    ///
    /// # Errors
    /// Faults of the database.
    pub async fn operator(&self, name: &str) -> Result<Option<Operator>, StoreError> {
        if has_nul(name) {
            return Ok(None);
        }
        let name = name.to_owned();
        let question =
            |tx: &mut Tx<'_>| operators::table.filter(operators::name.eq(name)).first(tx.db).optional();
        self.read_for_operators(question).await
    }
}
