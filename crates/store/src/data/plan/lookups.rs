//! Lookup keys of a batch: what the documents that it writes are found by, against what they were found by before.

use super::{Of, Writes, resource::Resource};
use crate::{
    data::lookups::lookup_path,
    data::model::{ResourceId, TenantId},
};
use scim::{lookup::LookupPath, schema::ResourceKind};
use serde_json::{Map, Value};
use std::collections::{BTreeSet, HashMap};

/// A row of `lookup_keys`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct KeyRow {
    pub(crate) tenant: TenantId,
    pub(crate) path: i64,
    pub(crate) key: String,
    pub(crate) id: ResourceId,
}

/// A path in use, as a batch knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeptPath {
    pub(crate) id: i64,
    /// `None` if this process does not make its keys as they are stored: what it writes would not be found.
    pub(crate) path: Option<LookupPath>,
}

/// The paths in use of the tenants of a batch; most have none.
#[derive(Debug, Default)]
pub(super) struct KeptPaths(HashMap<TenantId, Vec<KeptPath>>);

/// Reads the paths in use of one tenant: a JSON array of `[id, kind, path, version]`, or nothing.
pub(crate) fn kept_paths(json: Option<&str>) -> Vec<KeptPath> {
    let Some(json) = json.filter(|json| *json != "[]") else { return Vec::new() };
    let rows: Vec<(i64, String, String, i16)> = serde_json::from_str(json).unwrap_or_default();
    rows.into_iter()
        .map(|(id, kind, path, version)| KeptPath { id, path: lookup_path(&kind, &path, version) })
        .collect()
}

impl KeptPaths {
    pub(super) fn new(paths: HashMap<TenantId, Vec<KeptPath>>) -> KeptPaths {
        KeptPaths(paths)
    }

    /// Whether documents of this kind have keys.
    pub(super) fn has(&self, tenant: TenantId, kind: ResourceKind) -> bool {
        self.of(tenant, kind).next().is_some()
    }

    fn of(&self, tenant: TenantId, kind: ResourceKind) -> impl Iterator<Item = (i64, &LookupPath)> {
        let paths = self.0.get(&tenant).into_iter().flatten();
        paths
            .filter_map(|kept| Some((kept.id, kept.path.as_ref()?)))
            .filter(move |(_, path)| path.kind() == kind)
    }

    /// Adds the keys that come and go with a resource. What the document was before may be unknown: then keys stay that
    /// find the resource in vain, which does no harm.
    pub(super) fn write(&self, (tenant, id): Of<ResourceId>, resource: &Resource, writes: &mut Writes) {
        if !self.has(tenant, resource.kind) {
            return;
        }
        let before = resource.old_document.as_deref().filter(|_| resource.is_stored());
        let after = resource.new_document.as_ref().filter(|_| !resource.deleted);
        if after.is_none() && !resource.deleted {
            return;
        }
        let keys = |document: Option<&str>| self.keys((tenant, id), resource.kind, document);
        let (before, after) = (keys(before), keys(after.map(|document| document.json.as_str())));
        writes.keys_gone.extend(before.difference(&after).cloned());
        writes.keys_new.extend(after.difference(&before).cloned());
    }

    fn keys(
        &self,
        (tenant, id): Of<ResourceId>,
        kind: ResourceKind,
        document: Option<&str>,
    ) -> BTreeSet<KeyRow> {
        let Some(document) = document else { return BTreeSet::new() };
        // What is stored is an object.
        let document: Map<String, Value> = serde_json::from_str(document).unwrap_or_default();
        let rows = self.of(tenant, kind).flat_map(|(path, of)| {
            of.keys(&document).into_iter().map(move |key| KeyRow { tenant, path, key, id })
        });
        rows.collect()
    }

    /// The paths of a tenant whose keys this batch does not keep up to date: they end with it.
    pub(super) fn ended(&self, tenant: TenantId) -> impl Iterator<Item = Of<i64>> {
        let paths = self.0.get(&tenant).into_iter().flatten();
        paths.filter(|kept| kept.path.is_none()).map(move |kept| (tenant, kept.id))
    }
}
