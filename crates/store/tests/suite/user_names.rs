//! `userName` is unique by its key, also among users that an earlier version has stored.

use crate::{backend::Backend, on_both_databases, restore::restore, world::*};
use scim::{
    comparison::{fold, user_name_key},
    event::EventKind,
    filter::Filter,
    resource::Keys,
    schema::{ResourceKind::User, ResourceType},
};
use serde_json::Value;
use store::*;
use uuid::Uuid;

on_both_databases!(
    equal_names_are_taken,
    of_equal_names_at_the_same_moment_one_is_taken,
    a_deleted_user_comes_back_unless_an_equal_name_is_taken,
    keys_of_an_earlier_version_are_made_anew,
    many_old_keys_are_made_anew_in_slices,
    what_was_interrupted_goes_on,
    two_processes_make_the_keys_anew,
    changes_at_the_same_moment_break_nothing,
    each_user_finds_itself_while_a_collision_is_open,
    an_unchanged_name_keeps_its_key,
    a_collision_ends_when_a_user_is_renamed_or_deleted,
    of_several_equal_names_one_after_the_other_gets_the_key,
    a_change_of_the_user_ends_its_collision,
    a_user_who_was_deleted_earlier_comes_back_under_its_key,
    collisions_are_listed_page_by_page_and_for_one_tenant,
);

/// One name: composed, decomposed, and in fullwidth letters.
const NFC: &str = "Jos\u{e9}@example.com";
const NFD: &str = "Jose\u{301}@example.com";
const WIDE: &str = "\u{ff2a}os\u{e9}@example.com";

/// Before every user.
const FIRST: ResourceId = ResourceId(Uuid::nil());

/// The document of a user as an earlier version has stored it: its key is lower case.
fn earlier(name: &str) -> Document {
    let document = user(name);
    let keys = Keys { user_name: Some(fold(name)), lower_user_name: None, ..document.keys };
    Document { keys, ..document }
}

async fn earlier_user(world: &World, name: &str) -> ResourceId {
    let id = new_id();
    world.commit(create(User, id, earlier(name), &[])).await.unwrap();
    id
}

/// The tenant as an earlier version leaves it.
fn upgrade(world: &World) {
    let tenant = world.backend.key(world.tenant.0);
    world.backend.execute(&format!(
        "UPDATE feeds SET user_name_key_version = 1, user_names_keyed_to = NULL WHERE tenant_id = {tenant}"
    ));
}

/// Makes all keys anew; how many users have a new one.
async fn rekey(store: &Store) -> u64 {
    let done = store.rekey_user_names().await.unwrap();
    assert_eq!(done.fault, None);
    done.users
}

/// Users of these names as an earlier version has stored them, after the upgrade.
async fn upgraded(world: &World, names: &[&str]) -> Vec<ResourceId> {
    let mut ids = Vec::new();
    for name in names {
        ids.push(earlier_user(world, name).await);
    }
    upgrade(world);
    rekey(world.store()).await;
    ids
}

/// Under what a user is stored.
fn key_of(world: &World, id: ResourceId) -> String {
    let (tenant, id) = (world.backend.key(world.tenant.0), world.backend.key(id.0));
    world
        .backend
        .names(&format!("SELECT user_name AS name FROM users WHERE tenant_id = {tenant} AND id = {id}"))
        .remove(0)
}

async fn found(world: &World, name: &str) -> Option<ResourceId> {
    let row = world.store().user_by_name(world.tenant, name.to_owned(), true).await.unwrap();
    row.map(|row| row.id)
}

async fn filtered(world: &World, filter: &str) -> Vec<ResourceId> {
    let condition = Filter::parse(filter).unwrap().resolve(ResourceType::of(User)).unwrap();
    let page = world.list(Listing { condition: Some(condition), ..everything(User) }).await;
    assert_eq!(page.total, page.rows.len() as u64);
    page.rows.into_iter().map(|row| row.id).collect()
}

/// What each way to ask for a name finds.
async fn assert_found(world: &World, name: &str, id: ResourceId) {
    assert_eq!(found(world, name).await, Some(id), "{name:?}");
    assert_eq!(found(world, &name.to_uppercase()).await, Some(id), "{name:?} in capitals");
    let name = Value::from(name).to_string();
    for filter in [
        format!("userName eq {name}"),
        format!("userName eq {name} and active eq true"),
        format!("not (userName ne {name})"),
    ] {
        assert_eq!(filtered(world, &filter).await, [id], "{filter}");
    }
}

