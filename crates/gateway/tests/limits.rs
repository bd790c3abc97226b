//! The budget of a tenant: alone it has the whole machine; with too much in flight it is told when to come again; beyond its
//! share it waits while others are at work. Nobody else feels it.

use crate::world::{Tenant, World, held::Held, soon};
use serde_json::json;
use std::thread;
use test_support::{Backend, Database, Postgres, Response};

/// Requests of a client that asks as fast as it can.
const ASKED: usize = 200;

/// The first request that was not answered as it should be.
fn refused(tenant: &Tenant<'_>, client: usize) -> Option<Response> {
    (0..ASKED).find_map(|n| {
        let name = format!("user{client}-{n}@example.com");
        let user = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": name});
        let created = tenant.post("/Users", &user);
        let found = tenant.get(&format!("/Users?filter=userName%20eq%20%22{name}%22"));
        [(created, 201), (found, 200)]
            .into_iter()
            .find_map(|(answer, status)| (answer.status != status).then_some(answer))
    })
}

fn a_client_that_is_alone_is_never_refused(backend: Backend) {
    let world = World::start(backend);
    let alone = world.tenant("alone");
    thread::scope(|scope| {
        let alone = &alone;
        let clients: Vec<_> = (0..8).map(|client| scope.spawn(move || refused(alone, client))).collect();
        for client in clients {
            if let Some(answer) = client.join().expect("a client") {
                panic!("{} {}", answer.status, answer.text());
            }
        }
    });
}

#[test]
fn a_client_that_is_alone_is_never_refused_on_sqlite() {
    a_client_that_is_alone_is_never_refused(Backend::Sqlite);
}

#[test]
fn a_client_that_is_alone_is_never_refused_on_postgres() {
    a_client_that_is_alone_is_never_refused(Backend::Postgres);
}

/// PostgreSQL shows it: changes of the loud tenant are held while it asks for more than it may have in flight.
#[test]
fn a_tenant_with_too_much_in_flight_is_told_when_to_come_again_and_its_neighbour_is_served() {
    const IN_FLIGHT: usize = 16;
    let postgres = Postgres::shared();
    let database = postgres.fresh_database();
    let settings = [("JUNO__CAPACITY__IN_FLIGHT_PER_TENANT", "16")];
    let world = World::with_settings(Database::At(database.clone()), &settings);
    let (loud, quiet) = (world.tenant("loud"), world.tenant("quiet"));
    let holder = Held { postgres, database: &database };
    thread::scope(|scope| {
        let while_true = "NOT EXISTS (SELECT FROM pg_class WHERE relname = 'done')";
        let held = holder.rows(scope, "feeds", while_true);
        let loud = &loud;
        let create = move |n: usize| {
            let name = format!("user{n}@example.com");
            loud.post(
                "/Users",
                &json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": name}),
            )
        };
        let changes: Vec<_> = (0..IN_FLIGHT).map(|n| scope.spawn(move || create(n))).collect();
        soon("the work in flight", || {
            world.gateway.metric(&world.http, "juno_work_in_flight", &[]) >= IN_FLIGHT as f64
        });
        let refused = create(IN_FLIGHT);
        assert_eq!(refused.status, 429, "{}", refused.text());
        let seconds = refused.header("retry-after").and_then(|seconds| seconds.parse::<u32>().ok());
        assert!(seconds.is_some_and(|seconds| (1..=60).contains(&seconds)), "{seconds:?}");
        assert_eq!(refused.json["schemas"][0], "urn:ietf:params:scim:api:messages:2.0:Error");
        assert_eq!(quiet.get("/Users?filter=userName%20eq%20%22nobody%22").status, 200);
        postgres.query(&database, "CREATE TABLE done ()");
        held.join().expect("held");
        for change in changes {
            assert_eq!(change.join().expect("answered").status, 201, "what was admitted is done");
        }
    });
}

