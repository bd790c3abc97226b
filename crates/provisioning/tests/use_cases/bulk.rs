//! Bulk requests on a real store: references, circles, failures, order.

use crate::tenant::Client;
use provisioning::{BulkOutcome, BulkOutcomes, Failure};
use scim::{
    bulk::BulkRequest,
    effect::{Count, Outcome},
    schema::ResourceKind::{Group, User},
};
use serde_json::{Value, json};

async fn bulk(client: &Client, body: Value) -> Vec<BulkOutcome> {
    whole(client, body).await.outcomes
}

async fn whole(client: &Client, body: Value) -> BulkOutcomes {
    let request = BulkRequest::parse(body, 1000).unwrap();
    client.provisioning.bulk(&client.context, request).await
}

fn user(bulk_id: &str, user_name: &str) -> Value {
    json!({"method": "POST", "path": "/Users", "bulkId": bulk_id, "data": {"userName": user_name}})
}

fn group(bulk_id: &str, members: &[&str]) -> Value {
    let members: Vec<Value> = members.iter().map(|id| json!({ "value": id })).collect();
    json!({"method": "POST", "path": "/Groups", "bulkId": bulk_id, "data": {"displayName": bulk_id, "members": members}})
}

fn patch(path: &str, operations: Value) -> Value {
    json!({"method": "PATCH", "path": path, "data": {"Operations": operations}})
}

/// How each operation ended: `ok`, or the status of its refusal.
fn ends(outcomes: &[BulkOutcome]) -> Vec<String> {
    let end = |outcome: &BulkOutcome| match &outcome.result {
        Ok(_) => "ok".to_owned(),
        Err(Failure::Scim(error)) => error.status.to_string(),
        Err(other) => other.to_string(),
    };
    outcomes.iter().map(end).collect()
}

fn detail(outcome: &BulkOutcome) -> &str {
    match &outcome.result {
        Err(Failure::Scim(error)) => &error.detail,
        other => panic!("not refused: {other:?}"),
    }
}

fn id(outcome: &BulkOutcome) -> String {
    outcome.resource.as_ref().expect("a resource").1.clone()
}

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

#[tokio::test]
async fn references_point_forwards_and_backwards() {
    let client = Client::new().await;
    let mut report = user("report", "report@example.com");
    report["data"][ENTERPRISE] = json!({"manager": {"value": "bulkId:boss"}});
    let operations = json!([
        group("team", &["bulkId:report", "bulkId:boss"]),
        report,
        user("boss", "boss@example.com"),
        patch("/Users/bulkId:boss", json!([{"op": "add", "path": "title", "value": "Boss"}])),
        patch(
            "/Groups/bulkId:team",
            json!([{"op": "remove", "path": "members", "value": [{"value": "bulkId:report"}]}])
        ),
    ]);
    let outcomes = bulk(&client, json!({ "Operations": operations })).await;
    assert_eq!(ends(&outcomes), ["ok"; 5]);
    let echoes: Vec<_> = outcomes.iter().map(|outcome| outcome.echo.bulk_id.as_deref()).collect();
    assert_eq!(echoes, [Some("team"), Some("report"), Some("boss"), None, None]);
    let boss = id(&outcomes[2]);
    assert_eq!(id(&outcomes[3]), boss);
    assert_eq!(client.members(&id(&outcomes[0])).await, [boss.as_str()]);
    assert_eq!(client.get(User, &boss).await.unwrap().0["title"], "Boss");
    let (report, version) = client.get(User, &id(&outcomes[1])).await.unwrap();
    assert_eq!((report[ENTERPRISE]["manager"]["value"].as_str(), version), (Some(boss.as_str()), 1));
    let versions: Vec<_> = outcomes.iter().map(|outcome| outcome.result.as_ref().unwrap().version).collect();
    assert_eq!(versions, [Some(1), Some(1), Some(1), Some(2), Some(2)]);
}

#[tokio::test]
async fn groups_may_be_members_of_each_other() {
    let client = Client::new().await;
    let operations = json!([
        group("a", &["bulkId:b", "bulkId:u"]),
        group("b", &["bulkId:a", "bulkId:u"]),
        user("u", "u@example.com"),
    ]);
    let outcomes = bulk(&client, json!({ "Operations": operations })).await;
    assert_eq!(ends(&outcomes), ["ok"; 3]);
    let (a, b, u) = (id(&outcomes[0]), id(&outcomes[1]), id(&outcomes[2]));
    assert_eq!(client.members(&a).await, [u.clone(), b.clone()]);
    assert_eq!(client.members(&b).await, [u, a]);
    assert_eq!(outcomes[1].result.as_ref().unwrap().version, Some(client.get(Group, &b).await.unwrap().1));
}

