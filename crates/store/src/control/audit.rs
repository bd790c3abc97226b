//! The audit log: rows in one chain of hashes, so that a changed, missing or moved row is found (`docs/adr/0012`).

use super::actor::By;
use crate::{
    connection::page,
    data::model::{StoreError, TenantId},
    jobs::admission::line::Line,
    jobs::lane::Lane,
    pages::{Measured, PageBounds, Slice},
    schema::{audit_head, audit_log, types::Id},
    store::Store,
    tx::Tx,
};
use diesel::prelude::*;
use scim::Timestamp;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::ops::ControlFlow;

/// What was done: everything of an audit row but who did it.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditEntry {
    /// A word such as `tenant.suspend`.
    pub action: &'static str,
    /// What it was done to: the label of a tenant, the name of an operator, a key id, or else an id.
    pub target: String,
    /// Whose, if it is a tenant's.
    pub tenant: Option<TenantId>,
    /// What was before; never a secret.
    pub before: Option<Value>,
    /// What was after; never a secret.
    pub after: Option<Value>,
}

impl AuditEntry {
    /// The entry of an action on something that belongs to no tenant. Nothing is said of its state.
    pub(super) fn of(action: &'static str, target: impl Into<String>) -> AuditEntry {
        AuditEntry { action, target: target.into(), tenant: None, before: None, after: None }
    }

    /// The same of something that belongs to a tenant.
    pub(super) fn of_tenant(action: &'static str, target: impl Into<String>, tenant: TenantId) -> AuditEntry {
        AuditEntry { tenant: Some(tenant), ..AuditEntry::of(action, target) }
    }

    /// The same with what was made.
    pub(super) fn makes(self, after: Value) -> AuditEntry {
        AuditEntry { after: Some(after), ..self }
    }

    /// The same with what was removed.
    pub(super) fn removes(self, before: Value) -> AuditEntry {
        AuditEntry { before: Some(before), ..self }
    }

    /// The same with what was changed.
    pub(super) fn changes(self, before: Value, after: Value) -> AuditEntry {
        AuditEntry { before: Some(before), after: Some(after), ..self }
    }
}

/// A row of the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRow {
    /// Counts from 1, without gaps.
    pub position: i64,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// From where.
    pub origin: String,
    /// What.
    pub action: String,
    /// To what.
    pub target: String,
    /// Whose, if it is a tenant's.
    pub tenant: Option<TenantId>,
    /// What was before, as JSON.
    pub before: Option<String>,
    /// What was after, as JSON.
    pub after: Option<String>,
    /// Of this row and of all before it.
    pub hash: [u8; 32],
}

/// How far the audit log goes, and the hash of its last row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditHead {
    /// Position of the last row; 0 if there is none.
    pub position: i64,
    /// Its hash.
    pub hash: [u8; 32],
}

/// What is wrong with an audit log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BrokenChain {
    /// There is no row at this position, and there was one.
    #[error("the row at position {0} is missing")]
    Missing(i64),
    /// The row at this position is not the one that was written.
    #[error("the row at position {0} was changed, or moved there")]
    Changed(i64),
    /// There is a row behind the last one that was written.
    #[error("the row at position {0} was added behind the end")]
    Added(i64),
    /// The rows are one chain, and the recorded end is another's.
    #[error("the recorded end of the log does not fit its last row, at position {0}")]
    WrongHead(i64),
}

/// What checking the chain came to.
pub type Verified = Result<AuditHead, BrokenChain>;

impl AuditHead {
    /// Before the first row.
    pub(crate) const NOTHING: AuditHead = AuditHead { position: 0, hash: [0; 32] };

    /// The hash of a row behind this one. Each field goes in with its length, so that no two rows read the same.
    fn hash_of(&self, row: &AuditRow) -> [u8; 32] {
        let mut hasher = Sha256::new();
        hasher.update(b"juno audit row 1");
        hasher.update(self.hash);
        hasher.update(row.position.to_be_bytes());
        hasher.update(row.at.0.to_be_bytes());
        let tenant = row.tenant.map(|tenant| tenant.0.into_bytes());
        let fields: [Option<&[u8]>; 7] = [
            Some(row.actor.as_bytes()),
            Some(row.origin.as_bytes()),
            Some(row.action.as_bytes()),
            Some(row.target.as_bytes()),
            tenant.as_ref().map(|tenant| tenant.as_slice()),
            row.before.as_deref().map(str::as_bytes),
            row.after.as_deref().map(str::as_bytes),
        ];
        for field in fields {
            hasher.update([u8::from(field.is_some())]);
            let field = field.unwrap_or_default();
            hasher.update((field.len() as u64).to_be_bytes());
            hasher.update(field);
        }
        hasher.finalize().into()
    }

