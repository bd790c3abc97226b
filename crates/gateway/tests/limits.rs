//! The rate and the share of one tenant: beyond the first that tenant is told to wait, beyond the second it waits while others
//! are at work; and nobody else.

use crate::world::{World, held::Held, soon};
use serde_json::json;
use std::thread;
use test_support::{Backend, Database, Postgres};

#[test]
fn a_tenant_beyond_its_rate_waits_and_its_neighbour_does_not() {
    const RATE: usize = 5;
    let world =
        World::with_settings(Database::Fresh(Backend::Sqlite), &[("JUNO__SCIM__RATE_PER_TENANT", "5")]);
    let (loud, quiet) = (world.tenant("loud"), world.tenant("quiet"));
    let refused = (0..20 * RATE)
        .find_map(|n| {
            let response = loud.get("/ServiceProviderConfig");
            (response.status != 200).then_some((n, response))
        })
        .map(|(n, response)| {
            assert!(n >= RATE, "refused after {n}");
            response
        })
        .expect("a refusal");
    assert_eq!(refused.status, 429, "{}", refused.text());
    assert!(refused.header("retry-after").is_some_and(|seconds| seconds.parse::<u32>().is_ok_and(|s| s > 0)));
    assert_eq!(refused.json["schemas"][0], "urn:ietf:params:scim:api:messages:2.0:Error");
    for _ in 0..RATE / 2 {
        assert_eq!(quiet.get("/ServiceProviderConfig").status, 200);
    }
}

/// PostgreSQL shows it: a transaction that holds a change of the quiet tenant for as long as that takes.
#[test]
fn a_tenant_beyond_its_share_waits_while_its_neighbour_is_at_work() {
    let postgres = Postgres::shared();
    let database = postgres.fresh_database();
    let world =
        World::with_settings(Database::At(database.clone()), &[("JUNO__DATABASE__SHARE_PER_TENANT", "10")]);
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
