//! Uses all of a store: every method, each action of a change, listings of every shape.

use crate::{backend::Backend, capture::Kind, world::*};
use scim::{
    Timestamp,
    event::EventKind,
    schema::{
        ResourceKind::{Group, User},
        ResourceType,
    },
    search::{PageLimits, Paging, Position, Query, SortKey, Words},
};
use store::*;
use uuid::Uuid;

/// Listings of each shape, as `src/sql/tests.rs` reads them too.
const CASES: &str = include_str!("../../src/sql/cases.txt");

/// Returns the tenant that was used, which is deleted at the end.
pub(crate) async fn use_everything(kind: Kind, backend: Backend) -> TenantId {
    let world = World::new(backend).await;
    let by = By { actor: "command line root".to_owned(), origin: "host".to_owned(), at: now() };
    let store = world.store().acting(by);
    let tenant = world.tenant;
    use_resources(&world).await;
    use_listings(&world).await;
    if kind == Kind::Postgres {
        lose_a_race(&world).await;
    }
    use_history(&world, &store).await;
    use_tokens(&store, tenant).await;
    use_oauth(&store, tenant).await;
    use_setup_links(&store, tenant).await;
    use_operators(&store).await;
    use_tenant(&store, tenant).await;
    tenant
}

async fn use_resources(world: &World) {
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
    world.commit(change(User, ana, EventKind::Patch, Action::Record)).await.unwrap();
    assert_eq!(world.commit(create_user(new_id(), "ben")).await, Err(CommitError::UserNameTaken));
    assert!(store.user_by_name(tenant, "anna".to_owned(), true).await.unwrap().is_some());
    assert!(world.row(User, ana).await.is_some_and(|row| row.groups.len() == 2));
    assert!(world.row(Group, inner).await.is_some());
    assert_eq!(world.members(outer).await.users, [ben]);
    assert_eq!(store.member_count(tenant, outer).await.unwrap(), 2);
    let first = ResourceId(Uuid::nil());
    assert_eq!(store.members_behind(tenant, outer, first, 10).await.unwrap().len(), 2);
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
    let Query { condition, sort, paging, .. } = words.check(ResourceType::of(kind), limits).unwrap();
    let Paging::Index { count, .. } = paging else { panic!("no cursor was given") };
    Listing { kind, condition, sort, from, limit: count, with_groups: true }
}

async fn use_listings(world: &World) {
    for line in CASES.lines().filter(|line| !line.is_empty()) {
        world.list(listing(line)).await;
        world.list(Listing { limit: 0, ..listing(line) }).await;
    }
}

