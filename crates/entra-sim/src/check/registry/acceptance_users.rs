//! Tests 1 to 7 of Microsoft's acceptance suite, on users: the requests that Entra would send for each.

use super::Check;
use crate::check::attribute::{read, text};
use crate::check::outcome::{Stop, Verdict};
use crate::check::probe::{Made, Probe, Reply};
use crate::check::sample;
use crate::check::schemas::{ENTERPRISE, Schemas};
use serde_json::{Value, json};

pub(super) const CHECKS: &[Check] = &[
    Check::new(
        "microsoft-01-create-user",
        "Microsoft: SCIM-Validation-Test-Overview, test 1 (Create_User_Test)",
        "A user that the matching query does not find can be created and is then found by userName.",
        |probe| Box::pin(create_user(probe)),
    ),
    Check::new(
        "microsoft-02-update-user",
        "Microsoft: SCIM-Validation-Test-Overview, test 2 (Update_User_Test)",
        "Changed attributes are read back by id.",
        |probe| Box::pin(update_user(probe)),
    ),
    Check::new(
        "microsoft-03-disable-user",
        "Microsoft: SCIM-Validation-Test-Overview, test 3 (Disable_User_Test)",
        "A disabled user is still found by the filter, with active as the boolean false.",
        |probe| Box::pin(disable_user(probe)),
    ),
    Check::new(
        "microsoft-04-delete-user",
        "Microsoft: SCIM-Validation-Test-Overview, test 4 (Delete_User_Test)",
        "A deleted user is gone: 404 by id, nothing by filter.",
        |probe| Box::pin(delete_user(probe)),
    )
    .should("Microsoft's suite counts this test as optional: a failure is a warning")
    .same_cause_as(&["unknown-id"]),
    Check::new(
        "microsoft-05-user-update-manager",
        "Microsoft: SCIM-Validation-Test-Overview, test 5 (User_Update_Manager_Test)",
        "The manager can be set, changed and removed.",
        |probe| Box::pin(update_manager(probe)),
    ),
    Check::new(
        "microsoft-06-restore-user",
        "Microsoft: SCIM-Validation-Test-Overview, test 6 (Restore_User_Test)",
        "A user who was unassigned and assigned again is active again, under the same id.",
        |probe| Box::pin(restore_user(probe)),
    ),
    Check::new(
        "microsoft-07-on-demand-user",
        "Microsoft: SCIM-Validation-Test-Overview, test 7 (POD_User_Test); provision-on-demand",
        "On-demand provisioning works: test connection, match, create, match again, update.",
        |probe| Box::pin(on_demand_user(probe)),
    ),
];

async fn create_user(probe: &Probe) -> Verdict {
    let name = probe.name();
    let filter = by_user_name(&name);
    probe.find_none("/Users", &filter).await?;
    let made = probe.user(sample::full_user(&name)).await?;
    probe.find_one("/Users", &filter, &made.id).await?;
    Ok(())
}

async fn update_user(probe: &Probe) -> Verdict {
    let name = probe.name();
    let made = probe.user(sample::full_user(&name)).await?;
    probe.resource(&made.path).await?;
    update(probe, &made).await
}

/// Changes attributes of every shape and reads them back.
async fn update(probe: &Probe, made: &Made) -> Verdict {
    let department = format!("{ENTERPRISE}:department");
    let changes = [
        ("displayName", "Changed"),
        ("title", "Director"),
        ("name.givenName", "Changed Given"),
        ("emails[type eq \"work\"].value", "changed@entra-sim.example"),
        (department.as_str(), "Sales"),
    ];
    let operations = changes.iter().map(|(path, value)| probe.op("replace", path, *value)).collect();
    probe.change(&made.path, operations).await?;
    let reply = probe.resource(&made.path).await?;
    changes.iter().try_for_each(|(path, value)| reply.holds(path, &json!(value)))
}

