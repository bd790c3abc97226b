//! Administrative acts: each with its row of the audit log, in one transaction.

use crate::{
    api_tokens::ApiTokenRow,
    audit::Deed,
    credential::{Ending, Rotation, Successor},
    model::{SecretTokenRow, Tenant, TenantId, TenantState, TenantUpdate},
    oauth::{ClientSecret, Federation, OauthClient},
    operator::{Operator, OperatorChange, Proof, Session},
    setup_links::{SetupLink, SetupOpening, SetupReplacement, SetupRevocation},
};
use scim::Timestamp;
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
    /// Unless it is that of a federation.
    RevokeOauthClient(TenantId, Uuid, Timestamp),
    InsertClientSecret(ClientSecret),
    RevokeClientSecret(TenantId, Uuid, Timestamp),
    /// In place of the one of this id, or as the first.
    SetFederation(Federation, Option<Uuid>),
    RemoveFederation(TenantId, Uuid),
    CreateSetupLink(SetupLink),
    RevokeSetupLink(SetupRevocation, Timestamp),
    OpenSetupLink(TenantId, Uuid, SetupOpening),
    /// The link's part of it alone: the tokens are acts of their own.
    ReplaceSetupToken(SetupReplacement),
    StartRotation(Rotation, Successor),
    EndRotation(Rotation, Ending),
    SetRotationAutomatic(Rotation, bool),
    CreateOperator(Operator),
    ChangeOperator(Uuid, OperatorChange),
    /// In this session, if it still goes on; in none at the command line.
    CreateApiToken(ApiTokenRow, Option<[u8; 32]>),
    RevokeApiToken(Uuid, Timestamp),
    SignIn(Session, Proof),
    SignOut([u8; 32]),
    /// Done elsewhere: an export.
    Note(Deed),
}

impl Act {
    /// The tenant that it is about, unless that is to be created.
    pub(crate) fn tenant(&self) -> Option<TenantId> {
        match self {
            Act::SetTenantState(tenant, _)
            | Act::ChangeTenant(tenant, _)
            | Act::DeleteTenant(tenant)
            | Act::InsertSecretToken(SecretTokenRow { tenant, .. })
            | Act::RevokeSecretToken(tenant, ..)
            | Act::CreateOauthClient(OauthClient { tenant, .. }, _)
            | Act::RevokeOauthClient(tenant, ..)
            | Act::InsertClientSecret(ClientSecret { tenant, .. })
            | Act::RevokeClientSecret(tenant, ..)
            | Act::SetFederation(Federation { tenant, .. }, _)
            | Act::RemoveFederation(tenant, _)
            | Act::CreateSetupLink(SetupLink { tenant, .. })
            | Act::RevokeSetupLink(SetupRevocation { tenant, .. }, _)
            | Act::OpenSetupLink(tenant, ..)
            | Act::ReplaceSetupToken(SetupReplacement { new: SecretTokenRow { tenant, .. }, .. })
            | Act::StartRotation(Rotation { tenant, .. }, _)
            | Act::EndRotation(Rotation { tenant, .. }, _)
            | Act::SetRotationAutomatic(Rotation { tenant, .. }, _) => Some(*tenant),
            Act::CreateTenant(_)
            | Act::CreateOperator(_)
            | Act::ChangeOperator(..)
            | Act::CreateApiToken(..)
            | Act::RevokeApiToken(..)
            | Act::SignIn(..)
            | Act::SignOut(_)
            | Act::Note(_) => None,
        }
    }

