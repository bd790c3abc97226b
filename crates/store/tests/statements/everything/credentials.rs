//! Credentials of a tenant.

use crate::acts::*;
use crate::world::*;
use scim::Timestamp;
use store::*;
use uuid::Uuid;

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

pub(super) async fn use_tokens(store: &Store, tenant: TenantId) {
    let token = token_row(tenant, 7);
    store.insert_secret_token(token.clone()).await.unwrap();
    assert!(store.secret_token([7; 32], Line::Process).await.unwrap().is_some());
    let seen = Seen { first: now(), last: now(), from: None, doing: None };
    let used = |kind| NotedUse { kind, tenant, id: token.id, seen: seen.clone() };
    let kinds = [CredentialKind::SecretToken, CredentialKind::ClientSecret, CredentialKind::Federation];
    store.note_uses(kinds.map(used).to_vec()).await.unwrap();
    assert_eq!(store.secret_tokens_used_since(Timestamp(0), 10).await.unwrap().len(), 1);
    use_rotations(store, &token).await;
    let tokens = store.secret_tokens(tenant).await.unwrap();
    assert_eq!(store.secret_tokens_behind(tenant, (Timestamp(0), Uuid::nil()), 9).await.unwrap(), tokens);
    let active = tokens.iter().find(|token| token.revoked.is_none()).unwrap();
    assert!(store.revoke_secret_token(tenant, active.id, now()).await.unwrap());
    let (from, until) = (Timestamp(0), Timestamp(i64::MAX));
    store.ending_credentials((from, until), (from, Uuid::nil()), 10).await.unwrap();
    store.ends_of_credentials((from, until)).await.unwrap();
}

pub(super) async fn use_scratch_tenants(store: &Store, like: TenantId) {
    let scratch = TenantId::scratch(new_id().0);
    let row = Tenant { id: scratch, ..tenant_row("scratch") };
    assert!(store.open_scratch(like, row, token_row(scratch, 77)).await.unwrap());
    assert_eq!(store.scratch_tenants(Timestamp(i64::MAX)).await.unwrap(), [scratch]);
    assert!(store.erase_tenant(scratch).await.unwrap());
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

pub(super) async fn use_oauth(store: &Store, tenant: TenantId) {
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

pub(super) async fn use_setup_links(store: &Store, tenant: TenantId) {
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
    assert!(store.setup_link([1; 32], Line::Operators).await.unwrap().is_some());
    assert!(store.setup_session([2; 32], Line::Operators).await.unwrap().is_some());
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
