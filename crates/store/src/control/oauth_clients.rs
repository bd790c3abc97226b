//! OAuth clients of a tenant (RFC 6749 section 2).

use super::{
    act::{Acted, Refused},
    audit::AuditEntry,
    client_secrets::{self, ClientSecret},
    federations::{self, Federation},
    tenants::{self, Tenant},
};
use crate::{
    connection::read_by,
    data::model::{StoreError, TenantId},
    jobs::admission::line::Line,
    jobs::lane::Lane,
    schema::{oauth_clients, tenants as tenants_table, types::Id},
    store::{Store, has_nul},
    tx::Tx,
};
use diesel::prelude::*;
use scim::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

/// A client of a tenant (RFC 6749 section 2): it authenticates by secrets or by assertions of a federation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OauthClient {
    /// The client id.
    pub id: Uuid,
    /// The tenant that it belongs to.
    pub tenant: TenantId,
    /// A word of the operator's.
    pub label: String,
    /// When it was made.
    pub created: Timestamp,
    /// Since when it is revoked, with everything that it holds.
    pub revoked: Option<Timestamp>,
}

impl OauthClient {
    /// As the audit log shows it.
    fn shown(&self) -> Value {
        json!({
            "client_id": self.id,
            "label": self.label,
            "revoked": self.revoked.map(Timestamp::to_rfc3339),
        })
    }
}

/// A client with all that it may authenticate by, alive or not, and its tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OauthClientOwner {
    /// Its tenant.
    pub tenant: Tenant,
    /// The client.
    pub client: OauthClient,
    /// Its secrets, oldest first.
    pub secrets: Vec<ClientSecret>,
    /// The federation that names it.
    pub federation: Option<Federation>,
}

/// The row as it is stored. It is public only because diesel reads [`OauthClient`] by it.
#[doc(hidden)]
#[derive(Insertable, Queryable)]
#[diesel(table_name = oauth_clients)]
pub struct ClientRecord {
    tenant_id: Id,
    id: Id,
    label: String,
    created_at: i64,
    revoked_at: Option<i64>,
}

impl From<&OauthClient> for ClientRecord {
    fn from(client: &OauthClient) -> Self {
        ClientRecord {
            tenant_id: Id(client.tenant.0),
            id: Id(client.id),
            label: client.label.clone(),
            created_at: client.created.0,
            revoked_at: client.revoked.map(|time| time.0),
        }
    }
}

impl From<ClientRecord> for OauthClient {
    fn from(record: ClientRecord) -> Self {
        OauthClient {
            id: record.id.0,
            tenant: TenantId(record.tenant_id.0),
            label: record.label,
            created: Timestamp(record.created_at),
            revoked: record.revoked_at.map(Timestamp),
        }
    }
}

read_by!(OauthClient, ClientRecord);

/// Why a client was not stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CreateRefused {
    /// There is no such tenant, or it is being erased.
    TenantGone,
    /// There is a client or a secret of this id.
    Exists,
}

/// Why a client was not revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevokeRefused {
    /// There is no such tenant, or it is being erased.
    TenantGone,
    /// There is no such client, or it is revoked.
    NotAlive,
    /// It is the client of the tenant's federation: it ends with that.
    Federated,
}

/// Stores a client, with its first secret if it is to have one.
///
/// # Errors
/// [`CreateRefused`].
pub fn create(
    tx: &mut Tx<'_>,
    client: &OauthClient,
    secret: Option<&ClientSecret>,
) -> Acted<((), AuditEntry), CreateRefused> {
    tenants::lock_or(tx, client.tenant, CreateRefused::TenantGone)?;
    let row = diesel::insert_into(oauth_clients::table).values(ClientRecord::from(client));
    let is_new = tx.insert(|db| row.execute(db))?
        && match secret {
            Some(secret) => client_secrets::insert(tx, secret)?,
            None => true,
        };
    if !is_new {
        return Err(Refused::Because(CreateRefused::Exists));
    }
    let after = json!({ "client": client.shown(), "secret": secret.map(ClientSecret::shown) });
    Ok(((), entry("oauth-client.create", client).makes(after)))
}

/// Revokes a client, with everything that it holds. Returns it as it is then.
///
/// # Errors
/// [`RevokeRefused`].
pub fn revoke(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    id: Uuid,
    at: Timestamp,
) -> Acted<(OauthClient, AuditEntry), RevokeRefused> {
    tenants::lock_or(tx, tenant, RevokeRefused::TenantGone)?;
    // No client becomes that of a federation but a new one, so the answer holds.
    if federations::of_client(tx, tenant, id)?.is_some() {
        return Err(Refused::Because(RevokeRefused::Federated));
    }
    let row = oauth_clients::table.find((Id(tenant.0), Id(id)));
    let found: Option<OauthClient> =
        row.filter(oauth_clients::revoked_at.is_null()).first(tx.db).optional()?;
    let before = found.ok_or(Refused::Because(RevokeRefused::NotAlive))?;
    diesel::update(row).set(oauth_clients::revoked_at.eq(Some(at.0))).execute(tx.db)?;
    let after = OauthClient { revoked: Some(at), ..before.clone() };
    let entry = entry("oauth-client.revoke", &before).changes(before.shown(), after.shown());
    Ok((after, entry))
}

fn entry(action: &'static str, client: &OauthClient) -> AuditEntry {
    AuditEntry::of_tenant(action, client.id.to_string(), client.tenant)
}

fn find(tx: &mut Tx<'_>, label: &str, client: Uuid) -> QueryResult<Option<OauthClientOwner>> {
    let owner: Option<(OauthClient, Tenant)> = oauth_clients::table
        .inner_join(tenants_table::table.on(tenants_table::id.eq(oauth_clients::tenant_id)))
        .filter(tenants_table::label.eq(label).and(oauth_clients::id.eq(Id(client))))
        .first(tx.db)
        .optional()?;
    let Some((client, tenant)) = owner else { return Ok(None) };
    let secrets = client_secrets::of_client(tx, tenant.id, client.id)?;
    let federation = federations::of_client(tx, tenant.id, client.id)?;
    Ok(Some(OauthClientOwner { tenant, client, secrets, federation }))
}

impl Store {
    /// The clients of a tenant, oldest first, revoked ones too.
    ///
    /// # Errors
    /// Faults of the database.
    pub async fn oauth_clients(&self, tenant: TenantId) -> Result<Vec<OauthClient>, StoreError> {
        let all = oauth_clients::table
            .filter(oauth_clients::tenant_id.eq(Id(tenant.0)))
            .order((oauth_clients::created_at, oauth_clients::id));
        self.read(Lane::Operators, tenant, move |tx| all.load(tx.db)).await
    }

    /// The client with this id of the tenant with this label, active or not. It is looked up in `line`: whether there is such
    /// a tenant may be the question.
    ///
    /// # Errors
    /// Faults of the database.
    pub async fn oauth_client(
        &self,
        label: String,
        client: Uuid,
        line: Line,
    ) -> Result<Option<OauthClientOwner>, StoreError> {
        if has_nul(&label) {
            return Ok(None);
        }
        self.read(Lane::Vital, line, move |tx| find(tx, &label, client)).await
    }
}
