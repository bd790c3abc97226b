//! Rotations: a credential takes the place of another, in steps (`docs/adr/0015`).

use super::{
    act::{Acted, Refused, Unreadable},
    audit::AuditEntry,
    client_secrets::{self, ClientSecret},
    credentials::CredentialKind,
    secret_tokens::{self, SecretTokenRow},
    tenants,
};
use crate::{
    connection::read_by,
    data::model::{StoreError, TenantId},
    jobs::admission::line::Line,
    jobs::lane::Lane,
    schema::{rotations, types::Id},
    store::Store,
    tx::Tx,
};
use diesel::{dsl::exists, prelude::*};
use scim::Timestamp;
use serde_json::json;
use uuid::Uuid;

/// How a rotation has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The old credential has ended, the new one stays.
    Completed,
    /// The new credential has ended, the old one stays.
    Cancelled,
}

impl Outcome {
    /// The stored word.
    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Completed => "completed",
            Outcome::Cancelled => "cancelled",
        }
    }

    /// Reads the stored word.
    pub fn parse(word: &str) -> Option<Outcome> {
        [Outcome::Completed, Outcome::Cancelled].into_iter().find(|outcome| outcome.as_str() == word)
    }
}

/// A credential that takes the place of another, in steps (`docs/adr/0015`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// Key; version 7, so the order of ids is the order of starting.
    pub id: Uuid,
    /// The tenant that it belongs to.
    pub tenant: TenantId,
    /// Of which kind both credentials are: a Secret Token or a client secret.
    pub kind: CredentialKind,
    /// The credential that shall end.
    pub old: Uuid,
    /// Its key id.
    pub old_key_id: String,
    /// The one in its place.
    pub new: Uuid,
    /// Its key id.
    pub new_key_id: String,
    /// When it was started.
    pub started: Timestamp,
    /// Whether a gateway completes it as soon as that is safe.
    pub is_automatic: bool,
    /// When and how it has ended.
    pub ended: Option<(Timestamp, Outcome)>,
}

/// The new credential of a rotation.
#[derive(Clone, Debug)]
pub enum Successor {
    /// A Secret Token.
    SecretToken(SecretTokenRow),
    /// A secret of an OAuth client.
    ClientSecret(ClientSecret),
}

/// Why and how a rotation is ended, for the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// When.
    pub at: Timestamp,
    /// How.
    pub outcome: Outcome,
    /// In which state the rotation was, in words.
    pub because: String,
    /// Whether somebody wanted it although it was not safe yet.
    pub is_early: bool,
}

/// The row as it is stored. It is public only because diesel reads [`Rotation`] by it.
#[doc(hidden)]
#[derive(Insertable, Queryable)]
#[diesel(table_name = rotations)]
pub struct RotationRecord {
    tenant_id: Id,
    id: Id,
    kind: String,
    old_id: Id,
    old_key_id: String,
    new_id: Id,
    new_key_id: String,
    started_at: i64,
    automatic: bool,
    ended_at: Option<i64>,
    outcome: Option<String>,
}

impl From<&Rotation> for RotationRecord {
    fn from(rotation: &Rotation) -> Self {
        RotationRecord {
            tenant_id: Id(rotation.tenant.0),
            id: Id(rotation.id),
            kind: rotation.kind.as_str().to_owned(),
            old_id: Id(rotation.old),
            old_key_id: rotation.old_key_id.clone(),
            new_id: Id(rotation.new),
            new_key_id: rotation.new_key_id.clone(),
            started_at: rotation.started.0,
            automatic: rotation.is_automatic,
            ended_at: rotation.ended.map(|(at, _)| at.0),
            outcome: rotation.ended.map(|(_, outcome)| outcome.as_str().to_owned()),
        }
    }
}

impl TryFrom<RotationRecord> for Rotation {
    type Error = Unreadable;

