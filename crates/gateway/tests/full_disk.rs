//! The disk of the database is full: told to clients as 503, healed by itself once there is room, and no acknowledged write
//! is lost.

use crate::{
    outage::assert_unavailable,
    world::{JUNO, Tenant, World, soon},
};
use serde_json::json;
use std::path::PathBuf;
use test_support::{Database, GatewayOptions, Postgres, Response, SmallDisk};

/// Creates a user of 40 KB, so that a few of them need room.
fn create(tenant: &Tenant<'_>, n: usize) -> Response {
    let user = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": format!("user{n}@example.com"),
        "title": format!("{n:040000}"),
    });
    tenant.post("/Users", &user)
}

fn survive(disk: &SmallDisk, binary: PathBuf, database: String) {
    let world = World::of(GatewayOptions { binary, database: Database::At(database), settings: Vec::new() });
    let tenant = world.tenant("contoso");
    let mut acknowledged = vec![tenant.create_user("first@example.com")];
    disk.fill();
    let mut refused = 0;
    for n in 0..300 {
        let response = create(&tenant, n);
        match response.status {
            201 => acknowledged.push(response.json["id"].as_str().expect("id").to_owned()),
            _ => {
                assert_unavailable(&response);
                refused += 1;
            }
        }
        if refused == 20 {
            break;
        }
    }
    assert_eq!(refused, 20, "the disk is never full");
    // What only reads goes on.
    assert_eq!(tenant.get(&format!("/Users/{}", acknowledged[0])).status, 200);
    assert_eq!(tenant.count("/Users") as usize, acknowledged.len());
    for probe in ["healthz", "readyz"] {
        let answer = world.http.send("GET", &format!("{}/{probe}", world.gateway.admin()), &[], b"");
        assert_eq!(answer.status, 200, "{probe}");
    }

    disk.make_room();
    soon("the room", || {
        let response = create(&tenant, 1000);
        if response.status == 201 {
            acknowledged.push(response.json["id"].as_str().expect("id").to_owned());
        } else {
            assert_unavailable(&response);
        }
        response.status == 201
    });
    for id in &acknowledged {
        assert_eq!(tenant.get(&format!("/Users/{id}")).status, 200, "{id} was acknowledged and is lost");
    }
    assert_eq!(tenant.count("/Users") as usize, acknowledged.len(), "what was refused is not there");
}

#[test]
fn a_full_disk_is_told_and_heals_on_sqlite() {
    let disk = SmallDisk::new(8);
    survive(&disk, disk.inside(JUNO.as_ref()), format!("sqlite://{}/juno.db", SmallDisk::INSIDE));
}

#[test]
fn a_full_disk_is_told_and_heals_on_postgres() {
    let disk = SmallDisk::for_postgres(32);
    let postgres = Postgres::start(true);
    survive(&disk, JUNO.into(), postgres.database_on(&disk));
}
