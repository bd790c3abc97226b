//! OAuth clients, secrets, federations, used assertions and signing keys as rows.

use crate::{acts::*, backend::Backend, on_both_databases, world::*};
use scim::Timestamp;
use store::*;
use uuid::Uuid;

on_both_databases!(
    a_client_is_found_with_all_that_it_may_show,
    clients_and_secrets_end_once,
    a_tenant_has_one_federation,
    a_federation_and_its_client_are_one_transaction,
    of_two_first_federations_one_is_set,
    an_assertion_is_noted_once,
    successors_of_a_signing_key_are_made_once,
    each_act_leaves_its_row_without_a_secret,
);

pub(crate) fn client(tenant: TenantId) -> OauthClient {
    OauthClient { id: Uuid::now_v7(), tenant, label: "Entra".to_owned(), created: now(), revoked: None }
}

pub(crate) fn secret(client: &OauthClient) -> ClientSecret {
    ClientSecret {
        id: Uuid::now_v7(),
        tenant: client.tenant,
        client: client.id,
        key_id: "k7".to_owned(),
        hash: "$argon2id$".to_owned(),
        created: now(),
        expires: Timestamp(9),
        revoked: None,
        seen: None,
    }
}

pub(crate) fn federation(client: &OauthClient) -> Federation {
    let text = str::to_owned;
    Federation {
        id: Uuid::now_v7(),
        tenant: client.tenant,
        client: client.id,
        issuer: text("https://login.example.com/"),
        subject: text("subject"),
        audience: text("api://juno"),
        jwks_url: text("https://login.example.com/keys"),
        created: now(),
        seen: None,
    }
}

async fn label(world: &World) -> String {
    world.store().tenant(&world.tenant.0.to_string()).await.unwrap().unwrap().label
}

async fn a_client_is_found_with_all_that_it_may_show(backend: Backend) {
    let world = World::new(backend).await;
    let neighbour = World::new(world.backend.clone()).await;
    let (one, two) = (client(world.tenant), client(world.tenant));
    let (first, second) = (secret(&one), secret(&one));
    world.store().create_oauth_client(one.clone(), Some(first.clone())).await.unwrap();
    world.store().create_oauth_client(two.clone(), None).await.unwrap();
    world.store().insert_client_secret(second.clone()).await.unwrap();
    let terms = federation(&two);
    assert!(world.store().set_federation(terms.clone(), None, None).await.unwrap());

    let label = label(&world).await;
    let found = world.store().oauth_client(label.clone(), one.id, Line::Process).await.unwrap().unwrap();
    assert_eq!(found.tenant.id, world.tenant);
    assert_eq!((&found.client, &found.secrets[..], found.federation), (&one, &[first, second][..], None));
    let found = world.store().oauth_client(label.clone(), two.id, Line::Process).await.unwrap().unwrap();
    assert_eq!((found.secrets, found.federation), (vec![], Some(terms)));
    assert_eq!(world.store().oauth_clients(world.tenant).await.unwrap(), [one.clone(), two]);

    for (label, id) in [
        (self::label(&neighbour).await, one.id),
        (format!("{label}\0"), one.id),
        (label, Uuid::now_v7()),
        ("x".to_owned(), one.id),
    ] {
        assert_eq!(world.store().oauth_client(label, id, Line::Process).await.unwrap(), None);
    }
    assert_eq!(world.store().oauth_clients(neighbour.tenant).await.unwrap(), []);
    assert_eq!(world.store().client_secrets(neighbour.tenant).await.unwrap(), []);
}

