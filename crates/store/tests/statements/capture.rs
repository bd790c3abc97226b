//! Every statement that a store sends while all of it is used, once for each database.

use crate::{backend::Backend, everything::use_everything};
use diesel::connection::{Instrumentation, InstrumentationEvent, set_default_instrumentation};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, OnceLock, PoisonError},
};
use store::TenantId;

/// Which database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
}

impl Kind {
    /// A store on a new database of this kind. Not while statements are recorded: its own would be among them.
    pub(crate) fn open(self) -> Backend {
        captured(self);
        self.open_to_capture()
    }

    fn open_to_capture(self) -> Backend {
        match self {
            Kind::Sqlite => Backend::sqlite(),
            Kind::Postgres => Backend::postgres(),
        }
    }
}

/// What was sent to one database.
pub(crate) struct Captured {
    /// The tenant that was used.
    pub(crate) tenant: TenantId,
    /// How a session of PostgreSQL is set up.
    pub(crate) set_up: String,
    /// Each text, with the binds of every time that it was sent, as Rust prints them.
    pub(crate) statements: BTreeMap<String, BTreeSet<String>>,
    /// The texts of each transaction of several statements.
    pub(crate) transactions: BTreeSet<Vec<String>>,
}

#[derive(Default)]
struct Sent {
    statements: BTreeMap<String, BTreeSet<String>>,
    transactions: BTreeSet<Vec<String>>,
}

/// How a statement begins that touches rows.
const BEGINNINGS: [&str; 6] = ["SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "BEGIN; SELECT"];

/// `None` while nothing is recorded.
static SENT: Mutex<Option<Sent>> = Mutex::new(None);

/// Listens to one connection.
fn listen() -> Option<Box<dyn Instrumentation>> {
    let mut transaction: Option<Vec<String>> = None;
    Some(Box::new(move |event: InstrumentationEvent<'_>| {
        let InstrumentationEvent::StartQuery { query, .. } = event else { return };
        let Some(sent) = &mut *SENT.lock().unwrap_or_else(PoisonError::into_inner) else { return };
        let query = query.to_string();
        let (text, binds) = query.rsplit_once(" -- binds: ").unwrap_or((&query, ""));
        sent.statements.entry(text.to_owned()).or_default().insert(binds.to_owned());
        if text.starts_with("BEGIN") {
            transaction = Some(Vec::new());
        }
        if let Some(texts) = &mut transaction {
            texts.push(text.to_owned());
        }
        if text == "COMMIT" {
            sent.transactions.extend(transaction.take());
        } else if text == "ROLLBACK" {
            transaction = None;
        }
    }))
}

/// What a store sends to a database of this kind. Recorded by the first call, which the others wait for.
pub(crate) fn captured(kind: Kind) -> &'static Captured {
    static ALL: OnceLock<[Captured; 2]> = OnceLock::new();
    let all = ALL.get_or_init(|| {
        set_default_instrumentation(listen).unwrap();
        [Kind::Sqlite, Kind::Postgres].map(capture)
    });
    &all[kind as usize]
}

fn capture(kind: Kind) -> Captured {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    *SENT.lock().unwrap() = Some(Sent::default());
    let tenant = runtime.block_on(use_everything(kind, kind.open_to_capture()));
    let Sent { statements, transactions } = SENT.lock().unwrap().take().unwrap();
    // What creates the tables is looked at by its outcome.
    let is_migration = |text: &str| text.starts_with("--") || text.contains("__diesel_schema_migrations");
    let is_ours = |text: &str| BEGINNINGS.iter().any(|word| text.starts_with(word)) && !is_migration(text);
    let set_up = statements.keys().find(|text| text.contains("force_generic_plan")).cloned();
    let statements = statements.into_iter().filter(|(text, _)| is_ours(text)).collect();
    Captured { tenant, set_up: set_up.unwrap_or_default(), statements, transactions }
}
