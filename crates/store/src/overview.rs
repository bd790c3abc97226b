//! Tenants as operators look over them: searched, with what there is of each and when it was last used.
//!
//! A page costs three statements however many tenants stand on it. How much there is of a tenant rides on its feed
//! (docs/adr/0025). The members of a group come in pages as well.

use crate::{
    connection::AnyConnection,
    control::{
        credentials::CredentialKind,
        tenants::{Tenant, TenantState},
    },
    data::counts::Counts,
    data::model::{ResourceId, StoreError, TenantId},
    data::sql::{Bind, Common, Dialect, Sql, Statement, is_there, sql},
    jobs::lane::Lane,
    schema::types::{Id, Key},
    store::{Store, has_nul},
    tx::Tx,
};
use diesel::{
    RunQueryDsl,
    pg::Pg,
    sql_types::{BigInt, Bool, Nullable, Text},
    sqlite::Sqlite,
};
use scim::Timestamp;

/// Which tenants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TenantSearch {
    /// Each must be in the label or in the name, without regard to case; folded, none of them empty.
    pub words: Vec<String>,
    /// Only those in this state.
    pub state: Option<TenantState>,
}

/// How much there is of a tenant, and how its credentials are used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TenantFigures {
    /// Users, groups, memberships and bytes.
    pub counts: Counts,
    /// Deleted users and groups that can be restored, counted no further than was asked, by one: a number above that
    /// means "more".
    pub deleted: u64,
    /// The position of its feed, which is the most changes that there can have been.
    pub changes: u64,
    /// When the last change was.
    pub last_change: Option<Timestamp>,
    /// All its credentials, ended ones too.
    pub credentials: Vec<CredentialUse>,
}

/// A credential: how long it is good, and when it was last seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CredentialUse {
    /// What it is.
    pub kind: CredentialKind,
    /// From when on it is refused; none if it has no such time.
    pub expires: Option<Timestamp>,
    /// Since when it, or the client that it belongs to, is revoked.
    pub revoked: Option<Timestamp>,
    /// When it was last used, some seconds late.
    pub last_used: Option<Timestamp>,
}

impl CredentialUse {
    /// Whether it is good at this time.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.revoked.is_none() && self.expires.is_none_or(|expires| expires > now)
    }
}

/// A user or group with what it is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedResource {
    /// Its id.
    pub id: ResourceId,
    /// Whether it is a group.
    pub is_group: bool,
    /// Whether it was deleted, and can be restored.
    pub is_deleted: bool,
    /// `userName` of a user, `displayName` of a group.
    pub name: Option<String>,
}

impl Store {
    /// Tenants behind a label (the empty one is before all) that a search finds, by label.
    ///
    /// # Errors
    /// Faults of the database, here and below.
    pub async fn tenants_behind(
        &self,
        label: String,
        search: TenantSearch,
        limit: u32,
    ) -> Result<Vec<Tenant>, StoreError> {
        if has_nul(&label) || search.words.iter().any(|word| has_nul(word)) {
            return Ok(Vec::new());
        }
        let question = move |tx: &mut Tx<'_>| match tx.db {
            AnyConnection::Postgres(connection) => {
                tenants::<Pg>(&label, &search, limit.into()).load(connection)
            }
            AnyConnection::Sqlite(connection) => {
                tenants::<Sqlite>(&label, &search, limit.into()).load(connection)
            }
        };
        self.read_for_operators(question).await
    }

    /// What there is of tenants, in their order; nothing of one that is gone. Deleted resources are counted no further than
    /// `count_to`.
    ///
    /// # Errors
    /// As above.
    pub async fn tenant_figures(
        &self,
        tenants: Vec<TenantId>,
        count_to: u64,
    ) -> Result<Vec<TenantFigures>, StoreError> {
        let count_to = i64::try_from(count_to).unwrap_or(i64::MAX);
        if tenants.is_empty() {
            return Ok(Vec::new());
        }
        let question = move |tx: &mut Tx<'_>| {
            let figures = figures(&tenants, count_to).load(tx.db)?;
            let credentials = credentials(&tenants).load(tx.db)?;
            Ok(in_order(&tenants, figures, credentials))
        };
        self.read_for_operators(question).await
    }

    /// Members of a group behind another (the least id is before all), by id.
    ///
    /// # Errors
    /// As above.
    pub async fn members_behind(
        &self,
        tenant: TenantId,
        group: ResourceId,
        behind: ResourceId,
        limit: u32,
    ) -> Result<Vec<NamedResource>, StoreError> {
        let question = move |tx: &mut Tx<'_>| {
            let rows = members(tenant, group, behind, limit.into()).load::<NamedColumns>(tx.db)?;
            Ok(rows.into_iter().map(named).collect())
        };
        self.read(Lane::Operators, tenant, question).await
    }

    /// What users and groups of these ids are called, deleted ones too, in no order.
    ///
    /// # Errors
    /// As above.
    pub async fn names_of(
        &self,
        tenant: TenantId,
        ids: Vec<ResourceId>,
    ) -> Result<Vec<NamedResource>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let question = move |tx: &mut Tx<'_>| {
            let rows = names(tenant, &ids).load::<NamedColumns>(tx.db)?;
            Ok(rows.into_iter().map(named).collect())
        };
        self.read(Lane::Operators, tenant, question).await
    }

    /// How many members a group has; none if there is no such group.
    ///
    /// # Errors
    /// As above.
    pub async fn member_count(&self, tenant: TenantId, group: ResourceId) -> Result<u64, StoreError> {
        let question = move |tx: &mut Tx<'_>| {
            let found = member_count(tenant, group).load::<i64>(tx.db)?;
            Ok(found.first().copied().unwrap_or_default().unsigned_abs())
        };
        self.read(Lane::Operators, tenant, question).await
    }
}

