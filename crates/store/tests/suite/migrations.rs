//! What an earlier version has stored means the same after an upgrade.

use crate::{backend::Backend, on_both_databases};
use uuid::Uuid;

on_both_databases!(the_log_still_tells_changes_from_records);

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