/// PostgreSQL shows it: a transaction that holds a change of the quiet tenant for as long as that takes.
#[test]
fn a_tenant_beyond_its_share_waits_while_its_neighbour_is_at_work() {
    let postgres = Postgres::shared();
    let database = postgres.fresh_database();
    let world =
        World::with_settings(Database::At(database.clone()), &[("JUNO__CAPACITY__SHARE_PER_TENANT", "10")]);
    let (loud, quiet) = (world.tenant("loud"), world.tenant("quiet"));
    let holder = Held { postgres, database: &database };
    let none_has_waited = || {
        let metrics = world.http.send("GET", &format!("{}/metrics", world.gateway.admin()), &[], b"");
        metrics.text().contains("\njuno_held_back_total 0\n")
    };
    assert!(none_has_waited());
    thread::scope(|scope| {
        let while_true = "NOT EXISTS (SELECT FROM pg_class WHERE relname = 'done')";
        let held = holder.rows(scope, "feeds", while_true);
        let user =
            json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "ana@example.com"});
        let quiet = &quiet;
        let change = scope.spawn(move || quiet.post("/Users", &user));
        holder.is_felt("the change");
        soon("the wait", || {
            assert_eq!(loud.get("/Users?filter=userName%20eq%20%22nobody%22").status, 200);
            !none_has_waited()
        });
        postgres.query(&database, "CREATE TABLE done ()");
        held.join().expect("held");
        assert_eq!(change.join().expect("answered").status, 201);
    });
}

#[test]
fn a_document_above_the_set_limit_is_refused_and_what_to_narrow_is_said() {
    let settings = [("JUNO__PROVISIONING__MAX_DOCUMENT", "4096")];
    let world = World::with_settings(Database::Fresh(Backend::Sqlite), &settings);
    let tenant = world.tenant("contoso");
    let user = |title: usize| {
        json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": "ana@example.com",
            "title": "x".repeat(title),
        })
    };
    let refused = tenant.post("/Users", &user(5_000));
    assert_eq!((refused.status, &refused.json["scimType"]), (400, &json!("invalidValue")));
    let detail = refused.json["detail"].as_str().expect("a detail");
    assert!(detail.contains("at most 4096 can be kept. \"title\" takes 5002"), "{detail}");
    assert_eq!(tenant.post("/Users", &user(3_000)).status, 201);
}

#[test]
fn a_tenant_that_is_full_is_told_so_and_goes_on() {
    let settings = [("JUNO__QUOTAS__USERS", "2"), ("JUNO__QUOTAS__MEMBERSHIPS", "1")];
    let world = World::with_settings(Database::Fresh(Backend::Sqlite), &settings);
    let tenant = world.tenant("contoso");
    let user = |name: &str| {
        tenant.post(
            "/Users",
            &json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": name, "active": true}),
        )
    };
    let (ana, ben) = (user("ana"), user("ben"));
    let refused = user("cleo");
    assert_eq!((refused.status, refused.json.get("scimType")), (400, None));
    let detail = refused.json["detail"].as_str().expect("a detail");
    assert!(detail.starts_with("This tenant may have at most 2 users."), "{detail}");
    // Another tenant has its own.
    let other = world.tenant("fabrikam");
    let core = "urn:ietf:params:scim:schemas:core:2.0:";
    assert_eq!(
        other.post("/Users", &json!({"schemas": [format!("{core}User")], "userName": "cleo"})).status,
        201
    );
    let members = json!([{"value": ana.json["id"]}, {"value": ben.json["id"]}]);
    let group =
        |members| json!({"schemas": [format!("{core}Group")], "displayName": "Sales", "members": members});
    assert_eq!(tenant.post("/Groups", &group(members)).status, 400);
    assert_eq!(tenant.post("/Groups", &group(json!([{"value": ana.json["id"]}]))).status, 201);
    let ana = format!("/Users/{}", ana.json["id"].as_str().expect("an id"));
    let disable = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{"op": "Replace", "path": "active", "value": "False"}],
    });
    assert_eq!(tenant.patch(&ana, &disable).status, 200);
    assert_eq!(tenant.delete(&ana).status, 204);
    assert_eq!(user("cleo").status, 201);
    assert_eq!(tenant.get("/Users").json["totalResults"], 2);
}
