//! What requests are charged for in bytes of memory, before they hold them (`docs/adr/0028-bytes-in-flight.md`).

use crate::{ApiError, App};
use store::{
    TenantId,
    bytes::{Holder, Reservation},
};

/// What any request holds beside its body: its head, a document of ordinary size as text a few times over, the text of its
/// answer. 256 of them with small bodies are well within the budget of a tenant.
pub(crate) const REQUEST: usize = 64 * 1024;

/// How many times a change holds a stored document: as it was, as it will be, and on the way to the database.
const COPIES: usize = 3;

/// How many bytes are reserved for each byte of a body: its text, and the parsed values, which take 5 to 11 times as much
/// in the requests that provisioning clients send.
pub const MEMORY_PER_BYTE: usize = 12;

/// How large one resource of a page is expected to be. Those of Entra have 1 to 2 KB.
pub(crate) const ROW: usize = 2 * 1024;

/// What an answer holds that is written piece by piece, beside the rows that are still to be written: a piece and the row
/// or the members that it is made of.
pub(crate) const STREAM: usize = 256 * 1024;

impl App {
    /// Reserves what a request holds beside its body. Where the tenant's requests have met large documents lately, this one
    /// is likely to meet one as well.
    pub(crate) async fn reserve(&self, tenant: TenantId) -> Result<Reservation, ApiError> {
        let holder = Holder::Tenant(tenant);
        Ok(self.budget.reserve_for_resource(holder, COPIES, REQUEST).await?)
    }
}
