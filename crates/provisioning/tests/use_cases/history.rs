//! The change log tells every document that there was.

use crate::tenant::{Client, NONE};
use futures_util::future::join_all;
use scim::schema::ResourceKind::User;
use serde_json::{Value, json};
use store::PageBounds;

/// The documents before and after each change, the first change first.
async fn told(client: &Client) -> Vec<(Option<String>, Option<String>)> {
    let page = PageBounds { rows: 1000, bytes: usize::MAX };
    let log = client.store.changes(client.context.tenant, None, i64::MAX, page).await.unwrap();
    log.rows.into_iter().rev().map(|row| (row.before, row.after)).collect()
}

async fn document(client: &Client, id: &str) -> Option<String> {
    Some(client.provisioning.get(&client.context, User, id, false).await.unwrap().document)
}

#[tokio::test]
async fn each_change_begins_with_the_document_that_the_last_one_left() {
    let client = Client::new().await;
    let urn = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    let body = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "a@example.com", "title": "Engineer",
        "emails": [{"type": "work", "value": "a@example.com"}, {"type": "home", "value": "b@example.com"}],
        "name": {"givenName": "Ana", "familyName": "B"}, "nickName": "An"
    });
    let id = client.create(User, body).await.unwrap().row.id.to_string();
    let mut documents = vec![None, document(&client, &id).await];
    for operations in [
        json!([{"op": "replace", "path": "title", "value": "Lead"}]),
        json!([{"op": "remove", "path": "nickName"}, {"op": "add", "path": "locale", "value": "en"}]),
        json!([{"op": "add", "path": format!("{urn}:department"), "value": "Sales"}]),
        json!([{"op": "replace", "path": "emails[type eq \"home\"].value", "value": "c@example.com"}]),
        json!([{"op": "remove", "path": "emails[type eq \"work\"]"}]),
        json!([{"op": "add", "path": "emails", "value": [{"type": "other", "value": "d@example.com"}]}]),
        json!([{"op": "remove", "path": "name.givenName"}, {"op": "remove", "path": "title"}]),
        json!([{"op": "replace", "path": "active", "value": "False"}]),
        json!([{"op": "remove", "path": urn}, {"op": "remove", "path": "emails"}]),
    ] {
        assert!(client.patch(User, &id, operations).await.unwrap().changed);
        documents.push(document(&client, &id).await);
    }
    // In another order.
    let body =
        json!({"name": {"familyName": "B", "givenName": "Ana"}, "locale": "en", "userName": "a@example.com"});
    client.provisioning.replace(&client.context, User, &id, NONE, body).await.unwrap();
    documents.push(document(&client, &id).await);
    client.provisioning.delete(&client.context, User, &id, NONE).await.unwrap();
    documents.push(None);
    let pairs = documents.windows(2).map(|pair| (pair[0].clone(), pair[1].clone()));
    assert_eq!(told(&client).await, pairs.collect::<Vec<_>>());
}

#[tokio::test]
async fn the_losers_of_races_are_told_as_what_they_became() {
    let client = Client::new().await;
    let id = client.user("a@example.com").await;
    let patch = async |n: usize| {
        let path = format!("phoneNumbers[type eq \"{n}\"].value");
        let operation = json!({"op": "add", "path": path, "value": n.to_string()});
        client.patch(User, &id, Value::from(vec![operation])).await.unwrap()
    };
    join_all((0..20).map(patch)).await;
    let told = told(&client).await;
    assert_eq!(told.len(), 21);
    assert!(told.windows(2).all(|pair| pair[0].1 == pair[1].0));
    assert_eq!(told[20].1, document(&client, &id).await);
}
