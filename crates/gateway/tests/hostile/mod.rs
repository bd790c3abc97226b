//! No input makes a 5xx, a panic, a hanging connection or a growing process; nothing of it is written.

mod bodies;
mod connections;
mod memory;
mod requests;
mod strangers;

use crate::{
    raw::Raw,
    world::{Tenant, World},
};
use test_support::Response;

pub(crate) fn assert_scim_error(what: &str, response: &Response, statuses: &[u16]) {
    assert!(statuses.contains(&response.status), "{what}: {} {}", response.status, response.text());
    assert_eq!(response.header("content-type"), Some("application/scim+json"), "{what}");
    assert_eq!(response.json["schemas"][0], "urn:ietf:params:scim:api:messages:2.0:Error", "{what}");
    assert_eq!(response.json["status"], response.status.to_string(), "{what}");
    assert!(
        response.json["detail"].as_str().is_some_and(|detail| detail.len() < 2000),
        "{what}: {}",
        response.text()
    );
}

/// The gateway lives, nothing was written, and nothing was called a fault of ours.
pub(crate) fn assert_unharmed(world: &World, tenant: &Tenant<'_>) {
    assert_eq!((tenant.count("/Users"), tenant.count("/Groups")), (0, 0));
    let count = |status: &str| world.gateway.metric(&world.http, "juno_scim_requests_total", &[status]);
    assert_eq!(count("status=\"5"), 0.0);
    let log = world.gateway.log();
    assert!(!log.contains("panicked") && !log.contains("ERROR"), "{log}");
}

/// Sends a body as it is.
pub(crate) fn send(world: &World, tenant: &Tenant<'_>, method: &str, path: &str, body: &[u8]) -> Response {
    let bearer = format!("Bearer {}", tenant.token());
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/scim+json")];
    world.http.send(method, &format!("{}{path}", tenant.url()), &headers, body)
}

/// A request line and headers as they are, the connection closed after the answer.
pub(crate) fn raw(world: &World, head: &[u8], body: &[u8]) -> Option<Response> {
    let mut raw = Raw::connect(&world.gateway);
    raw.send(&[head, b"\r\n", body].concat());
    let answer = raw.answer();
    raw.wait_for_end();
    answer
}
