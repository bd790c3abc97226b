//! The rows of a batch, each by a prepared statement, in the order that the plan gives.

use super::{
    facts,
    lists::{by_tenant, pairs_table},
};
use crate::{
    connection::AnyConnection,
    control::audit,
    data::model::{ResourceId, TenantId},
    data::plan::{DeletedResource, FeedMove, GroupUpdate, KeyRow, LogRow, ResourceRow, Writes},
    data::sql::{Bind, Sql, Statement, sql},
    schema::types::Id,
    tx::Tx,
};
use diesel::{
    QueryResult, RunQueryDsl,
    sqlite::{Sqlite, SqliteConnection},
};
use scim::schema::ResourceKind;

/// Writes all of it, if every feed stands where it stood when the facts were read; else nothing, and `false`. The caller's
/// transaction holds the write lock.
pub(super) fn write_if_valid(db: &mut AnyConnection, writes: Writes) -> QueryResult<bool> {
    for feed in &writes.feeds {
        if facts::position(db.sqlite()?, feed.tenant)? != Some(feed.from) {
            return Ok(false);
        }
    }
    write(db, writes).map(|()| true)
}

/// Writes all of it; the caller's transaction makes it one.
pub(super) fn write(db: &mut AnyConnection, writes: Writes) -> QueryResult<()> {
    let connection = db.sqlite()?;
    let mut run = |sql: Sql| Statement::<Sqlite, ()>::cached(sql).execute(connection).map(|_| ());
    writes.feeds.into_iter().map(move_feed).try_for_each(&mut run)?;
    for deleted in writes.deleted {
        run(delete(deleted.kind, deleted.tenant, deleted.id))?;
        run(insert_deleted(deleted))?;
    }
    for (tenant, id) in writes.restored {
        run(sql!("DELETE FROM deleted_resources", key(tenant, id)))?;
    }
    writes.new_users.into_iter().map(insert_user).try_for_each(&mut run)?;
    writes.users.into_iter().map(update_user).try_for_each(&mut run)?;
    writes.new_groups.into_iter().map(insert_group).try_for_each(&mut run)?;
    writes.groups.into_iter().map(update_group).try_for_each(&mut run)?;
    for (tenant, pairs) in by_tenant(writes.left) {
        run(delete_pairs(tenant, &pairs))?;
    }
    for is_group in [false, true] {
        let joined = writes.joined.iter().filter(|(_, it)| *it == is_group);
        for (tenant, pairs) in by_tenant(joined.map(|(pair, _)| *pair)) {
            run(insert_pairs(tenant, &pairs, is_group))?;
        }
    }
    writes.keys_gone.into_iter().map(delete_key).try_for_each(&mut run)?;
    writes.keys_new.into_iter().map(insert_key).try_for_each(&mut run)?;
    for (tenant, path) in writes.paths_ended {
        run(sql!(
            "UPDATE lookup_paths SET state = 'ending' WHERE tenant_id = ",
            Bind::key(tenant.0),
            " AND id = ",
            Bind::number(path)
        ))?;
    }
    writes.log.into_iter().map(insert_change).try_for_each(&mut run)?;
    for (by, entry) in writes.audit {
        audit::append(&mut Tx { db }, &by, &entry)?;
    }
    Ok(())
}

fn move_feed(feed: FeedMove) -> Sql {
    sql!(
        "UPDATE feeds SET position = ",
        Bind::number(feed.to),
        ", user_count = user_count + ",
        Bind::number(feed.growth.users),
        ", active_user_count = active_user_count + ",
        Bind::number(feed.growth.active_users),
        ", group_count = group_count + ",
        Bind::number(feed.growth.groups),
        ", membership_count = membership_count + ",
        Bind::number(feed.growth.memberships),
        ", byte_count = byte_count + ",
        Bind::number(feed.growth.bytes),
        " WHERE tenant_id = ",
        Bind::key(feed.tenant.0)
    )
}

fn insert(into: &'static str, values: impl IntoIterator<Item = Bind>) -> Sql {
    let values = values.into_iter().map(|value| sql!(value));
    sql!("INSERT INTO ", into, " VALUES (", Sql::joined(values, ", "), ")")
}

fn delete(kind: ResourceKind, tenant: TenantId, id: ResourceId) -> Sql {
    let table = match kind {
        ResourceKind::User => "users",
        ResourceKind::Group => "\"groups\"",
    };
    sql!("DELETE FROM ", table, key(tenant, id))
}

fn key(tenant: TenantId, id: ResourceId) -> Sql {
    sql!(" WHERE tenant_id = ", Bind::key(tenant.0), " AND id = ", Bind::key(id.0))
}

/// All of them in one statement, which is one text for any number.
fn delete_pairs(tenant: TenantId, pairs: &[(ResourceId, ResourceId)]) -> Sql {
    sql!(
        "DELETE FROM group_members WHERE tenant_id = ",
        Bind::key(tenant.0),
        " AND (group_id, member_id) IN (SELECT unhex(substr(q.value, 1, 32)), unhex(substr(q.value, 33)) FROM ",
        pairs_table(pairs),
        ")"
    )
}

/// All of them in one statement, which is one text for any number.
fn insert_pairs(tenant: TenantId, pairs: &[(ResourceId, ResourceId)], is_group: bool) -> Sql {
    sql!(
        "INSERT INTO group_members (tenant_id, group_id, member_id, member_is_group) SELECT ",
        Bind::key(tenant.0),
        ", unhex(substr(q.value, 1, 32)), unhex(substr(q.value, 33)), ",
        Bind::Bool(is_group),
        " FROM ",
        pairs_table(pairs)
    )
}

