//! The audit log, as operators read it.

use crate::{Admin, Failure, Listed, paging};
use store::{AuditRow, Verified};

impl Admin {
    /// A page of the audit log, newest first; of one tenant (label or id) or of all.
    ///
    /// # Errors
    /// A cursor of another list; no such tenant.
    pub async fn audit_log(
        &self,
        tenant: Option<&str>,
        cursor: Option<&str>,
        count: Option<u32>,
    ) -> Result<Listed<AuditRow>, Failure> {
        let before = paging::place(cursor, |text| text.parse::<i64>().ok())?.unwrap_or(i64::MAX);
        let tenant = match tenant {
            Some(tenant) => Some(self.tenant(tenant).await?.id),
            None => None,
        };
        let limit = paging::limit(count);
        let rows = self.store.audit_rows(tenant, before, limit + 1).await?;
        Ok(Listed::cut(rows, limit, |row| row.position.to_string()))
    }

    /// Checks the whole log: how far it goes and the hash of its end, or what is wrong with it.
    ///
    /// # Errors
    /// Faults of the store only.
    pub async fn verify_audit_log(&self) -> Result<Verified, Failure> {
        Ok(self.store.verify_audit().await?)
    }
}
