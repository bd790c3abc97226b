//! API tokens: an operator's scripts use the operators' API by them.

use super::{
    act::{Acted, Refused, Unreadable},
    audit::AuditEntry,
    operators::{self, Operator, Role},
};
use crate::{
    connection::read_by,
    data::model::StoreError,
    jobs::admission::line::Line,
    jobs::lane::Lane,
    schema::{operator_api_tokens, operators as operators_table, types::Id},
    store::Store,
    tx::Tx,
};
use diesel::{dsl::auto_type, prelude::*};
use scim::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

/// A token by which an operator's scripts use the operators' API, as it is stored: everything but the token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiTokenRow {
    /// Key.
    pub id: Uuid,
    /// Id of the operator.
    pub operator: Uuid,
    /// The part of the token by which people speak of it.
    pub key_id: String,
    /// SHA-256 of the token.
    pub digest: [u8; 32],
    /// A word to know it by.
    pub label: String,
    /// The most that it may do; it never may more than its operator.
    pub role: Role,
    /// When it was made.
    pub created: Timestamp,
    /// From when on it is refused.
    pub expires: Timestamp,
    /// Since when it is revoked.
    pub revoked: Option<Timestamp>,
    /// When it was last used, at most a minute late.
    pub last_used: Option<Timestamp>,
}

impl ApiTokenRow {
    /// Whether it is neither revoked nor expired.
    pub fn is_alive(&self, now: Timestamp) -> bool {
        self.revoked.is_none() && now < self.expires
    }

    /// As the audit log shows it. Another operator than its own may act on it.
    fn shown(&self, operator: &Operator) -> Value {
        json!({
            "operator": operator.name,
            "key_id": self.key_id,
            "label": self.label,
            "role": self.role.as_str(),
            "expires": self.expires.to_rfc3339(),
            "revoked": self.revoked.map(Timestamp::to_rfc3339),
        })
    }
}

/// The row as it is stored. It is public only because diesel reads [`ApiTokenRow`] by it.
#[doc(hidden)]
#[derive(Insertable, Queryable)]
#[diesel(table_name = operator_api_tokens)]
pub struct ApiTokenRecord {
    id: Id,
    operator_id: Id,
    key_id: String,
    digest: Vec<u8>,
    label: String,
    role: String,
    created_at: i64,
    expires_at: i64,
    revoked_at: Option<i64>,
    last_used_at: Option<i64>,
}

impl From<&ApiTokenRow> for ApiTokenRecord {
    fn from(token: &ApiTokenRow) -> Self {
        ApiTokenRecord {
            id: Id(token.id),
            operator_id: Id(token.operator),
            key_id: token.key_id.clone(),
            digest: token.digest.to_vec(),
            label: token.label.clone(),
            role: token.role.as_str().to_owned(),
            created_at: token.created.0,
            expires_at: token.expires.0,
            revoked_at: token.revoked.map(|time| time.0),
            last_used_at: token.last_used.map(|time| time.0),
        }
    }
}

impl TryFrom<ApiTokenRecord> for ApiTokenRow {
    type Error = Unreadable;

    fn try_from(record: ApiTokenRecord) -> Result<Self, Unreadable> {
        let damaged = |what: &str| Unreadable(format!("an API token has {what}"));
        Ok(ApiTokenRow {
            id: record.id.0,
            operator: record.operator_id.0,
            key_id: record.key_id,
            digest: record.digest.try_into().map_err(|_| damaged("a digest that has not 32 bytes"))?,
            label: record.label,
            role: Role::parse(&record.role).ok_or_else(|| damaged("an unknown role"))?,
            created: Timestamp(record.created_at),
            expires: Timestamp(record.expires_at),
            revoked: record.revoked_at.map(Timestamp),
            last_used: record.last_used_at.map(Timestamp),
        })
    }
}

read_by!(ApiTokenRow, ApiTokenRecord);

/// Why a token was not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CreateRefused {
    /// The session in which it was asked for has ended, or its operator is gone.
    SessionEnded,
    /// There is a token of this id.
    Exists,
}

/// There is no such token alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAlive;

