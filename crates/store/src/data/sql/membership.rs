//! Conditions on `members` and `groups`, which are rows of `group_members`.
//!
//! A deleted group keeps its rows there: only those count whose group is in `groups` (docs/adr/0027). It is a member of no
//! group, so that nothing lies above it: a walk upwards asks at its end, a walk downwards at its beginning.
//!
//! Recursive steps say `a CROSS JOIN group_members`: SQLite then looks up the memberships of each group it has found.
//! Left to choose, it walks every membership of the tenant for each group. PostgreSQL chooses that order by itself.

use super::{
    dialect::Dialect,
    text::{Bind, Sql, sql},
};
use crate::data::model::{ResourceId, TenantId};

/// The group `t` has this member.
pub(super) fn has_member<D: Dialect>(tenant: TenantId, member: ResourceId) -> Sql {
    let groups = sql!(
        "SELECT m.group_id FROM group_members AS m WHERE m.tenant_id = ",
        Bind::key(tenant.0),
        " AND m.member_id = ",
        Bind::key(member.0)
    );
    D::is_among("t.id", groups)
}

/// Some member `m` of the group `t` fulfils a condition.
pub(super) fn any_member(tenant: TenantId, condition: Sql) -> Sql {
    sql!(
        "EXISTS (SELECT 1 FROM group_members AS m WHERE m.tenant_id = ",
        Bind::key(tenant.0),
        " AND m.group_id = t.id AND ",
        condition,
        ")"
    )
}

/// The user `t` is a member of some group.
pub(super) fn any_direct_group(tenant: TenantId) -> Sql {
    sql!(
        "EXISTS (SELECT 1 FROM group_members AS m WHERE m.tenant_id = ",
        Bind::key(tenant.0),
        " AND m.member_id = t.id AND ",
        is_seen(tenant, "m.group_id"),
        ")"
    )
}

/// The user `t` is a member of this group, or of one nested in it. Goes down from the group, once for all users.
pub(super) fn belongs_to<D: Dialect>(tenant: TenantId, group: ResourceId) -> Sql {
    let members = sql!(
        "WITH RECURSIVE a(id, is_group) AS (SELECT m.member_id, m.member_is_group FROM group_members AS m WHERE m.tenant_id = ",
        Bind::key(tenant.0),
        " AND m.group_id = ",
        Bind::key(group.0),
        " AND ",
        is_there(tenant, group),
        " UNION SELECT m.member_id, m.member_is_group FROM a CROSS JOIN group_members AS m WHERE m.tenant_id = ",
        Bind::key(tenant.0),
        " AND m.group_id = a.id AND a.is_group) SELECT a.id FROM a"
    );
    D::is_among("t.id", members)
}

/// Some group `a` that the user `t` is a member of, directly or through nested groups, fulfils a condition. Goes up
/// from each user.
pub(super) fn any_group(tenant: TenantId, condition: Sql) -> Sql {
    sql!(
        "EXISTS (WITH RECURSIVE a(id) AS (SELECT m.group_id FROM group_members AS m WHERE m.tenant_id = ",
        Bind::key(tenant.0),
        " AND m.member_id = t.id UNION SELECT m.group_id FROM a CROSS JOIN group_members AS m WHERE m.tenant_id = ",
        Bind::key(tenant.0),
        " AND m.member_id = a.id) SELECT 1 FROM a WHERE ",
        condition,
        " AND ",
        is_seen(tenant, "a.id"),
        ")"
    )
}

/// The group with the id in this column is not deleted.
fn is_seen(tenant: TenantId, id: &'static str) -> Sql {
    sql!(
        "EXISTS (SELECT 1 FROM \"groups\" AS g WHERE g.tenant_id = ",
        Bind::key(tenant.0),
        " AND g.id = ",
        id,
        ")"
    )
}

/// The group is not deleted. Asked once, whatever number of its members are.
pub(crate) fn is_there(tenant: TenantId, group: ResourceId) -> Sql {
    sql!(
        "EXISTS (SELECT 1 FROM \"groups\" AS g WHERE g.tenant_id = ",
        Bind::key(tenant.0),
        " AND g.id = ",
        Bind::key(group.0),
        ")"
    )
}
