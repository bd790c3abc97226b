//! A gateway that is asked to stop takes nothing new, finishes what it has begun, and does not wait for idle clients.

use crate::{raw::Raw, world::World};
use serde_json::json;
use std::{
    net::TcpStream,
    time::{Duration, Instant},
};
use test_support::Backend;

#[test]
fn a_request_in_flight_is_finished_and_durable() {
    for backend in Backend::ALL {
        let mut world = World::start(backend);
        let id = {
            let tenant = world.tenant("contoso");
            // The client keeps this connection open and idle.
            assert_eq!(tenant.get("/Users").status, 200);
            let body = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "a@example.com"});
            let body = body.to_string();
            let (first, rest) = body.split_at(20);
            let mut raw = Raw::connect(&world.gateway);
            raw.send(
                format!(
                    "POST /t/contoso/scim/v2/Users HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\
                     expect: 100-continue\r\ncontent-length: {}\r\n\r\n",
                    tenant.token(),
                    first.len() + rest.len()
                )
                .as_bytes(),
            );
            // The gateway has read the head: the request is in flight.
            assert_eq!(raw.answer().expect("a word").status, 100);
            raw.send(first.as_bytes());
            let began = Instant::now();
            let answer = std::thread::scope(|scope| {
                scope.spawn(|| world.gateway.terminate());
                // Once it takes no new connection it has heard.
                let address = world.gateway.scim().trim_start_matches("http://").to_owned();
                while TcpStream::connect(&address).is_ok() {
                    assert!(began.elapsed() < Duration::from_secs(10), "it does not stop");
                }
                raw.send(rest.as_bytes());
                raw.answer().expect("an answer")
            });
            assert_eq!(answer.status, 201, "{}", answer.text());
            assert!(began.elapsed() < Duration::from_secs(10), "it waited {:?}", began.elapsed());
            answer.json["id"].as_str().expect("id").to_owned()
        };
        assert!(world.gateway.log().contains("stopped"), "{}", world.gateway.log());
        world.restart();
        assert_eq!(world.tenant("contoso").get(&format!("/Users/{id}")).json["userName"], "a@example.com");
    }
}
