//! Operators as an admin meets them: added, reset, disabled, enabled, given another role; and the admin who must remain.

use super::{
    PASSWORD, Session, add_operator, assert_problem, code, finish_first_sign_in, operator,
    operator_with_secret, session_of, try_sign_in,
};
use crate::world::World;
use serde_json::json;
use test_support::{Backend, Response};

fn set_role(admin: &Session, name: &str, role: &str) -> Response {
    admin.put(&format!("/operators/{name}/role"), &json!({ "role": role }))
}

#[test]
fn operators_are_added_reset_and_disabled() {
    for backend in Backend::ALL {
        let world = World::start(backend);
        let admin = operator(&world, "root", "admin");
        let created = admin.post("/operators", &json!({"name": "Ben@Example.com", "role": "viewer"}));
        assert_eq!(created.status, 201, "{}", created.text());
        assert_eq!(created.json["name"], "ben@example.com");
        let once = created.json["one_time_password"].as_str().expect("one-time password").to_owned();
        assert_problem(
            &admin.post("/operators", &json!({"name": "ben@example.com", "role": "admin"})),
            409,
            "conflict",
        );
        assert_problem(&admin.post("/operators", &json!({"name": "b n", "role": "admin"})), 400, "invalid");
        assert_problem(&admin.post("/operators", &json!({"name": "ben", "role": "king"})), 400, "invalid");
        let sign_in = |once: &str| try_sign_in(&world, &json!({"name": "ben@example.com", "password": once}));
        let ben = session_of(&world, &sign_in(&once));
        let secret = finish_first_sign_in(&ben, &once);
        assert_eq!(ben.get("/tenants").status, 200);

        let reset = admin.post("/operators/ben@example.com/reset", &json!({}));
        assert_eq!(reset.status, 200, "{}", reset.text());
        assert_eq!((&reset.json["totp"], &reset.json["must_change_password"]), (&json!(false), &json!(true)));
        assert_problem(&ben.get("/tenants"), 401, "not-signed-in");
        let old = json!({"name": "ben@example.com", "password": PASSWORD, "code": code(&secret, 1)});
        assert_problem(&try_sign_in(&world, &old), 401, "wrong-sign-in");
        let once = reset.json["one_time_password"].as_str().expect("one-time password").to_owned();
        let ben = session_of(&world, &sign_in(&once));

        let disabled = admin.post("/operators/ben@example.com/disable", &json!({}));
        assert_eq!((disabled.status, &disabled.json["active"]), (200, &json!(false)));
        assert_problem(&ben.get("/session"), 401, "not-signed-in");
        assert_problem(&sign_in(&once), 401, "wrong-sign-in");
        assert_problem(&admin.post("/operators/root/disable", &json!({})), 409, "conflict");
        assert_problem(&admin.post("/operators/nobody/disable", &json!({})), 404, "not-found");

        let names = admin.read("/operators");
        let names: Vec<_> =
            names["operators"].as_array().expect("list").iter().map(|operator| &operator["name"]).collect();
        assert_eq!(names, ["ben@example.com", "root"]);
        let listed = world.juno(&["operator", "list"]);
        assert_eq!(listed["operators"][0]["active"], false);
        let reset = world.juno(&["operator", "reset", "ben@example.com"]);
        assert_eq!(sign_in(reset["one_time_password"].as_str().expect("password")).status, 200);
    }
}

#[test]
fn with_a_key_an_operator_is_added_once_and_the_password_shown_once() {
    for backend in Backend::ALL {
        let world = World::start(backend);
        let (root, anna) = (operator(&world, "root", "admin"), operator(&world, "anna", "admin"));
        let body = json!({"name": "ben", "role": "viewer"});
        let first = root.post_with_key("/operators", "k", &body);
        assert!(first.status == 201 && first.json["one_time_password"].is_string(), "{}", first.text());
        let again = root.post_with_key("/operators", "k", &json!({"name": "Ben", "role": "viewer"}));
        let mut expected = first.json.clone();
        expected["one_time_password"] = json!(null);
        assert_eq!((again.status, &again.json), (201, &expected));
        let other = json!({"name": "carl", "role": "viewer"});
        assert_problem(&root.post_with_key("/operators", "k", &other), 422, "idempotency-key-reused");
        // The request stays the same when the role has changed since.
        assert_eq!(world.juno(&["operator", "role", "ben", "support"])["role"], "support");
        let again = root.post_with_key("/operators", "k", &body);
        assert_eq!((again.status, &again.json["role"]), (201, &json!("support")));
        assert_problem(&root.post_with_key("/operators", "", &body), 400, "invalid");
        // The key of another operator is another request.
        assert_problem(&anna.post_with_key("/operators", "k", &body), 409, "conflict");
        let once = first.json["one_time_password"].as_str().expect("password");
        assert_eq!(try_sign_in(&world, &json!({"name": "ben", "password": once})).status, 200);
        let log = world.juno(&["audit", "list"])["audit"].to_string();
        assert_eq!(log.matches("\"operator.create\"").count(), 3);
    }
}

