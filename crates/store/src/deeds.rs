//! The rows that administrative acts leave in the audit log: what is said of each, without secrets, and without the words by
//! which setup links and their Secret Tokens are labelled: those may name somebody of the customer, and the log stays.

use crate::{
    act::{Act, Before},
    audit::Deed,
    credential::{Outcome, Successor},
    model::{Change, SecretTokenRow, Tenant, TenantId, TenantState},
    oauth::{ClientSecret, Federation, OauthClient},
    operator::{Operator, OperatorChange},
    setup_links::SetupLink,
};
use scim::Timestamp;
use serde_json::{Value, json};

impl Act {
    /// Its row in the audit log.
    pub(crate) fn deed(&self, before: &Before) -> Deed {
        let deed = |action, target: &str, tenant| Deed {
            action,
            target: target.to_owned(),
            tenant,
            before: None,
            after: None,
        };
        let tenant_label = before.tenant.as_ref().map_or("", |tenant| &tenant.label);
        let key_id = before.token.as_ref().map_or("", |token| &token.key_id);
        let name = before.operator.as_ref().map_or("", |operator| &operator.name);
        let link_id = before.link.as_ref().map(|link| link.id.to_string()).unwrap_or_default();
        let changed_link = |action, tenant, change: &dyn Fn(&mut SetupLink)| {
            let after = before.link.clone().map(|mut link| {
                change(&mut link);
                link.shown()
            });
            Deed {
                before: before.link.as_ref().map(SetupLink::shown),
                after,
                ..deed(action, &link_id, Some(tenant))
            }
        };
        match self {
            Act::CreateTenant(tenant) => Deed {
                after: Some(of_tenant(tenant)),
                ..deed("tenant.create", &tenant.label, Some(tenant.id))
            },
            Act::SetTenantState(tenant, state) => {
                let action = match state {
                    TenantState::Active => "tenant.resume",
                    TenantState::Suspended => "tenant.suspend",
                };
                let show = |state: TenantState| json!({ "state": state.as_str() });
                let before = before.tenant.as_ref().map(|tenant| show(tenant.state));
                Deed { before, after: Some(show(*state)), ..deed(action, tenant_label, Some(*tenant)) }
            }
            Act::ChangeTenant(tenant, change) => {
                let after = before.tenant.clone().map(|tenant| {
                    of_tenant(&Tenant {
                        name: change.name.clone().unwrap_or(tenant.name),
                        profile: change.profile.unwrap_or(tenant.profile),
                        ..tenant
                    })
                });
                let before = before.tenant.as_ref().map(of_tenant);
                Deed { before, after, ..deed("tenant.change", tenant_label, Some(*tenant)) }
            }
            Act::DeleteTenant(tenant) => Deed {
                before: before.tenant.as_ref().map(of_tenant),
                ..deed("tenant.delete", tenant_label, Some(*tenant))
            },
            Act::InsertSecretToken(token) => Deed {
                after: Some(of_token(token)),
                ..deed("secret-token.issue", &token.key_id, Some(token.tenant))
            },
            Act::RevokeSecretToken(tenant, _, at) => {
                let show = |revoked| {
                    move |token: &SecretTokenRow| of_token(&SecretTokenRow { revoked, ..token.clone() })
                };
                Deed {
                    before: before.token.as_ref().map(show(None)),
                    after: before.token.as_ref().map(show(Some(*at))),
                    ..deed("secret-token.revoke", key_id, Some(*tenant))
                }
            }
            Act::CreateOauthClient(client, secret) => {
                let after = json!({ "client": of_client(client), "secret": secret.as_ref().map(of_secret) });
                Deed {
                    after: Some(after),
                    ..deed("oauth-client.create", &client.id.to_string(), Some(client.tenant))
                }
            }
            Act::RevokeOauthClient(tenant, id, at) => {
                let show = |revoked| {
                    move |client: &OauthClient| of_client(&OauthClient { revoked, ..client.clone() })
                };
                Deed {
                    before: before.client.as_ref().map(show(None)),
                    after: before.client.as_ref().map(show(Some(*at))),
                    ..deed("oauth-client.revoke", &id.to_string(), Some(*tenant))
                }
            }
            Act::InsertClientSecret(secret) => Deed {
                after: Some(of_secret(secret)),
                ..deed("client-secret.issue", &secret.key_id, Some(secret.tenant))
            },
            Act::RevokeClientSecret(tenant, _, at) => {
                let show = |revoked| {
                    move |secret: &ClientSecret| of_secret(&ClientSecret { revoked, ..secret.clone() })
                };
                let key_id = before.secret.as_ref().map_or("", |secret| &secret.key_id);
                Deed {
                    before: before.secret.as_ref().map(show(None)),
                    after: before.secret.as_ref().map(show(Some(*at))),
                    ..deed("client-secret.revoke", key_id, Some(*tenant))
                }
            }
            Act::SetFederation(federation, _) => Deed {
                before: before.federation.as_ref().map(of_federation),
                after: Some(of_federation(federation)),
                ..deed("federation.set", &federation.client.to_string(), Some(federation.tenant))
            },
            Act::RemoveFederation(tenant, _) => {
                let client = before.federation.as_ref().map(|federation| federation.client.to_string());
                Deed {
                    before: before.federation.as_ref().map(of_federation),
                    ..deed("federation.remove", client.as_deref().unwrap_or_default(), Some(*tenant))
                }
            }
            Act::CreateSetupLink(link) => Deed {
                after: Some(link.shown()),
                ..deed("setup-link.create", &link.id.to_string(), Some(link.tenant))
            },
            Act::RevokeSetupLink(revocation, at) => {
                changed_link("setup-link.revoke", revocation.tenant, &|link| link.revoked = Some(*at))
            }
            Act::OpenSetupLink(tenant, _, opening) => {
                changed_link("setup-link.open", *tenant, &|link| link.opening = Some(opening.clone()))
            }
            Act::ReplaceSetupToken(replacement) => {
                changed_link("setup-link.issue-again", replacement.new.tenant, &|link| {
                    if let Some(opening) = &mut link.opening {
                        opening.tokens_issued += 1;
                    }
                })
            }
            Act::StartRotation(rotation, successor) => Deed {
                after: Some(json!({
                    "automatic": rotation.is_automatic,
                    "new": match successor {
                        Successor::SecretToken(token) => of_token(token),
                        Successor::ClientSecret(secret) => of_secret(secret),
                    },
                })),
                ..deed("rotation.start", &rotation.old_key_id, Some(rotation.tenant))
            },
            Act::EndRotation(rotation, ending) => {
                let (action, ended) = match ending.outcome {
                    Outcome::Completed => ("rotation.complete", &rotation.old_key_id),
                    Outcome::Cancelled => ("rotation.cancel", &rotation.new_key_id),
                };
                Deed {
                    before: Some(json!({ "state": ending.because, "automatic": rotation.is_automatic })),
                    after: Some(json!({
                        "state": ending.outcome.as_str(),
                        "early": ending.is_early,
                        "ended_key_id": ended,
                    })),
                    ..deed(action, &rotation.old_key_id, Some(rotation.tenant))
                }
            }
            Act::SetRotationAutomatic(rotation, is_automatic) => Deed {
                before: Some(json!({ "automatic": rotation.is_automatic })),
                after: Some(json!({ "automatic": is_automatic })),
                ..deed("rotation.automatic", &rotation.old_key_id, Some(rotation.tenant))
            },
            Act::CreateOperator(operator) => {
                Deed { after: Some(of_operator(operator)), ..deed("operator.create", &operator.name, None) }
            }
            Act::ChangeOperator(_, change) => {
                let after = before.operator.as_ref().map(|operator| of_changed(operator, change));
                let before = before.operator.as_ref().map(of_operator);
                Deed { before, after, ..deed(change.action(), name, None) }
            }
            Act::CreateApiToken(token, _) => {
                Deed { after: Some(token.shown(name)), ..deed("api-token.create", &token.key_id, None) }
            }
            Act::RevokeApiToken(_, at) => {
                let key_id = before.api_token.as_ref().map_or("", |token| &token.key_id);
                let after = before.api_token.clone().map(|mut token| {
                    token.revoked = Some(*at);
                    token.shown(name)
                });
                let before = before.api_token.as_ref().map(|token| token.shown(name));
                Deed { before, after, ..deed("api-token.revoke", key_id, None) }
            }
            Act::SignIn(session, _) => Deed {
                after: session.by_openid.then(|| json!({ "by": "openid" })),
                ..deed("operator.sign-in", name, None)
            },
            Act::SignOut(_) => deed("operator.sign-out", name, None),
            Act::Note(deed) => deed.clone(),
        }
    }
}

