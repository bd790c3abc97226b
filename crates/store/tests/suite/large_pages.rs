//! Pages that are larger in bytes than they may be, and lists that are read in slices.

use crate::{backend::Backend, on_both_databases, world::*};
use scim::{
    Timestamp,
    event::EventKind,
    schema::ResourceKind::{self, Group, User},
};
use serde_json::json;
use std::collections::BTreeSet;
use store::*;
use uuid::Uuid;

on_both_databases!(
    a_page_ends_before_the_row_that_is_too_much,
    the_first_row_of_a_page_is_there_whatever_its_size,
    groups_of_users_count,
    a_user_shows_a_bounded_number_of_groups,
    members_are_read_in_slices,
    a_page_of_the_change_log_is_bounded_by_bytes,
    a_page_of_deleted_resources_is_bounded_by_bytes,
    a_page_of_the_audit_log_is_bounded_by_bytes,
    hidden_members_are_read_in_slices,
);

const TEXT: usize = 10_000;

/// Users whose documents are somewhat larger than [`TEXT`].
async fn with_large_users(backend: Backend, count: usize) -> (World, Vec<ResourceId>) {
    let world = World::new(backend).await;
    let mut ids = Vec::new();
    for number in 0..count {
        let id = new_id();
        let user = document(User, json!({"userName": format!("u{number}"), "title": "x".repeat(TEXT)}));
        world.commit(create(User, id, user, &[])).await.unwrap();
        ids.push(id);
    }
    (world, ids)
}

fn ids(page: &Page) -> Vec<ResourceId> {
    page.rows.iter().map(|row| row.id).collect()
}

fn within(kind: ResourceKind, from: From, max_bytes: usize) -> Listing {
    Listing { from, max_bytes, ..everything(kind) }
}

async fn a_page_ends_before_the_row_that_is_too_much(backend: Backend) {
    let (world, users) = with_large_users(backend, 7).await;
    let three = 3 * TEXT + TEXT / 2;
    let page = world.list(within(User, From::Offset(2), three)).await;
    assert_eq!(ids(&page), users[2..5]);
    assert_eq!((page.total, page.is_cut), (7, true));
    // A walk sees everybody once.
    let (mut walked, mut from, mut pages) = (Vec::new(), From::After(None), 0);
    loop {
        let page = world.list(within(User, from, three)).await;
        walked.extend(ids(&page));
        pages += 1;
        assert_eq!((page.total, page.is_cut), (7, pages < 3));
        match page.next {
            Some(next) => from = From::After(Some(next)),
            None => break,
        }
    }
    assert_eq!((walked, pages), (users.clone(), 3));
    // As many as were asked for fit: that there are more is no cut.
    let page = world.list(Listing { limit: 3, ..within(User, From::Offset(0), three) }).await;
    assert_eq!((ids(&page), page.is_cut, page.next.is_some()), (users[..3].to_vec(), false, true));
}

async fn the_first_row_of_a_page_is_there_whatever_its_size(backend: Backend) {
    let (world, users) = with_large_users(backend, 2).await;
    let page = world.list(within(User, From::After(None), 1)).await;
    assert_eq!((ids(&page), page.total, page.is_cut), (users[..1].to_vec(), 2, true));
    let page = world.list(within(User, From::After(page.next), 1)).await;
    assert_eq!((ids(&page), page.is_cut, page.next), (users[1..].to_vec(), false, None));
    let page = world.list(Listing { limit: 1, ..within(User, From::Offset(0), 1) }).await;
    assert_eq!((page.rows.len(), page.is_cut), (1, false));
}

async fn groups_of_users_count(backend: Backend) {
    let world = World::new(backend).await;
    let mut users = Vec::new();
    for number in 0..100 {
        users.push(world.user(&format!("u{number}")).await);
    }
    for number in 0..10 {
        world.group(&format!("Group {number}"), &users).await;
    }
    // Each user has ten groups of some 200 bytes each.
    let page = world.list(within(User, From::After(None), 25_000)).await;
    assert!((5..15).contains(&page.rows.len()) && page.is_cut, "{}", page.rows.len());
    assert_eq!(ids(&page), users[..page.rows.len()]);
    assert!(page.rows.iter().all(|row| row.groups.len() == 10));
    let without = Listing { with_groups: false, ..within(User, From::After(None), 25_000) };
    assert!(world.list(without).await.rows.len() > 2 * page.rows.len());
    let all = world.list(within(User, From::After(None), 1_000_000)).await;
    assert_eq!((all.rows.len(), all.is_cut), (100, false));
    assert!(all.rows.iter().all(|row| row.groups.len() == 10));
}

