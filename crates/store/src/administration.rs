//! What operators ask a [`Store`]: operators and sessions, the audit log, histories and deleted resources.

use crate::{
    act::Act,
    admission::line::Line,
    audit::{self, AuditHead, AuditRow, Deed, Verified},
    engine::Engine,
    history::{ChangeRow, DeletedRow},
    lane::Lane,
    model::{ResourceId, StoreError, TenantId},
    operator::{Operator, OperatorChange, Proof, Session},
    pages::{PageBounds, Slice},
    store::{Store, has_nul},
};
use scim::Timestamp;
use std::ops::ControlFlow;
use uuid::Uuid;

/// Rows of the audit log that are checked together.
const VERIFIED_AT_ONCE: PageBounds = PageBounds { rows: 1000, bytes: 4 * 1024 * 1024 };

impl Store {
    /// Adds an operator; `false` if the name is taken.
    ///
    /// # Errors
    /// Faults of the database, here and below.
    pub async fn create_operator(&self, operator: Operator) -> Result<bool, StoreError> {
        self.act(Line::Operators, Act::CreateOperator(operator)).await
    }

    /// Changes an operator; `false` if there is none, or it is not in a state for this change.
    ///
    /// # Errors
    /// As above.
    pub async fn change_operator(&self, id: Uuid, change: OperatorChange) -> Result<bool, StoreError> {
        self.act(Line::Operators, Act::ChangeOperator(id, change)).await
    }

    /// Every operator, by name.
    ///
    /// # Errors
    /// As above.
    pub async fn operators(&self) -> Result<Vec<Operator>, StoreError> {
        self.ask(|engine| engine.operators()).await
    }

    /// The operator of this name (lower case).
    ///
    /// # Errors
    /// As above.
    pub async fn operator(&self, name: &str) -> Result<Option<Operator>, StoreError> {
        if has_nul(name) {
            return Ok(None);
        }
        let name = name.to_owned();
        self.ask(move |engine| engine.operator(&name)).await
    }

    /// Begins a session; `false` if the proof does not hold any more: the operator was disabled or reset, has another
    /// password or a second factor that was not asked for, or the code, or a newer one, was used before.
    ///
    /// # Errors
    /// As above.
    pub async fn sign_in(&self, session: Session, proof: Proof) -> Result<bool, StoreError> {
        self.act(Line::Operators, Act::SignIn(session, proof)).await
    }

    /// Ends a session; `false` if there is none.
    ///
    /// # Errors
    /// As above.
    pub async fn sign_out(&self, digest: [u8; 32]) -> Result<bool, StoreError> {
        self.act(Line::Operators, Act::SignOut(digest)).await
    }

    /// The session with this digest, expired or not, and its operator; looked up in this line.
    ///
    /// # Errors
    /// As above.
    pub async fn session(
        &self,
        digest: [u8; 32],
        line: Line,
    ) -> Result<Option<(Session, Operator)>, StoreError> {
        self.ask_in(Lane::Vital, line, move |engine| engine.session(&digest)).await
    }

    /// Notes that a session was used.
    ///
    /// # Errors
    /// As above.
    pub async fn touch_session(&self, digest: [u8; 32], seen: Timestamp) -> Result<(), StoreError> {
        self.ask(move |engine| engine.touch_session(&digest, seen)).await
    }

    /// Writes an audit row of something that changes nothing here, or is committed elsewhere. Needs
    /// [`Store::acting`].
    ///
    /// # Errors
    /// As above.
    pub async fn note(&self, deed: Deed) -> Result<(), StoreError> {
        self.act(Line::Operators, Act::Note(deed)).await.map(drop)
    }

    /// A page of audit rows before a position (`i64::MAX` is behind all), newest first, of one tenant or of all.
    ///
    /// # Errors
    /// As above.
    pub async fn audit_rows(
        &self,
        tenant: Option<TenantId>,
        before: i64,
        bounds: PageBounds,
    ) -> Result<Slice<AuditRow>, StoreError> {
        self.ask(move |engine| engine.audit_rows_before(tenant, before, bounds)).await
    }

    /// Checks the whole audit log: how far it goes, or what is wrong with it first.
    ///
    /// # Errors
    /// As above.
    pub async fn verify_audit(&self) -> Result<Verified, StoreError> {
        let mut at = AuditHead::NOTHING;
        loop {
            // A question for each page: what others ask meanwhile takes turns with a long log.
            let page = self.ask(move |engine| {
                let recorded = engine.audit_head()?;
                let rows = engine.audit_rows_behind(at.position, VERIFIED_AT_ONCE)?;
                Ok(audit::verify_page(at, recorded, &rows.rows))
            });
            match page.await? {
                ControlFlow::Continue(end) => at = end,
                ControlFlow::Break(verified) => return Ok(verified),
            }
        }
    }

    /// A page of the change log of a tenant, or of one of its resources, before a position (`i64::MAX` is behind all),
    /// newest first.
    ///
    /// # Errors
    /// As above.
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
    /// As above.
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
    /// As above.
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
    /// As above.
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
