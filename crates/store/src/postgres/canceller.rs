//! Has PostgreSQL cancel what nobody waits for any more: a connection of its own, made when it is first needed.

use crate::{
    data::model::StoreError,
    jobs::limit::{Canceller, Limit},
};
use diesel::{
    Connection, PgConnection, RunQueryDsl, connection::SimpleConnection, sql_query, sql_types::Integer,
};
use std::{
    sync::{Arc, mpsc},
    thread,
};

/// Starts the thread, which ends with the last sender: it takes jobs and the sessions that may work on them.
pub(super) fn start(url: &str) -> Result<Canceller, StoreError> {
    let (sender, jobs) = mpsc::channel::<(Arc<Limit>, i32)>();
    let url = url.to_owned();
    let work = move || {
        let mut connection = None;
        for (limit, backend) in jobs {
            limit.shoot(backend, |backend| cancel(&mut connection, &url, backend));
        }
    };
    let thread = thread::Builder::new().name("store-canceller".to_owned()).spawn(work);
    thread.map(|_| sender).map_err(|error| StoreError::Failed(format!("no thread: {error}")))
}

/// Cancels what a session does. Where that fails, the statement ends by its own time.
fn cancel(connection: &mut Option<PgConnection>, url: &str, backend: i32) {
    // The session waits for this, so it must be quick.
    const SET_UP: &str = "SET application_name = 'juno canceller'; SET statement_timeout = '1s'";
    if connection.is_none() {
        let made = PgConnection::establish(url).ok();
        *connection = made.and_then(|mut made| made.batch_execute(SET_UP).is_ok().then_some(made));
    }
    if let Some(used) = connection {
        let cancelled = sql_query("SELECT pg_cancel_backend($1)").bind::<Integer, _>(backend).execute(used);
        if let Err(error) = cancelled {
            tracing::debug!(%error, "a statement is not cancelled");
            *connection = None;
        }
    }
}
