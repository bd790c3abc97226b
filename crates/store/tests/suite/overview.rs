//! Tenants looked over: found by words and state, with how much there is of each, with the use of their credentials.

use crate::{
    acts::*,
    backend::Backend,
    oauth::{client, federation, secret},
    on_both_databases,
    tokens::token,
    world::*,
};
use scim::{
    Profile, Timestamp,
    event::EventKind,
    schema::ResourceKind::{Group, User},
};
use serde_json::json;
use store::*;
use uuid::Uuid;

on_both_databases!(
    tenants_are_found_by_words_and_state,
    figures_tell_what_there_is,
    credentials_say_how_long_they_are_good_and_when_they_were_used,
    members_come_in_pages_and_everything_has_a_name,
    a_tenant_is_changed,
);

async fn labels(store: &Store, words: &[&str], state: Option<TenantState>) -> Vec<String> {
    let words = words.iter().map(|word| (*word).to_owned()).collect();
    let found = store.tenants_behind(String::new(), TenantSearch { words, state }, 10).await.unwrap();
    found.into_iter().map(|tenant| tenant.label).collect()
}

async fn tenants_are_found_by_words_and_state(backend: Backend) {
    let store = &backend.store;
    for (label, name) in
        [("contoso", "Contoso 100%"), ("blume", "Blumen ÜBER_alles"), ("fab-rikam", "Fabrikam, Inc.")]
    {
        let row = Tenant { name: name.to_owned(), ..tenant_row(label) };
        store.create_tenant(row.clone()).await.unwrap();
        if label == "contoso" {
            store.set_tenant_state(row.id, TenantState::Suspended).await.unwrap();
        }
    }
    let all = ["blume", "contoso", "fab-rikam"];
    assert_eq!(labels(store, &[], None).await, all);
    for (words, found) in [
        (&["über"][..], &all[..1]),
        (&["men", "alles"], &all[..1]),
        (&["fabrikam"], &all[2..]),
        (&["b-r"], &all[2..]),
        (&["a"], &[all[0], all[2]]),
        (&["%"], &all[1..2]),
        (&["_"], &all[..1]),
        (&["blume", "contoso"], &[]),
        (&["'"], &[]),
        (&["o\0"], &[]),
    ] {
        assert_eq!(labels(store, words, None).await, found, "{words:?}");
    }
    assert_eq!(labels(store, &[], Some(TenantState::Suspended)).await, ["contoso"]);
    assert_eq!(labels(store, &["o"], Some(TenantState::Active)).await, Vec::<String>::new());
    let behind = store.tenants_behind("blume".to_owned(), TenantSearch::default(), 1).await.unwrap();
    assert_eq!(behind[0].label, "contoso");
    assert_eq!(behind.len(), 1);
    let behind = store.tenants_behind("blume\0".to_owned(), TenantSearch::default(), 1).await.unwrap();
    assert_eq!(behind, [], "no label");
}

async fn figures_tell_what_there_is(backend: Backend) {
    let world = World::new(backend).await;
    let neighbour = World::new(world.backend.clone()).await;
    neighbour.user("other").await;
    let mut ids = Vec::new();
    for n in 0..5 {
        ids.push(world.user(&format!("user{n}")).await);
    }
    let disabled = document(User, json!({"userName": "user0", "active": false}));
    world.commit(replace(User, ids[0], None, disabled)).await.unwrap();
    world.group("Sales", &[ids[1]]).await;
    world.commit(delete(User, ids[4], None)).await.unwrap();
    let last = change(User, ids[1], EventKind::Patch, Action::Record);
    world.commit(last.clone()).await.unwrap();
    let nobody = TenantId(Uuid::now_v7());
    let asked = vec![neighbour.tenant, nobody, world.tenant];
    let found = world.store().tenant_figures(asked.clone(), 100).await.unwrap();
    let bytes = world.number("SELECT byte_count FROM feeds WHERE tenant_id = $");
    let expected = TenantFigures {
        counts: Counts { users: 4, active_users: 3, groups: 1, memberships: 1, bytes },
        deleted: 1,
        changes: 9,
        last_change: Some(last.at),
        credentials: Vec::new(),
    };
    assert_eq!(found[2], expected);
    assert_eq!((found[0].counts.users, found[0].changes), (1, 1));
    assert_eq!(found[1], TenantFigures::default());
    let bounded = world.store().tenant_figures(asked, 0).await.unwrap();
    assert_eq!((bounded[2].counts, bounded[2].deleted), (expected.counts, 1), "there may be more than none");
    assert_eq!(world.store().tenant_figures(Vec::new(), 2).await.unwrap(), []);
}