#[test]
fn a_role_counts_from_the_next_request_on() {
    for backend in Backend::ALL {
        let world = World::start(backend);
        let (root, ben) = (operator(&world, "root", "admin"), operator(&world, "ben", "viewer"));
        let (token, _) = ben.make_api_token(&json!({"label": "export"}));
        let script = Session::script(&world, &token);
        let open = |session: &Session, name: &str| session.post("/tenants", &json!({ "name": name }));
        assert_problem(&open(&ben, "one"), 403, "forbidden");
        let raised = set_role(&root, "BEN", "support");
        assert_eq!((raised.status, &raised.json["role"]), (200, &json!("support")), "{}", raised.text());
        assert_eq!(open(&ben, "one").status, 201);
        assert_problem(&open(&script, "two"), 403, "forbidden");
        assert_eq!(set_role(&root, "ben", "admin").status, 200);
        let (token, _) = ben.make_api_token(&json!({"label": "all"}));
        let strong = Session::script(&world, &token);
        assert_eq!(strong.get("/operators").status, 200);
        assert_eq!(set_role(&root, "ben", "viewer").status, 200);
        assert_problem(&open(&ben, "three"), 403, "forbidden");
        assert_problem(&strong.get("/operators"), 403, "forbidden");
        assert_problem(&set_role(&root, "nobody", "viewer"), 404, "not-found");
        assert_problem(&set_role(&root, "ben", "king"), 400, "invalid");

        let rows = root.read("/audit");
        let row =
            rows["audit"].as_array().expect("rows").iter().find(|row| row["action"] == "operator.set-role");
        let row = row.expect("a row");
        assert_eq!(
            (&row["target"], &row["before"]["role"], &row["after"]["role"]),
            (&json!("ben"), &json!("admin"), &json!("viewer"))
        );
    }
}

#[test]
fn one_admin_remains() {
    for backend in Backend::ALL {
        let world = World::start(backend);
        let (root, of_root) = operator_with_secret(&world, "root", "admin");
        // Whoever is alone cannot go, not even at the command line.
        for command in [&["operator", "disable", "root"][..], &["operator", "disable", "ROOT"]] {
            assert!(!world.gateway.command(command).status.success());
        }
        let (anna, of_anna) = operator_with_secret(&world, "anna", "admin");
        assert_problem(&root.post("/operators/root/disable", &json!({})), 409, "conflict");
        assert_problem(&set_role(&root, "root", "viewer"), 409, "conflict");
        assert_problem(&set_role(&root, "root", "admin"), 409, "conflict");
        let (token, _) = root.make_api_token(&json!({"label": "me"}));
        let script = Session::script(&world, &token);
        assert_problem(&script.post("/operators/root/disable", &json!({})), 409, "conflict");

        assert_eq!(set_role(&anna, "root", "support").status, 200);
        assert_problem(&root.post("/operators/anna/disable", &json!({})), 403, "forbidden");
        assert_eq!(anna.post("/operators/root/disable", &json!({})).status, 200);
        assert_problem(&root.get("/session"), 401, "not-signed-in");
        assert_problem(&script.get("/tenants"), 401, "not-signed-in");
        let enabled = anna.post("/operators/root/enable", &json!({}));
        assert_eq!((enabled.status, &enabled.json["active"]), (200, &json!(true)), "{}", enabled.text());
        assert_problem(&script.get("/tenants"), 401, "not-signed-in");
        assert_eq!(set_role(&anna, "root", "admin").status, 200);
        // The password and the second factor of before are good again.
        let sign_in = |name: &str, secret: &str, step| {
            try_sign_in(&world, &json!({"name": name, "password": PASSWORD, "code": code(secret, step)}))
        };
        let root = session_of(&world, &sign_in("root", &of_root, 1));
        assert_eq!(root.post("/operators/anna/disable", &json!({})).status, 200);
        assert_problem(&sign_in("anna", &of_anna, 1), 401, "wrong-sign-in");
        assert_eq!(root.post("/operators/anna/enable", &json!({})).status, 200);
        assert_eq!(sign_in("anna", &of_anna, 1).status, 200);
    }
}

/// A token that leaked gives nobody more than it has.
#[test]
fn an_api_token_gives_nobody_access() {
    for backend in Backend::ALL {
        let world = World::start(backend);
        let root = operator(&world, "root", "admin");
        add_operator(&world, "ben", "viewer");
        let (token, _) = root.make_api_token(&json!({"label": "nightly"}));
        let script = Session::script(&world, &token);
        let before = world.juno(&["operator", "list"]);
        for refused in [
            script.post("/operators", &json!({"name": "eve", "role": "admin"})),
            script.post("/operators/root/reset", &json!({})),
            script.post("/operators/ben/reset", &json!({})),
            script.post("/operators/ben/enable", &json!({})),
            set_role(&script, "ben", "admin"),
        ] {
            assert_problem(&refused, 403, "needs-session");
            let words = refused.json["detail"].as_str().expect("detail");
            assert!(words.contains("sign in to the console, or use juno on the machine"), "{words}");
        }
        assert_eq!(world.juno(&["operator", "list"]), before);
        // To take access away is no gain.
        assert_eq!(script.post("/operators/ben/disable", &json!({})).status, 200);
    }
}
