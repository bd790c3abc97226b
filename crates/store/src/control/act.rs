//! The one way to act: an action and its audit entries in one transaction.

use super::{
    actor::By,
    audit::{self, AuditEntry},
};
use crate::{
    data::model::StoreError, engine::Engine, jobs::admission::line::Line, jobs::lane::Lane, store::Store,
    tx::Tx,
};
use diesel::{QueryResult, result::Error};
use std::convert::Infallible;

/// Why something was not done: for a reason of its own, or because the database failed.
///
/// Within a transaction a failure is an error of diesel; [`Store::act`] tells it as a [`StoreError`].
#[derive(Debug, PartialEq, Eq)]
pub enum Refused<E, F = StoreError> {
    /// The action refuses. Nothing was written.
    Because(E),
    /// The database failed. Nothing was written.
    Failed(F),
}

/// What an action returns within its transaction.
pub type Acted<T, E> = Result<T, Refused<E, Error>>;

impl<E> std::convert::From<Error> for Refused<E, Error> {
    fn from(error: Error) -> Self {
        Refused::Failed(error)
    }
}

impl<E> std::convert::From<StoreError> for Refused<E> {
    fn from(error: StoreError) -> Self {
        Refused::Failed(error)
    }
}

impl<E, F> Refused<E, F> {
    /// The same with its reason as another type: where one action is part of another.
    pub fn map<G>(self, convert: impl FnOnce(E) -> G) -> Refused<G, F> {
        match self {
            Refused::Because(reason) => Refused::Because(convert(reason)),
            Refused::Failed(failure) => Refused::Failed(failure),
        }
    }
}

impl<E> Refused<E> {
    /// What a caller says of it: `tell` says the reason of its own.
    pub fn told_as<G: std::convert::From<StoreError>>(self, tell: impl FnOnce(E) -> G) -> G {
        match self {
            Refused::Because(reason) => tell(reason),
            Refused::Failed(error) => error.into(),
        }
    }

    /// Whether an action was not refused, so that it was done: for a caller whom the reason does not matter.
    ///
    /// # Errors
    /// Faults of the database.
    pub fn is_absent(acted: Result<(), Self>) -> Result<bool, StoreError> {
        match acted {
            Ok(()) => Ok(true),
            Err(Refused::Because(_)) => Ok(false),
            Err(Refused::Failed(error)) => Err(error),
        }
    }
}

/// The entries of an action: most often one, several if it has parts, none if everything was so already.
#[derive(Debug, Default)]
pub struct AuditEntries(Vec<AuditEntry>);

impl std::convert::From<AuditEntry> for AuditEntries {
    fn from(entry: AuditEntry) -> Self {
        AuditEntries(vec![entry])
    }
}

impl std::convert::From<Option<AuditEntry>> for AuditEntries {
    fn from(entry: Option<AuditEntry>) -> Self {
        AuditEntries(entry.into_iter().collect())
    }
}

impl std::convert::From<Vec<AuditEntry>> for AuditEntries {
    fn from(entries: Vec<AuditEntry>) -> Self {
        AuditEntries(entries)
    }
}

impl<const N: usize> std::convert::From<[AuditEntry; N]> for AuditEntries {
    fn from(entries: [AuditEntry; N]) -> Self {
        AuditEntries(entries.into())
    }
}

/// A stored row that cannot be read: this version of the gateway has not written it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(pub String);

impl std::convert::From<Unreadable> for StoreError {
    fn from(Unreadable(what): Unreadable) -> StoreError {
        StoreError::Failed(what)
    }
}

impl Store {
    /// Runs an action for somebody, in a transaction with its audit entries, and returns what it returns. The action waits
    /// in `line`. It may run on another thread.
    ///
    /// # Errors
    /// [`Refused::Because`] if the action refuses, [`Refused::Failed`] for faults of the database. In both cases nothing was
    /// written.
    pub async fn act<T, E, A>(
        &self,
        by: &By,
        line: impl Into<Line>,
        action: impl FnOnce(&mut Tx<'_>) -> Acted<(T, A), E> + Send + 'static,
    ) -> Result<T, Refused<E>>
    where
        T: Send + 'static,
        E: Send + 'static,
        A: Into<AuditEntries>,
    {
        let by = by.clone();
        let work = move |engine: &dyn Engine| {
            engine.write_or_refuse(|tx| {
                let (value, entries) = action(tx)?;
                // The end of the chain is one row for all. It is locked last: nobody who waits for it holds a lock that we
                // still need.
                for entry in entries.into().0 {
                    audit::append(tx, &by, &entry)?;
                }
                Ok(value)
            })
        };
        self.ask_in(Lane::Operators, line, work).await?.map_err(Refused::Because)
    }

    /// Asks the control plane something in a lane and line.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        lane: Lane,
        line: impl Into<Line>,
        question: impl FnOnce(&mut Tx<'_>) -> QueryResult<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.ask_in(lane, line, move |engine| engine.read(question)).await
    }

    /// Asks the control plane something for operators.
    pub(crate) async fn read_for_operators<T: Send + 'static>(
        &self,
        question: impl FnOnce(&mut Tx<'_>) -> QueryResult<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.read(Lane::Operators, Line::Operators, question).await
    }

    /// Writes something that the audit log need not know, such as the time of a use, by one statement.
    pub(crate) async fn write_one<T: Send + 'static>(
        &self,
        lane: Lane,
        line: impl Into<Line>,
        statement: impl FnOnce(&mut Tx<'_>) -> QueryResult<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.ask_in(lane, line, move |engine| engine.write_one(statement)).await
    }

    /// The same by several statements, in one transaction.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        lane: Lane,
        line: impl Into<Line>,
        write: impl FnOnce(&mut Tx<'_>) -> QueryResult<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        match self.write_or_refuse::<T, Infallible>(lane, line, |tx| Ok(write(tx)?)).await {
            Ok(value) => Ok(value),
            Err(Refused::Failed(error)) => Err(error),
            Err(Refused::Because(never)) => match never {},
        }
    }

    /// The same for what may be refused.
    ///
    /// # Errors
    /// As those of [`Store::act`].
    pub(crate) async fn write_or_refuse<T: Send + 'static, E: Send + 'static>(
        &self,
        lane: Lane,
        line: impl Into<Line>,
        write: impl FnOnce(&mut Tx<'_>) -> Acted<T, E> + Send + 'static,
    ) -> Result<T, Refused<E>> {
        let work = move |engine: &dyn Engine| engine.write_or_refuse(write);
        self.ask_in(lane, line, work).await?.map_err(Refused::Because)
    }
}
