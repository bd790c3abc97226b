//! Evidence of use, rotations and ends of credentials as rows.

use crate::{
    acts::*,
    backend::Backend,
    oauth::{client, federation, secret},
    on_both_databases,
    tokens::token,
    world::*,
};
use scim::Timestamp;
use store::*;
use uuid::Uuid;

on_both_databases!(
    the_time_of_a_use_never_goes_back,
    tokens_that_were_used_lately_are_found_of_all_tenants,
    a_credential_is_rotated_once_at_a_time,
    a_rotation_ends_once_with_the_credential_that_does_not_stay,
    a_client_secret_is_rotated_as_a_token_is,
    of_processes_that_end_a_rotation_together_one_does,
    each_step_of_a_rotation_leaves_its_row,
    rotations_are_listed_page_by_page,
    credentials_of_all_tenants_are_listed_as_they_end,
);

/// A rotation of this token, and the new one.
pub(crate) fn rotation(old: &SecretTokenRow) -> (Rotation, Successor) {
    let new = SecretTokenRow { key_id: "k8".to_owned(), ..token(old.tenant) };
    let rotation = Rotation {
        id: Uuid::now_v7(),
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
    (rotation, Successor::SecretToken(new))
}

fn ending(outcome: Outcome, at: i64) -> Ending {
    Ending { at: Timestamp(at), outcome, because: "Both in use".to_owned(), is_early: true }
}

/// A token with a rotation that is under way.
async fn started(world: &World) -> (SecretTokenRow, Rotation) {
    let old = token(world.tenant);
    world.store().insert_secret_token(old.clone()).await.unwrap();
    let (rotation, new) = rotation(&old);
    assert!(world.store().start_rotation(rotation.clone(), new).await.unwrap());
    (old, rotation)
}

/// When each token of the tenant was revoked, by id.
async fn revoked(world: &World, id: Uuid) -> Option<Timestamp> {
    let tokens = world.store().secret_tokens(world.tenant).await.unwrap();
    tokens.into_iter().find(|token| token.id == id).unwrap().revoked
}

async fn the_time_of_a_use_never_goes_back(backend: Backend) {
    let world = World::new(backend).await;
    let neighbour = World::new(world.backend.clone()).await;
    let (row, held) = (client(world.tenant), token(world.tenant));
    let (key, terms) = (secret(&row), federation(&row));
    world.store().insert_secret_token(held.clone()).await.unwrap();
    world.store().create_oauth_client(row, Some(key.clone())).await.unwrap();
    world.store().set_federation(terms.clone(), None, None).await.unwrap();
    let of = |tenant, first, last, from: Option<&str>| {
        let seen = Seen {
            first: Timestamp(first),
            last: Timestamp(last),
            from: from.map(str::to_owned),
            doing: from.map(|_| format!("GET /Users {last}")),
        };
        let used = |kind, id| NotedUse { kind, tenant, id, seen: seen.clone() };
        vec![
            used(CredentialKind::SecretToken, held.id),
            used(CredentialKind::ClientSecret, key.id),
            used(CredentialKind::Federation, terms.id),
            used(CredentialKind::SecretToken, Uuid::now_v7()),
        ]
    };
    let seen = async || {
        let token = world.store().secret_tokens(world.tenant).await.unwrap()[0].seen.clone();
        let secret = world.store().client_secrets(world.tenant).await.unwrap()[0].seen.clone();
        let federation = world.store().federation(world.tenant).await.unwrap().unwrap().seen;
        assert_eq!((&token, &token), (&secret, &federation));
        token
    };
    assert_eq!(seen().await, None);
    world.store().note_uses(of(neighbour.tenant, 1, 1, None)).await.unwrap();
    assert_eq!(seen().await, None, "the use of another tenant");
    for (first, last, from, expected) in [
        (5, 5, Some("192.0.2.1"), (5, 5, Some("192.0.2.1"))),
        (9, 9, Some("192.0.2.2"), (5, 9, Some("192.0.2.2"))),
        // Of another process, late: neither time moves.
        (3, 7, Some("192.0.2.3"), (5, 9, Some("192.0.2.2"))),
        (3, 10, None, (5, 10, None)),
    ] {
        world.store().note_uses(of(world.tenant, first, last, from)).await.unwrap();
        let seen = seen().await.unwrap();
        let (first, last, from) = expected;
        assert_eq!((seen.first, seen.last), (Timestamp(first), Timestamp(last)));
        assert_eq!((seen.from.as_deref(), seen.doing.is_some()), (from, from.is_some()));
    }
}

async fn tokens_that_were_used_lately_are_found_of_all_tenants(backend: Backend) {
    let (one, two) = (World::new(backend.clone()).await, World::new(backend).await);
    let token_used = async |world: &World, digest: u8, at: Option<i64>| {
        let row = SecretTokenRow { digest: [digest; 32], ..token(world.tenant) };
        world.store().insert_secret_token(row.clone()).await.unwrap();
        if let Some(at) = at.map(Timestamp) {
            let seen = Seen { first: at, last: at, from: None, doing: None };
            let kind = CredentialKind::SecretToken;
            world
                .store()
                .note_uses(vec![NotedUse { kind, tenant: world.tenant, id: row.id, seen }])
                .await
                .unwrap();
        }
        row
    };
    token_used(&one, 1, Some(99)).await;
    token_used(&one, 2, Some(100)).await;
    token_used(&two, 3, Some(200)).await;
    token_used(&two, 4, None).await;
    let revoked = token_used(&two, 5, Some(300)).await;
    assert!(one.store().revoke_secret_token(two.tenant, revoked.id, Timestamp(301)).await.unwrap());
    let used = |digest, tenant, at| UsedToken { digest: [digest; 32], tenant, at: Timestamp(at) };
    let (last, before) = (used(3, two.tenant, 200), used(2, one.tenant, 100));
    let found = one.store().secret_tokens_used_since(Timestamp(100), 10).await.unwrap();
    assert_eq!(found, [last.clone(), before]);
    assert_eq!(one.store().secret_tokens_used_since(Timestamp(0), 1).await.unwrap(), [last]);
}

async fn a_credential_is_rotated_once_at_a_time(backend: Backend) {
    let world = World::new(backend).await;
    let (old, first) = started(&world).await;
    assert_eq!(world.store().rotation(world.tenant, first.id).await.unwrap().as_ref(), Some(&first));
    assert_eq!(world.store().rotation(TenantId(Uuid::now_v7()), first.id).await.unwrap(), None);
    assert!(world.store().open_rotations().await.unwrap().contains(&first));
    let under_way = async |tenant| world.store().rotations_under_way(tenant).await.unwrap();
    assert_eq!(under_way(world.tenant).await, std::slice::from_ref(&first));
    assert_eq!(under_way(TenantId(Uuid::now_v7())).await, []);
    let tokens = world.store().secret_tokens(world.tenant).await.unwrap();
    assert_eq!(tokens.iter().map(|token| token.id).collect::<Vec<_>>(), [first.old, first.new]);

    let (again, new) = rotation(&old);
    assert!(!world.store().start_rotation(again, new).await.unwrap());
    let (of_new, new) = rotation(&tokens[1]);
    assert!(!world.store().start_rotation(of_new.clone(), new.clone()).await.unwrap());
    assert_eq!(world.store().secret_tokens(world.tenant).await.unwrap().len(), 2, "no token was left behind");

    assert!(world.store().end_rotation(first, ending(Outcome::Completed, 5)).await.unwrap());
    assert!(world.store().start_rotation(of_new.clone(), new).await.unwrap());
    assert_eq!(world.store().open_rotations().await.unwrap(), std::slice::from_ref(&of_new));
    assert_eq!(under_way(world.tenant).await, [of_new], "the other one is over");
}

async fn a_rotation_ends_once_with_the_credential_that_does_not_stay(backend: Backend) {
    for (outcome, old_ends) in [(Outcome::Completed, true), (Outcome::Cancelled, false)] {
        let world = World::new(backend.clone()).await;
        let (old, rotation) = started(&world).await;
        assert!(world.store().set_rotation_automatic(rotation.clone(), true).await.unwrap());
        assert!(!world.store().set_rotation_automatic(rotation.clone(), true).await.unwrap());
        let stranger = Rotation { tenant: TenantId(Uuid::now_v7()), ..rotation.clone() };
        assert!(!world.store().end_rotation(stranger, ending(outcome, 5)).await.unwrap());
        assert!(world.store().end_rotation(rotation.clone(), ending(outcome, 6)).await.unwrap());
        assert!(!world.store().end_rotation(rotation.clone(), ending(outcome, 7)).await.unwrap());
        assert!(!world.store().set_rotation_automatic(rotation.clone(), false).await.unwrap());
        let (ended, stays) = if old_ends { (old.id, rotation.new) } else { (rotation.new, old.id) };
        assert_eq!(revoked(&world, ended).await, Some(Timestamp(6)));
        assert_eq!(revoked(&world, stays).await, None);
        let stored = world.store().rotation(world.tenant, rotation.id).await.unwrap().unwrap();
        assert_eq!((stored.ended, stored.is_automatic), (Some((Timestamp(6), outcome)), true));
    }
}

async fn a_client_secret_is_rotated_as_a_token_is(backend: Backend) {
    let world = World::new(backend).await;
    let row = client(world.tenant);
    let (old, new) = (secret(&row), secret(&row));
    world.store().create_oauth_client(row, Some(old.clone())).await.unwrap();
    let rotation = Rotation {
        kind: CredentialKind::ClientSecret,
        old: old.id,
        new: new.id,
        ..rotation(&token(world.tenant)).0
    };
    assert!(
        world.store().start_rotation(rotation.clone(), Successor::ClientSecret(new.clone())).await.unwrap()
    );
    assert!(world.store().end_rotation(rotation, ending(Outcome::Completed, 5)).await.unwrap());
    let secrets = world.store().client_secrets(world.tenant).await.unwrap();
    assert_eq!(secrets, [ClientSecret { revoked: Some(Timestamp(5)), ..old }, new]);
}

async fn of_processes_that_end_a_rotation_together_one_does(backend: Backend) {
    let world = World::new(backend).await;
    let (_, rotation) = started(&world).await;
    let by = By { actor: Actor::Automatic, origin: "here".to_owned(), at: now() };
    let elsewhere = world.backend.open_again();
    let acts = (0..10).map(|n| {
        let store = hands(if n % 2 == 0 { world.store() } else { &elsewhere }, by.clone());
        let rotation = rotation.clone();
        tokio::spawn(
            async move { store.end_rotation(rotation, ending(Outcome::Completed, n)).await.unwrap() },
        )
    });
    let mut done = 0;
    for act in acts.collect::<Vec<_>>() {
        done += usize::from(act.await.unwrap());
    }
    assert_eq!(done, 1);
    assert_eq!(told(world.store(), world.tenant).await.len(), 1);
}

async fn each_step_of_a_rotation_leaves_its_row(backend: Backend) {
    let world = World::new(backend).await;
    let by = By { actor: operator_actor("anna"), origin: "192.0.2.7".to_owned(), at: now() };
    let store = hands(world.store(), by);
    let old = token(world.tenant);
    world.store().insert_secret_token(old.clone()).await.unwrap();
    let (rotation, new) = rotation(&old);
    assert!(store.start_rotation(rotation.clone(), new.clone()).await.unwrap());
    assert!(!store.start_rotation(self::rotation(&old).0, new).await.unwrap());
    assert!(store.set_rotation_automatic(rotation.clone(), true).await.unwrap());
    assert!(store.end_rotation(rotation, ending(Outcome::Completed, 5)).await.unwrap());
    let rows = told(&store, world.tenant).await;
    let told: Vec<_> = rows
        .iter()
        .map(|row| {
            let text = |text: &Option<String>| text.clone().unwrap_or_default();
            (row.action.as_str(), row.target.as_str(), text(&row.before), text(&row.after))
        })
        .collect();
    assert_eq!(told.len(), 3);
    assert!(told.iter().all(|(_, target, ..)| *target == "k7"));
    assert_eq!(told[0].0, "rotation.start");
    assert!(told[0].3.contains("\"key_id\":\"k8\""), "{}", told[0].3);
    assert_eq!(
        (told[1].0, told[1].2.as_str(), told[1].3.as_str()),
        ("rotation.automatic", "{\"automatic\":false}", "{\"automatic\":true}")
    );
    assert_eq!(told[2].0, "rotation.complete");
    for part in ["\"early\":true", "\"ended_key_id\":\"k7\"", "\"state\":\"completed\""] {
        assert!(told[2].3.contains(part), "{}", told[2].3);
    }
    assert!(store.verify_audit().await.unwrap().is_ok());
}

async fn rotations_are_listed_page_by_page(backend: Backend) {
    let world = World::new(backend).await;
    let neighbour = World::new(world.backend.clone()).await;
    started(&neighbour).await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(started(&world).await.1.id);
    }
    ids.reverse();
    let page = async |before| {
        let rows = world.store().rotations_before(world.tenant, before, 2).await.unwrap();
        rows.iter().map(|row| row.id).collect::<Vec<_>>()
    };
    assert_eq!(page(Uuid::max()).await, ids[..2]);
    assert_eq!(page(ids[1]).await, ids[2..]);
    assert!(page(ids[2]).await.is_empty());
}

