//! Operators and their sessions as rows.

use crate::{backend::Backend, on_both_databases, operator_acts::*, world::*};
use scim::Timestamp;
use store::*;
use uuid::Uuid;

on_both_databases!(
    operators_are_found_by_name,
    a_session_is_found_and_ends,
    a_code_is_used_once,
    a_second_factor_is_confirmed_once,
    a_session_begins_if_what_was_shown_still_holds,
    what_changes_an_operator_ends_sessions,
    the_last_active_admin_remains,
    two_admins_cannot_take_each_other_away,
    an_api_token_is_found_with_its_operator,
    what_ends_an_operator_ends_api_tokens,
    what_a_session_does_after_its_end_is_nothing,
    the_audit_log_keeps_no_secret,
);

fn operator(name: &str) -> Operator {
    Operator {
        id: Uuid::now_v7(),
        name: name.to_owned(),
        role: Role::Support,
        is_active: true,
        password_hash: "$argon2id$marker-hash".to_owned(),
        password_is_once: true,
        totp: None,
        created: now(),
    }
}

fn password(hash: &str, step: Option<i64>) -> Proof {
    Proof::Password { hash: hash.to_owned(), step }
}

fn session(operator: &Operator, first: u8) -> Session {
    let (created, expires) = (now(), Timestamp(i64::MAX));
    let digest = [first; 32];
    Session {
        digest,
        operator: operator.id,
        created,
        seen: created,
        expires,
        by_openid: first.is_multiple_of(2),
    }
}

fn api_token(operator: &Operator, first: u8) -> ApiTokenRow {
    ApiTokenRow {
        id: Uuid::now_v7(),
        operator: operator.id,
        key_id: format!("key{first:05}"),
        digest: [first; 32],
        label: "backup".to_owned(),
        role: Role::Viewer,
        created: now(),
        expires: Timestamp(now().0 + 1000),
        revoked: None,
        last_used: None,
    }
}

async fn operators_are_found_by_name(backend: Backend) {
    let store = &backend.store;
    let (anna, ben) = (operator("anna"), operator("ben"));
    assert!(create_operator(store, &ben).await.is_ok());
    assert!(create_operator(store, &anna).await.is_ok());
    assert!(create_operator(store, &operator("anna")).await == Err("NameTaken".to_owned()));
    assert_eq!(store.operators().await.unwrap(), [anna.clone(), ben]);
    assert_eq!(store.operator("anna").await.unwrap(), Some(anna));
    for nobody in ["Anna", "anna\0"] {
        assert_eq!(store.operator(nobody).await.unwrap(), None);
    }
}

async fn a_session_is_found_and_ends(backend: Backend) {
    let store = &backend.store;
    let anna = operator("anna");
    create_operator(store, &anna).await.unwrap();
    let mut first = session(&anna, 1);
    assert!(sign_in(store, first.clone(), Proof::OpenId).await.is_ok());
    assert_eq!(store.session([1; 32], Line::Operators).await.unwrap(), Some((first.clone(), anna.clone())));
    store.touch_session([1; 32], Timestamp(7)).await.unwrap();
    first.seen = Timestamp(7);
    assert_eq!(
        store.session([1; 32], Line::Operators).await.unwrap().map(|(session, _)| session),
        Some(first)
    );
    assert!(sign_out(store, [1; 32]).await.is_ok());
    assert!(sign_out(store, [1; 32]).await.is_err());
    assert_eq!(store.session([1; 32], Line::Operators).await.unwrap(), None);
    // Sessions that have ended by time are forgotten when the next begins.
    sign_in(store, Session { expires: Timestamp(1), ..session(&anna, 2) }, Proof::OpenId).await.unwrap();
    sign_in(store, session(&anna, 3), Proof::OpenId).await.unwrap();
    assert_eq!(store.session([2; 32], Line::Operators).await.unwrap(), None);
    assert!(store.session([3; 32], Line::Operators).await.unwrap().is_some());
}

