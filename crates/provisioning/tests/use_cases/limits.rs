//! Limits of documents on their way to the store: growth is refused, nothing else is.

use crate::tenant::{Client, NONE, refused, words};
use provisioning::{DocumentLimits, Provisioning};
use scim::schema::ResourceKind::{Group, User};
use serde_json::{Map, Value, json};
use store::PageBounds;

const EXTENSION: &str = "urn:acme:2.0:User";

/// An extension with `keys` keys.
fn extension(keys: usize) -> Value {
    (0..keys).map(|n| (format!("k{n}"), json!("v"))).collect::<Map<_, _>>().into()
}

/// A client whose user and group were stored when the limits were higher.
async fn above_the_limits() -> (Client, String, String) {
    let mut client = Client::new().await;
    let user = json!({
        "userName": "a@example.com",
        "title": "t".repeat(5_000),
        "active": true,
        EXTENSION: extension(20),
        "urn:acme:more:2.0:User": { "a": 1 },
    });
    let user = client.create(User, user).await.unwrap().row.id.to_string();
    let group = json!({ "displayName": "g", "urn:acme:2.0:Group": { "note": "n".repeat(5_000) } });
    let group = client.create(Group, group).await.unwrap().row.id.to_string();
    let limits = DocumentLimits { bytes: 1_000, extension_keys: 5, extensions: 1 };
    client.provisioning = Provisioning::new(client.store.clone()).with_limits(limits);
    (client, user, group)
}

#[tokio::test]
async fn a_document_above_the_published_limit_is_not_created() {
    let client = Client::new().await;
    let body = |title: usize| json!({ "userName": "a@example.com", "title": "x".repeat(title) });
    let (status, detail) = refused(client.create(User, body(262_144)).await);
    assert_eq!(status, 400);
    assert!(detail.contains("at most 262144 can be kept. \"title\" takes 262146"), "{detail}");
    let many: Map<String, Value> =
        (0..51).map(|n| (format!("urn:acme:{n}:2.0:User"), extension(1))).collect();
    let mut many = Value::Object(many);
    many["userName"] = json!("a@example.com");
    for (body, words) in [
        (json!({ "userName": "a@example.com", EXTENSION: extension(501) }), "would have 501 attributes"),
        (many, "would have 51 extensions"),
    ] {
        let (status, detail) = refused(client.create(User, body).await);
        assert!(status == 400 && detail.contains(words), "{detail}");
    }
    // Just below all of them.
    client
        .create(User, json!({ "userName": "b", EXTENSION: extension(500), "title": "x".repeat(250_000) }))
        .await
        .unwrap();
}

/// Twenty operations of 1.9 MB once made a user of 38 MB.
#[tokio::test]
async fn a_user_does_not_grow_step_by_step() {
    let client = Client::new().await;
    let id = client.user("a@example.com").await;
    let grow = async |n: usize| {
        let path = format!("urn:acme:e{n}:2.0:User:b");
        client.patch(User, &id, json!([{ "op": "add", "path": path, "value": "x".repeat(100_000) }])).await
    };
    grow(0).await.unwrap();
    grow(1).await.unwrap();
    assert_eq!(refused(grow(2).await).0, 400);
    assert_eq!(client.get(User, &id).await.unwrap().1, 3);
    let keys = json!([{ "op": "add", "path": EXTENSION, "value": extension(501) }]);
    assert_eq!(refused(client.patch(User, &id, keys).await).0, 400);
}

#[tokio::test]
async fn a_user_above_the_limits_can_be_changed_deactivated_cut_down_and_deleted() {
    let (client, user, group) = above_the_limits().await;
    for operations in [
        json!([{ "op": "Replace", "path": "active", "value": "False" }]),
        json!([{ "op": "Replace", "path": "active", "value": "True" }]),
        json!([{ "op": "replace", "path": "userName", "value": "b@example.com" }]),
        json!([{ "op": "replace", "path": format!("{EXTENSION}:k0"), "value": "w" }]),
        json!([{ "op": "remove", "path": format!("{EXTENSION}:k1") }]),
        json!([{ "op": "remove", "path": "urn:acme:more:2.0:User" }]),
        json!([{ "op": "replace", "path": "title", "value": "t".repeat(4_000) }]),
    ] {
        assert!(client.patch(User, &user, operations.clone()).await.unwrap().changed, "{operations}");
    }
    // Members are no part of the document.
    let add = json!([{ "op": "add", "path": "members", "value": [{ "value": user }] }]);
    client.patch_in_silence(&group, add).await.unwrap();
    for operations in [
        json!([{ "op": "replace", "path": "title", "value": "t".repeat(4_001) }]),
        json!([{ "op": "add", "path": format!("{EXTENSION}:k1"), "value": "v" }]),
        json!([{ "op": "add", "path": "nickName", "value": "n" }]),
    ] {
        assert_eq!(refused(client.patch(User, &user, operations.clone()).await).0, 400, "{operations}");
    }
    client.provisioning.delete(&client.context, User, &user, NONE).await.unwrap();
    client.provisioning.delete(&client.context, Group, &group, NONE).await.unwrap();
}

#[tokio::test]
async fn a_put_above_the_limits_may_shrink_but_not_grow() {
    let (client, user, _) = above_the_limits().await;
    let put = async |title: usize| {
        let body = json!({ "userName": "a@example.com", "title": "t".repeat(title) });
        client.provisioning.replace(&client.context, User, &user, NONE, body).await
    };
    assert_eq!(refused(put(6_000).await).0, 400);
    assert!(put(4_000).await.unwrap().changed);
    assert_eq!(refused(put(4_001).await).0, 400);
    assert!(put(10).await.unwrap().changed);
    assert!(put(500).await.unwrap().changed);
    assert_eq!(refused(put(1_000).await).0, 400);
}

#[tokio::test]
async fn many_effects_are_kept_as_few() {
    let client = Client::new().await;
    let mut body: Map<String, Value> = (0..100_000).map(|n| (format!("unknown{n}"), json!(n))).collect();
    body.insert("userName".to_owned(), json!("a@example.com"));
    let written = client.create(User, Value::Object(body)).await.unwrap();
    let effects = words(&written.effects);
    assert_eq!((effects.len(), effects[0].as_str()), (20, "unknown0 ignored unknownAttribute"));
    let page = PageBounds { rows: 1, bytes: usize::MAX };
    let log = client.store.changes(client.context.tenant, None, i64::MAX, page).await.unwrap().rows;
    assert!(log[0].effects.len() < 3_000, "{}", log[0].effects.len());
    assert!(
        log[0]
            .effects
            .contains(r#""path":"unknown19","outcome":"ignored","rule":"unknownAttribute","more":99980"#)
    );
}
