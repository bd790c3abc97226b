//! The bodies that Entra sends, with a unique name in each value that must differ.

use super::schemas::{ENTERPRISE, GROUP, USER};
use serde_json::{Value, json};

/// A user with few attributes, as the default mapping makes it.
pub(crate) fn user(name: &str) -> Value {
    json!({
        "schemas": [USER, ENTERPRISE],
        "externalId": name,
        "userName": user_name(name),
        "active": true,
        "displayName": name,
        "emails": [{"primary": true, "type": "work", "value": user_name(name)}],
        "meta": {"resourceType": "User"},
        "name": {"formatted": "Given Family", "familyName": "Family", "givenName": "Given"}
    })
}

/// A user with every attribute of the Juno Journey mapping but the manager.
pub(crate) fn full_user(name: &str) -> Value {
    let mut user = user(name);
    user["title"] = json!("Engineer");
    user["preferredLanguage"] = json!("en-US");
    user["name"]["middleName"] = json!("Q");
    user["addresses"] = json!([{"primary": false, "type": "work", "country": "US", "region": "WA", "locality": "Redmond",
        "postalCode": "98052", "streetAddress": "1 Way", "formatted": "18/2111"}]);
    user["phoneNumbers"] = json!([{"primary": true, "type": "work", "value": "1"},
        {"primary": false, "type": "mobile", "value": "2"}, {"primary": false, "type": "fax", "value": "3"}]);
    user[ENTERPRISE] = json!({"department": "R&D", "employeeNumber": "E1", "costCenter": "C1", "division": "D1",
        "organization": "O1"});
    user
}

/// The `userName` of the user called `name`.
pub(crate) fn user_name(name: &str) -> String {
    format!("{name}@entra-sim.example")
}

/// The URN that Entra adds to the schemas of every group.
pub(crate) const VENDOR_GROUP: &str =
    "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group";

/// An empty group.
pub(crate) fn group(name: &str) -> Value {
    json!({"schemas": [GROUP], "externalId": name, "displayName": name, "meta": {"resourceType": "Group"}})
}

/// The value of a members operation, as Entra writes it.
pub(crate) fn members(ids: &[&str]) -> Value {
    ids.iter().map(|id| json!({"$ref": null, "value": id})).collect()
}

/// The target attributes of the Juno Journey mapping for users (the tutorial's table).
pub(crate) fn user_targets() -> Vec<String> {
    let core = [
        "userName",
        "externalId",
        "displayName",
        "title",
        "active",
        "preferredLanguage",
        "name.givenName",
        "name.familyName",
        "name.middleName",
        "name.formatted",
    ]
    .map(str::to_owned);
    let address = ["country", "region", "locality", "postalCode", "formatted", "streetAddress"];
    let enterprise = ["department", "employeeNumber", "costCenter", "division", "organization", "manager"];
    let mut targets = core.to_vec();
    targets.push("emails[type eq \"work\"].value".to_owned());
    targets.extend(["work", "mobile", "fax"].map(|kind| format!("phoneNumbers[type eq \"{kind}\"].value")));
    targets.extend(address.map(|sub| format!("addresses[type eq \"work\"].{sub}")));
    targets.extend(enterprise.map(|name| format!("{ENTERPRISE}:{name}")));
    targets
}

/// The target attributes of the mapping for groups.
pub(crate) const GROUP_TARGETS: [&str; 3] = ["displayName", "externalId", "members"];
