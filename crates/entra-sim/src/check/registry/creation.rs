//! POST: what Entra puts into a new user, and what must come of it.

use super::Check;
use super::acceptance_users::by_user_name;
use super::discovery::null_in;
use crate::check::attribute::{read, text};
use crate::check::outcome::Verdict;
use crate::check::probe::{ERROR, Probe, Reply};
use crate::check::sample;
use crate::check::schemas::{ENTERPRISE, USER};
use serde_json::{Value, json};

const TUTORIAL: &str = "Microsoft: use-scim-to-provision-users-and-groups";
const POSTMAN: &str = "AzureAD/SCIMReferenceCode: PostmanCollection.json";

pub(super) const CHECKS: &[Check] = &[
    Check::new(
        "create-answer",
        "Microsoft: use-scim-to-provision-users-and-groups; RFC 7644 section 3.3",
        "201 with schemas, id, externalId, meta, userName, name, active and emails, and a Location.",
        |probe| Box::pin(answer(probe)),
    )
    .same_cause_as(&["microsoft-17-user-create"]),
    Check::new(
        "create-with-meta-and-empty-roles",
        TUTORIAL,
        "meta and an empty roles in the body do no harm.",
        |probe| Box::pin(meta_and_roles(probe)),
    ),
    Check::new("create-with-nulls", "Microsoft: use-scim-to-provision-users-and-groups; RFC 7643 section 2.5", "An attribute whose value is null counts as absent.", |probe| {
        Box::pin(nulls(probe))
    }),
    Check::new(
        "create-with-foreign-nulls",
        "Microsoft: use-scim-to-provision-users-and-groups (its sample has department and manager beside the core attributes)",
        "A null under a name that the core schema does not have does no harm.",
        |probe| Box::pin(foreign_nulls(probe)),
    )
    .should("an older sample; newer documents say that null is not sent")
    .same_cause_as(&["create-with-unknown-attribute", "create-with-nulls"])
    .entra(),
    Check::new("nulls-not-returned", TUTORIAL, "A resource is returned without null members.", |probe| {
        Box::pin(no_nulls(probe))
    })
    .should("RFC 7643 section 2.5: null and absent mean the same"),
    Check::new(
        "create-with-unknown-schema-urn",
        "Microsoft: use-scim-to-provision-users-and-groups (its sample has enterprise:2.0User)",
        "An unknown or malformed URN in schemas does no harm.",
        |probe| Box::pin(unknown_urn(probe)),
    )
    .should("an older sample; the service sends the correct URN")
    .entra(),
    Check::new(
        "create-with-undeclared-extension",
        "Microsoft: customize-application-attributes",
        "Extension attributes are kept although schemas does not name their URN.",
        |probe| Box::pin(undeclared_extension(probe)),
    )
    .entra(),
    Check::new(
        "create-with-custom-extension",
        "Microsoft: customize-application-attributes",
        "An extension that the server does not know does no harm.",
        |probe| Box::pin(custom_extension(probe)),
    )
    .should("sent only if the administrator maps such an attribute")
    .entra(),
    Check::new(
        "create-with-active-as-string",
        "AzureAD/SCIMReferenceCode: PostmanCollection.json, #21",
        "active given as the string \"True\" is stored as the boolean true.",
        |probe| Box::pin(active_as_string(probe)),
    )
    .entra(),
    Check::new(
        "create-without-user-name",
        POSTMAN,
        "A user without userName is refused with 400.",
        |probe| Box::pin(without_user_name(probe)),
    ),
    Check::new(
        "create-with-malformed-json",
        POSTMAN,
        "A body that is no JSON is refused with 400.",
        |probe| Box::pin(malformed_json(probe)),
    ),
    Check::new(
        "create-duplicate-user-name",
        "ory/polis PR #4065; RFC 7644 section 3.3 (409, scimType uniqueness)",
        "A taken userName is refused with 409 and scimType uniqueness.",
        |probe| Box::pin(duplicate(probe)),
    ),
    Check::new(
        "create-duplicate-ignores-case",
        "langfuse/langfuse PR #13528; RFC 7643 section 4.1.1",
        "A userName that differs in case only is taken as well.",
        |probe| Box::pin(duplicate_in_other_case(probe)),
    )
    .same_cause_as(&["create-duplicate-user-name"]),
    Check::new("create-with-unknown-attribute", POSTMAN, "An unknown attribute does no harm.", |probe| {
        Box::pin(unknown_attribute(probe))
    })
    .should("the administrator maps only attributes that the server has")
    .entra(),
    Check::new(
        "create-attribute-names-ignore-case",
        "AzureAD/SCIMReferenceCode: PostmanCollection.json; RFC 7643 section 2.1",
        "UserName and Primary mean userName and primary.",
        |probe| Box::pin(names_ignore_case(probe)),
    ),
    Check::new(
        "id-from-the-server",
        "RFC 7643 section 3.1",
        "The server chooses the id; one sent by the client is ignored.",
        |probe| Box::pin(id_from_server(probe)),
    ),
    Check::new(
        "external-id-optional",
        "RFC 7643 section 3.1",
        "A user without externalId can be created.",
        |probe| Box::pin(external_id_optional(probe)),
    ),
    Check::new(
        "external-id-not-unique",
        "RFC 7643 section 3.1 (its uniqueness is the client's affair)",
        "Two users may share an externalId.",
        |probe| Box::pin(external_id_not_unique(probe)),
    )
    .should("RFC 7643 leaves its uniqueness to the client"),
    Check::new(
        "email-not-unique",
        "ory/polis PR #4065–4067 (infinite retry loops)",
        "Two users may share an e-mail address.",
        |probe| Box::pin(email_not_unique(probe)),
    )
    .should("no standard forbids it, but Entra sends the refused user again in each cycle"),
    Check::new(
        "values-kept-as-sent",
        "Microsoft: use-scim-to-provision-users-and-groups (no reformatting)",
        "Values are returned as they were sent: the case of userName, the blanks of a phone number.",
        |probe| Box::pin(kept_as_sent(probe)),
    ),
    Check::new(
        "user-name-free-after-delete",
        "Microsoft: how-provisioning-works; RFC 7644 section 3.6",
        "The userName of a deleted user can be used again.",
        |probe| Box::pin(free_after_delete(probe)),
    )
    .same_cause_as(&["microsoft-04-delete-user"]),
];

