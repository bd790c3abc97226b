//! Clients, their secrets, and what ends an access token.

use super::*;
use futures_util::future::join_all;
use std::collections::HashSet;
use tokens::{ClientError, FederationTerms, Issuer, TokenError};

#[tokio::test]
async fn a_secret_is_exchanged_for_a_token_that_names_tenant_and_client() {
    let house = house().await;
    let (client, secret) = house.client().await;
    let token = house.process.grant("contoso", client, &secret, NOW).await.expect("granted");
    let found = house.process.authenticator.authenticate(&token, HERE, NOW).await.expect("authenticated");
    assert_eq!((&*found.tenant, found.credential), (&house.tenant, client));
    // The hour of the token, and not a second more; the answer is still kept when it ends.
    assert!(house.process.is_good(&token, Timestamp(after(3600).0 - 1)).await);
    assert!(!house.process.is_good(&token, after(3600)).await);
    let stored = format!("{:?}", house.clients.list(house.tenant.id).await.expect("list"));
    assert!(!stored.contains(secret.secret.reveal()) && stored.contains("$argon2id$"), "{stored}");
}

#[tokio::test]
async fn whoever_is_not_the_client_gets_one_answer() {
    let house = house().await;
    let (client, secret) = house.client().await;
    let other = tenant(&house.store, "fabrikam").await;
    let (stranger, foreign) =
        house.clients.create(&root(NOW), (other.id, id()), "", YEAR).await.expect("client");
    for (label, id, secret) in [
        ("contoso", client, &foreign),
        ("contoso", stranger.id, &secret),
        ("contoso", stranger.id, &foreign),
        ("contoso", Uuid::from_u128(7), &secret),
        ("fabrikam", client, &secret),
        ("nobody", client, &secret),
    ] {
        let outcome = house.process.grant(label, id, secret, NOW).await;
        assert!(matches!(outcome, Err(GrantError::InvalidClient)), "{label} {id}: {outcome:?}");
    }
    let assertion = ClientAuthentication::Assertion("eyJhbGciOiJub25lIn0.e30.");
    let outcome = house.process.endpoint.grant("contoso", &client.to_string(), assertion, HERE, NOW).await;
    assert!(matches!(outcome, Err(GrantError::InvalidClient)), "no federation: {outcome:?}");
}

#[tokio::test]
async fn tokens_die_with_what_they_were_issued_for() {
    let house = house().await;
    let (client, first) = house.client().await;
    let second =
        house.clients.add_secret(&root(NOW), (house.tenant.id, client, id()), YEAR).await.expect("second");
    let by_first = house.process.grant("contoso", client, &first, NOW).await.expect("granted");
    let by_second = house.process.grant("contoso", client, &second, NOW).await.expect("granted");
    for token in [&by_first, &by_second] {
        assert!(house.process.is_good(token, NOW).await);
    }
    house
        .clients
        .revoke_secret(&root(NOW), house.tenant.id, client, &first.row.key_id)
        .await
        .expect("revoked");
    assert!(matches!(
        house.process.grant("contoso", client, &first, NOW).await,
        Err(GrantError::InvalidClient)
    ));
    // Another process may have revoked it: what is kept counts for the seconds of the cache and no longer.
    assert!(house.process.is_good(&by_first, after(TTL - 1)).await);
    assert!(!house.process.is_good(&by_first, after(TTL)).await);
    assert!(house.process.is_good(&by_second, after(TTL)).await);
    house.clients.revoke(&root(NOW), house.tenant.id, client).await.expect("revoked");
    house.process.authenticator.forget();
    assert!(!house.process.is_good(&by_second, after(TTL)).await);
    let again = house.clients.revoke(&root(NOW), house.tenant.id, client).await;
    assert!(matches!(again, Err(ClientError::NoSuchClient(_))));
}