/// Stores a new token, made in the session of this digest, or in none at the command line.
///
/// # Errors
/// [`CreateRefused`].
pub fn create(
    tx: &mut Tx<'_>,
    token: &ApiTokenRow,
    session: Option<&[u8; 32]>,
) -> Acted<((), AuditEntry), CreateRefused> {
    let ended = || Refused::Because(CreateRefused::SessionEnded);
    let operator = match session {
        Some(session) => operators::in_session(tx, token.operator, session)
            .map_err(|refused| refused.map(|_| CreateRefused::SessionEnded))?,
        None => operators::lock(tx, token.operator)?.ok_or_else(ended)?,
    };
    let row = diesel::insert_into(operator_api_tokens::table).values(ApiTokenRecord::from(token));
    if !tx.insert(|db| row.execute(db))? {
        return Err(Refused::Because(CreateRefused::Exists));
    }
    Ok(((), entry("api-token.create", token).makes(token.shown(&operator))))
}

/// Revokes a token. Returns it as it is then.
///
/// # Errors
/// [`NotAlive`].
pub fn revoke(tx: &mut Tx<'_>, id: Uuid, at: Timestamp) -> Acted<(ApiTokenRow, AuditEntry), NotAlive> {
    let row = operator_api_tokens::table.find(Id(id));
    let set = operator_api_tokens::revoked_at.eq(Some(at.0));
    // Written first: the row is locked before it is read.
    let alive = row.filter(operator_api_tokens::revoked_at.is_null());
    if diesel::update(alive).set(set).execute(tx.db)? == 0 {
        return Err(Refused::Because(NotAlive));
    }
    let (after, operator): (ApiTokenRow, Operator) =
        with_operators().filter(operator_api_tokens::id.eq(Id(id))).first(tx.db)?;
    let before = ApiTokenRow { revoked: None, ..after.clone() };
    let entry = entry("api-token.revoke", &after).changes(before.shown(&operator), after.shown(&operator));
    Ok((after, entry))
}

/// The tokens with their operators.
#[auto_type]
fn with_operators() -> _ {
    operator_api_tokens::table
        .inner_join(operators_table::table.on(operators_table::id.eq(operator_api_tokens::operator_id)))
}

fn entry(action: &'static str, token: &ApiTokenRow) -> AuditEntry {
    AuditEntry::of(action, token.key_id.clone())
}

/// Deletes the tokens of an operator who is reset or disabled.
pub(super) fn delete_of(tx: &mut Tx<'_>, operator: Uuid) -> QueryResult<()> {
    let theirs = operator_api_tokens::table.filter(operator_api_tokens::operator_id.eq(Id(operator)));
    diesel::delete(theirs).execute(tx.db).map(drop)
}

impl Store {
    /// The tokens of an operator, or of all, ended ones too, oldest first, with their operators.
    ///
    /// # Errors
    /// Faults of the database.
    pub async fn api_tokens(
        &self,
        operator: Option<Uuid>,
    ) -> Result<Vec<(ApiTokenRow, Operator)>, StoreError> {
        let question = move |tx: &mut Tx<'_>| {
            let all = with_operators().order((operator_api_tokens::created_at, operator_api_tokens::id));
            match operator {
                Some(operator) => all.filter(operator_api_tokens::operator_id.eq(Id(operator))).load(tx.db),
                None => all.load(tx.db),
            }
        };
        self.read_for_operators(question).await
    }

    /// The token with this digest, valid or not, and its operator. It is looked up in `line`: the operator is not known
    /// before.
    ///
    /// # Errors
    /// Faults of the database.
    pub async fn api_token(
        &self,
        digest: [u8; 32],
        line: Line,
    ) -> Result<Option<(ApiTokenRow, Operator)>, StoreError> {
        let question = move |tx: &mut Tx<'_>| {
            let found = with_operators().filter(operator_api_tokens::digest.eq(digest.as_slice()));
            found.first(tx.db).optional()
        };
        self.read(Lane::Vital, line, question).await
    }

    /// Notes that a token was used.
    ///
    /// # Errors
    /// Faults of the database.
    pub async fn touch_api_token(&self, id: Uuid, used: Timestamp) -> Result<(), StoreError> {
        let touch = move |tx: &mut Tx<'_>| {
            let token = operator_api_tokens::table.find(Id(id));
            let set = operator_api_tokens::last_used_at.eq(Some(used.0));
            diesel::update(token).set(set).execute(tx.db).map(drop)
        };
        self.write_one(Lane::Operators, Line::Operators, touch).await
    }
}