/// The row of a deleted resource that came back. What it is called stays out of the audit log.
pub(crate) fn restored(tenant: TenantId, change: &Change, deleted: Timestamp, version: i64) -> Deed {
    Deed {
        action: "resource.restore",
        target: format!("{} {}", change.kind.name(), change.id),
        tenant: Some(tenant),
        before: Some(json!({ "deleted": deleted.to_rfc3339() })),
        after: Some(json!({ "version": version })),
    }
}

fn of_tenant(tenant: &Tenant) -> Value {
    json!({
        "label": tenant.label,
        "name": tenant.name,
        "profile": tenant.profile.as_str(),
        "state": tenant.state.as_str(),
    })
}

fn of_token(token: &SecretTokenRow) -> Value {
    let time = |time: Option<Timestamp>| time.map(Timestamp::to_rfc3339);
    json!({
        "key_id": token.key_id,
        "expires": time(token.expires),
        "revoked": time(token.revoked),
    })
}

fn of_client(client: &OauthClient) -> Value {
    json!({
        "client_id": client.id,
        "label": client.label,
        "revoked": client.revoked.map(Timestamp::to_rfc3339),
    })
}

fn of_secret(secret: &ClientSecret) -> Value {
    json!({
        "key_id": secret.key_id,
        "client_id": secret.client,
        "expires": secret.expires.to_rfc3339(),
        "revoked": secret.revoked.map(Timestamp::to_rfc3339),
    })
}

fn of_federation(federation: &Federation) -> Value {
    json!({
        "issuer": federation.issuer,
        "subject": federation.subject,
        "audience": federation.audience,
        "jwks_url": federation.jwks_url,
    })
}

fn of_operator(operator: &Operator) -> Value {
    json!({
        "role": operator.role.as_str(),
        "active": operator.is_active,
        "one_time_password": operator.password_is_once,
        "totp": operator.has_totp(),
    })
}

fn of_changed(operator: &Operator, change: &OperatorChange) -> Value {
    let mut after = of_operator(operator);
    match change {
        OperatorChange::Password { .. } => after["one_time_password"] = false.into(),
        OperatorChange::OfferTotp { .. } => {}
        OperatorChange::ConfirmTotp { .. } => after["totp"] = true.into(),
        OperatorChange::Reset { .. } => {
            after["active"] = true.into();
            after["one_time_password"] = true.into();
            after["totp"] = false.into();
        }
        OperatorChange::Disable => after["active"] = false.into(),
        OperatorChange::Enable => after["active"] = true.into(),
        OperatorChange::SetRole(role) => after["role"] = role.as_str().into(),
    }
    after
}
