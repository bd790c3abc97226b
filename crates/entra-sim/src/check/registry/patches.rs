//! PATCH of users: what must hold in every dialect.

use super::Check;
use super::acceptance_users::{by_user_name, expect_manager, manager_op, manager_path};
use crate::check::attribute::{elements, read};
use crate::check::outcome::Verdict;
use crate::check::probe::Probe;
use crate::check::sample;
use crate::check::schemas::ENTERPRISE;
use serde_json::{Value, json};

pub(super) const CHECKS: &[Check] = &[
    Check::new(
        "patch-lower-case-op",
        "RFC 7644 section 3.5.2; Microsoft: application-provisioning-config-problem-scim-compatibility",
        "add, replace and remove are carried out.",
        |probe| Box::pin(lower_case_op(probe)),
    ),
    Check::new(
        "patch-unknown-op",
        "RFC 7644 section 3.5.2 (one of add, remove, replace)",
        "An unknown op is refused with 400 and never answered with 2xx.",
        |probe| Box::pin(unknown_op(probe)),
    ),
    Check::new(
        "patch-is-atomic",
        "RFC 7644 section 3.5.2 (a PATCH request is atomic)",
        "If one operation is refused, no other one is carried out.",
        |probe| Box::pin(is_atomic(probe)),
    )
    .same_cause_as(&["patch-unknown-op"]),
    Check::new(
        "patch-path-ignores-case",
        "Microsoft: use-scim-to-provision-users-and-groups (its mapping has .Value and .Formatted); RFC 7643 section 2.1",
        "Attribute names in a path are read without regard to case.",
        |probe| Box::pin(path_ignores_case(probe)),
    )
    .same_cause_as(&["filter-attribute-name-ignores-case"]),
    Check::new(
        "patch-existing-element",
        "Microsoft: use-scim-to-provision-users-and-groups (type values are unique)",
        "A value path changes the element it selects and adds no second one of the same type.",
        |probe| Box::pin(existing_element(probe)),
    ),
    Check::new(
        "patch-extension-path",
        "imulab/go-scim #72, #75",
        "A path that begins with the enterprise extension's URN is understood in spite of the dot in 2.0.",
        |probe| Box::pin(extension_path(probe)),
    ),
    Check::new(
        "patch-without-path",
        "RFC 7644 section 3.5.2.3",
        "replace without a path takes the attributes of its value.",
        |probe| Box::pin(without_path(probe)),
    )
    .not_interop(),
    Check::new(
        "patch-external-id",
        "Microsoft: application-provisioning-config-problem-scim-compatibility",
        "externalId can be replaced, and is found under its new value.",
        |probe| Box::pin(external_id(probe)),
    ),
    Check::new(
        "patch-user-name",
        "ssoready/ssoready #164",
        "A new userName keeps the user and its id.",
        |probe| Box::pin(user_name(probe)),
    ),
    Check::new(
        "patch-to-taken-user-name",
        "RFC 7644 section 3.12 (409, uniqueness)",
        "A userName that another user has is refused with 409.",
        |probe| Box::pin(taken_user_name(probe)),
    ),
    Check::new(
        "patch-unknown-attribute",
        "Microsoft: customize-application-attributes; RFC 7644 section 3.12 (invalidPath)",
        "An attribute that the server does not have is ignored or refused with 400, and does not break the server.",
        |probe| Box::pin(unknown_attribute(probe)),
    ),
    Check::new(
        "patch-repeated",
        "Microsoft: how-provisioning-works (retries)",
        "The same PATCH can be sent twice.",
        |probe| Box::pin(repeated(probe)),
    ),
    Check::new(
        "disabled-user-readable",
        "ssoready/ssoready #155; sourcegraph/sourcegraph #49325",
        "A disabled user is returned by id and in lists, and can be changed.",
        |probe| Box::pin(disabled_readable(probe)),
    ),
    Check::new(
        "manager-shape",
        "MicrosoftDocs/azure-docs #11784",
        "The manager is returned under the enterprise extension as an object with value, else Entra sends it each cycle.",
        |probe| Box::pin(manager_shape(probe)),
    )
    .should("Entra still sets the manager, but again in each cycle"),
    Check::new(
        "rfc-no-target",
        "RFC 7644 section 3.5.2.3",
        "replace with a value path that selects nothing is refused with 400 noTarget.",
        |probe| Box::pin(no_target(probe)),
    )
    .strict(),
    Check::new(
        "rfc-remove-without-path",
        "RFC 7644 section 3.5.2.2",
        "remove without a path is refused with 400 noTarget.",
        |probe| Box::pin(remove_without_path(probe)),
    )
    .strict(),
    Check::new(
        "rfc-read-only",
        "RFC 7644 section 3.5.2 (mutability)",
        "A PATCH of id is refused with 400 mutability.",
        |probe| Box::pin(read_only(probe)),
    )
    .strict(),
    Check::new(
        "rfc-boolean-as-string",
        "RFC 7643 section 2.3.2; RFC 7644 section 3.12 (invalidValue)",
        "A word in place of a boolean is refused with 400 invalidValue.",
        |probe| Box::pin(boolean_as_string(probe)),
    )
    .strict(),
    Check::new(
        "rfc-put",
        "RFC 7644 section 3.5.1",
        "PUT replaces the attributes: what the new body does not have is gone.",
        |probe| Box::pin(put(probe)),
    )
    .strict(),
];