async fn clients_and_secrets_end_once(backend: Backend) {
    let world = World::new(backend).await;
    let other = TenantId(Uuid::now_v7());
    let row = client(world.tenant);
    let held = secret(&row);
    world.store().create_oauth_client(row.clone(), Some(held.clone())).await.unwrap();
    for (tenant, at, expected) in [(other, 5, false), (world.tenant, 6, true), (world.tenant, 7, false)] {
        let secret = world.store().revoke_client_secret(tenant, held.id, Timestamp(at)).await.unwrap();
        let client = world.store().revoke_oauth_client(tenant, row.id, Timestamp(at)).await.unwrap();
        assert_eq!((secret, client), (expected, expected));
    }
    assert_eq!(world.store().oauth_clients(world.tenant).await.unwrap()[0].revoked, Some(Timestamp(6)));
    assert_eq!(world.store().client_secrets(world.tenant).await.unwrap()[0].revoked, Some(Timestamp(6)));
}

async fn a_tenant_has_one_federation(backend: Backend) {
    let world = World::new(backend).await;
    let row = client(world.tenant);
    assert_eq!(world.store().federation(world.tenant).await.unwrap(), None);
    let mut earlier = None;
    for _ in 0..2 {
        let terms = federation(&row);
        assert!(world.store().set_federation(terms.clone(), earlier, None).await.unwrap());
        assert_eq!(world.store().federation(world.tenant).await.unwrap(), Some(terms.clone()));
        // Who knows another one, or none, is too late.
        for stale in [earlier, Some(Uuid::now_v7())] {
            assert!(!world.store().set_federation(federation(&row), stale, None).await.unwrap());
        }
        earlier = Some(terms.id);
    }
    let remove = async |tenant, id| world.store().remove_federation(tenant, id, None, now()).await.unwrap();
    let id = earlier.unwrap();
    assert!(!remove(TenantId(Uuid::now_v7()), id).await);
    assert!(!remove(world.tenant, Uuid::now_v7()).await);
    assert!(remove(world.tenant, id).await);
    assert!(!remove(world.tenant, id).await);
}

async fn a_federation_and_its_client_are_one_transaction(backend: Backend) {
    let world = World::new(backend).await;
    let (store, tenant) = (world.store(), world.tenant);
    let clients = async || store.oauth_clients(tenant).await.unwrap();
    let row = client(tenant);
    let terms = federation(&row);
    assert!(!store.set_federation(terms.clone(), Some(terms.id), Some(row.clone())).await.unwrap());
    assert_eq!(clients().await, []);
    assert!(store.set_federation(terms.clone(), None, Some(row.clone())).await.unwrap());
    assert_eq!(clients().await, std::slice::from_ref(&row));
    // It is in use as long as the federation is there.
    assert!(!store.revoke_oauth_client(tenant, row.id, Timestamp(5)).await.unwrap());
    assert!(!store.remove_federation(tenant, Uuid::now_v7(), Some(row.id), Timestamp(6)).await.unwrap());
    assert_eq!(clients().await, std::slice::from_ref(&row));
    assert!(store.remove_federation(tenant, terms.id, Some(row.id), Timestamp(7)).await.unwrap());
    assert_eq!(clients().await, [OauthClient { revoked: Some(Timestamp(7)), ..row }]);
    assert_eq!(store.federation(tenant).await.unwrap(), None);
}

async fn of_two_first_federations_one_is_set(backend: Backend) {
    let world = World::new(backend).await;
    let elsewhere = world.backend.open_again();
    let (one, two) = (client(world.tenant), client(world.tenant));
    let (first, second) = tokio::join!(
        world.store().set_federation(federation(&one), None, Some(one.clone())),
        elsewhere.set_federation(federation(&two), None, Some(two.clone())),
    );
    let (first, second) = (first.unwrap(), second.unwrap());
    assert!(first ^ second, "{first} {second}");
    let set = if first { one } else { two };
    assert_eq!(world.store().federation(world.tenant).await.unwrap().unwrap().client, set.id);
    assert_eq!(world.store().oauth_clients(world.tenant).await.unwrap(), [set]);
}

