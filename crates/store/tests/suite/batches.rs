//! Changes that are written together: each is answered alone.

use crate::{backend::Backend, on_both_databases, world::*};
use scim::schema::ResourceKind::{Group, User};
use store::*;
use tokio::task::JoinSet;

on_both_databases!(
    conflicts_fail_alone,
    of_those_who_want_one_name_one_gets_it,
    parallel_deltas_lose_nothing,
    of_those_who_expect_one_version_one_wins,
);

/// Sends all at once and answers in the order of the changes.
async fn commit_all(world: &World, changes: Vec<Change>) -> Vec<Result<Committed, CommitError>> {
    let mut under_way = JoinSet::new();
    for (index, change) in changes.into_iter().enumerate() {
        let (store, tenant) = (world.store().clone(), world.tenant);
        under_way.spawn(async move { (index, store.commit(tenant, change).await) });
    }
    let mut answers = under_way.join_all().await;
    answers.sort_by_key(|(index, _)| *index);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

async fn conflicts_fail_alone(backend: Backend) {
    let world = World::new(backend).await;
    let (ana, stranger) = (world.user("ana").await, new_id());
    let sales = world.group("Sales", &[]).await;
    let add = |member| MemberDelta { clear: false, add: vec![member], remove: Vec::new() };
    let answers = commit_all(
        &world,
        vec![
            create_user(new_id(), "ben"),
            create_user(new_id(), "ANA"),
            replace(User, ana, Some(9), user("ana")),
            delete(User, new_id(), None),
            create(Group, new_id(), group("New"), &[stranger]),
            delta(sales, add(ana)),
            create_user(new_id(), "cleo"),
        ],
    )
    .await;
    let errors: Vec<Option<CommitError>> = answers.into_iter().map(Result::err).collect();
    assert_eq!(
        errors,
        [
            None,
            Some(CommitError::UserNameTaken),
            Some(CommitError::VersionMismatch(1)),
            Some(CommitError::NotFound),
            Some(CommitError::MissingMembers(vec![stranger])),
            None,
            None,
        ]
    );
    assert_eq!(world.list(everything(User)).await.total, 3);
    assert_eq!(world.members(sales).await.users, [ana]);
}

async fn of_those_who_want_one_name_one_gets_it(backend: Backend) {
    let world = World::new(backend).await;
    let changes = (0..50).map(|number| create_user(new_id(), ["ana", "Ana", "ANA"][number % 3])).collect();
    let answers = commit_all(&world, changes).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    let taken = |answer: &&Result<_, _>| **answer == Err(CommitError::UserNameTaken);
    assert_eq!(answers.iter().filter(taken).count(), 49);
    assert_eq!(world.list(everything(User)).await.total, 1);
}

async fn parallel_deltas_lose_nothing(backend: Backend) {
    let world = World::new(backend).await;
    let mut users = Vec::new();
    for number in 0..200 {
        users.push(world.user(&format!("user{number}")).await);
    }
    let sales = world.group("Sales", &users[..100]).await;
    // Half of them leave, the other half comes, all at once.
    let changes = users.iter().enumerate().map(|(index, id)| {
        let (add, remove) = if index < 100 { (Vec::new(), vec![*id]) } else { (vec![*id], Vec::new()) };
        delta(sales, MemberDelta { clear: false, add, remove })
    });
    let answers = commit_all(&world, changes.collect()).await;
    let mut versions: Vec<i64> = answers.into_iter().map(|answer| answer.unwrap().version).collect();
    versions.sort_unstable();
    assert_eq!(versions, (2..=201).collect::<Vec<i64>>());
    assert_eq!(world.members(sales).await.users, users[100..]);
}

async fn of_those_who_expect_one_version_one_wins(backend: Backend) {
    let world = World::new(backend).await;
    let ana = world.user("ana").await;
    let changes = (0..40).map(|_| replace(User, ana, Some(1), user("ana"))).collect();
    let answers = commit_all(&world, changes).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    assert!(answers.iter().all(|answer| matches!(answer, Ok(_) | Err(CommitError::VersionMismatch(2)))));
    assert_eq!(world.row(User, ana).await.unwrap().version, 2);
}