#[tokio::test]
async fn a_token_ends_with_its_secret() {
    let house = house().await;
    let (client, secret) = house.client().await;
    let end = secret.row.expires;
    let shortly_before = Timestamp(end.0 - 60_000);
    house.process.keys.refresh(shortly_before).await.expect("keys");
    let shown = ClientAuthentication::Secret(secret.secret.reveal());
    let issued =
        house.process.endpoint.grant("contoso", &client.to_string(), shown, HERE, shortly_before).await;
    let issued = issued.expect("granted");
    assert_eq!(issued.expires_in, 60);
    assert!(house.process.is_good(&issued.token, shortly_before).await);
    assert!(!house.process.is_good(&issued.token, end).await);
    assert!(matches!(
        house.process.grant("contoso", client, &secret, end).await,
        Err(GrantError::InvalidClient)
    ));
}

#[tokio::test]
async fn a_suspended_tenant_gets_no_token_and_strangers_are_not_told() {
    let house = house().await;
    let (client, secret) = house.client().await;
    house.store.set_tenant_state(house.tenant.id, TenantState::Suspended).await.expect("suspended");
    assert!(matches!(house.process.grant("contoso", client, &secret, NOW).await, Err(GrantError::Suspended)));
    let (_, other) = house.client().await;
    assert!(matches!(
        house.process.grant("contoso", client, &other, NOW).await,
        Err(GrantError::InvalidClient)
    ));
}

#[tokio::test]
async fn clients_secrets_and_lifetimes_are_bounded() {
    let house = house().await;
    let tenant = house.tenant.id;
    for lifetime in [YEAR - Duration::from_secs(1), 3 * YEAR + Duration::from_secs(1)] {
        let outcome = house.clients.create(&root(NOW), (tenant, id()), "", lifetime).await;
        assert!(matches!(outcome, Err(ClientError::Lifetime(..))), "{outcome:?}");
    }
    let (client, _) = house.client().await;
    house.client().await;
    let third = house.clients.create(&root(NOW), (tenant, id()), "", YEAR).await;
    assert!(matches!(third, Err(ClientError::TooManyClients(2))));
    let second = house.clients.add_secret(&root(NOW), (tenant, client, id()), YEAR).await.expect("second");
    let third = house.clients.add_secret(&root(NOW), (tenant, client, id()), YEAR).await;
    assert!(matches!(third, Err(ClientError::TooManySecrets(2))));
    house.clients.revoke_secret(&root(NOW), tenant, client, &second.row.key_id).await.expect("revoked");
    house.clients.add_secret(&root(NOW), (tenant, client, id()), YEAR).await.expect("room again");
    let again = house.clients.revoke_secret(&root(NOW), tenant, client, &second.row.key_id).await;
    assert!(matches!(again, Err(ClientError::NoSuchSecret(_))));
}

#[tokio::test]
async fn an_id_is_given_once() {
    let house = house().await;
    let (tenant, one, two) = (house.tenant.id, id(), id());
    house.clients.create(&root(NOW), (tenant, one), "first", YEAR).await.expect("client");
    let again = house.clients.create(&root(NOW), (tenant, one), "second", YEAR).await;
    assert!(matches!(again, Err(ClientError::Taken)), "{again:?}");
    house.clients.add_secret(&root(NOW), (tenant, one, two), YEAR).await.expect("secret");
    house
        .clients
        .revoke_secret(
            &root(NOW),
            tenant,
            one,
            &house.clients.list(tenant).await.expect("list")[0].secrets[0].key_id,
        )
        .await
        .expect("revoked");
    let again = house.clients.add_secret(&root(NOW), (tenant, one, two), YEAR).await;
    assert!(matches!(again, Err(ClientError::Taken)), "{again:?}");
    let clients = house.clients.list(tenant).await.expect("list");
    assert_eq!((clients.len(), clients[0].client.label.as_str(), clients[0].secrets.len()), (1, "first", 2));
}

