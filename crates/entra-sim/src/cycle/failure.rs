//! What an answer means to the provisioning service: error codes, and which errors stop the whole job.

use serde_json::Value;

use crate::expressions::EvaluationError;
use crate::http::{Exchange, Failure as Transport};
use crate::report::log::ErrorInformation;
use crate::report::status::JobFault;

/// Why an object could not be provisioned.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    /// Microsoft's code.
    pub code: &'static str,
    /// What the administrator reads.
    pub reason: String,
    /// The error of the whole job, if this puts it in quarantine at once.
    pub job: Option<JobFault>,
    /// What to do about it.
    pub advice: Option<&'static str>,
}

/// What was asked when the error came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    /// A matching query.
    Match,
    /// `GET` of a linked object.
    Read,
    /// `POST`.
    Create,
    /// `PATCH`.
    Update,
    /// `DELETE`.
    Delete,
}

/// The code of a job whose credentials are refused.
pub(super) const INVALID_CREDENTIALS: &str = "SystemForCrossDomainIdentityManagementInvalidCredentials";
/// The code of an answer that is not SCIM.
pub(super) const INCOMPATIBLE: &str = "SystemForCrossDomainIdentityManagementServiceIncompatible";
/// The code of members where they were excluded.
pub(super) const MULTIPLE_ENTRIES: &str = "SystemForCrossDomainIdentityManagementMultipleEntriesInResponse";

impl Failure {
    /// An error of this object.
    pub(super) fn new(code: &'static str, reason: impl Into<String>) -> Self {
        Self { code, reason: reason.into(), job: None, advice: None }
    }

    fn of_job(code: &'static str, reason: String) -> Self {
        let job = JobFault { code: code.to_owned(), message: reason.clone(), tenant_actionable: true };
        Self { code, reason, job: Some(job), advice: None }
    }

    /// What an exchange that did not succeed means.
    pub(super) fn of(exchange: &Exchange, operation: Operation) -> Self {
        match &exchange.outcome {
            Err(Transport::Timeout) => Self::new("Timeout", "the server did not answer in time"),
            Err(failure @ Transport::Token(_)) => Self::of_job(INVALID_CREDENTIALS, failure.to_string()),
            Err(failure) => Self::new("WebExceptionProtocolError", failure.to_string()),
            Ok(response) => {
                let reason = reason(response.status, &response.body);
                Self::of_status(response.status, operation, reason)
            }
        }
    }

    fn of_status(status: u16, operation: Operation, reason: String) -> Self {
        let code = match (status, operation) {
            (401, _) => return Self::of_job(INVALID_CREDENTIALS, reason),
            (404, Operation::Match) => {
                let why = format!(
                    "a filter that matches nothing must be answered by 200 and an empty list: {reason}"
                );
                return Self::of_job(INCOMPATIBLE, why);
            }
            (403, _) => "InsufficientRights",
            (404, _) => "InvalidAnchor",
            (405, _) => "MethodNotAllowed",
            (409, Operation::Create) => "EntryConflict",
            (409, _) => "Conflict",
            (422, _) => "UnprocessableEntity",
            (429, _) => "TooManyRequests",
            (501, _) => "NotImplemented",
            (500.., _) => "InternalServerError",
            (200..300, _) => INCOMPATIBLE,
            _ => "WebExceptionProtocolError",
        };
        let advice = match code {
            "InvalidAnchor" => {
                Some("restart the job: the object that was created or matched no longer exists")
            }
            "EntryConflict" => Some("choose matching attributes that find the conflicting object"),
            "TooManyRequests" => Some("nothing to do, the request is repeated"),
            _ => None,
        };
        Self { code, reason, job: None, advice }
    }

    /// An answer that was successful by status and cannot be understood.
    pub(super) fn incompatible(why: &str) -> Self {
        Self::new(INCOMPATIBLE, why)
    }

    /// As the log holds it.
    pub(super) fn information(&self) -> ErrorInformation {
        let ours = matches!(self.code, "TooManyRequests" | "Timeout" | "InternalServerError");
        ErrorInformation {
            error_code: self.code.to_owned(),
            reason: self.reason.clone(),
            error_category: if ours { "failure" } else { "nonServiceFailure" }.to_owned(),
            recommended_action: self.advice.map(str::to_owned),
            additional_details: None,
        }
    }
}

impl From<EvaluationError> for Failure {
    fn from(error: EvaluationError) -> Self {
        Self::new("MissingValues", error.to_string())
    }
}

/// Status and the server's own words, as Entra's log shows them.
fn reason(status: u16, body: &str) -> String {
    let scim = serde_json::from_str::<Value>(body).ok();
    let detail = scim.as_ref().and_then(|body| body["detail"].as_str());
    let shown: String = detail.unwrap_or(body).chars().take(500).collect();
    format!("StatusCode: {status}. Web response: {shown}")
}

/// The body of a successful answer as JSON.
///
/// # Errors
/// [`INCOMPATIBLE`] when the media type or the body is not JSON.
pub(super) fn body(exchange: &Exchange) -> Result<Value, Failure> {
    let response = exchange.response().ok_or_else(|| Failure::incompatible("there is no answer"))?;
    match response.media_type() {
        Some("application/scim+json" | "application/json") => {}
        other => {
            let other = other.unwrap_or("none");
            return Err(Failure::incompatible(&format!(
                "the answer's media type is {other}, not application/scim+json"
            )));
        }
    }
    response.json().map_err(|error| Failure::incompatible(&format!("the answer is not JSON: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_get_the_codes_of_the_log() {
        let code = |status, operation| Failure::of_status(status, operation, String::new()).code;
        assert_eq!(code(409, Operation::Create), "EntryConflict");
        assert_eq!(code(409, Operation::Update), "Conflict");
        assert_eq!(code(404, Operation::Update), "InvalidAnchor");
        assert_eq!(code(503, Operation::Update), "InternalServerError");
        assert_eq!(code(501, Operation::Update), "NotImplemented");
        assert_eq!(code(400, Operation::Update), "WebExceptionProtocolError");
        assert!(Failure::of_status(404, Operation::Match, String::new()).job.is_some());
        assert!(Failure::of_status(401, Operation::Read, String::new()).job.is_some());
        assert!(Failure::of_status(404, Operation::Read, String::new()).job.is_none());
    }

    #[test]
    fn the_reason_is_the_servers_detail() {
        assert_eq!(reason(400, r#"{"detail":"say please"}"#), "StatusCode: 400. Web response: say please");
        assert_eq!(reason(502, "<html>"), "StatusCode: 502. Web response: <html>");
    }
}
