//! Scratch tenants: the gateway tries itself on one, for an hour at most (docs/adr/0036).

use super::{
    act::{Acted, Refused},
    audit::AuditEntry,
    secret_tokens::{self, SecretTokenRow},
    tenants::{self, Tenant},
};
use crate::{
    data::model::{StoreError, TenantId},
    schema::{tenants as tenants_table, types::Id},
    store::Store,
    tx::Tx,
};
use diesel::prelude::*;
use scim::Timestamp;
use serde_json::json;

/// Why a scratch tenant was not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenRefused {
    /// There is no tenant that it is to be like, or that tenant is being erased.
    TenantGone,
    /// Its label or id is taken.
    Taken,
}

/// Opens a scratch tenant with its one Secret Token, to try how the tenant `like` is served. The entry belongs to `like`.
///
/// # Errors
/// [`OpenRefused`].
pub fn open(
    tx: &mut Tx<'_>,
    like: TenantId,
    scratch: &Tenant,
    token: &SecretTokenRow,
) -> Acted<((), AuditEntry), OpenRefused> {
    let like = tenants::lock_or(tx, like, OpenRefused::TenantGone)?;
    if !(tenants::insert(tx, scratch)? && secret_tokens::insert(tx, token)?) {
        return Err(Refused::Because(OpenRefused::Taken));
    }
    let made = json!({ "scratch": scratch.label, "profile": scratch.profile.as_str() });
    Ok(((), AuditEntry::of_tenant("tenant.conformance", like.label, like.id).makes(made)))
}

impl Store {
    /// Scratch tenants that were opened before this time, and that nobody has erased since.
    ///
    /// # Errors
    /// Faults of the database.
    pub async fn scratch_tenants(&self, before: Timestamp) -> Result<Vec<TenantId>, StoreError> {
        let question = move |tx: &mut Tx<'_>| {
            let old = tenants_table::created_at.lt(before.0);
            let scratch = tenants_table::id.ge(Id(TenantId::FIRST_SCRATCH.0));
            let found = tenants_table::table.filter(scratch.and(old)).select(tenants_table::id);
            let ids = found.load::<Id>(tx.db)?;
            Ok(ids.into_iter().map(|id| TenantId(id.0)).collect())
        };
        self.read_for_operators(question).await
    }
}
