//! The rules of two nodes: what has to hold of schema and statements so that the tables of [`tables`] can be distributed by
//! tenant later. Held on plain PostgreSQL, where nothing is distributed.

mod exceptions;
mod relations;
mod schema;
mod tables;

use crate::capture::{Captured, Kind, captured};
use exceptions::EXCEPTIONS;
use relations::{Relation, relations};
use std::collections::{BTreeMap, BTreeSet};
use tables::{Half, TABLES, half, stored_tables};

/// What must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rule {
    /// Each PRIMARY and UNIQUE index of data contains `tenant_id`.
    KeyHasTenant,
    /// Data has no trigger, sequence, identity or generated column, and no default but a constant.
    NothingComputed,
    /// A foreign key connects data with data, and contains `tenant_id`; or control with control.
    ForeignKeyInHalf,
    /// A statement says `tenant_id = $n` (or `= ANY ($n)`) of each relation of data, so that the node is known.
    TenantIsBound,
    /// An INSERT into data names `tenant_id`.
    InsertNamesTenant,
    /// A statement uses tables of one half.
    StatementInHalf,
    /// A transaction uses tables of one half.
    TransactionInHalf,
    /// Rows are locked (`FOR UPDATE`) of one tenant at a time.
    LocksOneTenant,
    /// A recursion stays in one tenant, which each of its parts binds.
    RecursionInTenant,
}

/// A rule that is broken, and where.
pub(crate) type Fault = (Rule, String);

fn statement_faults(text: &str) -> Vec<Fault> {
    let relations = relations(text);
    let data: Vec<&Relation> =
        relations.iter().filter(|relation| half(&relation.table) == Some(Half::Data)).collect();
    let is_control = |relation: &Relation| half(&relation.table) == Some(Half::Control);
    let mut broken = BTreeSet::new();
    for relation in &data {
        if relation.is_inserted {
            if !relation.binds_tenant {
                broken.insert(Rule::InsertNamesTenant);
            }
        } else if !relation.binds_tenant {
            broken.insert(Rule::TenantIsBound);
            if text.contains("RECURSIVE") {
                broken.insert(Rule::RecursionInTenant);
            }
            if text.contains(" FOR UPDATE") || text.contains(" FOR NO KEY UPDATE") {
                broken.insert(Rule::LocksOneTenant);
            }
        }
    }
    if !data.is_empty() && relations.iter().any(is_control) {
        broken.insert(Rule::StatementInHalf);
    }
    broken.into_iter().map(|rule| (rule, text.to_owned())).collect()
}

fn transaction_faults(captured: &Captured) -> Vec<Fault> {
    let mut faults = Vec::new();
    for texts in &captured.transactions {
        let tables: BTreeSet<String> =
            texts.iter().flat_map(|text| relations(text)).map(|relation| relation.table).collect();
        let has = |wanted| tables.iter().any(|table| half(table) == Some(wanted));
        if has(Half::Data) && has(Half::Control) {
            faults.push((Rule::TransactionInHalf, texts.join("; ")));
        }
    }
    faults
}

/// Each fault is an exception, and each exception occurs.
fn judge(faults: &[Fault]) {
    let mut used = BTreeSet::new();
    let mut wrong: BTreeMap<Rule, Vec<&str>> = BTreeMap::new();
    for (rule, place) in faults {
        let known = EXCEPTIONS.iter().position(|(of, part, _)| of == rule && place.contains(part));
        match known {
            Some(known) => drop(used.insert(known)),
            None => wrong.entry(*rule).or_default().push(place),
        }
    }
    let text: String = wrong
        .iter()
        .flat_map(|(rule, places)| places.iter().map(move |place| format!("\n{rule:?}: {place}")))
        .collect();
    assert!(wrong.is_empty(), "these break the rules of two nodes (halves/mod.rs):{text}");
    let unused: Vec<_> =
        (0..EXCEPTIONS.len()).filter(|at| !used.contains(at)).map(|at| EXCEPTIONS[at]).collect();
    assert!(unused.is_empty(), "these exceptions do not occur any more: {unused:?}");
}

#[test]
fn schema_and_statements_keep_the_rules_of_two_nodes() {
    let captured = captured(Kind::Postgres);
    let mut faults = schema::faults();
    faults.extend(captured.statements.keys().flat_map(|text| statement_faults(text)));
    faults.extend(transaction_faults(captured));
    judge(&faults);
}

/// Both databases have the same tables.
#[test]
fn each_table_is_in_one_half() {
    let listed: BTreeSet<&str> = TABLES.iter().map(|(name, ..)| *name).collect();
    assert_eq!(listed.len(), TABLES.len());
    for kind in [Kind::Sqlite, Kind::Postgres] {
        let tables = stored_tables(&kind.open(), kind);
        let is_listed = tables.iter().map(String::as_str).eq(listed.iter().copied());
        assert!(is_listed, "{kind:?} has {tables:?}: halves/tables.rs says of each which half it belongs to");
    }
}

/// Tables and columns of PostgreSQL without a comment.
const SILENT: &str = "SELECT c.relname || '.' || a.attname AS name FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid \
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND c.relname NOT LIKE '\\_\\_%' AND a.attnum > 0 \
     AND NOT a.attisdropped AND col_description(c.oid, a.attnum) IS NULL ORDER BY 1";

/// Comments of tables.
const COMMENTS: &str = "SELECT c.relname || ': ' || COALESCE(obj_description(c.oid), '') AS name FROM pg_class c \
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' ORDER BY 1";

/// People who look at the database find what each table and column holds, and which half a table belongs to.
#[test]
fn each_table_and_column_says_what_it_holds() {
    let backend = Kind::Postgres.open();
    assert_eq!(backend.names(SILENT), Vec::<String>::new());
    let comments = backend.names(COMMENTS);
    for (table, half, _) in TABLES {
        let (begin, end) = (format!("{table}: "), format!(" {half:?}."));
        let is_told = comments.iter().any(|told| told.starts_with(&begin) && told.ends_with(&end));
        assert!(is_told, "{table}: {comments:?}");
    }
}

/// The judge finds what it is there for.
#[test]
fn what_breaks_a_rule_is_found() {
    let rules = |text: &str| statement_faults(text).into_iter().map(|(rule, _)| rule).collect::<Vec<_>>();
    assert_eq!(rules("SELECT id FROM users WHERE tenant_id = $1 AND id = $2"), []);
    assert_eq!(rules("SELECT r.id FROM users r WHERE r.tenant_id = ANY ($1) AND r.id = $2"), []);
    assert_eq!(rules("SELECT r.id FROM users r WHERE r.id = $1"), [Rule::TenantIsBound]);
    assert_eq!(
        rules("SELECT r.id FROM unnest($1) AS q(tenant_id) JOIN users r USING (tenant_id)"),
        [Rule::TenantIsBound]
    );
    assert_eq!(
        rules("SELECT r.id FROM users r JOIN groups g USING (id) WHERE r.tenant_id = $1"),
        [Rule::TenantIsBound]
    );
    assert_eq!(rules("INSERT INTO users (id) VALUES ($1)"), [Rule::InsertNamesTenant]);
    assert_eq!(
        rules("SELECT r.id FROM users r JOIN tenants t ON t.id = r.tenant_id WHERE r.tenant_id = $1"),
        [Rule::StatementInHalf]
    );
    assert_eq!(
        rules("SELECT 1 FROM feeds WHERE tenant_id IN ($1, $2) FOR UPDATE"),
        [Rule::TenantIsBound, Rule::LocksOneTenant]
    );
}
