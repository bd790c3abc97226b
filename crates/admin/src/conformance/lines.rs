//! The table: what the profile asks of an application, in its order, and how each line is proven.

use super::{
    Outcome, groups,
    service::ScimService,
    trial::{Door, Proven, Trial, Wrong},
    users, whole,
};
use crate::Failure;
use futures_util::future::LocalBoxFuture;
use std::fmt;

/// The standard that the table is of.
pub const STANDARD: &str = "IPSIE AL SCIM 2.0 profile, draft 00 (2026-09-08)";

/// An assurance level. Each includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Users are deactivated, reactivated and deleted; and what holds for every level.
    Al1,
    /// Users and groups are kept in step.
    Al2,
}

impl Level {
    /// As the standard writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Level::Al1 => "AL1",
            Level::Al2 => "AL2",
        }
    }
}

/// How much the standard insists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strength {
    /// MUST and SHALL.
    Must,
    /// SHOULD and RECOMMENDED: a level is met without it.
    Should,
}

impl Strength {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Strength::Must => "must",
            Strength::Should => "should",
        }
    }
}

type Prove = for<'a> fn(&'a Trial<'a>) -> LocalBoxFuture<'a, Proven>;

/// How a line is proven.
enum Proof {
    /// By requests.
    Requests(Prove),
    /// Not by requests: what attests it.
    Attested(&'static str),
}

/// A requirement.
pub struct Line {
    /// A short name, the same for ever.
    pub name: &'static str,
    /// The lowest level that asks for it.
    pub level: Level,
    /// How much it does.
    pub strength: Strength,
    /// What is asked, in a sentence.
    pub requirement: &'static str,
    proof: Proof,
}

impl Line {
    /// Tries it on the tenant behind `door`, where this line was not tried before.
    ///
    /// # Errors
    /// The service did not answer.
    pub async fn prove(&self, service: &dyn ScimService, door: &Door) -> Result<Outcome, Failure> {
        match self.proof {
            Proof::Attested(by) => Ok(Outcome::Attested(by)),
            Proof::Requests(prove) => match prove(&Trial::new(service, door, self.name)).await {
                Ok(()) => Ok(Outcome::Proven),
                Err(Wrong::Answer(what)) => Ok(Outcome::Failed(what)),
                Err(Wrong::Fault(failure)) => Err(failure),
            },
        }
    }

    /// Whether requests prove it.
    pub fn is_tried(&self) -> bool {
        matches!(self.proof, Proof::Requests(_))
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name)
    }
}

const fn must(level: Level, name: &'static str, requirement: &'static str, proof: Proof) -> Line {
    Line { name, level, strength: Strength::Must, requirement, proof }
}

const fn should(level: Level, name: &'static str, requirement: &'static str, proof: Proof) -> Line {
    Line { name, level, strength: Strength::Should, requirement, proof }
}

const fn requests(prove: Prove) -> Proof {
    Proof::Requests(prove)
}

const fn attested(by: &'static str) -> Proof {
    Proof::Attested(by)
}

use Level::{Al1, Al2};

