//! One tenant under load: a few connections that take its due requests in turn.

use super::alarm::Alarm;
use super::connection::{Answer, Connection, Peer};
use super::mix::Operation;
use super::pace::{Due, Pace};
use super::record::Record;
use super::requests::Requests;
use super::windows::Windows;
use serde::Deserialize;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// One tenant under load.
pub(super) struct Lane {
    /// Its name in reports.
    pub name: String,
    /// By which factor its rate was raised; 1 for the quiet ones.
    pub factor: f64,
    pub pace: Pace,
    pub peer: Peer,
    /// How long an answer is waited for, and how long late requests are still sent after the last one was due.
    pub timeout: Duration,
    /// Where latencies are noted by time, if that is wanted.
    pub windows: Option<Arc<Windows>>,
    /// The number of the next request that nobody has taken.
    next: AtomicU64,
    state: Mutex<State>,
}

/// What changes while it runs.
pub(super) struct State {
    pub requests: Requests,
    pub record: Record,
    /// The ids of the users that were created.
    pub created: Vec<String>,
}

#[derive(Deserialize)]
struct Created {
    id: String,
}

impl Lane {
    pub(super) fn new(
        name: String,
        factor: f64,
        pace: Pace,
        peer: Peer,
        timeout: Duration,
        requests: Requests,
    ) -> Lane {
        let state = State { requests, record: Record::default(), created: Vec::new() };
        Lane {
            name,
            factor,
            pace,
            peer,
            timeout,
            windows: None,
            next: AtomicU64::new(0),
            state: Mutex::new(state),
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Works with one connection until no request is due any more.
    ///
    /// # Errors
    /// Those of the operating system about its timer.
    async fn work(self: Arc<Lane>) -> std::io::Result<()> {
        let alarm = Alarm::new()?;
        let mut connection = Connection::new(self.peer.clone());
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let taken = Instant::now();
            let due = match self.pace.due(number, taken) {
                Due::Over => return Ok(()),
                Due::Now => taken.max(self.pace.start),
                Due::At(due) => due,
            };
            if due > taken {
                alarm.wait_until(due).await?;
                self.state().record.note_lag(due.elapsed());
            }
            if self.pace.end().is_some_and(|end| end + self.timeout < taken) {
                self.state().record.unsent += 1;
                continue;
            }
            let is_alive = self.one(&mut connection, due).await;
            if !is_alive && self.pace.rate.is_none() {
                // A dead server is not asked a hundred thousand times a second.
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    }

    /// Sends one request that was due at `due`. Whether the connection is alive.
    async fn one(&self, connection: &mut Connection, due: Instant) -> bool {
        let (operation, request, user_name) = self.state().requests.next();
        let sent = Instant::now();
        let answer = tokio::time::timeout(self.timeout, connection.send(request)).await;
        let ended = Instant::now();
        let answer = answer.unwrap_or_else(|_| {
            connection.give_up();
            Err("timeout")
        });
        if let Some(windows) = &self.windows {
            windows.note(due - self.pace.start, ended - due);
        }
        let mut state = self.state();
        state.record.note(operation, ended - due, ended - sent);
        match &answer {
            Ok(Answer { status, body }) if operation.is_fine(*status) => {
                if let Some(user_name) = user_name {
                    state.take_in(body, &user_name);
                }
            }
            Ok(Answer { status, .. }) => state.record.note_error(operation, status.to_string()),
            Err(trouble) => state.record.note_error(operation, (*trouble).to_owned()),
        }
        answer.is_ok()
    }
}

impl State {
    /// Adds a user that was just created to those that are asked about.
    fn take_in(&mut self, body: &[u8], user_name: &str) {
        match serde_json::from_slice::<Created>(body) {
            Ok(Created { id }) if self.requests.know(&id, user_name).is_ok() => self.created.push(id),
            _ => self.record.note_error(Operation::Create, "no id".to_owned()),
        }
    }
}

/// Runs the lanes on one thread of their own until all are done; `connections` for each.
///
/// # Errors
/// Those of the operating system when it refuses what a runtime needs.
pub(super) fn run(lanes: Vec<Arc<Lane>>, connections: usize) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut workers = JoinSet::new();
        for lane in lanes {
            for _ in 0..connections {
                workers.spawn(Arc::clone(&lane).work());
            }
        }
        while let Some(ended) = workers.join_next().await {
            ended.map_err(std::io::Error::other)??;
        }
        Ok(())
    })
}