async fn a_user_shows_a_bounded_number_of_groups(backend: Backend) {
    let world = World::new(backend).await;
    let (ana, ben) = (world.user("ana").await, world.user("ben").await);
    let outer = world.group("Outer", &[]).await;
    let mut direct = BTreeSet::new();
    for number in 0..MAX_GROUPS_OF_USER + 5 {
        direct.insert(world.group(&format!("Group {number}"), &[ana]).await);
    }
    let first = *direct.first().unwrap();
    let inner = MemberDelta { add: vec![first], ..MemberDelta::default() };
    world.commit(delta(outer, inner)).await.unwrap();
    let expected: Vec<ResourceId> = direct.iter().take(MAX_GROUPS_OF_USER).copied().collect();
    let shown = |row: &Row| row.groups.iter().map(|group| group.id).collect::<Vec<_>>();
    assert_eq!(shown(&world.row(User, ana).await.unwrap()), expected);
    let page = world.list(within(User, From::After(None), 1)).await;
    assert_eq!((ids(&page), shown(&page.rows[0])), (vec![ana], expected));
    assert!(page.is_cut);
    assert!(world.row(User, ben).await.unwrap().groups.is_empty());
}

async fn members_are_read_in_slices(backend: Backend) {
    let world = World::new(backend).await;
    let mut expected = Vec::new();
    for number in 0..5 {
        expected.push(Member { id: world.user(&format!("u{number}")).await, kind: User });
        expected.push(Member { id: world.group(&format!("g{number}"), &[]).await, kind: Group });
    }
    let ids: Vec<ResourceId> = expected.iter().map(|member| member.id).collect();
    let all = world.group("All", &ids).await;
    world.group("Others", &ids[..3]).await;
    let slice = async |group, after, limit| {
        world.store().members_after(world.tenant, group, after, limit, 0).await.unwrap()
    };
    assert_eq!(slice(all, None, 100).await, expected);
    assert_eq!(slice(all, None, 4).await, expected[..4]);
    assert_eq!(slice(all, Some(ids[3]), 4).await, expected[4..8]);
    assert_eq!(slice(all, Some(ids[9]), 4).await, []);
    assert_eq!(slice(new_id(), None, 4).await, []);
    // One that left is no obstacle, and is not seen any more.
    let gone = MemberDelta { remove: vec![ids[3], ids[4]], ..MemberDelta::default() };
    world.commit(delta(all, gone)).await.unwrap();
    assert_eq!(slice(all, Some(ids[3]), 2).await, expected[5..7]);
}

/// Reads a list page by page to its end. Returns its rows, and how many of them each page has.
async fn walk<T, K: Copy>(
    start: K,
    page: impl AsyncFn(K) -> Slice<T>,
    place: impl Fn(&T) -> K,
) -> (Vec<T>, Vec<usize>) {
    let (mut all, mut lengths, mut before) = (Vec::new(), Vec::new(), start);
    loop {
        let Slice { rows, has_more } = page(before).await;
        lengths.push(rows.len());
        all.extend(rows);
        match all.last() {
            Some(last) if has_more => before = place(last),
            _ => return (all, lengths),
        }
    }
}

