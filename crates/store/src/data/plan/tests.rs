//! Batches decided: each change sees those before it, and a refused one leaves nothing.

use super::*;
use crate::data::counts::Quota;
use scim::event::EventKind;
use std::collections::BTreeSet;
use uuid::Uuid;

const TENANT: TenantId = TenantId(Uuid::from_u128(1));
const OTHER: TenantId = TenantId(Uuid::from_u128(2));

fn plan(batch: &[TenantChange], facts: Facts) -> (Writes, Answers) {
    super::plan(batch, facts, Quotas::default())
}

fn id(n: u128) -> ResourceId {
    ResourceId(Uuid::from_u128(n))
}

fn document(user_name: Option<&str>) -> Document {
    let keys = scim::resource::Keys { user_name: user_name.map(str::to_owned), ..Default::default() };
    Document { json: format!("{{\"userName\":\"{}\"}}", user_name.unwrap_or_default()), keys }
}

fn change(tenant: TenantId, kind: ResourceKind, n: u128, action: Action) -> TenantChange {
    let change = Change {
        kind,
        id: id(n),
        at: Timestamp(1000),
        actor: None,
        action,
        event: EventKind::Patch,
        effects: "[]".to_owned(),
        member_count: 0,
    };
    TenantChange { tenant, change, by: None }
}

fn create_user(n: u128, name: &str) -> TenantChange {
    change(TENANT, ResourceKind::User, n, Action::Create { document: document(Some(name)), members: vec![] })
}

fn update_user(n: u128, expected: i64, name: &str) -> TenantChange {
    let action = Action::Update {
        expected: Some(expected),
        before: Some(Before::whole("{}".to_owned())),
        document: Some(document(Some(name))),
        members: MemberDelta::default(),
    };
    change(TENANT, ResourceKind::User, n, action)
}

fn members(group: u128, add: &[u128], remove: &[u128]) -> TenantChange {
    let ids = |ids: &[u128]| ids.iter().map(|n| id(*n)).collect();
    let members = MemberDelta { clear: false, add: ids(add), remove: ids(remove) };
    change(
        TENANT,
        ResourceKind::Group,
        group,
        Action::Update { expected: None, before: None, document: None, members },
    )
}

fn delete(kind: ResourceKind, n: u128) -> TenantChange {
    change(TENANT, kind, n, Action::Delete { expected: None })
}

/// Users 1 to 3 called a, b, c; group 10 with member 1.
fn facts() -> Facts {
    let stored = |kind| StoredResource {
        kind,
        version: 5,
        created: Timestamp(1),
        last_modified: Timestamp(2),
        document: Some("{\"old\":true}".to_owned()),
        bytes: 0,
        is_active: true,
        member_count: i64::from(kind == ResourceKind::Group),
    };
    let mut facts = Facts::default();
    let feed = |position| Feed { position, counts: Counts::default() };
    facts.feeds.extend([(TENANT, feed(100)), (OTHER, feed(7))]);
    for (n, name) in [(1, "a"), (2, "b"), (3, "c")] {
        facts.resources.insert((TENANT, id(n)), stored(ResourceKind::User));
        facts.user_names.insert((TENANT, name.to_owned()), id(n));
    }
    facts.resources.insert((TENANT, id(10)), stored(ResourceKind::Group));
    facts.members.insert((TENANT, id(10)), BTreeSet::from([id(1)]));
    facts
}

#[test]
fn of_two_equal_user_names_one_wins() {
    let other = change(
        OTHER,
        ResourceKind::User,
        22,
        Action::Create { document: document(Some("x")), members: vec![] },
    );
    let (writes, answers) = plan(&[create_user(20, "x"), create_user(21, "x"), other], facts());
    assert!(answers[0].is_ok() && answers[2].is_ok());
    assert_eq!(answers[1], Err(CommitError::UserNameTaken));
    assert_eq!(writes.new_users.len(), 2);
    let moves = writes.feeds.iter().map(|feed| (feed.tenant, feed.from, feed.to)).collect::<Vec<_>>();
    assert_eq!(moves, [(TENANT, 100, 101), (OTHER, 7, 8)]);
    assert_eq!(writes.log.len(), 2);
}

