//! What a batch of changes has to know. One statement answers all questions of a kind that concern one tenant: their keys
//! are one bind, a JSON array.

use super::lists::{by_tenant, ids_table, pairs_table, texts_table};
use crate::{
    data::counts::Counts,
    data::model::{ResourceId, TenantId},
    data::plan::{Facts, Feed, KeptResource, Of, Questions, StoredResource, Wanted},
    data::sql::{Bind, Statement, sql},
    schema::types::{Id, Json, JsonText, Key},
};
use diesel::{
    QueryResult, RunQueryDsl,
    sql_types::{BigInt, Bool, Nullable, Text},
    sqlite::{Sqlite, SqliteConnection},
};
use scim::{Timestamp, schema::ResourceKind};

/// Answers the questions, by the state of the database that the caller's transaction sees.
pub(super) fn read(connection: &mut SqliteConnection, questions: &Questions) -> QueryResult<Facts> {
    let mut facts = Facts::default();
    for tenant in &questions.tenants {
        if let Some((feed, paths)) = feed(connection, *tenant)? {
            facts.feed(*tenant, feed, paths.as_deref());
        }
    }
    for kind in [ResourceKind::User, ResourceKind::Group] {
        for wanted in [Wanted::Nothing, Wanted::Size, Wanted::Whole] {
            let asked = questions.resources(kind).filter(|(_, it)| *it == wanted);
            for (tenant, ids) in by_tenant(asked.map(|(key, _)| key)) {
                resources(connection, tenant, &ids, (kind, wanted), &mut facts)?;
            }
        }
    }
    for (tenant, names) in by_tenant(questions.user_names.iter().cloned()) {
        user_names(connection, tenant, names, &mut facts)?;
    }
    for (tenant, ids) in by_tenant(questions.deleted.iter().copied()) {
        deleted(connection, tenant, &ids, &mut facts)?;
    }
    memberships(connection, questions, &mut facts)?;
    Ok(facts)
}

/// The feed of a tenant, and the paths of which it keeps lookup keys; nothing if the tenant takes no changes.
fn feed(connection: &mut SqliteConnection, tenant: TenantId) -> QueryResult<Option<(Feed, Option<String>)>> {
    let sql = sql!(
        "SELECT f.position, f.user_count, f.group_count, f.membership_count, f.byte_count, \
         CASE WHEN f.has_lookup_paths THEN \
         (SELECT json_group_array(json_array(p.id, p.kind, p.path, p.version)) \
         FROM lookup_paths AS p WHERE p.tenant_id = f.tenant_id AND p.state <> 'ending') END \
         FROM feeds AS f WHERE f.tenant_id = ",
        Bind::key(tenant.0)
    );
    let statement =
        Statement::<Sqlite, (BigInt, BigInt, BigInt, BigInt, BigInt, Nullable<Text>)>::cached(sql);
    let found = statement.load::<(i64, i64, i64, i64, i64, Option<String>)>(connection)?.pop();
    Ok(found.map(|(position, users, groups, memberships, bytes, paths)| {
        let counts = Counts { users, groups, memberships, bytes, ..Counts::default() };
        (Feed { position, counts }, paths)
    }))
}

/// Where the feed of a tenant stands; nothing if the tenant takes no changes.
pub(super) fn position(connection: &mut SqliteConnection, tenant: TenantId) -> QueryResult<Option<i64>> {
    let sql = sql!("SELECT position FROM feeds WHERE tenant_id = ", Bind::key(tenant.0));
    Ok(Statement::<Sqlite, BigInt>::cached(sql).load(connection)?.pop())
}

type Types =
    (Key, BigInt, BigInt, BigInt, Nullable<JsonText>, Nullable<BigInt>, Nullable<Bool>, Nullable<BigInt>);
type Columns = (Id, i64, i64, i64, Option<Json>, Option<i64>, Option<bool>, Option<i64>);

fn resources(
    connection: &mut SqliteConnection,
    tenant: TenantId,
    ids: &[ResourceId],
    (kind, wanted): (ResourceKind, Wanted),
    facts: &mut Facts,
) -> QueryResult<()> {
    // The key is the join order: SQLite is not to walk a table and look each row up in the list.
    let among = match ids {
        [id] => sql!(" AS r WHERE r.id = ", Bind::key(id.0)),
        _ => sql!(" AS r WHERE r.id = unhex(q.value)"),
    };
    let source = match ids {
        [_] => sql!(""),
        _ => sql!(ids_table(ids.iter().map(|id| id.0)), " CROSS JOIN "),
    };
    let (own, table) = match kind {
        ResourceKind::User => (", r.active, NULL", "users"),
        ResourceKind::Group => (", NULL, r.member_count", "\"groups\""),
    };
    let sql = sql!(
        "SELECT r.id, r.version, r.created_at, r.modified_at, ",
        match wanted {
            Wanted::Nothing => "NULL, NULL",
            Wanted::Size => "NULL, octet_length(r.document)",
            Wanted::Whole => "r.document, NULL",
        },
        own,
        " FROM ",
        source,
        table,
        among,
        " AND r.tenant_id = ",
        Bind::key(tenant.0)
    );
    for (id, version, created, modified, document, bytes, is_active, member_count) in
        Statement::<Sqlite, Types>::cached(sql).load::<Columns>(connection)?
    {
        let stored = StoredResource {
            kind,
            version,
            created: Timestamp(created),
            last_modified: Timestamp(modified),
            document: document.map(|json| json.0),
            bytes: bytes.unwrap_or_default(),
            is_active: is_active.unwrap_or_default(),
            member_count: member_count.unwrap_or_default(),
        };
        facts.resources.insert((tenant, ResourceId(id.0)), stored);
    }
    Ok(())
}

