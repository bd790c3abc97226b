//! The rate of one tenant: beyond it that tenant is told to wait, and nobody else.

use crate::world::World;
use test_support::{Backend, Database};

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