async fn a_code_is_used_once(backend: Backend) {
    let store = &backend.store;
    let totp = Some(Totp { secret: vec![1; 20], is_confirmed: true, last_step: 0 });
    let anna = Operator { totp, ..operator("anna") };
    create_operator(store, &anna).await.unwrap();
    let begin = async |first, step| {
        sign_in(store, session(&anna, first), password(&anna.password_hash, Some(step))).await
    };
    begin(1, 100).await.unwrap();
    for step in [100, 99] {
        assert_eq!(begin(2, step).await, Err("ProofStale".to_owned()), "{step}");
        assert_eq!(store.session([2; 32], Line::Operators).await.unwrap(), None);
    }
    begin(2, 101).await.unwrap();
    // Of two at the same moment, one.
    let (one, two) = tokio::join!(begin(3, 102), begin(4, 102));
    assert!(one.is_ok() != two.is_ok());
}

async fn a_second_factor_is_confirmed_once(backend: Backend) {
    let store = &backend.store;
    let anna = operator("anna");
    create_operator(store, &anna).await.unwrap();
    sign_in(store, session(&anna, 1), Proof::OpenId).await.unwrap();
    let change = async |change| change_operator(store, anna.id, change).await;
    let confirm =
        |first, step| OperatorChange::ConfirmTotp { secret: vec![first; 20], step, session: [1; 32] };
    assert_eq!(change(confirm(1, 9)).await, Err("NotBegun".to_owned()));
    change(OperatorChange::BeginTotp { secret: vec![1; 20], session: [1; 32] }).await.unwrap();
    change(OperatorChange::BeginTotp { secret: vec![2; 20], session: [1; 32] }).await.unwrap();
    assert!(!store.operator("anna").await.unwrap().unwrap().has_totp());
    assert_eq!(change(confirm(1, 9)).await, Err("NotBegun".to_owned()), "another one was begun meanwhile");
    change(confirm(2, 9)).await.unwrap();
    let totp = store.operator("anna").await.unwrap().unwrap().totp;
    assert_eq!(totp, Some(Totp { secret: vec![2; 20], is_confirmed: true, last_step: 9 }));
    let begin = OperatorChange::BeginTotp { secret: vec![3; 20], session: [1; 32] };
    for again in [begin, confirm(2, 10)] {
        assert_eq!(change(again).await, Err("AlreadySetUp".to_owned()));
    }
    let nobody = change_operator(store, Uuid::now_v7(), OperatorChange::Disable).await;
    assert_eq!(nobody, Err("Gone".to_owned()));
}

/// It takes a while to check a password: what was done to the operator meanwhile counts.
async fn a_session_begins_if_what_was_shown_still_holds(backend: Backend) {
    let store = &backend.store;
    let anna = operator("anna");
    create_operator(store, &anna).await.unwrap();
    assert!(sign_in(store, session(&anna, 1), Proof::OpenId).await.is_ok());
    let change = async |change| change_operator(store, anna.id, change).await.unwrap();
    let begins = async |proof| {
        let has_begun = sign_in(store, session(&anna, 2), proof).await.is_ok();
        assert_eq!(sign_out(store, [2; 32]).await.is_ok(), has_begun);
        has_begun
    };
    let (first, own) = (anna.password_hash.as_str(), [1; 32]);
    assert!(begins(password(first, None)).await && !begins(password("another", None)).await);
    change(OperatorChange::BeginTotp { secret: vec![1; 20], session: own }).await;
    assert!(begins(password(first, None)).await, "it does not count yet");
    change(OperatorChange::ConfirmTotp { secret: vec![1; 20], step: 1, session: own }).await;
    assert!(!begins(password(first, None)).await, "it does, and no code was asked for");
    assert!(begins(password(first, Some(2))).await);

    let to_second = || OperatorChange::Password {
        old: first.to_owned(),
        hash: "$argon2id$second".to_owned(),
        session: own,
    };
    change(to_second()).await;
    let again = change_operator(store, anna.id, to_second()).await;
    assert_eq!(again, Err("Changed".to_owned()), "it is not the old one any more");
    assert!(!begins(password(first, Some(3))).await);
    assert!(begins(password("$argon2id$second", Some(3))).await, "the refused one has used no code");

    change(OperatorChange::Disable).await;
    assert!(!begins(password("$argon2id$second", Some(4))).await && !begins(Proof::OpenId).await);
    change(OperatorChange::Enable).await;
    assert!(begins(password("$argon2id$second", Some(4))).await && begins(Proof::OpenId).await);
    change(OperatorChange::Reset { hash: "$argon2id$0".to_owned() }).await;
    assert!(!begins(password("$argon2id$second", Some(5))).await);
    assert!(!begins(password("$argon2id$0", Some(5))).await, "its codes are gone");
    assert!(begins(password("$argon2id$0", None)).await && begins(Proof::OpenId).await);
    assert!(sign_in(store, session(&operator("nobody"), 3), Proof::OpenId).await.is_err());

    // At the same moment either comes first, and no session survives the reset.
    for n in 0..10 {
        let hash = |n| format!("$argon2id${n}");
        let (begun, reset) = tokio::join!(
            sign_in(store, session(&anna, 2), password(&hash(n), None)),
            change_operator(store, anna.id, OperatorChange::Reset { hash: hash(n + 1) }),
        );
        // Whether the session begins depends on which is first.
        drop(begun);
        reset.unwrap();
        assert_eq!(store.session([2; 32], Line::Operators).await.unwrap(), None);
    }
}

