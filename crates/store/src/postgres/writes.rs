//! The rows of a batch, written by one statement: each kind of row is a part of it, and only parts that have rows are
//! there. Rows of the audit log, which few batches have, follow in the same transaction.

use super::{
    arrays::{Column, GuardedPart, GuardedStatement, Part, Statement},
    facts::keys,
};
use crate::{
    connection::AnyConnection,
    control::audit,
    data::model::{Document, ResourceId},
    data::plan::{DeletedResource, FeedMove, GroupUpdate, KeyRow, LogRow, Of, ResourceRow, Writes},
    schema::types::{Id, Json},
    tx::Tx,
};
use diesel::{Connection, PgConnection, QueryResult, RunQueryDsl, result::Error};
use scim::{resource::Keys, schema::ResourceKind};

/// Writes all of it, if every feed stands where it stood when the facts were read; else nothing, and `false`.
pub(super) fn write(db: &mut AnyConnection, mut writes: Writes) -> QueryResult<bool> {
    let noted = std::mem::take(&mut writes.audit);
    let written = if noted.is_empty() {
        write_rows(db.postgres()?, writes)
    } else {
        db.transaction(|db| {
            if !write_rows(db.postgres()?, writes)? {
                return Err(Error::RollbackTransaction);
            }
            noted.iter().try_for_each(|(by, entry)| audit::append(&mut Tx { db }, by, entry))?;
            Ok(true)
        })
    };
    match written {
        Err(error) if is_overtaken(&error) => Ok(false),
        written => written,
    }
}

/// Whether the statement, or the transaction around it, was rolled back because a feed has moved.
fn is_overtaken(error: &Error) -> bool {
    match error {
        Error::RollbackTransaction => true,
        Error::DatabaseError(_, told) => told.message().contains(OVERTAKEN),
        _ => false,
    }
}

fn write_rows(connection: &mut PgConnection, writes: Writes) -> QueryResult<bool> {
    let rows = writes.log.len();
    let statement = GuardedStatement { guard: feeds(&writes.feeds), parts: parts(writes) };
    Ok(statement.execute(connection)? == rows)
}

/// A common table expression for each kind of row; the log is the statement that they stand before. As parts of one
/// statement they all see the rows as they were, which the plan allows for: no two touch the same row.
fn parts(writes: Writes) -> Vec<GuardedPart> {
    let mut parts = Vec::new();
    let (users, groups): (Vec<_>, Vec<_>) =
        writes.deleted.iter().partition(|row| row.kind == ResourceKind::User);
    parts.extend(some(users, |rows| delete(rows, ", gone_users AS (DELETE FROM users r USING ")));
    parts.extend(some(groups, |rows| delete(rows, ", gone_groups AS (DELETE FROM groups r USING ")));
    parts.extend(some(writes.deleted, deleted));
    parts.extend(some(writes.restored, restored));
    parts.extend(some(writes.new_users, new_users));
    parts.extend(some(writes.users, users_after));
    parts.extend(some(writes.new_groups, new_groups));
    parts.extend(some(writes.groups, groups_after));
    parts.extend(some(writes.left, left));
    parts.extend(some(writes.joined, joined));
    parts.extend(some(writes.keys_gone, keys_gone));
    parts.extend(some(writes.keys_new, keys_new));
    parts.extend(some(writes.paths_ended, paths_ended));
    parts.push(log(writes.log));
    parts
}

fn some<T>(rows: Vec<T>, part: impl FnOnce(Vec<T>) -> GuardedPart) -> Option<GuardedPart> {
    (!rows.is_empty()).then(|| part(rows))
}

/// One column of rows.
fn column<T, V>(rows: &[T], value: impl FnMut(&T) -> V) -> Vec<V> {
    rows.iter().map(value).collect()
}

/// A word of the error that ends a statement of which only some feeds could be moved.
const OVERTAKEN: &str = "another process wrote first";

