//! What has to be known to decide a batch, read by one statement.

use super::arrays::{Column, Part, Statement};
use crate::{
    data::counts::Counts,
    data::model::{ResourceId, TenantId},
    data::plan::{Facts, Feed, KeptResource, Of, Questions, StoredResource},
    schema::types::{Id, Key},
};
use diesel::{
    PgConnection, QueryResult, RunQueryDsl,
    sql_types::{BigInt, Integer, Nullable, Text},
};
use scim::{Timestamp, schema::ResourceKind};

// The columns of a row, by the number in the first:
// 0 feed: tenant, position, users, groups, lookup paths, bytes, memberships
// 1 user: tenant, id, version, created, modified, document, bytes, active · 2 group: the same, members for active
// 3 name: tenant, id of the user, name
// 4 membership: tenant, group, member, whether nobody sees the group
// 5 deleted: tenant, id, version, created, deleted
type Types = (
    Integer,
    Key,
    Nullable<Key>,
    Nullable<Key>,
    Nullable<BigInt>,
    Nullable<BigInt>,
    Nullable<BigInt>,
    Nullable<Text>,
    Nullable<BigInt>,
    Nullable<BigInt>,
);
type Columns = (
    i32,
    Id,
    Option<Id>,
    Option<Id>,
    Option<i64>,
    Option<i64>,
    Option<i64>,
    Option<String>,
    Option<i64>,
    Option<i64>,
);

const FEEDS: (&str, &str) = (
    "SELECT 0, f.tenant_id, NULL::uuid, NULL::uuid, f.position, f.user_count, f.group_count, \
     CASE WHEN f.has_lookup_paths THEN \
     (SELECT json_agg(json_build_array(p.id, p.kind, p.path, p.version))::text FROM lookup_paths p \
     WHERE p.tenant_id = f.tenant_id AND p.state <> 'ending') END, f.byte_count, f.membership_count FROM ",
    " AS q(tenant_id) JOIN feeds f USING (tenant_id)",
);
const USERS: (&str, &str) = (
    "SELECT 1, r.tenant_id, r.id, NULL::uuid, r.version, r.created_at, r.modified_at, \
     CASE WHEN q.wanted = 2 THEN r.document::text END, \
     CASE WHEN q.wanted = 1 THEN octet_length(r.document::text) END, r.active::integer FROM ",
    " AS q(tenant_id, id, wanted) JOIN users r USING (tenant_id, id)",
);
const GROUPS: (&str, &str) = (
    "SELECT 2, r.tenant_id, r.id, NULL::uuid, r.version, r.created_at, r.modified_at, \
     CASE WHEN q.wanted = 2 THEN r.document::text END, \
     CASE WHEN q.wanted = 1 THEN octet_length(r.document::text) END, r.member_count FROM ",
    " AS q(tenant_id, id, wanted) JOIN groups r USING (tenant_id, id)",
);
const NAMES: (&str, &str) = (
    "SELECT 3, r.tenant_id, r.id, NULL::uuid, NULL::bigint, NULL::bigint, NULL::bigint, r.user_name, NULL::bigint, \
     NULL::bigint FROM ",
    " AS q(tenant_id, user_name) JOIN users r USING (tenant_id, user_name)",
);
const DELETED: (&str, &str) = (
    "SELECT 5, r.tenant_id, r.id, NULL::uuid, r.version, r.created_at, r.deleted_at, NULL::text, NULL::bigint, \
     NULL::bigint FROM ",
    " AS q(tenant_id, id) JOIN deleted_resources r USING (tenant_id, id) WHERE NOT r.purging",
);
const MEMBERSHIP: &str = "SELECT 4, m.tenant_id, m.group_id, m.member_id, NULL::bigint, NULL::bigint, NULL::bigint, NULL::text, \
                          NULL::bigint, NULL::bigint FROM ";
const PAIRS: &str =
    " AS q(tenant_id, group_id, member_id) JOIN group_members m USING (tenant_id, group_id, member_id)";
const MEMBERS_OF: &str = " AS q(tenant_id, group_id) JOIN group_members m USING (tenant_id, group_id)";
const GROUP_OF: &str = "SELECT 4, m.tenant_id, m.group_id, m.member_id, CASE WHEN g.id IS NULL THEN 1::bigint END, NULL::bigint, \
                        NULL::bigint, NULL::text, NULL::bigint, NULL::bigint FROM ";
const GROUPS_OF: &str = " AS q(tenant_id, member_id) JOIN group_members m USING (tenant_id, member_id) \
                         LEFT JOIN groups g ON g.tenant_id = m.tenant_id AND g.id = m.group_id";