    fn try_from(record: RotationRecord) -> Result<Self, Unreadable> {
        let unknown = |word: &str| Unreadable(format!("a rotation has the unknown word {word}"));
        let outcome = record.outcome.as_deref().map(|word| Outcome::parse(word).ok_or_else(|| unknown(word)));
        Ok(Rotation {
            id: record.id.0,
            tenant: TenantId(record.tenant_id.0),
            kind: CredentialKind::parse(&record.kind).ok_or_else(|| unknown(&record.kind))?,
            old: record.old_id.0,
            old_key_id: record.old_key_id,
            new: record.new_id.0,
            new_key_id: record.new_key_id,
            started: Timestamp(record.started_at),
            is_automatic: record.automatic,
            ended: record.ended_at.map(Timestamp).zip(outcome.transpose()?),
        })
    }
}

read_by!(Rotation, RotationRecord);

/// Why a rotation was not started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartRefused {
    /// There is no such tenant, or it is being erased.
    TenantGone,
    /// The old credential is part of a rotation that is under way.
    UnderWay,
    /// There is a rotation or a credential of this id.
    Exists,
}

/// Why a rotation was not ended or changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RotationRefused {
    /// There is no such tenant, or it is being erased.
    TenantGone,
    /// It has ended.
    Ended,
    /// It is already as it should be.
    Unchanged,
}

/// Starts a rotation with its new credential.
///
/// # Errors
/// [`StartRefused`].
pub fn start(
    tx: &mut Tx<'_>,
    rotation: &Rotation,
    successor: &Successor,
) -> Acted<((), AuditEntry), StartRefused> {
    tenants::lock_or(tx, rotation.tenant, StartRefused::TenantGone)?;
    let old = Id(rotation.old);
    let is_busy = rotations::table
        .filter(rotations::tenant_id.eq(Id(rotation.tenant.0)).and(rotations::ended_at.is_null()))
        .filter(rotations::new_id.eq(old).or(rotations::old_id.eq(old)));
    if diesel::select(exists(is_busy)).get_result(tx.db)? {
        return Err(Refused::Because(StartRefused::UnderWay));
    }
    let row = diesel::insert_into(rotations::table).values(RotationRecord::from(rotation));
    let is_new = tx.insert(|db| row.execute(db))?
        && match successor {
            Successor::SecretToken(token) => secret_tokens::insert(tx, token)?,
            Successor::ClientSecret(secret) => client_secrets::insert(tx, secret)?,
        };
    if !is_new {
        return Err(Refused::Because(StartRefused::Exists));
    }
    let new = match successor {
        Successor::SecretToken(token) => token.shown(),
        Successor::ClientSecret(secret) => secret.shown(),
    };
    let after = json!({ "automatic": rotation.is_automatic, "new": new });
    Ok(((), entry("rotation.start", rotation).makes(after)))
}

/// Ends a rotation, and the credential that is not to stay.
///
/// # Errors
/// [`RotationRefused::TenantGone`], [`RotationRefused::Ended`].
pub fn end(
    tx: &mut Tx<'_>,
    rotation: &Rotation,
    ending: &Ending,
) -> Acted<((), AuditEntry), RotationRefused> {
    lock_open(tx, rotation)?;
    let set =
        (rotations::ended_at.eq(Some(ending.at.0)), rotations::outcome.eq(Some(ending.outcome.as_str())));
    diesel::update(rotations::table.find(key(rotation))).set(set).execute(tx.db)?;
    let (action, ended, ended_key_id) = match ending.outcome {
        Outcome::Completed => ("rotation.complete", rotation.old, &rotation.old_key_id),
        Outcome::Cancelled => ("rotation.cancel", rotation.new, &rotation.new_key_id),
    };
    match rotation.kind {
        CredentialKind::ClientSecret => client_secrets::end(tx, rotation.tenant, ended, ending.at)?,
        CredentialKind::SecretToken | CredentialKind::Federation => {
            secret_tokens::end(tx, rotation.tenant, ended, ending.at)?;
        }
    }
    let before = json!({ "state": ending.because, "automatic": rotation.is_automatic });
    let after = json!({
        "state": ending.outcome.as_str(),
        "early": ending.is_early,
        "ended_key_id": ended_key_id,
    });
    Ok(((), entry(action, rotation).changes(before, after)))
}