#[tokio::test]
async fn two_people_may_manage_each_other() {
    let client = Client::new().await;
    let managed = |bulk_id: &str, by: &str| {
        let mut user = user(bulk_id, bulk_id);
        user["data"][ENTERPRISE] = json!({"manager": {"value": format!("bulkId:{by}")}, "department": "D"});
        user
    };
    let outcomes = bulk(&client, json!({ "Operations": [managed("a", "b"), managed("b", "a")] })).await;
    assert_eq!(ends(&outcomes), ["ok"; 2]);
    for (of, by) in [(0, 1), (1, 0)] {
        let document = client.get(User, &id(&outcomes[of])).await.unwrap().0;
        assert_eq!(document[ENTERPRISE], json!({"manager": {"value": id(&outcomes[by])}, "department": "D"}));
    }
}

#[tokio::test]
async fn a_circle_that_cannot_be_closed_is_told() {
    let client = Client::new().await;
    let outcomes = bulk(&client, json!({ "Operations": [group("self", &["bulkId:self"])] })).await;
    assert_eq!(ends(&outcomes), ["409"]);
    assert!(detail(&outcomes[0]).contains("was created without its circular reference"));
    // The resource is there, and named.
    assert!(client.members(&id(&outcomes[0])).await.is_empty());
    assert_eq!(client.get(Group, &id(&outcomes[0])).await.unwrap().0["displayName"], "self");

    // The other half of the circle is refused: what could be done is done.
    let mut nameless = group("b", &["bulkId:a"]);
    nameless["data"]["displayName"] = Value::Null;
    let outcomes = bulk(&client, json!({ "Operations": [group("a", &["bulkId:b"]), nameless] })).await;
    assert_eq!(ends(&outcomes), ["409", "400"]);
    assert!(outcomes.iter().all(|outcome| outcome.resource.is_none()));
}

#[tokio::test]
async fn a_failure_fails_only_what_depends_on_it() {
    let client = Client::new().await;
    client.user("taken@example.com").await;
    let operations = json!([
        user("taken", "Taken@example.com"),
        group("g", &["bulkId:taken"]),
        user("free", "free@example.com"),
        group("h", &["bulkId:free"]),
        group("i", &["bulkId:nobody"]),
        {"method": "GET", "path": "/Users"},
        {"method": "DELETE", "path": "/Users/no-id-of-ours"},
    ]);
    let outcomes = bulk(&client, json!({ "Operations": operations })).await;
    assert_eq!(ends(&outcomes), ["409", "409", "ok", "ok", "400", "400", "404"]);
    assert!(detail(&outcomes[1]).contains("\"taken\""), "{}", detail(&outcomes[1]));
    assert!(detail(&outcomes[4]).contains("\"nobody\""), "{}", detail(&outcomes[4]));
    assert_eq!(outcomes[6].resource, Some((User, "no-id-of-ours".to_owned())));
    assert!(outcomes[0].resource.is_none());
}

#[tokio::test]
async fn after_so_many_failures_no_more_is_tried() {
    let client = Client::new().await;
    for (most, expected) in [(1, 2), (2, 4), (3, 5)] {
        let name = |n| user(&format!("{n}"), &format!("{most}-{n}"));
        let bad = |n| json!({"method": "POST", "path": "/Users", "bulkId": format!("{n}"), "data": {}});
        let operations = json!([name(0), bad(1), name(2), bad(3), name(4)]);
        let outcomes = bulk(&client, json!({ "failOnErrors": most, "Operations": operations })).await;
        let all = ["ok", "400", "ok", "400", "ok"];
        assert_eq!(ends(&outcomes), all[..expected]);
    }
    let query = scim::search::Words::default();
    let scope = client.context.query_scope(scim::search::PageLimits { default: 100, max: 100 });
    let query = query.check(scim::schema::ResourceType::of(User), &scope).unwrap();
    let found = client.provisioning.search(&client.context, User, &query, usize::MAX).await.unwrap();
    assert_eq!(found.total, 1 + 2 + 3);
}