/// Every requirement for an application.
pub const LINES: &[Line] = &[
    must(
        Al1,
        "client-assertions",
        "The identity provider gets access tokens by client credentials with a signed assertion (RFC 7523).",
        attested("It needs the identity provider's key: see `juno federation set`, and docs/OPERATIONS.md."),
    ),
    must(
        Al1,
        "metadata",
        "Metadata of the authorization server (RFC 8414) names the token endpoint and the scope scim alone.",
        requests(|trial| Box::pin(whole::metadata(trial))),
    ),
    must(
        Al1,
        "tokens-expire",
        "Access tokens expire, and an assertion is taken once.",
        attested(
            "The settings oauth.token_lifetime and docs/OPERATIONS.md; a test exchanges one assertion twice.",
        ),
    ),
    must(
        Al1,
        "interop-profile",
        "The service conforms to the SCIM 2.0 interoperability profile, and says so.",
        requests(|trial| Box::pin(whole::interop_profile(trial))),
    ),
    must(
        Al1,
        "no-local-changes",
        "Nobody but the identity provider changes users and groups.",
        attested(
            "Operators can only restore what was deleted, with an audit entry (docs/adr/0012). In Juno Journey: its owner.",
        ),
    ),
    must(
        Al1,
        "rate-limits",
        "Requests beyond a limit are answered with 429 and Retry-After.",
        attested(
            "A trial within the limits cannot show it; the tests of capacity do. Limits: docs/OPERATIONS.md, Sizing.",
        ),
    ),
    must(
        Al1,
        "rate",
        "At least 25 requests a second are served.",
        requests(|trial| Box::pin(whole::rate(trial))),
    ),
    must(Al1, "bulk", "/Bulk is supported.", requests(|trial| Box::pin(whole::bulk(trial)))),
    must(
        Al1,
        "patch-of-many-attributes",
        "One PATCH changes several attributes.",
        requests(|trial| Box::pin(users::patch_of_many_attributes(trial))),
    ),
    must(
        Al1,
        "errors",
        "Errors have the form of SCIM and tell nothing of the inside.",
        requests(|trial| Box::pin(whole::errors(trial))),
    ),
    must(
        Al1,
        "audit",
        "Each request that creates, changes or deletes something is logged.",
        attested(
            "The change log has each of them: GET /api/v1/tenants/{tenant}/change-log, and the console.",
        ),
    ),
    must(
        Al1,
        "deactivate",
        "A user is deactivated by PATCH.",
        requests(|trial| Box::pin(users::deactivate(trial))),
    ),
    should(
        Al1,
        "access-ends",
        "Who is deactivated loses all access within 5 minutes.",
        attested("Juno Journey ends sessions and tokens; this service stores the change before it answers."),
    ),
    must(
        Al1,
        "reactivate",
        "A deactivated user can be reactivated.",
        requests(|trial| Box::pin(users::reactivate(trial))),
    ),
    must(
        Al1,
        "user-name-is-free",
        "A deleted user is gone, and the userName can be used again.",
        requests(|trial| Box::pin(users::user_name_is_free(trial))),
    ),
    must(
        Al2,
        "user-schema",
        "The schema of users has userName, displayName and active.",
        requests(|trial| Box::pin(users::schema(trial))),
    ),
    must(
        Al2,
        "user-external-id",
        "externalId of a user is stored.",
        requests(|trial| Box::pin(users::external_id(trial))),
    ),
    must(
        Al2,
        "no-credentials",
        "There is no attribute password, and no schema has an attribute for a credential.",
        requests(|trial| Box::pin(users::no_credentials(trial))),
    ),
    must(
        Al2,
        "users-created",
        "POST /Users creates a user, and GET /Users/{id} returns it.",
        requests(|trial| Box::pin(users::created(trial))),
    ),
    must(
        Al2,
        "users-listed",
        "GET /Users lists all users.",
        requests(|trial| Box::pin(users::listed(trial))),
    ),
    should(Al2, "pages", "A page has at most 1,000 users.", requests(|trial| Box::pin(users::pages(trial)))),
    should(
        Al2,
        "cursors",
        "Lists are read on by cursor (RFC 9865).",
        requests(|trial| Box::pin(users::cursors(trial))),
    ),
    must(Al2, "user-by-name", "userName eq finds a user.", requests(|trial| Box::pin(users::by_name(trial)))),
    must(
        Al2,
        "user-by-external-id",
        "externalId eq finds a user.",
        requests(|trial| Box::pin(users::by_external_id(trial))),
    ),
    must(
        Al2,
        "user-by-email",
        "emails[value eq …] finds a user.",
        requests(|trial| Box::pin(users::by_email(trial))),
    ),
    must(
        Al2,
        "user-by-work-email",
        "emails[type eq \"work\" and value eq …] finds a user.",
        requests(|trial| Box::pin(users::by_work_email(trial))),
    ),
    must(
        Al2,
        "group-schema",
        "The schema of groups has displayName and members; externalId is stored.",
        requests(|trial| Box::pin(groups::schema(trial))),
    ),
    should(
        Al2,
        "group-names-differ",
        "Two groups cannot have one displayName.",
        requests(|trial| Box::pin(groups::names_differ(trial))),
    ),
    must(
        Al2,
        "groups-created",
        "POST /Groups creates a group without members, and GET /Groups/{id} returns it.",
        requests(|trial| Box::pin(groups::created(trial))),
    ),
    must(
        Al2,
        "groups-listed",
        "GET /Groups lists all groups, without members on request.",
        requests(|trial| Box::pin(groups::listed(trial))),
    ),
    must(
        Al2,
        "group-by-name",
        "displayName eq finds a group.",
        requests(|trial| Box::pin(groups::by_name(trial))),
    ),
    must(
        Al2,
        "group-by-external-id",
        "externalId eq finds a group.",
        requests(|trial| Box::pin(groups::by_external_id(trial))),
    ),
    must(
        Al2,
        "group-by-member",
        "members[value eq …] finds a group.",
        requests(|trial| Box::pin(groups::by_member(trial))),
    ),
    must(
        Al2,
        "group-changed",
        "PATCH /Groups/{id} changes a group.",
        requests(|trial| Box::pin(groups::changed(trial))),
    ),
    must(
        Al2,
        "fifty-member-operations",
        "One PATCH takes 50 operations on members.",
        requests(|trial| Box::pin(groups::fifty_operations(trial))),
    ),
    must(
        Al2,
        "groups-to-roles",
        "Groups can be mapped to roles of the application.",
        attested("Juno Journey maps them; groups and members come to it as they are here."),
    ),
];
