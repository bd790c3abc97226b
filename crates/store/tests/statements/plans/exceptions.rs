//! What may be bounded by the tenant alone, or by nothing, and why.

use super::{Bound, Search};

/// A tenant has one row of these: their primary key is `tenant_id`.
const ONE_ROW: [&str; 3] = ["erasures", "feeds", "federations"];

/// A tenant has few rows of these: operators make them, of lookup paths there are eight at most, and few people have names
/// that were different to an earlier version alone.
const FEW_ROWS: [&str; 7] = [
    "client_secrets",
    "lookup_paths",
    "oauth_clients",
    "rotations",
    "secret_tokens",
    "setup_links",
    "user_name_collisions",
];

/// There are few rows of these in all.
const FEW_ROWS_IN_ALL: [&str; 4] = ["clock", "operator_api_tokens", "operators", "signing_keys"];

/// A statement that looks at many rows, and may.
struct Exception {
    /// What its text contains, without quotes.
    part: &'static str,
    /// The least that it is bounded by.
    bound: Bound,
    /// Whether it may do so in a loop.
    repeated: bool,
    #[expect(dead_code, reason = "for who reads the list")]
    why: &'static str,
}

const EXCEPTIONS: [Exception; 8] = [
    Exception {
        part: "FROM secret_tokens WHERE ((secret_tokens.revoked_at IS NULL) AND (secret_tokens.last_used_at >= ",
        bound: Bound::Nothing,
        repeated: false,
        why: "a process asks once, at its start, which tokens were used lately",
    },
    Exception {
        part: " FROM users AS t WHERE t.tenant_id = ",
        bound: Bound::Tenant,
        repeated: false,
        why: "a list of users; those by a key have to use it",
    },
    Exception {
        part: " FROM groups AS t WHERE t.tenant_id = ",
        bound: Bound::Tenant,
        repeated: false,
        why: "a list of groups; those by a key have to use it",
    },
    Exception {
        part: "SELECT f.tenant_id, f.position, f.user_count",
        bound: Bound::Tenant,
        repeated: true,
        why: "what each tenant of a page has: the last change, and the deleted resources counted to a limit",
    },
    Exception {
        part: "SELECT tenants.id, tenants.label, tenants.name, tenants.profile, tenants.state, tenants.created_at \
               FROM tenants ORDER BY tenants.label",
        bound: Bound::Nothing,
        repeated: false,
        why: "a list of all tenants",
    },
    Exception {
        part: "WHERE (rotations.ended_at IS NULL) ORDER BY",
        bound: Bound::Nothing,
        repeated: false,
        why: "a timer looks for the rotations in progress of all tenants",
    },
    Exception {
        part: "WHERE p.state <> 'filled' OR p.used_at < ",
        bound: Bound::Nothing,
        repeated: false,
        why: "a timer looks for lookup paths that are not filled or not used",
    },
    Exception {
        part: "DELETE FROM tenants WHERE",
        bound: Bound::Tenant,
        repeated: true,
        why: "foreign keys: each child table is asked for one row of the tenant",
    },
];

/// What stands behind the tenant in the WHERE clause of a list by a key. PostgreSQL may look for the groups of a member
/// among all groups of a tenant, as long as nobody has counted how many those are.
const BY_KEY: [&str; 3] = ["t.id = ", "t.external_id = ", "t.id IN ("];
const USERS_BY_KEY: [&str; 4] = ["t.id = ANY (", "t.user_name = ", "(t.user_name >= ", "(t.work_email IN ("];
const GROUPS_BY_KEY: [&str; 2] = ["t.display_name = ", "(t.display_name >= "];

/// Statements with these words use this index: a range alone would hold nearly everything.
const MUST_USE: [(&str, &str); 2] =
    [("AND (change_log.resource_id = ", "change_log_resource"), ("AND k.key = ", "key")];

/// The faults of one statement.
pub(super) fn faults(text: &str, searches: &[Search]) -> Vec<String> {
    let text = text.replace(['`', '"'], "");
    let mut faults: Vec<String> = searches
        .iter()
        .filter(|search| !is_allowed(&text, search))
        .map(|search| format!("{:?}, repeated: {}: {}", search.bound, search.is_repeated, search.step))
        .collect();
    for (part, index) in MUST_USE {
        if text.contains(part) && !searches.iter().any(|search| search.step.contains(index)) {
            faults.push(format!("does not use {index}: {searches:?}"));
        }
    }
    faults
}

fn is_allowed(text: &str, search: &Search) -> bool {
    let among = |tables: &[&str]| tables.contains(&search.table.as_str());
    match search.bound {
        Bound::Keys => return true,
        Bound::Tenant if among(&ONE_ROW) || among(&FEW_ROWS) => return true,
        Bound::Tenant | Bound::Nothing if among(&FEW_ROWS_IN_ALL) => return true,
        Bound::Tenant | Bound::Nothing => {}
    }
    if is_deletion_of_tenant(text) && !search.is_repeated {
        return search.bound == Bound::Tenant;
    }
    EXCEPTIONS.iter().any(|exception| {
        text.contains(exception.part)
            && exception.bound == search.bound
            && (exception.repeated || !search.is_repeated)
            && !is_by_key(text)
    })
}

/// `DELETE FROM users WHERE (users.tenant_id = $1)`: everything of a tenant goes.
fn is_deletion_of_tenant(text: &str) -> bool {
    text.starts_with("DELETE FROM ") && text.contains(".tenant_id = ") && !text.contains(" AND ")
}

fn is_by_key(text: &str) -> bool {
    let Some((_, list)) = text.split_once(" AS t WHERE t.tenant_id = ") else { return false };
    let Some((_, condition)) = list.split_once(" AND ") else { return false };
    let of_kind = if text.contains(" FROM groups AS t") { &GROUPS_BY_KEY[..] } else { &USERS_BY_KEY[..] };
    let is_by = |keys: &[&str]| keys.iter().any(|beginning| condition.starts_with(beginning));
    is_by(of_kind) || (is_by(&BY_KEY) && !condition.starts_with("t.id = ANY ("))
}
