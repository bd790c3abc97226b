//! PATCH of users as Entra spells it: the default dialect, `aadOptscim062020`, and what older engines sent.

use super::Check;
use super::acceptance_users::{expect_manager, manager_path};
use crate::check::attribute::elements;
use crate::check::outcome::Verdict;
use crate::check::probe::Probe;
use crate::check::schemas::ENTERPRISE;
use serde_json::{Value, json};

const COMPATIBILITY: &str = "Microsoft: application-provisioning-config-problem-scim-compatibility";

pub(super) const CHECKS: &[Check] = &[
    Check::new(
        "patch-capitalised-op",
        "Microsoft: application-provisioning-config-problem-scim-compatibility; thomaspoignant/scim-patch",
        "Add, Replace and Remove are carried out.",
        |probe| Box::pin(capitalised_op(probe)),
    )
    .same_cause_as(&["patch-lower-case-op"])
    .entra(),
    Check::new(
        "patch-active-as-string",
        "AzureAD/SCIMReferenceCode #21; scimmyjs/scimmy #51; thomaspoignant/scim-patch #872",
        "active given as \"False\", \"True\" or \"false\" is stored as a boolean.",
        |probe| Box::pin(active_as_string(probe)),
    )
    .entra(),
    Check::new(
        "patch-creates-missing-element",
        "Captain-P-Goldfish/SCIM-SDK #416; limosa-io/laravel-scim-server #34",
        "Add and Replace with a value path that selects nothing create the element, its type included.",
        |probe| Box::pin(creates_missing_element(probe)),
    )
    .entra(),
    Check::new(
        "patch-address-parts",
        "Microsoft: juno-journey-provisioning-tutorial (six parts of one address, one operation each)",
        "The parts of an address that did not exist end in one element.",
        |probe| Box::pin(address_parts(probe)),
    )
    .entra(),
    Check::new(
        "patch-manager-as-string",
        "Captain-P-Goldfish/SCIM-SDK #541, #686; imulab/go-scim #75",
        "A manager given as a bare id is understood.",
        |probe| Box::pin(manager_as_string(probe)),
    )
    .entra(),
    Check::new(
        "patch-manager-as-array",
        "Microsoft: use-scim-to-provision-users-and-groups",
        "A manager given under its bare name as an array of one object is understood.",
        |probe| Box::pin(manager_as_array(probe)),
    )
    .should("seen in one sample of Microsoft only")
    .entra(),
    Check::new(
        "patch-wrapped-value",
        "MicrosoftDocs/azure-docs #42220",
        "A simple value wrapped as [{\"$ref\":null,\"value\":…}] is unwrapped.",
        |probe| Box::pin(wrapped_value(probe)),
    )
    .should("seen from an old library only")
    .entra(),
    Check::new(
        "patch-extension-path-with-dot",
        "Microsoft: application-provisioning-config-problem-scim-compatibility (customappsso before 2018)",
        "A dot in place of the colon after the extension's URN is understood.",
        |probe| Box::pin(extension_path_with_dot(probe)),
    )
    .should("sent by jobs from before December 2018")
    .entra(),
    Check::new(
        "patch-dotted-keys",
        "Microsoft: application-provisioning-config-problem-scim-compatibility; Microsoft Q&A 1665068",
        "Keys of a path-less replace such as name.givenName are paths and not names.",
        |probe| Box::pin(dotted_keys(probe)),
    )
    .entra(),
    Check::new(
        "patch-urn-keys",
        "Captain-P-Goldfish/SCIM-SDK #193; Microsoft: application-provisioning-config-problem-scim-compatibility",
        "Keys of a path-less replace such as urn:…:User:employeeNumber are paths and not names.",
        |probe| Box::pin(urn_keys(probe)),
    )
    .entra(),
    Check::new("patch-dialects-mixed", COMPATIBILITY, "Both dialects are understood at the same time, of one user.", |probe| {
        Box::pin(mixed(probe))
    })
    .entra(),
];

async fn capitalised_op(probe: &Probe) -> Verdict {
    let made = probe.plain_user().await?;
    let operations = json!([
        {"op": "Add", "path": "title", "value": "Engineer"},
        {"op": "Replace", "path": "displayName", "value": "Changed"}
    ]);
    probe.change(&made.path, operations).await?;
    let reply = probe.resource(&made.path).await?;
    reply.holds("title", &json!("Engineer"))?;
    reply.holds("displayName", &json!("Changed"))?;
    probe.change(&made.path, json!([{"op": "Remove", "path": "title"}])).await?;
    probe.resource(&made.path).await?.holds("title", &Value::Null)
}

async fn active_as_string(probe: &Probe) -> Verdict {
    let made = probe.plain_user().await?;
    for (word, wanted) in [("False", false), ("True", true), ("false", false)] {
        probe.change(&made.path, json!([{"op": "Replace", "path": "active", "value": word}])).await?;
        probe.resource(&made.path).await?.holds("active", &json!(wanted))?;
    }
    Ok(())
}

