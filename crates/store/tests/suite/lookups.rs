//! Lookup keys: what a tenant matches on is found by keys, and never anything else than a scan would find.

use crate::{acts::*, backend::Backend, on_both_databases, world::*};
use scim::{
    Timestamp,
    event::EventKind,
    filter::Filter,
    resource::Keys,
    schema::{ResourceKind::User, ResourceType},
};
use serde_json::{Value, json};
use store::*;

on_both_databases!(
    what_a_tenant_matches_on_is_found_by_keys,
    every_shape_of_eq_is_found_by_keys,
    each_change_keeps_the_keys,
    two_processes_keep_the_keys_of_one_tenant,
    a_process_that_makes_other_keys_ends_the_path,
    a_tenant_has_eight_paths_and_the_one_that_saves_least_goes,
    a_path_that_nobody_uses_ends,
    a_long_fill_goes_in_slices_and_is_not_trusted_before,
    what_a_script_tries_once_gets_no_keys,
    a_tenant_is_deleted_with_its_keys,
);

const DAY: i64 = 24 * 3_600_000;
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// A user of whom several attributes are known.
fn person(name: &str) -> Document {
    let body = json!({
        "userName": name,
        "title": format!("Title {name}"),
        "name": {"familyName": format!("Family {name}")},
        "phoneNumbers": [{"type": "work", "value": format!("+1 {name}")}, {"type": "home", "value": "+2"}],
        ENTERPRISE: {"employeeNumber": format!("N-{name}")},
    });
    document(User, body)
}

async fn add(world: &World, store: &Store, name: &str) -> ResourceId {
    let id = new_id();
    store.commit(world.tenant, create(User, id, person(name), &[])).await.unwrap();
    id
}

async fn find(world: &World, store: &Store, filter: &str) -> Vec<ResourceId> {
    let condition = Filter::parse(filter).unwrap().resolve(ResourceType::of(User)).unwrap();
    let listing = Listing { condition: Some(condition), ..everything(User) };
    let page = store.for_clients().list(world.tenant, listing).await.unwrap();
    assert_eq!(page.total, page.rows.len() as u64);
    page.rows.into_iter().map(|row| row.id).collect()
}

/// Asks as often as it takes for a path to be wanted.
async fn match_on(world: &World, store: &Store, filter: &str) {
    for _ in 0..5 {
        find(world, store, filter).await;
    }
}

async fn tend(store: &Store, at: Timestamp) {
    while store.tend_lookups(at).await.unwrap() {}
}

/// The same after a leap of the test's clock, which is trusted a day later.
async fn tend_days_later(store: &Store, since: Timestamp, days: i64) {
    for days in [days - 1, days] {
        tend(store, Timestamp(since.0 + days * DAY)).await;
    }
}

/// Paths as `path state`, in the order in which they came.
fn paths(world: &World) -> Vec<String> {
    let of_tenant = world.backend.key(world.tenant.0);
    world.backend.names(&format!(
        "SELECT path || ' ' || state AS name FROM lookup_paths WHERE tenant_id = {of_tenant} ORDER BY id"
    ))
}

fn keys(world: &World) -> i64 {
    world.number("SELECT count(*) FROM lookup_keys WHERE tenant_id = $")
}

async fn what_a_tenant_matches_on_is_found_by_keys(backend: Backend) {
    let world = World::new(backend).await;
    let neighbour = World::new(world.backend.clone()).await;
    let ana = add(&world, world.store(), "ana").await;
    add(&neighbour, world.store(), "ana").await;
    add(&world, world.store(), "ben").await;
    let filter = "title eq \"TITLE ana\"";
    match_on(&world, world.store(), filter).await;
    tend(world.store(), now()).await;
    assert_eq!(paths(&world), ["title filled"]);
    assert_eq!(paths(&neighbour), [""; 0]);
    assert_eq!(find(&world, world.store(), filter).await, [ana]);
    // It is the keys that find it: without them it is not found.
    world.backend.execute("DELETE FROM lookup_keys");
    assert_eq!(find(&world, world.store(), filter).await, []);
}

async fn every_shape_of_eq_is_found_by_keys(backend: Backend) {
    let world = World::new(backend).await;
    let ana = add(&world, world.store(), "ana").await;
    add(&world, world.store(), "ben").await;
    let filters = [
        "title eq \"Title ana\"".to_owned(),
        "name.familyName eq \"family ANA\"".to_owned(),
        "phoneNumbers[type eq \"work\"].value eq \"+1 ana\"".to_owned(),
        format!("{ENTERPRISE}:employeeNumber eq \"n-ana\""),
    ];
    for filter in &filters {
        match_on(&world, world.store(), filter).await;
    }
    tend(world.store(), now()).await;
    let all_of_them = [
        &filters[..],
        // The same keys find these, and the whole condition is tested.
        &[
            "phoneNumbers.value eq \"+1 ANA\"".to_owned(),
            "phoneNumbers[value eq \"+1 ana\" and type eq \"WORK\"]".to_owned(),
            "employeeNumber eq \"N-ana\" and active ne false".to_owned(),
            "title eq \"title ana\" and userName co \"n\"".to_owned(),
        ],
    ];
    for filter in all_of_them.concat() {
        assert_eq!(find(&world, world.store(), &filter).await, [ana], "{filter}");
    }
    for none in [
        "phoneNumbers[type eq \"home\"].value eq \"+1 ana\"",
        "title eq \"Title ana\" and userName eq \"ben\"",
        "title eq \"Title\"",
    ] {
        assert_eq!(find(&world, world.store(), none).await, [], "{none}");
    }
}