    /// Whether what it is to bring about is so already: it is done, and nothing that the audit log would have to say.
    fn is_so(&self, before: &Before) -> bool {
        match self {
            Act::SetTenantState(_, state) => {
                before.tenant.as_ref().is_some_and(|tenant| tenant.state == *state)
            }
            _ => false,
        }
    }
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

macro_rules! acts {
    ($module:ident, $connection:ty) => {
        pub(crate) mod $module {
            use super::{Act, Before};
            use crate::oauth::Federation;
            use crate::{
                api_tokens::{self, ApiTokenRow},
                audit::{self, By},
                credential_records, locks,
                model::StoreError,
                oauth_records,
                operator::{Operator, Session},
                operator_records, records, setup_links,
                setup_links::{SetupReplacement, SetupRevocation},
            };
            use diesel::{Connection, QueryResult, result::Error};
            use uuid::Uuid;

            /// Does them in this order, all or none; `Ok(false)`: one was not done, as none is for a tenant that has gone,
            /// and nothing is written.
            pub(crate) fn act(
                connection: &mut $connection,
                by: Option<&By>,
                acts: &[Act],
            ) -> QueryResult<bool> {
                let done = connection.transaction(|connection| {
                    let mut deeds = Vec::with_capacity(acts.len());
                    for act in acts {
                        if !locks::$module::lock(connection, act)? {
                            return Err(Error::RollbackTransaction);
                        }
                        let before = before(connection, act)?;
                        if act.is_so(&before) {
                            continue;
                        }
                        if !perform(connection, act)? {
                            return Err(Error::RollbackTransaction);
                        }
                        deeds.push(act.deed(&before));
                    }
                    // The end of the chain is one row for all: locked last, it is waited for by nobody who holds what
                    // we still need.
                    for (by, deed) in by.into_iter().flat_map(|by| deeds.iter().map(move |deed| (by, deed))) {
                        audit::$module::append(connection, by, deed)?;
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
                    Act::InsertSecretToken(token) => records::$module::insert_secret_token(connection, token),
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
                    Act::SetFederation(federation, earlier) => {
                        oauth_records::$module::set_federation(connection, federation, *earlier)
                    }
                    Act::RemoveFederation(tenant, id) => {
                        oauth_records::$module::remove_federation(connection, *tenant, *id)
                    }
                    Act::CreateSetupLink(link) => setup_links::$module::insert_setup_link(connection, link),
                    Act::RevokeSetupLink(revocation, at) => {
                        setup_links::$module::revoke_setup_link(connection, revocation, *at)
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
                    Act::CreateOperator(operator) => {
                        operator_records::$module::create_operator(connection, operator)
                    }
                    Act::ChangeOperator(id, change) => {
                        operator_records::$module::change_operator(connection, *id, change)
                    }
                    Act::CreateApiToken(token, session) => {
                        api_tokens::$module::insert_api_token(connection, token, session.as_ref())
                    }
                    Act::RevokeApiToken(id, at) => {
                        api_tokens::$module::revoke_api_token(connection, *id, *at)
                    }
                    Act::SignIn(session, proof) => {
                        let holds = operator_records::$module::holds(connection, session.operator, proof)?;
                        if holds {
                            operator_records::$module::insert_session(connection, session)?;
                        }
                        Ok(holds)
                    }
                    Act::SignOut(digest) => operator_records::$module::delete_session(connection, digest),
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
                    Act::ChangeOperator(id, _)
                    | Act::CreateApiToken(ApiTokenRow { operator: id, .. }, _)
                    | Act::SignIn(Session { operator: id, .. }, _) => {
                        before.operator = operator(connection, *id)?;
                    }
                    Act::RevokeApiToken(id, _) => {
                        let found = api_tokens::$module::api_token(connection, *id)?;
                        before.api_token = found.transpose().map_err(unreadable)?;
                        if let Some(token) = &before.api_token {
                            before.operator = operator(connection, token.operator)?;
                        }
                    }
                    Act::SignOut(digest) => {
                        let found = operator_records::$module::session(connection, digest)?;
                        let found = found.map(operator_records::session).transpose().map_err(unreadable)?;
                        before.operator = found.map(|(_, operator)| operator);
                    }
                    Act::RevokeOauthClient(tenant, id, _) => {
                        before.client = oauth_records::$module::client(connection, *tenant, *id)?;
                    }
                    Act::RevokeClientSecret(tenant, id, _) => {
                        before.secret = oauth_records::$module::client_secret(connection, *tenant, *id)?;
                    }
                    Act::SetFederation(Federation { tenant, .. }, _) | Act::RemoveFederation(tenant, _) => {
                        before.federation = oauth_records::$module::federation(connection, *tenant)?;
                    }
                    Act::RevokeSetupLink(SetupRevocation { tenant, link: id, .. }, _)
                    | Act::OpenSetupLink(tenant, id, _) => {
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
                    | Act::Note(_) => {}
                }
                Ok(before)
            }

            fn operator(connection: &mut $connection, id: Uuid) -> QueryResult<Option<Operator>> {
                let found = operator_records::$module::operator_by_id(connection, id)?;
                found.map(TryInto::try_into).transpose().map_err(unreadable)
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
