//! A large tenant beside many small ones, in a database of its own. The same statements fill both databases.

use crate::{backend::Backend, capture::Kind};
use uuid::Uuid;

/// Users, groups and memberships of the large tenant.
const USERS: u32 = 20_000;
const GROUPS: u32 = 3_000;
const MEMBERSHIPS: u32 = 100_000;
/// Its changes, and what else there is many of.
const OTHERS: u32 = 10_000;
/// Its credentials of each kind.
const CREDENTIALS: u32 = 100;
/// Small tenants; each has a row of everything.
const SMALL_TENANTS: u32 = 2_000;

/// How a database makes a key, and a digest, of a number.
struct Words {
    key: fn(&str) -> String,
    digest: fn(&str) -> String,
}

fn words(kind: Kind) -> Words {
    match kind {
        Kind::Sqlite => Words {
            key: |n| format!("unhex(printf('%032x', {n}))"),
            digest: |n| format!("unhex(printf('%064x', {n}))"),
        },
        Kind::Postgres => Words {
            key: |n| format!("lpad(to_hex({n}), 32, '0')::uuid"),
            digest: |n| format!("decode(lpad(to_hex({n}), 64, '0'), 'hex')"),
        },
    }
}

/// Inserts `count` rows; `#n` stands for the number of the row, `#key[…]` and `#digest[…]` for a key and a digest.
fn insert(kind: Kind, into: &str, count: u32, values: &str) -> String {
    let words = words(kind);
    let mut values = values.replace("#n", "s.n");
    for (name, word) in [("#key[", words.key), ("#digest[", words.digest)] {
        while let Some(at) = values.find(name) {
            let end = at + values[at..].find(']').unwrap();
            let made = word(&values[at + name.len()..end]);
            values.replace_range(at..=end, &made);
        }
    }
    format!(
        "INSERT INTO {into} WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {count}) \
         SELECT {values} FROM s;"
    )
}

/// Where the keys of a tenant's rows begin: no two tenants share one.
const SMALL: u32 = 1_000_000;

/// The large tenant, whose key is 1.
pub(crate) fn add_large_tenant(backend: &Backend, kind: Kind) {
    add(
        backend,
        kind,
        &[
            (
                "tenants (id, label, name, profile, state, created_at)",
                1,
                "#key[1], 'large', 'Large', 'entra', 'active', 1",
            ),
            ("feeds (tenant_id, position)", 1, "#key[1], 10000"),
            (
                "tenants (id, label, name, profile, state, created_at)",
                100,
                "#key[900000 + #n], 'e' || #n, 'Empty', 'entra', 'active', 1",
            ),
            ("feeds (tenant_id, position)", 100, "#key[900000 + #n], 0"),
            (
                "operators (id, name, role, state, password_hash, password_is_once, totp_is_confirmed, totp_last_step, created_at)",
                50,
                "#key[#n], 'o' || #n, 'viewer', 'active', 'h', FALSE, FALSE, 0, 1",
            ),
            (
                "operator_sessions (digest, operator_id, created_at, seen_at, expires_at)",
                1000,
                "#digest[#n], #key[1 + #n % 50], 1, 1, #n",
            ),
            (
                "operator_api_tokens (id, operator_id, key_id, digest, label, role, created_at, expires_at)",
                1000,
                "#key[#n], #key[1 + #n % 50], 'k', #digest[#n], 'l', 'viewer', 1, #n",
            ),
            (
                USER_COLUMNS,
                USERS,
                "#key[1], #key[#n], 'u' || #n, 'x' || #n, 'd' || #n, #n % 20 > 0, 'w' || #n, 1, 1, 1, '{}'",
            ),
            (GROUP_COLUMNS, GROUPS, "#key[1], #key[#n + 500000], 'x' || #n, 'd' || #n, 1, 1, 1, '{}'"),
            // Each user is in five groups; the first half of the groups are members of one another.
            (
                MEMBER_COLUMNS,
                MEMBERSHIPS,
                "#key[1], #key[500000 + 1 + (#n * 7 + #n / 20000 * 13) % 3000], #key[1 + #n % 20000], FALSE",
            ),
            (MEMBER_COLUMNS, 150, "#key[1], #key[500000 + #n], #key[500001 + #n], TRUE"),
            (LOG_COLUMNS, OTHERS, "#key[1], #n, #n, 'User', #key[#n % 100], 'put', 1, '[]', TRUE"),
            (PATH_COLUMNS, 8, "#key[1], #n, 'User', 'path' || #n, 1, 'filled', 1, #n, 1"),
            (KEY_COLUMNS, MEMBERSHIPS, "#key[1], 1 + #n % 8, 'k' || #n, #key[1 + #n % 20000]"),
            (DELETED_COLUMNS, OTHERS, "#key[1], #key[600000 + #n], 'User', #n, 1, 1, '{}', '[]'"),
            (COLLISION_COLUMNS, CREDENTIALS, "#key[1], #key[#n], 'u' || #n, 'u0'"),
            (ASSERTION_COLUMNS, OTHERS, "#key[1], #digest[#n], #n"),
            (TOKEN_COLUMNS, CREDENTIALS, "#key[1], #key[#n], 'k', #digest[#n], 'l', 1, #n"),
            (CLIENT_COLUMNS, CREDENTIALS, "#key[1], #key[#n], 'l', 1"),
            (SECRET_COLUMNS, CREDENTIALS, "#key[1], #key[#n], #key[#n], 'k', 'h', 1, #n"),
            (
                ROTATION_COLUMNS,
                CREDENTIALS,
                "#key[1], #key[#n], 'secret-token', #key[#n], 'k', #key[#n + 1], 'k', 1, FALSE, 2, 'completed'",
            ),
            (LINK_COLUMNS, CREDENTIALS, "#key[1], #key[#n], 'l', #digest[#n], 1, 'b', 2"),
            (
                AUDIT_COLUMNS,
                OTHERS,
                "#n, #n, 'command line root', 'host', 'tenant.change', 't', #key[1], #digest[#n]",
            ),
        ],
    );
}

