//! The pages about users and groups: searched, shown with their history, restored.

use super::{Browser, assert_failure, assert_page, assert_redirect, between, operator};
use crate::world::World;
use serde_json::{Value, json};
use test_support::{Backend, Response};

/// A tenant with a provisioning client.
struct Client<'w> {
    world: &'w World,
    base: String,
    token: String,
}

impl Client<'_> {
    fn new(world: &World) -> Client<'_> {
        let opened = world.juno(&["tenant", "create", "Contoso"]);
        let token = opened["secret_token"].as_str().expect("token").to_owned();
        Client { world, base: format!("{}/t/contoso/scim/v2", world.gateway.scim()), token }
    }

    fn send(&self, method: &str, path: &str, body: Option<&Value>) -> Response {
        self.world.send(method, &format!("{}{path}", self.base), Some(&self.token), body)
    }

    /// Creates something; its id.
    fn create(&self, path: &str, body: &Value) -> String {
        let created = self.send("POST", path, Some(body));
        assert_eq!(created.status, 201, "{}", created.text());
        created.json["id"].as_str().expect("id").to_owned()
    }

    fn user(&self, name: &str) -> String {
        let emails = json!([{"value": format!("{name}@contoso.com"), "type": "work", "primary": true}]);
        let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
        self.create(
            "/Users",
            &json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", enterprise], "userName": name,
                "displayName": format!("{name} <Berg>"), "active": true, "emails": emails,
                enterprise: {"department": "R&D"}}),
        )
    }

    fn group(&self, name: &str, members: &[&str]) -> String {
        let members: Vec<Value> = members.iter().map(|id| json!({"value": id})).collect();
        self.create(
            "/Groups",
            &json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": name,
                "members": members}),
        )
    }
}

/// A page that must be there and be good.
fn page(browser: &Browser, path: &str) -> String {
    let response = browser.get(path);
    assert_eq!(response.status, 200, "{path}: {}", response.text());
    assert_page(&response);
    response.text()
}

/// What the rows of the table on a page are called.
fn rows(page: &str) -> Vec<String> {
    let rows = page.split("<th scope=\"row\">").skip(1);
    rows.filter_map(|row| between(row, "\">", "</a>")).collect()
}

#[test]
fn users_are_found_by_a_text_or_a_filter() {
    for backend in Backend::ALL {
        let world = World::start(backend);
        let client = Client::new(&world);
        let (ana, ben) = (client.user("Ana"), client.user("Ben"));
        client.send(
            "PATCH",
            &format!("/Users/{ben}"),
            Some(&json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
                "Operations": [{"op": "Replace", "path": "active", "value": "False"}]})),
        );
        let victor = operator(&world, "victor", "viewer");
        let find = |search: &str| page(&victor, &format!("/tenants/contoso/users?search={search}"));
        let all = find("");
        assert_eq!(rows(&all), ["Ana", "Ben"]);
        assert!(all.contains("2 users") && all.contains("Ana &#60;Berg&#62;"), "{all}");
        assert_eq!(rows(&find("an")), ["Ana"]);
        assert_eq!(rows(&find("BEN%40contoso")), ["Ben"]);
        assert_eq!(rows(&find("berg")), ["Ana", "Ben"]);
        assert_eq!(rows(&find(&ana)), ["Ana"]);
        assert_eq!(rows(&find("active+eq+false")), ["Ben"]);
        assert_eq!(rows(&find("emails%5Btype+eq+%22work%22%5D.value+sw+%22ana%22")), ["Ana"]);
        assert!(find("%22%5C").contains("Nothing is found"), "quotes are only text");
        let wrong = victor.get("/tenants/contoso/users?search=userName+eq+ana)");
        assert_eq!(wrong.status, 400);
        assert_page(&wrong);
        let said = between(&wrong.text(), "id=\"wrong\">", "</div>").expect("what is wrong");
        assert!(said.contains("position") || said.contains("filter"), "{said}");
        assert!(wrong.text().contains("value=\"userName eq ana)\""));
        assert_failure(&victor.get("/tenants/nobody/users"), 404, "not-found");
    }
}

#[test]
fn users_are_paged() {
    let world = World::start(Backend::Sqlite);
    let client = Client::new(&world);
    for number in 0..53 {
        client.user(&format!("user{number:02}"));
    }
    let victor = operator(&world, "victor", "viewer");
    let first = page(&victor, "/tenants/contoso/users?search=user");
    assert_eq!(rows(&first).len(), 50);
    assert!(first.contains("53 users found"), "{first}");
    let next = between(&first, "rel=\"next\" href=\"", "\"").expect("next").replace("&#38;", "&");
    assert_eq!(rows(&page(&victor, &next)), ["user50", "user51", "user52"]);
}