#[tokio::test]
async fn operations_on_one_resource_keep_their_order() {
    let client = Client::new().await;
    let known = client.user("known@example.com").await;
    let path = format!("/Users/{known}");
    let title = |value: String| json!([{"op": "replace", "path": "title", "value": value}]);
    let mut operations = vec![user("new", "new@example.com")];
    for n in 0..40 {
        operations.push(patch(&path, title(n.to_string())));
        operations.push(patch("/Users/bulkId:new", title(n.to_string())));
    }
    operations.push(json!({"method": "DELETE", "path": path}));
    operations.push(user("again", "known@example.com"));
    let outcomes = bulk(&client, json!({ "Operations": operations })).await;
    assert_eq!(ends(&outcomes), vec!["ok"; operations.len()]);
    let (document, version) = client.get(User, &id(&outcomes[0])).await.unwrap();
    assert_eq!((document["title"].as_str(), version), (Some("39"), 41));
    assert!(client.get(User, &known).await.is_err());
}

#[tokio::test]
async fn an_operation_may_demand_a_version() {
    let client = Client::new().await;
    let known = client.user("known@example.com").await;
    let demand = |method: &str, version: &str| json!({"method": method, "path": format!("/Users/{known}"), "version": version, "data": {"userName": "new name"}});
    let operations = json!([demand("PUT", "W/\"2\""), demand("PUT", "W/\"1\""), demand("DELETE", "W/\"1\"")]);
    let outcomes = bulk(&client, json!({ "Operations": operations })).await;
    assert_eq!(ends(&outcomes), ["412", "ok", "412"]);
    assert_eq!(outcomes[1].result.as_ref().unwrap().version, Some(2));
}

#[tokio::test]
async fn hundreds_of_people_and_their_group_come_in_one_request() {
    let client = Client::new().await;
    let people: Vec<String> = (0..300).map(|n| n.to_string()).collect();
    let members: Vec<String> = people.iter().map(|n| format!("bulkId:{n}")).collect();
    let members: Vec<&str> = members.iter().map(String::as_str).collect();
    let mut operations = vec![group("all", &members)];
    operations.extend(people.iter().map(|n| user(n, &format!("{n}@example.com"))));
    let outcomes = bulk(&client, json!({ "Operations": operations })).await;
    assert_eq!(ends(&outcomes), vec!["ok"; 301]);
    let mut ids: Vec<String> = outcomes[1..].iter().map(id).collect();
    ids.sort_unstable();
    assert_eq!(client.members(&id(&outcomes[0])).await, ids);
}

#[tokio::test]
async fn effects_of_all_operations_are_one_count_for_each_kind() {
    let client = Client::new().await;
    let known = client.user("known@example.com").await;
    let unknown = |n: usize| format!("unknown{n}");
    let person = |n: usize| {
        let mut person = user(&n.to_string(), &format!("{n}@example.com"));
        // Of each user 30 attributes are ignored and one is coerced.
        (0..30).for_each(|n| person["data"][unknown(n)] = json!("x"));
        person["data"]["active"] = json!("True");
        person
    };
    let mut operations: Vec<Value> = (0..100).map(person).collect();
    operations.push(patch(&format!("/Users/{known}"), json!([{"op": "add", "path": "title", "value": "T"}])));
    // An operation that fails has no effects.
    operations.push(json!({"method": "POST", "path": "/Users", "bulkId": "taken",
        "data": {"userName": "known@example.com", "unknown": "x"}}));
    let BulkOutcomes { outcomes, effects } = whole(&client, json!({ "Operations": operations })).await;
    assert_eq!(ends(&outcomes[..101]), vec!["ok"; 101]);
    let count = |outcome, rule, count| Count { outcome, rule, count };
    assert_eq!(effects.len(), 3, "{effects:?}");
    assert!(effects.contains(&count(Outcome::Ignored, Some("unknownAttribute"), 3000)), "{effects:?}");
    assert!(effects.contains(&count(Outcome::Coerced, Some("booleanText"), 100)), "{effects:?}");
    assert!(effects.contains(&count(Outcome::Applied, None, 1)), "{effects:?}");
}

#[tokio::test]
async fn effects_of_a_post_in_a_circle_are_counted_once() {
    let client = Client::new().await;
    let mut first = group("a", &["bulkId:b"]);
    first["data"]["unknown"] = json!("x");
    let operations = json!([first, group("b", &["bulkId:a"])]);
    let BulkOutcomes { outcomes, effects } = whole(&client, json!({ "Operations": operations })).await;
    assert_eq!(ends(&outcomes), ["ok"; 2]);
    assert_eq!(effects, [Count { outcome: Outcome::Ignored, rule: Some("unknownAttribute"), count: 1 }]);
}
