//! The use cases on a real store: races, idempotence, effects, preconditions.

use crate::acts::*;
use crate::tenant::{Client, NONE, refused, words};
use futures_util::future::join_all;
use provisioning::{Failure, Precondition};
use scim::{
    schema::ResourceKind::{Group, User},
    search::{PageLimits, Words},
};
use serde_json::{Value, json};
use store::TenantId;
use uuid::Uuid;

#[tokio::test]
async fn changes_computed_from_one_version_are_all_kept() {
    let client = Client::new().await;
    let id = client.user("a@example.com").await;
    let attributes = [
        "title",
        "nickName",
        "locale",
        "timezone",
        "userType",
        "preferredLanguage",
        "displayName",
        "externalId",
    ];
    let patch = async |name: &&str| {
        client.patch(User, &id, json!([{"op": "replace", "path": name, "value": format!("{name}-x")}])).await
    };
    let written = join_all(attributes.iter().map(patch)).await;
    let mut versions: Vec<i64> = written.into_iter().map(|written| written.unwrap().row.version).collect();
    versions.sort_unstable();
    assert_eq!(versions, (2..=9).collect::<Vec<_>>());
    let (document, version) = client.get(User, &id).await.unwrap();
    assert_eq!(version, 9);
    for name in attributes {
        assert_eq!(document[name], format!("{name}-x"));
    }
}

/// Each round of a race has one winner: the last of a hundred loses ninety-nine times.
#[tokio::test]
async fn a_hundred_changes_of_one_resource_all_get_through() {
    let client = Client::new().await;
    let id = client.user("a@example.com").await;
    let path = |n: usize| format!("phoneNumbers[type eq \"{n}\"].value");
    let add = async |n| {
        client.patch(User, &id, json!([{"op": "add", "path": path(n), "value": n.to_string()}])).await
    };
    for written in join_all((0..100).map(add)).await {
        written.unwrap();
    }
    let (document, version) = client.get(User, &id).await.unwrap();
    assert_eq!((document["phoneNumbers"].as_array().map(Vec::len), version), (Some(100), 101));
}

#[tokio::test]
async fn of_two_changes_that_demand_one_version_one_wins() {
    let client = Client::new().await;
    let id = client.user("a@example.com").await;
    let titles = ["first", "second"]
        .map(|title| client.request(json!([{"op": "replace", "path": "title", "value": title}])).unwrap());
    let demand = Precondition { if_match: Some("W/\"1\""), ..Precondition::default() };
    let patch = |request| client.provisioning.patch(&client.context, User, &id, demand, request);
    let results = join_all(titles.into_iter().map(patch)).await;
    let (won, lost): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    assert_eq!((won.len(), lost.len()), (1, 1));
    let (status, detail) = refused(lost.into_iter().next().unwrap());
    assert_eq!(status, 412);
    assert!(detail.contains("W/\"2\""), "{detail}");
    assert_eq!(client.get(User, &id).await.unwrap().1, 2);
}

#[tokio::test]
async fn adding_a_member_again_changes_nothing() {
    let client = Client::new().await;
    let user = client.user("a@example.com").await;
    let group = client.group(&[]).await;
    let add = json!([{"op": "Add", "path": "members", "value": [{"value": user}]}]);
    let first = client.patch_in_silence(&group, add.clone()).await.unwrap();
    assert_eq!((first.version, words(&first.effects)[0].as_str()), (2, "members coerced operationCase"));
    let add = json!([{"op": "add", "path": "members", "value": [{"value": user}]}]);
    let second = client.patch_in_silence(&group, add.clone()).await.unwrap();
    assert_eq!((second.version, words(&second.effects)[0].as_str()), (2, "members alreadyTrue"));
    // Read and commit by the long way: the same.
    let third = client.patch(Group, &group, add).await.unwrap();
    assert_eq!(
        (third.row.version, third.changed, words(&third.effects)[0].as_str()),
        (2, false, "members alreadyTrue")
    );
    assert_eq!(client.members(&group).await, [user.as_str()]);
    let remove = json!([{"op": "remove", "path": format!("members[value eq \"{user}\"]")}]);
    assert_eq!(client.patch_in_silence(&group, remove.clone()).await.unwrap().version, 3);
    let again = client.patch_in_silence(&group, remove).await.unwrap();
    assert_eq!((again.version, words(&again.effects)[0].as_str()), (3, "members[] alreadyTrue"));
    assert!(client.members(&group).await.is_empty());
}

