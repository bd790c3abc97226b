//! API tokens of operators as they are stored: statements that both databases take as diesel writes them.

use crate::{
    act::Act,
    admission::line::Line,
    lane::Lane,
    model::StoreError,
    operator::{Operator, Role},
    operator_records::{self, OperatorRecord},
    postgres::PostgresEngine,
    schema::{operator_api_tokens, operators, types::Id},
    sqlite::SqliteEngine,
    store::Store,
};
use diesel::{Insertable, Queryable, prelude::*};
use scim::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

/// A token by which an operator's scripts use the operators' API, as it is stored: everything but the token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiTokenRow {
    /// Key.
    pub id: Uuid,
    /// Whose.
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
    /// When it was last used, a minute late.
    pub last_used: Option<Timestamp>,
}

impl ApiTokenRow {
    /// Whether it is neither revoked nor expired.
    pub fn is_alive(&self, now: Timestamp) -> bool {
        self.revoked.is_none() && now < self.expires
    }

    /// As the audit log shows it: whoever acts need not be whose token it is.
    pub(crate) fn shown(&self, operator: &str) -> Value {
        json!({
            "operator": operator,
            "key_id": self.key_id,
            "label": self.label,
            "role": self.role.as_str(),
            "expires": self.expires.to_rfc3339(),
            "revoked": self.revoked.map(Timestamp::to_rfc3339),
        })
    }
}