/// Moves the feeds, and defines the guard: `valid` has a row if all of them could be moved. If none could, the parts
/// behind it write nothing. If only some could, the cast of a text that is no number ends the statement, so that those
/// go back to where they stood. Its commit does not wait for the disk: a flush follows.
fn feeds(feeds: &[FeedMove]) -> Part {
    Part {
        before: "WITH feed AS MATERIALIZED (SELECT * FROM ",
        columns: vec![
            Column::Keys(column(feeds, |feed| Id(feed.tenant.0))),
            Column::Numbers(column(feeds, |feed| feed.from)),
            Column::Numbers(column(feeds, |feed| feed.to)),
            Column::Numbers(column(feeds, |feed| feed.growth.users)),
            Column::Numbers(column(feeds, |feed| feed.growth.active_users)),
            Column::Numbers(column(feeds, |feed| feed.growth.groups)),
            Column::Numbers(column(feeds, |feed| feed.growth.memberships)),
            Column::Numbers(column(feeds, |feed| feed.growth.bytes)),
        ],
        after: " AS q(tenant_id, before, after, users, active_users, groups, memberships, bytes)), \
                moved AS (UPDATE feeds f SET position = feed.after, user_count = f.user_count + feed.users, \
                active_user_count = f.active_user_count + feed.active_users, group_count = f.group_count + feed.groups, \
                membership_count = f.membership_count + feed.memberships, byte_count = f.byte_count + feed.bytes FROM feed \
                WHERE f.tenant_id = feed.tenant_id AND f.position = feed.before RETURNING 1), \
                valid AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', TRUE) \
                FROM (SELECT (SELECT count(*) FROM moved) AS moved, (SELECT count(*) FROM feed) AS feeds) AS n \
                WHERE CASE WHEN n.moved = n.feeds THEN TRUE WHEN n.moved = 0 THEN FALSE \
                ELSE CAST('another process wrote first: moved ' || n.moved AS boolean) END)",
    }
}

fn delete(rows: Vec<&DeletedResource>, before: &'static str) -> GuardedPart {
    let (tenants, ids) = keys(rows.iter().map(|row| (row.tenant, row.id)));
    GuardedPart::new(
        before,
        vec![Column::Keys(tenants), Column::Keys(ids)],
        "(tenant_id, id)",
        " WHERE r.tenant_id = q.tenant_id AND r.id = q.id)",
    )
}

fn deleted(rows: Vec<DeletedResource>) -> GuardedPart {
    let (tenants, ids) = keys(rows.iter().map(|row| (row.tenant, row.id)));
    let columns = vec![
        Column::Keys(tenants),
        Column::Keys(ids),
        Column::Words(column(&rows, |row| row.kind.name())),
        Column::Numbers(column(&rows, |row| row.at.0)),
        Column::MaybeKeys(column(&rows, |row| row.actor.map(Id))),
        Column::Numbers(column(&rows, |row| row.version)),
        Column::Numbers(column(&rows, |row| row.created.0)),
        Column::Jsons(column(&rows, |row| Json(row.document.clone()))),
        Column::Jsons(column(&rows, |row| Json(row.groups.clone()))),
        Column::Numbers(column(&rows, |row| row.member_count)),
    ];
    GuardedPart::new(
        ", kept AS (INSERT INTO deleted_resources (tenant_id, id, kind, deleted_at, actor, version, created_at, \
                 document, groups, member_count) SELECT q.* FROM ",
        columns,
        "",
        ")",
    )
}

fn restored(rows: Vec<Of<ResourceId>>) -> GuardedPart {
    let (tenants, ids) = keys(rows.into_iter());
    GuardedPart::new(
        ", restored AS (DELETE FROM deleted_resources r USING ",
        vec![Column::Keys(tenants), Column::Keys(ids)],
        "(tenant_id, id)",
        " WHERE r.tenant_id = q.tenant_id AND r.id = q.id)",
    )
}

/// The columns that `users` and `groups` share, then those that one of them has alone.
fn resource_columns(rows: Vec<ResourceRow>, of_users: bool) -> Vec<Column> {
    let (tenants, ids) = keys(rows.iter().map(|row| (row.tenant, row.id)));
    let mut columns = vec![
        Column::Keys(tenants),
        Column::Keys(ids),
        Column::Numbers(column(&rows, |row| row.version)),
        Column::Numbers(column(&rows, |row| row.created.0)),
        Column::Numbers(column(&rows, |row| row.last_modified.0)),
    ];
    let member_counts = column(&rows, |row| row.member_count);
    let (documents, keys): (Vec<Json>, Vec<Keys>) = rows
        .into_iter()
        .map(|ResourceRow { document: Document { json, keys }, .. }| (Json(json), keys))
        .unzip();
    columns.push(Column::Jsons(documents));
    columns.push(Column::MaybeTexts(column(&keys, |keys| keys.external_id.clone())));
    columns.push(Column::MaybeTexts(column(&keys, |keys| keys.display_name.clone())));
    if of_users {
        columns.push(Column::MaybeTexts(column(&keys, |keys| keys.user_name.clone())));
        columns.push(Column::Bools(column(&keys, |keys| keys.active)));
        columns.push(Column::MaybeTexts(column(&keys, |keys| keys.work_email.clone())));
    } else {
        columns.push(Column::Numbers(member_counts));
    }
    columns
}