#[tokio::test]
async fn members_must_exist_and_cannot_be_the_group_itself() {
    let client = Client::new().await;
    let group = client.group(&[]).await;
    let stranger = Uuid::from_u128(9).to_string();
    for id in [stranger.as_str(), &group, "jdoe"] {
        let add = json!([{"op": "add", "path": "members", "value": [{"value": id}]}]);
        let (status, detail) = refused(client.patch_in_silence(&group, add).await);
        assert_eq!(status, 400);
        assert!(detail.contains(&format!("\"{id}\"")), "{detail}");
    }
    assert_eq!(client.get(Group, &group).await.unwrap().1, 1);
    let body = json!({"displayName": "Other", "members": [{"value": stranger}]});
    assert_eq!(refused(client.create(Group, body).await).0, 400);
}

#[tokio::test]
async fn members_are_removed_by_what_they_are() {
    let client = Client::new().await;
    let (user, nested) = (client.user("a@example.com").await, client.group(&[]).await);
    let group = client.group(&[&user, &nested]).await;
    let remove = json!([{"op": "remove", "path": "members[type eq \"Group\"]"}]);
    assert_eq!(client.patch_in_silence(&group, remove).await.unwrap().version, 2);
    assert_eq!(client.members(&group).await, [user]);
}

#[tokio::test]
async fn every_operation_ends_in_an_effect() {
    let client = Client::new().await;
    let id = client.user("a@example.com").await;
    let operations = json!([
        {"op": "replace", "path": "title", "value": "x"},
        {"op": "replace", "path": "userName", "value": "a@example.com"},
        {"op": "replace", "path": "active", "value": "False"},
        {"op": "replace", "path": "shoeSize", "value": "44"},
    ]);
    let written = client.patch(User, &id, operations).await.unwrap();
    let effects = words(&written.effects);
    assert_eq!(effects[..2], ["title applied", "userName alreadyTrue"]);
    assert!(effects.contains(&"active coerced booleanText".to_owned()), "{effects:?}");
    assert!(effects.contains(&"shoeSize ignored unknownAttribute".to_owned()), "{effects:?}");
    assert_eq!((written.row.version, written.changed), (2, true));
    assert_eq!(client.get(User, &id).await.unwrap().0["active"], false);

    let ignored =
        client.patch(User, &id, json!([{"op": "add", "path": "shoeSize", "value": "44"}])).await.unwrap();
    assert_eq!((ignored.row.version, ignored.changed), (2, false));
    assert_eq!(words(&ignored.effects), ["shoeSize ignored unknownAttribute"]);

    // One refused operation refuses all of them.
    let refused = refused(
        client
            .patch(User, &id, json!([{"op": "replace", "path": "title", "value": "y"}, {"op": "remove", "path": "userName"}]))
            .await,
    );
    assert_eq!(refused.0, 400);
    assert_eq!(client.get(User, &id).await.unwrap().0["title"], "x");
}

#[tokio::test]
async fn what_asks_for_nothing_is_recorded_and_changes_nothing() {
    let client = Client::new().await;
    let user = client.user("a@example.com").await;
    let group = client.group(&[&user]).await;
    for (operation, effect) in [
        (
            json!({"op": "remove", "path": "members", "value": [{"foo": "bar"}]}),
            "members ignored namesNothing",
        ),
        (json!({"op": "add", "path": "members", "value": []}), "members ignored emptyAdd"),
        (
            json!({"op": "add", "path": "memebers", "value": [{"value": user}]}),
            "memebers ignored unknownAttribute",
        ),
    ] {
        let changed = client.patch_in_silence(&group, json!([operation])).await.unwrap();
        assert_eq!((changed.version, words(&changed.effects)), (1, vec![effect.to_owned()]));
    }
    assert_eq!(client.members(&group).await, [user]);
    let page = store::PageBounds { rows: 10, bytes: usize::MAX };
    let log = client.store.changes(client.context.tenant, None, i64::MAX, page).await.unwrap();
    // One row for each of them, beside those of the two creates.
    assert_eq!(log.rows.len(), 5);
}

