//! Whether the gateway does for a tenant what the IPSIE AL SCIM 2.0 profile asks of an application: tried by requests on a
//! scratch tenant of the same profile, which is erased afterwards (docs/adr/0036).

mod groups;
mod lines;
mod service;
mod trial;
mod users;
mod whole;

pub use lines::{LINES, Level, Line, STANDARD, Strength};
pub use service::{OpenScim, ScimAnswer, ScimRequest, ScimService};
pub use trial::Door;

use crate::{Admin, Failure};
use store::id::new_id;
use store::{By, Tenant, TenantId, TenantState};

/// How long a scratch tenant can be used, in seconds. One that nobody has erased is erased by a timer after that.
pub const SCRATCH_SECONDS: i64 = 3600;

/// What a line came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Requests have shown it.
    Proven,
    /// A request has shown the opposite: what was wrong.
    Failed(String),
    /// No request can show it: what does.
    Attested(&'static str),
}

/// A line of the table with its outcome.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The line.
    pub line: &'static Line,
    /// Its outcome.
    pub outcome: Outcome,
}

/// The table for a tenant.
#[derive(Clone, Debug)]
pub struct Conformance {
    /// The tenant.
    pub tenant: Tenant,
    /// Every line, in the order of the standard.
    pub findings: Vec<Finding>,
}

impl Conformance {
    /// Whether no requirement of this level, or of a level below it, has failed. What is only recommended does not count.
    pub fn meets(&self, level: Level) -> bool {
        let counts = |line: &Line| line.level <= level && line.strength == Strength::Must;
        let mut counted = self.findings.iter().filter(|finding| counts(finding.line));
        counted.all(|finding| !matches!(finding.outcome, Outcome::Failed(_)))
    }
}

/// Tries every line of the table on the tenant behind `door`, which must be empty.
async fn examine(service: &dyn ScimService, door: &Door) -> Result<Vec<Finding>, Failure> {
    let mut findings = Vec::with_capacity(LINES.len());
    for line in LINES {
        findings.push(Finding { line, outcome: line.prove(service, door).await? });
    }
    Ok(findings)
}

impl Admin {
    /// How a scratch tenant is served that is like this tenant. The tenant itself is not touched.
    ///
    /// # Errors
    /// No such tenant; faults of the database.
    pub async fn conformance(&self, by: &By, tenant: &str) -> Result<Conformance, Failure> {
        let tenant = self.tenant(tenant).await?;
        let service = self.open_scim().await?;
        let id = TenantId::scratch(new_id(by.at).map_err(Failure::internal)?);
        let scratch = Tenant {
            id,
            label: format!("scratch-{}", id.0.simple()),
            name: "Scratch".to_owned(),
            state: TenantState::Active,
            created: by.at,
            ..tenant.clone()
        };
        let (label, expires) = (scratch.label.clone(), by.at.plus_seconds(SCRATCH_SECONDS));
        let issued = self.issuer.open_scratch(by, tenant.id, scratch, expires).await?;
        let examined = examine(&*service, &Door { label, token: issued.token }).await;
        // Where this fails, or nobody waits any more, the timer erases it.
        if let Err(cause) = self.store.delete_tenant(by, id).await {
            tracing::warn!(?cause, "a scratch tenant is not erased yet; it is tried again");
        }
        Ok(Conformance { tenant, findings: examined? })
    }
}
