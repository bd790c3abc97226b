//! An office in use: customers in every state, their people as Entra sends them, credentials of every kind, operators.

use super::quick;
use crate::{
    admin::{Session, add_operator, operator, session_of, try_sign_in},
    entra_check::entra_sim,
    setup::{Link, make},
    world::World,
};
use serde_json::{Value, json};
use std::{
    thread,
    time::{Duration, Instant},
};

/// How long something may take to be written: only failures wait so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// A gateway whose pages have something to show.
pub(crate) struct Office {
    pub(crate) world: World,
    /// An admin who has done all that was done.
    pub(crate) anna: Session,
    /// An operator who has just got a one-time password, and the password.
    pub(crate) newcomer: (Session, String),
    /// A setup link of the tenant `contoso` that nobody has opened.
    pub(crate) link: Link,
    /// What stands for the variable parts of routes: in routes that have this in them, that part, and its value.
    ids: Vec<(&'static str, &'static str, String)>,
}

impl Office {
    /// `people`: how many users the first customer has; the second has a few.
    pub(crate) fn open(people: u16) -> Office {
        let world = quick();
        let anna = operator(&world, "anna", "admin");
        operator(&world, "ben", "support");
        add_operator(&world, "chris", "viewer");
        world.juno(&["operator", "disable", "chris"]);
        let contoso = open_tenant(&anna, "Contoso Ltd.", "contoso");
        let fabrikam = open_tenant(&anna, "Fabrikam Residences", "fabrikam");
        open_tenant(&anna, "Northwind Traders", "northwind");
        open_tenant(&anna, "Wide World Importers", "wide-world");
        assert_eq!(anna.post("/tenants/wide-world/suspend?confirm=wide-world", &json!({})).status, 200);
        provision(&world, "contoso", &contoso, people, 2);
        provision(&world, "fabrikam", &fabrikam, 12, 1);
        let mut ids = vec![
            ("/tenants/", "{tenant}", "contoso".to_owned()),
            ("/operators/", "{name}", "ben".to_owned()),
            ("/users/", "{id}", first(&anna, "Users")),
            ("/groups/", "{id}", first(&anna, "Groups")),
        ];
        let deleted = last(&anna);
        let gone = format!("{}/Users/{deleted}", address(&world, "contoso"));
        assert_eq!(world.send("DELETE", &gone, Some(&contoso), None).status, 204);
        let link = make(&anna, "contoso");
        ids.extend([("/deleted/", "{id}", deleted), ("/hand-over/", "{id}", link.id.clone())]);
        ids.extend(hand_out_credentials(&anna));
        let script = done(&anna, "/api-tokens", &json!({"label": "Nightly export", "role": "viewer"}));
        ids.push(("/api-tokens/", "{key_id}", text(&script, "key_id")));
        let once = add_operator(&world, "dora", "viewer");
        for label in ["contoso", "fabrikam"] {
            wait_until_seen(&anna, label);
        }
        let newcomer = session_of(&world, &try_sign_in(&world, &json!({"name": "dora", "password": once})));
        Office { world, anna, newcomer: (newcomer, once), link, ids }
    }

    /// Where the page of a route lies, of what is there.
    pub(crate) fn path(&self, route: &str) -> String {
        let ids = self.ids.iter().filter(|(part, ..)| route.contains(part));
        ids.fold(route.to_owned(), |path, (_, variable, value)| path.replace(variable, value))
    }
}

fn address(world: &World, label: &str) -> String {
    format!("{}/t/{label}/scim/v2", world.gateway.scim())
}

/// Opens a tenant; returns its first Secret Token.
fn open_tenant(anna: &Session, name: &str, label: &str) -> String {
    done(anna, "/tenants", &json!({"name": name, "label": label}));
    let path = format!("/tenants/{label}/secret-tokens");
    let issued = done(anna, &path, &json!({"label": "Entra enterprise application"}));
    text(&issued, "secret_token")
}

