//! The audit log, as operators read it.

use crate::{Admin, Failure, Listed, paging};
use std::collections::HashMap;
use store::{AuditRow, TenantId, Verified};

/// What people call a tenant and the things of it that rows of the audit log name by an id. The rows stay when it is gone, and
/// hold no words about its people; these do.
#[derive(Debug)]
pub(crate) struct AuditNames {
    /// The label of the tenant.
    pub(crate) tenant: String,
    /// Labels of setup links and Secret Tokens, by id and by key id.
    labels: HashMap<String, String>,
}

impl AuditNames {
    /// Whom a row means by its actor, if that is a setup link.
    pub(crate) fn actor(&self, row: &AuditRow) -> Option<&str> {
        self.label(row.actor.strip_prefix("setup link ")?)
    }

    /// What a row means by its target.
    pub(crate) fn target(&self, row: &AuditRow) -> Option<&str> {
        self.label(&row.target)
    }

    fn label(&self, id: &str) -> Option<&str> {
        self.labels.get(id).map(String::as_str)
    }
}

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
        let page = self.store.audit_rows(tenant, before, paging::bounds(count)).await?;
        Ok(Listed::of(page, |row| row.position.to_string()))
    }

    /// The words for what rows of a tenant name, while it is there.
    ///
    /// # Errors
    /// Faults of the store only.
    pub(crate) async fn audit_names(&self, tenant: TenantId) -> Result<Option<AuditNames>, Failure> {
        let Some(tenant) = self.store.tenant(&tenant.to_string()).await? else { return Ok(None) };
        let links = self.store.setup_links(tenant.id).await?;
        let tokens = self.store.secret_tokens(tenant.id).await?;
        let links = links.into_iter().map(|link| (link.id.to_string(), link.label));
        let tokens = tokens.into_iter().map(|token| (token.key_id, token.label));
        let labels = links.chain(tokens).filter(|(_, label)| !label.is_empty()).collect();
        Ok(Some(AuditNames { tenant: tenant.label, labels }))
    }

    /// Checks the whole log: how far it goes and the hash of its end, or what is wrong with it.
    ///
    /// # Errors
    /// Faults of the store only.
    pub async fn verify_audit_log(&self) -> Result<Verified, Failure> {
        Ok(self.store.verify_audit().await?)
    }
}