#[tokio::test]
async fn who_comes_when_the_tenant_is_gone_is_told_so() {
    let house = house().await;
    let (tenant, client) = (house.tenant.id, house.client().await.0);
    house.store.begin_erasing(tenant).await.expect("erasing");
    let created = house.clients.create(&root(NOW), (tenant, id()), "late", YEAR).await;
    assert!(matches!(created, Err(ClientError::TenantGone)), "{created:?}");
    // The client was deleted with the credentials of the tenant.
    let added = house.clients.add_secret(&root(NOW), (tenant, client, id()), YEAR).await;
    assert!(matches!(added, Err(ClientError::NoSuchClient(_))), "{added:?}");
    let revoked = house.clients.revoke(&root(NOW), tenant, client).await;
    assert!(matches!(revoked, Err(ClientError::TenantGone)), "{revoked:?}");
    let (issuer, subject, audience) = ("https://issuer".into(), "one".into(), "api://juno".into());
    let terms = FederationTerms { issuer, subject, audience, jwks_url: "https://issuer/keys".into() };
    let set = house.clients.set_federation(&root(NOW), tenant, terms).await;
    assert!(matches!(set, Err(ClientError::TenantGone)), "{set:?}");
    let issuer = Issuer::new(house.store.clone(), 2);
    let issued = issuer.issue(&root(NOW), (tenant, id()), "late", None).await;
    assert!(matches!(issued, Err(TokenError::TenantGone)), "the tenant is gone");
}

#[tokio::test]
async fn changed_and_foreign_tokens_cost_no_query() {
    let house = house().await;
    let (client, secret) = house.client().await;
    let token = house.process.grant("contoso", client, &secret, NOW).await.expect("granted");
    let stranger = self::house().await;
    let (theirs, their_secret) = stranger.client().await;
    let foreign = stranger.process.grant("contoso", theirs, &their_secret, NOW).await.expect("granted");
    assert!(!house.process.is_good(&foreign, NOW).await, "same issuer, other keys");
    let parts: Vec<&str> = token.split('.').collect();
    let [header, claims, signature] = parts[..] else { panic!("three parts") };
    let foreign_claims = foreign.split('.').nth(1).expect("claims");
    for changed in [
        format!("{header}.{foreign_claims}.{signature}"),
        format!("{header}.{claims}."),
        format!("{header}.{claims}.{}", foreign.rsplit('.').next().expect("signature")),
        format!("eyJhbGciOiJub25lIn0.{claims}."),
        format!("{token}x"),
    ] {
        assert!(!house.process.is_good(&changed, NOW).await, "{changed}");
    }
    assert_eq!(house.process.authenticator.queries(), 0);
    assert!(house.process.is_good(&token, NOW).await);
    assert!(house.process.is_good(&token, NOW).await);
    assert_eq!(house.process.authenticator.queries(), 1);
}

#[tokio::test]
async fn a_token_of_another_gateway_address_is_refused() {
    let house = house().await;
    let (client, secret) = house.client().await;
    let elsewhere = Arc::new(AccessTokens::new(house.process.keys.clone(), "https://other.example.com"));
    let cache = CacheSettings { ttl: Duration::from_secs(TTL as u64), capacity: 100 };
    let other = Authenticator::new(house.store.clone(), cache, RATION).with_access_tokens(elsewhere);
    let token = house.process.grant("contoso", client, &secret, NOW).await.expect("granted");
    assert_eq!(other.authenticate(&token, HERE, NOW).await.expect_err("refused"), Refusal::Unauthorized);
    let plain = Authenticator::new(house.store.clone(), cache, RATION);
    assert_eq!(plain.authenticate(&token, HERE, NOW).await.expect_err("refused"), Refusal::Unauthorized);
}

#[tokio::test]
async fn a_burst_of_one_client_is_granted_and_throttled() {
    let house = house().await;
    let (client, secret) = house.client().await;
    let process = Process::with_rate(&house.store, NOW, 100).await;
    // More at once than may wait for a hash: they share one.
    let burst = (0..100).map(|_| process.grant("contoso", client, &secret, NOW));
    let tokens: HashSet<String> =
        join_all(burst).await.into_iter().map(|token| token.expect("granted")).collect();
    assert_eq!(tokens.len(), 100, "each gets a token of its own");
    let rest = (0..1000).map(|_| process.grant("contoso", client, &secret, NOW));
    let outcomes = join_all(rest).await;
    assert!(outcomes.iter().any(|outcome| matches!(outcome, Err(GrantError::TooManyRequests(_)))));
}