/// The users of the open collisions, each with the user whose name is equal.
async fn collisions(world: &World) -> Vec<(ResourceId, ResourceId)> {
    let rows = world.store().user_name_collisions(world.tenant, FIRST, 100).await.unwrap();
    rows.iter().map(|row| (row.user.id, row.equal.id)).collect()
}

async fn settle(world: &World) -> bool {
    world.store().settle_user_names(world.tenant).await.unwrap()
}

/// PUT and PATCH of a user who keeps its name, as the rooms above commit them.
async fn retitle(world: &World, id: ResourceId, name: &str, title: &str) -> Result<Committed, CommitError> {
    let row = world.row(User, id).await.unwrap();
    let before: Value = serde_json::from_str(&row.document).unwrap();
    world.commit(replaced(id, row.version, &before, &titled(name, title))).await
}

fn assert_each_key_is_unique(world: &World) {
    let keys = world.number("SELECT count(DISTINCT user_name) FROM users WHERE tenant_id = $");
    assert_eq!(keys, world.number("SELECT count(*) FROM users WHERE tenant_id = $"));
}

async fn equal_names_are_taken(backend: Backend) {
    let world = World::new(backend).await;
    let other = World::new(world.backend.clone()).await;
    let jose = world.user(NFC).await;
    let ana = world.user("ana").await;
    for name in [NFC, NFD, WIDE, "JOSE\u{301}@EXAMPLE.COM"] {
        assert_eq!(
            world.commit(create_user(new_id(), name)).await,
            Err(CommitError::UserNameTaken),
            "{name:?}"
        );
        assert_eq!(world.commit(replace(User, ana, None, user(name))).await, Err(CommitError::UserNameTaken));
        assert_eq!(retitle(&world, ana, name, "a").await, Err(CommitError::UserNameTaken));
        assert_found(&world, name, jose).await;
        // Its own name in another spelling.
        world.commit(replace(User, jose, None, user(name))).await.unwrap();
        assert_found(&world, NFC, jose).await;
        assert_eq!(key_of(&world, jose), user_name_key(NFC));
    }
    let (nfd, prefix) = (Value::from(NFD), Value::from("\u{ff2a}OSE\u{301}"));
    for filter in
        [format!("userName sw {prefix}"), format!("userName co {prefix}"), format!("userName ew {nfd}")]
    {
        assert_eq!(filtered(&world, &filter).await, [jose], "{filter}");
    }
    other.user(NFD).await;
}

async fn of_equal_names_at_the_same_moment_one_is_taken(backend: Backend) {
    let world = World::new(backend).await;
    let other = world.backend.open_again();
    let create = |name| create_user(new_id(), name);
    let (one, two, three) = tokio::join!(
        world.commit(create(NFC)),
        world.commit(create(NFD)),
        other.commit(world.tenant, create(WIDE)),
    );
    let created = [one, two, three].into_iter().filter(|created| match created {
        Ok(_) => true,
        Err(error) => *error != CommitError::UserNameTaken,
    });
    assert_eq!(created.count(), 1);
    assert_eq!(world.number("SELECT count(*) FROM users WHERE tenant_id = $"), 1);
}

async fn a_deleted_user_comes_back_unless_an_equal_name_is_taken(backend: Backend) {
    let world = World::new(backend).await;
    let jose = world.user(NFD).await;
    world.commit(delete(User, jose, None)).await.unwrap();
    let row = world.store().deleted_resource(world.tenant, jose).await.unwrap().unwrap();
    let other = world.user(WIDE).await;
    assert_eq!(world.commit(restore(&row)).await, Err(CommitError::UserNameTaken));
    world.commit(delete(User, other, None)).await.unwrap();
    world.commit(restore(&row)).await.unwrap();
    assert_found(&world, NFC, jose).await;
}