#[test]
fn the_loser_of_a_race_for_a_version_is_told_the_new_one() {
    let (writes, answers) = plan(&[update_user(1, 5, "a"), update_user(1, 5, "a")], facts());
    assert_eq!(answers[0].as_ref().map(|committed| committed.version), Ok(6));
    assert_eq!(answers[1], Err(CommitError::VersionMismatch(6)));
    assert_eq!(writes.users.len(), 1);
}

#[test]
fn a_rename_to_a_name_that_is_taken_fails_alone() {
    let (writes, answers) = plan(&[update_user(1, 5, "b"), update_user(3, 5, "z")], facts());
    assert_eq!(answers[0], Err(CommitError::UserNameTaken));
    assert!(answers[1].is_ok());
    assert_eq!(writes.users.iter().map(|row| row.id).collect::<Vec<_>>(), [id(3)]);
}

#[test]
fn deltas_of_one_group_meet_in_one_batch() {
    let batch =
        [members(10, &[2], &[]), members(10, &[2], &[]), members(10, &[], &[2, 1]), members(10, &[3], &[1])];
    let (writes, answers) = plan(&batch, facts());
    let told: Vec<_> =
        answers.iter().map(|answer| answer.as_ref().map(|it| (it.version, it.changed))).collect();
    assert_eq!(told, [Ok((6, true)), Ok((6, false)), Ok((7, true)), Ok((8, true))]);
    assert_eq!(writes.joined, [((TENANT, (id(10), id(3))), false)]);
    assert_eq!(writes.left, [(TENANT, (id(10), id(1)))]);
    assert_eq!(writes.groups[0].changes, 3);
    // The log keeps every step, and none for the request that changed nothing.
    assert_eq!(writes.log.len(), 3);
    assert!(writes.log[1].logged.members.as_ref().is_some_and(|members| members.contains("remove")));
}

#[test]
fn members_must_exist_and_a_group_is_none_of_its_own() {
    let (writes, answers) = plan(&[members(10, &[2, 99], &[]), members(10, &[10], &[])], facts());
    assert_eq!(answers[0], Err(CommitError::MissingMembers(vec![id(99)])));
    assert_eq!(answers[1], Err(CommitError::MissingMembers(vec![id(10)])));
    assert!(writes.is_empty() && writes.joined.is_empty() && writes.groups.is_empty());
}

#[test]
fn a_deleted_user_leaves_its_groups_and_cannot_be_added_again() {
    let batch = [
        members(10, &[2], &[]),
        delete(ResourceKind::User, 2),
        members(10, &[2], &[]),
        delete(ResourceKind::User, 2),
    ];
    let (writes, answers) = plan(&batch, facts());
    assert!(answers[0].is_ok() && answers[1].is_ok());
    assert_eq!(answers[2], Err(CommitError::MissingMembers(vec![id(2)])));
    assert_eq!(answers[3], Err(CommitError::NotFound));
    assert!(writes.joined.is_empty(), "joined and left within the batch");
    assert_eq!(writes.deleted[0].document, "{\"old\":true}");
    assert!(writes.deleted[0].groups.contains(&id(10).to_string()));
    assert_eq!(writes.groups[0].changes, 2);
}

#[test]
fn a_deleted_group_keeps_its_memberships() {
    let (writes, answers) = plan(&[delete(ResourceKind::Group, 10), members(10, &[2], &[])], facts());
    assert!(answers[0].is_ok());
    assert_eq!(answers[1], Err(CommitError::NotFound));
    assert!(writes.left.is_empty() && writes.groups.is_empty() && writes.new_groups.is_empty());
    assert_eq!(writes.deleted[0].member_count, 1);
}

