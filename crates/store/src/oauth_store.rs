//! The part of [`Store`] that is about OAuth.

use crate::{
    act::Act,
    admission::line::Line,
    lane::Lane,
    model::{StoreError, TenantId},
    oauth::{ClientSecret, Federation, OauthClient, OauthClientOwner, SigningKey},
    store::{Store, has_nul},
};
use scim::Timestamp;
use uuid::Uuid;

/// Errors are faults of the database in each of them.
impl Store {
    /// Stores a client with its first secret, if it is to have one; `false` if there is one of its id, or no such
    /// tenant any more.
    ///
    /// # Errors
    /// Faults of the database, here and below.
    pub async fn create_oauth_client(
        &self,
        client: OauthClient,
        secret: Option<ClientSecret>,
    ) -> Result<bool, StoreError> {
        self.act(client.tenant, Act::CreateOauthClient(client, secret)).await
    }

    /// The clients of a tenant, oldest first, revoked ones too.
    ///
    /// # Errors
    /// As above.
    pub async fn oauth_clients(&self, tenant: TenantId) -> Result<Vec<OauthClient>, StoreError> {
        self.ask_of(tenant, move |engine| engine.oauth_clients(tenant)).await
    }

    /// The secrets of all clients of a tenant, oldest first, ended ones too.
    ///
    /// # Errors
    /// As above.
    pub async fn client_secrets(&self, tenant: TenantId) -> Result<Vec<ClientSecret>, StoreError> {
        self.ask_of(tenant, move |engine| engine.client_secrets(tenant)).await
    }

    /// The client with this id of the tenant with this label, active or not. It is asked in `line`: whether there is such a
    /// tenant may be the question.
    ///
    /// # Errors
    /// As above.
    pub async fn oauth_client(
        &self,
        label: String,
        client: Uuid,
        line: Line,
    ) -> Result<Option<OauthClientOwner>, StoreError> {
        if has_nul(&label) {
            return Ok(None);
        }
        self.ask_in(Lane::Vital, line, move |engine| engine.oauth_client(&label, client)).await
    }

    /// Stores one more secret; `false` if there is one of its id, or no such tenant any more.
    ///
    /// # Errors
    /// As above.
    pub async fn insert_client_secret(&self, secret: ClientSecret) -> Result<bool, StoreError> {
        self.act(secret.tenant, Act::InsertClientSecret(secret)).await
    }

    /// Revokes a client; `false` if there is none alive, or it is that of the tenant's federation.
    ///
    /// # Errors
    /// As above.
    pub async fn revoke_oauth_client(
        &self,
        tenant: TenantId,
        client: Uuid,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        self.act(tenant, Act::RevokeOauthClient(tenant, client, at)).await
    }

    /// Revokes a secret; `false` if there is none alive.
    ///
    /// # Errors
    /// As above.
    pub async fn revoke_client_secret(
        &self,
        tenant: TenantId,
        id: Uuid,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        self.act(tenant, Act::RevokeClientSecret(tenant, id, at)).await
    }

    /// Sets whose assertions a tenant takes, in place of the `earlier` federation or as the first one, with its `client`
    /// if that is a new one; `false` if another federation is set by now.
    ///
    /// # Errors
    /// As above.
    pub async fn set_federation(
        &self,
        federation: Federation,
        earlier: Option<Uuid>,
        client: Option<OauthClient>,
    ) -> Result<bool, StoreError> {
        let tenant = federation.tenant;
        let create = client.map(|client| Act::CreateOauthClient(client, None));
        let acts = create.into_iter().chain([Act::SetFederation(federation, earlier)]).collect();
        self.act_together(tenant, acts).await
    }

    /// Whose assertions a tenant takes.
    ///
    /// # Errors
    /// As above.
    pub async fn federation(&self, tenant: TenantId) -> Result<Option<Federation>, StoreError> {
        self.ask_of(tenant, move |engine| engine.federation(tenant)).await
    }

    /// Removes this federation, and revokes its `client` if that is alive; `false` if another one is set by now, or none.
    ///
    /// # Errors
    /// As above.
    pub async fn remove_federation(
        &self,
        tenant: TenantId,
        federation: Uuid,
        client: Option<Uuid>,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let revoke = client.map(|client| Act::RevokeOauthClient(tenant, client, at));
        let acts = [Act::RemoveFederation(tenant, federation)].into_iter().chain(revoke).collect();
        self.act_together(tenant, acts).await
    }

    /// Notes that an assertion was used; `false` if it was noted before, by whatever process, or there is no such
    /// tenant any more.
    ///
    /// # Errors
    /// As above.
    pub async fn note_assertion(
        &self,
        tenant: TenantId,
        digest: [u8; 32],
        expires: Timestamp,
    ) -> Result<bool, StoreError> {
        self.ask_in(Lane::Vital, tenant, move |engine| engine.note_assertion(tenant, &digest, expires)).await
    }

    /// Forgets the assertions that have ended.
    ///
    /// # Errors
    /// As above.
    pub async fn forget_assertions(&self, now: Timestamp) -> Result<(), StoreError> {
        self.ask_for_process(move |engine| engine.forget_assertions(now)).await
    }

    /// The keys that sign access tokens, the earliest first.
    ///
    /// # Errors
    /// As above.
    pub async fn signing_keys(&self) -> Result<Vec<SigningKey>, StoreError> {
        self.ask_in(Lane::Vital, Line::Process, |engine| engine.signing_keys()).await
    }

    /// Stores a signing key; `false` if another process has stored one that begins at the same time.
    ///
    /// # Errors
    /// As above.
    pub async fn insert_signing_key(&self, key: SigningKey) -> Result<bool, StoreError> {
        self.ask_in(Lane::Vital, Line::Process, move |engine| engine.insert_signing_key(&key)).await
    }

    /// Deletes the signing keys that are not published any more.
    ///
    /// # Errors
    /// As above.
    pub async fn delete_signing_keys(&self, now: Timestamp) -> Result<(), StoreError> {
        self.ask_for_process(move |engine| engine.delete_signing_keys(now)).await
    }
}
