//! Workload identity federation of a tenant: whose assertions it takes, in the hands of an operator.

use crate::{Admin, Failure};
use keys::check_address;
use store::{By, Federation, Tenant};
use tokens::FederationTerms;

/// Longest issuer, subject, audience or address, in bytes.
const MAX_TERM: usize = 500;

impl Admin {
    /// Whose assertions a tenant takes, if it takes any.
    ///
    /// # Errors
    /// No such tenant.
    pub async fn federation(&self, tenant: &str) -> Result<(Tenant, Option<Federation>), Failure> {
        let tenant = self.tenant(tenant).await?;
        let federation = self.oauth_clients.federation(tenant.id).await?;
        Ok((tenant, federation))
    }

    /// Sets it, in place of what was set before. The same terms again change nothing; others end the access tokens of the
    /// old ones. The client id stays, unless that client is revoked.
    ///
    /// # Errors
    /// No such tenant; terms that can never be met, with what is wrong; somebody else who sets it at this moment.
    pub async fn set_federation(
        &self,
        by: &By,
        tenant: &str,
        terms: FederationTerms,
    ) -> Result<(Tenant, Federation), Failure> {
        let tenant = self.tenant(tenant).await?;
        for (name, term) in [
            ("issuer", &terms.issuer),
            ("subject", &terms.subject),
            ("audience", &terms.audience),
            ("jwks_url", &terms.jwks_url),
        ] {
            check_term(name, term)?;
        }
        check_address(&terms.jwks_url, &self.settings.jwks)
            .map_err(|words| Failure::Invalid(format!("jwks_url: {words}.")))?;
        let federation = self.oauth_clients.set_federation(by, tenant.id, terms).await?;
        self.credentials_have_ended();
        Ok((tenant, federation))
    }

    /// Takes no assertions any more, and ends their client with its access tokens.
    ///
    /// # Errors
    /// No such tenant; it takes none; somebody else who sets it at this moment.
    pub async fn remove_federation(&self, by: &By, tenant: &str) -> Result<Tenant, Failure> {
        let tenant = self.tenant(tenant).await?;
        let is_done = self.oauth_clients.remove_federation(by, tenant.id).await?;
        self.credentials_have_ended();
        if is_done { Ok(tenant) } else { Err(has_none(&tenant)) }
    }
}

/// A tenant that takes no assertions.
pub(crate) fn has_none(tenant: &Tenant) -> Failure {
    Failure::NotFound(format!("The tenant \"{}\" has no federation.", tenant.label))
}

/// They are compared exactly: what nobody can see must not be in them.
fn check_term(name: &str, term: &str) -> Result<(), Failure> {
    let wrong = if term.is_empty() || term.len() > MAX_TERM {
        format!("must have 1 to {MAX_TERM} bytes")
    } else if term.contains(char::is_control) {
        "must have no control character in it".to_owned()
    } else if term.trim() != term {
        "must not begin or end with a space: it is compared exactly".to_owned()
    } else {
        return Ok(());
    };
    Err(Failure::Invalid(format!("{name}: {wrong}.")))
}
