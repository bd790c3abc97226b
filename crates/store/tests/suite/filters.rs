//! A store finds what evaluation in memory finds, in the order in which memory sorts, on any page.

use crate::{
    backend::Backend,
    random::{self, Directory},
    world::*,
};
use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{Config, TestCaseError, TestRunner},
};
use scim::{
    Profile,
    comparison::{fold, user_name_key},
    condition::{Comparison, Condition, Target},
    filter::Filter,
    list::{GroupReference, open_resource, push_member},
    meta::Meta,
    schema::{
        ResourceKind::{self, Group, User},
        ResourceType,
    },
    search::{PageLimits, QueryScope, Sort, SortKey, Words},
};
use serde_json::{Map, Value};
use std::{cmp::Ordering, collections::BTreeSet};
use store::*;
use tokio::runtime::{Builder, Runtime};
use uuid::Uuid;

/// A resource as memory sees it.
struct Seen {
    id: ResourceId,
    resource: Map<String, Value>,
}

/// What was stored, by kind.
struct Stored {
    world: World,
    users: Vec<Seen>,
    groups: Vec<Seen>,
}

impl Stored {
    fn of(&self, kind: ResourceKind) -> &[Seen] {
        if kind == User { &self.users } else { &self.groups }
    }

    /// Fills ids and times into a filter.
    fn fill(&self, filter: &str) -> String {
        let mut text = filter.to_owned();
        for (index, user) in self.users.iter().enumerate() {
            text = text.replace(&format!("<u{index}>"), &user.id.to_string());
            text = text.replace(&format!("<t{index}>"), user.resource["meta"]["created"].as_str().unwrap());
        }
        for (index, group) in self.groups.iter().enumerate() {
            text = text.replace(&format!("<g{index}>"), &group.id.to_string());
        }
        text
    }
}

/// Everything is in a group that is deleted, which no filter may find.
async fn fill(backend: Backend, directory: &Directory) -> Stored {
    let world = World::new(backend).await;
    let ids = |ids: &mut dyn Iterator<Item = u128>| {
        ids.map(|id| ResourceId(Uuid::from_u128(id))).collect::<Vec<_>>()
    };
    let user_ids = ids(&mut directory.users.iter().map(|user| user.0));
    let group_ids = ids(&mut directory.groups.iter().map(|group| group.0));
    let all: Vec<ResourceId> = user_ids.iter().chain(&group_ids).copied().collect();
    let members: Vec<BTreeSet<ResourceId>> = directory
        .groups
        .iter()
        .zip(&group_ids)
        .map(|((_, _, members), own)| {
            members.iter().map(|index| *index.get(&all)).filter(|id| id != own).collect()
        })
        .collect();
    let mut users = Vec::new();
    for (index, ((_, body), id)) in directory.users.iter().zip(&user_ids).enumerate() {
        // The keys of some users are filled in, and those of the others are written with them.
        if index == directory.users.len() / 2 {
            keep_lookup_keys(&world).await;
        }
        let committed = world.commit(create(User, *id, document(User, body.clone()), &[])).await.unwrap();
        users.push((*id, document(User, body.clone()), committed));
    }
    let mut groups = Vec::new();
    for ((_, body, _), id) in directory.groups.iter().zip(&group_ids) {
        world.commit(create(Group, *id, document(Group, body.clone()), &[])).await.unwrap();
        groups.push((*id, document(Group, body.clone())));
    }
    let groups_of = |user: ResourceId| {
        let mut found: BTreeSet<ResourceId> = BTreeSet::from([user]);
        loop {
            let around = group_ids.iter().zip(&members).filter(|(_, members)| !members.is_disjoint(&found));
            let more: BTreeSet<ResourceId> = around.map(|(id, _)| *id).chain(found.iter().copied()).collect();
            if more.len() == found.len() {
                found.remove(&user);
                return found;
            }
            found = more;
        }
    };
    let users = users.into_iter().map(|(id, document, committed)| {
        let references = groups_of(id).into_iter();
        let references: Vec<_> =
            references.map(|id| GroupReference { id: id.to_string(), display: None, direct: true }).collect();
        seen(User, id, &document, committed, &references, &BTreeSet::new(), &user_ids)
    });
    let users = users.collect();
    let mut seen_groups = Vec::new();
    for ((id, document), members) in groups.into_iter().zip(&members) {
        let add = MemberDelta { clear: false, add: members.iter().copied().collect(), remove: Vec::new() };
        let committed = world.commit(delta(id, add)).await.unwrap();
        seen_groups.push(seen(Group, id, &document, committed, &[], members, &user_ids));
    }
    let gone = world.group("Gone", &all).await;
    world.commit(delete(Group, gone, None)).await.unwrap();
    Stored { world, users, groups: seen_groups }
}