/// More rows of a tenant than one slice of its erasing takes.
pub(crate) fn add_slices(backend: &Backend, kind: Kind, tenant: Uuid) {
    let rows = [
        (USER_COLUMNS, "#key[700000 + #n], 's' || #n, 'x', 'd', TRUE, 'w', 1, 1, 1, '{}'"),
        (GROUP_COLUMNS, "#key[710000 + #n], 'x', 'd', 1, 1, 1, '{}'"),
        (MEMBER_COLUMNS, "#key[710000 + #n % 2], #key[700000 + #n], FALSE"),
        (LOG_COLUMNS, "1000000 + #n, #n, 'User', #key[#n], 'put', 1, '[]', TRUE"),
        (DELETED_COLUMNS, "#key[720000 + #n], 'User', #n, 1, 1, '{}', '[]'"),
        (COLLISION_COLUMNS, "#key[730000 + #n], 'k' || #n, 'w' || #n"),
    ];
    let rows = rows.map(|(into, values)| (into, format!("{}, {values}", backend.key(tenant))));
    let rows: Vec<_> = rows.iter().map(|(into, values)| (*into, 2001, values.as_str())).collect();
    add(backend, kind, &rows);
}

/// Tenants that have a row of everything.
pub(crate) fn add_small_tenants(backend: &Backend, kind: Kind) {
    let tables = [
        (
            "tenants (id, label, name, profile, state, created_at)",
            "#key[@], 't' || #n, 'Small', 'entra', 'active', 1",
        ),
        ("feeds (tenant_id, position)", "#key[@], 1"),
        (
            USER_COLUMNS,
            "#key[@], #key[@ * 8 + 1], 'u' || #n, 'x' || #n, 'd' || #n, TRUE, 'w' || #n, 1, 1, 1, '{}'",
        ),
        (GROUP_COLUMNS, "#key[@], #key[@ * 8 + 2], 'x' || #n, 'd' || #n, 1, 1, 1, '{}'"),
        (MEMBER_COLUMNS, "#key[@], #key[@ * 8 + 2], #key[@ * 8 + 1], FALSE"),
        (LOG_COLUMNS, "#key[@], 1, 1, 'User', #key[@ * 8 + 1], 'put', 1, '[]', TRUE"),
        (PATH_COLUMNS, "#key[@], 1, 'User', 'path', 1, 'filled', 1, #n, 1"),
        (KEY_COLUMNS, "#key[@], 1, 'k' || #n, #key[@ * 8 + 1]"),
        (DELETED_COLUMNS, "#key[@], #key[@ * 8 + 3], 'User', #n, 1, 1, '{}', '[]'"),
        (COLLISION_COLUMNS, "#key[@], #key[@ * 8 + 1], 'u' || #n, 'u0'"),
        (ASSERTION_COLUMNS, "#key[@], #digest[@], #n"),
        (TOKEN_COLUMNS, "#key[@], #key[@], 'k', #digest[@], 'l', 1, #n"),
        (CLIENT_COLUMNS, "#key[@], #key[@], 'l', 1"),
        (SECRET_COLUMNS, "#key[@], #key[@], #key[@], 'k', 'h', 1, #n"),
        (
            "federations (tenant_id, id, client_id, issuer, subject, audience, jwks_url, created_at)",
            "#key[@], #key[@], #key[@], 'i', 's', 'a', 'j', 1",
        ),
        (
            ROTATION_COLUMNS,
            "#key[@], #key[@], 'secret-token', #key[1], 'k', #key[2], 'k', 1, FALSE, 2, 'completed'",
        ),
        (LINK_COLUMNS, "#key[@], #key[@], 'l', #digest[@], 1, 'b', 2"),
    ];
    let tables =
        tables.map(|(into, values)| (into, SMALL_TENANTS, values.replace('@', &format!("({SMALL} + #n)"))));
    let tables: Vec<_> =
        tables.iter().map(|(into, count, values)| (*into, *count, values.as_str())).collect();
    add(backend, kind, &tables);
}