async fn credentials_say_how_long_they_are_good_and_when_they_were_used(backend: Backend) {
    let world = World::new(backend).await;
    let (store, tenant) = (world.store(), world.tenant);
    let seen = Seen { first: Timestamp(50), last: Timestamp(50), from: None, doing: None };
    let row = SecretTokenRow { expires: Some(Timestamp(900)), seen: Some(seen), ..token(tenant) };
    store.insert_secret_token(row).await.unwrap();
    let (good, gone) = (client(tenant), client(tenant));
    let (good_secret, gone_secret) = (secret(&good), secret(&gone));
    store.create_oauth_client(good.clone(), Some(good_secret.clone())).await.unwrap();
    store.create_oauth_client(gone.clone(), Some(gone_secret)).await.unwrap();
    store.set_federation(federation(&good), None, None).await.unwrap();
    let revoked = now();
    store.revoke_oauth_client(tenant, gone.id, revoked).await.unwrap();
    let [figures] = store.tenant_figures(vec![tenant], 10).await.unwrap().try_into().unwrap();
    let of = |kind| {
        let mut found: Vec<CredentialUse> =
            figures.credentials.iter().filter(|credential| credential.kind == kind).copied().collect();
        found.sort_by_key(|credential| credential.revoked.is_some());
        found
    };
    let [token] = of(CredentialKind::SecretToken).try_into().unwrap();
    assert_eq!((token.expires, token.revoked), (Some(Timestamp(900)), None));
    assert_eq!(token.last_used, Some(Timestamp(50)));
    assert!(token.is_live(Timestamp(899)) && !token.is_live(Timestamp(900)));
    let [alive, dead] = of(CredentialKind::ClientSecret).try_into().unwrap();
    assert_eq!((alive.expires, alive.revoked), (Some(good_secret.expires), None));
    assert_eq!((dead.revoked, dead.is_live(Timestamp(0))), (Some(revoked), false));
    let [federation] = of(CredentialKind::Federation).try_into().unwrap();
    assert_eq!((federation.expires, federation.revoked, federation.last_used), (None, None, None));
}

async fn members_come_in_pages_and_everything_has_a_name(backend: Backend) {
    let world = World::new(backend).await;
    let (ana, ben) = (world.user("Ana").await, world.user("Ben").await);
    let inner = world.group("Inner", &[ana]).await;
    let outer = world.group("Outer", &[ana, ben, inner]).await;
    let first = ResourceId(Uuid::nil());
    let page = world.store().members_behind(world.tenant, outer, first, 2).await.unwrap();
    let named = |id, is_group, name: &str| NamedResource {
        id,
        is_group,
        is_deleted: false,
        name: Some(name.to_owned()),
    };
    assert_eq!(page, [named(ana, false, "Ana"), named(ben, false, "Ben")]);
    let rest = world.store().members_behind(world.tenant, outer, ben, 2).await.unwrap();
    assert_eq!(rest, [named(inner, true, "Inner")]);
    assert_eq!(world.store().member_count(world.tenant, outer).await.unwrap(), 3);
    let other = World::new(world.backend.clone()).await;
    assert_eq!(world.store().members_behind(other.tenant, outer, first, 2).await.unwrap(), []);
    assert_eq!(world.store().member_count(other.tenant, outer).await.unwrap(), 0);
    world.commit(delete(User, ben, None)).await.unwrap();
    let gone = world.group("Gone", &[]).await;
    world.commit(delete(Group, gone, None)).await.unwrap();
    let asked = vec![ana, ben, inner, gone, new_id()];
    let mut found = world.store().names_of(world.tenant, asked.clone()).await.unwrap();
    found.sort_by_key(|named| named.id);
    let deleted = |id, is_group, name| NamedResource { is_deleted: true, ..named(id, is_group, name) };
    assert_eq!(
        found,
        [
            named(ana, false, "Ana"),
            deleted(ben, false, "Ben"),
            named(inner, true, "Inner"),
            deleted(gone, true, "Gone"),
        ]
    );
    assert_eq!(world.store().names_of(other.tenant, asked).await.unwrap(), []);
    assert_eq!(world.store().names_of(world.tenant, Vec::new()).await.unwrap(), []);
}

async fn a_tenant_is_changed(backend: Backend) {
    let row = tenant_row("contoso");
    let by = By { actor: operator_actor("anna"), origin: "192.0.2.7".to_owned(), at: now() };
    let store = hands(&backend.store, by);
    store.create_tenant(row.clone()).await.unwrap();
    let name = Some("Contoso AG".to_owned());
    assert!(store.change_tenant(row.id, TenantUpdate { name: name.clone(), profile: None }).await.unwrap());
    let update = TenantUpdate { name: None, profile: Some(Profile::Rfc) };
    assert!(store.change_tenant(row.id, update).await.unwrap());
    assert!(store.change_tenant(row.id, TenantUpdate::default()).await.unwrap());
    let found = store.tenant("contoso").await.unwrap().unwrap();
    assert_eq!((found.name.as_str(), found.profile), ("Contoso AG", Profile::Rfc));
    let nobody = TenantId(Uuid::now_v7());
    for update in [TenantUpdate::default(), TenantUpdate { name, profile: None }] {
        assert!(!store.change_tenant(nobody, update).await.unwrap());
    }
    let rows = store.audit_rows(Some(row.id), i64::MAX, at_most(10)).await.unwrap().rows;
    let actions: Vec<&str> = rows.iter().map(|row| row.action.as_str()).collect();
    // An update that changes nothing is done, and leaves none.
    assert_eq!(actions, ["tenant.change", "tenant.change", "tenant.create"]);
    let (before, after) = (rows[1].before.as_ref().unwrap(), rows[1].after.as_ref().unwrap());
    assert!(before.contains("contoso Ltd.") && after.contains("Contoso AG"));
}
