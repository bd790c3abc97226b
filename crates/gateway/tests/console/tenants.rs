//! The pages about tenants: opened, found, changed, suspended, exported, erased.

use super::{assert_failure, assert_page, assert_redirect, between, key_of, operator};
use crate::world::World;
use serde_json::{Value, json};
use test_support::Backend;

/// The fields of the form for a new tenant, with the key that stands in it.
fn new_tenant<'f>(name: &'f str, label: &'f str, key: &'f str) -> [(&'f str, &'f str); 4] {
    [("name", name), ("label", label), ("profile", "entra"), ("key", key)]
}

/// The fields of the form that changes a tenant: name and profile as they shall be, and as the page has shown them.
fn changed_tenant<'f>(
    (name, profile): (&'f str, &'f str),
    (shown_name, shown_profile): (&'f str, &'f str),
) -> [(&'f str, &'f str); 4] {
    [("name", name), ("profile", profile), ("shown_name", shown_name), ("shown_profile", shown_profile)]
}

#[test]
fn a_tenant_is_opened_once_however_often_the_form_is_sent() {
    for backend in Backend::ALL {
        let world = World::start(backend);
        let anna = operator(&world, "anna", "support");
        let page = anna.get("/tenants/new");
        assert_page(&page);
        let key = key_of(&page.text());
        for _ in 0..2 {
            let opened = anna.post("/tenants/new", &new_tenant("Contoso <Ltd.>", "", &key));
            assert_redirect(&opened, "/tenants/contoso-ltd");
        }
        let shown = anna.get("/tenants/contoso-ltd");
        assert_page(&shown);
        let text = shown.text();
        assert!(text.contains("<h1>Contoso &#60;Ltd.&#62;</h1>"), "{text}");
        assert!(text.contains("is opened. Hand over"), "{text}");
        let url = format!("{}/t/contoso-ltd/scim/v2", world.gateway.scim());
        assert_eq!(
            between(&text, "id=\"tenant-url\" type=\"text\" readonly value=\"", "\""),
            Some(url.clone())
        );
        let flagged = between(&text, "id=\"tenant-url-flag\" type=\"text\" readonly value=\"", "\"");
        assert_eq!(flagged, Some(format!("{url}?aadOptscim062020")));
        assert!(text.contains("Not connected yet"), "{text}");
        // What is wrong is said beside the form, which keeps what was typed.
        let other = key_of(&anna.page("/tenants/new"));
        for (name, label, status, words) in [
            ("Contoso Ltd", "", 409, "already"),
            ("Fabrikam", "Not A Label", 400, "lower-case"),
            ("Müller", "", 400, "give one"),
            (" ", "", 400, "A name has"),
            ("New", "", 400, "No label can be made"),
        ] {
            let again = anna.post("/tenants/new", &new_tenant(name, label, &other));
            assert_eq!(again.status, status, "{name}: {}", again.text());
            assert_page(&again);
            let text = again.text();
            let said = between(&text, "id=\"wrong\">", "</div>").expect("what is wrong");
            assert!(said.contains(words), "{said}");
            assert!(text.contains(&format!("name=\"label\" value=\"{label}\"")), "{text}");
            assert_ne!(key_of(&text), other, "other words are another request");
        }
        let tampered =
            anna.post("/tenants/new", &[("name", "x"), ("label", ""), ("profile", "x"), ("key", "k")]);
        assert_eq!(tampered.status, 400);
        assert_failure(&anna.post("/tenants/new", &[("name", "x")]), 400, "invalid");
        let created = world.juno(&["audit", "list"])["audit"].to_string().matches("tenant.create").count();
        assert_eq!(created, 1);
    }
}

fn labels(page: &str) -> Vec<String> {
    let rows = page.split("<th scope=\"row\"><a href=\"/tenants/").skip(1);
    rows.filter_map(|row| row.split('"').next().map(str::to_owned)).collect()
}