async fn answer(probe: &Probe) -> Verdict {
    let body = sample::user(&probe.name());
    let reply =
        probe.write("POST", "/Users", &body).await?.expect(&[201], "a created user is answered with 201")?;
    for target in ["externalId", "userName", "name.givenName", "active", "emails[type eq \"work\"].value"] {
        reply.holds(target, read(&body, target).unwrap_or(&Value::Null))?;
    }
    reply.ensure(reply.id().is_some(), "id must not be empty")?;
    let schemas = crate::check::attribute::elements(reply.json(), "schemas");
    reply.ensure(schemas.contains(&json!(USER)), "schemas must name the core User schema")?;
    reply.holds("meta.resourceType", &json!("User"))?;
    for target in ["meta.created", "meta.lastModified"] {
        reply.ensure(text(reply.json(), target).is_some(), &format!("{target} must be given"))?;
    }
    reply.ensure(reply.header("location").is_some(), "a Location header must be given")
}

async fn meta_and_roles(probe: &Probe) -> Verdict {
    let mut body = sample::user(&probe.name());
    body["meta"] = json!({"resourceType": "User", "created": "1999-01-01T00:00:00Z"});
    body["roles"] = json!([]);
    let made = probe.user(body).await?;
    let created = text(made.reply.json(), "meta.created").unwrap_or_default();
    made.reply.ensure(!created.starts_with("1999"), "meta is read-only and must be ignored")
}

async fn nulls(probe: &Probe) -> Verdict {
    let mut body = sample::user(&probe.name());
    for name in ["addresses", "phoneNumbers", "preferredLanguage", "title"] {
        body[name] = Value::Null;
    }
    body[ENTERPRISE] = json!({"department": null, "manager": null});
    probe.user(body).await.map(drop)
}

async fn foreign_nulls(probe: &Probe) -> Verdict {
    let mut body = sample::user(&probe.name());
    for name in ["department", "manager"] {
        body[name] = Value::Null;
    }
    probe.user(body).await.map(drop)
}

async fn no_nulls(probe: &Probe) -> Verdict {
    let mut body = sample::user(&probe.name());
    body["title"] = json!("Engineer");
    body[ENTERPRISE] = json!({"department": "R&D"});
    let made = probe.user(body).await?;
    for reply in [made.reply.clone(), probe.resource(&made.path).await?] {
        let place = null_in(reply.json(), "");
        reply.ensure(place.is_none(), &format!("null at {}", place.as_deref().unwrap_or_default()))?;
    }
    Ok(())
}

async fn unknown_urn(probe: &Probe) -> Verdict {
    let mut body = sample::user(&probe.name());
    body["schemas"] = json!([
        USER,
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0User",
        "urn:example:unknown:1.0:User"
    ]);
    probe.user(body).await.map(drop)
}

async fn undeclared_extension(probe: &Probe) -> Verdict {
    let mut body = sample::full_user(&probe.name());
    body["schemas"] = json!([USER]);
    let made = probe.user(body).await?;
    probe.resource(&made.path).await?.holds(&format!("{ENTERPRISE}:department"), &json!("R&D"))
}

async fn custom_extension(probe: &Probe) -> Verdict {
    let mut body = sample::user(&probe.name());
    body["urn:ietf:params:scim:schemas:extension:CustomExtensionName:2.0:User"] =
        json!({"CustomAttribute": "x"});
    probe.user(body).await.map(drop)
}

