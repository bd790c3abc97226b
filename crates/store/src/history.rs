//! What has been: the change log and the deleted resources, as operators read them.

use crate::{
    connection::page,
    data::model::{ResourceId, StoreError, TenantId},
    data::old_values,
    jobs::admission::line::Line,
    jobs::lane::Lane,
    pages::{Measured, PageBounds, Slice},
    schema::{
        change_log as log, deleted_resources as gone, group_members as members,
        types::{Id, Json},
    },
    store::Store,
    tx::Tx,
};
use diesel::{prelude::*, sqlite::Sqlite};
use scim::{Timestamp, schema::ResourceKind};
use uuid::Uuid;

/// A row of the change log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeRow {
    /// Its place in the feed of the tenant.
    pub position: i64,
    /// When.
    pub at: Timestamp,
    /// Who: a credential or an operator; none for the command line.
    pub actor: Option<Uuid>,
    /// `User` or `Group`.
    pub kind: String,
    /// Which resource.
    pub resource: ResourceId,
    /// What happened.
    pub event: String,
    /// The version after it.
    pub version: i64,
    /// The document before, as JSON.
    pub before: Option<String>,
    /// The document after, as JSON.
    pub after: Option<String>,
    /// `{"add":[…],"remove":[…]}`: members that came and went.
    pub members: Option<String>,
    /// What became of each operation, as a JSON array.
    pub effects: String,
}

/// A resource that SCIM has deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeletedRow {
    /// Its id.
    pub id: ResourceId,
    /// User or Group.
    pub kind: ResourceKind,
    /// When it was deleted.
    pub at: Timestamp,
    /// By which credential.
    pub actor: Option<Uuid>,
    /// Its last version.
    pub version: i64,
    /// `meta.created`.
    pub created: Timestamp,
    /// Its document as JSON.
    pub document: String,
    /// Ids of the groups it was in, as a JSON array.
    pub groups: String,
    /// How many members it had (Group only).
    pub member_count: u64,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = log)]
struct ChangeRecord {
    position: i64,
    at: i64,
    actor: Option<Id>,
    kind: String,
    resource_id: Id,
    event: String,
    version: i64,
    before: Option<Json>,
    old_values: Option<Json>,
    after: Option<Json>,
    members: Option<Json>,
    effects: Json,
}

/// About how many bytes of text the ids, times and names of a row have in an answer.
const IDS_AND_TIMES: usize = 400;

impl Measured for ChangeRecord {
    fn size(&self) -> usize {
        let size = |json: &Option<Json>| json.as_ref().map_or(0, |json| json.0.len());
        let after = size(&self.after);
        // The document before is made of parts of the one after and of old values.
        let before = self.old_values.as_ref().map_or(size(&self.before), |old| after + old.0.len());
        IDS_AND_TIMES + before + after + size(&self.members) + self.effects.0.len()
    }
}

impl TryFrom<ChangeRecord> for ChangeRow {
    type Error = StoreError;

    /// The row keeps the document before the change, or only what the change replaced of it.
    fn try_from(record: ChangeRecord) -> Result<Self, StoreError> {
        let text = |json: Option<Json>| json.map(|json| json.0);
        let (before, after) = (text(record.before), text(record.after));
        let before = match (before, text(record.old_values), &after) {
            (None, Some(old_values), Some(after)) => {
                let whole = old_values::put_back(&old_values, after);
                let misfit = || format!("old values of change {} are not of its document", record.position);
                Some(whole.ok_or_else(|| StoreError::Failed(misfit()))?)
            }
            (before, ..) => before,
        };
        Ok(ChangeRow {
            position: record.position,
            at: Timestamp(record.at),
            actor: record.actor.map(|id| id.0),
            kind: record.kind,
            resource: ResourceId(record.resource_id.0),
            event: record.event,
            version: record.version,
            before,
            after,
            members: text(record.members),
            effects: record.effects.0,
        })
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = gone)]
struct DeletedRecord {
    id: Id,
    kind: String,
    deleted_at: i64,
    actor: Option<Id>,
    version: i64,
    created_at: i64,
    document: Json,
    groups: Json,
    member_count: i64,
}