/// Writes lookup keys; those that are there stay.
pub(crate) fn insert_keys(connection: &mut SqliteConnection, keys: Vec<KeyRow>) -> QueryResult<()> {
    keys.into_iter()
        .try_for_each(|row| Statement::<Sqlite, ()>::cached(insert_key(row)).execute(connection).map(|_| ()))
}

fn insert_key(row: KeyRow) -> Sql {
    let values = [Bind::key(row.tenant.0), Bind::number(row.path), Bind::text(row.key), Bind::key(row.id.0)];
    sql!(insert("lookup_keys (tenant_id, path_id, key, resource_id)", values), " ON CONFLICT DO NOTHING")
}

fn delete_key(row: KeyRow) -> Sql {
    sql!(
        "DELETE FROM lookup_keys WHERE tenant_id = ",
        Bind::key(row.tenant.0),
        " AND path_id = ",
        Bind::number(row.path),
        " AND key = ",
        Bind::text(row.key),
        " AND resource_id = ",
        Bind::key(row.id.0)
    )
}

fn insert_deleted(deleted: DeletedResource) -> Sql {
    insert(
        "deleted_resources (tenant_id, id, kind, deleted_at, actor, version, created_at, document, groups, \
         member_count)",
        [
            Bind::key(deleted.tenant.0),
            Bind::key(deleted.id.0),
            Bind::text(deleted.kind.name()),
            Bind::number(deleted.at.0),
            Bind::Key(deleted.actor.map(Id)),
            Bind::number(deleted.version),
            Bind::number(deleted.created.0),
            Bind::text(deleted.document),
            Bind::text(deleted.groups),
            Bind::number(deleted.member_count),
        ],
    )
}

fn insert_user(row: ResourceRow) -> Sql {
    let keys = row.document.keys;
    insert(
        "users (tenant_id, id, user_name, external_id, display_name, active, work_email, version, created_at, \
         modified_at, document)",
        [
            Bind::key(row.tenant.0),
            Bind::key(row.id.0),
            Bind::Text(keys.user_name),
            Bind::Text(keys.external_id),
            Bind::Text(keys.display_name),
            Bind::Bool(keys.active),
            Bind::Text(keys.work_email),
            Bind::number(row.version),
            Bind::number(row.created.0),
            Bind::number(row.last_modified.0),
            Bind::text(row.document.json),
        ],
    )
}

fn update_user(row: ResourceRow) -> Sql {
    let keys = row.document.keys;
    sql!(
        "UPDATE users SET user_name = ",
        Bind::Text(keys.user_name),
        ", external_id = ",
        Bind::Text(keys.external_id),
        ", display_name = ",
        Bind::Text(keys.display_name),
        ", active = ",
        Bind::Bool(keys.active),
        ", work_email = ",
        Bind::Text(keys.work_email),
        ", version = ",
        Bind::number(row.version),
        ", modified_at = ",
        Bind::number(row.last_modified.0),
        ", document = ",
        Bind::text(row.document.json),
        key(row.tenant, row.id)
    )
}

fn insert_group(row: ResourceRow) -> Sql {
    let keys = row.document.keys;
    insert(
        "\"groups\" (tenant_id, id, external_id, display_name, version, created_at, modified_at, document, member_count)",
        [
            Bind::key(row.tenant.0),
            Bind::key(row.id.0),
            Bind::Text(keys.external_id),
            Bind::Text(keys.display_name),
            Bind::number(row.version),
            Bind::number(row.created.0),
            Bind::number(row.last_modified.0),
            Bind::text(row.document.json),
            Bind::number(row.member_count),
        ],
    )
}

/// The time of a group that was not read may be later already: the clocks of two processes may differ.
fn update_group(update: GroupUpdate) -> Sql {
    let mut sql = sql!(
        "UPDATE \"groups\" SET version = version + ",
        Bind::number(update.changes),
        ", modified_at = max(modified_at, ",
        Bind::number(update.last_modified.0),
        "), member_count = member_count + ",
        Bind::number(update.members)
    );
    if let Some(document) = update.document {
        sql.push(", external_id = ");
        sql.push(Bind::Text(document.keys.external_id));
        sql.push(", display_name = ");
        sql.push(Bind::Text(document.keys.display_name));
        sql.push(", document = ");
        sql.push(Bind::text(document.json));
    }
    sql.push(key(update.tenant, update.id));
    sql
}

fn insert_change(row: LogRow) -> Sql {
    insert(
        "change_log (tenant_id, position, at, actor, kind, resource_id, event, version, before, old_values, \
         after, members, effects, is_change)",
        [
            Bind::key(row.tenant.0),
            Bind::number(row.position),
            Bind::number(row.at.0),
            Bind::Key(row.actor.map(Id)),
            Bind::text(row.kind.name()),
            Bind::key(row.id.0),
            Bind::text(row.event.as_str()),
            Bind::number(row.version),
            Bind::Text(row.logged.before),
            Bind::Text(row.logged.old_values),
            Bind::Text(row.logged.after),
            Bind::Text(row.logged.members),
            Bind::text(row.effects),
            Bind::Bool(row.is_change),
        ],
    )
}
