//! The one mapping from failures to pages. The cause of a fault goes to our log alone.

use super::frame::{FLASH, Frame};
use crate::{
    Admin, Failure, cookies,
    web::{self, Assets, assets},
};
use actix_web::{
    Error, HttpMessage, HttpRequest, HttpResponse, ResponseError,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::{
        Method, StatusCode,
        header::{ALLOW, CONTENT_TYPE, HeaderValue, RETRY_AFTER, SET_COOKIE},
    },
    middleware::Next,
    web::Data,
};
use askama::Template;
use std::fmt;

/// Why a page was not shown, or an act not done.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// A use case failed.
    Failure(Failure),
    /// The path exists, the method does not.
    MethodNotAllowed(&'static str),
    /// There is no such page.
    NoSuchPage,
    /// The form is too large.
    TooLarge,
    /// The form did not arrive in time.
    TooSlow,
    /// The body is not a form by its media type.
    NotAForm,
}

impl<F: Into<Failure>> From<F> for Refusal {
    fn from(failure: F) -> Self {
        Refusal::Failure(failure.into())
    }
}

impl Refusal {
    /// Kind, status and title.
    fn kind(&self) -> (&'static str, u16, &'static str) {
        match self {
            Refusal::MethodNotAllowed(_) => ("method-not-allowed", 405, "That cannot be done here"),
            Refusal::NoSuchPage => ("not-found", 404, "There is no such page"),
            Refusal::TooLarge => ("too-large", 413, "The form is too large"),
            Refusal::TooSlow => ("too-slow", 408, "The form came too slowly"),
            Refusal::NotAForm => ("wrong-media-type", 415, "The body must be a form"),
            Refusal::Failure(Failure::WrongCsrfToken) => {
                let (kind, status, _) = Failure::WrongCsrfToken.kind();
                (kind, status, "The form cannot be trusted")
            }
            Refusal::Failure(failure) => failure.kind(),
        }
    }

    fn detail(&self) -> String {
        let words = match self {
            Refusal::MethodNotAllowed(_) => "The address was opened in a way that it does not answer to.",
            Refusal::NoSuchPage => "The address may be mistyped, or what it showed is gone.",
            Refusal::TooLarge => "Nothing that the console asks for is this long.",
            Refusal::TooSlow => "It did not arrive in time, and nothing was changed. Send it again.",
            Refusal::NotAForm => "Use the forms of the console.",
            Refusal::Failure(Failure::WrongCsrfToken) => {
                "It was open for too long, in a session that has ended, or it came from another site. Nothing was \
                 changed. Go back, load the page again, and repeat what you did."
            }
            Refusal::Failure(failure) => return failure.detail(),
        };
        words.to_owned()
    }

    /// Where to go instead, for those who have to sign in or finish to.
    fn elsewhere(&self, request: &HttpRequest) -> Option<String> {
        match self {
            Refusal::Failure(Failure::NotSignedIn) => {
                let asked = request.uri().path_and_query().map_or("/", |asked| asked.as_str());
                let is_worth_it =
                    request.method() == Method::GET && asked != "/tenants" && web::is_local(asked);
                Some(if is_worth_it {
                    format!("/sign-in?{}", NextQuery(asked))
                } else {
                    "/sign-in".to_owned()
                })
            }
            Refusal::Failure(Failure::NotReady) => Some("/first-sign-in".to_owned()),
            _ => None,
        }
    }

    fn answer(&self, request: &HttpRequest) -> HttpResponse {
        if let Some(to) = self.elsewhere(request) {
            return web::redirect(&to);
        }
        if let Refusal::Failure(failure) = self {
            failure.log();
        }
        let (kind, _, title) = self.kind();
        let (status, detail) = (self.status_code(), self.detail());
        let frame = request.extensions().get::<Frame>().cloned();
        let page = match frame {
            Some(frame) => web::page_of(status, &FailurePage { frame, kind, status, title, detail }),
            None => web::page_of(
                status,
                &BareFailurePage { assets: assets::CONSOLE, kind, status, title, detail },
            ),
        };
        let mut response = page.unwrap_or_else(|_| HttpResponse::new(status));
        self.add_headers(&mut response);
        response
    }