const USER_COLUMNS: &str = "users (tenant_id, id, user_name, external_id, display_name, active, work_email, version, created_at, \
                            modified_at, document)";
const GROUP_COLUMNS: &str =
    "\"groups\" (tenant_id, id, external_id, display_name, version, created_at, modified_at, document)";
const MEMBER_COLUMNS: &str = "group_members (tenant_id, group_id, member_id, member_is_group)";
const LOG_COLUMNS: &str =
    "change_log (tenant_id, position, at, kind, resource_id, event, version, effects, is_change)";
const DELETED_COLUMNS: &str =
    "deleted_resources (tenant_id, id, kind, deleted_at, version, created_at, document, groups)";
const COLLISION_COLUMNS: &str = "user_name_collisions (tenant_id, id, kept_key, wanted_key)";
const PATH_COLUMNS: &str =
    "lookup_paths (tenant_id, id, kind, path, version, state, created_at, used_at, uses)";
const KEY_COLUMNS: &str = "lookup_keys (tenant_id, path_id, key, resource_id)";
const ASSERTION_COLUMNS: &str = "used_assertions (tenant_id, digest, expires_at)";
const TOKEN_COLUMNS: &str = "secret_tokens (tenant_id, id, key_id, digest, label, created_at, expires_at)";
const CLIENT_COLUMNS: &str = "oauth_clients (tenant_id, id, label, created_at)";
const SECRET_COLUMNS: &str =
    "client_secrets (tenant_id, id, client_id, key_id, hash, created_at, expires_at)";
const ROTATION_COLUMNS: &str = "rotations (tenant_id, id, kind, old_id, old_key_id, new_id, new_key_id, started_at, automatic, ended_at, outcome)";
const LINK_COLUMNS: &str = "setup_links (tenant_id, id, label, digest, created_at, created_by, expires_at)";
const AUDIT_COLUMNS: &str = "audit_log (position, at, actor, origin, action, target, tenant, hash)";

fn add(backend: &Backend, kind: Kind, tables: &[(&str, u32, &str)]) {
    let inserts: Vec<String> =
        tables.iter().map(|(into, count, values)| insert(kind, into, *count, values)).collect();
    backend.execute(&format!("BEGIN; {} COMMIT;", inserts.join(" ")));
}
