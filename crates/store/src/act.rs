//! Administrative acts: each with its row of the audit log, in one transaction.

use crate::{
    api_tokens::ApiTokenRow,
    audit::Deed,
    credential::{Ending, Outcome, Rotation, Successor},
    model::{SecretTokenRow, Tenant, TenantId, TenantState, TenantUpdate},
    oauth::{ClientSecret, Federation, OauthClient},
    operator::{Operator, OperatorChange, Session},
    setup_links::{SetupLink, SetupOpening, SetupReplacement},
};
use scim::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

/// Something that an operator, or whoever sits at the command line, has done.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    CreateTenant(Tenant),
    SetTenantState(TenantId, TenantState),
    ChangeTenant(TenantId, TenantUpdate),
    DeleteTenant(TenantId),
    InsertSecretToken(SecretTokenRow),
    RevokeSecretToken(TenantId, Uuid, Timestamp),
    CreateOauthClient(OauthClient, Option<ClientSecret>),
    RevokeOauthClient(TenantId, Uuid, Timestamp),
    InsertClientSecret(ClientSecret),
    RevokeClientSecret(TenantId, Uuid, Timestamp),
    SetFederation(Federation),
    RemoveFederation(TenantId),
    CreateSetupLink(SetupLink),
    RevokeSetupLink(TenantId, Uuid, Timestamp),
    OpenSetupLink(TenantId, Uuid, SetupOpening),
    /// The link's part of it alone: the tokens are acts of their own.
    ReplaceSetupToken(SetupReplacement),
    StartRotation(Rotation, Successor),
    EndRotation(Rotation, Ending),
    SetRotationAutomatic(Rotation, bool),
    CreateOperator(Operator),
    ChangeOperator(Uuid, OperatorChange),
    CreateApiToken(ApiTokenRow),
    RevokeApiToken(Uuid, Timestamp),
    /// With the time step of the code that was used.
    SignIn(Session, Option<i64>),
    SignOut([u8; 32]),
    /// Done elsewhere: an export, a restored resource.
    Note(Deed),
}