async fn what_changes_an_operator_ends_sessions(backend: Backend) {
    let store = &backend.store;
    let (anna, ben) = (operator("anna"), operator("ben"));
    for operator in [&anna, &ben] {
        create_operator(store, operator).await.unwrap();
    }
    sign_in(store, session(&ben, 9), Proof::OpenId).await.unwrap();
    let hash = || "$argon2id$other".to_owned();
    for (change, survives) in [
        (OperatorChange::Password { old: anna.password_hash.clone(), hash: hash(), session: [1; 32] }, true),
        (OperatorChange::BeginTotp { secret: vec![1; 20], session: [1; 32] }, true),
        (OperatorChange::ConfirmTotp { secret: vec![1; 20], step: 1, session: [1; 32] }, true),
        (OperatorChange::Reset { hash: hash() }, false),
        (OperatorChange::Disable, false),
    ] {
        for first in [1, 2] {
            if store.session([first; 32], Line::Operators).await.unwrap().is_none() {
                sign_in(store, session(&anna, first), Proof::OpenId).await.unwrap();
            }
        }
        assert!(change_operator(store, anna.id, change.clone()).await.is_ok());
        assert_eq!(store.session([1; 32], Line::Operators).await.unwrap().is_some(), survives, "{change:?}");
        let others = matches!(change, OperatorChange::BeginTotp { .. });
        assert_eq!(store.session([2; 32], Line::Operators).await.unwrap().is_some(), others, "{change:?}");
        assert!(store.session([9; 32], Line::Operators).await.unwrap().is_some(), "another operator's");
    }
    let anna = store.operator("anna").await.unwrap().unwrap();
    assert!(!anna.is_active && anna.password_is_once && anna.totp.is_none() && !anna.is_ready());
}

async fn the_last_active_admin_remains(backend: Backend) {
    let store = &backend.store;
    let admin = |name: &str| Operator { role: Role::Admin, ..operator(name) };
    let (anna, ben, carl) = (admin("anna"), admin("ben"), operator("carl"));
    for operator in [&anna, &ben, &carl] {
        create_operator(store, operator).await.unwrap();
    }
    let change = async |operator: &Operator, change| change_operator(store, operator.id, change).await;
    change(&ben, OperatorChange::Disable).await.expect("anna remains");
    for refused in [OperatorChange::Disable, OperatorChange::SetRole(Role::Support)] {
        let refusal = change(&anna, refused.clone()).await;
        assert_eq!(refusal, Err("LastAdmin".to_owned()), "a disabled admin is none: {refused:?}");
    }
    change(&anna, OperatorChange::SetRole(Role::Admin)).await.expect("nothing is taken");
    change(&carl, OperatorChange::SetRole(Role::Viewer)).await.unwrap();
    change(&carl, OperatorChange::Disable).await.unwrap();
    change(&ben, OperatorChange::Enable).await.unwrap();
    change(&anna, OperatorChange::SetRole(Role::Viewer)).await.expect("ben remains");
    let roles = async |name| store.operator(name).await.unwrap().map(|found| (found.role, found.is_active));
    assert_eq!(roles("anna").await, Some((Role::Viewer, true)));
    assert_eq!(roles("ben").await, Some((Role::Admin, true)));
    assert_eq!(roles("carl").await, Some((Role::Viewer, false)));
    assert_eq!(change(&operator("nobody"), OperatorChange::Enable).await, Err("Gone".to_owned()));
}

