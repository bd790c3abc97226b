//! Two processes write for one tenant, and the second is always the faster one: it commits between the moment when the
//! first has read its facts and the moment when it writes.
#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "what fails, fails the test")]

#[path = "suite/acts.rs"]
#[expect(dead_code, reason = "the suite uses more of it")]
mod acts;
#[path = "suite/backend.rs"]
#[expect(dead_code, reason = "the suite uses more of it")]
mod backend;
#[path = "suite/world.rs"]
#[expect(dead_code, reason = "the suite uses more of it")]
mod world;

use backend::Backend;
use diesel::connection::{Instrumentation, InstrumentationEvent, set_default_instrumentation};
use scim::{
    event::EventKind,
    filter::Filter,
    resource::Keys,
    schema::{
        ResourceKind::{Group, User},
        ResourceType,
    },
};
use std::sync::{Mutex, MutexGuard, PoisonError};
use store::*;
use world::*;

/// What another process does before the next statement that begins with these words.
struct Ambush {
    before: &'static str,
    act: Box<dyn FnOnce() + Send>,
}

static AMBUSH: Mutex<Option<Ambush>> = Mutex::new(None);
/// The ambush is one for the whole process, so that races are run one at a time.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn lie_in_wait() -> Option<Box<dyn Instrumentation>> {
    Some(Box::new(|event: InstrumentationEvent<'_>| {
        if let InstrumentationEvent::StartQuery { query, .. } = event {
            let text = query.to_string();
            let sprung = lock(&AMBUSH).take_if(|ambush| text.trim_start().starts_with(ambush.before));
            if let Some(ambush) = sprung {
                (ambush.act)();
            }
        }
    }))
}

/// Where a writer stands that has read its facts: at its next statement.
const POSTGRES_WRITES: &str = "WITH feed AS";
const SQLITE_WRITES: &str = "BEGIN IMMEDIATE";

/// A second process.
struct Other(Store);

impl Other {
    /// Commits this before the next statement that begins with these words.
    fn commits_before(&self, before: &'static str, tenant: TenantId, change: Change) {
        self.acts_before(before, async move |store| {
            store.commit(tenant, change).await.unwrap();
        });
    }

    /// Does this before the next statement that begins with these words.
    fn acts_before<F>(&self, before: &'static str, act: F)
    where
        F: AsyncFnOnce(Store) + Send + 'static,
    {
        let store = self.0.clone();
        let act = Box::new(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
            runtime.block_on(act(store));
        });
        *lock(&AMBUSH) = Some(Ambush { before, act });
    }
}

/// Runs one race on a database of its own.
fn race<F: Future<Output = ()>>(backend: fn() -> Backend, run: impl FnOnce(World, Other) -> F) {
    let _alone = lock(&ONE_AT_A_TIME);
    set_default_instrumentation(lie_in_wait).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let world = World::new(backend()).await;
        let other = Other(world.backend.open_again());
        run(world, other).await;
    });
    assert!(lock(&AMBUSH).take().is_none(), "the other process has had its turn");
}

fn restore(row: &DeletedRow) -> Change {
    let document = serde_json::from_str(&row.document).unwrap();
    let action = Action::Restore {
        deleted: row.version,
        document: Document { json: row.document.clone(), keys: Keys::of(&document) },
        groups: Vec::new(),
    };
    change(row.kind, row.id, EventKind::Create, action)
}

async fn deleted_user(world: &World, name: &str) -> DeletedRow {
    let id = world.user(name).await;
    world.commit(delete(User, id, None)).await.unwrap();
    world.store().deleted_resource(world.tenant, id).await.unwrap().unwrap()
}

#[test]
fn a_restore_that_was_overtaken_still_restores() {
    race(Backend::postgres, async |world, other| {
        let row = deleted_user(&world, "ana").await;
        other.commits_before(POSTGRES_WRITES, world.tenant, create_user(new_id(), "ben"));
        world.commit(restore(&row)).await.unwrap();
        assert!(world.row(User, row.id).await.is_some());
        assert_eq!(world.store().deleted_resource(world.tenant, row.id).await.unwrap(), None);
    });
}

#[test]
fn an_audited_restore_that_was_overtaken_still_restores() {
    race(Backend::postgres, async |world, other| {
        let row = deleted_user(&world, "ana").await;
        let by = By { actor: operator_actor("anna"), origin: "192.0.2.7".to_owned(), at: now() };
        other.commits_before(POSTGRES_WRITES, world.tenant, create_user(new_id(), "ben"));
        world.store().acting(by).commit(world.tenant, restore(&row)).await.unwrap();
        assert!(world.row(User, row.id).await.is_some());
        assert_eq!(told(world.store(), world.tenant).await.len(), 1, "the audit log tells of it once");
    });
}

