//! Which attributes flow when: flow types, defaults, constants, redaction, and the job's rarer switches.

use serde_json::{Value, json};

use super::Bench;

const JANE: &str = "jdoe@contoso.example";

/// A job of users with one more line in its mapping.
fn with_line(line: &str) -> String {
    format!(
        "[users]\nmapping = [\
         {{ target = \"userName\", attribute = \"userPrincipalName\", matching = 1 }},\
         {{ target = \"active\", expression = 'Switch([IsSoftDeleted], , \"False\", \"True\", \"True\", \"False\")' }},\
         {line}]\n[groups]\nenabled = false"
    )
}

/// What Jane's POST carries under `name`, and the operations of the PATCH after her `jobTitle` became `Lead`.
async fn title(line: &str, name: &str) -> (Value, Value) {
    let mut bench = Bench::new(&with_line(line));
    bench.cycle().await;
    let posted = bench
        .server
        .take()
        .into_iter()
        .find(|seen| seen.line == "POST Users" && seen.body["userName"] == JANE);
    bench
        .next("{ op = \"set\", object = \"jdoe@contoso.example\", attributes = { jobTitle = \"Lead\" } }")
        .await;
    let patched = bench.server.take().into_iter().find(|seen| seen.line.starts_with("PATCH Users"));
    (
        posted.expect("created").body[name].clone(),
        patched.map_or(Value::Null, |seen| seen.body["Operations"].clone()),
    )
}

#[tokio::test]
async fn flow_types_decide_about_updates() {
    let replace = json!([{"op": "Replace", "path": "title", "value": "Lead"}]);
    let always = title("{ target = \"title\", attribute = \"jobTitle\" }", "title").await;
    assert_eq!(always, (json!("Engineer"), replace.clone()));
    for flow in ["ObjectAddOnly", "AttributeAddOnly", "ValueAddOnly"] {
        let line = format!("{{ target = \"title\", attribute = \"jobTitle\", flow_type = \"{flow}\" }}");
        assert_eq!(title(&line, "title").await, (json!("Engineer"), Value::Null), "{flow}");
    }
}

#[tokio::test]
async fn flow_always_sends_what_did_not_change() {
    let line = "{ target = \"userType\", constant = \"Learner\", flow_behavior = \"FlowAlways\" }";
    let (posted, patched) = title(line, "userType").await;
    assert_eq!(posted, "Learner");
    assert_eq!(patched, json!([{"op": "Replace", "path": "userType", "value": "Learner"}]));
}

#[tokio::test]
async fn a_default_stands_in_at_creation_only() {
    let line = "{ target = \"timezone\", attribute = \"missing\", default = \"Europe/Berlin\" }";
    assert_eq!(title(line, "timezone").await, (json!("Europe/Berlin"), Value::Null));
    let line = "{ target = \"timezone\", expression = \"IgnoreFlowIfNullOrEmpty([missing])\", default = \"Europe/Berlin\" }";
    assert_eq!(title(line, "timezone").await, (Value::Null, Value::Null));
    let none = "{ target = \"timezone\", default = \"Europe/Berlin\" }";
    assert_eq!(title(none, "timezone").await.0, json!("Europe/Berlin"));
}

#[tokio::test]
async fn redacted_values_flow_and_are_not_logged() {
    let mut bench = Bench::new(&with_line("{ target = \"title\", expression = \"Redact([jobTitle])\" }"));
    let report = bench.cycle().await;
    assert_eq!(bench.server.resource("Users", JANE)["title"], "Engineer");
    let log = serde_json::to_string(&report.logs).expect("JSON");
    assert!(log.contains("[Redact]") && !log.contains("Engineer"));
}

#[tokio::test]
async fn cleared_attributes_are_not_sent() {
    let mut bench = Bench::new("");
    bench.cycle().await;
    bench.server.take();
    // TOML has no null: an empty text is as absent.
    bench.next("{ op = \"set\", object = \"jdoe@contoso.example\", attributes = { jobTitle = \"\" } }").await;
    assert_eq!(bench.server.lines(), ["GET Users/u2"], "the service does not send null");
}

#[tokio::test]
async fn applications_that_cannot_disable_get_a_delete() {
    let mut bench = Bench::new("delete_on_disable = true");
    bench.cycle().await;
    bench.server.take();
    bench.next("{ op = \"leave\", user = \"jdoe@contoso.example\" }").await;
    assert_eq!(bench.server.lines(), ["DELETE Users/u2"]);
}

#[tokio::test]
async fn without_a_mapping_of_is_soft_deleted_nobody_is_disabled() {
    let line = "{ target = \"title\", attribute = \"jobTitle\" }";
    let toml = with_line(line).replace("[IsSoftDeleted], , \"False\"", "\"x\", \"True\", \"False\"");
    let mut bench = Bench::new(&toml);
    bench.cycle().await;
    bench.server.take();
    bench.next("{ op = \"leave\", user = \"jdoe@contoso.example\" }").await;
    assert_eq!(bench.server.lines(), Vec::<String>::new());
}

#[tokio::test]
async fn older_samples_check_a_manager_before_it_is_sent() {
    let mut bench = Bench::new("reference_checks = true\ngroups.enabled = false");
    bench.cycle().await;
    let lines = bench.server.lines();
    let check = "GET Users?attributes=id&filter=id eq \"u2\" and manager eq \"u1\"";
    assert!(lines.contains(&check.to_owned()), "{lines:?}");
    assert!(lines.contains(&"PATCH Users/u2".to_owned()));
}

#[tokio::test]
async fn a_server_that_hides_the_manager_gets_it_at_every_update() {
    let mut bench = Bench::new("groups.enabled = false");
    bench.cycle().await;
    for user in bench.server.lock().resources.get_mut("Users").expect("users").values_mut() {
        user.as_object_mut()
            .expect("a resource")
            .remove("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User");
    }
    bench.server.take();
    bench
        .next("{ op = \"set\", object = \"jdoe@contoso.example\", attributes = { jobTitle = \"Lead\" } }")
        .await;
    let patches: Vec<Value> = bench
        .server
        .take()
        .into_iter()
        .filter(|seen| seen.line == "PATCH Users/u2")
        .map(|seen| seen.body["Operations"][0]["path"].clone())
        .collect();
    assert!(
        patches.iter().any(|path| path.as_str().is_some_and(|path| path.ends_with(":manager"))),
        "{patches:?}"
    );
}
