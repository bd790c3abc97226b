//! What nearly all other checks need. If one of these fails, it is the cause of most other failures.

use super::Check;
use crate::check::outcome::Verdict;
use crate::check::probe::Probe;

pub(super) const CHECKS: &[Check] = &[
    Check::new(
        "create-user",
        "Microsoft: use-scim-to-provision-users-and-groups (Create user); RFC 7644 section 3.3",
        "POST /Users with the attributes of Entra's default mapping creates a user with an id.",
        |probe| Box::pin(create_user(probe)),
    ),
    Check::new(
        "create-group",
        "Microsoft: SCIM-Validation-Test-Overview (group provisioning is mandatory); RFC 7644 section 3.3",
        "POST /Groups with displayName and externalId creates a group with an id.",
        |probe| Box::pin(create_group(probe)),
    ),
    Check::new(
        "read-by-id",
        "Microsoft: use-scim-to-provision-users-and-groups (Get user, Get group); RFC 7644 section 3.4.1",
        "A user and a group can be read by the id that their creation returned.",
        |probe| Box::pin(read_by_id(probe)),
    ),
];

async fn create_user(probe: &Probe) -> Verdict {
    probe.plain_user().await.map(drop)
}

async fn create_group(probe: &Probe) -> Verdict {
    probe.group().await.map(drop)
}

async fn read_by_id(probe: &Probe) -> Verdict {
    for made in [probe.plain_user().await?, probe.group().await?] {
        let reply = probe.resource(&made.path).await?;
        reply.ensure(reply.id() == Some(&made.id), "the resource must have the id that it was read by")?;
    }
    Ok(())
}
