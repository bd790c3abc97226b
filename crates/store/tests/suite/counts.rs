//! What a tenant's feed says there is, is what there is, whatever was done.

use crate::{
    acts::*,
    backend::Backend,
    on_both_databases,
    random::{Moment, Step, moments},
    restore::restore,
    world::*,
};
use proptest::{
    prelude::*,
    sample::Index,
    strategy::ValueTree,
    test_runner::{Config, TestRunner},
};
use scim::{
    Timestamp,
    schema::ResourceKind::{Group, User},
};
use serde_json::json;
use store::*;
use tokio::task::JoinSet;
use uuid::Uuid;

on_both_databases!(the_counts_are_those_of_the_rows, counts_reach_the_figures);

/// Directories that are changed at random.
const CASES: u32 = 16;

/// What there is, counted.
const COUNTED: [(&str, &str); 5] = [
    ("user_count", "SELECT count(*) FROM users WHERE tenant_id = $"),
    ("active_user_count", "SELECT count(*) FROM users WHERE tenant_id = $ AND active"),
    ("group_count", "SELECT count(*) FROM \"groups\" WHERE tenant_id = $"),
    (
        "membership_count",
        "SELECT count(*) FROM group_members AS m JOIN \"groups\" AS g ON g.tenant_id = m.tenant_id AND g.id = m.group_id \
         WHERE m.tenant_id = $",
    ),
    (
        "byte_count",
        "SELECT CAST(coalesce(sum(n), 0) AS bigint) FROM \
         (SELECT octet_length(CAST(document AS text)) AS n FROM users WHERE tenant_id = $ \
         UNION ALL SELECT octet_length(CAST(document AS text)) FROM \"groups\" WHERE tenant_id = $) AS documents",
    ),
];

/// What never is: a group that does not know how many members it has, a membership of nobody, or in nothing.
const NEVER: [&str; 3] = [
    "SELECT count(*) FROM \"groups\" AS g WHERE tenant_id = $ AND member_count <> \
     (SELECT count(*) FROM group_members AS m WHERE m.tenant_id = g.tenant_id AND m.group_id = g.id)",
    "SELECT count(*) FROM group_members AS m WHERE tenant_id = $ \
     AND NOT EXISTS (SELECT 1 FROM users AS r WHERE r.tenant_id = m.tenant_id AND r.id = m.member_id) \
     AND NOT EXISTS (SELECT 1 FROM \"groups\" AS r WHERE r.tenant_id = m.tenant_id AND r.id = m.member_id)",
    "SELECT count(*) FROM group_members AS m WHERE tenant_id = $ \
     AND NOT EXISTS (SELECT 1 FROM \"groups\" AS r WHERE r.tenant_id = m.tenant_id AND r.id = m.group_id) \
     AND NOT EXISTS (SELECT 1 FROM deleted_resources AS r WHERE r.tenant_id = m.tenant_id AND r.id = m.group_id)",
];

fn check(world: &World, when: &str) {
    for (column, counted) in COUNTED {
        let told = world.number(&format!("SELECT {column} FROM feeds WHERE tenant_id = $"));
        assert_eq!(told, world.number(counted), "{column} {when}");
    }
    for never in NEVER {
        assert_eq!(world.number(never), 0, "{never} {when}");
    }
}

/// Ids that were given, whatever became of them.
#[derive(Default)]
struct Known {
    users: Vec<ResourceId>,
    groups: Vec<ResourceId>,
}

impl Known {
    fn member(&self, index: &Index) -> ResourceId {
        let all: Vec<ResourceId> = self.users.iter().chain(&self.groups).copied().collect();
        *index.get(&all)
    }

    fn members(&self, indices: &[Index]) -> Vec<ResourceId> {
        if self.users.is_empty() && self.groups.is_empty() {
            return Vec::new();
        }
        let mut members: Vec<ResourceId> = indices.iter().map(|index| self.member(index)).collect();
        members.sort_unstable();
        members.dedup();
        members
    }