type TenantTypes = (Key, Text, Text, Text, Text, BigInt);
type FigureTypes = (Key, BigInt, BigInt, BigInt, BigInt, BigInt, BigInt, BigInt, Nullable<BigInt>);
type FigureColumns = (Id, i64, i64, i64, i64, i64, i64, i64, Option<i64>);
type CredentialTypes = (Key, Text, Nullable<BigInt>, Nullable<BigInt>, Nullable<BigInt>);
type CredentialColumns = (Id, String, Option<i64>, Option<i64>, Option<i64>);
type NamedTypes = (Key, Bool, Bool, Nullable<Text>);
type NamedColumns = (Id, bool, bool, Option<String>);

fn tenants<D: Dialect>(label: &str, search: &TenantSearch, limit: i64) -> Statement<D, TenantTypes> {
    let mut sql = sql!(
        "SELECT t.id, t.label, t.name, t.profile, t.state, t.created_at FROM tenants AS t WHERE t.label > ",
        Bind::text(label),
        " AND t.id < ",
        Bind::key(TenantId::FIRST_SCRATCH.0)
    );
    if let Some(state) = search.state {
        sql.push(" AND t.state = ");
        sql.push(Bind::text(state.as_str()));
    }
    for word in &search.words {
        sql.push(" AND (");
        sql.push(D::contains(sql!("t.label"), word));
        sql.push(" OR ");
        sql.push(D::contains(D::folded(sql!("t.name")), word));
        sql.push(")");
    }
    sql.push(" ORDER BY t.label LIMIT ");
    sql.push(Bind::number(limit));
    Statement::once(sql)
}

/// `column IN (…)`.
fn among(column: &'static str, tenants: &[TenantId]) -> Sql {
    let keys = tenants.iter().map(|tenant| sql!(Bind::key(tenant.0)));
    sql!(column, " IN (", Sql::joined(keys, ", "), ")")
}

/// Deleted resources are counted in an index, up to the limit.
fn figures(tenants: &[TenantId], count_to: i64) -> Common<FigureTypes> {
    Statement::once(sql!(
        "SELECT f.tenant_id, f.position, f.user_count, f.active_user_count, f.group_count, f.membership_count, f.byte_count, \
         (SELECT count(*) FROM (SELECT 1 FROM deleted_resources AS r WHERE r.tenant_id = f.tenant_id LIMIT ",
        Bind::number(count_to.saturating_add(1)),
        ") AS counted), \
         (SELECT c.at FROM change_log AS c WHERE c.tenant_id = f.tenant_id ORDER BY c.position DESC LIMIT 1) \
         FROM feeds AS f WHERE ",
        among("f.tenant_id", tenants)
    ))
}

