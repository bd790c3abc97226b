//! Create, read, replace, delete.

use crate::{backend::Backend, on_both_databases, world::*};
use scim::{
    event::EventKind,
    schema::ResourceKind::{Group, User},
};
use store::*;

on_both_databases!(
    a_created_resource_is_read_as_it_was_stored,
    a_user_name_is_taken_once_without_regard_to_case,
    a_taken_user_name_cannot_be_moved_to_but_ones_own_can_be_kept,
    only_the_expected_version_is_changed,
    a_deleted_resource_is_gone_and_its_name_is_free,
    what_is_not_there_cannot_be_changed,
    an_update_of_nothing_leaves_the_version,
    recorded_effects_change_nothing_but_the_log,
    the_change_log_keeps_before_and_after,
    of_an_update_the_log_keeps_only_what_it_replaced,
);

async fn a_created_resource_is_read_as_it_was_stored(backend: Backend) {
    let world = World::new(backend).await;
    let id = new_id();
    let text =
        "{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:User\"],\"userName\":\"Ana \\\"Ä\\\" 😀\"}";
    let stored = Document { json: text.to_owned(), keys: user("Ana \"Ä\" 😀").keys };
    let committed = world.commit(create(User, id, stored, &[])).await.unwrap();
    assert_eq!((committed.version, committed.changed), (1, true));
    let row = world.row(User, id).await.unwrap();
    assert_eq!(row.document, text);
    assert_eq!((row.id, row.version, row.groups.len()), (id, 1, 0));
    assert_eq!((row.created, row.last_modified), (committed.created, committed.last_modified));
    assert_eq!(world.row(Group, id).await, None);
    let by_name = world.store().user_by_name(world.tenant, "ana \"ä\" 😀".to_owned(), true).await.unwrap();
    assert_eq!(by_name, Some(row));
    assert_eq!(world.store().user_by_name(world.tenant, "ana".to_owned(), true).await.unwrap(), None);
}

async fn a_user_name_is_taken_once_without_regard_to_case(backend: Backend) {
    let world = World::new(backend).await;
    let first = world.user("Ana@Contoso.com").await;
    let second = world.commit(create_user(new_id(), "aNA@contoso.COM")).await;
    assert_eq!(second, Err(CommitError::UserNameTaken));
    assert_eq!(world.list(everything(User)).await.rows.len(), 1);
    assert_eq!(world.row(User, first).await.unwrap().version, 1);
    // Groups may have the same name.
    world.group("Sales", &[]).await;
    world.group("Sales", &[]).await;
}

async fn a_taken_user_name_cannot_be_moved_to_but_ones_own_can_be_kept(backend: Backend) {
    let world = World::new(backend).await;
    let (ana, ben) = (world.user("ana").await, world.user("ben").await);
    assert_eq!(world.commit(replace(User, ben, None, user("ANA"))).await, Err(CommitError::UserNameTaken));
    assert_eq!(world.commit(replace(User, ana, None, user("ANA"))).await.unwrap().version, 2);
    assert_eq!(world.commit(replace(User, ana, None, user("cleo"))).await.unwrap().version, 3);
    assert_eq!(world.commit(replace(User, ben, None, user("Ana"))).await.unwrap().version, 2);
    let by_name = world.store().user_by_name(world.tenant, "ana".to_owned(), false).await.unwrap();
    assert_eq!(by_name.unwrap().id, ben);
}

async fn only_the_expected_version_is_changed(backend: Backend) {
    let world = World::new(backend).await;
    let id = world.user("ana").await;
    assert_eq!(world.commit(replace(User, id, Some(1), user("ana"))).await.unwrap().version, 2);
    assert_eq!(
        world.commit(replace(User, id, Some(1), user("ben"))).await,
        Err(CommitError::VersionMismatch(2))
    );
    assert_eq!(world.commit(delete(User, id, Some(1))).await, Err(CommitError::VersionMismatch(2)));
    let row = world.row(User, id).await.unwrap();
    assert_eq!((row.version, row.document), (2, user("ana").json));
    assert!(row.last_modified > row.created);
    assert_eq!(world.commit(delete(User, id, Some(2))).await.unwrap().version, 3);
}

async fn a_deleted_resource_is_gone_and_its_name_is_free(backend: Backend) {
    let world = World::new(backend).await;
    let (ana, ben) = (world.user("ana").await, world.user("ben").await);
    let inner = world.group("Inner", &[ana, ben]).await;
    let outer = world.group("Outer", &[inner]).await;
    world.commit(delete(User, ana, None)).await.unwrap();
    assert_eq!(world.row(User, ana).await, None);
    assert_eq!(world.members(inner).await.users, [ben]);
    assert_eq!(world.row(Group, inner).await.unwrap().version, 2);
    assert_eq!(world.list(everything(User)).await.total, 1);
    world.user("Ana").await;
    world.commit(delete(Group, inner, None)).await.unwrap();
    assert_eq!(world.members(inner).await, Members::default());
    assert_eq!(world.members(outer).await, Members::default());
    assert_eq!(world.row(User, ben).await.unwrap().groups, []);
    // Kept for operators to restore; the member of the deleted group stays with it, where nobody sees it.
    assert_eq!(world.number("SELECT count(*) FROM deleted_resources WHERE tenant_id = $"), 2);
    let kept = "SELECT count(*) FROM deleted_resources WHERE tenant_id = $ AND";
    let text = |column: &str, ids: &[ResourceId]| {
        let ids: Vec<String> = ids.iter().map(|id| format!("\"{id}\"")).collect();
        format!("{kept} CAST({column} AS text) = '[{}]'", ids.join(","))
    };
    assert_eq!(world.number(&text("groups", &[inner])), 1);
    assert_eq!(world.number(&text("groups", &[outer])), 1);
    assert_eq!(world.store().hidden_members(world.tenant, inner, None, 100).await.unwrap(), [ben]);
    let restored = world.commit(create_user(ana, "ana-maria")).await;
    assert!(restored.is_ok(), "the id may come back");
}

