//! `/tenants/{tenant}/conformance`.

use super::{
    Problem,
    caller::{Caller, Support},
    tenants::ok,
};
use crate::{
    Admin,
    conformance::{Conformance, Finding, Level, Outcome, STANDARD},
};
use actix_web::{
    HttpResponse,
    web::{Data, Path},
};
use serde::Serialize;
use utoipa::ToSchema;

/// What the gateway does for a tenant of what a standard asks.
#[derive(Serialize, ToSchema)]
#[schema(as = Conformance)]
pub(super) struct ConformanceShape {
    /// The tenant's label.
    tenant: String,
    /// Its compatibility profile, which is what was tried.
    profile: &'static str,
    /// The standard.
    standard: &'static str,
    /// Whether no requirement of level AL1 has failed.
    al1: bool,
    /// Whether no requirement of the levels AL1 and AL2 has failed.
    al2: bool,
    lines: Vec<LineShape>,
}

/// A requirement.
#[derive(Serialize, ToSchema)]
#[schema(as = ConformanceLine)]
pub(super) struct LineShape {
    /// A short name, the same for ever.
    name: &'static str,
    /// The lowest level that asks for it: `AL1` or `AL2`.
    level: &'static str,
    /// `must` or `should`. A level is met without what it only recommends.
    strength: &'static str,
    /// What is asked.
    requirement: &'static str,
    /// `proven` and `failed` by requests, `attested` by something else.
    outcome: &'static str,
    /// What was wrong, or what attests it.
    detail: Option<String>,
}

fn line(Finding { line, outcome }: &Finding) -> LineShape {
    let (outcome, detail) = match outcome {
        Outcome::Proven => ("proven", None),
        Outcome::Failed(what) => ("failed", Some(what.clone())),
        Outcome::Attested(by) => ("attested", Some((*by).to_owned())),
    };
    let (level, strength) = (line.level.as_str(), line.strength.as_str());
    LineShape { name: line.name, level, strength, requirement: line.requirement, outcome, detail }
}

fn shape(found: &Conformance) -> ConformanceShape {
    ConformanceShape {
        tenant: found.tenant.label.clone(),
        profile: found.tenant.profile.as_str(),
        standard: STANDARD,
        al1: found.meets(Level::Al1),
        al2: found.meets(Level::Al2),
        lines: found.findings.iter().map(line).collect(),
    }
}

/// Try what the IPSIE AL SCIM 2.0 profile asks.
///
/// By some 150 requests to a scratch tenant with the same compatibility profile, which is erased afterwards. The tenant
/// itself is not touched.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/conformance", tag = "tenants",
    params(("tenant" = String, Path, description = "Label or id")), responses((status = 200, body = ConformanceShape)))]
pub(super) async fn examine(
    caller: Caller<Support>,
    admin: Data<Admin>,
    tenant: Path<String>,
) -> Result<HttpResponse, Problem> {
    Ok(ok(&shape(&admin.conformance(caller.by(), &tenant).await?)))
}