async fn keys_of_an_earlier_version_are_made_anew(backend: Backend) {
    let world = World::new(backend).await;
    let names = ["ana", "\u{e5}sa", NFD, "\u{ff21}na@contoso.com", "\u{e9}"];
    let mut ids = Vec::new();
    for name in names {
        ids.push(earlier_user(&world, name).await);
    }
    let (ana, jose) = (ids[0], ids[2]);
    let sales = world.group("Sales", &[ana, jose]).await;
    let before = world.list(everything(User)).await.rows;
    let log = world.number("SELECT count(*) FROM change_log WHERE tenant_id = $");
    upgrade(&world);
    // Until then each spelling finds its own user.
    assert_eq!((found(&world, NFD).await, found(&world, NFC).await), (Some(jose), None));
    assert_eq!(rekey(world.store()).await, 2);
    for (name, id) in names.into_iter().zip(ids) {
        assert_eq!(key_of(&world, id), user_name_key(name));
        assert_found(&world, name, id).await;
    }
    assert_found(&world, NFC, jose).await;
    // Nobody sees a change.
    assert_eq!(world.list(everything(User)).await.rows, before);
    assert_eq!(world.members(sales).await.users.len(), 2);
    assert_eq!(world.number("SELECT count(*) FROM change_log WHERE tenant_id = $"), log);
    // It is done once.
    let version = "SELECT CAST(user_name_key_version AS bigint) FROM feeds WHERE tenant_id = $";
    assert_eq!(world.number(version), i64::from(scim::comparison::USER_NAME_KEY_VERSION));
    assert_eq!((rekey(world.store()).await, collisions(&world).await), (0, vec![]));
    // A new tenant has nothing to be done.
    let new = World::new(world.backend.clone()).await;
    assert_eq!(new.number(version), i64::from(scim::comparison::USER_NAME_KEY_VERSION));
}

/// Stores many users: every `each`th under the lower case of a fullwidth name.
fn many(world: &World, count: u32, each: u32) {
    let tenant = world.backend.key(world.tenant.0);
    let id = match tenant.starts_with('x') {
        true => "unhex(printf('%032x', i))",
        false => "lpad(to_hex(i), 32, '0')::uuid",
    };
    let name = format!("(CASE WHEN i % {each} = 0 THEN '\u{ff41}' ELSE 'a' END) || i");
    world.backend.execute(&format!(
        "INSERT INTO users (tenant_id, id, user_name, active, version, created_at, modified_at, document) \
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) \
         SELECT {tenant}, {id}, {name}, TRUE, 1, 1, 1, '{{}}' FROM n"
    ));
    upgrade(world);
}

fn old_keys(world: &World) -> i64 {
    world.number("SELECT count(*) FROM users WHERE tenant_id = $ AND user_name LIKE '\u{ff41}%'")
}

async fn many_old_keys_are_made_anew_in_slices(backend: Backend) {
    let world = World::new(backend).await;
    for each in [1, 7, 1000] {
        world.backend.execute("DELETE FROM users");
        many(&world, 2100, each);
        assert_eq!(rekey(world.store()).await, u64::from(2100 / each));
        assert_eq!((old_keys(&world), collisions(&world).await), (0, vec![]));
    }
}

/// A process was killed when it had done the first thousand users.
async fn what_was_interrupted_goes_on(backend: Backend) {
    let world = World::new(backend).await;
    many(&world, 1100, 10);
    let (tenant, place) = (world.backend.key(world.tenant.0), world.backend.key(Uuid::from_u128(1000)));
    let stop = format!("UPDATE feeds SET user_names_keyed_to = {place} WHERE tenant_id = {tenant}");
    world.backend.execute(&stop);
    assert_eq!(rekey(&world.backend.open_again()).await, 10, "those behind the place");
    assert_eq!(old_keys(&world), 100);
    upgrade(&world);
    assert_eq!(rekey(world.store()).await, 100);
}

async fn two_processes_make_the_keys_anew(backend: Backend) {
    let world = World::new(backend).await;
    many(&world, 500, 2);
    let other = world.backend.open_again();
    let (one, two) = tokio::join!(rekey(world.store()), rekey(&other));
    assert_eq!((one + two, old_keys(&world)), (250, 0));
    assert_eq!(collisions(&world).await, []);
}

/// In any order of creation, no key exists twice, and each user is found by its own spelling.
async fn changes_at_the_same_moment_break_nothing(backend: Backend) {
    let world = World::new(backend).await;
    for round in 0..10 {
        let name = |name: &str| format!("{round}{name}");
        let jose = earlier_user(&world, &name(NFD)).await;
        let ana = earlier_user(&world, &name("ana")).await;
        upgrade(&world);
        let new = new_id();
        let (_, created, renamed) = tokio::join!(
            rekey(world.store()),
            world.commit(create_user(new, &name(NFC))),
            world.commit(replace(User, ana, None, user(&name(WIDE)))),
        );
        assert_each_key_is_unique(&world);
        assert_eq!(found(&world, &name(NFD)).await, Some(jose));
        if created.is_ok() {
            assert_eq!(found(&world, &name(NFC)).await, Some(new));
        }
        if renamed.is_ok() {
            assert_eq!(found(&world, &name(WIDE)).await, Some(ana));
        }
        // The list of collisions has each user that is not stored under its key.
        let known = collisions(&world).await.len();
        let others = usize::from(created.is_ok()) + usize::from(renamed.is_ok());
        assert_eq!(known, others, "{created:?} {renamed:?}");
        for id in [jose, ana, new] {
            let _ = world.commit(delete(User, id, None)).await;
        }
        assert!(!settle(&world).await);
    }
}