/// One of two tenants of a batch was overtaken: the other one's feed has not moved either.
#[test]
fn a_batch_that_was_overtaken_leaves_nothing_behind() {
    race(Backend::postgres, async |world, other| {
        let neighbour = World::new(world.backend.clone()).await;
        let moved = |world: &World| world.number("SELECT position FROM feeds WHERE tenant_id = $");
        let held = world.backend.hold_changes(world.tenant.0);
        let first = world.commit(create_user(new_id(), "first"));
        let (first, ()) = tokio::join!(first, async {
            // The writer waits for the first change, so that these two become one batch.
            let both = tokio::join!(
                world.commit(create_user(new_id(), "ana")),
                neighbour.commit(create_user(new_id(), "ana")),
                async {
                    other.commits_before(POSTGRES_WRITES, world.tenant, create_user(new_id(), "ben"));
                    drop(held);
                }
            );
            both.0.unwrap();
            both.1.unwrap();
        });
        first.unwrap();
        assert_eq!(moved(&world), 3);
        assert_eq!(moved(&neighbour), 1, "the first attempt left no trace");
    });
}

/// SQLite reads the facts of a long list before it takes the write lock.
async fn a_long_list_is_overtaken(world: World, other: Other, at: &'static str) {
    let mut users = Vec::new();
    for n in 0..100 {
        users.push(world.user(&format!("user{n}")).await);
    }
    let sales = world.group("Sales", &[]).await;
    let add = |members: &[ResourceId]| {
        delta(sales, MemberDelta { clear: false, add: members.to_vec(), remove: Vec::new() })
    };
    other.commits_before(at, world.tenant, add(&users[..1]));
    world.commit(add(&users)).await.unwrap();
    assert_eq!(world.members(sales).await.users, users);
    assert_eq!(world.row(Group, sales).await.unwrap().version, 3);
    // Who was deleted in between is noticed.
    other.commits_before(at, world.tenant, delete(User, users[7], None));
    let missing = world.commit(create(Group, new_id(), group("New"), &users)).await;
    assert_eq!(missing, Err(CommitError::MissingMembers(vec![users[7]])));
}

#[test]
fn a_long_list_that_was_overtaken_is_decided_again_on_sqlite() {
    race(Backend::sqlite, |world, other| a_long_list_is_overtaken(world, other, SQLITE_WRITES));
}

#[test]
fn a_long_list_that_was_overtaken_is_decided_again_on_postgres() {
    race(Backend::postgres, |world, other| a_long_list_is_overtaken(world, other, POSTGRES_WRITES));
}

/// Members of a group that another process changes at the same moment are not lost.
#[test]
fn a_member_that_was_overtaken_still_joins() {
    race(Backend::postgres, async |world, other| {
        let (ana, ben) = (world.user("ana").await, world.user("ben").await);
        let sales = world.group("Sales", &[]).await;
        let add = |id| delta(sales, MemberDelta { clear: false, add: vec![id], remove: Vec::new() });
        other.commits_before(POSTGRES_WRITES, world.tenant, add(ben));
        world.commit(add(ana)).await.unwrap();
        assert_eq!(world.members(sales).await.users, [ana, ben]);
        assert_eq!(world.row(Group, sales).await.unwrap().version, 3);
    });
}

/// A process that does not know yet that keys are kept of a path does not write a user without its key.
#[test]
fn a_user_whose_keys_were_not_known_gets_them() {
    race(Backend::postgres, async |world, other| {
        let tenant = world.tenant;
        let listing = |title: &str| {
            let filter = Filter::parse(&format!("title eq \"{title}\"")).unwrap();
            let condition = filter.resolve(ResourceType::of(User)).unwrap();
            Listing { condition: Some(condition), ..everything(User) }
        };
        for _ in 0..5 {
            other.0.for_clients().list(tenant, listing("x")).await.unwrap();
        }
        // The path comes and is filled while this process has decided to write a user without keys.
        other.acts_before(
            POSTGRES_WRITES,
            async move |store| {
                while store.tend_lookups(now()).await.unwrap() {}
            },
        );
        let ana = new_id();
        let body = serde_json::json!({"userName": "ana", "title": "Lead"});
        world.commit(create(User, ana, document(User, body), &[])).await.unwrap();
        assert_eq!(
            world.number("SELECT count(*) FROM lookup_paths WHERE tenant_id = $ AND state = 'filled'"),
            1
        );
        assert_eq!(world.number("SELECT count(*) FROM lookup_keys WHERE tenant_id = $"), 1);
        let found = other.0.list(tenant, listing("LEAD")).await.unwrap();
        assert_eq!(found.rows.iter().map(|row| row.id).collect::<Vec<_>>(), [ana]);
    });
}