#[test]
fn tenants_are_found_and_paged() {
    let world = World::start(Backend::Sqlite);
    let anna = operator(&world, "anna", "support");
    assert!(anna.page("/tenants").contains("No tenants yet"));
    for number in 0..52 {
        let key = key_of(&anna.page("/tenants/new"));
        let (name, label) = (format!("Tenant & {number}"), format!("t{number:02}"));
        assert_redirect(
            &anna.post("/tenants/new", &new_tenant(&name, &label, &key)),
            &format!("/tenants/{label}"),
        );
    }
    anna.page("/tenants/t07/suspend");
    assert_redirect(&anna.post("/tenants/t07/suspend", &[]), "/tenants/t07");
    let first = anna.get("/tenants?search=tenant%20%26&state=active");
    assert_page(&first);
    let first = first.text();
    assert_eq!(labels(&first).len(), 50);
    let next = between(&first, "rel=\"next\" href=\"", "\"").expect("next").replace("&#38;", "&");
    assert!(next.starts_with("/tenants?search=tenant%20%26&state=active&cursor="), "{next}");
    let second = anna.page(&next);
    assert_eq!(labels(&second), ["t51"]);
    assert!(second.contains("value=\"tenant &#38;\""), "{second}");
    assert!(between(&second, "rel=\"next\"", ">").is_none());
    assert_eq!(labels(&anna.page("/tenants?search=&state=suspended")), ["t07"]);
    assert!(anna.page("/tenants?search=nobody&state=").contains("No tenant is found"));
    let wrong = anna.get(&format!("/tenants?search={}", "a+".repeat(20)));
    assert_eq!(wrong.status, 400);
    assert_page(&wrong);
    assert_failure(&anna.get("/tenants?state=gone"), 400, "invalid");
    let foreign = anna.get("/tenants?cursor=x");
    assert_eq!(foreign.status, 400);
    assert!(foreign.text().contains("The cursor was not given out by this list."), "{}", foreign.text());
}

#[test]
fn a_tenant_is_changed_suspended_and_resumed() {
    for backend in Backend::ALL {
        let world = World::start(backend);
        let anna = operator(&world, "anna", "support");
        world.juno(&["tenant", "create", "Contoso"]);
        anna.page("/tenants/contoso");
        let changed =
            anna.post("/tenants/contoso", &changed_tenant(("Contoso AG", "rfc"), ("Contoso", "entra")));
        assert_redirect(&changed, "/tenants/contoso");
        let text = anna.page("/tenants/contoso");
        assert!(text.contains("<h1>Contoso AG</h1>") && text.contains("The tenant is changed."), "{text}");
        assert_eq!(world.juno(&["tenant", "show", "contoso"])["profile"], "rfc");
        let again = anna.post("/tenants/contoso", &changed_tenant((" ", "entra"), ("Contoso AG", "rfc")));
        assert_eq!(again.status, 400);
        assert_page(&again);
        assert!(again.text().contains("A name has 1 to 200 characters"), "{}", again.text());
        for (word, state, button) in
            [("suspend", "suspended", "Suspend the tenant"), ("resume", "active", "Resume the tenant")]
        {
            let asked = anna.get(&format!("/tenants/contoso/{word}"));
            assert_page(&asked);
            assert!(asked.text().contains(button), "{}", asked.text());
            assert_redirect(&anna.post(&format!("/tenants/contoso/{word}"), &[]), "/tenants/contoso");
            assert_eq!(world.juno(&["tenant", "show", "contoso"])["state"], state);
        }
        assert_failure(&anna.get("/tenants/nobody"), 404, "not-found");
        for path in ["export", "erase"] {
            assert_failure(&anna.get(&format!("/tenants/contoso/{path}")), 403, "forbidden");
            assert_failure(
                &anna.post(&format!("/tenants/contoso/{path}"), &[("confirm", "contoso")]),
                403,
                "forbidden",
            );
        }
        let victor = operator(&world, "victor", "viewer");
        let seen = victor.page("/tenants/contoso");
        assert!(!seen.contains("action=\"/tenants/contoso\"") && !seen.contains("Suspend"), "{seen}");
        assert_failure(&victor.post("/tenants/contoso/suspend", &[]), 403, "forbidden");
    }
}