async fn active_as_string(probe: &Probe) -> Verdict {
    let mut body = sample::user(&probe.name());
    body["active"] = json!("True");
    let made = probe.user(body).await?;
    probe.resource(&made.path).await?.holds("active", &json!(true))
}

async fn without_user_name(probe: &Probe) -> Verdict {
    let mut body = sample::user(&probe.name());
    if let Some(members) = body.as_object_mut() {
        members.remove("userName");
    }
    probe.write("POST", "/Users", &body).await?.expect(&[400], "userName is required").map(drop)
}

async fn malformed_json(probe: &Probe) -> Verdict {
    let body = format!("{{\"schemas\":[\"{USER}\"],\"userName\":\"{}\"", sample::user_name(&probe.name()));
    probe
        .write_text("POST", "/Users", body)
        .await?
        .expect(&[400], "a body that breaks off is no JSON")
        .map(drop)
}

async fn duplicate(probe: &Probe) -> Verdict {
    let name = probe.name();
    probe.user(sample::user(&name)).await?;
    let reply = conflict(probe, sample::user(&name)).await?;
    reply.holds("scimType", &json!("uniqueness"))?;
    reply.ensure(
        crate::check::attribute::elements(reply.json(), "schemas").contains(&json!(ERROR)),
        "schemas must name the Error",
    )
}

async fn duplicate_in_other_case(probe: &Probe) -> Verdict {
    let name = probe.name();
    probe.user(sample::user(&name)).await?;
    let mut body = sample::user(&probe.name());
    body["userName"] = json!(sample::user_name(&name).to_uppercase());
    conflict(probe, body).await.map(drop)
}

async fn conflict(probe: &Probe, body: Value) -> Result<Reply, crate::check::outcome::Stop> {
    probe.write("POST", "/Users", &body).await?.expect(&[409], "the userName is taken")
}

async fn unknown_attribute(probe: &Probe) -> Verdict {
    let mut body = sample::user(&probe.name());
    body["favouriteColour"] = json!("blue");
    probe.user(body).await.map(drop)
}

async fn names_ignore_case(probe: &Probe) -> Verdict {
    let name = probe.name();
    let body = json!({"schemas": [USER], "UserName": sample::user_name(&name), "ExternalId": name, "Active": true,
        "Emails": [{"Primary": true, "Type": "work", "Value": sample::user_name(&name)}]});
    let made = probe.user(body).await?;
    let reply = probe.find_one("/Users", &by_user_name(&name), &made.id).await?;
    reply.ensure(reply.first().get("userName").is_some(), "userName must be returned under its own name")
}

async fn id_from_server(probe: &Probe) -> Verdict {
    let mut body = sample::user(&probe.name());
    let wish = probe.name();
    body["id"] = json!(wish);
    let made = probe.user(body).await?;
    made.reply.ensure(made.id != wish, "the id must be the server's")
}

async fn external_id_optional(probe: &Probe) -> Verdict {
    let mut body = sample::user(&probe.name());
    if let Some(members) = body.as_object_mut() {
        members.remove("externalId");
    }
    probe.user(body).await.map(drop)
}

async fn external_id_not_unique(probe: &Probe) -> Verdict {
    let first = probe.plain_user().await?;
    let mut body = sample::user(&probe.name());
    body["externalId"] = first.body["externalId"].clone();
    probe.user(body).await.map(drop)
}

async fn email_not_unique(probe: &Probe) -> Verdict {
    let name = probe.name();
    probe.user(sample::user(&name)).await?;
    let mut body = sample::user(&probe.name());
    body["emails"] = json!([{"primary": true, "type": "work", "value": sample::user_name(&name)}]);
    probe.user(body).await.map(drop)
}

async fn kept_as_sent(probe: &Probe) -> Verdict {
    let mut body = sample::user(&probe.name());
    body["userName"] = json!(format!("Jane.DOE-{}", sample::user_name(&probe.name())));
    body["phoneNumbers"] = json!([{"type": "work", "value": "+1 (425) 555-0100 ext. 7"}]);
    body["displayName"] = json!("Dœ, Jane  (R&D) <x>");
    let made = probe.user(body.clone()).await?;
    let reply = probe.resource(&made.path).await?;
    let targets = ["userName", "phoneNumbers[type eq \"work\"].value", "displayName"];
    targets.iter().try_for_each(|target| reply.holds(target, read(&body, target).unwrap_or(&Value::Null)))
}

async fn free_after_delete(probe: &Probe) -> Verdict {
    let name = probe.name();
    let made = probe.user(sample::user(&name)).await?;
    probe.delete(&made.path).await?.expect(&[200, 204], "the user must be deleted")?;
    let again = probe.user(sample::user(&name)).await?;
    again.reply.ensure(again.id != made.id, "the new user must have an id of its own")
}