fn user_names(
    connection: &mut SqliteConnection,
    tenant: TenantId,
    names: Vec<String>,
    facts: &mut Facts,
) -> QueryResult<()> {
    let found = Statement::<Sqlite, (Key, Text)>::cached(sql!(
        "SELECT r.id, r.user_name FROM ",
        texts_table(names),
        " CROSS JOIN users AS r WHERE r.user_name = q.value AND r.tenant_id = ",
        Bind::key(tenant.0)
    ));
    for (id, name) in found.load::<(Id, String)>(connection)? {
        facts.user_names.insert((tenant, name), ResourceId(id.0));
    }
    Ok(())
}

fn deleted(
    connection: &mut SqliteConnection,
    tenant: TenantId,
    ids: &[ResourceId],
    facts: &mut Facts,
) -> QueryResult<()> {
    let found = Statement::<Sqlite, (Key, BigInt, BigInt, BigInt)>::cached(sql!(
        "SELECT r.id, r.deleted_at, r.version, r.created_at FROM ",
        ids_table(ids.iter().map(|id| id.0)),
        " CROSS JOIN deleted_resources AS r WHERE r.id = unhex(q.value) AND NOT r.purging AND r.tenant_id = ",
        Bind::key(tenant.0)
    ));
    for (id, at, version, created) in found.load::<(Id, i64, i64, i64)>(connection)? {
        let kept = KeptResource { at: Timestamp(at), version, created: Timestamp(created) };
        facts.deleted.insert((tenant, ResourceId(id.0)), kept);
    }
    Ok(())
}

fn memberships(
    connection: &mut SqliteConnection,
    questions: &Questions,
    facts: &mut Facts,
) -> QueryResult<()> {
    let pairs = by_tenant(questions.pairs.iter().copied()).into_iter().map(|(tenant, pairs)| {
        let on = " CROSS JOIN group_members AS m WHERE m.group_id = unhex(substr(q.value, 1, 32)) \
                  AND m.member_id = unhex(substr(q.value, 33))";
        (tenant, sql!(pairs_table(&pairs), on))
    });
    let of_groups = by_tenant(questions.members_of.iter().copied()).into_iter().map(|(tenant, ids)| {
        let on = " CROSS JOIN group_members AS m WHERE m.group_id = unhex(q.value)";
        (tenant, sql!(ids_table(ids.iter().map(|id| id.0)), on))
    });
    for (tenant, from) in pairs.chain(of_groups).collect::<Vec<_>>() {
        let found = Statement::<Sqlite, (Key, Key)>::cached(sql!(
            "SELECT m.group_id, m.member_id FROM ",
            from,
            " AND m.tenant_id = ",
            Bind::key(tenant.0)
        ));
        for (group, member) in found.load::<(Id, Id)>(connection)? {
            add(facts, (tenant, group), member);
        }
    }
    for (tenant, ids) in by_tenant(questions.groups_of.iter().copied()) {
        let found = Statement::<Sqlite, (Key, Key, Bool)>::cached(sql!(
            "SELECT m.group_id, m.member_id, g.id IS NULL FROM ",
            ids_table(ids.iter().map(|id| id.0)),
            " CROSS JOIN group_members AS m LEFT JOIN \"groups\" AS g ON g.tenant_id = m.tenant_id AND g.id = m.group_id \
             WHERE m.member_id = unhex(q.value) AND m.tenant_id = ",
            Bind::key(tenant.0)
        ));
        for (group, member, is_hidden) in found.load::<(Id, Id, bool)>(connection)? {
            add(facts, (tenant, group), member);
            if is_hidden {
                facts.hidden.insert((tenant, ResourceId(group.0)));
            }
        }
    }
    Ok(())
}

fn add(facts: &mut Facts, (tenant, group): Of<Id>, member: Id) {
    facts.members.entry((tenant, ResourceId(group.0))).or_default().insert(ResourceId(member.0));
}
