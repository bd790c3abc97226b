//! Resources, their lists, their lookup keys and their history.

use crate::world::*;
use scim::{
    Profile, Timestamp,
    event::EventKind,
    schema::{
        ResourceKind::{Group, User},
        ResourceType,
    },
    search::{PageLimits, Paging, Position, Query, QueryScope, SortKey, Words},
};
use store::*;
use uuid::Uuid;

/// Listings of each shape, as `src/data/sql/tests.rs` reads them too.
const CASES: &str = include_str!("../../../src/data/sql/cases.txt");

pub(super) async fn use_resources(world: &World) {
    let (store, tenant) = (world.store(), world.tenant);
    let (ana, ben) = (world.user("ana").await, world.user("ben").await);
    let inner = world.group("Inner", &[ana]).await;
    let outer = world.group("Outer", &[inner, ben]).await;
    let mut both = replace(Group, outer, Some(1), group("Outside"));
    if let Action::Update { members, .. } = &mut both.action {
        *members = MemberDelta { clear: true, add: vec![ana, inner], remove: Vec::new() };
    }
    world.commit(both).await.unwrap();
    let change_members = MemberDelta { clear: false, add: vec![ben], remove: vec![ana] };
    world.commit(delta(outer, change_members)).await.unwrap();
    world.commit(replace(User, ana, None, user("anna"))).await.unwrap();
    world.commit(replaced(ana, 2, &user_body("anna"), &titled("anna", "Lead"))).await.unwrap();
    world.commit(change(User, ana, EventKind::Patch, Action::Record)).await.unwrap();
    assert_eq!(world.commit(create_user(new_id(), "ben")).await, Err(CommitError::UserNameTaken));
    assert!(store.user_by_name(tenant, "anna".to_owned(), true).await.unwrap().is_some());
    assert!(world.row(User, ana).await.is_some_and(|row| row.groups.len() == 2));
    assert!(world.row(Group, inner).await.is_some());
    assert_eq!(world.members(outer).await.users, [ben]);
    assert_eq!(store.member_count(tenant, outer).await.unwrap(), 2);
    let first = ResourceId(Uuid::nil());
    assert_eq!(store.members_behind(tenant, outer, first, 10).await.unwrap().len(), 2);
    assert_eq!(store.members_after(tenant, outer, None, 1, 2).await.unwrap().len(), 1);
    assert_eq!(store.names_of(tenant, vec![ana, outer]).await.unwrap().len(), 2);
    world.commit(delete(User, ben, None)).await.unwrap();
    world.commit(delete(Group, outer, None)).await.unwrap();
}

/// A listing of a line such as `User filter=userName eq "a"&sortBy=title`.
fn listing(line: &str) -> Listing {
    let (kind, query) = line.split_once(' ').unwrap();
    let kind = if kind == "User" { User } else { Group };
    let mut words = Words::default();
    let mut from = From::Offset(0);
    for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
        match name {
            "filter" => words.filter = Some(value.to_owned()),
            "sortBy" => words.sort_by = Some(value.to_owned()),
            "sortOrder" => words.sort_order = Some(value.to_owned()),
            _ => {
                let key = match value.parse() {
                    Ok(number) => Some(SortKey::Number(number)),
                    Err(_) => Some(SortKey::Text(value.to_owned())).filter(|_| value != "absent"),
                };
                from = From::After(Some(Position { key, id: Uuid::from_u128(1).to_string() }));
            }
        }
    }
    let limits = PageLimits { default: 1, max: 1 };
    let scope = QueryScope { tenant: [7; 16], profile: Profile::Entra, limits };
    let Query { condition, sort, paging, .. } = words.check(ResourceType::of(kind), &scope).unwrap();
    let Paging::Index { count, .. } = paging else { panic!("no cursor was given") };
    Listing { kind, condition, sort, from, limit: count, with_groups: true, max_bytes: usize::MAX }
}

pub(super) async fn use_listings(world: &World) {
    for line in CASES.lines().filter(|line| !line.is_empty()) {
        world.list(listing(line)).await;
        world.list(Listing { limit: 0, ..listing(line) }).await;
    }
}

