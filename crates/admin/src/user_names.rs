//! Users of a tenant whose `userName`s are equal (`docs/adr/0034`).

use crate::{Admin, Failure, Listed, paging};
use store::{ResourceId, UserNameCollision};
use uuid::Uuid;

impl Admin {
    /// A page of the users whose `userName` equals that of another user, by id.
    ///
    /// # Errors
    /// `NotFound` if the tenant does not exist; `Invalid` for a cursor of another list.
    pub async fn user_name_collisions(
        &self,
        tenant: &str,
        cursor: Option<&str>,
        count: Option<u32>,
    ) -> Result<Listed<UserNameCollision>, Failure> {
        let tenant = self.tenant(tenant).await?;
        let behind = paging::place(cursor, ResourceId::parse)?.unwrap_or(ResourceId(Uuid::nil()));
        let limit = paging::limit(count);
        let rows = self.store.user_name_collisions(tenant.id, behind, limit + 1).await?;
        Ok(Listed::cut(rows, limit, |row| row.user.id.to_string()))
    }
}
