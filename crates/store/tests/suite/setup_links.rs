//! Setup links as rows: opened once, with the Secret Token that they issue in the same transaction.

use crate::{acts::*, backend::Backend, on_both_databases, tokens::token, world::*};
use scim::Timestamp;
use serde_json::Value;
use store::*;
use uuid::Uuid;

on_both_databases!(
    a_link_is_found_by_its_digest_with_its_tenant,
    a_link_is_opened_once,
    of_many_at_the_same_moment_one_opens_it,
    what_has_ended_is_not_opened,
    the_link_and_its_token_are_stored_together_or_not_at_all,
    another_token_takes_the_place_of_the_one_it_issued,
    a_link_and_its_token_are_revoked_together,
    each_act_leaves_its_row_without_a_secret,
);

pub(crate) fn link(tenant: TenantId) -> SetupLink {
    let id = Uuid::now_v7();
    let mut digest = [1; 32];
    digest[..16].copy_from_slice(id.as_bytes());
    SetupLink {
        id,
        tenant,
        label: "Adele Vance".to_owned(),
        digest,
        created: now(),
        created_by: "operator anna".to_owned(),
        expires: Timestamp(1000),
        revoked: None,
        opening: None,
    }
}

pub(crate) fn opening(link: &SetupLink, at: i64, token: &SecretTokenRow) -> SetupOpening {
    let mut session = link.digest;
    session[31] = 2;
    SetupOpening {
        at: Timestamp(at),
        from: "192.0.2.7".to_owned(),
        session,
        session_ends: Timestamp(at + 100),
        secret_token: token.id,
        tokens_issued: 1,
    }
}

/// A link that is opened, and the token that it has issued.
async fn opened(world: &World) -> (SetupLink, SecretTokenRow) {
    let (mut row, issued) = (link(world.tenant), token(world.tenant));
    assert!(world.store().create_setup_link(row.clone()).await.unwrap());
    let begun = opening(&row, 500, &issued);
    assert!(world.store().open_setup_link(row.id, begun.clone(), issued.clone()).await.unwrap());
    row.opening = Some(begun);
    (row, issued)
}

async fn tokens(world: &World) -> Vec<(Uuid, Option<Timestamp>)> {
    let rows = world.store().secret_tokens(world.tenant).await.unwrap();
    rows.into_iter().map(|row| (row.id, row.revoked)).collect()
}

async fn a_link_is_found_by_its_digest_with_its_tenant(backend: Backend) {
    let world = World::new(backend).await;
    let neighbour = World::new(world.backend.clone()).await;
    let (first, second) = (link(world.tenant), link(world.tenant));
    for row in [&first, &second] {
        assert!(world.store().create_setup_link(row.clone()).await.unwrap());
    }
    assert!(!world.store().create_setup_link(first.clone()).await.unwrap(), "an id is taken once");
    let (found, tenant) = world.store().setup_link(first.digest, Line::Operators).await.unwrap().unwrap();
    assert_eq!((&found, tenant.id), (&first, world.tenant));
    assert_eq!(world.store().setup_link([7; 32], Line::Operators).await.unwrap(), None);
    assert_eq!(world.store().setup_session(first.digest, Line::Operators).await.unwrap(), None);
    assert_eq!(world.store().setup_links(world.tenant).await.unwrap(), [first.clone(), second.clone()]);
    // Two of the same time stand in the order of their ids.
    let third = SetupLink { created: second.created, ..link(world.tenant) };
    assert!(world.store().create_setup_link(third.clone()).await.unwrap());
    let behind = async |row: &SetupLink, limit| {
        let place = (row.created, row.id);
        let rows = world.store().setup_links_behind(world.tenant, place, limit).await.unwrap();
        rows.into_iter().map(|row| row.id).collect::<Vec<_>>()
    };
    assert_eq!(behind(&first, 1).await, [second.id]);
    assert_eq!(behind(&second, 9).await, [third.id]);
    assert!(behind(&third, 9).await.is_empty());
    assert_eq!(world.store().setup_links(neighbour.tenant).await.unwrap(), []);
}

async fn a_link_is_opened_once(backend: Backend) {
    let world = World::new(backend).await;
    let (row, issued) = opened(&world).await;
    let session = row.opening.as_ref().unwrap().session;
    let (found, tenant) = world.store().setup_session(session, Line::Operators).await.unwrap().unwrap();
    assert_eq!((&found, tenant.id), (&row, world.tenant));
    assert_eq!(
        world.store().setup_link(row.digest, Line::Operators).await.unwrap().map(|(row, _)| row),
        Some(row.clone())
    );

    let late = token(world.tenant);
    let again = SetupOpening { session: [9; 32], ..opening(&row, 501, &late) };
    assert!(!world.store().open_setup_link(row.id, again, late).await.unwrap());
    assert_eq!(world.store().setup_links(world.tenant).await.unwrap(), [row]);
    assert_eq!(tokens(&world).await, [(issued.id, None)]);
}

