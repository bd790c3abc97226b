//! Operators, their sessions and their API tokens.

use crate::world::*;
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
        assert!(store.create_operator(operator.clone()).await.unwrap());
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
    assert!(store.sign_in(session.clone(), Proof::Password { hash: hash(), step: None }).await.unwrap());
    assert!(store.session(digest, Line::Operators).await.unwrap().is_some());
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
    assert!(store.api_token([5; 32], Line::Operators).await.unwrap().is_some());
    assert_eq!(store.api_tokens(None).await.unwrap().len(), 2);
    assert_eq!(store.api_tokens(Some(operator)).await.unwrap().len(), 2);
    store.touch_api_token(token.id, now()).await.unwrap();
    assert!(store.revoke_api_token(token.id, now()).await.unwrap());
}