/// Lists by `eq` without keys, which wait for a slow list and then share a scan.
pub(super) async fn use_shared_scans(world: &World) {
    let numbers = match world.backend.key(world.tenant.0).starts_with('x') {
        true => "randomblob(16), 'n' || n.i",
        false => "gen_random_uuid(), 'n' || n.i",
    };
    world.backend.execute(&format!(
        "/* Many users */ INSERT INTO users (tenant_id, id, user_name, active, version, created_at, modified_at, document) \
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) \
         SELECT {}, {numbers}, TRUE, 1, 0, 0, '{{\"title\":\"x\"}}' FROM n",
        world.backend.key(world.tenant.0)
    ));
    let terms: Vec<String> = (0..190).map(|n| format!("title co \"zz{n}\"")).collect();
    let lines = [
        format!("User filter={}", terms.join(" or ")),
        "User filter=nickName eq \"a\"".to_owned(),
        "User filter=nickName eq \"b\"".to_owned(),
        "User filter=displayName eq \"a\"".to_owned(),
        "User filter=displayName eq \"b\"".to_owned(),
        "User filter=phoneNumbers[type eq \"work\"].value eq \"a\"".to_owned(),
        "User filter=phoneNumbers[type eq \"work\"].value eq \"b\"".to_owned(),
    ];
    let slow = || world.store().lanes().into_iter().find(|lane| lane.lane == Lane::Slow).unwrap();
    let begun = || slow().waited.buckets.iter().sum::<u64>();
    let (before, mut lists) = (begun(), Vec::new());
    for (waiting, line) in (0..).zip(&lines) {
        let (store, tenant, listing) = (world.store().clone(), world.tenant, listing(line));
        lists.push(tokio::spawn(async move { store.list(tenant, listing).await }));
        while begun() == before || slow().depth < waiting {
            tokio::task::yield_now().await;
        }
    }
    lists[0].abort();
    for list in lists.drain(1..) {
        assert_eq!(list.await.unwrap().unwrap().total, 0);
    }
    assert_eq!(begun() - before, 4);
    world
        .backend
        .execute("/* Many users */ DELETE FROM users WHERE CAST(document AS text) LIKE '%\"title\":\"x\"%'");
}

/// Paths come, are filled, used and kept up to date; one is replaced by a ninth, all end.
pub(super) async fn use_lookup_keys(world: &World) {
    let (store, tenant) = (world.store().for_clients(), world.tenant);
    let begun = now();
    let tend = async |days: i64| {
        let at = Timestamp(begun.0 + days * 24 * 3_600_000);
        while store.tend_lookups(at).await.unwrap() {}
    };
    let lines = CASES.lines().filter(|line| line.starts_with("User filter=") && line.contains(" eq \""));
    for line in lines.clone() {
        for _ in 0..5 {
            store.list(tenant, listing(line)).await.unwrap();
        }
        tend(0).await;
    }
    for line in lines {
        store.list(tenant, listing(line)).await.unwrap();
        store.list(tenant, Listing { limit: 0, ..listing(line) }).await.unwrap();
    }
    let lead = |title: &str| {
        let body = serde_json::json!({"userName": "lead", "title": title, "emails": [{"value": title}]});
        document(User, body)
    };
    let id = new_id();
    world.commit(create(User, id, lead("first"), &[])).await.unwrap();
    let action = Action::Update {
        expected: Some(1),
        before: Some(Before::whole(lead("first").json)),
        document: Some(lead("second")),
        members: MemberDelta::default(),
    };
    world.commit(change(User, id, EventKind::Patch, action)).await.unwrap();
    world.backend.execute("/* A newer version */ UPDATE lookup_paths SET version = 99 WHERE path = 'title'");
    world.commit(delete(User, id, None)).await.unwrap();
    for days in [100, 101, 300, 301] {
        tend(days).await;
    }
}