async fn lower_case_op(probe: &Probe) -> Verdict {
    let made = probe.plain_user().await?;
    let operations = json!([
        {"op": "add", "path": "title", "value": "Engineer"},
        {"op": "replace", "path": "displayName", "value": "Changed"}
    ]);
    probe.change(&made.path, operations).await?;
    let reply = probe.resource(&made.path).await?;
    reply.holds("title", &json!("Engineer"))?;
    reply.holds("displayName", &json!("Changed"))?;
    probe.change(&made.path, json!([{"op": "remove", "path": "title"}])).await?;
    probe.resource(&made.path).await?.holds("title", &Value::Null)
}

async fn unknown_op(probe: &Probe) -> Verdict {
    let made = probe.plain_user().await?;
    let operations = json!([{"op": "upsert", "path": "displayName", "value": "Changed"}]);
    probe.patch(&made.path, operations).await?.expect(&[400], "there is no such op").map(drop)
}

async fn is_atomic(probe: &Probe) -> Verdict {
    let made = probe.plain_user().await?;
    let operations = json!([
        {"op": "replace", "path": "displayName", "value": "Changed"},
        {"op": "upsert", "path": "title", "value": "x"}
    ]);
    probe.patch(&made.path, operations).await?;
    probe.resource(&made.path).await?.holds("displayName", &made.body["displayName"])
}

async fn path_ignores_case(probe: &Probe) -> Verdict {
    let made = probe.plain_user().await?;
    let operations = json!([
        probe.op("replace", "DisplayName", "Changed"),
        probe.op("replace", "Emails[Type eq \"work\"].Value", "changed@entra-sim.example")
    ]);
    probe.change(&made.path, operations).await?;
    let reply = probe.resource(&made.path).await?;
    reply.holds("displayName", &json!("Changed"))?;
    reply.holds("emails[type eq \"work\"].value", &json!("changed@entra-sim.example"))
}

async fn existing_element(probe: &Probe) -> Verdict {
    let made = probe.plain_user().await?;
    for (verb, value) in [("replace", "first@entra-sim.example"), ("add", "second@entra-sim.example")] {
        probe.change(&made.path, json!([probe.op(verb, "emails[type eq \"work\"].value", value)])).await?;
        let reply = probe.resource(&made.path).await?;
        reply.ensure(elements(reply.json(), "emails").len() == 1, "there must be one e-mail still")?;
        reply.holds("emails[type eq \"work\"].value", &json!(value))?;
    }
    Ok(())
}

async fn extension_path(probe: &Probe) -> Verdict {
    let made = probe.plain_user().await?;
    let path = format!("{ENTERPRISE}:employeeNumber");
    for verb in ["add", "replace"] {
        probe.change(&made.path, json!([probe.op(verb, &path, verb)])).await?;
        probe.resource(&made.path).await?.holds(&path, &json!(verb))?;
    }
    Ok(())
}

async fn without_path(probe: &Probe) -> Verdict {
    let made = probe.plain_user().await?;
    let value = json!({"displayName": "Changed", "title": "Director"});
    probe.change(&made.path, json!([{"op": "replace", "value": value}])).await?;
    let reply = probe.resource(&made.path).await?;
    reply.holds("displayName", &json!("Changed"))?;
    reply.holds("title", &json!("Director"))?;
    reply.holds("userName", &made.body["userName"])
}

async fn external_id(probe: &Probe) -> Verdict {
    let made = probe.plain_user().await?;
    let new = probe.name();
    probe.change(&made.path, json!([probe.op("replace", "externalId", new.as_str())])).await?;
    probe.find_one("/Users", &format!("externalId eq \"{new}\""), &made.id).await.map(drop)
}