/// Answers the questions. Whether the answers still hold is asked when the rows are written.
pub(super) fn read(connection: &mut PgConnection, questions: &Questions) -> QueryResult<Facts> {
    let rows = Statement::<Types>::new(parts(questions), " UNION ALL ").load::<Columns>(connection)?;
    let mut facts = Facts::default();
    for (what, tenant, a, b, n, created, modified, text, bytes, count) in rows {
        let time = |time: Option<i64>| Timestamp(time.unwrap_or_default());
        let tenant = TenantId(tenant.0);
        let (a, b) = (a.map(|id| ResourceId(id.0)), b.map(|id| ResourceId(id.0)));
        match (what, a, b, text) {
            (0, _, _, paths) => {
                let number = Option::unwrap_or_default;
                let counts = Counts {
                    users: number(created),
                    groups: number(modified),
                    memberships: number(count),
                    bytes: number(bytes),
                    ..Counts::default()
                };
                facts.feed(tenant, Feed { position: number(n), counts }, paths.as_deref());
            }
            (kind @ (1 | 2), Some(id), _, document) => {
                let stored = StoredResource {
                    kind: if kind == 1 { ResourceKind::User } else { ResourceKind::Group },
                    version: n.unwrap_or_default(),
                    created: time(created),
                    last_modified: time(modified),
                    document,
                    bytes: bytes.unwrap_or_default(),
                    is_active: kind == 1 && count == Some(1),
                    member_count: if kind == 1 { 0 } else { count.unwrap_or_default() },
                };
                facts.resources.insert((tenant, id), stored);
            }
            (3, Some(id), _, Some(name)) => drop(facts.user_names.insert((tenant, name), id)),
            (5, Some(id), ..) => {
                let (at, created) = (time(modified), time(created));
                let kept = KeptResource { at, version: n.unwrap_or_default(), created };
                facts.deleted.insert((tenant, id), kept);
            }
            (_, Some(group), Some(member), _) => {
                if n == Some(1) {
                    facts.hidden.insert((tenant, group));
                }
                facts.members.entry((tenant, group)).or_default().insert(member);
            }
            _ => {}
        }
    }
    Ok(facts)
}

/// The questions that are asked.
fn parts(questions: &Questions) -> Vec<Part> {
    let mut parts = Vec::with_capacity(4);
    let tenants = questions.tenants.iter().map(|tenant| Id(tenant.0)).collect();
    parts.push(Part { before: FEEDS.0, columns: vec![Column::Keys(tenants)], after: FEEDS.1 });
    for (kind, (before, after)) in [(ResourceKind::User, USERS), (ResourceKind::Group, GROUPS)] {
        let (asked, wanted): (Vec<_>, Vec<_>) =
            questions.resources(kind).map(|(key, wanted)| (key, wanted as i64)).unzip();
        if !asked.is_empty() {
            let (tenants, ids) = keys(asked.into_iter());
            let columns = vec![Column::Keys(tenants), Column::Keys(ids), Column::Numbers(wanted)];
            parts.push(Part { before, columns, after });
        }
    }
    if !questions.user_names.is_empty() {
        let (tenants, names) =
            questions.user_names.iter().map(|(tenant, name)| (Id(tenant.0), name.clone())).unzip();
        parts.push(Part {
            before: NAMES.0,
            columns: vec![Column::Keys(tenants), Column::Texts(names)],
            after: NAMES.1,
        });
    }
    if !questions.pairs.is_empty() {
        let (tenants, groups) = keys(questions.pairs.iter().map(|(tenant, (group, _))| (*tenant, *group)));
        let members = questions.pairs.iter().map(|(_, (_, member))| Id(member.0)).collect();
        let columns = vec![Column::Keys(tenants), Column::Keys(groups), Column::Keys(members)];
        parts.push(Part { before: MEMBERSHIP, columns, after: PAIRS });
    }
    if !questions.deleted.is_empty() {
        let (tenants, ids) = keys(questions.deleted.iter().copied());
        parts.push(Part {
            before: DELETED.0,
            columns: vec![Column::Keys(tenants), Column::Keys(ids)],
            after: DELETED.1,
        });
    }
    for (asked, before, after) in
        [(&questions.members_of, MEMBERSHIP, MEMBERS_OF), (&questions.groups_of, GROUP_OF, GROUPS_OF)]
    {
        if !asked.is_empty() {
            let (tenants, ids) = keys(asked.iter().copied());
            parts.push(Part { before, columns: vec![Column::Keys(tenants), Column::Keys(ids)], after });
        }
    }
    parts
}

/// Keys as two columns.
pub(super) fn keys(keys: impl Iterator<Item = Of<ResourceId>>) -> (Vec<Id>, Vec<Id>) {
    keys.map(|(tenant, id)| (Id(tenant.0), Id(id.0))).unzip()
}
