//! Every statement that a store sends while all of it is used: each names the tenant whose rows it touches.
#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "what fails, fails the test")]

#[path = "suite/backend.rs"]
#[expect(dead_code, reason = "the suite uses more of it")]
mod backend;
#[path = "suite/world.rs"]
#[expect(dead_code, reason = "the suite uses more of it")]
mod world;

use backend::Backend;
use diesel::connection::{Instrumentation, InstrumentationEvent, set_default_instrumentation};
use scim::{
    Timestamp,
    event::EventKind,
    filter::Filter,
    schema::{
        ResourceKind::{Group, User},
        ResourceType,
    },
    search::{PageLimits, Words},
};
use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};
use store::*;
use world::*;

/// What was sent: the text, and the binds as Rust prints them.
static SENT: Mutex<BTreeSet<(String, String)>> = Mutex::new(BTreeSet::new());

fn listen() -> Option<Box<dyn Instrumentation>> {
    Some(Box::new(|event: InstrumentationEvent<'_>| {
        if let InstrumentationEvent::StartQuery { query, .. } = event {
            let query = query.to_string();
            let (text, binds) = query.rsplit_once(" -- binds: ").unwrap_or((&query, ""));
            let mut sent = SENT.lock().unwrap_or_else(PoisonError::into_inner);
            sent.insert((text.to_owned(), binds.to_owned()));
        }
    }))
}

/// Calls every method of a store, each action of a change, and listings of each kind.
async fn use_all_of_it(backend: Backend) -> TenantId {
    let world = World::new(backend).await;
    let (store, tenant) = (world.store(), world.tenant);
    let (ana, ben) = (world.user("ana").await, world.user("ben").await);
    let inner = world.group("Inner", &[ana]).await;
    let outer = world.group("Outer", &[inner, ben]).await;
    let mut both = replace(Group, outer, Some(1), group("Outside"));
    if let Action::Update { members, .. } = &mut both.action {
        *members = MemberDelta { clear: true, add: vec![ana], remove: Vec::new() };
    }
    world.commit(both).await.unwrap();
    let change_members = MemberDelta { clear: false, add: vec![ben], remove: vec![ana] };
    world.commit(delta(outer, change_members)).await.unwrap();
    world.commit(replace(User, ana, None, user("anna"))).await.unwrap();
    world.commit(change(User, ana, EventKind::Patch, Action::Record)).await.unwrap();
    assert_eq!(world.commit(create_user(new_id(), "ben")).await, Err(CommitError::UserNameTaken));
    assert!(store.user_by_name(tenant, "anna".to_owned(), true).await.unwrap().is_some());
    assert!(world.row(User, ana).await.is_some() && world.row(Group, inner).await.is_some());
    assert_eq!(world.members(outer).await.users, [ben]);
    for (kind, filter) in [
        (User, "userName sw \"a\" and emails[type eq \"work\" and value eq \"x\"]".to_owned()),
        (User, format!("groups.value eq \"{inner}\" or groups[value sw \"0\"] or not (groups pr)")),
        (Group, format!("members.value eq \"{ana}\" or members[type eq \"User\"]")),
    ] {
        let condition = Filter::parse(&filter).unwrap().resolve(ResourceType::of(kind)).unwrap();
        world.list(Listing { condition: Some(condition), ..everything(kind) }).await;
    }
    let words = Words { sort_by: Some("emails".to_owned()), ..Words::default() };
    let sort = words.check(ResourceType::of(User), PageLimits { default: 1, max: 1 }).unwrap().sort;
    let first = world.list(Listing { sort: sort.clone(), limit: 1, ..everything(User) }).await;
    world.list(Listing { sort, from: From::After(first.next), limit: 1, ..everything(User) }).await;
    world.commit(delete(User, ben, None)).await.unwrap();
    world.commit(delete(Group, outer, None)).await.unwrap();
    use_history(&world, ben).await;
    use_tokens(store, tenant).await;
    assert!(store.tenant(&tenant.to_string()).await.unwrap().is_some());
    assert!(store.set_tenant_state(tenant, TenantState::Suspended).await.unwrap());
    assert_eq!(store.tenants().await.unwrap().len(), 1);
    store.ping().await.unwrap();
    assert!(store.delete_tenant(tenant).await.unwrap());
    tenant
}