#[test]
fn an_old_page_takes_nothing_back_that_somebody_else_has_changed() {
    for backend in Backend::ALL {
        let world = World::start(backend);
        let anna = operator(&world, "anna", "support");
        world.juno(&["tenant", "create", "Contoso"]);
        let assert_shown = |text: &str| {
            assert!(text.contains("name=\"shown_name\" value=\"Contoso\""), "{text}");
            assert!(text.contains("name=\"shown_profile\" value=\"entra\""), "{text}");
        };
        assert_shown(&anna.page("/tenants/contoso"));
        world.juno(&["tenant", "change", "contoso", "--name", "Contoso AG"]);
        let shown = ("Contoso", "entra");
        // What is wrong at first is mended on the same old page.
        let again = anna.post("/tenants/contoso", &changed_tenant((" ", "rfc"), shown));
        assert_eq!(again.status, 400);
        assert_shown(&again.text());
        let changed = anna.post("/tenants/contoso", &changed_tenant(("Contoso ", "rfc"), shown));
        assert_redirect(&changed, "/tenants/contoso");
        let tenant = world.juno(&["tenant", "show", "contoso"]);
        assert_eq!((&tenant["name"], &tenant["profile"]), (&json!("Contoso AG"), &json!("rfc")));
        let changed = anna.post("/tenants/contoso", &changed_tenant(("Contoso SE", "entra"), shown));
        assert_redirect(&changed, "/tenants/contoso");
        let tenant = world.juno(&["tenant", "show", "contoso"]);
        assert_eq!((&tenant["name"], &tenant["profile"]), (&json!("Contoso SE"), &json!("rfc")));
    }
}

#[test]
fn a_tenant_is_exported_and_erased_by_its_label() {
    for backend in Backend::ALL {
        let world = World::start(backend);
        let root = operator(&world, "root", "admin");
        world.juno(&["tenant", "create", "Contoso"]);
        let issued = world.juno(&["token", "issue", "contoso"]);
        let token = issued["secret_token"].as_str().expect("token");
        let users = format!("{}/t/contoso/scim/v2/Users", world.gateway.scim());
        let body = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "ana"});
        assert_eq!(world.send("POST", &users, Some(token), Some(&body)).status, 201);
        assert_page(&root.get("/tenants/contoso/export"));
        let exported = root.post("/tenants/contoso/export", &[]);
        assert_eq!((exported.status, exported.header("content-type")), (200, Some("application/jsonl")));
        let file = exported.header("content-disposition").expect("content-disposition");
        assert!(
            file.starts_with("attachment; filename=\"contoso-20") && file.ends_with(".jsonl\""),
            "{file}"
        );
        let text = exported.text();
        let lines: Vec<Value> =
            text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect();
        assert_eq!(lines[1]["resource"]["userName"], "ana");
        assert_eq!(lines.last().expect("end")["type"], "end");

        let asked = root.get("/tenants/contoso/erase");
        assert_page(&asked);
        assert!(asked.text().contains("<div><dt>Users</dt><dd>1</dd></div>"), "{}", asked.text());
        for wrong in ["", "Contoso", "fabrikam"] {
            let again = root.post("/tenants/contoso/erase", &[("confirm", wrong)]);
            assert_eq!(again.status, 400);
            assert_page(&again);
            assert!(again.text().contains("Nothing was erased"), "{}", again.text());
        }
        assert_redirect(&root.post("/tenants/contoso/erase", &[("confirm", " contoso ")]), "/tenants");
        assert!(root.page("/tenants").contains("Contoso is erased."));
        assert_failure(&root.get("/tenants/contoso"), 404, "not-found");
        assert_eq!(world.send("GET", &users, Some(token), None).status, 401);
    }
}