/// Paths that random filters compare by `eq`.
const LOOKUP_PATHS: [&str; 8] = [
    "nickName",
    "title",
    "profileUrl",
    "displayName",
    "name.familyName",
    "emails.value",
    "phoneNumbers.value",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
];

async fn keep_lookup_keys(world: &World) {
    for path in LOOKUP_PATHS {
        let filter = Filter::parse(&format!("{path} eq \"x\"")).unwrap();
        let condition = filter.resolve(ResourceType::of(User)).unwrap();
        for _ in 0..5 {
            let listing = Listing { condition: Some(condition.clone()), ..everything(User) };
            world.store().for_clients().list(world.tenant, listing).await.unwrap();
        }
    }
    while world.store().tend_lookups(now()).await.unwrap() {}
    let filled = "SELECT count(*) FROM lookup_paths WHERE tenant_id = $ AND state = 'filled'";
    assert_eq!(world.number(filled), 8);
}

fn seen(
    kind: ResourceKind,
    id: ResourceId,
    document: &Document,
    committed: Committed,
    groups: &[GroupReference<'_>],
    members: &BTreeSet<ResourceId>,
    users: &[ResourceId],
) -> Seen {
    let Committed { version, created, last_modified, .. } = committed;
    let meta = Meta { kind, id: id.to_string(), version, created, last_modified };
    let mut text = open_resource(&document.json, &meta, "https://x", groups);
    for (index, member) in members.iter().enumerate() {
        text.push_str(if index == 0 { ",\"members\":[" } else { "," });
        push_member(
            &mut text,
            &member.to_string(),
            if users.contains(member) { "User" } else { "Group" },
            "https://x",
        );
    }
    text.push_str(if members.is_empty() { "}" } else { "]}" });
    Seen { id, resource: serde_json::from_str(&text).unwrap() }
}

/// The sort key of a resource, read off the rendered resource: RFC 7644 section 3.4.2.3.
fn sort_key(resource: &Map<String, Value>, sort: &Sort) -> Option<SortKey> {
    let target = &sort.target;
    if target.comparison == Comparison::Untyped {
        return undescribed_sort_key(resource, target);
    }
    let object = match &target.extension {
        Some(urn) => resource.get(urn)?.as_object()?,
        None => resource,
    };
    let whole = object.get(&target.attribute)?;
    let key = |value: &Value| {
        let value = match &target.sub_attribute {
            Some(sub) => value.get(sub)?,
            None => value,
        };
        match target.comparison {
            Comparison::Folded => value.as_str().map(|text| SortKey::Text(fold(text))),
            Comparison::UserName => value.as_str().map(|text| SortKey::Text(user_name_key(text))),
            Comparison::Exact => value.as_str().map(|text| SortKey::Text(text.to_owned())),
            Comparison::Boolean => value.as_bool().map(|value| SortKey::Number(f64::from(u8::from(value)))),
            Comparison::Number => value.as_f64().map(SortKey::Number),
            Comparison::Instant => {
                value.as_str().and_then(scim::Timestamp::parse).map(|time| SortKey::Number(time.0 as f64))
            }
            Comparison::Untyped => None,
        }
    };
    match whole {
        Value::Array(list) if target.multi_valued => {
            let primary = list.iter().find(|value| value["primary"] == true).and_then(key);
            primary.or_else(|| list.iter().find_map(key))
        }
        whole => key(whole),
    }
}

/// The same where no schema describes the attribute: of its values, in the order in which they stand, the first that has an
/// order. A primary object comes first.
fn undescribed_sort_key(resource: &Map<String, Value>, target: &Target) -> Option<SortKey> {
    let urn = target.extension.as_ref().unwrap();
    let (_, extension) = resource.iter().find(|(key, _)| key.eq_ignore_ascii_case(urn))?;
    let key = |value: Value| match value {
        Value::String(text) => Some(SortKey::Text(fold(&text))),
        // Zero has one place, whatever its sign.
        Value::Number(number) => number.as_f64().map(|number| SortKey::Number(number + 0.0)),
        Value::Bool(value) => Some(SortKey::Number(f64::from(u8::from(value)))),
        _ => None,
    };
    let mut values = named(extension, &target.attribute);
    let Some(sub) = &target.sub_attribute else { return values.into_iter().find_map(key) };
    values.sort_by_key(|value| !named(value, "primary").contains(&Value::Bool(true)));
    let first = |value: &Value| match value {
        Value::Object(_) => named(value, sub).into_iter().find_map(key),
        simple => key(simple.clone()).filter(|_| sub.eq_ignore_ascii_case("value")),
    };
    values.iter().find_map(first)
}

/// The values of a name in any case; of a list its elements, those of lists in lists included.
fn named(value: &Value, name: &str) -> Vec<Value> {
    fn flat(value: &Value) -> Vec<Value> {
        match value {
            Value::Array(list) => list.iter().flat_map(flat).collect(),
            single => vec![single.clone()],
        }
    }
    let members = value.as_object().into_iter().flatten();
    members.filter(|(key, _)| key.eq_ignore_ascii_case(name)).flat_map(|(_, value)| flat(value)).collect()
}

fn by_key(one: &Option<SortKey>, two: &Option<SortKey>) -> Ordering {
    match (one, two) {
        (Some(SortKey::Number(_)), Some(SortKey::Text(_))) => Ordering::Less,
        (Some(SortKey::Text(_)), Some(SortKey::Number(_))) => Ordering::Greater,
        (Some(SortKey::Text(one)), Some(SortKey::Text(two))) => one.cmp(two),
        (Some(SortKey::Number(one)), Some(SortKey::Number(two))) => one.total_cmp(two),
        (one, two) => one.is_none().cmp(&two.is_none()),
    }
}

/// The ids that memory finds, in its order.
fn expected(seen: &[Seen], condition: Option<&Condition>, sort: Option<&Sort>) -> Vec<ResourceId> {
    let mut found: Vec<&Seen> = seen
        .iter()
        .filter(|seen| condition.is_none_or(|condition| condition.matches(&seen.resource)))
        .collect();
    found.sort_by_key(|seen| seen.id);
    if let Some(sort) = sort {
        found.sort_by(|one, two| {
            let order = by_key(&sort_key(&one.resource, sort), &sort_key(&two.resource, sort));
            let by_id = sort.target.attribute == "id" && sort.target.extension.is_none();
            let order = if by_id { one.id.cmp(&two.id) } else { order };
            if sort.descending { order.reverse() } else { order }
        });
    }
    found.into_iter().map(|seen| seen.id).collect()
}

/// `false` if the filter does not resolve.
fn check_filter(
    stored: &Stored,
    kind: ResourceKind,
    filter: &str,
    runtime: &Runtime,
) -> Result<bool, TestCaseError> {
    let filter = stored.fill(filter);
    let condition =
        Filter::parse_for(Profile::Entra, &filter).unwrap_or_else(|error| panic!("{filter}: {error:?}"));
    let Ok(condition) = condition.resolve(ResourceType::of(kind)) else { return Ok(false) };
    let expected = expected(stored.of(kind), Some(&condition), None);
    let listing = Listing { condition: Some(condition), ..everything(kind) };
    let page = runtime.block_on(stored.world.list(listing));
    let found: Vec<ResourceId> = page.rows.iter().map(|row| row.id).collect();
    prop_assert_eq!(&found, &expected, "{}", filter);
    prop_assert_eq!(page.total, expected.len() as u64, "{}", filter);
    Ok(true)
}

/// Lists by `eq` that are asked for at the same time, so that some of them are answered by one scan.
fn check_together(
    stored: &Stored,
    filters: &[String],
    limit: u32,
    runtime: &Runtime,
) -> Result<(), TestCaseError> {
    let user = ResourceType::of(User);
    let conditions = filters.iter().map(|filter| Filter::parse(filter).unwrap().resolve(user).unwrap());
    let conditions: Vec<Condition> = conditions.collect();
    let tasks = conditions.iter().map(|condition| {
        let listing = Listing { condition: Some(condition.clone()), limit, ..everything(User) };
        let (store, tenant) = (stored.world.store().clone(), stored.world.tenant);
        runtime.spawn(async move { store.list(tenant, listing).await.unwrap() })
    });
    for ((task, condition), filter) in tasks.collect::<Vec<_>>().into_iter().zip(&conditions).zip(filters) {
        let (page, expected) =
            (runtime.block_on(task).unwrap(), expected(stored.of(User), Some(condition), None));
        let found: Vec<ResourceId> = page.rows.iter().map(|row| row.id).collect();
        let rows = expected.len().min(limit as usize);
        prop_assert_eq!(&found[..], &expected[..rows], "{}", filter);
        prop_assert_eq!(page.total, expected.len() as u64, "{}", filter);
        let next = (rows < expected.len() && limit > 0).then(|| expected[rows - 1].to_string());
        prop_assert_eq!(page.next.map(|next| next.id), next, "{}", filter);
    }
    Ok(())
}

/// Walks all pages of a size by positions and by offsets.
fn check_order(
    stored: &Stored,
    kind: ResourceKind,
    (by, descending, size): (String, bool, u32),
    runtime: &Runtime,
) -> Result<(), TestCaseError> {
    let order = if descending { "descending" } else { "ascending" };
    let words = Words { sort_by: Some(by.clone()), sort_order: Some(order.to_owned()), ..Words::default() };
    let limits = PageLimits { default: 9, max: 9 };
    let scope = QueryScope { tenant: [7; 16], profile: Profile::Entra, limits };
    let Ok(query) = words.check(ResourceType::of(kind), &scope) else {
        return Ok(());
    };
    let expected = expected(stored.of(kind), None, query.sort.as_ref());
    let mut walked = Vec::new();
    let mut from = From::After(None);
    loop {
        let listing =
            Listing { sort: query.sort.clone(), from: from.clone(), limit: size, ..everything(kind) };
        let page = runtime.block_on(stored.world.list(listing));
        let offset = Listing {
            sort: query.sort.clone(),
            from: From::Offset(walked.len() as u64),
            limit: size,
            ..everything(kind)
        };
        prop_assert_eq!(&page.rows, &runtime.block_on(stored.world.list(offset)).rows, "{} {}", by, order);
        prop_assert_eq!(page.total, expected.len() as u64);
        walked.extend(page.rows.iter().map(|row| row.id));
        match page.next {
            Some(position) => from = From::After(Some(position)),
            None => break,
        }
    }
    prop_assert_eq!(walked, expected, "{} {}", by, order);
    Ok(())
}

fn run(backend: Backend) {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(12);
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 200, ..Config::default() };
    let resolved = std::cell::Cell::new((0, 0));
    let questions = (
        vec(random::filter(User), 60),
        vec(random::filter(Group), 20),
        vec((random::sort(User), any::<bool>(), 1u32..5), 6),
        vec((random::sort(Group), any::<bool>(), 1u32..5), 2),
        (vec(random::lookup(), 40), 0u32..4),
    );
    let outcome = TestRunner::new(config).run(&(random::directory(), questions), |(directory, questions)| {
        let stored = runtime.block_on(fill(backend.clone(), &directory));
        let (users, groups, user_orders, group_orders, (lookups, limit)) = questions;
        check_together(&stored, &lookups, limit, &runtime)?;
        for (kind, filters) in [(User, users), (Group, groups)] {
            for filter in filters {
                let (yes, all) = resolved.get();
                let asked = check_filter(&stored, kind, &filter, &runtime)?;
                resolved.set((yes + u32::from(asked), all + 1));
            }
        }
        for (kind, orders) in [(User, user_orders), (Group, group_orders)] {
            for order in orders {
                check_order(&stored, kind, order, &runtime)?;
            }
        }
        Ok(())
    });
    outcome.unwrap();
    let (yes, all) = resolved.get();
    assert!(yes * 2 > all, "most random filters are meaningful: {yes} of {all}");
}

#[test]
fn sqlite_finds_what_memory_finds() {
    run(Backend::sqlite());
}

#[test]
fn postgres_finds_what_memory_finds() {
    run(Backend::postgres());
}
