//! What an earlier version has stored means the same after an upgrade.

use crate::{backend::Backend, on_both_databases, world::*};
use scim::{event::EventKind, schema::ResourceKind::Group};
use store::*;
use uuid::Uuid;

on_both_databases!(
    the_log_still_tells_changes_from_records,
    a_group_that_was_deleted_before_still_comes_back,
    the_log_from_before_old_values_is_still_read,
);

const TENANT: Uuid = Uuid::from_u128(7);

/// 0010: a row of the log without an event was no change, whether the documents are still there or were purged.
async fn the_log_still_tells_changes_from_records(backend: Backend) {
    let earlier = backend.earlier("0010");
    let (tenant, user) = (earlier.key(TENANT), earlier.key(Uuid::from_u128(8)));
    let log = |position: i64, after: &str| {
        earlier.execute(&format!(
            "INSERT INTO change_log (tenant_id, position, at, kind, resource_id, event, version, after, effects) \
             VALUES ({tenant}, {position}, 1, 'User', {user}, 'patch', 1, {after}, '[]')"
        ));
    };
    let event = |position: i64| {
        earlier.execute(&format!(
            "INSERT INTO events (tenant_id, position, at, kind, resource_id, event, version) \
             VALUES ({tenant}, {position}, 1, 'User', {user}, 'patch', 1)"
        ));
    };
    log(1, "'{}'");
    event(1);
    log(2, "NULL");
    log(3, "NULL");
    event(3);
    let backend = earlier.upgrade();
    let changes = backend.numbers("SELECT position FROM change_log WHERE is_change ORDER BY position");
    assert_eq!(changes, [1, 3]);
    assert_eq!(backend.numbers("SELECT position FROM change_log WHERE NOT is_change"), [2]);
    assert!(!backend.tables_with("tenant_id").contains(&"events".to_owned()));
}

/// 0011: the members of deleted groups were in a list.
async fn a_group_that_was_deleted_before_still_comes_back(backend: Backend) {
    let earlier = backend.earlier("0011");
    let [tenant, ana, ben, inner, sales, gone] =
        [7, 8, 9, 10, 11, 12].map(|n| earlier.key(Uuid::from_u128(n)));
    earlier.execute(&format!(
        "INSERT INTO tenants (id, label, name, profile, state, created_at) VALUES ({tenant}, 't', 'T', 'entra', 'active', 1)"
    ));
    earlier.execute(&format!("INSERT INTO feeds (tenant_id, position) VALUES ({tenant}, 5)"));
    for (user, name) in [(&ana, "ana"), (&ben, "ben")] {
        earlier.execute(&format!(
            "INSERT INTO users (tenant_id, id, user_name, active, version, created_at, modified_at, document) \
             VALUES ({tenant}, {user}, '{name}', TRUE, 1, 1, 1, '{{\"userName\":\"{name}\"}}')"
        ));
    }
    earlier.execute(&format!(
        "INSERT INTO \"groups\" (tenant_id, id, version, created_at, modified_at, document) \
         VALUES ({tenant}, {inner}, 1, 1, 1, '{{}}')"
    ));
    earlier.execute(&format!(
        "INSERT INTO group_members (tenant_id, group_id, member_id, member_is_group) \
         VALUES ({tenant}, {inner}, {ana}, FALSE), ({tenant}, {inner}, {ben}, FALSE)"
    ));
    let members = [8, 13, 10].map(|n| format!("\"{}\"", Uuid::from_u128(n))).join(",");
    for (id, kind, members) in [(&sales, "Group", members.as_str()), (&gone, "User", "")] {
        earlier.execute(&format!(
            "INSERT INTO deleted_resources (tenant_id, id, kind, deleted_at, version, created_at, document, groups, members) \
             VALUES ({tenant}, {id}, '{kind}', 2, 3, 1, '{{\"displayName\":\"Sales\"}}', '[]', '[{members}]')"
        ));
    }
    let backend = earlier.upgrade();
    let told = |column: &str| backend.numbers(&format!("SELECT {column} FROM feeds"))[0];
    let counts =
        ["user_count", "active_user_count", "group_count", "membership_count", "byte_count"].map(told);
    assert_eq!(counts, [2, 2, 1, 2, 38], "0022 counts what there is");
    let id = |n| ResourceId(Uuid::from_u128(n));
    let tenant = TenantId(TENANT);
    assert_eq!(backend.store.member_count(tenant, id(10)).await.unwrap(), 2);
    assert_eq!(backend.store.hidden_members(tenant, id(11), None, 100).await.unwrap(), [id(8), id(10)]);
    let action = Action::Restore { deleted: 3, document: group("Sales"), groups: Vec::new() };
    backend.store.commit(tenant, change(Group, id(11), EventKind::Create, action)).await.unwrap();
    let members = backend.store.members(tenant, id(11), 1).await.unwrap();
    assert_eq!((members.users, members.groups), (vec![id(8)], vec![id(10)]));
}

/// 0023: rows keep the whole document before a change.
async fn the_log_from_before_old_values_is_still_read(backend: Backend) {
    let earlier = backend.earlier("0023");
    let (tenant, user) = (earlier.key(TENANT), earlier.key(Uuid::from_u128(8)));
    earlier.execute(&format!(
        "INSERT INTO change_log (tenant_id, position, at, kind, resource_id, event, version, before, after, effects, is_change) \
         VALUES ({tenant}, 1, 1, 'User', {user}, 'patch', 2, '{{\"a\":[]}}', '{{\"a\":[1]}}', '[]', TRUE)"
    ));
    let backend = earlier.upgrade();
    let log = backend.store.changes(TenantId(TENANT), None, i64::MAX, at_most(1)).await.unwrap().rows;
    let (before, after) = (log[0].before.as_deref(), log[0].after.as_deref());
    assert_eq!((before, after), (Some(r#"{"a":[]}"#), Some(r#"{"a":[1]}"#)));
}
