//! App roles, in the three shapes that Entra's role functions give them.

use super::Check;
use crate::check::attribute::elements;
use crate::check::outcome::{Stop, Verdict};
use crate::check::probe::{Probe, Reply};
use crate::check::sample;
use crate::check::schemas::{Schemas, USER};
use serde_json::{Value, json};

pub(super) const CHECKS: &[Check] = &[
    Check::new(
        "roles-at-creation",
        "Microsoft: customize-application-attributes (SingleAppRoleAssignment)",
        "A role in the body of a POST is stored.",
        |probe| Box::pin(at_creation(probe)),
    ),
    Check::new(
        "roles-primary-as-string",
        "Microsoft: customize-application-attributes; MicrosoftDocs/entra-docs #391",
        "The path roles[primary eq \"True\"].value selects, or creates, the element whose primary is the boolean true.",
        |probe| Box::pin(primary_as_string(probe)),
    )
    .entra(),
    Check::new(
        "roles-as-json-text",
        "MicrosoftDocs/azure-docs #50772; Captain-P-Goldfish/SCIM-SDK #516",
        "A role that comes as JSON text inside value is stored as the role and not as the text.",
        |probe| Box::pin(as_json_text(probe)),
    )
    .entra(),
    Check::new(
        "roles-replaced-as-a-set",
        "Microsoft: customize-application-attributes (AssertiveAppRoleAssignmentsComplex)",
        "replace of roles leaves exactly the roles that it names.",
        |probe| Box::pin(replaced_as_a_set(probe)),
    ),
];

/// The `type` that Entra gives to every role.
const KIND: &str = "WindowsAzureActiveDirectoryRole";

async fn need_roles(probe: &Probe) -> Verdict {
    match Schemas::read(probe).await?.attribute(USER, "roles") {
        Some(_) => Ok(()),
        None => Err(Stop::Skip("/Schemas has no roles, so they are not mapped".to_owned())),
    }
}

async fn at_creation(probe: &Probe) -> Verdict {
    need_roles(probe).await?;
    let mut body = sample::user(&probe.name());
    body["roles"] = json!([{"primary": true, "type": KIND, "value": "Admin"}]);
    let made = probe.user(body).await?;
    expect_roles(&probe.resource(&made.path).await?, &["Admin"])
}

async fn primary_as_string(probe: &Probe) -> Verdict {
    need_roles(probe).await?;
    let made = probe.plain_user().await?;
    for role in ["Admin", "User"] {
        let operation = json!({"op": "Replace", "path": "roles[primary eq \"True\"].value", "value": role});
        probe.change(&made.path, json!([operation])).await?;
        let reply = probe.resource(&made.path).await?;
        expect_roles(&reply, &[role])?;
        reply.ensure(
            elements(reply.json(), "roles")[0]["primary"] == true,
            "primary must be the boolean true",
        )?;
    }
    Ok(())
}

async fn as_json_text(probe: &Probe) -> Verdict {
    need_roles(probe).await?;
    let made = probe.plain_user().await?;
    let text = json!({"id": "7c5a1f0e", "value": "25", "displayName": "Role1234"}).to_string();
    probe.change(&made.path, json!([{"op": "Add", "path": "roles", "value": [{"value": text}]}])).await?;
    expect_roles(&probe.resource(&made.path).await?, &["25"])
}

async fn replaced_as_a_set(probe: &Probe) -> Verdict {
    need_roles(probe).await?;
    let made = probe.plain_user().await?;
    let role = |name: &str| json!({"primary": false, "type": KIND, "display": name, "value": name});
    for roles in [&["Admin", "User"][..], &["Auditor"]] {
        let value: Value = roles.iter().map(|name| role(name)).collect();
        probe.change(&made.path, json!([{"op": "replace", "path": "roles", "value": value}])).await?;
        expect_roles(&probe.resource(&made.path).await?, roles)?;
    }
    Ok(())
}

fn expect_roles(reply: &Reply, wanted: &[&str]) -> Verdict {
    let mut found: Vec<_> =
        elements(reply.json(), "roles").iter().filter_map(|role| role["value"].as_str()).collect();
    found.sort_unstable();
    reply.ensure(found == wanted, &format!("the roles must be {wanted:?}, they are {found:?}"))
}