async fn creates_missing_element(probe: &Probe) -> Verdict {
    let made = probe.plain_user().await?;
    let changes = [
        ("Add", "phoneNumbers[type eq \"mobile\"].value", "+1 425 555 0101"),
        ("Replace", "phoneNumbers[type eq \"work\"].value", "+1 425 555 0102"),
        ("Replace", "emails[type eq \"other\"].value", "other@entra-sim.example"),
    ];
    for (op, path, value) in changes {
        probe.change(&made.path, json!([{"op": op, "path": path, "value": value}])).await?;
        probe.resource(&made.path).await?.holds(path, &json!(value))?;
    }
    let reply = probe.resource(&made.path).await?;
    reply.holds("emails[type eq \"work\"].value", &made.body["emails"][0]["value"])
}

async fn address_parts(probe: &Probe) -> Verdict {
    let made = probe.plain_user().await?;
    let parts = ["country", "region", "locality", "postalCode", "formatted", "streetAddress"];
    let path = |part: &str| format!("addresses[type eq \"work\"].{part}");
    let operations =
        parts.iter().map(|part| json!({"op": "Add", "path": path(part), "value": part})).collect();
    probe.change(&made.path, operations).await?;
    let reply = probe.resource(&made.path).await?;
    reply.ensure(elements(reply.json(), "addresses").len() == 1, "there must be one address")?;
    parts.iter().try_for_each(|part| reply.holds(&path(part), &json!(part)))
}

async fn manager_as_string(probe: &Probe) -> Verdict {
    let path = manager_path(probe).await?;
    let (manager, made) = (probe.plain_user().await?, probe.plain_user().await?);
    probe.change(&made.path, json!([{"op": "Add", "path": path, "value": manager.id}])).await?;
    expect_manager(&probe.resource(&made.path).await?, &path, Some(&manager.id))
}

async fn manager_as_array(probe: &Probe) -> Verdict {
    let path = manager_path(probe).await?;
    let (manager, made) = (probe.plain_user().await?, probe.plain_user().await?);
    let value = json!([{"$ref": format!("../Users/{}", manager.id), "value": manager.id}]);
    probe.change(&made.path, json!([{"op": "Add", "path": "manager", "value": value}])).await?;
    expect_manager(&probe.resource(&made.path).await?, &path, Some(&manager.id))
}

async fn wrapped_value(probe: &Probe) -> Verdict {
    let made = probe.plain_user().await?;
    let value = json!([{"$ref": null, "value": "Changed"}]);
    probe.change(&made.path, json!([{"op": "Replace", "path": "displayName", "value": value}])).await?;
    probe.resource(&made.path).await?.holds("displayName", &json!("Changed"))
}

async fn extension_path_with_dot(probe: &Probe) -> Verdict {
    let made = probe.plain_user().await?;
    let path = format!("{ENTERPRISE}.department");
    probe.change(&made.path, json!([{"op": "Add", "path": path, "value": "Sales"}])).await?;
    probe.resource(&made.path).await?.holds(&format!("{ENTERPRISE}:department"), &json!("Sales"))
}

async fn dotted_keys(probe: &Probe) -> Verdict {
    let made = probe.plain_user().await?;
    let value = json!({"displayName": "Changed", "name.givenName": "Kkom", "name.familyName": "Unua"});
    probe.change(&made.path, json!([{"op": "replace", "value": value}])).await?;
    let reply = probe.resource(&made.path).await?;
    reply.holds("displayName", &json!("Changed"))?;
    reply.holds("name.givenName", &json!("Kkom"))?;
    reply.holds("name.familyName", &json!("Unua"))?;
    reply.holds("name.formatted", &made.body["name"]["formatted"])
}

async fn urn_keys(probe: &Probe) -> Verdict {
    let made = probe.plain_user().await?;
    let path = format!("{ENTERPRISE}:employeeNumber");
    let mut value = json!({});
    value[path.as_str()] = json!("Aklq");
    probe.change(&made.path, json!([{"op": "replace", "value": value}])).await?;
    probe.resource(&made.path).await?.holds(&path, &json!("Aklq"))
}

async fn mixed(probe: &Probe) -> Verdict {
    let made = probe.plain_user().await?;
    let operations = json!([
        {"op": "Replace", "path": "displayName", "value": "First"},
        {"op": "replace", "path": "active", "value": false},
        {"op": "Add", "path": "title", "value": "Director"}
    ]);
    probe.change(&made.path, operations).await?;
    let reply = probe.resource(&made.path).await?;
    reply.holds("displayName", &json!("First"))?;
    reply.holds("active", &json!(false))?;
    reply.holds("title", &json!("Director"))
}