#[test]
fn replacing_all_members_keeps_those_who_stay() {
    let members = MemberDelta { clear: true, add: vec![id(1), id(2)], remove: vec![] };
    let action = Action::Update { expected: None, before: None, document: None, members };
    let batch = [change(TENANT, ResourceKind::Group, 10, action)];
    let (writes, answers) = plan(&batch, facts());
    assert_eq!(answers[0].as_ref().map(|committed| committed.changed), Ok(true));
    assert!(writes.left.is_empty());
    assert_eq!(writes.joined, [((TENANT, (id(10), id(2))), false)]);
}

#[test]
fn a_tenant_that_is_gone_gets_no_rows() {
    let mut facts = facts();
    facts.feeds.remove(&TENANT);
    let (writes, answers) = plan(&[create_user(20, "x")], facts);
    assert_eq!(answers[0], Err(CommitError::TenantGone));
    assert!(writes.is_empty());
}

#[test]
fn a_record_is_logged_without_an_event() {
    let (writes, answers) = plan(&[change(TENANT, ResourceKind::User, 1, Action::Record)], facts());
    assert_eq!(answers[0].as_ref().map(|committed| (committed.version, committed.changed)), Ok((5, false)));
    assert!(!writes.log[0].is_change && writes.users.is_empty());
}

#[test]
fn the_wrong_kind_is_not_found() {
    let (_, answers) = plan(&[delete(ResourceKind::User, 10), members(1, &[2], &[])], facts());
    assert_eq!(answers, [Err(CommitError::NotFound), Err(CommitError::NotFound)]);
}

fn growth(writes: &Writes) -> Counts {
    writes.feeds.iter().find(|feed| feed.tenant == TENANT).map(|feed| feed.growth).unwrap_or_default()
}

#[test]
fn a_batch_says_by_how_much_its_tenant_grows() {
    let batch = [create_user(20, "x"), members(10, &[2, 20], &[1]), delete(ResourceKind::User, 3)];
    let (writes, _) = plan(&batch, facts());
    let (created, deleted) = ("{\"userName\":\"x\"}".len(), "{\"old\":true}".len());
    let bytes = i64::try_from(created).unwrap() - i64::try_from(deleted).unwrap();
    // The new user is not active, and the deleted one was.
    assert_eq!(growth(&writes), Counts { users: 0, active_users: -1, groups: 0, memberships: 1, bytes });
    let (writes, _) = plan(&[delete(ResourceKind::Group, 10), delete(ResourceKind::User, 1)], facts());
    assert_eq!((growth(&writes).groups, growth(&writes).memberships), (-1, -1));
}

/// Nobody sees the group, so neither the membership that comes back nor the one that goes counts.
#[test]
fn a_user_restored_into_a_deleted_group_and_deleted_again_counts_for_nothing() {
    let mut facts = facts();
    let kept = KeptResource { at: Timestamp(3), version: 4, created: Timestamp(1) };
    facts.deleted.extend([((TENANT, id(30)), kept), ((TENANT, id(40)), kept)]);
    let action = Action::Restore { deleted: 4, document: document(Some("x")), groups: vec![id(40)] };
    let restore = change(TENANT, ResourceKind::User, 30, action);
    let (writes, answers) = plan(&[restore, delete(ResourceKind::User, 30)], facts);
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert_eq!(growth(&writes), Counts::default());
    assert!(writes.groups.is_empty() && writes.joined.is_empty());
}

fn refused(quota: Quota) -> Result<Committed, CommitError> {
    Err(CommitError::QuotaExceeded(quota))
}

