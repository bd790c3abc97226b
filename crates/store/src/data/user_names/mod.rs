//! Keys of `userName` (`docs/adr/0034`): keys of an earlier version are made anew, in slices. A user whose key belongs to
//! another user keeps the old key until the collision is over.

mod records;

use crate::{
    control::tenants,
    data::lookups::Step,
    data::model::{ResourceId, StoreError, TenantId},
    engine::Engine,
    jobs::admission::{line::Line, weight::Weight},
    jobs::lane::Lane,
    store::Store,
    tx::Tx,
};
use std::collections::BTreeSet;

/// A user and its `userName` as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedUser {
    /// Its id.
    pub id: ResourceId,
    /// Its `userName`.
    pub user_name: String,
}

/// Two users whose `userName`s are equal. An earlier version of the gateway compared them in lower case alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserNameCollision {
    /// The user who is found by its own spelling alone.
    pub user: NamedUser,
    /// The user who is found by every other spelling.
    pub equal: NamedUser,
}

/// What [`Store::rekey_user_names`] has done.
#[derive(Debug, Default)]
pub struct RekeyedUserNames {
    /// How many users have a new key.
    pub users: u64,
    /// The tenants that have collisions.
    pub with_collisions: BTreeSet<TenantId>,
    /// The first fault, if some tenant could not be finished: a later call goes on.
    pub fault: Option<StoreError>,
}

/// What a slice of work is estimated at: its time corrects that.
const SLICE: Weight = Weight(16);

impl Store {
    /// Makes the keys of `userName` of all tenants anew that an earlier version has made, a tenant at a time. Each slice
    /// is a short transaction. A call goes on where an earlier one was interrupted, and any number of processes may do it
    /// at the same time. Where all keys are of this version it reads one row of each tenant.
    ///
    /// # Errors
    /// The database cannot say which tenants there are.
    pub async fn rekey_user_names(&self) -> Result<RekeyedUserNames, StoreError> {
        let mut done = RekeyedUserNames::default();
        for tenant in self.read(Lane::Operators, Line::Process, tenants::all).await? {
            match self.rekey_tenant(tenant.id, &mut done.users).await {
                Ok(true) => drop(done.with_collisions.insert(tenant.id)),
                Ok(false) => {}
                // One tenant's trouble does not keep the others'.
                Err(fault) => done.fault = done.fault.or(Some(fault)),
            }
        }
        Ok(done)
    }

    /// Whether the tenant has collisions.
    async fn rekey_tenant(&self, tenant: TenantId, users: &mut u64) -> Result<bool, StoreError> {
        while let Some(behind) =
            self.read(Lane::Operators, Line::Process, move |tx| records::to_rekey(tx, tenant)).await?
        {
            let work = move |engine: &dyn Engine| records::rekey(engine, tenant, behind);
            *users += self.work_of(tenant, work).await?;
        }
        self.read(Lane::Operators, Line::Process, move |tx| records::has_collisions(tx, tenant)).await
    }

    /// Ends the collisions of a tenant that are over, because a user was renamed or deleted: a user whose key is free gets
    /// it. Returns whether there are others.
    ///
    /// # Errors
    /// Faults of the database, here and below.
    pub async fn settle_user_names(&self, tenant: TenantId) -> Result<bool, StoreError> {
        while self.work_of(tenant, move |engine| records::settle(engine, tenant)).await? == Step::More {}
        self.read(Lane::Operators, Line::Process, move |tx| records::has_collisions(tx, tenant)).await
    }

    /// The collisions of a tenant, by the id of their user, behind a user.
    ///
    /// # Errors
    /// As above.
    pub async fn user_name_collisions(
        &self,
        tenant: TenantId,
        behind: ResourceId,
        limit: u32,
    ) -> Result<Vec<UserNameCollision>, StoreError> {
        let question = move |tx: &mut Tx<'_>| records::list_collisions(tx, tenant, behind, limit.into());
        self.read(Lane::Operators, tenant, question).await
    }

    /// A slice of work of a tenant, in the tenant's line.
    async fn work_of<A: Send + 'static>(
        &self,
        tenant: TenantId,
        work: impl FnOnce(&dyn Engine) -> Result<A, StoreError> + Send + 'static,
    ) -> Result<A, StoreError> {
        let admitted = self.for_clients().admit(tenant, SLICE).await?;
        self.threads.run(Lane::Slow, admitted, work, |_| Weight::ONE).await
    }
}