async fn disable_user(probe: &Probe) -> Verdict {
    let name = probe.name();
    let made = probe.user(sample::user(&name)).await?;
    probe.change(&made.path, json!([probe.activate(false)])).await?;
    let found = probe.find_one("/Users", &by_user_name(&name), &made.id).await?;
    found.holds_in(found.first(), "active", &Value::Bool(false))
}

async fn delete_user(probe: &Probe) -> Verdict {
    let name = probe.name();
    let made = probe.user(sample::user(&name)).await?;
    probe.delete(&made.path).await?.expect(&[200, 204], "the user must be deleted")?;
    probe.get(&made.path).await?.expect(&[404], "a deleted user must not be readable")?;
    probe.find_none("/Users", &by_user_name(&name)).await?;
    Ok(())
}

async fn update_manager(probe: &Probe) -> Verdict {
    let path = manager_path(probe).await?;
    let (first, second) = (probe.plain_user().await?, probe.plain_user().await?);
    let made = probe.plain_user().await?;
    for (verb, manager) in [("add", &first), ("replace", &second)] {
        probe.change(&made.path, json!([manager_op(probe, verb, &path, manager)])).await?;
        expect_manager(&probe.resource(&made.path).await?, &path, Some(&manager.id))?;
    }
    probe.change(&made.path, json!([probe.removal(&path)])).await?;
    expect_manager(&probe.resource(&made.path).await?, &path, None)
}

async fn restore_user(probe: &Probe) -> Verdict {
    let name = probe.name();
    let made = probe.user(sample::user(&name)).await?;
    probe.change(&made.path, json!([probe.activate(false)])).await?;
    let found = probe.find("/Users", &by_user_name(&name)).await?;
    let is_out = found.json()["totalResults"] == 0 || found.first()["active"] == Value::Bool(false);
    found.ensure(is_out, "an unassigned user must be inactive or absent")?;
    probe.change(&made.path, json!([probe.activate(true)])).await?;
    let found = probe.find_one("/Users", &by_user_name(&name), &made.id).await?;
    found.holds_in(found.first(), "active", &Value::Bool(true))
}

async fn on_demand_user(probe: &Probe) -> Verdict {
    let name = probe.name();
    probe.find_none("/Users", &by_user_name(&probe.name())).await?;
    probe.find_none("/Users", &by_user_name(&name)).await?;
    let made = probe.user(sample::full_user(&name)).await?;
    probe.find_one("/Users", &by_user_name(&name), &made.id).await?;
    update(probe, &made).await
}

/// The matching query on `userName` for the user called `name`.
pub(super) fn by_user_name(name: &str) -> String {
    format!("userName eq \"{}\"", sample::user_name(name))
}

/// The path of the manager; the check is skipped if the server's schemas have none.
pub(super) async fn manager_path(probe: &Probe) -> Result<String, Stop> {
    match Schemas::read(probe).await?.attribute(ENTERPRISE, "manager") {
        Some(_) => Ok(format!("{ENTERPRISE}:manager")),
        None => Err(Stop::Skip("/Schemas has no manager, so it is not mapped".to_owned())),
    }
}

/// The operation that makes `manager` the manager: Entra sends the bare id, the RFC an object.
pub(super) fn manager_op(probe: &Probe, verb: &str, path: &str, manager: &Made) -> Value {
    let value = if probe.is_strict() { json!({"value": manager.id}) } else { json!(manager.id) };
    probe.op(verb, path, value)
}

/// The resource's manager must be that id, or none.
pub(super) fn expect_manager(reply: &Reply, path: &str, wanted: Option<&str>) -> Verdict {
    let manager = read(reply.json(), path);
    let found = manager.and_then(|it| it.as_str().or_else(|| text(it, "value"))).filter(|id| !id.is_empty());
    reply.ensure(found == wanted, &format!("the manager must be {wanted:?}, it is {found:?}"))
}