async fn use_history(world: &World, ben: ResourceId) {
    let (store, tenant) = (world.store(), world.tenant);
    let all = (Timestamp(i64::MAX), ResourceId(uuid::Uuid::max()));
    assert_eq!(store.deleted_resources(tenant, all, 10).await.unwrap().len(), 2);
    let deleted = store.deleted_resource(tenant, ben).await.unwrap().unwrap();
    let action = Action::Restore {
        deleted: deleted.version,
        document: user("ben"),
        groups: Vec::new(),
        members: Vec::new(),
    };
    world.commit(change(User, ben, EventKind::Create, action)).await.unwrap();
    assert!(!store.changes(tenant, Some(ben), i64::MAX, 10).await.unwrap().is_empty());
    assert!(!store.changes(tenant, None, i64::MAX, 10).await.unwrap().is_empty());
}

async fn use_tokens(store: &Store, tenant: TenantId) {
    let id = new_id().0;
    let token = SecretTokenRow {
        id,
        tenant,
        key_id: "k".to_owned(),
        digest: [7; 32],
        label: "Entra".to_owned(),
        created: now(),
        expires: None,
        revoked: None,
        seen: None,
    };
    store.insert_secret_token(token.clone()).await.unwrap();
    assert!(store.secret_token([7; 32], Line::Process).await.unwrap().is_some());
    let seen = Seen { first: now(), last: now(), from: None, doing: None };
    let used = |kind| NotedUse { kind, tenant, id, seen: seen.clone() };
    let kinds = [CredentialKind::SecretToken, CredentialKind::ClientSecret, CredentialKind::Federation];
    store.note_uses(kinds.map(used).to_vec()).await.unwrap();
    use_rotations(store, &token).await;
    assert!(store.revoke_secret_token(tenant, id, now()).await.unwrap());
    assert_eq!(store.secret_tokens(tenant).await.unwrap().len(), 2);
}

async fn use_rotations(store: &Store, old: &SecretTokenRow) {
    let new = SecretTokenRow { id: new_id().0, digest: [8; 32], ..old.clone() };
    let rotation = Rotation {
        id: new_id().0,
        tenant: old.tenant,
        kind: CredentialKind::SecretToken,
        old: old.id,
        old_key_id: old.key_id.clone(),
        new: new.id,
        new_key_id: new.key_id.clone(),
        started: now(),
        is_automatic: false,
        ended: None,
    };
    assert!(store.start_rotation(rotation.clone(), Successor::SecretToken(new)).await.unwrap());
    assert_eq!(store.rotation_to(rotation.tenant, rotation.new).await.unwrap(), Some(rotation.clone()));
    assert!(store.set_rotation_automatic(rotation.clone(), true).await.unwrap());
    assert!(store.rotation(rotation.tenant, rotation.id).await.unwrap().is_some());
    assert_eq!(store.rotations_before(rotation.tenant, uuid::Uuid::max(), 10).await.unwrap().len(), 1);
    assert_eq!(store.rotations_under_way(rotation.tenant).await.unwrap().len(), 1);
    let because = "Waiting".to_owned();
    let ending = Ending { at: now(), outcome: Outcome::Cancelled, because, is_early: false };
    assert!(store.end_rotation(rotation, ending).await.unwrap());
}

/// A word of a statement, without quotes and punctuation around it.
fn words(text: &str) -> BTreeSet<&str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').collect()
}

#[tokio::test]
async fn each_statement_names_the_tenant_whose_rows_it_touches() {
    set_default_instrumentation(listen).unwrap();
    for backend in [Backend::sqlite(), Backend::postgres()] {
        let of_tenants: BTreeSet<String> = backend.tables_with("tenant_id").into_iter().collect();
        SENT.lock().unwrap_or_else(PoisonError::into_inner).clear();
        let tenant = use_all_of_it(backend).await.to_string();
        let sent = SENT.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut touched = BTreeSet::new();
        for (text, binds) in &sent {
            let tables: BTreeSet<&str> =
                words(text).into_iter().filter(|word| of_tenants.contains(*word)).collect();
            // Which tenant a token belongs to is what its digest is asked for.
            let finds_tenant = tables.contains("secret_tokens")
                && ["digest` = ?", "digest\" = $1"].iter().any(|by| text.contains(by));
            if tables.is_empty() || finds_tenant {
                continue;
            }
            let names_tenant = binds.contains(&tenant) || text.contains(&tenant);
            assert!(words(text).contains("tenant_id") && names_tenant, "{text} -- {binds}");
            touched.extend(tables);
        }
        let touched: BTreeSet<String> = touched.into_iter().map(str::to_owned).collect();
        assert_eq!(touched, of_tenants, "the test uses all of them");
    }
}
