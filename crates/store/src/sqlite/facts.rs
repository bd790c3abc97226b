//! What a batch of changes has to know, each fact by a prepared statement.

use crate::{
    model::{ResourceId, TenantId},
    plan::{Facts, KeptResource, Of, Questions, StoredResource},
    schema::types::{Id, Json, JsonText, Key},
    sql::{Bind, Sql, Statement, sql},
};
use diesel::{
    OptionalExtension, QueryResult, RunQueryDsl,
    sql_types::{BigInt, Bool, Nullable},
    sqlite::{Sqlite, SqliteConnection},
};
use scim::{Timestamp, schema::ResourceKind};

/// Answers the questions; the caller holds the database's only write lock, so the facts stay true until it commits.
pub(super) fn read(connection: &mut SqliteConnection, questions: &Questions) -> QueryResult<Facts> {
    let mut facts = Facts::default();
    for tenant in &questions.tenants {
        if let Some(position) = position(connection, *tenant)? {
            facts.positions.insert(*tenant, position);
        }
    }
    for ((tenant, id), with_document) in &questions.resources {
        if let Some(stored) = resource(connection, *tenant, *id, *with_document)? {
            facts.resources.insert((*tenant, *id), stored);
        }
    }
    for (tenant, name) in &questions.user_names {
        let who = sql!(
            "SELECT id FROM users WHERE tenant_id = ",
            Bind::key(tenant.0),
            " AND user_name = ",
            Bind::text(name)
        );
        for id in ids(connection, who)? {
            facts.user_names.insert((*tenant, name.clone()), id);
        }
    }
    for (tenant, id) in &questions.deleted {
        let statement = Statement::<Sqlite, (BigInt, BigInt, BigInt)>::cached(sql!(
            "SELECT deleted_at, version, created_at FROM deleted_resources WHERE tenant_id = ",
            Bind::key(tenant.0),
            " AND id = ",
            Bind::key(id.0)
        ));
        if let Some((at, version, created)) = statement.load::<(i64, i64, i64)>(connection)?.pop() {
            let kept = KeptResource { at: Timestamp(at), version, created: Timestamp(created) };
            facts.deleted.insert((*tenant, *id), kept);
        }
    }
    memberships(connection, questions, &mut facts)?;
    Ok(facts)
}

fn memberships(
    connection: &mut SqliteConnection,
    questions: &Questions,
    facts: &mut Facts,
) -> QueryResult<()> {
    let mut found: Vec<(Of<ResourceId>, ResourceId)> = Vec::new();
    for (tenant, (group, member)) in &questions.pairs {
        let one = sql!(members_of(*tenant, *group), " AND member_id = ", Bind::key(member.0));
        found.extend(ids(connection, one)?.into_iter().map(|member| ((*tenant, *group), member)));
    }
    for (tenant, group) in &questions.members_of {
        let all = ids(connection, members_of(*tenant, *group))?;
        found.extend(all.into_iter().map(|member| ((*tenant, *group), member)));
    }
    for (tenant, member) in &questions.groups_of {
        let groups = sql!(
            "SELECT group_id FROM group_members WHERE tenant_id = ",
            Bind::key(tenant.0),
            " AND member_id = ",
            Bind::key(member.0)
        );
        found.extend(ids(connection, groups)?.into_iter().map(|group| ((*tenant, group), *member)));
    }
    for (group, member) in found {
        facts.members.entry(group).or_default().insert(member);
    }
    Ok(())
}

fn members_of(tenant: TenantId, group: ResourceId) -> Sql {
    sql!(
        "SELECT member_id FROM group_members WHERE tenant_id = ",
        Bind::key(tenant.0),
        " AND group_id = ",
        Bind::key(group.0)
    )
}

fn ids(connection: &mut SqliteConnection, sql: Sql) -> QueryResult<Vec<ResourceId>> {
    let ids = Statement::<Sqlite, Key>::cached(sql).load::<Id>(connection)?;
    Ok(ids.into_iter().map(|id| ResourceId(id.0)).collect())
}

fn position(connection: &mut SqliteConnection, tenant: TenantId) -> QueryResult<Option<i64>> {
    let sql = sql!("SELECT position FROM feeds WHERE tenant_id = ", Bind::key(tenant.0));
    Statement::<Sqlite, BigInt>::cached(sql).get_result(connection).optional()
}

type Types = (Bool, BigInt, BigInt, BigInt, Nullable<JsonText>);
type Columns = (bool, i64, i64, i64, Option<Json>);

/// A user or a group: ids are unique over both.
fn resource(
    connection: &mut SqliteConnection,
    tenant: TenantId,
    id: ResourceId,
    with_document: bool,
) -> QueryResult<Option<StoredResource>> {
    let columns = || {
        sql!("version, created_at, modified_at, CASE WHEN ", Bind::Bool(with_document), " THEN document END")
    };
    let key = || sql!(" WHERE tenant_id = ", Bind::key(tenant.0), " AND id = ", Bind::key(id.0));
    let statement = Statement::<Sqlite, Types>::cached(sql!(
        "SELECT FALSE, ",
        columns(),
        " FROM users",
        key(),
        " UNION ALL SELECT TRUE, ",
        columns(),
        " FROM \"groups\"",
        key()
    ));
    let found = statement.load::<Columns>(connection)?.pop();
    Ok(found.map(|(is_group, version, created, modified, document)| StoredResource {
        kind: if is_group { ResourceKind::Group } else { ResourceKind::User },
        version,
        created: Timestamp(created),
        last_modified: Timestamp(modified),
        document: document.map(|json| json.0),
    }))
}