/// Lets entra-sim bring people and groups, as Entra does, and come back so often with the changes of a day.
fn provision(world: &World, label: &str, token: &str, people: u16, cycles: u16) {
    let mut command = entra_sim();
    command.args(["run", "--quiet", "--interval-seconds", "0", "--requests-per-second", "1000"]);
    command.args(["--users", &people.to_string(), "--cycles", &cycles.to_string()]);
    command.args(["--tenant-url", &address(world, label)]).env("ENTRA_SIM_SECRET_TOKEN", token);
    let output = command.output().expect("entra-sim runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// When a credential was last used is written some seconds late.
fn wait_until_seen(anna: &Session, label: &str) {
    let began = Instant::now();
    let path = format!("/tenants/{label}/secret-tokens");
    while anna.read(&path)["secret_tokens"]
        .as_array()
        .expect("tokens")
        .iter()
        .all(|token| token["last_used"].is_null())
    {
        assert!(began.elapsed() < PATIENCE, "nobody has seen the token of {label}");
        thread::sleep(Duration::from_millis(50));
    }
}

fn first(anna: &Session, kind: &str) -> String {
    let found = anna.read(&format!("/tenants/contoso/resources/{kind}?count=1"));
    text(&found["resources"][0], "id")
}

fn last(anna: &Session) -> String {
    let found = anna.read("/tenants/contoso/resources/Users?count=10");
    text(found["resources"].as_array().and_then(|all| all.last()).expect("a user"), "id")
}

/// Beside the first Secret Token of contoso: one more, which is being rotated, a revoked one, an OAuth client with two secrets,
/// federation. Returns what of it stands for the variable parts of routes.
fn hand_out_credentials(anna: &Session) -> Vec<(&'static str, &'static str, String)> {
    let tokens = "/tenants/contoso/secret-tokens";
    let token = text(&done(anna, tokens, &json!({"label": "Pilot"})), "key_id");
    let staging = text(&done(anna, tokens, &json!({"label": "Staging application"})), "key_id");
    let start = json!({"kind": "secret-token", "key_id": staging});
    let rotation = text(&done(anna, "/tenants/contoso/rotations", &start), "id");
    let old = text(&done(anna, tokens, &json!({"label": "Lost"})), "key_id");
    done(anna, &format!("{tokens}/{old}/revoke"), &json!({}));
    let client = done(anna, "/tenants/contoso/oauth-clients", &json!({"label": "Entra gallery application"}));
    let client = text(&client, "client_id");
    let secret = done(anna, &format!("/tenants/contoso/oauth-clients/{client}/secrets"), &json!({}));
    let federation = json!({
        "issuer": "https://login.microsoftonline.com/8f7d1d1b-1c2c-4a39-9d0a-5b8c36f4b6a1/v2.0",
        "subject": "5f0e7c2e-52b5-4b63-8a5a-3c5c0a7c9f1d",
        "audience": "api://6d3a1f0c-9a54-4a0b-8c53-0f1b7c3e2d4a",
        "jwks_url": "https://login.microsoftonline.com/8f7d1d1b-1c2c-4a39-9d0a-5b8c36f4b6a1/discovery/v2.0/keys",
    });
    let set = anna.put("/tenants/contoso/federation", &federation);
    assert_eq!(set.status, 200, "{}", set.text());
    vec![
        ("/credentials/", "{key_id}", token),
        ("/rotations/", "{id}", rotation),
        ("/oauth/", "{client_id}", client),
        ("/oauth/", "{key_id}", text(&secret, "key_id")),
    ]
}

fn text(object: &Value, key: &str) -> String {
    object[key].as_str().unwrap_or_else(|| panic!("no {key} in {object}")).to_owned()
}

fn done(anna: &Session, path: &str, body: &Value) -> Value {
    let response = anna.post(path, body);
    assert!(matches!(response.status, 200 | 201), "{path}: {}", response.text());
    response.json
}