/// What was there before an act, as far as the audit log wants to know.
#[derive(Debug, Default)]
pub(crate) struct Before {
    pub(crate) tenant: Option<Tenant>,
    pub(crate) token: Option<SecretTokenRow>,
    pub(crate) operator: Option<Operator>,
    pub(crate) client: Option<OauthClient>,
    pub(crate) secret: Option<ClientSecret>,
    pub(crate) federation: Option<Federation>,
    pub(crate) link: Option<SetupLink>,
    pub(crate) api_token: Option<ApiTokenRow>,
}

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
        let changed_link = |action, tenant, change: &dyn Fn(&mut SetupLink)| {
            let after = before.link.clone().map(|mut link| {
                change(&mut link);
                link.shown()
            });
            let label = before.link.as_ref().map_or("", |link| &link.label);
            Deed {
                before: before.link.as_ref().map(SetupLink::shown),
                after,
                ..deed(action, label, Some(tenant))
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
            Act::SetFederation(federation) => Deed {
                before: before.federation.as_ref().map(of_federation),
                after: Some(of_federation(federation)),
                ..deed("federation.set", &federation.client.to_string(), Some(federation.tenant))
            },
            Act::RemoveFederation(tenant) => {
                let client = before.federation.as_ref().map(|federation| federation.client.to_string());
                Deed {
                    before: before.federation.as_ref().map(of_federation),
                    ..deed("federation.remove", client.as_deref().unwrap_or_default(), Some(*tenant))
                }
            }
            Act::CreateSetupLink(link) => Deed {
                after: Some(link.shown()),
                ..deed("setup-link.create", &link.label, Some(link.tenant))
            },
            Act::RevokeSetupLink(tenant, _, at) => {
                changed_link("setup-link.revoke", *tenant, &|link| link.revoked = Some(*at))
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
            Act::CreateApiToken(token) => {
                Deed { after: Some(token.shown()), ..deed("api-token.create", &token.key_id, None) }
            }
            Act::RevokeApiToken(_, at) => {
                let key_id = before.api_token.as_ref().map_or("", |token| &token.key_id);
                let after = before.api_token.clone().map(|mut token| {
                    token.revoked = Some(*at);
                    token.shown()
                });
                let before = before.api_token.as_ref().map(ApiTokenRow::shown);
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
        "label": token.label,
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
        OperatorChange::OfferTotp(_) => {}
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

macro_rules! acts {
    ($module:ident, $connection:ty) => {
        pub(crate) mod $module {
            use super::{Act, Before};
            use crate::oauth::Federation;
            use crate::{
                api_tokens,
                audit::{self, By},
                credential_records,
                model::StoreError,
                oauth_records, operator, records, setup_links,
                setup_links::SetupReplacement,
            };
            use diesel::{Connection, QueryResult, result::Error};

            /// Does them in this order, all or none; `Ok(false)`: one was not done, and nothing is written.
            pub(crate) fn act(
                connection: &mut $connection,
                by: Option<&By>,
                acts: &[Act],
            ) -> QueryResult<bool> {
                let done = connection.transaction(|connection| {
                    for act in acts {
                        let before = before(connection, act)?;
                        if !perform(connection, act)? {
                            return Err(Error::RollbackTransaction);
                        }
                        if let Some(by) = by {
                            audit::$module::append(connection, by, &act.deed(&before))?;
                        }
                    }
                    Ok(true)
                });
                match done {
                    Err(Error::RollbackTransaction) => Ok(false),
                    done => done,
                }
            }

            fn perform(connection: &mut $connection, act: &Act) -> QueryResult<bool> {
                match act {
                    Act::CreateTenant(tenant) => records::$module::create_tenant(connection, tenant),
                    Act::SetTenantState(tenant, state) => {
                        records::$module::set_tenant_state(connection, *tenant, *state)
                    }
                    Act::ChangeTenant(tenant, change) => {
                        records::$module::change_tenant(connection, *tenant, change)
                    }
                    Act::DeleteTenant(tenant) => records::$module::delete_tenant(connection, *tenant),
                    Act::InsertSecretToken(token) => {
                        records::$module::insert_secret_token(connection, token).map(|()| true)
                    }
                    Act::RevokeSecretToken(tenant, id, at) => {
                        records::$module::revoke_secret_token(connection, *tenant, *id, *at)
                    }
                    Act::CreateOauthClient(client, secret) => {
                        oauth_records::$module::create_oauth_client(connection, client, secret.as_ref())
                    }
                    Act::RevokeOauthClient(tenant, id, at) => {
                        oauth_records::$module::revoke_oauth_client(connection, *tenant, *id, *at)
                    }
                    Act::InsertClientSecret(secret) => {
                        oauth_records::$module::insert_client_secret(connection, secret)
                    }
                    Act::RevokeClientSecret(tenant, id, at) => {
                        oauth_records::$module::revoke_client_secret(connection, *tenant, *id, *at)
                    }
                    Act::SetFederation(federation) => {
                        oauth_records::$module::set_federation(connection, federation).map(|()| true)
                    }
                    Act::RemoveFederation(tenant) => {
                        oauth_records::$module::remove_federation(connection, *tenant)
                    }
                    Act::CreateSetupLink(link) => setup_links::$module::insert_setup_link(connection, link),
                    Act::RevokeSetupLink(tenant, id, at) => {
                        setup_links::$module::revoke_setup_link(connection, *tenant, *id, *at)
                    }
                    Act::OpenSetupLink(tenant, id, opening) => {
                        setup_links::$module::open_setup_link(connection, *tenant, *id, opening)
                    }
                    Act::ReplaceSetupToken(replacement) => {
                        setup_links::$module::replace_setup_token(connection, replacement)
                    }
                    Act::StartRotation(rotation, successor) => {
                        credential_records::$module::start_rotation(connection, rotation, successor)
                    }
                    Act::EndRotation(rotation, ending) => {
                        credential_records::$module::end_rotation(connection, rotation, ending)
                    }
                    Act::SetRotationAutomatic(rotation, is_automatic) => {
                        credential_records::$module::set_automatic(connection, rotation, *is_automatic)
                    }
                    Act::CreateOperator(operator) => operator::$module::create_operator(connection, operator),
                    Act::ChangeOperator(id, change) => {
                        operator::$module::change_operator(connection, *id, change)
                    }
                    Act::CreateApiToken(token) => {
                        api_tokens::$module::insert_api_token(connection, token).map(|()| true)
                    }
                    Act::RevokeApiToken(id, at) => {
                        api_tokens::$module::revoke_api_token(connection, *id, *at)
                    }
                    Act::SignIn(session, step) => {
                        let is_first_use = match step {
                            Some(step) => {
                                operator::$module::use_totp_step(connection, session.operator, *step)?
                            }
                            None => true,
                        };
                        if is_first_use {
                            operator::$module::insert_session(connection, session)?;
                        }
                        Ok(is_first_use)
                    }
                    Act::SignOut(digest) => operator::$module::delete_session(connection, digest),
                    Act::Note(_) => Ok(true),
                }
            }

            fn before(connection: &mut $connection, act: &Act) -> QueryResult<Before> {
                let mut before = Before::default();
                match act {
                    Act::SetTenantState(tenant, _)
                    | Act::ChangeTenant(tenant, _)
                    | Act::DeleteTenant(tenant) => {
                        let found = records::$module::tenant(connection, &tenant.to_string())?;
                        before.tenant = found.map(TryInto::try_into).transpose().map_err(unreadable)?;
                    }
                    Act::RevokeSecretToken(tenant, id, _) => {
                        let found = records::$module::secret_token_by_id(connection, *tenant, *id)?;
                        before.token = found.map(TryInto::try_into).transpose().map_err(unreadable)?;
                    }
                    Act::ChangeOperator(id, _) => {
                        let found = operator::$module::operator_by_id(connection, *id)?;
                        before.operator = found.map(TryInto::try_into).transpose().map_err(unreadable)?;
                    }
                    Act::RevokeApiToken(id, _) => {
                        let found = api_tokens::$module::api_token(connection, *id)?;
                        before.api_token = found.transpose().map_err(unreadable)?;
                    }
                    Act::SignIn(session, _) => {
                        let found = operator::$module::operator_by_id(connection, session.operator)?;
                        before.operator = found.map(TryInto::try_into).transpose().map_err(unreadable)?;
                    }
                    Act::SignOut(digest) => {
                        let found = operator::$module::session(connection, digest)?;
                        let found = found.map(operator::session).transpose().map_err(unreadable)?;
                        before.operator = found.map(|(_, operator)| operator);
                    }
                    Act::RevokeOauthClient(tenant, id, _) => {
                        before.client = oauth_records::$module::client(connection, *tenant, *id)?;
                    }
                    Act::RevokeClientSecret(tenant, id, _) => {
                        before.secret = oauth_records::$module::client_secret(connection, *tenant, *id)?;
                    }
                    Act::SetFederation(Federation { tenant, .. }) | Act::RemoveFederation(tenant) => {
                        before.federation = oauth_records::$module::federation(connection, *tenant)?;
                    }
                    Act::RevokeSetupLink(tenant, id, _) | Act::OpenSetupLink(tenant, id, _) => {
                        let found = setup_links::$module::setup_link(connection, *tenant, *id)?;
                        before.link = found.transpose().map_err(unreadable)?;
                    }
                    Act::ReplaceSetupToken(SetupReplacement { link, new, .. }) => {
                        let found = setup_links::$module::setup_link(connection, new.tenant, *link)?;
                        before.link = found.transpose().map_err(unreadable)?;
                    }
                    Act::CreateTenant(_)
                    | Act::CreateSetupLink(_)
                    | Act::InsertSecretToken(_)
                    | Act::CreateOauthClient(..)
                    | Act::InsertClientSecret(_)
                    | Act::StartRotation(..)
                    | Act::EndRotation(..)
                    | Act::SetRotationAutomatic(..)
                    | Act::CreateOperator(_)
                    | Act::CreateApiToken(_)
                    | Act::Note(_) => {}
                }
                Ok(before)
            }

            /// A row that we did not write.
            fn unreadable(error: StoreError) -> Error {
                Error::DeserializationError(error.into())
            }
        }
    };
}

acts!(postgres, diesel::PgConnection);
acts!(sqlite, diesel::SqliteConnection);