#[derive(Insertable, Queryable)]
#[diesel(table_name = operator_api_tokens)]
pub(crate) struct TokenRecord {
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

impl From<&ApiTokenRow> for TokenRecord {
    fn from(token: &ApiTokenRow) -> Self {
        TokenRecord {
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

impl TryFrom<TokenRecord> for ApiTokenRow {
    type Error = StoreError;

    fn try_from(record: TokenRecord) -> Result<Self, StoreError> {
        let damaged = |what: &str| StoreError::Failed(format!("an API token has {what}"));
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

fn owned((token, operator): (TokenRecord, OperatorRecord)) -> Result<(ApiTokenRow, Operator), StoreError> {
    Ok((token.try_into()?, operator.try_into()?))
}

/// What is asked of API tokens.
pub(crate) trait ApiTokenEngine {
    /// Of this operator or of all, oldest first.
    fn api_tokens(&self, operator: Option<Uuid>) -> Result<Vec<(ApiTokenRow, Operator)>, StoreError>;
    /// By its digest, alive or not; the caller judges.
    fn api_token(&self, digest: &[u8; 32]) -> Result<Option<(ApiTokenRow, Operator)>, StoreError>;
    /// Notes that it was used.
    fn touch_api_token(&self, id: Uuid, used: Timestamp) -> Result<(), StoreError>;
}

macro_rules! api_token_engine {
    ($Engine:ident, $write:ident) => {
        impl ApiTokenEngine for $Engine {
            fn api_tokens(&self, operator: Option<Uuid>) -> Result<Vec<(ApiTokenRow, Operator)>, StoreError> {
                let found = self.run(|connection| {
                    let all = operator_api_tokens::table
                        .inner_join(operators::table.on(operators::id.eq(operator_api_tokens::operator_id)))
                        .order((operator_api_tokens::created_at, operator_api_tokens::id))
                        .into_boxed();
                    let asked = match operator {
                        Some(operator) => all.filter(operator_api_tokens::operator_id.eq(Id(operator))),
                        None => all,
                    };
                    asked.load::<(TokenRecord, OperatorRecord)>(connection)
                })?;
                found.into_iter().map(owned).collect()
            }

            fn api_token(&self, digest: &[u8; 32]) -> Result<Option<(ApiTokenRow, Operator)>, StoreError> {
                let found = self.run(|connection| {
                    operator_api_tokens::table
                        .inner_join(operators::table.on(operators::id.eq(operator_api_tokens::operator_id)))
                        .filter(operator_api_tokens::digest.eq(digest.as_slice()))
                        .first::<(TokenRecord, OperatorRecord)>(connection)
                        .optional()
                })?;
                found.map(owned).transpose()
            }

            fn touch_api_token(&self, id: Uuid, used: Timestamp) -> Result<(), StoreError> {
                let set = operator_api_tokens::last_used_at.eq(Some(used.0));
                self.$write(|connection| {
                    diesel::update(operator_api_tokens::table.find(Id(id)))
                        .set(set)
                        .execute(connection)
                        .map(drop)
                })
            }
        }
    };
}

api_token_engine!(PostgresEngine, run);
api_token_engine!(SqliteEngine, write);

/// Administrative writes, which are parts of acts (`act.rs`).
macro_rules! api_token_writes {
    ($module:ident, $connection:ty) => {
        pub(crate) mod $module {
            use super::*;

            /// `Ok(false)`: the session has ended, or there is a token of this id.
            pub(crate) fn insert_api_token(
                connection: &mut $connection,
                token: &ApiTokenRow,
                session: Option<&[u8; 32]>,
            ) -> QueryResult<bool> {
                if let Some(session) = session
                    && !operator_records::$module::has_session(connection, token.operator, session)?
                {
                    return Ok(false);
                }
                let inserted = diesel::insert_into(operator_api_tokens::table)
                    .values(TokenRecord::from(token))
                    .on_conflict_do_nothing()
                    .execute(connection)?;
                Ok(inserted > 0)
            }

            /// `Ok(false)`: there is none alive.
            pub(crate) fn revoke_api_token(
                connection: &mut $connection,
                id: Uuid,
                at: Timestamp,
            ) -> QueryResult<bool> {
                let alive =
                    operator_api_tokens::table.find(Id(id)).filter(operator_api_tokens::revoked_at.is_null());
                let set = operator_api_tokens::revoked_at.eq(Some(at.0));
                Ok(diesel::update(alive).set(set).execute(connection)? > 0)
            }

            /// Those of an operator who is reset or disabled are gone, as the sessions are.
            pub(crate) fn delete_api_tokens(connection: &mut $connection, operator: Uuid) -> QueryResult<()> {
                let theirs =
                    operator_api_tokens::table.filter(operator_api_tokens::operator_id.eq(Id(operator)));
                diesel::delete(theirs).execute(connection).map(drop)
            }

            pub(crate) fn api_token(
                connection: &mut $connection,
                id: Uuid,
            ) -> QueryResult<Option<Result<ApiTokenRow, StoreError>>> {
                let row = operator_api_tokens::table.find(Id(id));
                Ok(row.first::<TokenRecord>(connection).optional()?.map(ApiTokenRow::try_from))
            }
        }
    };
}

api_token_writes!(postgres, diesel::PgConnection);
api_token_writes!(sqlite, diesel::SqliteConnection);

/// The part of [`Store`] that is about API tokens.
impl Store {
    /// Stores a new token, made in the session of this digest or at the command line; `false` if the session has ended, or
    /// there is a token of this id.
    ///
    /// # Errors
    /// Faults of the database, here and below.
    pub async fn insert_api_token(
        &self,
        token: ApiTokenRow,
        session: Option<[u8; 32]>,
    ) -> Result<bool, StoreError> {
        self.act(Line::Operators, Act::CreateApiToken(token, session)).await
    }

    /// Revokes a token; `false` if there is none alive.
    ///
    /// # Errors
    /// As above.
    pub async fn revoke_api_token(&self, id: Uuid, at: Timestamp) -> Result<bool, StoreError> {
        self.act(Line::Operators, Act::RevokeApiToken(id, at)).await
    }

    /// The tokens of an operator, or of all, ended ones too, oldest first, and whose they are.
    ///
    /// # Errors
    /// As above.
    pub async fn api_tokens(
        &self,
        operator: Option<Uuid>,
    ) -> Result<Vec<(ApiTokenRow, Operator)>, StoreError> {
        self.ask(move |engine| engine.api_tokens(operator)).await
    }

    /// The token with this digest, valid or not, and its operator; looked up in this line.
    ///
    /// # Errors
    /// As above.
    pub async fn api_token(
        &self,
        digest: [u8; 32],
        line: Line,
    ) -> Result<Option<(ApiTokenRow, Operator)>, StoreError> {
        self.ask_in(Lane::Vital, line, move |engine| engine.api_token(&digest)).await
    }

    /// Notes that a token was used.
    ///
    /// # Errors
    /// As above.
    pub async fn touch_api_token(&self, id: Uuid, used: Timestamp) -> Result<(), StoreError> {
        self.ask(move |engine| engine.touch_api_token(id, used)).await
    }
}
