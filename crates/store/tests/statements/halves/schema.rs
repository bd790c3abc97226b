//! The rules as PostgreSQL's catalogue sees them.

use super::{
    Fault, Rule,
    tables::{Half, half, stored_tables},
};
use crate::{backend::Backend, capture::Kind};

/// Tables, each with a key or unique index and whether that contains `tenant_id`.
const KEYS: &str = "SELECT c.relname || ' ' || k.relname || ' ' || (EXISTS (SELECT FROM pg_attribute a \
     WHERE a.attrelid = c.oid AND a.attnum = ANY (i.indkey) AND a.attname = 'tenant_id'))::text AS name \
     FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_class k ON k.oid = i.indexrelid \
     WHERE c.relnamespace = 'public'::regnamespace AND i.indisunique ORDER BY 1";

/// Tables, each with what is computed in it.
const COMPUTED: &str = "SELECT c.relname || ' trigger ' || t.tgname AS name FROM pg_trigger t \
     JOIN pg_class c ON c.oid = t.tgrelid WHERE NOT t.tgisinternal AND c.relnamespace = 'public'::regnamespace \
     UNION ALL SELECT c.relname || ' ' || a.attname || ' ' || pg_get_expr(d.adbin, d.adrelid) FROM pg_attrdef d \
     JOIN pg_class c ON c.oid = d.adrelid JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.adnum \
     WHERE c.relnamespace = 'public'::regnamespace \
     AND (a.attgenerated <> '' OR pg_get_expr(d.adbin, d.adrelid) !~ '^(''[^'']*''::[a-z ]+|-?[0-9]+|true|false)$') \
     UNION ALL SELECT c.relname || ' identity ' || a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid \
     WHERE c.relnamespace = 'public'::regnamespace AND a.attidentity <> '' \
     UNION ALL SELECT c.relname || ' sequence ' || s.relname FROM pg_depend p JOIN pg_class s ON s.oid = p.objid \
     JOIN pg_class c ON c.oid = p.refobjid WHERE s.relkind = 'S' AND p.deptype IN ('a', 'i') \
     AND c.relnamespace = 'public'::regnamespace ORDER BY 1";

/// Foreign keys: from, to, whether they contain `tenant_id`, name.
const FOREIGN_KEYS: &str = "SELECT c.conrelid::regclass || ' ' || c.confrelid::regclass || ' ' || (EXISTS (SELECT \
     FROM pg_attribute a WHERE a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey) AND a.attname = 'tenant_id'))::text \
     || ' ' || c.conname AS name FROM pg_constraint c WHERE c.contype = 'f' \
     AND c.connamespace = 'public'::regnamespace ORDER BY 1";

pub(super) fn faults() -> Vec<Fault> {
    let backend = Kind::Postgres.open();
    let mut faults = Vec::new();
    keys(&backend, &mut faults);
    for row in backend.names(COMPUTED) {
        if is_data(&row) {
            faults.push((Rule::NothingComputed, row));
        }
    }
    for row in backend.names(FOREIGN_KEYS) {
        let words: Vec<&str> = row.split(' ').collect();
        let [from, to, has_tenant, _] = words[..] else { panic!("{row}") };
        let is_allowed = match (half(from), half(to)) {
            (Some(Half::Data), Some(Half::Data)) => has_tenant == "true",
            (Some(Half::Control), Some(Half::Control)) => true,
            _ => false,
        };
        if !is_allowed {
            faults.push((Rule::ForeignKeyInHalf, row));
        }
    }
    faults
}

fn keys(backend: &Backend, faults: &mut Vec<Fault>) {
    let keys = backend.names(KEYS);
    faults.extend(
        keys.iter()
            .filter(|row| is_data(row) && row.ends_with(" false"))
            .map(|row| (Rule::KeyHasTenant, row.clone())),
    );
    for table in &stored_tables(backend, Kind::Postgres) {
        if is_data(table) && !keys.iter().any(|row| row.starts_with(&format!("{table} "))) {
            faults.push((Rule::KeyHasTenant, format!("{table} has no key")));
        }
    }
}

/// Whether a row is about a table of data, whose name comes first.
fn is_data(row: &str) -> bool {
    half(row.split(' ').next().unwrap_or_default()) == Some(Half::Data)
}