async fn a_page_of_the_change_log_is_bounded_by_bytes(backend: Backend) {
    let (world, users) = with_large_users(backend, 7).await;
    let longer = document(User, json!({"userName": "u0", "title": "y".repeat(2 * TEXT)}));
    let before = Some(Before::whole(json!({"title": "x".repeat(2 * TEXT)}).to_string()));
    let members = MemberDelta::default();
    let action = Action::Update { expected: None, before, document: Some(longer), members };
    world.commit(change(User, users[0], EventKind::Put, action)).await.unwrap();
    let read = async |resource, rows, bytes| {
        let bounds = PageBounds { rows, bytes };
        let page =
            async |before| world.store().changes(world.tenant, resource, before, bounds).await.unwrap();
        let (rows, lengths) = walk(i64::MAX, page, |row| row.position).await;
        (rows.iter().map(|row| row.position).collect::<Vec<_>>(), lengths)
    };
    let newest_first: Vec<i64> = (1..=8).rev().collect();
    // The newest change alone is larger than a page: both of its documents count.
    assert_eq!(read(None, 100, 3 * TEXT + TEXT / 2).await, (newest_first.clone(), vec![1, 3, 3, 1]));
    assert_eq!(read(None, 2, 3 * TEXT + TEXT / 2).await, (newest_first.clone(), vec![1, 2, 2, 2, 1]));
    assert_eq!(read(None, 100, usize::MAX).await, (newest_first.clone(), vec![8]));
    assert_eq!(read(None, 8, usize::MAX).await, (newest_first, vec![8]));
    assert_eq!(read(Some(users[0]), 100, 1).await, (vec![8, 1], vec![1, 1]));
    assert_eq!(read(Some(new_id()), 100, 1).await, (vec![], vec![0]));
    // Where the log has only old values, the document that is made of them counts.
    let large = |active| json!({"userName": "u1", "title": "x".repeat(TEXT), "active": active});
    let change = replaced(users[1], 1, &large(true), &large(false));
    world.commit(change).await.unwrap();
    assert_eq!(read(Some(users[1]), 100, 2 * TEXT + TEXT / 2).await, (vec![9, 2], vec![1, 1]));
    assert_eq!(read(Some(users[1]), 100, 3 * TEXT + TEXT / 2).await, (vec![9, 2], vec![2]));
}

async fn a_page_of_deleted_resources_is_bounded_by_bytes(backend: Backend) {
    let (world, users) = with_large_users(backend, 7).await;
    for id in &users {
        world.commit(delete(User, *id, None)).await.unwrap();
    }
    let bounds = PageBounds { rows: 100, bytes: 3 * TEXT + TEXT / 2 };
    let page = async |before| world.store().deleted_resources(world.tenant, before, bounds).await.unwrap();
    let start = (Timestamp(i64::MAX), ResourceId(Uuid::max()));
    let (rows, lengths) = walk(start, page, |row| (row.at, row.id)).await;
    let newest_first: Vec<ResourceId> = users.iter().rev().copied().collect();
    assert_eq!(rows.iter().map(|row| row.id).collect::<Vec<_>>(), newest_first);
    assert_eq!(lengths, [3, 3, 1]);
}

async fn a_page_of_the_audit_log_is_bounded_by_bytes(backend: Backend) {
    let world = World::new(backend).await;
    let by = By { actor: operator_actor("anna"), origin: "192.0.2.7".to_owned(), at: now() };
    let store = world.store();
    for _ in 0..7 {
        let target = "t".to_owned();
        let after = Some(json!("x".repeat(TEXT)));
        let entry =
            AuditEntry { action: "tenant.change", target, tenant: Some(world.tenant), before: None, after };
        store.note(&by, entry).await.unwrap();
    }
    for tenant in [None, Some(world.tenant)] {
        let bounds = PageBounds { rows: 100, bytes: 3 * TEXT + TEXT / 2 };
        let page = async |before| store.audit_rows(tenant, before, bounds).await.unwrap();
        let (rows, lengths) = walk(i64::MAX, page, |row| row.position).await;
        let positions: Vec<i64> = rows.iter().map(|row| row.position).collect();
        // The first row is that of the tenant's creation.
        assert_eq!((positions, lengths), ((1..=8).rev().collect(), vec![3, 3, 2]));
    }
    // The whole log is larger than what is checked together.
    for _ in 0..3 {
        let after = Some(json!("x".repeat(3 * 1024 * 1024)));
        let target = "t".to_owned();
        store
            .note(&by, AuditEntry { action: "tenant.change", target, tenant: None, before: None, after })
            .await
            .unwrap();
    }
    assert_eq!(store.verify_audit().await.unwrap().unwrap().position, 11);
}

async fn hidden_members_are_read_in_slices(backend: Backend) {
    let world = World::new(backend).await;
    let mut users = Vec::new();
    for number in 0..5 {
        users.push(world.user(&format!("u{number}")).await);
    }
    let sales = world.group("Sales", &users).await;
    world.group("Others", &users).await;
    world.commit(delete(Group, sales, None)).await.unwrap();
    let slice = async |group, after, limit| {
        world.store().hidden_members(world.tenant, group, after, limit).await.unwrap()
    };
    assert_eq!(slice(sales, None, 100).await, users);
    assert_eq!(slice(sales, None, 2).await, users[..2]);
    assert_eq!(slice(sales, Some(users[1]), 2).await, users[2..4]);
    assert_eq!(slice(sales, Some(users[4]), 2).await, []);
}