/// Keys of an earlier version are made anew, one of them in vain until the other user is renamed.
pub(super) async fn use_user_names(world: &World) {
    let (store, tenant) = (world.store(), world.tenant);
    let (ida, ivo) = (world.user("ida").await, world.user("ivo").await);
    let key = |id: ResourceId, name: &str| {
        let (tenant, id) = (world.backend.key(tenant.0), world.backend.key(id.0));
        world.backend.execute(&format!(
            "/* An earlier key */ UPDATE users SET user_name = '{name}' WHERE tenant_id = {tenant} AND id = {id}"
        ));
    };
    key(ida, "\u{ff49}da");
    key(ivo, "i\u{ff44}a");
    world.backend.execute("/* An earlier version */ UPDATE feeds SET user_name_key_version = 1");
    let done = store.rekey_user_names().await.unwrap();
    assert_eq!((done.users, done.with_collisions.len(), done.fault), (1, 1, None));
    let first = ResourceId(Uuid::nil());
    assert_eq!(store.user_name_collisions(tenant, first, 10).await.unwrap().len(), 1);
    assert!(store.user_by_name(tenant, "i\u{ff44}a".to_owned(), false).await.unwrap().is_some());
    world.commit(delete(User, ida, None)).await.unwrap();
    assert!(!store.settle_user_names(tenant).await.unwrap());
    // More users than a slice reads.
    world.backend.execute(&format!(
        "/* Many users */ INSERT INTO users (tenant_id, id, user_name, active, version, created_at, modified_at, document) \
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) \
         SELECT {0}, {1}, 'n' || n.i, TRUE, 1, 0, 0, '{{\"title\":\"x\"}}' FROM n",
        world.backend.key(tenant.0),
        if world.backend.key(tenant.0).starts_with('x') { "randomblob(16)" } else { "gen_random_uuid()" }
    ));
    world.backend.execute("/* An earlier version */ UPDATE feeds SET user_name_key_version = 1");
    assert_eq!(store.rekey_user_names().await.unwrap().users, 0);
    world
        .backend
        .execute("/* Many users */ DELETE FROM users WHERE CAST(document AS text) LIKE '%\"title\":\"x\"%'");
}

/// Another process has moved the feed between facts and rows: the writer locks it and decides again.
pub(super) async fn lose_a_race(world: &World) {
    world.backend.execute(
        "CREATE SEQUENCE moves;
         CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS
         $$ BEGIN IF nextval('moves') = 1 THEN RETURN NULL; END IF; RETURN NEW; END $$;
         CREATE TRIGGER lose BEFORE UPDATE ON feeds FOR EACH ROW EXECUTE FUNCTION lose()",
    );
    world.user("late").await;
    world.backend.execute("DROP TRIGGER lose ON feeds; DROP FUNCTION lose; DROP SEQUENCE moves");
}

fn restore(row: &DeletedRow, document: Document, groups: Vec<ResourceId>) -> Change {
    let action = Action::Restore { deleted: row.version, document, groups };
    change(row.kind, row.id, EventKind::Create, action)
}

pub(super) async fn use_history(world: &World, store: &Store) {
    let tenant = world.tenant;
    let all = (Timestamp(i64::MAX), ResourceId(Uuid::max()));
    let gone = store.deleted_resources(tenant, all, at_most(10)).await.unwrap().rows;
    let [outer, ben] = &gone[..] else { panic!("{gone:?}") };
    assert!(!store.hidden_members(tenant, outer.id, None, 100).await.unwrap().is_empty());
    store.commit(tenant, restore(outer, group("Outside"), Vec::new())).await.unwrap();
    let deleted = store.deleted_resource(tenant, ben.id).await.unwrap().unwrap();
    store.commit(tenant, restore(&deleted, user("ben"), vec![outer.id])).await.unwrap();
    assert!(!store.changes(tenant, Some(ben.id), i64::MAX, at_most(10)).await.unwrap().rows.is_empty());
    assert!(!store.changes(tenant, None, i64::MAX, at_most(10)).await.unwrap().rows.is_empty());
    world.commit(delete(User, ben.id, None)).await.unwrap();
    assert_eq!(store.purge(Timestamp(now().0 + 1), 10).await.unwrap().resources, 1);
}