    /// The row that comes behind this one.
    fn row(&self, by: &By, entry: &AuditEntry) -> AuditRow {
        let text = |value: &Option<Value>| value.as_ref().map(Value::to_string);
        let mut row = AuditRow {
            position: self.position + 1,
            at: by.at,
            actor: by.actor.to_string(),
            origin: by.origin.clone(),
            action: entry.action.to_owned(),
            target: entry.target.clone(),
            tenant: entry.tenant,
            before: text(&entry.before),
            after: text(&entry.after),
            hash: [0; 32],
        };
        row.hash = self.hash_of(&row);
        row
    }

    /// Goes one row on, if that is the next of the chain.
    pub(crate) fn step(&mut self, row: &AuditRow) -> Result<(), BrokenChain> {
        if row.position != self.position + 1 {
            return Err(BrokenChain::Missing(self.position + 1));
        }
        if row.hash != self.hash_of(row) {
            return Err(BrokenChain::Changed(row.position));
        }
        *self = AuditHead { position: row.position, hash: row.hash };
        Ok(())
    }

    /// Whether the chain ends where the database says that it does. Asked when there are no more rows.
    pub(crate) fn ends_at(&self, recorded: AuditHead) -> Verified {
        match self.position.cmp(&recorded.position) {
            std::cmp::Ordering::Less => Err(BrokenChain::Missing(self.position + 1)),
            std::cmp::Ordering::Greater => Err(BrokenChain::Added(recorded.position + 1)),
            std::cmp::Ordering::Equal if *self != recorded => Err(BrokenChain::WrongHead(self.position)),
            std::cmp::Ordering::Equal => Ok(recorded),
        }
    }
}

#[derive(Insertable, Queryable)]
#[diesel(table_name = audit_log)]
pub(crate) struct AuditRecord {
    position: i64,
    at: i64,
    actor: String,
    origin: String,
    action: String,
    target: String,
    tenant: Option<Id>,
    before: Option<String>,
    after: Option<String>,
    hash: Vec<u8>,
}

impl Measured for AuditRecord {
    fn size(&self) -> usize {
        const TIMES_AND_HASH: usize = 400;
        let texts = [&self.actor, &self.origin, &self.action, &self.target];
        let states = [&self.before, &self.after].into_iter().flatten();
        TIMES_AND_HASH + texts.into_iter().chain(states).map(String::len).sum::<usize>()
    }
}

impl From<AuditRow> for AuditRecord {
    fn from(row: AuditRow) -> Self {
        AuditRecord {
            position: row.position,
            at: row.at.0,
            actor: row.actor,
            origin: row.origin,
            action: row.action,
            target: row.target,
            tenant: row.tenant.map(|tenant| Id(tenant.0)),
            before: row.before,
            after: row.after,
            hash: row.hash.to_vec(),
        }
    }
}

impl From<AuditRecord> for AuditRow {
    fn from(record: AuditRecord) -> Self {
        AuditRow {
            position: record.position,
            at: Timestamp(record.at),
            actor: record.actor,
            origin: record.origin,
            action: record.action,
            target: record.target,
            tenant: record.tenant.map(|id| TenantId(id.0)),
            before: record.before,
            after: record.after,
            // A hash of another length was not written by us; it fits no row.
            hash: record.hash.try_into().unwrap_or_default(),
        }
    }
}

/// A recorded end, as it is stored.
pub(crate) fn head((position, hash): (i64, Vec<u8>)) -> AuditHead {
    AuditHead { position, hash: hash.try_into().unwrap_or_default() }
}

/// Checks the next rows of the log behind `at`: how far the chain goes, or what checking it came to, where there are no
/// more. The recorded end was read before the rows: it is never ahead of what was committed when they were read.
pub(crate) fn verify_page(
    mut at: AuditHead,
    recorded: AuditHead,
    rows: &[AuditRow],
) -> ControlFlow<Verified, AuditHead> {
    for row in rows {
        if let Err(broken) = at.step(row) {
            return ControlFlow::Break(Err(broken));
        }
    }
    if rows.is_empty() { ControlFlow::Break(at.ends_at(recorded)) } else { ControlFlow::Continue(at) }
}

/// Appends the row of an entry. The caller's transaction makes it one with the action. The lock of the recorded end is taken
/// last of all, and held only until the end of the transaction.
pub(crate) fn append(tx: &mut Tx<'_>, by: &By, entry: &AuditEntry) -> QueryResult<()> {
    let end = audit_head::table.find(1);
    // Written first: the row is locked before it is read.
    diesel::update(end).set(audit_head::position.eq(audit_head::position + 1)).execute(tx.db)?;
    let (position, hash) =
        end.select((audit_head::position, audit_head::hash)).first::<(i64, Vec<u8>)>(tx.db)?;
    let row = head((position - 1, hash)).row(by, entry);
    diesel::update(end).set(audit_head::hash.eq(row.hash.as_slice())).execute(tx.db)?;
    diesel::insert_into(audit_log::table).values(AuditRecord::from(row)).execute(tx.db).map(drop)
}