#[test]
fn a_user_is_shown_with_its_history() {
    for backend in Backend::ALL {
        let world = World::start(backend);
        let client = Client::new(&world);
        let ana = client.user("Ana");
        let sales = client.group("Sales", &[&ana]);
        let patched = client.send(
            "PATCH",
            &format!("/Users/{ana}"),
            Some(&json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [
                {"op": "Replace", "path": "displayName", "value": "Ana Berger"},
                {"op": "Add", "path": "shoeSize", "value": "38"}]})),
        );
        assert_eq!(patched.status, 200, "{}", patched.text());
        let victor = operator(&world, "victor", "viewer");
        let text = page(&victor, &format!("/tenants/contoso/users/{ana}"));
        for part in [
            "<dt>department</dt><dd>R&#38;D</dd>",
            "<dd>Ana@contoso.com (",
            "Extension “enterprise”",
            &format!("<a class=\"break\" href=\"/tenants/contoso/groups/{sales}\">Sales</a>"),
            "<del><span class=\"sr\">was </span>Ana &#60;Berg&#62;</del>",
            "<ins><span class=\"sr\">is </span>Ana Berger</ins>",
            "no schema knows this attribute",
            "the operation was not in lower case",
            "by Secret Token",
            "<strong>Created</strong>",
            "&#34;userName&#34;: &#34;Ana&#34;",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert_failure(&victor.get(&format!("/tenants/contoso/groups/{ana}")), 404, "not-found");
        assert_failure(&victor.get("/tenants/contoso/users/x"), 404, "not-found");
        // Of another tenant it is not there.
        world.juno(&["tenant", "create", "Fabrikam"]);
        assert_failure(&victor.get(&format!("/tenants/fabrikam/users/{ana}")), 404, "not-found");
        let foreign = page(&victor, &format!("/tenants/fabrikam/changes?resource={ana}"));
        assert!(foreign.contains("Nothing is kept of changes"), "{foreign}");
    }
}

#[test]
fn members_of_a_group_come_in_pages() {
    let world = World::start(Backend::Sqlite);
    let client = Client::new(&world);
    let ids: Vec<String> = (0..60).map(|number| client.user(&format!("user{number:02}"))).collect();
    let inner = client.group("Inner", &[]);
    let mut members: Vec<&str> = ids.iter().map(String::as_str).collect();
    members.push(&inner);
    let sales = client.group("Sales", &members);
    let victor = operator(&world, "victor", "viewer");
    let first = page(&victor, &format!("/tenants/contoso/groups/{sales}"));
    let names = |text: &str| text.matches("\">user").count();
    assert_eq!(names(&first), 55, "fifty members, and five in the history: {first}");
    assert!(first.contains("<span class=\"soft small\">61</span>"), "{first}");
    assert!(first.contains("and 56 more"), "the history names five: {first}");
    let next = between(&first, "rel=\"next\" href=\"", "\"").expect("next").replace("&#38;", "&");
    let second = page(&victor, next.trim_end_matches("#members"));
    assert_eq!(names(&second), 15);
    assert!(second.contains(&format!("href=\"/tenants/contoso/groups/{inner}\">Inner</a>")), "{second}");
    assert_failure(&victor.get(&format!("/tenants/contoso/groups/{sales}?members=x")), 400, "invalid");
}

#[test]
fn changes_are_listed_and_filtered() {
    let world = World::start(Backend::Sqlite);
    let client = Client::new(&world);
    let (ana, ben) = (client.user("Ana"), client.user("Ben"));
    assert_eq!(client.send("DELETE", &format!("/Users/{ben}"), None).status, 204);
    for _ in 0..52 {
        client.group("Many", &[]);
    }
    let victor = operator(&world, "victor", "viewer");
    let first = page(&victor, "/tenants/contoso/changes");
    assert_eq!(first.matches("<strong>Created</strong>").count(), 50);
    let next = between(&first, "rel=\"next\" href=\"", "\"").expect("next").replace("&#38;", "&");
    let second = page(&victor, &next);
    assert!(second.contains("<strong>Deleted</strong>") && second.contains(&ana), "{second}");
    let of_ben = page(&victor, &format!("/tenants/contoso/changes?resource={ben}"));
    assert!(of_ben.contains("<strong>Deleted</strong>") && of_ben.contains("Ben"), "{of_ben}");
    assert!(!of_ben.contains("Ana"), "{of_ben}");
    let wrong = victor.get("/tenants/contoso/changes?resource=x");
    assert_eq!(wrong.status, 400);
    assert!(wrong.text().contains("no user or group with this id"), "{}", wrong.text());
}

#[test]
fn a_deleted_user_is_restored_unless_its_name_is_taken() {
    for backend in Backend::ALL {
        let world = World::start(backend);
        let client = Client::new(&world);
        let ana = client.user("Ana");
        client.group("Sales", &[&ana]);
        assert_eq!(client.send("DELETE", &format!("/Users/{ana}"), None).status, 204);
        let other = client.user("ana");
        let (anna, victor) = (operator(&world, "anna", "support"), operator(&world, "victor", "viewer"));
        let listed = page(&victor, "/tenants/contoso/deleted");
        assert_eq!(rows(&listed), ["Ana"]);
        assert!(!listed.contains("Restore…"), "{listed}");
        let restore = format!("/tenants/contoso/deleted/{ana}/restore");
        assert_failure(&victor.get(&restore), 403, "forbidden");
        assert!(page(&anna, "/tenants/contoso/deleted").contains(&restore));
        let asked = page(&anna, &restore);
        assert!(asked.contains("Restore the user Ana?") && asked.contains("in 1 group;"), "{asked}");
        let conflict = anna.post(&restore, &[]);
        assert_eq!(conflict.status, 409);
        assert_page(&conflict);
        assert!(conflict.text().contains("has this userName by now"), "{}", conflict.text());
        assert_eq!(client.send("DELETE", &format!("/Users/{other}"), None).status, 204);
        page(&anna, &restore);
        assert_redirect(&anna.post(&restore, &[]), &format!("/tenants/contoso/users/{ana}"));
        let back = page(&anna, &format!("/tenants/contoso/users/{ana}"));
        assert!(back.contains("The user is restored.") && back.contains(">Sales</a>"), "{back}");
        assert!(back.contains("by operator anna"), "{back}");
        assert_failure(&anna.get(&restore), 404, "not-found");
        assert_failure(&anna.post(&restore, &[]), 404, "not-found");
    }
}