    fn add_headers(&self, response: &mut HttpResponse) {
        if let Refusal::MethodNotAllowed(allowed) = self {
            response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
        }
        if let Refusal::Failure(failure) = self
            && let Some(seconds) = failure.retry_after()
        {
            response.headers_mut().insert(RETRY_AFTER, seconds.into());
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind().2)
    }
}

impl std::error::Error for Refusal {}

/// [`show`] makes the page of it, as it knows the request.
impl ResponseError for Refusal {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.kind().1).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

/// The query `next=…` with a path in it.
struct NextQuery<'p>(&'p str);

impl fmt::Display for NextQuery<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("next=")?;
        for byte in self.0.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'~' => {
                    write!(f, "{}", char::from(byte))?;
                }
                _ => write!(f, "%{byte:02X}")?,
            }
        }
        Ok(())
    }
}

#[derive(Template)]
#[template(path = "failure.html")]
struct FailurePage {
    frame: Frame,
    kind: &'static str,
    status: StatusCode,
    title: &'static str,
    detail: String,
}

#[derive(Template)]
#[template(path = "failure_bare.html")]
struct BareFailurePage {
    assets: Assets,
    kind: &'static str,
    status: StatusCode,
    title: &'static str,
    detail: String,
}

/// Why a form is shown again: what the operator can mend. Faults are none of it.
#[derive(Debug)]
pub(super) struct Again {
    /// What to do about it, for the page.
    pub(super) words: String,
    refusal: Refusal,
}

impl Again {
    /// Of what the operator can mend in the form.
    ///
    /// # Errors
    /// Every other failure, for the page of failures.
    pub(super) fn of(failure: Failure) -> Result<Again, Refusal> {
        match failure {
            Failure::Invalid(_)
            | Failure::WrongSignIn
            | Failure::NotSignedInThere(_)
            | Failure::Conflict(_)
            | Failure::KeyReused
            | Failure::Blocked(_) => {
                Ok(Again { words: failure.detail(), refusal: Refusal::Failure(failure) })
            }
            other => Err(Refusal::Failure(other)),
        }
    }

    /// Whether a password or a code was wrong.
    pub(super) fn is_wrong_sign_in(&self) -> bool {
        matches!(self.refusal, Refusal::Failure(Failure::WrongSignIn))
    }

    /// The page with the form, with the status of the failure.
    ///
    /// # Errors
    /// See [`web::page_of`].
    pub(super) fn page(&self, template: &impl Template) -> Result<HttpResponse, Failure> {
        let mut response = web::page_of(self.refusal.status_code(), template)?;
        self.refusal.add_headers(&mut response);
        Ok(response)
    }
}

/// Middleware: makes the page of a refusal, in the frame of whoever is signed in; a page that has shown what was done takes
/// the words away.
pub(super) async fn show<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse, Error> {
    let response = next.call(request).await?.map_into_boxed_body();
    let refusal = response.response().error().and_then(|error| error.as_error::<Refusal>());
    let answer = refusal.map(|refusal| refusal.answer(response.request()));
    let mut response = match answer {
        Some(answer) => response.into_response(answer),
        None => response,
    };
    let is_page =
        response.headers().get(CONTENT_TYPE).is_some_and(|text| text.as_bytes().starts_with(b"text/html"));
    if is_page
        && ::web::cookies::read(response.request(), FLASH).is_some()
        && let Some(admin) = response.request().app_data::<Data<Admin>>()
        && let Ok(value) = cookies::clear(admin, FLASH).parse()
    {
        response.headers_mut().append(SET_COOKIE, value);
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_for_survives_in_a_query() {
        let next = NextQuery("/tenants/a/users?filter=userName%20eq&count=2").to_string();
        assert_eq!(next, "next=/tenants/a/users%3Ffilter%3DuserName%2520eq%26count%3D2");
    }
}