fn recorded_head(tx: &mut Tx<'_>) -> QueryResult<AuditHead> {
    let end = audit_head::table.find(1).select((audit_head::position, audit_head::hash));
    Ok(end.first(tx.db).optional()?.map_or(AuditHead::NOTHING, head))
}

/// Rows behind a position, oldest first.
fn rows_behind(tx: &mut Tx<'_>, position: i64, bounds: PageBounds) -> QueryResult<Slice<AuditRow>> {
    let rows = audit_log::table
        .filter(audit_log::position.gt(position))
        .order(audit_log::position)
        .limit(bounds.limit());
    Ok(page::<AuditRecord, _>(tx.db, rows, bounds)?.map(AuditRow::from))
}

/// Rows before a position, newest first, of one tenant or of all.
fn rows_before(
    tx: &mut Tx<'_>,
    tenant: Option<TenantId>,
    before: i64,
    bounds: PageBounds,
) -> QueryResult<Slice<AuditRow>> {
    let rows = audit_log::table
        .filter(audit_log::position.lt(before))
        .order(audit_log::position.desc())
        .limit(bounds.limit());
    let page = match tenant {
        Some(tenant) => {
            page::<AuditRecord, _>(tx.db, rows.filter(audit_log::tenant.eq(Id(tenant.0))), bounds)
        }
        None => page::<AuditRecord, _>(tx.db, rows, bounds),
    };
    Ok(page?.map(AuditRow::from))
}

/// Rows of the audit log that are checked together.
const VERIFIED_AT_ONCE: PageBounds = PageBounds { rows: 1000, bytes: 4 * 1024 * 1024 };

impl Store {
    /// Writes an audit row of something that changes nothing here: an export.
    ///
    /// # Errors
    /// Faults of the database.
    pub async fn note(&self, by: &By, entry: AuditEntry) -> Result<(), StoreError> {
        let by = by.clone();
        self.write(Lane::Operators, Line::Operators, move |tx| append(tx, &by, &entry)).await
    }

    /// A page of audit rows before a position (`i64::MAX` is behind all), newest first, of one tenant or of all.
    ///
    /// # Errors
    /// Faults of the database.
    pub async fn audit_rows(
        &self,
        tenant: Option<TenantId>,
        before: i64,
        bounds: PageBounds,
    ) -> Result<Slice<AuditRow>, StoreError> {
        self.read_for_operators(move |tx| rows_before(tx, tenant, before, bounds)).await
    }

    /// Checks the whole audit log: how far it goes, or the first thing that is wrong with it.
    ///
    /// # Errors
    /// Faults of the database.
    pub async fn verify_audit(&self) -> Result<Verified, StoreError> {
        let mut at = AuditHead::NOTHING;
        loop {
            // A question for each page: what others ask meanwhile takes turns with a long log.
            let page = self.read_for_operators(move |tx| {
                let recorded = recorded_head(tx)?;
                let rows = rows_behind(tx, at.position, VERIFIED_AT_ONCE)?;
                Ok(verify_page(at, recorded, &rows.rows))
            });
            match page.await? {
                ControlFlow::Continue(end) => at = end,
                ControlFlow::Break(verified) => return Ok(verified),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::actor::Actor, *};

    /// The result of checking a log page by page. The log ends with its last row.
    fn verified(rows: &[AuditRow], end: AuditHead, page: usize) -> Verified {
        let mut at = AuditHead::NOTHING;
        let mut pages = rows.chunks(page);
        loop {
            match verify_page(at, end, pages.next().unwrap_or_default()) {
                ControlFlow::Continue(end) => at = end,
                ControlFlow::Break(verified) => return verified,
            }
        }
    }

    #[test]
    fn the_chain_goes_on_from_page_to_page() {
        let actor = Actor::CommandLine { user: "anna".to_owned() };
        let by = By { actor, origin: "host".to_owned(), at: Timestamp(7) };
        let target = "contoso".to_owned();
        let entry = AuditEntry { action: "tenant.change", target, tenant: None, before: None, after: None };
        let mut end = AuditHead::NOTHING;
        let mut rows = Vec::new();
        for _ in 0..5 {
            let row = end.row(&by, &entry);
            end = AuditHead { position: row.position, hash: row.hash };
            rows.push(row);
        }
        for page in 1..=6 {
            assert_eq!(verified(&rows, end, page), Ok(end), "{page}");
            assert_eq!(verified(&rows[..4], end, page), Err(BrokenChain::Missing(5)), "{page}");
        }
        "operator ben".clone_into(&mut rows[2].actor);
        for page in 1..=6 {
            assert_eq!(verified(&rows, end, page), Err(BrokenChain::Changed(3)), "{page}");
        }
    }
}