async fn each_change_keeps_the_keys(backend: Backend) {
    let world = World::new(backend).await;
    let (store, tenant) = (world.store(), world.tenant);
    let ana = add(&world, store, "ana").await;
    match_on(&world, store, "title eq \"Title ana\"").await;
    tend(store, now()).await;
    let is_found = async |name: &str| find(&world, store, &format!("title eq \"Title {name}\"")).await;
    let ben = add(&world, store, "ben").await;
    assert_eq!(is_found("ben").await, [ben]);
    // Two changes of one batch, or of two.
    let renamed = |before: &str, after: &str, version| {
        let action = Action::Update {
            expected: Some(version),
            before: Some(Before::whole(person(before).json)),
            document: Some(person(after)),
            members: MemberDelta::default(),
        };
        store.commit(tenant, change(User, ana, EventKind::Patch, action))
    };
    let (first, second) = tokio::join!(renamed("ana", "anna", 1), renamed("anna", "hanna", 2));
    assert!(first.is_ok() && second.is_ok());
    assert_eq!(is_found("ana").await, []);
    assert_eq!(is_found("anna").await, []);
    assert_eq!(is_found("hanna").await, [ana]);
    assert_eq!(keys(&world), 2, "no key is left behind");
    world.commit(delete(User, ana, None)).await.unwrap();
    assert_eq!(is_found("hanna").await, []);
    assert_eq!(keys(&world), 1);
    let row = store.deleted_resource(tenant, ana).await.unwrap().unwrap();
    let document: serde_json::Map<String, Value> = serde_json::from_str(&row.document).unwrap();
    let action = Action::Restore {
        deleted: row.version,
        document: Document { json: row.document, keys: Keys::of(&document) },
        groups: Vec::new(),
    };
    store.commit(tenant, change(User, ana, EventKind::Create, action)).await.unwrap();
    assert_eq!(is_found("hanna").await, [ana]);
    // What it was before is not known here: it is found by what it is.
    world.commit(replace(User, ana, None, person("joanna"))).await.unwrap();
    assert_eq!(is_found("joanna").await, [ana]);
    assert_eq!(is_found("hanna").await, []);
}

async fn two_processes_keep_the_keys_of_one_tenant(backend: Backend) {
    let world = World::new(backend).await;
    let elsewhere = world.backend.open_again();
    add(&world, &elsewhere, "ana").await;
    match_on(&world, world.store(), "title eq \"x\"").await;
    // The first process begins the path, the other one has part in filling it.
    world.store().tend_lookups(now()).await.unwrap();
    let ben = add(&world, &elsewhere, "ben").await;
    tend(&elsewhere, now()).await;
    assert_eq!(paths(&world), ["title filled"]);
    let carl = add(&world, &elsewhere, "carl").await;
    for store in [world.store(), &elsewhere] {
        assert_eq!(find(&world, store, "title eq \"Title ben\"").await, [ben]);
        assert_eq!(find(&world, store, "title eq \"Title carl\"").await, [carl]);
    }
    // Both want the same one more: it comes once.
    for store in [world.store(), &elsewhere] {
        match_on(&world, store, "nickName eq \"x\"").await;
    }
    tokio::join!(tend(world.store(), now()), tend(&elsewhere, now()));
    assert_eq!(paths(&world), ["title filled", "nickName filled"]);
}

async fn a_process_that_makes_other_keys_ends_the_path(backend: Backend) {
    let world = World::new(backend).await;
    let ana = add(&world, world.store(), "ana").await;
    match_on(&world, world.store(), "title eq \"x\"").await;
    tend(world.store(), now()).await;
    // As if a newer version had filled it.
    world.backend.execute("UPDATE lookup_paths SET version = 99");
    let ben = add(&world, world.store(), "ben").await;
    assert_eq!(paths(&world), ["title ending"], "its keys are not complete any more");
    for (name, id) in [("ana", ana), ("ben", ben)] {
        assert_eq!(find(&world, world.store(), &format!("title eq \"Title {name}\"")).await, [id]);
    }
    tend(world.store(), now()).await;
    assert_eq!((paths(&world).len(), keys(&world)), (0, 0));
}

