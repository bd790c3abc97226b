//! The one mapping from failures to the customer's pages. An unknown, an expired and a revoked link look the same; the cause
//! of a fault goes to our log alone.

use super::state::Setup;
use crate::{
    Failure, console,
    web::{self, Assets},
};
use actix_web::{
    Error, HttpResponse, ResponseError,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::{
        StatusCode,
        header::{ALLOW, HeaderValue, RETRY_AFTER},
    },
    middleware::Next,
    web::Data,
};
use askama::Template;
use scim::Timestamp;
use std::fmt;
use tokens::{SetupError, TokenError, TooManyUnknown, operator::Blocked};

/// Why a page was not shown, or an act not done.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// An unknown, expired or revoked link, or an address without any.
    NotGood,
    /// A link that was opened at this time, in another browser.
    OpenedBefore(Timestamp),
    /// There is no session in this browser, or it has ended.
    NoSession,
    /// The form did not come from the page.
    NotOurForm,
    /// Too many wrong links from this address.
    Blocked(Blocked),
    /// The tenant has as many Secret Tokens as it may have.
    NoRoom,
    /// The link has issued as many as it may.
    UsedUp,
    /// Somebody has ended the Secret Token of this link.
    TokenRevoked,
    /// The path exists, the method does not.
    MethodNotAllowed(&'static str),
    /// A form that no browser sends.
    Form(console::Refusal),
    /// A fault.
    Failure(Failure),
}

impl<F: Into<Failure>> From<F> for Refusal {
    fn from(failure: F) -> Self {
        Refusal::Failure(failure.into())
    }
}

impl Refusal {
    /// Of a use case of setup links; for whoever has a link.
    pub(super) fn of(error: SetupError) -> Refusal {
        match error {
            SetupError::NotGood => Refusal::NotGood,
            SetupError::OpenedBefore(at) => Refusal::OpenedBefore(at),
            SetupError::Token(TokenError::TooMany(_)) => Refusal::NoRoom,
            SetupError::TooManyIssued(_) => Refusal::UsedUp,
            SetupError::TokenRevoked => Refusal::TokenRevoked,
            other => Refusal::Failure(other.into()),
        }
    }

    /// Too many unknown links or sessions were shown from the address.
    pub(super) fn unknown(TooManyUnknown { retry_after }: TooManyUnknown) -> Refusal {
        Refusal::Blocked(Blocked { retry_after: retry_after.into() })
    }

    /// Kind, status and title.
    fn kind(&self) -> (&'static str, u16, &'static str) {
        match self {
            Refusal::NotGood => ("not-good", 404, "This link is not valid"),
            Refusal::OpenedBefore(_) => ("opened-before", 410, "This link was opened already"),
            Refusal::NoSession => ("no-session", 401, "This page is not open in this browser"),
            Refusal::NotOurForm => ("not-our-form", 403, "Please try that again"),
            Refusal::Blocked(_) => ("blocked", 429, "Too many links were tried"),
            Refusal::NoRoom => ("no-room", 409, "No Secret Token can be issued now"),
            Refusal::TokenRevoked => ("token-revoked", 409, "Your Secret Token was revoked"),
            Refusal::UsedUp => ("used-up", 409, "This link has issued all its Secret Tokens"),
            Refusal::MethodNotAllowed(_) => ("method-not-allowed", 405, "That cannot be done here"),
            Refusal::Form(form) => ("form", form.status_code().as_u16(), "The form cannot be read"),
            Refusal::Failure(Failure::Conflict(_)) => ("conflict", 409, "Please look again"),
            Refusal::Failure(failure) => failure.kind(),
        }
    }

    /// What to do about it.
    fn detail(&self) -> &'static str {
        match self {
            Refusal::NotGood => {
                "It may be mistyped or cut off, or it has expired. Ask your contact at Juno for a new setup link."
            }
            Refusal::OpenedBefore(_) => {
                "A setup link works once, in one browser. If that was not you, tell your contact at Juno now. Either way, \
                 ask for a new setup link."
            }
            Refusal::NoSession => {
                "A setup page is shown for a limited time, and only in the browser in which its link was opened. Ask your \
                 contact at Juno for a new setup link."
            }
            Refusal::NotOurForm => {
                "The page was open for too long, or the form came from another site. Nothing was changed. Go back, load \
                 the page again, and repeat what you did."
            }
            Refusal::Blocked(_) => "Wait a while, and open the link from your mail again.",
            Refusal::NoRoom => {
                "Your company has as many Secret Tokens as it may have. Ask your contact at Juno to end one that is not in \
                 use, and open this link again."
            }
            Refusal::TokenRevoked => {
                "Juno support has ended it. Ask your contact at Juno for a new setup link."
            }
            Refusal::UsedUp => "The last one stays good. Ask your contact at Juno for a new setup link.",
            Refusal::MethodNotAllowed(_) => "The address was opened in a way that it does not answer to.",
            Refusal::Form(console::Refusal::TooSlow) => {
                "It did not arrive in time, and nothing was changed. Send it again."
            }
            Refusal::Form(_) => "Use the form on the page.",
            Refusal::Failure(Failure::Conflict(_)) => {
                "Something was changed at the same moment. Load the page again."
            }
            Refusal::Failure(Failure::Unavailable(_) | Failure::Overloaded) => "Try again in a moment.",
            Refusal::Failure(_) => {
                "Try again later, or ask your contact at Juno. The cause is in Juno's log."
            }
        }
    }

    fn answer(&self, setup: &Setup) -> HttpResponse {
        if let Refusal::Failure(failure) = self {
            failure.log();
        }
        let (kind, _, title) = self.kind();
        let at = match self {
            Refusal::OpenedBefore(at) => Some(*at),
            _ => None,
        };
        // Whoever has opened it in this browser, and comes from a mail, goes on from here: a link of another site brings no
        // cookie, this one does.
        let (detail, assets, root) = (self.detail(), setup.assets(), setup.root());
        let page = web::page_of(self.status_code(), &FailurePage { assets, root, kind, title, detail, at });
        let mut response = page.unwrap_or_else(|_| HttpResponse::new(self.status_code()));
        if let Refusal::MethodNotAllowed(allowed) = self {
            response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
        }
        let retry_after = match self {
            Refusal::Blocked(blocked) => Some(blocked.retry_after),
            Refusal::Failure(failure) => failure.retry_after(),
            _ => None,
        };
        if let Some(seconds) = retry_after {
            response.headers_mut().insert(RETRY_AFTER, seconds.into());
        }
        response
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind().2)
    }
}

impl std::error::Error for Refusal {}

/// [`show`] makes the page of it, as it knows where the pages are.
impl ResponseError for Refusal {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.kind().1).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

#[derive(Template)]
#[template(path = "setup_failure.html")]
struct FailurePage {
    assets: Assets,
    root: String,
    kind: &'static str,
    title: &'static str,
    detail: &'static str,
    at: Option<Timestamp>,
}

/// Middleware: makes the page of a refusal.
pub(super) async fn show<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse, Error> {
    let response = next.call(request).await?.map_into_boxed_body();
    let refusal = response.response().error().and_then(|error| error.as_error::<Refusal>());
    let setup = response.request().app_data::<Data<Setup>>();
    let answer = refusal.zip(setup).map(|(refusal, setup)| refusal.answer(setup));
    Ok(match answer {
        Some(answer) => response.into_response(answer),
        None => response,
    })
}