async fn user_name(probe: &Probe) -> Verdict {
    let (old, new) = (probe.name(), probe.name());
    let made = probe.user(sample::user(&old)).await?;
    probe.change(&made.path, json!([probe.op("replace", "userName", sample::user_name(&new))])).await?;
    probe.find_one("/Users", &by_user_name(&new), &made.id).await?;
    probe.find_none("/Users", &by_user_name(&old)).await?;
    probe.resource(&made.path).await?.holds("active", &json!(true))
}

async fn taken_user_name(probe: &Probe) -> Verdict {
    let (first, second) = (probe.plain_user().await?, probe.plain_user().await?);
    let taken = first.body["userName"].clone();
    let reply = probe.patch(&second.path, json!([probe.op("replace", "userName", taken)])).await?;
    reply.expect(&[409], "the userName is taken").map(drop)
}

async fn unknown_attribute(probe: &Probe) -> Verdict {
    let made = probe.plain_user().await?;
    let reply = probe.patch(&made.path, json!([probe.op("replace", "favouriteColour", "blue")])).await?;
    reply.expect(&[200, 204, 400], "an unknown attribute is ignored or refused").map(drop)
}

async fn repeated(probe: &Probe) -> Verdict {
    let made = probe.plain_user().await?;
    for _ in 0..2 {
        probe
            .change(&made.path, json!([probe.op("add", "title", "Director"), probe.activate(false)]))
            .await?;
    }
    probe.resource(&made.path).await?.holds("title", &json!("Director"))
}

async fn disabled_readable(probe: &Probe) -> Verdict {
    let made = probe.plain_user().await?;
    probe.change(&made.path, json!([{"op": "replace", "path": "active", "value": false}])).await?;
    probe.resource(&made.path).await?.holds("active", &json!(false))?;
    let filter = format!("userName eq \"{}\"", made.body["userName"].as_str().unwrap_or_default());
    probe.find_one("/Users", &filter, &made.id).await?;
    probe.change(&made.path, json!([probe.op("replace", "displayName", "Changed")])).await?;
    probe.resource(&made.path).await?.holds("displayName", &json!("Changed"))
}

async fn manager_shape(probe: &Probe) -> Verdict {
    let path = manager_path(probe).await?;
    let (manager, made) = (probe.plain_user().await?, probe.plain_user().await?);
    probe.change(&made.path, json!([manager_op(probe, "add", &path, &manager)])).await?;
    let reply = probe.resource(&made.path).await?;
    expect_manager(&reply, &path, Some(&manager.id))?;
    let is_object = read(reply.json(), &path).is_some_and(Value::is_object);
    reply.ensure(is_object, "the manager must be an object with value")
}

async fn no_target(probe: &Probe) -> Verdict {
    let made = probe.plain_user().await?;
    let operations =
        json!([{"op": "replace", "path": "emails[type eq \"other\"].value", "value": "x@entra-sim.example"}]);
    refused(probe, &made.path, operations, "noTarget").await
}

async fn remove_without_path(probe: &Probe) -> Verdict {
    let made = probe.plain_user().await?;
    refused(probe, &made.path, json!([{"op": "remove"}]), "noTarget").await
}

async fn read_only(probe: &Probe) -> Verdict {
    let made = probe.plain_user().await?;
    refused(probe, &made.path, json!([{"op": "replace", "path": "id", "value": "another"}]), "mutability")
        .await
}

async fn boolean_as_string(probe: &Probe) -> Verdict {
    let made = probe.plain_user().await?;
    refused(probe, &made.path, json!([{"op": "replace", "path": "active", "value": "maybe"}]), "invalidValue")
        .await
}

async fn refused(probe: &Probe, path: &str, operations: Value, kind: &str) -> Verdict {
    let reply = probe.patch(path, operations).await?.expect(&[400], "the PATCH must be refused")?;
    reply.holds("scimType", &json!(kind))
}

async fn put(probe: &Probe) -> Verdict {
    let name = probe.name();
    let made = probe.user(sample::full_user(&name)).await?;
    let mut body = sample::user(&name);
    body["displayName"] = json!("Replaced");
    probe.write("PUT", &made.path, &body).await?.expect(&[200], "PUT answers with the resource")?;
    let reply = probe.resource(&made.path).await?;
    reply.holds("displayName", &json!("Replaced"))?;
    reply.holds("title", &Value::Null)
}
