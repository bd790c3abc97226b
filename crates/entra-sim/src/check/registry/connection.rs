//! Authentication, media types and addresses: what must be right before anything else is looked at.

use super::Check;
use super::acceptance_users::by_user_name;
use crate::check::outcome::Verdict;
use crate::check::probe::{Probe, Reply, encode};
use crate::check::sample;
use crate::http::SCIM_JSON;
use crate::http::exchange::Authorization;
use futures_util::future::try_join_all;

pub(super) const CHECKS: &[Check] = &[
    Check::new(
        "unauthorized-without-token",
        "RFC 7644 section 2; Microsoft: use-scim-to-provision-users-and-groups",
        "A request without a bearer token is answered with 401.",
        |probe| Box::pin(without_token(probe)),
    ),
    Check::new(
        "unauthorized-with-wrong-token",
        "RFC 7644 section 2; Microsoft: application-provisioning-quarantine-status",
        "A request with a wrong bearer token is answered with 401, so that the job is quarantined for the right reason.",
        |probe| Box::pin(wrong_token(probe)),
    ),
    Check::new(
        "media-type-of-answers",
        "MicrosoftDocs/azure-docs #104859; RFC 7644 section 8.1",
        "Resources, lists and errors are typed application/scim+json: another type aborts Microsoft's validator.",
        |probe| Box::pin(media_type(probe)),
    ),
    Check::new(
        "get-without-accept",
        "MicrosoftDocs/azure-docs #94189, #116775",
        "A GET without Accept and Content-Type is answered, never with 406 or 415.",
        |probe| Box::pin(no_accept(probe)),
    ),
    Check::new(
        "trailing-slash",
        "AzureAD/SCIMReferenceCode: PostmanCollection.json",
        "/Users/?filter= means the same as /Users?filter=.",
        |probe| Box::pin(trailing_slash(probe)),
    )
    .should("only Microsoft's Postman collection writes it"),
    Check::new(
        "tenant-url-flag-ignored",
        "Microsoft: application-provisioning-config-problem-scim-compatibility; MicrosoftDocs/entra-docs #949",
        "The bare query key aadOptscim062020 disturbs no request.",
        |probe| Box::pin(flag_ignored(probe)),
    )
    .should("no document says that the flag reaches the server"),
    Check::new(
        "burst-of-25",
        "Microsoft: app-gallery-user-provisioning-requirements (25 requests a second); troubleshoot-user-provisioning-validation (429)",
        "25 requests at once, a second's worth of what Entra may send, are all answered and none with 429.",
        |probe| Box::pin(burst(probe)),
    )
    .alone(),
];

/// Microsoft asks for 25 requests a second of each tenant at least.
const BURST: usize = 25;

async fn without_token(probe: &Probe) -> Verdict {
    let get = probe.request("GET", "/Users?startIndex=1&count=1").authorization(Authorization::None);
    probe.send(get).await?.expect(&[401], "no token, no answer").map(drop)
}

async fn wrong_token(probe: &Probe) -> Verdict {
    let wrong = Authorization::Other("Bearer wrong-token".to_owned());
    let get = probe.request("GET", "/Users?startIndex=1&count=1").authorization(wrong);
    probe.send(get).await?.expect(&[401], "a wrong token must be refused").map(drop)
}

async fn media_type(probe: &Probe) -> Verdict {
    let made = probe.plain_user().await?;
    expect_scim(&made.reply)?;
    expect_scim(&probe.resource(&made.path).await?)?;
    expect_scim(&probe.list("/Users?startIndex=1&count=1").await?)?;
    expect_scim(&probe.get(&format!("/Users/{}", probe.name())).await?)
}

/// The answer's type must be SCIM's; parameters such as a charset are allowed.
fn expect_scim(reply: &Reply) -> Verdict {
    let header = reply.header("content-type").unwrap_or("(absent)");
    let kind = header.split(';').next().unwrap_or_default().trim();
    reply.ensure(
        kind.eq_ignore_ascii_case(SCIM_JSON),
        &format!("Content-Type must be {SCIM_JSON}, it is {header}"),
    )
}

async fn no_accept(probe: &Probe) -> Verdict {
    let made = probe.plain_user().await?;
    // With the Accept: */* that HTTP clients add by themselves, and with none at all.
    probe.send(probe.bare("GET", &made.path)).await?.expect(&[200], "a GET must not depend on Accept")?;
    match probe.get_headerless(&made.path).await? {
        Some(reply) => reply.expect(&[200], "a GET without Accept must be answered").map(drop),
        None => Ok(()),
    }
}

async fn trailing_slash(probe: &Probe) -> Verdict {
    let name = probe.name();
    let made = probe.user(sample::user(&name)).await?;
    probe.find_one("/Users/", &by_user_name(&name), &made.id).await?;
    Ok(())
}

async fn flag_ignored(probe: &Probe) -> Verdict {
    let name = probe.name();
    let made = probe.make("/Users?aadOptscim062020", sample::user(&name)).await?;
    let path = format!("/Users?aadOptscim062020&filter={}", encode(&by_user_name(&name)));
    let found = probe.list(&path).await?;
    found.ensure(found.first()["id"] == made.id.as_str(), "the filter beside the flag must be applied")
}

async fn burst(probe: &Probe) -> Verdict {
    let made = probe.plain_user().await?;
    let replies = try_join_all((0..BURST).map(|_| probe.get(&made.path))).await?;
    replies
        .into_iter()
        .try_for_each(|reply| reply.expect(&[200], "25 requests a second must be served").map(drop))
}