fn credentials(tenants: &[TenantId]) -> Common<CredentialTypes> {
    const CLIENT: &str =
        " JOIN oauth_clients AS c ON c.tenant_id = r.tenant_id AND c.id = r.client_id WHERE ";
    Statement::once(sql!(
        "SELECT r.tenant_id, 'token', r.expires_at, r.revoked_at, r.last_used_at FROM secret_tokens AS r WHERE ",
        among("r.tenant_id", tenants),
        " UNION ALL SELECT r.tenant_id, 'secret', r.expires_at, COALESCE(r.revoked_at, c.revoked_at), r.last_used_at \
         FROM client_secrets AS r",
        CLIENT,
        among("r.tenant_id", tenants),
        " UNION ALL SELECT r.tenant_id, 'federation', NULL, c.revoked_at, r.last_used_at FROM federations AS r",
        CLIENT,
        among("r.tenant_id", tenants)
    ))
}

fn members(tenant: TenantId, group: ResourceId, behind: ResourceId, limit: i64) -> Common<NamedTypes> {
    Statement::cached(sql!(
        "SELECT m.member_id, m.member_is_group, FALSE, COALESCE(u.document ->> 'userName', g.document ->> 'displayName') \
         FROM group_members AS m \
         LEFT JOIN users AS u ON u.tenant_id = m.tenant_id AND u.id = m.member_id \
         LEFT JOIN \"groups\" AS g ON g.tenant_id = m.tenant_id AND g.id = m.member_id WHERE m.tenant_id = ",
        Bind::key(tenant.0),
        " AND m.group_id = ",
        Bind::key(group.0),
        " AND m.member_id > ",
        Bind::key(behind.0),
        " AND ",
        is_there(tenant, group),
        " ORDER BY m.member_id LIMIT ",
        Bind::number(limit)
    ))
}

fn names(tenant: TenantId, ids: &[ResourceId]) -> Common<NamedTypes> {
    let among = || {
        let keys = ids.iter().map(|id| sql!(Bind::key(id.0)));
        sql!(
            " AS r WHERE r.tenant_id = ",
            Bind::key(tenant.0),
            " AND r.id IN (",
            Sql::joined(keys, ", "),
            ")"
        )
    };
    Statement::once(sql!(
        "SELECT r.id, FALSE, FALSE, r.document ->> 'userName' FROM users",
        among(),
        " UNION ALL SELECT r.id, TRUE, FALSE, r.document ->> 'displayName' FROM \"groups\"",
        among(),
        " UNION ALL SELECT r.id, r.kind = 'Group', TRUE, \
         CASE r.kind WHEN 'Group' THEN r.document ->> 'displayName' ELSE r.document ->> 'userName' END \
         FROM deleted_resources",
        among()
    ))
}

fn named((id, is_group, is_deleted, name): NamedColumns) -> NamedResource {
    NamedResource { id: ResourceId(id.0), is_group, is_deleted, name }
}

fn member_count(tenant: TenantId, group: ResourceId) -> Common<BigInt> {
    Statement::cached(sql!(
        "SELECT g.member_count FROM \"groups\" AS g WHERE g.tenant_id = ",
        Bind::key(tenant.0),
        " AND g.id = ",
        Bind::key(group.0)
    ))
}

fn figure(columns: FigureColumns) -> TenantFigures {
    let (_, position, users, active_users, groups, memberships, bytes, deleted, at) = columns;
    TenantFigures {
        counts: Counts { users, active_users, groups, memberships, bytes },
        deleted: deleted.unsigned_abs(),
        changes: position.unsigned_abs(),
        last_change: at.map(Timestamp),
        credentials: Vec::new(),
    }
}

fn credential((_, word, expires, revoked, used): CredentialColumns) -> CredentialUse {
    let kind = match word.as_str() {
        "token" => CredentialKind::SecretToken,
        "secret" => CredentialKind::ClientSecret,
        _ => CredentialKind::Federation,
    };
    let [expires, revoked, last_used] = [expires, revoked, used].map(|time| time.map(Timestamp));
    CredentialUse { kind, expires, revoked, last_used }
}

/// The figures of tenants in the order in which they were asked for.
fn in_order(
    tenants: &[TenantId],
    figures: Vec<FigureColumns>,
    credentials: Vec<CredentialColumns>,
) -> Vec<TenantFigures> {
    let mut found: Vec<TenantFigures> = tenants.iter().map(|_| TenantFigures::default()).collect();
    let place = |id: Id| tenants.iter().position(|tenant| tenant.0 == id.0);
    for columns in figures {
        if let Some(place) = place(columns.0) {
            found[place] = figure(columns);
        }
    }
    for columns in credentials {
        if let Some(place) = place(columns.0) {
            found[place].credentials.push(credential(columns));
        }
    }
    found
}