async fn each_user_finds_itself_while_a_collision_is_open(backend: Backend) {
    for (names, holder) in [
        // The older one has the key already.
        (&[NFC, NFD][..], 0),
        // The newer one has it, and keeps it.
        (&[NFD, NFC], 1),
        // Nobody has it, and the older one gets it.
        (&[NFD, WIDE], 0),
        (&[WIDE, NFD], 0),
        (&[WIDE, NFD, NFC], 2),
    ] {
        let world = World::new(backend.clone()).await;
        let neighbour = World::new(backend.clone()).await;
        let theirs = neighbour.user(NFD).await;
        let ids = upgraded(&world, names).await;
        for (place, (name, id)) in names.iter().zip(&ids).enumerate() {
            assert_found(&world, name, *id).await;
            let kept = if place == holder { user_name_key(name) } else { fold(name) };
            assert_eq!(key_of(&world, *id), kept, "{names:?} {place}");
        }
        let third = "JOSE\u{301}\u{ff20}example.com";
        assert_found(&world, third, ids[holder]).await;
        assert_eq!(world.commit(create_user(new_id(), third)).await, Err(CommitError::UserNameTaken));
        let others: Vec<_> =
            ids.iter().filter(|id| **id != ids[holder]).map(|id| (*id, ids[holder])).collect();
        assert_eq!(collisions(&world).await, others, "{names:?}");
        assert!(settle(&world).await, "nothing is over");
        assert_eq!(collisions(&world).await, others);
        assert_each_key_is_unique(&world);
        assert_found(&neighbour, WIDE, theirs).await;
    }
}

async fn an_unchanged_name_keeps_its_key(backend: Backend) {
    let world = World::new(backend).await;
    let ids = upgraded(&world, &[NFC, NFD]).await;
    for (name, id) in [NFC, NFD].into_iter().zip(&ids) {
        let key = key_of(&world, *id);
        // PATCH and PUT, with and without a version, and in other letters.
        retitle(&world, *id, name, "a").await.unwrap();
        world.commit(replace(User, *id, None, user(name))).await.unwrap();
        retitle(&world, *id, &name.to_uppercase(), "b").await.unwrap();
        let (one, two) = tokio::join!(
            world.commit(replace(User, *id, None, user(name))),
            world.commit(replace(User, ids[0], None, user(NFC))),
        );
        assert!(one.is_ok() && two.is_ok());
        assert_eq!(key_of(&world, *id), key);
        assert_found(&world, name, *id).await;
    }
    assert_eq!(collisions(&world).await, [(ids[1], ids[0])]);
    // The name of the other one, in its spelling or another, is taken.
    for name in [NFC, WIDE] {
        assert_eq!(retitle(&world, ids[1], name, "c").await, Err(CommitError::UserNameTaken));
    }
    assert_eq!(retitle(&world, ids[0], NFD, "c").await, Err(CommitError::UserNameTaken));
    // Other changes touch no key.
    world.group("Sales", &ids).await;
    world.commit(change(User, ids[1], EventKind::Patch, Action::Record)).await.unwrap();
    assert_eq!(key_of(&world, ids[1]), fold(NFD));
}

async fn a_collision_ends_when_a_user_is_renamed_or_deleted(backend: Backend) {
    enum End {
        Renamed,
        Deleted,
    }
    for (end, place) in [(End::Renamed, 0), (End::Renamed, 1), (End::Deleted, 0), (End::Deleted, 1)] {
        let world = World::new(backend.clone()).await;
        let ids = upgraded(&world, &[NFC, NFD]).await;
        assert_eq!(collisions(&world).await, [(ids[1], ids[0])]);
        match end {
            End::Renamed => drop(world.commit(replace(User, ids[place], None, user("other"))).await.unwrap()),
            End::Deleted => drop(world.commit(delete(User, ids[place], None)).await.unwrap()),
        }
        assert_eq!(collisions(&world).await, [], "at once");
        let left = [ids[1], ids[0]][place];
        // Before the gateway looks, the name is not free.
        assert_eq!(world.commit(create_user(new_id(), NFD)).await, Err(CommitError::UserNameTaken));
        assert!(!settle(&world).await);
        assert_eq!(world.number("SELECT count(*) FROM user_name_collisions WHERE tenant_id = $"), 0);
        assert_eq!(key_of(&world, left), user_name_key(NFC));
        for name in [NFC, NFD, WIDE] {
            assert_found(&world, name, left).await;
            assert_eq!(world.commit(create_user(new_id(), name)).await, Err(CommitError::UserNameTaken));
        }
    }
}

