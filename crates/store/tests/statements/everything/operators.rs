//! Operators, their sessions and their API tokens.

use crate::{operator_acts::*, world::*};
use scim::Timestamp;
use store::*;
use uuid::Uuid;

pub(super) async fn use_operators(store: &Store) {
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
        assert!(create_operator(store, operator).await.is_ok());
    }
    store.observe_clock(now()).await.unwrap();
    store.observe_clock(now()).await.unwrap();
    let digest = [1; 32];
    let session = Session {
        digest,
        operator: anna.id,
        created: now(),
        seen: now(),
        expires: Timestamp(i64::MAX),
        by_openid: false,
    };
    assert!(sign_in(store, session.clone(), Proof::Password { hash: hash(), step: None }).await.is_ok());
    assert!(store.session(digest, Line::Operators).await.unwrap().is_some());
    store.touch_session(digest, now()).await.unwrap();
    let secret = vec![1; 20];
    for change in [
        OperatorChange::Password { old: hash(), hash: hash(), session: digest },
        OperatorChange::BeginTotp { secret: secret.clone(), session: digest },
        OperatorChange::ConfirmTotp { secret, step: 7, session: digest },
    ] {
        assert!(change_operator(store, anna.id, change.clone()).await.is_ok(), "{change:?}");
    }
    use_api_tokens(store, anna.id, digest).await;
    assert!(sign_out(store, digest).await.is_ok());
    assert!(sign_in(store, session.clone(), Proof::OpenId).await.is_ok());
    let with_code = Proof::Password { hash: hash(), step: Some(8) };
    assert!(sign_in(store, Session { digest: [2; 32], ..session }, with_code).await.is_ok());
    for change in [
        OperatorChange::Reset { hash: hash() },
        OperatorChange::SetRole(Role::Viewer),
        OperatorChange::Disable,
        OperatorChange::Enable,
    ] {
        assert!(change_operator(store, anna.id, change.clone()).await.is_ok(), "{change:?}");
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
    assert!(create_api_token(store, &token, Some(session)).await.is_ok());
    assert!(create_api_token(store, &other, None).await.is_ok());
    assert!(store.api_token([5; 32], Line::Operators).await.unwrap().is_some());
    assert_eq!(store.api_tokens(None).await.unwrap().len(), 2);
    assert_eq!(store.api_tokens(Some(operator)).await.unwrap().len(), 2);
    store.touch_api_token(token.id, now()).await.unwrap();
    assert!(revoke_api_token(store, token.id, now()).await.is_ok());
}
