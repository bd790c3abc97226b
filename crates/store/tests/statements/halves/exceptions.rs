//! What breaks the rules of two nodes today, and the issue that mends it. The list only shrinks: an exception that does
//! not occur any more fails the test.

use super::Rule;

/// Running the gateway on several database nodes.
const SEVERAL_NODES: &str = "several nodes";

/// Each with what the broken statement, table or transaction contains.
pub(super) const EXCEPTIONS: [(Rule, &str, &str); 13] = [
    // A tenant is created in one transaction with its feed.
    (Rule::ForeignKeyInHalf, "feeds tenants true feeds_tenant_id_fkey", SEVERAL_NODES),
    (Rule::TransactionInHalf, "INSERT INTO \"tenants\"", SEVERAL_NODES),
    // An operator restores a resource: its audit entry is written in the same transaction.
    (Rule::TransactionInHalf, "INSERT INTO \"audit_log\"", SEVERAL_NODES),
    // A batch of several tenants, joined with the arrays of the request: facts, rows and lookups.
    (Rule::TenantIsBound, "SELECT 1 FROM feeds WHERE tenant_id IN (", SEVERAL_NODES),
    (Rule::LocksOneTenant, "SELECT 1 FROM feeds WHERE tenant_id IN (", SEVERAL_NODES),
    (Rule::TenantIsBound, "SELECT 0, f.tenant_id", SEVERAL_NODES),
    (Rule::TenantIsBound, "WITH feed AS MATERIALIZED", SEVERAL_NODES),
    (Rule::TenantIsBound, "SELECT q.n, r.id, r.version", SEVERAL_NODES),
    (Rule::TenantIsBound, "WITH RECURSIVE up(n, tenant_id", SEVERAL_NODES),
    (Rule::RecursionInTenant, "WITH RECURSIVE up(n, tenant_id", SEVERAL_NODES),
    // A page of tenants with what each has.
    (Rule::TenantIsBound, "SELECT f.tenant_id, f.position, f.user_count", SEVERAL_NODES),
    // Timers ask over all tenants what is due.
    (Rule::TenantIsBound, "WHERE p.state <> 'filled' OR p.used_at < ", SEVERAL_NODES),
    (Rule::TenantIsBound, "WHERE (\"deleted_resources\".\"deleted_at\" < ", SEVERAL_NODES),
];