async fn a_tenant_has_eight_paths_and_the_one_that_saves_least_goes(backend: Backend) {
    let world = World::new(backend).await;
    add(&world, world.store(), "ana").await;
    let names = [
        "title",
        "nickName",
        "profileUrl",
        "userType",
        "locale",
        "timezone",
        "preferredLanguage",
        "name.givenName",
        "name.familyName",
    ];
    let begun = now();
    for name in names {
        match_on(&world, world.store(), &format!("{name} eq \"x\"")).await;
        tend(world.store(), begun).await;
    }
    let filled = |names: &[&str]| names.iter().map(|name| format!("{name} filled")).collect::<Vec<_>>();
    assert_eq!(paths(&world), filled(&names[..8]), "the ninth has to wait");
    // Ten days later all but one have been used.
    let later = Timestamp(begun.0 + 10 * DAY);
    world.backend.execute("UPDATE lookup_paths SET uses = 1000000 WHERE path <> 'userType'");
    match_on(&world, world.store(), "name.familyName eq \"x\"").await;
    tend(world.store(), later).await;
    let mut left = names.to_vec();
    left.remove(3);
    assert_eq!(paths(&world), filled(&left));
    // What is asked five times an hour saves less than the others.
    world.backend.execute("UPDATE lookup_paths SET uses = 1000000");
    match_on(&world, world.store(), "userType eq \"x\"").await;
    tend(world.store(), Timestamp(later.0 + DAY)).await;
    assert_eq!(paths(&world), filled(&left));
}

async fn a_path_that_nobody_uses_ends(backend: Backend) {
    let world = World::new(backend).await;
    let ana = add(&world, world.store(), "ana").await;
    for filter in ["title eq \"Title ana\"", "nickName eq \"x\""] {
        match_on(&world, world.store(), filter).await;
    }
    let begun = now();
    tend(world.store(), begun).await;
    assert_eq!(paths(&world).len(), 2);
    // Its use is told with the next call, and counts from then.
    find(&world, world.store(), "title eq \"Title ana\"").await;
    tend_days_later(world.store(), begun, 89).await;
    assert_eq!(paths(&world).len(), 2);
    tend_days_later(world.store(), begun, 91).await;
    assert_eq!(paths(&world), ["title filled"]);
    assert_eq!(find(&world, world.store(), "title eq \"Title ana\"").await, [ana]);
    // A clock that has just leapt is not believed.
    tend(world.store(), Timestamp(begun.0 + 500 * DAY)).await;
    assert_eq!(paths(&world), ["title filled"]);
    tend_days_later(world.store(), begun, 502).await;
    assert_eq!((paths(&world).len(), keys(&world)), (0, 0));
    assert_eq!(find(&world, world.store(), "title eq \"Title ana\"").await, [ana]);
}

async fn a_long_fill_goes_in_slices_and_is_not_trusted_before(backend: Backend) {
    let world = World::new(backend).await;
    let commits = (0..450).map(|n| {
        let store = world.store().clone();
        let change = create(User, new_id(), person(&format!("u{n}")), &[]);
        let tenant = world.tenant;
        tokio::spawn(async move { store.commit(tenant, change).await.unwrap() })
    });
    for commit in commits.collect::<Vec<_>>() {
        commit.await.unwrap();
    }
    match_on(&world, world.store(), "title eq \"Title u449\"").await;
    for slice in [200, 400] {
        assert!(world.store().tend_lookups(now()).await.unwrap(), "there is more to do");
        assert_eq!(keys(&world), slice);
        assert_eq!(paths(&world), ["title filling"]);
        assert_eq!(find(&world, world.store(), "title eq \"Title u449\"").await.len(), 1);
    }
    assert!(!world.store().tend_lookups(now()).await.unwrap());
    assert_eq!((keys(&world), paths(&world)), (450, vec!["title filled".to_owned()]));
    // A slice that another process has done meanwhile is not done twice.
    world.backend.execute("UPDATE lookup_paths SET state = 'filling', filled_to = NULL");
    let elsewhere = world.backend.open_again();
    tokio::join!(tend(world.store(), now()), tend(&elsewhere, now()));
    assert_eq!((keys(&world), paths(&world)), (450, vec!["title filled".to_owned()]));
}

async fn what_a_script_tries_once_gets_no_keys(backend: Backend) {
    let world = World::new(backend).await;
    add(&world, world.store(), "ana").await;
    for name in ["title", "nickName", "locale", "userType", "timezone"] {
        for _ in 0..4 {
            find(&world, world.store(), &format!("{name} eq \"x\"")).await;
        }
    }
    // Nor does what an operator looks for, however often.
    let condition = Filter::parse("title eq \"x\"").unwrap().resolve(ResourceType::of(User)).unwrap();
    for _ in 0..9 {
        world.list(Listing { condition: Some(condition.clone()), ..everything(User) }).await;
    }
    tend(world.store(), now()).await;
    assert_eq!(paths(&world), [""; 0]);
}

async fn a_tenant_is_deleted_with_its_keys(backend: Backend) {
    let world = World::new(backend).await;
    add(&world, world.store(), "ana").await;
    match_on(&world, world.store(), "title eq \"x\"").await;
    tend(world.store(), now()).await;
    assert!(world.store().erase_tenant(world.tenant).await.unwrap());
    assert_eq!((paths(&world).len(), keys(&world)), (0, 0));
    // A step that was on its way finds nothing to do.
    tend(world.store(), now()).await;
}