#[test]
fn a_change_beyond_a_quota_is_refused_and_leaves_nothing() {
    let quotas = Quotas { users: Some(1), groups: Some(0), memberships: Some(1), bytes: None };
    let group = Action::Create { document: document(None), members: vec![] };
    let batch = [
        create_user(20, "x"),
        create_user(21, "y"),
        change(TENANT, ResourceKind::Group, 30, group),
        members(10, &[2], &[]),
        members(10, &[3], &[]),
    ];
    let (writes, answers) = super::plan(&batch, facts(), quotas);
    assert!(answers[0].is_ok() && answers[3].is_ok(), "{answers:?}");
    assert_eq!(answers[1], refused(Quota::Users(1)));
    assert_eq!(answers[2], refused(Quota::Groups(0)));
    assert_eq!(answers[4], refused(Quota::Memberships(1)));
    assert_eq!((writes.new_users.len(), writes.new_groups.len(), writes.joined.len()), (1, 0, 1));
    assert_eq!(growth(&writes), Counts { users: 1, memberships: 1, bytes: 16, ..Counts::default() });
}

#[test]
fn no_quota_binds_a_scratch_tenant() {
    let scratch = TenantId::scratch(TENANT.0);
    let mut facts = facts();
    facts.feeds.insert(scratch, Feed::default());
    let quotas = Quotas { users: Some(0), ..Quotas::default() };
    let create = |tenant| TenantChange { tenant, ..create_user(20, "x") };
    let (_, answers) = super::plan(&[create(scratch), create(TENANT)], facts, quotas);
    assert!(answers[0].is_ok(), "{answers:?}");
    assert_eq!(answers[1], refused(Quota::Users(0)));
}

/// A tenant may have more than its quotas allow, since those were set later.
#[test]
fn only_growth_is_refused() {
    let mut facts = facts();
    let counts = Counts { users: 9, active_users: 9, groups: 9, memberships: 9, bytes: 999 };
    facts.feeds.insert(TENANT, Feed { position: 100, counts });
    // The stored documents have 12 bytes.
    for stored in facts.resources.values_mut() {
        stored.bytes = 12;
    }
    let quotas = Quotas { users: Some(1), groups: Some(1), memberships: Some(1), bytes: Some(1) };
    let plan = |batch: &[TenantChange]| super::plan(batch, facts.clone(), quotas).1;
    assert_eq!(plan(&[create_user(20, "x")]), [refused(Quota::Users(1))]);
    assert_eq!(plan(&[members(10, &[2, 3], &[1])]), [refused(Quota::Memberships(1))]);
    assert_eq!(plan(&[members(10, &[2], &[1])]).iter().filter(|answer| answer.is_ok()).count(), 1);
    let mut larger = update_user(1, 5, "a longer name");
    // To disable a user takes a byte more.
    assert!(plan(std::slice::from_ref(&larger))[0].is_ok());
    if let Action::Update { document: Some(document), .. } = &mut larger.change.action {
        document.keys.active = true;
    }
    assert_eq!(plan(&[larger]), [refused(Quota::Bytes(1))]);
    let deleted = [delete(ResourceKind::User, 1), delete(ResourceKind::Group, 10)];
    assert!(plan(&deleted).iter().all(Result::is_ok));
}

#[test]
fn what_is_restored_counts_like_what_is_created() {
    let mut facts = facts();
    let kept = KeptResource { at: Timestamp(3), version: 4, created: Timestamp(1) };
    facts.deleted.insert((TENANT, id(30)), kept);
    let restore = |groups| Action::Restore { deleted: 4, document: document(Some("x")), groups };
    let plan = |quotas, groups| {
        let change = change(TENANT, ResourceKind::User, 30, restore(groups));
        super::plan(&[change], facts.clone(), quotas).1
    };
    let none = |quotas: Quotas| Quotas { users: Some(0), ..quotas };
    assert_eq!(plan(none(Quotas::default()), vec![]), [refused(Quota::Users(0))]);
    let no_members = Quotas { memberships: Some(0), ..Quotas::default() };
    assert_eq!(plan(no_members, vec![id(10)]), [refused(Quota::Memberships(0))]);
    assert!(plan(no_members, vec![])[0].is_ok());
}

/// Who is asked for: users, groups and names.
fn asked(batch: &[TenantChange]) -> [usize; 3] {
    let questions = questions(batch);
    let of = |kind| questions.resources(kind).count();
    [of(ResourceKind::User), of(ResourceKind::Group), questions.user_names.len()]
}