async fn an_assertion_is_noted_once(backend: Backend) {
    let world = World::new(backend).await;
    let neighbour = World::new(world.backend.clone()).await;
    let elsewhere = world.backend.open_again();
    let note = async |store: &Store, tenant, digest: u8, until| {
        store.note_assertion(tenant, [digest; 32], Timestamp(until)).await.unwrap()
    };
    assert!(note(world.store(), world.tenant, 1, 10).await);
    assert!(!note(&elsewhere, world.tenant, 1, 10).await, "another process knows it");
    assert!(note(world.store(), neighbour.tenant, 1, 10).await, "another tenant's are others");
    assert!(note(world.store(), world.tenant, 2, 20).await);
    world.store().forget_assertions(Timestamp(11)).await.unwrap();
    assert_eq!(world.number("SELECT count(*) FROM used_assertions WHERE tenant_id = $"), 1);
    assert!(!note(world.store(), world.tenant, 2, 20).await);
}

async fn successors_of_a_signing_key_are_made_once(backend: Backend) {
    let world = World::new(backend).await;
    let key = |from: i64| SigningKey {
        id: Uuid::now_v7(),
        private_key: vec![1, 2, 3].into(),
        signs_from: Timestamp(from),
        signs_until: Timestamp(from + 10),
        published_until: Timestamp(from + 20),
    };
    let (second, first) = (key(10), key(0));
    for (row, is_new) in [(&second, true), (&first, true), (&key(10), false)] {
        assert_eq!(world.store().insert_signing_key(row.clone()).await.unwrap(), is_new);
    }
    assert!(!format!("{first:?}").contains("1, 2, 3"));
    assert_eq!(world.store().signing_keys().await.unwrap(), [first, second.clone()]);
    world.store().delete_signing_keys(Timestamp(20)).await.unwrap();
    assert_eq!(world.store().signing_keys().await.unwrap(), [second]);
}

async fn each_act_leaves_its_row_without_a_secret(backend: Backend) {
    let world = World::new(backend).await;
    let by = By { actor: operator_actor("anna"), origin: "192.0.2.7".to_owned(), at: now() };
    let store = hands(world.store(), by);
    let row = client(world.tenant);
    let (first, second) = (secret(&row), secret(&row));
    store.create_oauth_client(row.clone(), Some(first)).await.unwrap();
    store.insert_client_secret(second.clone()).await.unwrap();
    assert!(store.revoke_client_secret(world.tenant, second.id, Timestamp(5)).await.unwrap());
    assert!(!store.revoke_client_secret(world.tenant, second.id, Timestamp(6)).await.unwrap());
    let terms = federation(&row);
    let other = Federation { id: Uuid::now_v7(), subject: "other".to_owned(), ..terms.clone() };
    assert!(store.set_federation(terms.clone(), None, None).await.unwrap());
    assert!(store.set_federation(other.clone(), Some(terms.id), None).await.unwrap());
    for is_there in [true, false] {
        let done = store.remove_federation(world.tenant, other.id, Some(row.id), Timestamp(7)).await.unwrap();
        assert_eq!(done, is_there);
    }

    let rows = told(&store, world.tenant).await;
    let acts: Vec<_> = rows.iter().map(|row| (row.action.as_str(), row.target.clone())).collect();
    let id = row.id.to_string();
    assert_eq!(
        acts,
        [
            ("oauth-client.create", id.clone()),
            ("client-secret.issue", "k7".to_owned()),
            ("client-secret.revoke", "k7".to_owned()),
            ("federation.set", id.clone()),
            ("federation.set", id.clone()),
            ("federation.remove", id.clone()),
            ("oauth-client.revoke", id),
        ]
    );
    let shown = |text: &Option<String>| text.clone().unwrap_or_default();
    assert!(rows.iter().all(|row| !(shown(&row.before) + shown(&row.after).as_str()).contains("argon2id")));
    assert!(shown(&rows[2].after).contains("1970-01-01T00:00:00.005Z"), "{:?}", rows[2]);
    assert!(shown(&rows[4].before).contains("\"subject\":\"subject\""), "{:?}", rows[4]);
    assert!(shown(&rows[4].after).contains("\"subject\":\"other\""), "{:?}", rows[4]);
    assert!(store.verify_audit().await.unwrap().is_ok());
}