/// Says whether a gateway shall complete a rotation as soon as that is safe.
///
/// # Errors
/// [`RotationRefused`].
pub fn set_automatic(
    tx: &mut Tx<'_>,
    rotation: &Rotation,
    is_automatic: bool,
) -> Acted<((), AuditEntry), RotationRefused> {
    let stored = lock_open(tx, rotation)?;
    if stored.is_automatic == is_automatic {
        return Err(Refused::Because(RotationRefused::Unchanged));
    }
    let set = rotations::automatic.eq(is_automatic);
    diesel::update(rotations::table.find(key(rotation))).set(set).execute(tx.db)?;
    let show = |is_automatic| json!({ "automatic": is_automatic });
    let entry = entry("rotation.automatic", rotation);
    Ok(((), entry.changes(show(stored.is_automatic), show(is_automatic))))
}

/// A rotation as it is stored, which is under way. Its tenant is locked, so that nobody else ends it.
fn lock_open(tx: &mut Tx<'_>, rotation: &Rotation) -> Acted<Rotation, RotationRefused> {
    tenants::lock_or(tx, rotation.tenant, RotationRefused::TenantGone)?;
    let open = rotations::table.find(key(rotation)).filter(rotations::ended_at.is_null());
    open.first(tx.db).optional()?.ok_or(Refused::Because(RotationRefused::Ended))
}

fn key(rotation: &Rotation) -> (Id, Id) {
    (Id(rotation.tenant.0), Id(rotation.id))
}

fn entry(action: &'static str, rotation: &Rotation) -> AuditEntry {
    AuditEntry::of_tenant(action, rotation.old_key_id.clone(), rotation.tenant)
}

impl Store {
    /// Rotations of a tenant that were started before another ([`Uuid::max`] is behind all), newest first.
    ///
    /// # Errors
    /// Faults of the database.
    pub async fn rotations_before(
        &self,
        tenant: TenantId,
        before: Uuid,
        limit: u32,
    ) -> Result<Vec<Rotation>, StoreError> {
        let question = move |tx: &mut Tx<'_>| {
            rotations::table
                .filter(rotations::tenant_id.eq(Id(tenant.0)).and(rotations::id.lt(Id(before))))
                .order(rotations::id.desc())
                .limit(limit.into())
                .load(tx.db)
        };
        self.read(Lane::Operators, tenant, question).await
    }

    /// A rotation.
    ///
    /// # Errors
    /// Faults of the database.
    pub async fn rotation(&self, tenant: TenantId, id: Uuid) -> Result<Option<Rotation>, StoreError> {
        let row = rotations::table.find((Id(tenant.0), Id(id)));
        self.read(Lane::Operators, tenant, move |tx| row.first(tx.db).optional()).await
    }

    /// The rotation that has made this credential.
    ///
    /// # Errors
    /// Faults of the database.
    pub async fn rotation_to(&self, tenant: TenantId, new: Uuid) -> Result<Option<Rotation>, StoreError> {
        let found =
            rotations::table.filter(rotations::tenant_id.eq(Id(tenant.0)).and(rotations::new_id.eq(Id(new))));
        self.read(Lane::Operators, tenant, move |tx| found.first(tx.db).optional()).await
    }

    /// The rotations of a tenant that are under way, newest first: no more than it has credentials.
    ///
    /// # Errors
    /// Faults of the database.
    pub async fn rotations_under_way(&self, tenant: TenantId) -> Result<Vec<Rotation>, StoreError> {
        let open =
            rotations::table.filter(rotations::tenant_id.eq(Id(tenant.0)).and(rotations::ended_at.is_null()));
        self.read(Lane::Operators, tenant, move |tx| open.order(rotations::id.desc()).load(tx.db)).await
    }

    /// The rotations that are under way, of all tenants.
    ///
    /// # Errors
    /// Faults of the database.
    pub async fn open_rotations(&self) -> Result<Vec<Rotation>, StoreError> {
        let open = rotations::table.filter(rotations::ended_at.is_null());
        let question = move |tx: &mut Tx<'_>| open.order((rotations::tenant_id, rotations::id)).load(tx.db);
        self.read(Lane::Operators, Line::Process, question).await
    }
}