#[tokio::test]
async fn a_put_without_active_keeps_a_disabled_user_disabled() {
    let client = Client::new().await;
    let id = client.user("a@example.com").await;
    client.patch(User, &id, json!([{"op": "replace", "path": "active", "value": false}])).await.unwrap();
    for body in [json!({"userName": "a@example.com"}), json!({"userName": "a@example.com", "active": null})] {
        let written = client.provisioning.replace(&client.context, User, &id, NONE, body).await.unwrap();
        assert_eq!((written.changed, written.row.version), (false, 2));
    }
    let body = json!({"userName": "a@example.com", "title": "x"});
    client.provisioning.replace(&client.context, User, &id, NONE, body).await.unwrap();
    let (document, _) = client.get(User, &id).await.unwrap();
    assert_eq!((&document["active"], &document["title"]), (&json!(false), &json!("x")));
    let body = json!({"userName": "a@example.com", "active": true});
    client.provisioning.replace(&client.context, User, &id, NONE, body).await.unwrap();
    assert_eq!(client.get(User, &id).await.unwrap().0["active"], true);
}

#[tokio::test]
async fn user_names_are_unique_without_regard_to_case() {
    let client = Client::new().await;
    let first = client.user("Jane@Example.com").await;
    let second = client.user("other@example.com").await;
    let taken = json!({ "userName": "jane@example.com" });
    assert_eq!(refused(client.create(User, taken.clone()).await).0, 409);
    assert_eq!(
        refused(client.provisioning.replace(&client.context, User, &second, NONE, taken).await).0,
        409
    );
    let rename = json!([{"op": "replace", "path": "userName", "value": "JANE@example.com"}]);
    assert_eq!(refused(client.patch(User, &second, rename.clone()).await).0, 409);
    // One's own name in other letters is free, and kept as sent.
    client.patch(User, &first, rename).await.unwrap();
    assert_eq!(client.get(User, &first).await.unwrap().0["userName"], "JANE@example.com");
}

#[tokio::test]
async fn a_replace_clears_what_it_leaves_out() {
    let client = Client::new().await;
    let (a, b) = (client.user("a@example.com").await, client.user("b@example.com").await);
    let group = client.group(&[&a]).await;
    let replace =
        async |id: &str, kind, body| client.provisioning.replace(&client.context, kind, id, NONE, body).await;
    let body = json!({"displayName": "Group", "members": [{"value": b}]});
    let written = replace(&group, Group, body.clone()).await.unwrap();
    assert_eq!((written.row.version, written.changed), (2, true));
    assert_eq!(client.members(&group).await, [b.as_str()]);
    let again = replace(&group, Group, body).await.unwrap();
    assert_eq!((again.row.version, again.changed), (2, false));
    replace(&group, Group, json!({"displayName": "Group"})).await.unwrap();
    assert!(client.members(&group).await.is_empty());

    client.patch(User, &a, json!([{"op": "add", "path": "title", "value": "x"}])).await.unwrap();
    replace(&a, User, json!({"userName": "a@example.com"})).await.unwrap();
    assert_eq!(client.get(User, &a).await.unwrap().0.get("title"), None);
    let absent = Uuid::from_u128(9).to_string();
    assert_eq!(refused(replace(&absent, User, json!({"userName": "c"})).await).0, 404);
}

#[tokio::test]
async fn a_deleted_user_is_gone_everywhere() {
    let client = Client::new().await;
    let id = client.user("a@example.com").await;
    let group = client.group(&[&id]).await;
    client.provisioning.delete(&client.context, User, &id, NONE).await.unwrap();
    assert_eq!(refused(client.get(User, &id).await).0, 404);
    assert_eq!(refused(client.provisioning.delete(&client.context, User, &id, NONE).await).0, 404);
    let title = json!([{"op": "add", "path": "title", "value": "x"}]);
    assert_eq!(refused(client.patch(User, &id, title).await).0, 404);
    assert!(client.members(&group).await.is_empty());
    assert_ne!(client.user("a@example.com").await, id);
}