fn new_users(rows: Vec<ResourceRow>) -> GuardedPart {
    GuardedPart::new(
        ", new_users AS (INSERT INTO users (tenant_id, id, version, created_at, modified_at, document, external_id, \
                 display_name, user_name, active, work_email) SELECT q.* FROM ",
        resource_columns(rows, true),
        "",
        ")",
    )
}

fn users_after(rows: Vec<ResourceRow>) -> GuardedPart {
    GuardedPart::new(
        ", users_after AS (UPDATE users r SET version = q.version, modified_at = q.modified_at, document = q.document, \
                 external_id = q.external_id, display_name = q.display_name, user_name = q.user_name, active = q.active, \
                 work_email = q.work_email FROM ",
        resource_columns(rows, true),
        "(tenant_id, id, version, created_at, modified_at, document, external_id, display_name, user_name, active, work_email)",
        " WHERE r.tenant_id = q.tenant_id AND r.id = q.id)",
    )
}

fn new_groups(rows: Vec<ResourceRow>) -> GuardedPart {
    GuardedPart::new(
        ", new_groups AS (INSERT INTO groups (tenant_id, id, version, created_at, modified_at, document, external_id, \
                 display_name, member_count) SELECT q.* FROM ",
        resource_columns(rows, false),
        "",
        ")",
    )
}

fn groups_after(rows: Vec<GroupUpdate>) -> GuardedPart {
    let (tenants, ids) = keys(rows.iter().map(|row| (row.tenant, row.id)));
    let key = |row: &GroupUpdate, key: fn(&Keys) -> &Option<String>| {
        row.document.as_ref().and_then(|document| key(&document.keys).clone())
    };
    let columns = vec![
        Column::Keys(tenants),
        Column::Keys(ids),
        Column::Numbers(column(&rows, |row| row.changes)),
        Column::Numbers(column(&rows, |row| row.last_modified.0)),
        Column::MaybeTexts(column(&rows, |row| key(row, |keys| &keys.external_id))),
        Column::MaybeTexts(column(&rows, |row| key(row, |keys| &keys.display_name))),
        Column::MaybeJsons(column(&rows, |row| {
            row.document.as_ref().map(|document| Json(document.json.clone()))
        })),
        Column::Numbers(column(&rows, |row| row.members)),
    ];
    GuardedPart::new(
        ", groups_after AS (UPDATE groups r SET version = r.version + q.changes, \
                 modified_at = greatest(r.modified_at, q.modified_at), \
                 external_id = CASE WHEN q.document IS NULL THEN r.external_id ELSE q.external_id END, \
                 display_name = CASE WHEN q.document IS NULL THEN r.display_name ELSE q.display_name END, \
                 document = coalesce(q.document, r.document), \
                 member_count = r.member_count + q.members FROM ",
        columns,
        "(tenant_id, id, changes, modified_at, external_id, display_name, document, members)",
        " WHERE r.tenant_id = q.tenant_id AND r.id = q.id)",
    )
}

fn pair_columns(pairs: impl Iterator<Item = Of<(ResourceId, ResourceId)>>) -> Vec<Column> {
    let mut columns = (Vec::new(), Vec::new(), Vec::new());
    for (tenant, (group, member)) in pairs {
        columns.0.push(Id(tenant.0));
        columns.1.push(Id(group.0));
        columns.2.push(Id(member.0));
    }
    vec![Column::Keys(columns.0), Column::Keys(columns.1), Column::Keys(columns.2)]
}

fn left(pairs: Vec<Of<(ResourceId, ResourceId)>>) -> GuardedPart {
    GuardedPart::new(
        ", left_groups AS (DELETE FROM group_members m USING ",
        pair_columns(pairs.into_iter()),
        "(tenant_id, group_id, member_id)",
        " WHERE m.tenant_id = q.tenant_id AND m.group_id = q.group_id AND m.member_id = q.member_id)",
    )
}