async fn two_admins_cannot_take_each_other_away(backend: Backend) {
    let store = &backend.store;
    let admin = |name: &str| Operator { role: Role::Admin, ..operator(name) };
    let (anna, ben) = (admin("anna"), admin("ben"));
    for operator in [&anna, &ben] {
        create_operator(store, operator).await.unwrap();
    }
    for _ in 0..10 {
        let (one, two) = tokio::join!(
            change_operator(store, anna.id, OperatorChange::SetRole(Role::Support)),
            change_operator(store, ben.id, OperatorChange::Disable)
        );
        assert!(one.is_ok() != two.is_ok(), "one of them remains, whichever was faster: {one:?} {two:?}");
        change_operator(store, anna.id, OperatorChange::SetRole(Role::Admin)).await.unwrap();
        change_operator(store, ben.id, OperatorChange::Enable).await.unwrap();
    }
}

async fn an_api_token_is_found_with_its_operator(backend: Backend) {
    let store = &backend.store;
    let (anna, ben) = (operator("anna"), operator("ben"));
    for operator in [&anna, &ben] {
        create_operator(store, operator).await.unwrap();
    }
    let (mut first, second) = (api_token(&anna, 1), api_token(&ben, 2));
    for token in [&first, &second] {
        create_api_token(store, token, None).await.unwrap();
    }
    assert_eq!(store.api_token([1; 32], Line::Operators).await.unwrap(), Some((first.clone(), anna.clone())));
    assert_eq!(store.api_token([3; 32], Line::Operators).await.unwrap(), None);
    assert_eq!(store.api_tokens(Some(ben.id)).await.unwrap(), [(second.clone(), ben.clone())]);
    store.touch_api_token(first.id, Timestamp(7)).await.unwrap();
    assert!(revoke_api_token(store, first.id, Timestamp(8)).await.is_ok());
    assert!(revoke_api_token(store, first.id, Timestamp(9)).await.is_err(), "it is revoked");
    assert!(revoke_api_token(store, Uuid::now_v7(), Timestamp(9)).await.is_err());
    (first.last_used, first.revoked) = (Some(Timestamp(7)), Some(Timestamp(8)));
    assert_eq!(store.api_tokens(None).await.unwrap(), [(first, anna), (second, ben)]);
}

async fn what_ends_an_operator_ends_api_tokens(backend: Backend) {
    let store = &backend.store;
    let (anna, ben) = (operator("anna"), operator("ben"));
    for operator in [&anna, &ben] {
        create_operator(store, operator).await.unwrap();
    }
    create_api_token(store, &api_token(&ben, 9), None).await.unwrap();
    sign_in(store, session(&anna, 1), Proof::OpenId).await.unwrap();
    let hash = || "$argon2id$other".to_owned();
    for (change, survives) in [
        (OperatorChange::Password { old: anna.password_hash.clone(), hash: hash(), session: [1; 32] }, true),
        (OperatorChange::SetRole(Role::Viewer), true),
        (OperatorChange::Reset { hash: hash() }, false),
        (OperatorChange::Disable, false),
        (OperatorChange::Enable, false),
    ] {
        if !matches!(change, OperatorChange::Enable)
            && store.api_token([1; 32], Line::Operators).await.unwrap().is_none()
        {
            create_api_token(store, &api_token(&anna, 1), None).await.unwrap();
        }
        assert!(change_operator(store, anna.id, change.clone()).await.is_ok());
        assert_eq!(
            store.api_token([1; 32], Line::Operators).await.unwrap().is_some(),
            survives,
            "{change:?}"
        );
        assert!(store.api_token([9; 32], Line::Operators).await.unwrap().is_some(), "another operator's");
    }
}

