//! What operators ask a [`Store`] about resources: histories, and what was deleted.

use crate::{
    admission::line::Line,
    engine::Engine,
    history::{ChangeRow, DeletedRow},
    lane::Lane,
    model::{ResourceId, StoreError, TenantId},
    pages::{PageBounds, Slice},
    store::Store,
};
use scim::Timestamp;

impl Store {
    /// A page of the change log of a tenant, or of one of its resources, before a position (`i64::MAX` is behind all),
    /// newest first.
    ///
    /// # Errors
    /// Faults of the database.
    pub async fn changes(
        &self,
        tenant: TenantId,
        resource: Option<ResourceId>,
        before: i64,
        bounds: PageBounds,
    ) -> Result<Slice<ChangeRow>, StoreError> {
        let changes = move |engine: &dyn Engine| engine.changes(tenant, resource, before, bounds);
        self.ask_in(Lane::Slow, Line::Operators, changes).await
    }

    /// A page of the resources of a tenant that were deleted before another one (time and id; the greatest is behind
    /// all), newest first.
    ///
    /// # Errors
    /// Faults of the database.
    pub async fn deleted_resources(
        &self,
        tenant: TenantId,
        before: (Timestamp, ResourceId),
        bounds: PageBounds,
    ) -> Result<Slice<DeletedRow>, StoreError> {
        self.ask_of(tenant, move |engine| engine.deleted_resources(tenant, before, bounds)).await
    }

    /// A deleted resource.
    ///
    /// # Errors
    /// Faults of the database.
    pub async fn deleted_resource(
        &self,
        tenant: TenantId,
        id: ResourceId,
    ) -> Result<Option<DeletedRow>, StoreError> {
        self.ask_of(tenant, move |engine| engine.deleted_resource(tenant, id)).await
    }

    /// At most `limit` of the members that a deleted group comes back with, behind another one, by id; from the first if
    /// `after` is `None`.
    ///
    /// # Errors
    /// Faults of the database.
    pub async fn hidden_members(
        &self,
        tenant: TenantId,
        group: ResourceId,
        after: Option<ResourceId>,
        limit: u32,
    ) -> Result<Vec<ResourceId>, StoreError> {
        self.ask_of(tenant, move |engine| engine.hidden_members(tenant, group, after, limit.into())).await
    }
}
