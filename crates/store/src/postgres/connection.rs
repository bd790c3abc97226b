//! Connections: made and replaced by a pool, set up alike, given up when they are lost; and what their errors mean.

use crate::{
    connection::AnyConnection,
    data::model::StoreError,
    jobs::lane::Lane,
    jobs::limit::{AtWork, Canceller},
};
use diesel::{
    Connection, ConnectionError, PgConnection, QueryResult, RunQueryDsl,
    connection::SimpleConnection,
    dsl::sql,
    result::{DatabaseErrorKind, Error},
    select,
    sql_types::Integer,
};
use r2d2::ManageConnection;
use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

/// Every statement is one of few texts, whose best plan does not depend on what is asked: nested loops from the request's
/// arrays over indexes that begin with the tenant. The planner, left alone, would guess array lengths and plan again. It also
/// guesses a hundred members for each JSON object that a filter looks into, and would compile the statement for seconds.
pub(super) fn set_up(lane: Lane) -> String {
    format!(
        "SET application_name = 'juno {}';
         SET plan_cache_mode = force_generic_plan;
         SET enable_seqscan = off;
         SET enable_hashjoin = off;
         SET enable_mergejoin = off;
         SET jit = off;
         SET statement_timeout = {};
         SET lock_timeout = {};
         SET idle_in_transaction_session_timeout = '60s';
         SET client_min_messages = warning;",
        lane.name(),
        lane.time().as_millis(),
        lane.lock_time().as_millis()
    )
}

/// Longest wait for a connection while the database was there a moment ago.
const PATIENCE: Duration = Duration::from_secs(2);
/// Longest wait while it was away: requests fail fast until it is back.
const IMPATIENCE: Duration = Duration::from_millis(100);

/// A connection, the server's number for it, and whether it turned out to be lost.
pub(super) struct Session {
    connection: AnyConnection,
    backend: i32,
    is_lost: bool,
}

pub(super) struct Manager {
    url: String,
    lane: Lane,
}

impl ManageConnection for Manager {
    type Connection = Session;
    type Error = ConnectionError;

    fn connect(&self) -> Result<Session, ConnectionError> {
        let mut connection = PgConnection::establish(&self.url)?;
        let failed = ConnectionError::CouldntSetupConfiguration;
        connection.batch_execute(&set_up(self.lane)).map_err(failed)?;
        let backend =
            select(sql::<Integer>("pg_backend_pid()")).get_result(&mut connection).map_err(failed)?;
        Ok(Session { connection: AnyConnection::Postgres(connection), backend, is_lost: false })
    }

    fn is_valid(&self, session: &mut Session) -> Result<(), ConnectionError> {
        session.connection.batch_execute("").map_err(ConnectionError::CouldntSetupConfiguration)
    }

    fn has_broken(&self, session: &mut Session) -> bool {
        session.is_lost || std::thread::panicking()
    }
}

/// The connections of one store.
pub(super) struct Connections {
    pool: r2d2::Pool<Manager>,
    is_away: AtomicBool,
    canceller: Canceller,
}

/// Connects once.
pub(super) fn try_once(url: &str) -> Result<(), StoreError> {
    PgConnection::establish(url).map(drop).map_err(|error| StoreError::Unavailable(error.to_string()))
}

/// Connection attempts that fail are told to requests; the pool need not say it too.
#[derive(Debug)]
struct Quiet;

impl r2d2::HandleError<ConnectionError> for Quiet {
    fn handle_error(&self, error: ConnectionError) {
        tracing::debug!(%error, "no connection to PostgreSQL");
    }
}

impl Connections {
    /// Makes a first connection when it is needed.
    pub(super) fn open(
        url: &str,
        lane: Lane,
        size: u32,
        canceller: Canceller,
    ) -> Result<Connections, StoreError> {
        let manager = Manager { url: url.to_owned(), lane };
        let pool = r2d2::Pool::builder()
            .max_size(size)
            .test_on_check_out(false)
            .idle_timeout(None)
            // A command of the command line needs one lane or two.
            .min_idle(Some(0))
            .connection_timeout(PATIENCE)
            .error_handler(Box::new(Quiet))
            .build_unchecked(manager);
        Ok(Connections { pool, is_away: AtomicBool::new(false), canceller })
    }

    /// How many there are, and how many are idle.
    pub(super) fn state(&self) -> r2d2::State {
        self.pool.state()
    }

    /// Does something with a connection.
    pub(super) fn run<A>(
        &self,
        work: impl FnOnce(&mut AnyConnection) -> QueryResult<A>,
    ) -> Result<A, StoreError> {
        let patience = if self.is_away.load(Ordering::Relaxed) { IMPATIENCE } else { PATIENCE };
        let session = self.pool.get_timeout(patience);
        self.is_away.store(session.is_err(), Ordering::Relaxed);
        let mut session = session.map_err(|error| StoreError::Unavailable(error.to_string()))?;
        let session = &mut *session;
        let at_work = AtWork::begin(session.backend, &self.canceller);
        let done = work(&mut session.connection);
        let is_shot = at_work.ends();
        let done = done.map_err(|error| session.judge(error));
        session.is_lost |= is_shot;
        done
    }
}

impl Session {
    /// Whether an error means that the connection is lost, that the database has trouble, or that we have a bug.
    fn judge(&mut self, error: Error) -> StoreError {
        let text = error.to_string();
        match error {
            Error::DatabaseError(
                DatabaseErrorKind::UniqueViolation
                | DatabaseErrorKind::ForeignKeyViolation
                | DatabaseErrorKind::NotNullViolation
                | DatabaseErrorKind::CheckViolation,
                _,
            )
            | Error::DeserializationError(_)
            | Error::SerializationError(_)
            | Error::NotFound
            | Error::QueryBuilderError(_) => return StoreError::Failed(text),
            _ => {}
        }
        // A connection that still answers was not the cause.
        if self.connection.batch_execute("SELECT 1").is_err() {
            self.is_lost = true;
            return StoreError::Unavailable(text);
        }
        if text.contains(CANCELLED) {
            StoreError::Late
        } else if TROUBLE.iter().any(|words| text.contains(words)) {
            StoreError::Unavailable(text)
        } else {
            StoreError::Failed(text)
        }
    }
}

/// What PostgreSQL says of a statement that had no time left, waited for a row for too long, or that nobody waited for: it
/// has done nothing.
const CANCELLED: &str = "canceling statement due to";

/// What PostgreSQL says where it is in trouble and the statement is not at fault. Its SQLSTATE does not come through.
const TROUBLE: [&str; 6] = [
    "could not serialize access",
    "deadlock detected",
    "read-only transaction",
    "No space left on device",
    "out of memory",
    "remaining connection slots are reserved",
];