async fn of_many_at_the_same_moment_one_opens_it(backend: Backend) {
    let world = World::new(backend).await;
    let elsewhere = world.backend.open_again();
    let row = link(world.tenant);
    assert!(world.store().create_setup_link(row.clone()).await.unwrap());
    let attempts = (0..10).map(|n: u8| {
        let store = if n.is_multiple_of(2) { world.store().clone() } else { elsewhere.clone() };
        let issued = token(world.tenant);
        let begun = SetupOpening { session: [n; 32], ..opening(&row, 500, &issued) };
        let id = row.id;
        tokio::spawn(async move { store.open_setup_link(id, begun, issued).await.unwrap() })
    });
    let mut opened = 0;
    for attempt in attempts.collect::<Vec<_>>() {
        opened += u32::from(attempt.await.unwrap());
    }
    assert_eq!(opened, 1);
    let rows = world.store().setup_links(world.tenant).await.unwrap();
    assert_eq!(tokens(&world).await, [(rows[0].opening.as_ref().unwrap().secret_token, None)]);
}

/// The end of a link alone, that has issued this token.
fn end(tenant: TenantId, link: Uuid, issued: Option<Uuid>) -> SetupRevocation {
    SetupRevocation { tenant, link, issued, with_token: false }
}

async fn what_has_ended_is_not_opened(backend: Backend) {
    let world = World::new(backend).await;
    let other = TenantId(Uuid::now_v7());
    let (expired, revoked) = (link(world.tenant), link(world.tenant));
    for row in [&expired, &revoked] {
        assert!(world.store().create_setup_link(row.clone()).await.unwrap());
    }
    assert!(!world.store().revoke_setup_link(end(other, revoked.id, None), Timestamp(3)).await.unwrap());
    assert!(
        world.store().revoke_setup_link(end(world.tenant, revoked.id, None), Timestamp(3)).await.unwrap()
    );
    assert!(
        !world.store().revoke_setup_link(end(world.tenant, revoked.id, None), Timestamp(4)).await.unwrap()
    );
    for (row, at) in [(&expired, 1000), (&revoked, 500)] {
        let issued = token(world.tenant);
        let begun = opening(row, at, &issued);
        assert!(!world.store().open_setup_link(row.id, begun, issued).await.unwrap());
    }
    let rows = world.store().setup_links(world.tenant).await.unwrap();
    assert_eq!((rows[0].revoked, rows[1].revoked), (None, Some(Timestamp(3))));
    assert_eq!(tokens(&world).await, []);
    // A moment earlier it was good.
    let issued = token(world.tenant);
    let begun = opening(&expired, 999, &issued);
    assert!(world.store().open_setup_link(expired.id, begun, issued).await.unwrap());
}

async fn the_link_and_its_token_are_stored_together_or_not_at_all(backend: Backend) {
    let world = World::new(backend).await;
    let row = link(world.tenant);
    assert!(world.store().create_setup_link(row.clone()).await.unwrap());
    let taken = token(world.tenant);
    world.store().insert_secret_token(taken.clone()).await.unwrap();
    // The same key twice: the token cannot be stored.
    assert!(!world.store().open_setup_link(row.id, opening(&row, 500, &taken), taken).await.unwrap());
    assert_eq!(world.store().setup_links(world.tenant).await.unwrap(), std::slice::from_ref(&row));
    let issued = token(world.tenant);
    let begun = opening(&row, 501, &issued);
    assert!(world.store().open_setup_link(row.id, begun, issued).await.unwrap());
}

async fn another_token_takes_the_place_of_the_one_it_issued(backend: Backend) {
    let world = World::new(backend).await;
    let (row, first) = opened(&world).await;
    let second = token(world.tenant);
    let replacement =
        SetupReplacement { link: row.id, tokens_issued: 1, old: Some(first.id), new: second.clone() };
    assert!(world.store().replace_setup_token(replacement.clone(), Timestamp(510)).await.unwrap());
    assert_eq!(tokens(&world).await, [(first.id, Some(Timestamp(510))), (second.id, None)]);
    let stored = async || world.store().setup_links(world.tenant).await.unwrap()[0].opening.clone().unwrap();
    assert_eq!((stored().await.secret_token, stored().await.tokens_issued), (second.id, 2));

    // Whoever asked at the same moment was not first.
    let late = SetupReplacement { new: token(world.tenant), ..replacement.clone() };
    assert!(!world.store().replace_setup_token(late, Timestamp(511)).await.unwrap());
    // The old one is revoked already: nothing is done.
    let old = SetupReplacement { tokens_issued: 2, new: token(world.tenant), ..replacement.clone() };
    assert!(!world.store().replace_setup_token(old, Timestamp(512)).await.unwrap());
    assert_eq!((stored().await.secret_token, stored().await.tokens_issued), (second.id, 2));
    assert!(
        world
            .store()
            .revoke_setup_link(end(world.tenant, row.id, Some(second.id)), Timestamp(513))
            .await
            .unwrap()
    );
    let new = token(world.tenant);
    let ended = SetupReplacement { tokens_issued: 2, old: Some(second.id), new, ..replacement };
    assert!(!world.store().replace_setup_token(ended, Timestamp(514)).await.unwrap());
    assert_eq!(tokens(&world).await, [(first.id, Some(Timestamp(510))), (second.id, None)]);
}

