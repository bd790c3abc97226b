//! Sessions of operators.

use super::{
    act::{Acted, Refused, Unreadable},
    audit::AuditEntry,
    operators::{self, Operator, Totp},
};
use crate::{
    connection::read_by,
    data::model::StoreError,
    jobs::admission::line::Line,
    jobs::lane::Lane,
    schema::{operator_sessions, operators as operators_table, types::Id},
    store::Store,
    tx::Tx,
};
use diesel::{dsl::auto_type, prelude::*};
use scim::Timestamp;
use serde_json::json;
use std::fmt;
use uuid::Uuid;

/// A session of an operator, as it is stored: everything but the cookie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// SHA-256 of the cookie.
    pub digest: [u8; 32],
    /// Id of the operator.
    pub operator: Uuid,
    /// Since when.
    pub created: Timestamp,
    /// When it was last used, at most a minute late.
    pub seen: Timestamp,
    /// When it ends, whatever happens.
    pub expires: Timestamp,
    /// Whether the OpenID provider has said who it is. Password and second factor are then the provider's business.
    pub by_openid: bool,
}

/// What has shown who somebody is. It takes a while to check, and an admin may reset or disable them meanwhile: so it must
/// still hold at the moment at which the session begins.
#[derive(Clone)]
pub enum Proof {
    /// The password of this hash, and a code if there is a second factor.
    Password {
        /// argon2id, as a PHC string.
        hash: String,
        /// The time step of the code, which is good once.
        step: Option<i64>,
    },
    /// The word of the OpenID provider, which has asked for every factor.
    OpenId,
}

/// Without the hash.
impl fmt::Debug for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Proof::Password { .. } => "Password",
            Proof::OpenId => "OpenId",
        })
    }
}

/// The row as it is stored. It is public only because diesel reads [`Session`] by it.
#[doc(hidden)]
#[derive(Insertable, Queryable)]
#[diesel(table_name = operator_sessions)]
pub struct SessionRecord {
    digest: Vec<u8>,
    operator_id: Id,
    created_at: i64,
    seen_at: i64,
    expires_at: i64,
    by_openid: bool,
}

impl From<&Session> for SessionRecord {
    fn from(session: &Session) -> Self {
        SessionRecord {
            digest: session.digest.to_vec(),
            operator_id: Id(session.operator),
            created_at: session.created.0,
            seen_at: session.seen.0,
            expires_at: session.expires.0,
            by_openid: session.by_openid,
        }
    }
}

impl TryFrom<SessionRecord> for Session {
    type Error = Unreadable;

    fn try_from(record: SessionRecord) -> Result<Self, Unreadable> {
        let digest = record.digest.try_into();
        Ok(Session {
            digest: digest.map_err(|_| Unreadable("a session's digest has not 32 bytes".to_owned()))?,
            operator: record.operator_id.0,
            created: Timestamp(record.created_at),
            seen: Timestamp(record.seen_at),
            expires: Timestamp(record.expires_at),
            by_openid: record.by_openid,
        })
    }
}

read_by!(Session, SessionRecord);

/// The session has ended, or there never was one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionEnded;

/// The proof does not hold any more: the operator was disabled or reset, has another password or a second factor that was not
/// asked for, or the code, or a newer one, was used before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProofStale;

/// Begins a session. Sessions of the operator that ended by themselves are forgotten.
///
/// # Errors
/// [`ProofStale`].
pub fn sign_in(tx: &mut Tx<'_>, session: &Session, proof: &Proof) -> Acted<((), AuditEntry), ProofStale> {
    // The operator's row is locked: a reset that is under way ends before this goes on, and one that comes later waits, and
    // then ends this session.
    let operator = operators::lock(tx, session.operator)?;
    let operator = operator.filter(|operator| holds(operator, proof)).ok_or(Refused::Because(ProofStale))?;
    if let Proof::Password { step: Some(step), .. } = proof {
        let row = operators_table::table.find(Id(operator.id));
        diesel::update(row).set(operators_table::totp_last_step.eq(*step)).execute(tx.db)?;
    }
    let ended = of_operator(Id(operator.id)).filter(operator_sessions::expires_at.le(session.created.0));
    diesel::delete(ended).execute(tx.db)?;
    diesel::insert_into(operator_sessions::table).values(SessionRecord::from(session)).execute(tx.db)?;
    let after = session.by_openid.then(|| json!({ "by": "openid" }));
    Ok(((), AuditEntry { after, ..entry("operator.sign-in", &operator) }))
}