async fn credentials_of_all_tenants_are_listed_as_they_end(backend: Backend) {
    let world = World::new(backend).await;
    let neighbour = World::new(world.backend.clone()).await;
    let ends = (Timestamp(100), Timestamp(200));
    let token_until = |tenant, until| SecretTokenRow { expires: Some(Timestamp(until)), ..token(tenant) };
    let [first, third] =
        [(world.tenant, 100), (neighbour.tenant, 150)].map(|(tenant, until)| token_until(tenant, until));
    let row = client(neighbour.tenant);
    let second = ClientSecret { expires: Timestamp(150), ..secret(&row) };
    // Made before `third`, which ends at the same time: ids decide.
    let second = ClientSecret { id: Uuid::from_u128(third.id.as_u128() - 1), ..second };
    let revoked = SecretTokenRow { revoked: Some(now()), ..token_until(world.tenant, 150) };
    let (endless, late) = (token(world.tenant), token_until(world.tenant, 200));
    for token in [&third, &first, &revoked, &endless, &late, &token_until(world.tenant, 99)] {
        world.store().insert_secret_token(token.clone()).await.unwrap();
    }
    world.store().create_oauth_client(row.clone(), Some(second.clone())).await.unwrap();
    let gone = client(world.tenant);
    let with_it = ClientSecret { expires: Timestamp(150), ..secret(&gone) };
    world.store().create_oauth_client(gone.clone(), Some(with_it)).await.unwrap();
    assert!(world.store().revoke_oauth_client(world.tenant, gone.id, now()).await.unwrap());

    let page = async |behind, limit| {
        let found = world.store().ending_credentials(ends, behind, limit).await.unwrap();
        found.into_iter().map(|row| (row.id, row.kind, row.tenant.id, row.client)).collect::<Vec<_>>()
    };
    let expected = [
        (first.id, CredentialKind::SecretToken, world.tenant, None),
        (second.id, CredentialKind::ClientSecret, neighbour.tenant, Some(row.id)),
        (third.id, CredentialKind::SecretToken, neighbour.tenant, None),
    ];
    let start = (Timestamp(i64::MIN), Uuid::nil());
    assert_eq!(page(start, 10).await, expected);
    assert_eq!(page(start, 2).await, expected[..2]);
    assert_eq!(page((Timestamp(150), second.id), 2).await, expected[2..]);
    let mut times = world.store().ends_of_credentials(ends).await.unwrap();
    times.sort();
    assert_eq!(
        times,
        [
            (CredentialKind::SecretToken, Timestamp(100)),
            (CredentialKind::SecretToken, Timestamp(150)),
            (CredentialKind::ClientSecret, Timestamp(150)),
        ]
    );
}
