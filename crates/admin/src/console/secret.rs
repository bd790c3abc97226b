//! The one time that a credential is seen: what goes into Entra, field by field.

use super::{
    frame::{Frame, Section},
    tenant::{Tab, TenantHead},
    visitor::Visitor,
};
use crate::{Admin, GivenSecret, GivenToken, NewSecret, StartedRotation, caller::Support};
use askama::Template;
use scim::Timestamp;
use store::Tenant;
use uuid::Uuid;

/// What Entra asks for beside a client secret.
struct Client {
    token_endpoint: String,
    id: Uuid,
}

/// The page that shows it.
#[derive(Template)]
#[template(path = "secret.html")]
pub(super) struct SecretPage {
    frame: Frame,
    tenant: TenantHead,
    tenant_url: String,
    /// What Entra calls it.
    name: &'static str,
    key_id: String,
    expires: Option<Timestamp>,
    /// None where the form was sent before.
    secret: Option<String>,
    client: Option<Client>,
    /// The key id of the one that it shall replace.
    replaces: Option<String>,
    /// Where the page leads.
    next: &'static str,
}

impl SecretPage {
    /// A Secret Token that was issued.
    pub(super) fn token(visitor: &Visitor<Support>, admin: &Admin, given: &GivenToken) -> SecretPage {
        SecretPage {
            key_id: given.row.key_id.clone(),
            expires: given.row.expires,
            secret: given.token.as_ref().map(|token| token.reveal().to_owned()),
            ..SecretPage::empty(visitor, admin, &given.tenant, None)
        }
    }

    /// A client secret that was issued.
    pub(super) fn client_secret(
        visitor: &Visitor<Support>,
        admin: &Admin,
        given: &GivenSecret,
    ) -> SecretPage {
        SecretPage {
            key_id: given.row.key_id.clone(),
            expires: Some(given.row.expires),
            secret: given.secret.as_ref().map(|secret| secret.reveal().to_owned()),
            ..SecretPage::empty(visitor, admin, &given.tenant, Some(given.client.id))
        }
    }

    /// The new credential of a rotation, with the OAuth client that it is a secret of.
    pub(super) fn rotation(
        visitor: &Visitor<Support>,
        admin: &Admin,
        (tenant, client): (&Tenant, Option<Uuid>),
        started: &StartedRotation,
    ) -> SecretPage {
        let reveal = |secret: &NewSecret| match secret {
            NewSecret::SecretToken(token) => token.reveal().to_owned(),
            NewSecret::ClientSecret(secret) => secret.reveal().to_owned(),
        };
        SecretPage {
            key_id: started.rotation.new.key_id.clone(),
            expires: started.rotation.new.expires,
            secret: started.secret.as_ref().map(reveal),
            replaces: Some(started.rotation.old.key_id.clone()),
            next: "/credentials",
            ..SecretPage::empty(visitor, admin, tenant, client)
        }
    }

    fn empty(visitor: &Visitor<Support>, admin: &Admin, tenant: &Tenant, client: Option<Uuid>) -> SecretPage {
        let (tab, name, next) = match client {
            Some(_) => (Tab::Oauth, "Client secret", "/oauth"),
            None => (Tab::Credentials, "Secret Token", "/credentials"),
        };
        SecretPage {
            frame: visitor.frame(Section::Tenants),
            tenant: TenantHead::of(tenant, tab),
            tenant_url: admin.tenant_url(tenant),
            name,
            key_id: String::new(),
            expires: None,
            secret: None,
            client: client.map(|id| Client { token_endpoint: admin.token_endpoint(tenant), id }),
            replaces: None,
            next,
        }
    }
}