#[tokio::test]
async fn a_precondition_is_judged_on_the_version_that_is_stored() {
    let client = Client::new().await;
    let id = client.user("a@example.com").await;
    let (provisioning, context) = (&client.provisioning, &client.context);
    let title = client.request(json!([{"op": "add", "path": "title", "value": "x"}])).unwrap();
    let body = json!({"userName": "a@example.com"});
    let matching = |header| Precondition { if_match: Some(header), ..Precondition::default() };
    let excluding = |header| Precondition { if_none_match: Some(header), ..Precondition::default() };
    let failing = [
        matching("W/\"2\""),
        matching("\"0\""),
        matching("nonsense"),
        excluding("W/\"1\""),
        excluding("\"7\", \"1\""),
        excluding("*"),
        Precondition { if_match: Some("*"), if_none_match: Some("W/\"1\"") },
    ];
    for old in failing {
        assert_eq!(refused(provisioning.patch(context, User, &id, old, title.clone()).await).0, 412);
        assert_eq!(refused(provisioning.replace(context, User, &id, old, body.clone()).await).0, 412);
        assert_eq!(refused(provisioning.delete(context, User, &id, old).await).0, 412);
    }
    assert_eq!(client.get(User, &id).await.unwrap().1, 1);
    let any = matching("*");
    assert_eq!(provisioning.patch(context, User, &id, any, title.clone()).await.unwrap().row.version, 2);
    let not_the_first = excluding("\"1\"");
    assert_eq!(
        provisioning.patch(context, User, &id, not_the_first, title.clone()).await.unwrap().row.version,
        2
    );
    let list = matching("\"1\", W/\"2\"");
    provisioning.delete(context, User, &id, list).await.unwrap();
    assert_eq!(refused(provisioning.delete(context, User, &id, any).await).0, 404);
}

#[tokio::test]
async fn lookups_and_searches_find_the_same() {
    let client = Client::new().await;
    let id = client.user("Jane@Example.com").await;
    let search = async |filter: String, kind, count: Option<&str>| {
        let words = Words { filter: Some(filter), count: count.map(str::to_owned), ..Words::default() };
        let scope = client.context.query_scope(PageLimits { default: 100, max: 100 });
        let query = words.check(scim::schema::ResourceType::of(kind), &scope).unwrap();
        client.provisioning.search(&client.context, kind, &query, usize::MAX).await.unwrap()
    };
    let stranger = Uuid::from_u128(9);
    for (filter, kind, total) in [
        ("userName eq \"jane@EXAMPLE.com\"".to_owned(), User, 1),
        ("userName eq \"nobody\"".to_owned(), User, 0),
        (format!("id eq \"{id}\""), User, 1),
        (format!("id eq \"{id}\""), Group, 0),
        (format!("id eq \"{stranger}\""), User, 0),
        ("id eq \"no id of ours\"".to_owned(), User, 0),
        (format!("id eq \"{id}\" and userName sw \"JANE\""), User, 1),
    ] {
        let found = search(filter.clone(), kind, None).await;
        assert_eq!((found.total, found.rows.len() as u64, found.next), (total, total, None), "{filter}");
        // A count of 0 asks for the total alone.
        let counted = search(filter.clone(), kind, Some("0")).await;
        assert_eq!((counted.total, counted.rows.len()), (total, 0), "{filter}");
    }
}

#[tokio::test]
async fn a_tenant_that_is_gone_is_told_like_a_bad_credential() {
    let client = Client::new().await;
    let id = client.user("a@example.com").await;
    assert!(client.store.erase_tenant(client.context.tenant).await.unwrap());
    let body: Value = json!({"userName": "b@example.com"});
    assert_eq!(client.create(User, body).await.unwrap_err(), Failure::TenantGone);
    let gone = client.provisioning.delete(&client.context, User, &id, NONE).await.unwrap_err();
    assert_eq!(gone, Failure::TenantGone);
    assert_eq!(client.context.tenant, TenantId(Uuid::from_u128(1)));
}

/// Each add is a new version of the group. A rename is computed from the document, which no add touches.
#[tokio::test]
async fn a_group_can_be_renamed_while_members_keep_coming() {
    let client = Client::new().await;
    let users = join_all((0..200).map(|n| client.create(User, json!({"userName": format!("u{n}")})))).await;
    let users: Vec<String> = users.into_iter().map(|user| user.unwrap().row.id.to_string()).collect();
    let group = client.group(&[]).await;
    let adds = users.chunks(10).map(async |ids: &[String]| {
        for _ in 0..10 {
            for id in ids {
                for op in ["remove", "add"] {
                    let operation = json!([{"op": op, "path": "members", "value": [{"value": id}]}]);
                    client.patch_in_silence(&group, operation).await.unwrap();
                }
            }
        }
    });
    let rename = async {
        for n in 0..20 {
            let rename = json!([{"op": "replace", "path": "displayName", "value": n.to_string()}]);
            client.patch(Group, &group, rename).await.unwrap();
        }
    };
    tokio::join!(join_all(adds), rename);
    let (document, _) = client.get(Group, &group).await.unwrap();
    assert_eq!(document["displayName"], "19");
    assert_eq!(client.members(&group).await.len(), 200);
}