    /// The change of a step; none where there is nothing to change.
    fn change(&self, step: &Step, new: ResourceId, gone: &[DeletedRow]) -> Option<Change> {
        let person = |id: ResourceId, active: bool, title: &str| {
            document(User, json!({"userName": id.to_string(), "active": active, "title": title}))
        };
        let one = |index: &Index, ids: &[ResourceId]| (!ids.is_empty()).then(|| *index.get(ids));
        Some(match step {
            Step::CreateUser { active, title } => create(User, new, person(new, *active, title), &[]),
            Step::ReplaceUser { user, active, title } => {
                let id = one(user, &self.users)?;
                replace(User, id, None, person(id, *active, title))
            }
            Step::DeleteUser(user) => delete(User, one(user, &self.users)?, None),
            Step::CreateGroup { members } => create(Group, new, group("Group"), &self.members(members)),
            Step::ReplaceGroup { group: index, title } => {
                let mut change = replace(Group, one(index, &self.groups)?, None, group(&format!("g{title}")));
                if let Action::Update { before, .. } = &mut change.action {
                    *before = None;
                }
                change
            }
            Step::ChangeMembers { group, clear, add, remove } => {
                let (add, mut remove) = (self.members(add), self.members(remove));
                remove.retain(|id| !add.contains(id));
                delta(one(group, &self.groups)?, MemberDelta { clear: *clear, add, remove })
            }
            Step::DeleteGroup(group) => delete(Group, one(group, &self.groups)?, None),
            Step::Restore(index) => restore((!gone.is_empty()).then(|| index.get(gone))?),
        })
    }
}

async fn go_through(world: &World, other: &Store, known: &mut Known, (steps, purged): &Moment) {
    let all = (Timestamp(i64::MAX), ResourceId(Uuid::max()));
    let gone = world.store().deleted_resources(world.tenant, all, at_most(1000)).await.unwrap().rows;
    let mut at_once = JoinSet::new();
    let mut new = Known::default();
    for (number, step) in steps.iter().enumerate() {
        let id = new_id();
        match step {
            Step::CreateUser { .. } => new.users.push(id),
            Step::CreateGroup { .. } => new.groups.push(id),
            _ => {}
        }
        let Some(change) = known.change(step, id, &gone) else { continue };
        // Mostly one process, so that batches form.
        let store = if number % 4 == 3 { other.clone() } else { world.store().clone() };
        let tenant = world.tenant;
        at_once.spawn(async move { store.commit(tenant, change).await });
    }
    for answer in at_once.join_all().await {
        assert!(!matches!(answer, Err(CommitError::Store(_))), "{answer:?}");
    }
    known.users.extend(new.users);
    known.groups.extend(new.groups);
    if *purged > 0 {
        world.store().purge(Timestamp(i64::MAX), *purged).await.unwrap();
    }
}

async fn the_counts_are_those_of_the_rows(backend: Backend) {
    let mut runner = TestRunner::new(Config::with_cases(CASES));
    let other = backend.open_again();
    for _ in 0..CASES {
        let moments = moments().new_tree(&mut runner).unwrap().current();
        let world = World::new(backend.clone()).await;
        let mut known = Known::default();
        for n in 0..4 {
            known.users.push(world.user(&format!("user{n}")).await);
        }
        for _ in 0..2 {
            known.groups.push(world.group("Group", &known.users).await);
        }
        for (number, moment) in moments.iter().enumerate() {
            go_through(&world, &other, &mut known, moment).await;
            check(&world, &format!("after {:?}", &moments[..=number]));
        }
        assert!(world.store().erase_tenant(world.tenant).await.unwrap());
    }
}

async fn counts_reach_the_figures(backend: Backend) {
    let world = World::new(backend).await;
    let (ana, ben) = (world.user("ana").await, world.user("ben").await);
    world.group("Sales", &[ana, ben]).await;
    let [figures] = world.store().tenant_figures(vec![world.tenant], 10).await.unwrap().try_into().unwrap();
    let bytes =
        [user("ana"), user("ben"), group("Sales")].iter().map(|document| document.json.len()).sum::<usize>();
    let expected =
        Counts { users: 2, active_users: 2, groups: 1, memberships: 2, bytes: i64::try_from(bytes).unwrap() };
    assert_eq!(figures.counts, expected);
}
