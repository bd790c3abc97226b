//! Error answers: their form, and the statuses that Entra draws conclusions from.

use super::Check;
use crate::check::attribute::elements;
use crate::check::outcome::Verdict;
use crate::check::probe::{ERROR, Probe, Reply};
use crate::check::sample;
use crate::http::SCIM_JSON;
use serde_json::json;

pub(super) const CHECKS: &[Check] = &[
    Check::new(
        "unknown-id",
        "Microsoft: use-scim-to-provision-users-and-groups; howto-analyze-provisioning-logs (InvalidAnchor)",
        "GET, PATCH and DELETE of an id that does not exist are answered with 404.",
        |probe| Box::pin(unknown_id(probe)),
    ),
    Check::new(
        "error-body-400",
        "RFC 7644 section 3.12; Microsoft: use-scim-to-provision-users-and-groups",
        "A 400 carries a SCIM error: media type, schemas, status as a string, detail.",
        |probe| Box::pin(body_400(probe)),
    )
    .same_cause_as(&["media-type-of-answers", "create-without-user-name", "error-body-404"]),
    Check::new(
        "error-body-404",
        "RFC 7644 section 3.12; Microsoft: use-scim-to-provision-users-and-groups",
        "A 404 carries a SCIM error: media type, schemas, status as a string.",
        |probe| Box::pin(body_404(probe)),
    )
    .same_cause_as(&["media-type-of-answers", "unknown-id"]),
    Check::new(
        "error-body-409",
        "RFC 7644 section 3.12; Microsoft: howto-analyze-provisioning-logs (Conflict)",
        "A 409 carries a SCIM error with a detail that the customer's administrator will read.",
        |probe| Box::pin(body_409(probe)),
    )
    .same_cause_as(&[
        "media-type-of-answers",
        "create-duplicate-user-name",
        "error-body-404",
        "error-body-400",
    ]),
    Check::new("delete-twice", "RFC 7644 section 3.6", "A second DELETE is answered with 404.", |probe| {
        Box::pin(delete_twice(probe))
    })
    .same_cause_as(&["unknown-id", "microsoft-04-delete-user"]),
];

async fn unknown_id(probe: &Probe) -> Verdict {
    for endpoint in ["/Users", "/Groups"] {
        let path = format!("{endpoint}/{}", probe.name());
        let rename = json!([probe.op("replace", "displayName", "x")]);
        probe.get(&path).await?.expect(&[404], "the id does not exist")?;
        probe.patch(&path, rename).await?.expect(&[404], "the id does not exist")?;
        probe.delete(&path).await?.expect(&[404], "the id does not exist")?;
    }
    Ok(())
}

async fn body_400(probe: &Probe) -> Verdict {
    let reply = probe.write("POST", "/Users", &json!({"schemas": [crate::check::schemas::USER]})).await?;
    let reply = reply.expect(&[400], "userName is required")?;
    expect_error(&reply)?;
    expect_detail(&reply)
}

async fn body_404(probe: &Probe) -> Verdict {
    let reply =
        probe.get(&format!("/Users/{}", probe.name())).await?.expect(&[404], "the id does not exist")?;
    expect_error(&reply)
}

async fn body_409(probe: &Probe) -> Verdict {
    let name = probe.name();
    probe.user(sample::user(&name)).await?;
    let reply =
        probe.write("POST", "/Users", &sample::user(&name)).await?.expect(&[409], "the userName is taken")?;
    expect_error(&reply)?;
    expect_detail(&reply)
}

async fn delete_twice(probe: &Probe) -> Verdict {
    let made = probe.plain_user().await?;
    probe.delete(&made.path).await?.expect(&[200, 204], "the user must be deleted")?;
    probe.delete(&made.path).await?.expect(&[404], "the user is gone").map(drop)
}

/// The form that every error has.
fn expect_error(reply: &Reply) -> Verdict {
    let kind = reply.header("content-type").unwrap_or_default().split(';').next().unwrap_or_default();
    reply.ensure(
        kind.trim().eq_ignore_ascii_case(SCIM_JSON),
        &format!("an error must be typed {SCIM_JSON}"),
    )?;
    reply.ensure(
        elements(reply.json(), "schemas").contains(&json!(ERROR)),
        &format!("schemas must name {ERROR}"),
    )?;
    reply.holds("status", &json!(reply.status().to_string()))
}

fn expect_detail(reply: &Reply) -> Verdict {
    let detail = reply.json()["detail"].as_str().unwrap_or_default();
    reply.ensure(!detail.trim().is_empty(), "detail must say what to do")
}