impl Measured for DeletedRecord {
    fn size(&self) -> usize {
        IDS_AND_TIMES + self.document.0.len() + self.groups.0.len()
    }
}

impl TryFrom<DeletedRecord> for DeletedRow {
    type Error = StoreError;

    fn try_from(record: DeletedRecord) -> Result<Self, StoreError> {
        let kind =
            [ResourceKind::User, ResourceKind::Group].into_iter().find(|kind| kind.name() == record.kind);
        Ok(DeletedRow {
            id: ResourceId(record.id.0),
            kind: kind
                .ok_or_else(|| StoreError::Failed(format!("a deleted resource is a {}", record.kind)))?,
            at: Timestamp(record.deleted_at),
            actor: record.actor.map(|id| id.0),
            version: record.version,
            created: Timestamp(record.created_at),
            document: record.document.0,
            groups: record.groups.0,
            member_count: record.member_count.unsigned_abs(),
        })
    }
}

/// The columns of a record. `as_select` would tie them to one database.
fn columns<R: Selectable<Sqlite>>() -> R::SelectExpression {
    R::construct_selection()
}

fn changes(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    resource: Option<ResourceId>,
    before: i64,
    bounds: PageBounds,
) -> QueryResult<Slice<ChangeRecord>> {
    let rows = log::table
        .select(columns::<ChangeRecord>())
        .filter(log::tenant_id.eq(Id(tenant.0)))
        .filter(log::position.lt(before))
        .order(log::position.desc())
        .limit(bounds.limit());
    match resource {
        Some(resource) => page(tx.db, rows.filter(log::resource_id.eq(Id(resource.0))), bounds),
        None => page(tx.db, rows, bounds),
    }
}

fn deleted_resources(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    (at, id): (Timestamp, ResourceId),
    bounds: PageBounds,
) -> QueryResult<Slice<DeletedRecord>> {
    let earlier = gone::deleted_at.lt(at.0).or(gone::deleted_at.eq(at.0).and(gone::id.lt(Id(id.0))));
    let rows = gone::table
        .select(columns::<DeletedRecord>())
        // The time alone bounds the walk of the index.
        .filter(gone::tenant_id.eq(Id(tenant.0)).and(gone::deleted_at.le(at.0)))
        .filter(gone::purging.eq(false))
        .filter(earlier)
        .order((gone::deleted_at.desc(), gone::id.desc()))
        .limit(bounds.limit());
    page(tx.db, rows, bounds)
}

fn deleted_resource(tx: &mut Tx<'_>, tenant: TenantId, id: ResourceId) -> QueryResult<Option<DeletedRecord>> {
    gone::table
        .select(columns::<DeletedRecord>())
        .filter(gone::tenant_id.eq(Id(tenant.0)).and(gone::id.eq(Id(id.0))))
        .filter(gone::purging.eq(false))
        .first(tx.db)
        .optional()
}

/// Those behind a member, by id.
fn hidden_members(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    group: ResourceId,
    after: Option<ResourceId>,
    limit: i64,
) -> QueryResult<Vec<Id>> {
    members::table
        .select(members::member_id)
        .filter(members::tenant_id.eq(Id(tenant.0)))
        .filter(members::group_id.eq(Id(group.0)))
        .filter(members::member_id.gt(after.map_or(Id(Uuid::nil()), |after| Id(after.0))))
        .order(members::member_id)
        .limit(limit)
        .load(tx.db)
}

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
        let question = move |tx: &mut Tx<'_>| changes(tx, tenant, resource, before, bounds);
        self.read(Lane::Slow, Line::Operators, question).await?.try_map(ChangeRow::try_from)
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
        let question = move |tx: &mut Tx<'_>| deleted_resources(tx, tenant, before, bounds);
        self.read(Lane::Operators, tenant, question).await?.try_map(DeletedRow::try_from)
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
        let found = self.read(Lane::Operators, tenant, move |tx| deleted_resource(tx, tenant, id)).await?;
        found.map(DeletedRow::try_from).transpose()
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
        let question = move |tx: &mut Tx<'_>| hidden_members(tx, tenant, group, after, limit.into());
        let found = self.read(Lane::Operators, tenant, question).await?;
        Ok(found.into_iter().map(|id| ResourceId(id.0)).collect())
    }
}