/// Whether an operator may begin a session with this proof. A code is good once.
fn holds(operator: &Operator, proof: &Proof) -> bool {
    let confirmed = operator.totp.as_ref().filter(|totp| totp.is_confirmed);
    operator.is_active
        && match (proof, confirmed) {
            (Proof::OpenId, _) => true,
            (Proof::Password { hash, step: None }, None) => operator.password_hash == *hash,
            (Proof::Password { hash, step: Some(step) }, Some(Totp { last_step, .. })) => {
                operator.password_hash == *hash && last_step < step
            }
            (Proof::Password { .. }, _) => false,
        }
}

/// Ends a session.
///
/// # Errors
/// [`SessionEnded`].
pub fn sign_out(tx: &mut Tx<'_>, digest: &[u8; 32]) -> Acted<((), AuditEntry), SessionEnded> {
    let (_, operator) = find(tx, digest)?.ok_or(Refused::Because(SessionEnded))?;
    match diesel::delete(operator_sessions::table.find(digest.as_slice())).execute(tx.db)? {
        0 => Err(Refused::Because(SessionEnded)),
        _ => Ok(((), entry("operator.sign-out", &operator))),
    }
}

fn entry(action: &'static str, operator: &Operator) -> AuditEntry {
    AuditEntry::of(action, operator.name.clone())
}

#[auto_type]
fn of_operator(operator: Id) -> _ {
    operator_sessions::table.filter(operator_sessions::operator_id.eq(operator))
}

/// Whether this session of the operator goes on.
pub(super) fn goes_on(tx: &mut Tx<'_>, operator: Uuid, digest: &[u8; 32]) -> QueryResult<bool> {
    let session = of_operator(Id(operator)).filter(operator_sessions::digest.eq(digest.as_slice()));
    diesel::select(diesel::dsl::exists(session)).get_result(tx.db)
}

/// Ends all sessions of an operator.
pub(super) fn end_all(tx: &mut Tx<'_>, operator: Uuid) -> QueryResult<()> {
    diesel::delete(of_operator(Id(operator))).execute(tx.db).map(drop)
}

/// Ends all sessions of an operator but this one.
pub(super) fn end_others(tx: &mut Tx<'_>, operator: Uuid, this: &[u8; 32]) -> QueryResult<()> {
    let others = of_operator(Id(operator)).filter(operator_sessions::digest.ne(this.as_slice()));
    diesel::delete(others).execute(tx.db).map(drop)
}

fn find(tx: &mut Tx<'_>, digest: &[u8; 32]) -> QueryResult<Option<(Session, Operator)>> {
    operator_sessions::table
        .inner_join(operators_table::table.on(operators_table::id.eq(operator_sessions::operator_id)))
        .filter(operator_sessions::digest.eq(digest.as_slice()))
        .first(tx.db)
        .optional()
}

impl Store {
    /// The session with this digest, expired or not, and its operator. It is looked up in `line`: the operator is not known
    /// before.
    ///
    /// # Errors
    /// Faults of the database.
    pub async fn session(
        &self,
        digest: [u8; 32],
        line: Line,
    ) -> Result<Option<(Session, Operator)>, StoreError> {
        self.read(Lane::Vital, line, move |tx| find(tx, &digest)).await
    }

    /// Notes that a session was used.
    ///
    /// # Errors
    /// Faults of the database.
    pub async fn touch_session(&self, digest: [u8; 32], seen: Timestamp) -> Result<(), StoreError> {
        let touch = move |tx: &mut Tx<'_>| {
            let session = operator_sessions::table.find(digest.as_slice());
            diesel::update(session).set(operator_sessions::seen_at.eq(seen.0)).execute(tx.db).map(drop)
        };
        self.write_one(Lane::Operators, Line::Operators, touch).await
    }
}