#[test]
fn nobody_asks_for_what_the_caller_knows() {
    let update = |expected: Option<i64>, name: &str| {
        let mut update = update_user(1, 5, "a");
        let body = |name: &str| serde_json::Map::from_iter([("userName".to_owned(), name.into())]);
        if let Action::Update { expected: version, before, .. } = &mut update.change.action {
            *before = Some(Before::of(r#"{"userName":"a"}"#.to_owned(), &body("a"), &body(name)));
            *version = expected;
        }
        update
    };
    assert_eq!(asked(&[update(Some(5), "a")]), [1, 0, 0], "it has the name");
    assert_eq!(asked(&[update(Some(5), "A")]), [1, 0, 1]);
    assert_eq!(asked(&[update(None, "a")]), [1, 0, 1], "it may have another name by now");
    assert_eq!(asked(&[members(10, &[], &[])]), [0, 1, 0]);
    assert_eq!(asked(&[members(10, &[1], &[])]), [1, 2, 0], "a member may be a user or a group");
    assert_eq!(asked(&[members(10, &[1], &[]), update(Some(5), "a")]), [1, 2, 0]);
    // The name is still taken for others.
    let (_, answers) = plan(&[update(Some(5), "a"), create_user(20, "a")], facts());
    assert_eq!(answers[1], Err(CommitError::UserNameTaken));
}

/// A document whose name has this key and, in lower case, is this other text.
fn keyed(key: &str, lower: &str) -> Document {
    let document = document(Some(key));
    let lower_user_name = Some(lower.to_owned());
    Document { keys: scim::resource::Keys { lower_user_name, ..document.keys }, ..document }
}

/// Under what a user is stored who is updated to such a document, where others are stored so.
fn stored_under(n: u128, names: &[(&str, u128)]) -> Result<Option<String>, CommitError> {
    let mut facts = facts();
    facts.user_names = names.iter().map(|(name, n)| ((TENANT, (*name).to_owned()), id(*n))).collect();
    let mut update = update_user(n, 5, "k");
    if let Action::Update { document, .. } = &mut update.change.action {
        *document = Some(keyed("k", "l"));
    }
    // The name is taken for those who come behind, whatever the key is.
    let create = Action::Create { document: keyed("k", "l"), members: vec![] };
    let batch = [update, change(TENANT, ResourceKind::User, 20, create)];
    let (writes, answers) = plan(&batch, facts);
    assert_eq!(answers[1], Err(CommitError::UserNameTaken));
    answers.into_iter().next().unwrap().map(|_| writes.users[0].document.keys.user_name.clone())
}

#[test]
fn a_user_keeps_its_old_key_while_the_new_one_is_taken() {
    let under = |key: &str| Ok(Some(key.to_owned()));
    assert_eq!(stored_under(1, &[("k", 1)]), under("k"));
    assert_eq!(stored_under(1, &[("k", 2), ("l", 1)]), under("l"));
    assert_eq!(stored_under(1, &[("l", 1)]), under("k"), "it is free");
    assert_eq!(stored_under(1, &[]), under("k"));
    for names in [&[("k", 2)][..], &[("l", 2)], &[("k", 1), ("l", 2)], &[("k", 2), ("l", 3)]] {
        assert_eq!(stored_under(1, names), Err(CommitError::UserNameTaken), "{names:?}");
    }
}

#[test]
fn whoever_may_have_an_old_key_is_asked_for_even_if_it_keeps_its_name() {
    let mut update = update_user(1, 5, "k");
    if let Action::Update { before, document, .. } = &mut update.change.action {
        let body = serde_json::Map::from_iter([("userName".to_owned(), "k".into())]);
        *before = Some(Before::of(r#"{"userName":"k"}"#.to_owned(), &body, &body));
        *document = Some(keyed("k", "l"));
    }
    assert_eq!(asked(&[update]), [1, 0, 2]);
}