async fn what_is_not_there_cannot_be_changed(backend: Backend) {
    let world = World::new(backend).await;
    let id = new_id();
    assert_eq!(world.commit(replace(User, id, None, user("ana"))).await, Err(CommitError::NotFound));
    assert_eq!(world.commit(delete(User, id, None)).await, Err(CommitError::NotFound));
    assert_eq!(world.commit(delta(id, MemberDelta::default())).await, Err(CommitError::NotFound));
    assert_eq!(
        world.commit(change(User, id, EventKind::Patch, Action::Record)).await,
        Err(CommitError::NotFound)
    );
    // A user is no group.
    let ana = world.user("ana").await;
    assert_eq!(world.commit(delete(Group, ana, None)).await, Err(CommitError::NotFound));
    assert_eq!(world.number("SELECT count(*) FROM change_log WHERE tenant_id = $ AND is_change"), 1);
}

async fn an_update_of_nothing_leaves_the_version(backend: Backend) {
    let world = World::new(backend).await;
    let ana = world.user("ana").await;
    let sales = world.group("Sales", &[ana]).await;
    let again = MemberDelta { clear: false, add: vec![ana], remove: vec![new_id()] };
    let committed = world.commit(delta(sales, again)).await.unwrap();
    assert_eq!((committed.version, committed.changed), (1, false));
    assert_eq!(world.row(Group, sales).await.unwrap().version, 1);
    assert_eq!(world.number("SELECT count(*) FROM change_log WHERE tenant_id = $ AND is_change"), 2);
}

async fn recorded_effects_change_nothing_but_the_log(backend: Backend) {
    let world = World::new(backend).await;
    let ana = world.user("ana").await;
    let committed = world.commit(change(User, ana, EventKind::Patch, Action::Record)).await.unwrap();
    assert_eq!((committed.version, committed.changed), (1, false));
    assert_eq!(world.number("SELECT count(*) FROM change_log WHERE tenant_id = $"), 2);
    assert_eq!(world.number("SELECT count(*) FROM change_log WHERE tenant_id = $ AND is_change"), 1);
}

async fn the_change_log_keeps_before_and_after(backend: Backend) {
    let world = World::new(backend).await;
    let ana = world.user("ana").await;
    let mut update = replace(User, ana, None, user("ben"));
    if let Action::Update { before, .. } = &mut update.action {
        *before = Some(Before::whole(user("ana").json));
    }
    world.commit(update).await.unwrap();
    world.commit(delete(User, ana, None)).await.unwrap();
    let is = |column: &str, name: &str| format!("CAST({column} AS text) = '{}'", user(name).json);
    let log = |event: &str, before: String, after: String| {
        format!(
            "SELECT count(*) FROM change_log WHERE tenant_id = $ AND event = '{event}' AND {before} AND {after}"
        )
    };
    assert_eq!(world.number(&log("create", "before IS NULL".to_owned(), is("after", "ana"))), 1);
    assert_eq!(world.number(&log("put", is("before", "ana"), is("after", "ben"))), 1);
    assert_eq!(world.number(&log("delete", is("before", "ben"), "after IS NULL".to_owned())), 1);
}

async fn of_an_update_the_log_keeps_only_what_it_replaced(backend: Backend) {
    let world = World::new(backend).await;
    let (first, second) = (titled("ana", "Engineer"), titled("ana", "Lead"));
    let ana = world.user("ana").await;
    world.commit(replaced(ana, 1, &user_body("ana"), &first)).await.unwrap();
    world.commit(replaced(ana, 2, &first, &second)).await.unwrap();
    world.commit(delete(User, ana, None)).await.unwrap();
    let kept = |old_values: &str| {
        world.numbers(&format!(
            "SELECT position FROM change_log WHERE tenant_id = $ AND before IS NULL AND after IS NOT NULL \
             AND CAST(old_values AS text) = '{old_values}'"
        ))
    };
    assert_eq!(kept(r#"{"title":[]}"#), [2]);
    assert_eq!(kept(r#"{"title":["Engineer"]}"#), [3]);
    assert_eq!(
        world.number("SELECT count(*) FROM change_log WHERE tenant_id = $ AND old_values IS NOT NULL"),
        2
    );
    // Whoever reads the log sees whole documents.
    let documents = [user_body("ana"), first, second].map(|body| Some(document(User, body).json));
    let [created, titled, promoted] = documents;
    let log = world.store().changes(world.tenant, Some(ana), i64::MAX, at_most(10)).await.unwrap().rows;
    let told: Vec<_> = log.into_iter().rev().map(|row| (row.before, row.after)).collect();
    assert_eq!(
        told,
        [(None, created.clone()), (created, titled.clone()), (titled, promoted.clone()), (promoted, None)]
    );
}
