//! The exact requests of a story, in both dialects, against fixtures that follow Microsoft's samples.

use serde::Deserialize;
use serde_json::Value;

use super::Bench;

#[derive(Deserialize)]
struct Chapter {
    title: String,
    #[serde(default)]
    changes: String,
    requests: Vec<Request>,
}

#[derive(Debug, Deserialize, PartialEq)]
struct Request {
    line: String,
    #[serde(default)]
    body: Value,
}

async fn tell(query: &str, fixture: &str) {
    let mut bench = Bench::with("concurrency = 1", query, &[]);
    let chapters: Vec<Chapter> = serde_json::from_str(fixture).expect("a story");
    for chapter in chapters {
        if chapter.changes.is_empty() {
            bench.cycle().await;
        } else {
            bench.next(&chapter.changes).await;
        }
        let seen = bench.server.take();
        let sent: Vec<Request> =
            seen.into_iter().map(|seen| Request { line: seen.line, body: seen.body }).collect();
        assert_eq!(sent, chapter.requests, "{}", chapter.title);
    }
}

#[tokio::test]
async fn the_default_dialect() {
    tell("", include_str!("../fixtures/story-default.json")).await;
}

#[tokio::test]
async fn the_dialect_of_the_flag() {
    tell("?aadOptscim062020", include_str!("../fixtures/story-flag.json")).await;
}

#[tokio::test]
async fn headers_are_those_of_the_service() {
    let mut bench = Bench::new("");
    bench.cycle().await;
    for seen in bench.server.take() {
        let header = |name: &str| seen.headers.get(name).map(String::as_str);
        let writes = !seen.line.starts_with("GET");
        assert_eq!(header("content-type"), writes.then_some("application/scim+json"), "{}", seen.line);
        assert_eq!(header("authorization"), Some("Bearer a-secret-token"));
        assert_ne!(header("accept"), Some("application/scim+json"), "captures show none");
    }
}

const ROLES: &str = r#"
[users]
mapping = [
  { target = "userName", attribute = "userPrincipalName", matching = 1 },
  { target = "active", expression = 'Switch([IsSoftDeleted], , "False", "True", "True", "False")' },
  { target = "TARGET", expression = "FUNCTION([appRoleAssignments])" },
]
[groups]
enabled = false
"#;

async fn role_bodies(target: &str, function: &str) -> (Value, Value) {
    let toml = ROLES.replace("TARGET", &target.replace('"', "\\\"")).replace("FUNCTION", function);
    let mut bench = Bench::new(&toml);
    bench.cycle().await;
    let posted = bench
        .server
        .take()
        .into_iter()
        .find(|seen| seen.line == "POST Users" && seen.body["userName"] == "jdoe@contoso.example");
    bench.next(r#"{ op = "assign", principal = "jdoe@contoso.example", role = "Admin" }, { op = "unassign", principal = "Sales" }"#).await;
    let patched =
        bench.server.take().into_iter().find(|seen| seen.line == "PATCH Users/u2").map(|seen| seen.body);
    (posted.expect("created").body["roles"].clone(), patched.expect("patched")["Operations"].clone())
}

#[tokio::test]
async fn roles_have_three_shapes() {
    let kind = "WindowsAzureActiveDirectoryRole";
    let json_text =
        r#"{"id":"00000000-0000-0000-0000-0000000000a2","value":"Admin","displayName":"Administrator"}"#;
    let (post, patch) = role_bodies("roles[primary eq \"True\"].value", "SingleAppRoleAssignment").await;
    assert_eq!(post, serde_json::json!([{"primary": true, "type": kind, "value": "Learner"}]));
    assert_eq!(patch, serde_json::json!([{"op": "Add", "path": "roles", "value": [{"value": json_text}]}]));
    let (post, patch) = role_bodies("roles", "AppRoleAssignmentsComplex").await;
    assert_eq!(
        post,
        serde_json::json!([{"primary": false, "type": kind, "displayName": "Learner", "value": "Learner"}])
    );
    assert_eq!(patch, serde_json::json!([{"op": "Add", "path": "roles", "value": [{"value": json_text}]}]));
    let (_, patch) = role_bodies("roles", "AssertiveAppRoleAssignmentsComplex").await;
    let set =
        serde_json::json!([{"primary": false, "type": kind, "display": "Administrator", "value": "Admin"}]);
    assert_eq!(patch, serde_json::json!([{"op": "replace", "path": "roles", "value": set}]));
}
