//! Actions as the tests do them: each in a transaction of its own, by somebody, and refused with `false`.

use scim::Timestamp;
use std::ops::Deref;
use store::{
    control::{
        Acted, AuditEntries, Refused, Tx, client_secrets, federations, oauth_clients, rotations, scratch,
        secret_tokens, setup_links, tenants,
    },
    *,
};
use uuid::Uuid;

/// Somebody at the command line.
pub(crate) fn root(at: Timestamp) -> By {
    By { actor: Actor::CommandLine { user: "root".to_owned() }, origin: "host".to_owned(), at }
}

/// A store in the hands of somebody.
#[derive(Clone)]
pub(crate) struct Hands {
    store: Store,
    by: By,
}

pub(crate) fn hands(store: &Store, by: By) -> Hands {
    Hands { store: store.clone(), by }
}

impl Deref for Hands {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.store
    }
}

impl Acts for Hands {
    fn in_hands(&self) -> (&Store, By) {
        (&self.store, self.by.clone())
    }
}

/// At the command line.
impl Acts for Store {
    fn in_hands(&self) -> (&Store, By) {
        (self, root(Timestamp(1_795_000_000_000)))
    }
}

/// What is done, or refused with `false`.
pub(crate) type Done = Result<bool, StoreError>;

pub(crate) fn is_done<T, E>(outcome: Result<T, Refused<E>>) -> Done {
    match outcome {
        Ok(_) => Ok(true),
        Err(Refused::Because(_)) => Ok(false),
        Err(Refused::Failed(error)) => Err(error),
    }
}

pub(crate) trait Acts {
    fn in_hands(&self) -> (&Store, By);

    async fn done<T, E, A>(
        &self,
        tenant: TenantId,
        action: impl FnOnce(&mut Tx<'_>) -> Acted<(T, A), E> + Send + 'static,
    ) -> Done
    where
        T: Send + 'static,
        E: Send + 'static,
        A: Into<AuditEntries>,
    {
        let (store, by) = self.in_hands();
        is_done(store.act(&by, tenant, action).await)
    }

    async fn open_scratch(&self, like: TenantId, tenant: Tenant, token: SecretTokenRow) -> Done {
        self.done(like, move |tx| scratch::open(tx, like, &tenant, &token)).await
    }

    async fn create_tenant(&self, tenant: Tenant) -> Done {
        self.done(tenant.id, move |tx| tenants::create(tx, &tenant)).await
    }

    async fn set_tenant_state(&self, tenant: TenantId, state: TenantState) -> Done {
        self.done(tenant, move |tx| tenants::set_state(tx, tenant, state)).await
    }

    async fn change_tenant(&self, tenant: TenantId, update: TenantUpdate) -> Done {
        self.done(tenant, move |tx| tenants::change(tx, tenant, update)).await
    }

    async fn erase_tenant(&self, tenant: TenantId) -> Done {
        let (store, by) = self.in_hands();
        is_done(store.delete_tenant(&by, tenant).await)
    }

    async fn insert_secret_token(&self, token: SecretTokenRow) -> Done {
        self.done(token.tenant, move |tx| secret_tokens::issue(tx, &token)).await
    }

    async fn revoke_secret_token(&self, tenant: TenantId, id: Uuid, at: Timestamp) -> Done {
        self.done(tenant, move |tx| secret_tokens::revoke(tx, tenant, id, at)).await
    }

    async fn create_oauth_client(&self, client: OauthClient, secret: Option<ClientSecret>) -> Done {
        self.done(client.tenant, move |tx| oauth_clients::create(tx, &client, secret.as_ref())).await
    }

    async fn revoke_oauth_client(&self, tenant: TenantId, id: Uuid, at: Timestamp) -> Done {
        self.done(tenant, move |tx| oauth_clients::revoke(tx, tenant, id, at)).await
    }

    async fn insert_client_secret(&self, secret: ClientSecret) -> Done {
        self.done(secret.tenant, move |tx| client_secrets::issue(tx, &secret)).await
    }

    async fn revoke_client_secret(&self, tenant: TenantId, id: Uuid, at: Timestamp) -> Done {
        self.done(tenant, move |tx| client_secrets::revoke(tx, tenant, id, at)).await
    }

    async fn set_federation(
        &self,
        federation: Federation,
        earlier: Option<Uuid>,
        client: Option<OauthClient>,
    ) -> Done {
        let tenant = federation.tenant;
        self.done(tenant, move |tx| federations::set(tx, &federation, earlier, client.as_ref())).await
    }

    async fn remove_federation(
        &self,
        tenant: TenantId,
        id: Uuid,
        client: Option<Uuid>,
        at: Timestamp,
    ) -> Done {
        self.done(tenant, move |tx| federations::remove(tx, tenant, id, client, at)).await
    }

    async fn create_setup_link(&self, link: SetupLink) -> Done {
        self.done(link.tenant, move |tx| setup_links::create(tx, &link)).await
    }

    async fn open_setup_link(&self, link: Uuid, opening: SetupOpening, token: SecretTokenRow) -> Done {
        self.done(token.tenant, move |tx| setup_links::open(tx, link, opening, &token)).await
    }

    async fn replace_setup_token(&self, replacement: SetupReplacement, at: Timestamp) -> Done {
        self.done(replacement.new.tenant, move |tx| setup_links::replace_token(tx, &replacement, at)).await
    }

    async fn revoke_setup_link(&self, revocation: SetupRevocation, at: Timestamp) -> Done {
        self.done(revocation.tenant, move |tx| setup_links::revoke(tx, revocation, at)).await
    }

    async fn start_rotation(&self, rotation: Rotation, successor: Successor) -> Done {
        self.done(rotation.tenant, move |tx| rotations::start(tx, &rotation, &successor)).await
    }

    async fn end_rotation(&self, rotation: Rotation, ending: Ending) -> Done {
        self.done(rotation.tenant, move |tx| rotations::end(tx, &rotation, &ending)).await
    }

    async fn set_rotation_automatic(&self, rotation: Rotation, is_automatic: bool) -> Done {
        self.done(rotation.tenant, move |tx| rotations::set_automatic(tx, &rotation, is_automatic)).await
    }
}
