//! Operators and their sessions: statements that both databases take as diesel writes them (see `records.rs`).

use crate::{
    model::StoreError,
    operator::{Operator, Role, Session, Totp},
    schema::types::Id,
};
use diesel::{Insertable, Queryable};
use scim::Timestamp;

#[derive(Insertable, Queryable)]
#[diesel(table_name = crate::schema::operators)]
pub(crate) struct OperatorRecord {
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

pub(crate) const ACTIVE: &str = "active";
pub(crate) const DISABLED: &str = "disabled";

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
    type Error = StoreError;

    fn try_from(record: OperatorRecord) -> Result<Self, StoreError> {
        let role = Role::parse(&record.role)
            .ok_or_else(|| StoreError::Failed(format!("an operator has the unknown role {}", record.role)))?;
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

#[derive(Insertable, Queryable)]
#[diesel(table_name = crate::schema::operator_sessions)]
pub(crate) struct SessionRecord {
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

/// A session and whose it is.
pub(crate) fn session(
    (session, operator): (SessionRecord, OperatorRecord),
) -> Result<(Session, Operator), StoreError> {
    let digest = session.digest.try_into();
    let session = Session {
        digest: digest.map_err(|_| StoreError::Failed("a session's digest has not 32 bytes".to_owned()))?,
        operator: session.operator_id.0,
        created: Timestamp(session.created_at),
        seen: Timestamp(session.seen_at),
        expires: Timestamp(session.expires_at),
        by_openid: session.by_openid,
    };
    Ok((session, operator.try_into()?))
}

macro_rules! operators {
    ($module:ident, $connection:ty) => {
        pub(crate) mod $module {
            use super::{ACTIVE, DISABLED, OperatorRecord, SessionRecord};
            use crate::{
                api_tokens,
                operator::{Operator, OperatorChange, Proof, Role, Session},
                schema::{operator_sessions, operators, types::Id},
            };
            use diesel::{
                prelude::*,
                result::{DatabaseErrorKind, Error},
            };
            use scim::Timestamp;
            use uuid::Uuid;

            pub(crate) fn operators(connection: &mut $connection) -> QueryResult<Vec<OperatorRecord>> {
                operators::table.order(operators::name).load(connection)
            }

            pub(crate) fn operator(
                connection: &mut $connection,
                name: &str,
            ) -> QueryResult<Option<OperatorRecord>> {
                operators::table.filter(operators::name.eq(name)).first(connection).optional()
            }

            pub(crate) fn operator_by_id(
                connection: &mut $connection,
                id: Uuid,
            ) -> QueryResult<Option<OperatorRecord>> {
                operators::table.find(Id(id)).first(connection).optional()
            }

            /// `Ok(false)`: the name is taken.
            pub(crate) fn create_operator(
                connection: &mut $connection,
                operator: &Operator,
            ) -> QueryResult<bool> {
                let row = OperatorRecord::from(operator);
                // A refused statement must not end the transaction around it.
                let created = connection.transaction(|connection| {
                    diesel::insert_into(operators::table).values(row).execute(connection)
                });
                match created {
                    Ok(_) => Ok(true),
                    Err(Error::DatabaseError(DatabaseErrorKind::UniqueViolation, _)) => Ok(false),
                    Err(error) => Err(error),
                }
            }

            /// `Ok(false)`: no such operator, or not in a state for this change.
            pub(crate) fn change_operator(
                connection: &mut $connection,
                id: Uuid,
                change: &OperatorChange,
            ) -> QueryResult<bool> {
                if change.takes_an_admin() && !others_are_admins(connection, id)? {
                    return Ok(false);
                }
                if let Some(session) = change.session()
                    && !has_session(connection, id, session)?
                {
                    return Ok(false);
                }
                let operator = operators::table.find(Id(id));
                let changed = match change {
                    OperatorChange::Password { old, hash, .. } => {
                        diesel::update(operator.filter(operators::password_hash.eq(old)))
                            .set((operators::password_hash.eq(hash), operators::password_is_once.eq(false)))
                            .execute(connection)?
                    }
                    OperatorChange::OfferTotp { secret, .. } => {
                        diesel::update(operator.filter(operators::totp_is_confirmed.eq(false)))
                            .set((operators::totp_secret.eq(Some(secret)), operators::totp_last_step.eq(0)))
                            .execute(connection)?
                    }
                    OperatorChange::ConfirmTotp { secret, step, .. } => {
                        let begun = operator.filter(operators::totp_secret.eq(Some(secret)));
                        diesel::update(begun.filter(operators::totp_is_confirmed.eq(false)))
                            .set((operators::totp_is_confirmed.eq(true), operators::totp_last_step.eq(*step)))
                            .execute(connection)?
                    }
                    OperatorChange::Reset { hash } => diesel::update(operator)
                        .set((
                            operators::state.eq(ACTIVE),
                            operators::password_hash.eq(hash),
                            operators::password_is_once.eq(true),
                            operators::totp_secret.eq(None::<Vec<u8>>),
                            operators::totp_is_confirmed.eq(false),
                            operators::totp_last_step.eq(0),
                        ))
                        .execute(connection)?,
                    OperatorChange::Disable => {
                        diesel::update(operator).set(operators::state.eq(DISABLED)).execute(connection)?
                    }
                    OperatorChange::Enable => {
                        diesel::update(operator).set(operators::state.eq(ACTIVE)).execute(connection)?
                    }
                    OperatorChange::SetRole(role) => {
                        diesel::update(operator).set(operators::role.eq(role.as_str())).execute(connection)?
                    }
                };
                let theirs = operator_sessions::table.filter(operator_sessions::operator_id.eq(Id(id)));
                match change {
                    _ if changed == 0 => {}
                    OperatorChange::OfferTotp { .. }
                    | OperatorChange::Enable
                    | OperatorChange::SetRole(_) => {}
                    OperatorChange::Password { session, .. }
                    | OperatorChange::ConfirmTotp { session, .. } => {
                        let others = theirs.filter(operator_sessions::digest.ne(session.as_slice()));
                        diesel::delete(others).execute(connection)?;
                    }
                    OperatorChange::Reset { .. } | OperatorChange::Disable => {
                        diesel::delete(theirs).execute(connection)?;
                        api_tokens::$module::delete_api_tokens(connection, id)?;
                    }
                }
                Ok(changed > 0)
            }

            /// Whether this session of the operator goes on. The operator's row is written first: a reset that is under way
            /// ends before the answer, and one that comes later waits, and then ends what is done meanwhile.
            pub(crate) fn has_session(
                connection: &mut $connection,
                id: Uuid,
                digest: &[u8; 32],
            ) -> QueryResult<bool> {
                diesel::update(operators::table.find(Id(id)))
                    .set(operators::id.eq(Id(id)))
                    .execute(connection)?;
                let session = operator_sessions::table
                    .find(digest.as_slice())
                    .filter(operator_sessions::operator_id.eq(Id(id)));
                Ok(session.count().get_result::<i64>(connection)? > 0)
            }

            /// Whether an active admin would remain without this operator, or this one is none. Every admin's row is locked
            /// by then (`locks.rs`).
            fn others_are_admins(connection: &mut $connection, id: Uuid) -> QueryResult<bool> {
                let admins: Vec<Id> = operators::table
                    .filter(operators::role.eq(Role::Admin.as_str()))
                    .filter(operators::state.eq(ACTIVE))
                    .select(operators::id)
                    .load(connection)?;
                Ok(admins.iter().any(|admin| admin.0 != id) || admins.is_empty())
            }

            /// Whether an active operator has shown this and it still holds; a code is used by it. The operator's row is
            /// written: a reset that is under way ends before the answer, and one that comes later waits, and then ends the
            /// session that begins meanwhile.
            pub(crate) fn holds(connection: &mut $connection, id: Uuid, proof: &Proof) -> QueryResult<bool> {
                let active = operators::table.find(Id(id)).filter(operators::state.eq(ACTIVE));
                let changed = match proof {
                    Proof::OpenId => {
                        diesel::update(active).set(operators::state.eq(ACTIVE)).execute(connection)?
                    }
                    Proof::Password { hash, step: None } => {
                        let same = active.filter(operators::password_hash.eq(hash));
                        diesel::update(same.filter(operators::totp_is_confirmed.eq(false)))
                            .set(operators::state.eq(ACTIVE))
                            .execute(connection)?
                    }
                    Proof::Password { hash, step: Some(step) } => {
                        let same = active.filter(operators::password_hash.eq(hash));
                        let unused =
                            operators::totp_is_confirmed.eq(true).and(operators::totp_last_step.lt(*step));
                        diesel::update(same.filter(unused))
                            .set(operators::totp_last_step.eq(*step))
                            .execute(connection)?
                    }
                };
                Ok(changed > 0)
            }

            /// Begins a session; sessions of this operator that ended by themselves are forgotten.
            pub(crate) fn insert_session(connection: &mut $connection, session: &Session) -> QueryResult<()> {
                let ended = operator_sessions::table
                    .filter(operator_sessions::operator_id.eq(Id(session.operator)))
                    .filter(operator_sessions::expires_at.le(session.created.0));
                diesel::delete(ended).execute(connection)?;
                diesel::insert_into(operator_sessions::table)
                    .values(SessionRecord::from(session))
                    .execute(connection)
                    .map(drop)
            }

            pub(crate) fn session(
                connection: &mut $connection,
                digest: &[u8; 32],
            ) -> QueryResult<Option<(SessionRecord, OperatorRecord)>> {
                operator_sessions::table
                    .inner_join(operators::table.on(operators::id.eq(operator_sessions::operator_id)))
                    .filter(operator_sessions::digest.eq(digest.as_slice()))
                    .first(connection)
                    .optional()
            }

            pub(crate) fn touch_session(
                connection: &mut $connection,
                digest: &[u8; 32],
                seen: Timestamp,
            ) -> QueryResult<()> {
                let session = operator_sessions::table.find(digest.as_slice());
                diesel::update(session)
                    .set(operator_sessions::seen_at.eq(seen.0))
                    .execute(connection)
                    .map(drop)
            }

            pub(crate) fn delete_session(
                connection: &mut $connection,
                digest: &[u8; 32],
            ) -> QueryResult<bool> {
                let session = operator_sessions::table.find(digest.as_slice());
                Ok(diesel::delete(session).execute(connection)? > 0)
            }
        }
    };
}

operators!(postgres, diesel::PgConnection);
operators!(sqlite, diesel::SqliteConnection);