fn joined(pairs: Vec<(Of<(ResourceId, ResourceId)>, bool)>) -> GuardedPart {
    let mut columns = pair_columns(pairs.iter().map(|(pair, _)| *pair));
    columns.push(Column::Bools(column(&pairs, |(_, is_group)| *is_group)));
    GuardedPart::new(
        ", joined_groups AS (INSERT INTO group_members (tenant_id, group_id, member_id, member_is_group) SELECT q.* FROM ",
        columns,
        "",
        ")",
    )
}

fn key_columns(rows: &[KeyRow]) -> Vec<Column> {
    vec![
        Column::Keys(column(rows, |row| Id(row.tenant.0))),
        Column::Numbers(column(rows, |row| row.path)),
        Column::Texts(column(rows, |row| row.key.clone())),
        Column::Keys(column(rows, |row| Id(row.id.0))),
    ]
}

fn keys_gone(rows: Vec<KeyRow>) -> GuardedPart {
    GuardedPart::new(
        ", keys_gone AS (DELETE FROM lookup_keys k USING ",
        key_columns(&rows),
        "(tenant_id, path_id, key, resource_id)",
        " WHERE k.tenant_id = q.tenant_id AND k.path_id = q.path_id AND k.key = q.key \
         AND k.resource_id = q.resource_id)",
    )
}

fn keys_new(rows: Vec<KeyRow>) -> GuardedPart {
    GuardedPart::new(
        ", keys_new AS (INSERT INTO lookup_keys (tenant_id, path_id, key, resource_id) SELECT q.* FROM ",
        key_columns(&rows),
        "",
        " ON CONFLICT DO NOTHING)",
    )
}

fn paths_ended(rows: Vec<Of<i64>>) -> GuardedPart {
    GuardedPart::new(
        ", paths_ended AS (UPDATE lookup_paths p SET state = 'ending' FROM ",
        vec![Column::Keys(column(&rows, |row| Id(row.0.0))), Column::Numbers(column(&rows, |row| row.1))],
        "(tenant_id, id)",
        " WHERE p.tenant_id = q.tenant_id AND p.id = q.id)",
    )
}

/// Writes lookup keys; those that are there stay.
pub(crate) fn insert_keys(connection: &mut PgConnection, rows: Vec<KeyRow>) -> QueryResult<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let part = Part {
        before: "INSERT INTO lookup_keys (tenant_id, path_id, key, resource_id) SELECT q.* FROM ",
        columns: key_columns(&rows),
        after: " AS q ON CONFLICT DO NOTHING",
    };
    Statement::<()>::new(vec![part], "").execute(connection).map(drop)
}

fn log(rows: Vec<LogRow>) -> GuardedPart {
    let (tenants, ids) = keys(rows.iter().map(|row| (row.tenant, row.id)));
    let json = |text: Option<String>| text.map(Json);
    let mut columns = vec![
        Column::Keys(tenants),
        Column::Keys(ids),
        Column::Numbers(column(&rows, |row| row.position)),
        Column::Numbers(column(&rows, |row| row.at.0)),
        Column::MaybeKeys(column(&rows, |row| row.actor.map(Id))),
        Column::Words(column(&rows, |row| row.kind.name())),
        Column::Words(column(&rows, |row| row.event.as_str())),
        Column::Numbers(column(&rows, |row| row.version)),
        Column::Bools(column(&rows, |row| row.is_change)),
    ];
    let (mut before, mut old_values, mut after) = (Vec::new(), Vec::new(), Vec::new());
    let (mut members, mut effects) = (Vec::new(), Vec::new());
    for row in rows {
        before.push(json(row.logged.before));
        old_values.push(json(row.logged.old_values));
        after.push(json(row.logged.after));
        members.push(json(row.logged.members));
        effects.push(Json(row.effects));
    }
    columns.extend([before, old_values, after, members].map(Column::MaybeJsons));
    columns.push(Column::Jsons(effects));
    GuardedPart::new(
        " INSERT INTO change_log (tenant_id, resource_id, position, at, actor, kind, event, version, is_change, before, \
                 old_values, after, members, effects) SELECT q.* FROM ",
        columns,
        "",
        "",
    )
}
