//! Which lookup keys answer a list: complete ones, of the text that the fewest resources have.

use super::records::lookup_path;
use crate::{
    data::model::TenantId,
    data::sql::{Bind, Common, Sql, Statement, listing::StoredKey, sql},
};
use diesel::sql_types::{BigInt, SmallInt, Text};
use scim::lookup::Lookup;

/// How many resources with a key may be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keys {
    /// At most [`FEW`].
    Few,
    /// Any number.
    Any,
}

/// Most resources that are read where an index is expected to serve: about as many as a large page has.
const FEW: i64 = 1000;
/// Most lookups of a statement that connections keep prepared.
const USUAL: usize = 2;

/// The keys that were found, and how many resources have them.
pub(super) struct Found {
    pub(super) key: StoredKey,
    count: i64,
}

impl Found {
    /// Whether more resources have the key than may be read.
    pub(super) fn are_too_many(&self, keys: Keys) -> bool {
        keys == Keys::Few && self.count > FEW
    }
}

pub(super) type FoundTypes = (BigInt, Text, Text, SmallInt, BigInt);
pub(super) type FoundColumns = (i64, String, String, i16, i64);

/// The paths of these lookups whose keys are complete, and how many resources have the key, counted to one more than
/// [`FEW`].
pub(super) fn complete(tenant: TenantId, lookups: &[Lookup]) -> Common<FoundTypes> {
    let texts = || lookups.iter().map(|lookup| Bind::text(lookup.path.to_string()));
    let keys = lookups.iter().map(|lookup| Bind::text(&lookup.key));
    let cases = texts().zip(keys).map(|(path, key)| sql!(" WHEN ", path, " THEN ", key));
    let kind = lookups.first().map_or("", |lookup| lookup.path.kind().name());
    let sql = sql!(
        "SELECT p.id, p.kind, p.path, p.version, \
         (SELECT count(*) FROM (SELECT 1 FROM lookup_keys AS k WHERE k.tenant_id = ",
        Bind::key(tenant.0),
        " AND k.path_id = p.id AND k.key = CASE p.path",
        Sql::joined(cases, ""),
        " END LIMIT ",
        Bind::number(FEW + 1),
        ") AS few) FROM lookup_paths AS p WHERE p.tenant_id = ",
        Bind::key(tenant.0),
        " AND p.state = 'filled' AND p.kind = ",
        Bind::text(kind),
        " AND p.path IN (",
        Sql::joined(texts().map(|path| sql!(path)), ", "),
        ")"
    );
    if lookups.len() <= USUAL { Statement::cached(sql) } else { Statement::once(sql) }
}

/// The lookup that the fewest resources answer, of those whose keys this process makes as they are stored.
pub(super) fn best(rows: Vec<FoundColumns>, lookups: &[Lookup]) -> Option<Found> {
    let known = rows.into_iter().filter_map(|(id, kind, path, version, count)| {
        let path = lookup_path(&kind, &path, version)?;
        // The first one with the path, as in the statement.
        let lookup = lookups.iter().find(|lookup| lookup.path == path)?;
        Some(Found { key: StoredKey { path: id, key: lookup.key.clone() }, count })
    });
    known.min_by_key(|found| found.count)
}