async fn of_several_equal_names_one_after_the_other_gets_the_key(backend: Backend) {
    let world = World::new(backend).await;
    let ids = upgraded(&world, &[NFC, NFD, WIDE]).await;
    assert_eq!(collisions(&world).await, [(ids[1], ids[0]), (ids[2], ids[0])]);
    world.commit(delete(User, ids[0], None)).await.unwrap();
    assert!(settle(&world).await);
    assert_eq!(collisions(&world).await, [(ids[2], ids[1])]);
    assert_found(&world, WIDE, ids[2]).await;
    assert_found(&world, NFC, ids[1]).await;
    world.commit(delete(User, ids[1], None)).await.unwrap();
    assert!(!settle(&world).await);
    assert_found(&world, NFC, ids[2]).await;
}

/// PUT and PATCH give a user its key as soon as that is free.
async fn a_change_of_the_user_ends_its_collision(backend: Backend) {
    let world = World::new(backend).await;
    let ids = upgraded(&world, &[NFC, NFD]).await;
    world.commit(delete(User, ids[0], None)).await.unwrap();
    retitle(&world, ids[1], NFD, "a").await.unwrap();
    assert_eq!(key_of(&world, ids[1]), user_name_key(NFC));
    assert_found(&world, WIDE, ids[1]).await;
    assert!(!settle(&world).await);
}

async fn a_user_who_was_deleted_earlier_comes_back_under_its_key(backend: Backend) {
    let world = World::new(backend).await;
    let [jose, other] = [earlier_user(&world, NFD).await, earlier_user(&world, NFC).await];
    for id in [jose, other] {
        world.commit(delete(User, id, None)).await.unwrap();
    }
    let row = async |id| world.store().deleted_resource(world.tenant, id).await.unwrap().unwrap();
    upgrade(&world);
    rekey(world.store()).await;
    world.commit(restore(&row(jose).await)).await.unwrap();
    assert_eq!(key_of(&world, jose), user_name_key(NFC));
    assert_eq!(world.commit(restore(&row(other).await)).await, Err(CommitError::UserNameTaken));
    // One of a collision was deleted.
    let world = World::new(world.backend.clone()).await;
    let ids = upgraded(&world, &[NFC, NFD]).await;
    world.commit(delete(User, ids[1], None)).await.unwrap();
    let row = world.store().deleted_resource(world.tenant, ids[1]).await.unwrap().unwrap();
    assert_eq!(world.commit(restore(&row)).await, Err(CommitError::UserNameTaken));
    world.commit(delete(User, ids[0], None)).await.unwrap();
    world.commit(restore(&row)).await.unwrap();
    assert_found(&world, WIDE, ids[1]).await;
    assert!(!settle(&world).await);
}

async fn collisions_are_listed_page_by_page_and_for_one_tenant(backend: Backend) {
    let world = World::new(backend).await;
    let neighbour = World::new(world.backend.clone()).await;
    let mut expected = Vec::new();
    for n in 0..3 {
        let nfc = earlier_user(&world, &format!("{n}{NFC}")).await;
        expected.push((earlier_user(&world, &format!("{n}{NFD}")).await, nfc));
    }
    upgrade(&world);
    let done = world.store().rekey_user_names().await.unwrap();
    assert_eq!(done.with_collisions.into_iter().collect::<Vec<_>>(), [world.tenant]);
    let page =
        async |behind, limit| world.store().user_name_collisions(world.tenant, behind, limit).await.unwrap();
    let first = page(FIRST, 2).await;
    let names = |row: &UserNameCollision| (row.user.user_name.clone(), row.equal.user_name.clone());
    assert_eq!(names(&first[0]), (format!("0{NFD}"), format!("0{NFC}")));
    let second = page(first[1].user.id, 2).await;
    let listed: Vec<_> = first.iter().chain(&second).map(|row| (row.user.id, row.equal.id)).collect();
    assert_eq!(listed, expected);
    assert_eq!(collisions(&neighbour).await, []);
}