/// A request that was let in before its session was ended may not undo what ended it.
async fn what_a_session_does_after_its_end_is_nothing(backend: Backend) {
    let store = &backend.store;
    let (anna, ben) = (operator("anna"), operator("ben"));
    for operator in [&anna, &ben] {
        create_operator(store, operator).await.unwrap();
    }
    sign_in(store, session(&ben, 9), Proof::OpenId).await.unwrap();
    let once = || OperatorChange::Reset { hash: "$argon2id$once".to_owned() };
    let password = |session| OperatorChange::Password {
        old: "$argon2id$once".to_owned(),
        hash: "$argon2id$late".to_owned(),
        session,
    };
    for end in [once(), OperatorChange::Disable] {
        sign_in(store, session(&anna, 1), Proof::OpenId).await.unwrap();
        assert!(change_operator(store, anna.id, end).await.is_ok());
        let before = store.operator("anna").await.unwrap();
        // The second one is another operator's.
        for session in [[1; 32], [9; 32]] {
            for late in [
                password(session),
                OperatorChange::BeginTotp { secret: vec![1; 20], session },
                OperatorChange::ConfirmTotp { secret: vec![1; 20], step: 1, session },
            ] {
                let refused = change_operator(store, anna.id, late.clone()).await;
                assert_eq!(refused, Err("SessionEnded".to_owned()), "{late:?}");
            }
            let refused = create_api_token(store, &api_token(&anna, 1), Some(session)).await;
            assert_eq!(refused, Err("SessionEnded".to_owned()));
        }
        assert_eq!(store.operator("anna").await.unwrap(), before);
        assert_eq!(store.api_tokens(Some(anna.id)).await.unwrap(), []);
    }
    // At the same moment either comes first, and neither survives the reset.
    assert!(change_operator(store, anna.id, OperatorChange::Enable).await.is_ok());
    for first in (10..30).step_by(2) {
        sign_in(store, session(&anna, first), Proof::OpenId).await.unwrap();
        let session = [first; 32];
        let row = api_token(&anna, first);
        let (late, token, reset) = tokio::join!(
            change_operator(store, anna.id, password(session)),
            create_api_token(store, &row, Some(session)),
            change_operator(store, anna.id, once()),
        );
        drop((late, token));
        reset.unwrap();
        let anna = store.operator("anna").await.unwrap().unwrap();
        assert_eq!((anna.password_hash.as_str(), anna.password_is_once), ("$argon2id$once", true));
        assert_eq!(store.api_tokens(Some(anna.id)).await.unwrap(), []);
    }
}

async fn the_audit_log_keeps_no_secret(backend: Backend) {
    let store = &backend.store;
    let anna = operator("anna");
    create_operator(store, &anna).await.unwrap();
    sign_in(store, session(&anna, 1), Proof::OpenId).await.unwrap();
    let secret = b"marker-secret-12345!".to_vec();
    let offer = OperatorChange::BeginTotp { secret, session: [1; 32] };
    assert!(change_operator(store, anna.id, offer).await.is_ok());
    let hash = "$argon2id$marker-new".to_owned();
    change_operator(store, anna.id, OperatorChange::Reset { hash }).await.unwrap();
    assert!(sign_in(store, session(&anna, 1), password("$argon2id$marker-new", None)).await.is_ok());
    sign_out(store, [1; 32]).await.unwrap();
    let token = api_token(&anna, 0x5a);
    create_api_token(store, &token, None).await.unwrap();
    revoke_api_token(store, token.id, now()).await.unwrap();
    let rows = store.audit_rows(None, i64::MAX, at_most(10)).await.unwrap().rows;
    let actions: Vec<_> = rows.iter().map(|row| row.action.as_str()).collect();
    assert_eq!(
        actions,
        [
            "api-token.revoke",
            "api-token.create",
            "operator.sign-out",
            "operator.sign-in",
            "operator.reset",
            "operator.begin-totp",
            "operator.sign-in",
            "operator.create"
        ]
    );
    let targets: Vec<_> = rows.iter().map(|row| row.target.as_str()).collect();
    assert_eq!(targets, ["key00090", "key00090", "anna", "anna", "anna", "anna", "anna", "anna"]);
    let whose =
        |text: &Option<String>| text.as_ref().is_some_and(|text| text.contains(r#""operator":"anna""#));
    assert!(whose(&rows[0].before) && whose(&rows[0].after) && whose(&rows[1].after), "{rows:?}");
    let text = format!("{rows:?}");
    // The digest of the token is 32 times this byte. Two of them follow each other in a hash now and then.
    let digest = [0x5a_u8; 8].map(|byte| byte.to_string()).join(", ");
    assert!(!text.contains("marker") && !text.contains("argon2") && !text.contains(&digest), "{text}");
    assert_eq!(store.verify_audit().await.unwrap().unwrap().position, 8);
}