async fn a_link_and_its_token_are_revoked_together(backend: Backend) {
    let world = World::new(backend).await;
    let (row, issued) = opened(&world).await;
    // Whoever saw it before it was opened, or before it issued this token, looks again.
    for seen in [None, Some(Uuid::now_v7())] {
        let late = SetupRevocation { with_token: true, ..end(world.tenant, row.id, seen) };
        assert!(!world.store().revoke_setup_link(late, Timestamp(5)).await.unwrap());
    }
    assert_eq!(world.store().setup_links(world.tenant).await.unwrap()[0].revoked, None);
    assert_eq!(tokens(&world).await, [(issued.id, None)]);
    let both = SetupRevocation { with_token: true, ..end(world.tenant, row.id, Some(issued.id)) };
    assert!(world.store().revoke_setup_link(both, Timestamp(6)).await.unwrap());
    assert_eq!(world.store().setup_links(world.tenant).await.unwrap()[0].revoked, Some(Timestamp(6)));
    assert_eq!(tokens(&world).await, [(issued.id, Some(Timestamp(6)))]);
}

async fn each_act_leaves_its_row_without_a_secret(backend: Backend) {
    let world = World::new(backend).await;
    let by = |actor| By { actor, origin: "192.0.2.7".to_owned(), at: now() };
    let (row, first, second) = (link(world.tenant), token(world.tenant), token(world.tenant));
    let anna = hands(world.store(), by(operator_actor("anna")));
    let customer = hands(world.store(), by(Actor::SetupLink(Uuid::nil())));
    assert!(anna.create_setup_link(row.clone()).await.unwrap());
    assert!(customer.open_setup_link(row.id, opening(&row, 500, &first), first.clone()).await.unwrap());
    let third = token(world.tenant);
    assert!(!customer.open_setup_link(row.id, opening(&row, 501, &third), third).await.unwrap());
    let replacement =
        SetupReplacement { link: row.id, tokens_issued: 1, old: Some(first.id), new: second.clone() };
    assert!(customer.replace_setup_token(replacement, Timestamp(510)).await.unwrap());
    assert!(
        anna.revoke_setup_link(end(world.tenant, row.id, Some(second.id)), Timestamp(520)).await.unwrap()
    );

    let rows = told(&anna, world.tenant).await;
    let acts: Vec<_> = rows.iter().map(|row| (row.actor.as_str(), row.action.as_str())).collect();
    let (anna_did, customer_did) = ("operator anna", "setup link 00000000-0000-0000-0000-000000000000");
    assert_eq!(
        acts,
        [
            (anna_did, "setup-link.create"),
            (customer_did, "setup-link.open"),
            (customer_did, "secret-token.issue"),
            (customer_did, "setup-link.issue-again"),
            (customer_did, "secret-token.revoke"),
            (customer_did, "secret-token.issue"),
            (anna_did, "setup-link.revoke"),
        ]
    );
    let parsed = |text: &Option<String>| -> Value { serde_json::from_str(text.as_deref().unwrap()).unwrap() };
    assert_eq!(parsed(&rows[1].before)["opened"], Value::Null);
    assert_eq!(parsed(&rows[1].after)["opened"], "1970-01-01T00:00:00.500Z");
    assert_eq!(parsed(&rows[3].after)["tokens_issued"], 2);
    assert_eq!(parsed(&rows[6].after)["revoked"], "1970-01-01T00:00:00.520Z");
    let keys: Vec<String> = parsed(&rows[6].after).as_object().unwrap().keys().cloned().collect();
    assert_eq!(keys, ["expires", "revoked", "opened", "tokens_issued"]);
    let id = row.id.to_string();
    assert!(rows.iter().filter(|row| row.action.starts_with("setup-link.")).all(|row| row.target == id));
    assert!(!format!("{rows:?}").contains(&row.label), "{rows:?}");
    assert!(anna.verify_audit().await.unwrap().is_ok());
}
