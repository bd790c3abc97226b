//! Tenants: opened, changed, suspended, resumed, erased.

use crate::{Admin, Failure, idempotency};
use scim::Profile;
use store::{
    By, Tenant, TenantId, TenantState, TenantUpdate,
    control::{
        Refused,
        tenants::{self, LabelTaken, TenantGone},
    },
};
use uuid::Uuid;

/// Longest name.
const MAX_NAME: usize = 200;

/// A tenant to be opened.
#[derive(Clone, Debug)]
pub struct NewTenant {
    /// The customer's name.
    pub name: String,
    /// Its part of the Tenant URL; made from the name if not given.
    pub label: Option<String>,
    /// How its provisioning client speaks SCIM.
    pub profile: Profile,
}

impl Admin {
    /// Opens a tenant. With an Idempotency-Key the same request of the same operator opens one tenant.
    ///
    /// # Errors
    /// A name or label that is none; a label that is taken; a key that was used for something else.
    pub async fn create_tenant(
        &self,
        by: &By,
        new: NewTenant,
        idempotency_key: Option<&str>,
    ) -> Result<Tenant, Failure> {
        let new = check(new, by)?;
        let find = async |id: Uuid| Ok(self.store.tenant(&id.to_string()).await?);
        // Name and profile may have been changed since.
        let is_same = |earlier: &Tenant| earlier.label == new.label;
        let make = async |id| {
            let tenant = Tenant { id: TenantId(id), ..new.clone() };
            let row = tenant.clone();
            let created = self.store.act(by, TenantId(id), move |tx| tenants::create(tx, &row)).await;
            created.map_err(|refused| {
                let label = &new.label;
                let taken = format!("The label \"{label}\" is already taken. Choose another one.");
                refused.told_as(|LabelTaken| Failure::Conflict(taken))
            })?;
            Ok(tenant)
        };
        idempotency::once(("tenant", by, idempotency_key), find, is_same, make).await
    }

    /// Changes the name or the compatibility profile of a tenant; what is not given stays.
    ///
    /// # Errors
    /// No such tenant; a name that is none.
    pub async fn change_tenant(
        &self,
        by: &By,
        tenant: &str,
        update: TenantUpdate,
    ) -> Result<Tenant, Failure> {
        let before = self.tenant(tenant).await?;
        let name = update.name.as_deref().map(check_name).transpose()?.map(str::to_owned);
        let (id, update) = (before.id, TenantUpdate { name, ..update });
        let changed = self.store.act(by, id, move |tx| tenants::change(tx, id, update)).await;
        let tenant = changed.map_err(|refused| refused.told_as(|TenantGone| gone(&before)))?;
        if tenant.profile != before.profile {
            // Clients that are remembered have the old one.
            self.credentials_have_ended();
        }
        Ok(tenant)
    }

    /// Suspends (every request of its provisioning client gets 403, everything is kept) or resumes.
    ///
    /// # Errors
    /// No such tenant.
    pub async fn set_tenant_state(
        &self,
        by: &By,
        tenant: &str,
        state: TenantState,
    ) -> Result<Tenant, Failure> {
        let before = self.tenant(tenant).await?;
        let id = before.id;
        let set = self.store.act(by, id, move |tx| tenants::set_state(tx, id, state)).await;
        let tenant = set.map_err(|refused| refused.told_as(|TenantGone| gone(&before)))?;
        self.credentials_have_ended();
        Ok(tenant)
    }

    /// A tenant that somebody means who has typed its label: a slip of a key, or of a script, meets no customer.
    ///
    /// # Errors
    /// No such tenant; another confirmation.
    pub async fn confirmed_tenant(&self, tenant: &str, confirmation: &str) -> Result<Tenant, Failure> {
        let tenant = self.tenant(tenant).await?;
        if confirmation == tenant.label {
            return Ok(tenant);
        }
        Err(Failure::Invalid(
            "Confirm that this tenant is meant: by its label (confirm). Nothing was done.".to_owned(),
        ))
    }

    /// Erases a tenant permanently, with every user, group, credential and change of it. Where it fails halfway, it can be
    /// erased again, but not be used any more. `confirmation` must be its label.
    ///
    /// # Errors
    /// No such tenant; another confirmation.
    pub async fn delete_tenant(&self, by: &By, tenant: &str, confirmation: &str) -> Result<(), Failure> {
        let tenant = self.confirmed_tenant(tenant, confirmation).await?;
        let gone = |refused: Refused<TenantGone>| refused.told_as(|TenantGone| gone(&tenant));
        self.store.begin_erasing(tenant.id).await.map_err(gone)?;
        self.credentials_have_ended();
        self.store.delete_tenant(by, tenant.id).await.map_err(gone)
    }
}

fn gone(tenant: &Tenant) -> Failure {
    Failure::NotFound(format!("There is no tenant \"{}\" any more.", tenant.label))
}

fn check_name(name: &str) -> Result<&str, Failure> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > MAX_NAME || name.chars().any(char::is_control) {
        return Err(Failure::Invalid(format!(
            "A name has 1 to {MAX_NAME} characters, none of them a control."
        )));
    }
    Ok(name)
}

/// What shall be opened, without an id.
fn check(new: NewTenant, by: &By) -> Result<Tenant, Failure> {
    let name = check_name(&new.name)?;
    let label = match new.label {
        Some(label) => store::label::check(&label).map(|()| label).map_err(Failure::Invalid)?,
        None => store::label::from_name(name)
            .map_err(|_| Failure::Invalid("No label can be made from this name: give one.".to_owned()))?,
    };
    Ok(Tenant {
        id: TenantId(Uuid::nil()),
        label,
        name: name.to_owned(),
        profile: new.profile,
        state: TenantState::Active,
        created: by.at,
    })
}