/// Another process has moved the feed between facts and rows: the writer locks it and decides again.
async fn lose_a_race(world: &World) {
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

async fn use_history(world: &World, store: &Store) {
    let tenant = world.tenant;
    let all = (Timestamp(i64::MAX), ResourceId(Uuid::max()));
    let gone = store.deleted_resources(tenant, all, 10).await.unwrap();
    let [outer, ben] = &gone[..] else { panic!("{gone:?}") };
    assert!(!store.hidden_members(tenant, outer.id).await.unwrap().is_empty());
    store.commit(tenant, restore(outer, group("Outside"), Vec::new())).await.unwrap();
    let deleted = store.deleted_resource(tenant, ben.id).await.unwrap().unwrap();
    store.commit(tenant, restore(&deleted, user("ben"), vec![outer.id])).await.unwrap();
    assert!(!store.changes(tenant, Some(ben.id), i64::MAX, 10).await.unwrap().is_empty());
    assert!(!store.changes(tenant, None, i64::MAX, 10).await.unwrap().is_empty());
    world.commit(delete(User, ben.id, None)).await.unwrap();
    assert_eq!(store.purge(Timestamp(now().0 + 1), 10).await.unwrap().resources, 1);
}

fn token_row(tenant: TenantId, digest: u8) -> SecretTokenRow {
    SecretTokenRow {
        id: new_id().0,
        tenant,
        key_id: "k".to_owned(),
        digest: [digest; 32],
        label: "Entra".to_owned(),
        created: now(),
        expires: None,
        revoked: None,
        seen: None,
    }
}

async fn use_tokens(store: &Store, tenant: TenantId) {
    let token = token_row(tenant, 7);
    store.insert_secret_token(token.clone()).await.unwrap();
    assert!(store.secret_token([7; 32], Line::Process).await.unwrap().is_some());
    let seen = Seen { first: now(), last: now(), from: None, doing: None };
    let used = |kind| NotedUse { kind, tenant, id: token.id, seen: seen.clone() };
    let kinds = [CredentialKind::SecretToken, CredentialKind::ClientSecret, CredentialKind::Federation];
    store.note_uses(kinds.map(used).to_vec()).await.unwrap();
    use_rotations(store, &token).await;
    let tokens = store.secret_tokens(tenant).await.unwrap();
    assert_eq!(store.secret_tokens_behind(tenant, (Timestamp(0), Uuid::nil()), 9).await.unwrap(), tokens);
    let active = tokens.iter().find(|token| token.revoked.is_none()).unwrap();
    assert!(store.revoke_secret_token(tenant, active.id, now()).await.unwrap());
    let (from, until) = (Timestamp(0), Timestamp(i64::MAX));
    store.ending_credentials((from, until), (from, Uuid::nil()), 10).await.unwrap();
    store.ends_of_credentials((from, until)).await.unwrap();
}

async fn use_rotations(store: &Store, old: &SecretTokenRow) {
    for (digest, outcome) in [(8, Outcome::Cancelled), (9, Outcome::Completed)] {
        let new = SecretTokenRow { id: new_id().0, digest: [digest; 32], ..old.clone() };
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
        assert!(!store.rotations_before(rotation.tenant, Uuid::max(), 10).await.unwrap().is_empty());
        assert_eq!(store.rotations_under_way(rotation.tenant).await.unwrap().len(), 1);
        assert_eq!(store.open_rotations().await.unwrap().len(), 1);
        let ending = Ending { at: now(), outcome, because: "Waiting".to_owned(), is_early: false };
        assert!(store.end_rotation(rotation, ending).await.unwrap());
    }
}

async fn use_oauth(store: &Store, tenant: TenantId) {
    let client =
        OauthClient { id: new_id().0, tenant, label: "Entra".to_owned(), created: now(), revoked: None };
    let secret = ClientSecret {
        id: new_id().0,
        tenant,
        client: client.id,
        key_id: "k7".to_owned(),
        hash: "$argon2id$hash".to_owned(),
        created: now(),
        expires: Timestamp(i64::MAX),
        revoked: None,
        seen: None,
    };
    let federation = Federation {
        id: new_id().0,
        tenant,
        client: client.id,
        issuer: "issuer".to_owned(),
        subject: "subject".to_owned(),
        audience: "audience".to_owned(),
        jwks_url: "https://login.example/keys".to_owned(),
        created: now(),
        seen: None,
    };
    assert!(store.create_oauth_client(client.clone(), Some(secret.clone())).await.unwrap());
    let second = ClientSecret { id: new_id().0, ..secret.clone() };
    assert!(store.insert_client_secret(second).await.unwrap());
    assert!(store.set_federation(federation.clone(), None, None).await.unwrap());
    let label = store.tenant(&tenant.to_string()).await.unwrap().unwrap().label;
    let owner = store.oauth_client(label, client.id, Line::Process).await.unwrap().unwrap();
    assert!(owner.federation.is_some() && owner.secrets.len() == 2);
    assert_eq!(store.oauth_clients(tenant).await.unwrap().len(), 1);
    assert_eq!(store.client_secrets(tenant).await.unwrap().len(), 2);
    assert!(store.federation(tenant).await.unwrap().is_some());
    assert!(store.revoke_client_secret(tenant, secret.id, now()).await.unwrap());
    assert!(!store.revoke_oauth_client(tenant, client.id, now()).await.unwrap(), "it is a federation's");
    assert!(store.remove_federation(tenant, federation.id, Some(client.id), now()).await.unwrap());
    assert!(store.note_assertion(tenant, [1; 32], now()).await.unwrap());
    store.forget_assertions(now()).await.unwrap();
    let key = SigningKey {
        id: new_id().0,
        private_key: vec![1].into(),
        signs_from: Timestamp(0),
        signs_until: Timestamp(1),
        published_until: Timestamp(2),
    };
    assert!(store.insert_signing_key(key).await.unwrap());
    assert_eq!(store.signing_keys().await.unwrap().len(), 1);
    store.delete_signing_keys(now()).await.unwrap();
}

async fn use_setup_links(store: &Store, tenant: TenantId) {
    let link = SetupLink {
        id: new_id().0,
        tenant,
        label: "Adele Vance".to_owned(),
        digest: [1; 32],
        created: now(),
        created_by: "operator anna".to_owned(),
        expires: Timestamp(i64::MAX),
        revoked: None,
        opening: None,
    };
    let issued = token_row(tenant, 21);
    let opening = SetupOpening {
        at: now(),
        from: "192.0.2.7".to_owned(),
        session: [2; 32],
        session_ends: Timestamp(i64::MAX),
        secret_token: issued.id,
        tokens_issued: 1,
    };
    assert!(store.create_setup_link(link.clone()).await.unwrap());
    assert!(store.open_setup_link(link.id, opening, issued.clone()).await.unwrap());
    assert!(store.setup_link([1; 32]).await.unwrap().is_some());
    assert!(store.setup_session([2; 32]).await.unwrap().is_some());
    assert_eq!(store.setup_links(tenant).await.unwrap().len(), 1);
    store.setup_links_behind(tenant, (now(), Uuid::max()), 10).await.unwrap();
    let new = token_row(tenant, 22);
    let replacement =
        SetupReplacement { link: link.id, tokens_issued: 1, old: Some(issued.id), new: new.clone() };
    assert!(store.replace_setup_token(replacement, now()).await.unwrap());
    let revocation = SetupRevocation { tenant, link: link.id, issued: Some(new.id), with_token: true };
    assert!(store.revoke_setup_link(revocation, now()).await.unwrap());
    let unopened = SetupLink { id: new_id().0, digest: [3; 32], ..link };
    assert!(store.create_setup_link(unopened.clone()).await.unwrap());
    let revocation = SetupRevocation { tenant, link: unopened.id, issued: None, with_token: false };
    assert!(store.revoke_setup_link(revocation, now()).await.unwrap());
}

async fn use_operators(store: &Store) {
    let hash = || "$argon2id$hash".to_owned();
    let operator = |name: &str| Operator {
        id: new_id().0,
        name: name.to_owned(),
        role: Role::Admin,
        is_active: true,
        password_hash: hash(),
        password_is_once: true,
        totp: None,
        created: now(),
    };
    let (anna, ben) = (operator("anna"), operator("ben"));
    for operator in [&anna, &ben] {
        assert!(store.create_operator(operator.clone()).await.unwrap());
    }
    let digest = [1; 32];
    let session = Session {
        digest,
        operator: anna.id,
        created: now(),
        seen: now(),
        expires: Timestamp(i64::MAX),
        by_openid: false,
    };
    assert!(store.sign_in(session.clone(), Proof::Password { hash: hash(), step: None }).await.unwrap());
    assert!(store.session(digest).await.unwrap().is_some());
    store.touch_session(digest, now()).await.unwrap();
    let secret = vec![1; 20];
    for change in [
        OperatorChange::Password { old: hash(), hash: hash(), session: digest },
        OperatorChange::OfferTotp { secret: secret.clone(), session: digest },
        OperatorChange::ConfirmTotp { secret, step: 7, session: digest },
    ] {
        assert!(store.change_operator(anna.id, change.clone()).await.unwrap(), "{change:?}");
    }
    use_api_tokens(store, anna.id, digest).await;
    assert!(store.sign_out(digest).await.unwrap());
    assert!(store.sign_in(session.clone(), Proof::OpenId).await.unwrap());
    let with_code = Proof::Password { hash: hash(), step: Some(8) };
    assert!(store.sign_in(Session { digest: [2; 32], ..session }, with_code).await.unwrap());
    for change in [
        OperatorChange::Reset { hash: hash() },
        OperatorChange::SetRole(Role::Viewer),
        OperatorChange::Disable,
        OperatorChange::Enable,
    ] {
        assert!(store.change_operator(anna.id, change.clone()).await.unwrap(), "{change:?}");
    }
    assert_eq!(store.operators().await.unwrap().len(), 2);
    assert!(store.operator("anna").await.unwrap().is_some());
}

async fn use_api_tokens(store: &Store, operator: Uuid, session: [u8; 32]) {
    let token = ApiTokenRow {
        id: new_id().0,
        operator,
        key_id: "k".to_owned(),
        digest: [5; 32],
        label: "backup".to_owned(),
        role: Role::Viewer,
        created: now(),
        expires: now(),
        revoked: None,
        last_used: None,
    };
    let other = ApiTokenRow { id: new_id().0, digest: [6; 32], ..token.clone() };
    assert!(store.insert_api_token(token.clone(), Some(session)).await.unwrap());
    assert!(store.insert_api_token(other, None).await.unwrap());
    assert!(store.api_token([5; 32]).await.unwrap().is_some());
    assert_eq!(store.api_tokens(None).await.unwrap().len(), 2);
    assert_eq!(store.api_tokens(Some(operator)).await.unwrap().len(), 2);
    store.touch_api_token(token.id, now()).await.unwrap();
    assert!(store.revoke_api_token(token.id, now()).await.unwrap());
}

async fn use_tenant(store: &Store, tenant: TenantId) {
    let target = "contoso".to_owned();
    let deed = Deed { action: "tenant.export", target, tenant: Some(tenant), before: None, after: None };
    store.note(deed).await.unwrap();
    assert!(!store.audit_rows(Some(tenant), i64::MAX, 10).await.unwrap().is_empty());
    assert!(!store.audit_rows(None, i64::MAX, 10).await.unwrap().is_empty());
    assert!(store.verify_audit().await.unwrap().is_ok());
    assert_eq!(store.tenants().await.unwrap().len(), 1);
    for search in [
        TenantSearch::default(),
        TenantSearch { words: vec!["t".to_owned()], state: Some(TenantState::Active) },
    ] {
        assert_eq!(store.tenants_behind(String::new(), search, 10).await.unwrap().len(), 1);
    }
    assert_eq!(store.tenant_figures(vec![tenant], 10).await.unwrap().len(), 1);
    let renamed = TenantUpdate { name: Some("Other".to_owned()), profile: Some(scim::Profile::Rfc) };
    assert!(store.change_tenant(tenant, renamed).await.unwrap());
    assert!(store.change_tenant(tenant, TenantUpdate::default()).await.unwrap());
    assert!(store.set_tenant_state(tenant, TenantState::Suspended).await.unwrap());
    store.ping().await.unwrap();
    assert!(store.delete_tenant(tenant).await.unwrap());
}
