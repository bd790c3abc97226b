//! OAuth clients of a tenant and their secrets, in the hands of an operator.

use crate::{
    Admin, Failure, Listed,
    idempotency::{self, lasts},
    paging::Moment,
    secret_tokens::check_label,
};
use std::time::Duration;
use store::{By, ClientSecret, OauthClient, Tenant};
use tokens::{ClientSecretText, ClientWithSecrets, IssuedSecret};
use uuid::Uuid;

/// A secret that was asked for.
#[derive(Debug)]
pub struct GivenSecret {
    /// Whose.
    pub tenant: Tenant,
    /// Of which client.
    pub client: OauthClient,
    /// What is stored of it.
    pub row: ClientSecret,
    /// The secret; none where the same request has been answered with it before.
    pub secret: Option<ClientSecretText>,
}

impl Admin {
    /// The OAuth clients of a tenant with their secrets, oldest first, ended ones too.
    ///
    /// # Errors
    /// No such tenant.
    pub async fn oauth_clients(&self, tenant: &str) -> Result<(Tenant, Vec<ClientWithSecrets>), Failure> {
        let tenant = self.tenant(tenant).await?;
        let clients = self.oauth_clients.list(tenant.id).await?;
        Ok((tenant, clients))
    }

    /// A page of them.
    ///
    /// # Errors
    /// No such tenant; a cursor of another list.
    pub async fn oauth_clients_page(
        &self,
        tenant: &str,
        cursor: Option<&str>,
        count: Option<u32>,
    ) -> Result<(Tenant, Listed<ClientWithSecrets>), Failure> {
        let (tenant, clients) = self.oauth_clients(tenant).await?;
        // A tenant has one or two: it is their secrets that are renewed.
        let place = |found: &ClientWithSecrets| Moment(found.client.created, found.client.id);
        Ok((tenant, Listed::of_few(clients, (cursor, count), place)?))
    }

    /// Makes a client with its first secret. With an Idempotency-Key the same request of the same operator makes one
    /// client; only its first answer has the secret.
    ///
    /// # Errors
    /// No such tenant; a label or lifetime that is none; as many clients as there may be; a key that was used for
    /// something else.
    pub async fn create_oauth_client(
        &self,
        by: &By,
        tenant: &str,
        label: &str,
        lifetime: Option<Duration>,
        idempotency_key: Option<&str>,
    ) -> Result<GivenSecret, Failure> {
        check_label(label)?;
        let tenant = self.tenant(tenant).await?;
        let lifetime = lifetime.unwrap_or(self.settings.client_secret_lifetime);
        let find = async |id| {
            let Some(ClientWithSecrets { client, secrets }) = self.client(&tenant, id).await? else {
                return Ok(None);
            };
            let first = secrets.into_iter().find(|secret| secret.created == client.created);
            Ok(first.map(|row| GivenSecret { tenant: tenant.clone(), client, row, secret: None }))
        };
        let is_same = |GivenSecret { client, row, .. }: &GivenSecret| {
            client.label == label && lasts(row.created, row.expires, lifetime)
        };
        let make = async |id| {
            let made = self.oauth_clients.create(by, (tenant.id, id), label, lifetime).await?;
            let (client, IssuedSecret { secret, row }) = made;
            Ok(GivenSecret { tenant: tenant.clone(), client, row, secret: Some(secret) })
        };
        let what = format!("oauth client {}", tenant.id);
        idempotency::once((&what, by, idempotency_key), find, is_same, make).await
    }

    /// Issues one more secret of a client; the others stay good. Idempotency-Keys are as above.
    ///
    /// # Errors
    /// No such tenant or client; a lifetime that is none; as many secrets as there may be; a key that was used for
    /// something else.
    pub async fn issue_client_secret(
        &self,
        by: &By,
        (tenant, client): (&str, &str),
        lifetime: Option<Duration>,
        idempotency_key: Option<&str>,
    ) -> Result<GivenSecret, Failure> {
        let tenant = self.tenant(tenant).await?;
        let found = self.client(&tenant, client_id(client)?).await?;
        let client = found.ok_or_else(no_such_client)?.client;
        let lifetime = lifetime.unwrap_or(self.settings.client_secret_lifetime);
        let given = |row, secret| GivenSecret { tenant: tenant.clone(), client: client.clone(), row, secret };
        let find = async |id| {
            let found = self.client(&tenant, client.id).await?;
            let mut secrets = found.into_iter().flat_map(|found| found.secrets);
            Ok(secrets.find(|secret| secret.id == id).map(|row| given(row, None)))
        };
        let is_same = |GivenSecret { row, .. }: &GivenSecret| lasts(row.created, row.expires, lifetime);
        let make = async |id| {
            let which = (tenant.id, client.id, id);
            let IssuedSecret { secret, row } = self.oauth_clients.add_secret(by, which, lifetime).await?;
            Ok(given(row, Some(secret)))
        };
        let what = format!("client secret {} {}", tenant.id, client.id);
        idempotency::once((&what, by, idempotency_key), find, is_same, make).await
    }

    /// Ends a secret now, with the access tokens that were issued for it.
    ///
    /// # Errors
    /// No such tenant, client or secret that is alive.
    pub async fn revoke_client_secret(
        &self,
        by: &By,
        (tenant, client): (&str, &str),
        key_id: &str,
    ) -> Result<ClientSecret, Failure> {
        let tenant = self.tenant(tenant).await?;
        let client = client_id(client)?;
        let revoked = self.oauth_clients.revoke_secret(by, tenant.id, client, key_id).await?;
        self.credentials_have_ended();
        Ok(revoked)
    }

    /// Ends a client now, with its secrets and access tokens.
    ///
    /// # Errors
    /// No such tenant or client that is alive; it is that of the federation.
    pub async fn revoke_oauth_client(
        &self,
        by: &By,
        tenant: &str,
        client: &str,
    ) -> Result<ClientWithSecrets, Failure> {
        let tenant = self.tenant(tenant).await?;
        let id = client_id(client)?;
        self.oauth_clients.revoke(by, tenant.id, id).await?;
        self.credentials_have_ended();
        self.client(&tenant, id).await?.ok_or_else(no_such_client)
    }

    /// A secret, ended or not, and whose it is.
    ///
    /// # Errors
    /// No such tenant, client or secret.
    pub(crate) async fn client_secret(
        &self,
        tenant: &str,
        client: &str,
        key_id: &str,
    ) -> Result<(Tenant, OauthClient, ClientSecret), Failure> {
        let tenant = self.tenant(tenant).await?;
        let found = self.client(&tenant, client_id(client)?).await?.ok_or_else(no_such_client)?;
        let secret = found.secrets.into_iter().find(|secret| secret.key_id == key_id);
        let no_such = || Failure::NotFound("The client has no secret of this key id.".to_owned());
        Ok((tenant, found.client, secret.ok_or_else(no_such)?))
    }

    /// Where the OAuth clients of a tenant get access tokens.
    pub fn token_endpoint(&self, tenant: &Tenant) -> String {
        format!("{}/t/{}/oauth/token", self.settings.public_url, tenant.label)
    }

    async fn client(&self, tenant: &Tenant, id: Uuid) -> Result<Option<ClientWithSecrets>, Failure> {
        let clients = self.oauth_clients.list(tenant.id).await?;
        Ok(clients.into_iter().find(|found| found.client.id == id))
    }
}

fn client_id(text: &str) -> Result<Uuid, Failure> {
    Uuid::try_parse(text).map_err(|_| no_such_client())
}

fn no_such_client() -> Failure {
    Failure::NotFound("The tenant has no OAuth client of this id.".to_owned())
}
