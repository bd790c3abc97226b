//! Who calls: the first argument of every handler that is not for everybody. It cannot be reached without.

pub(super) use crate::caller::{Administrator, Newcomer, Person, Support, Viewer};
use ::web::{Authenticated, Origin};

use super::Problem;
use crate::{
    Failure, SignedIn,
    caller::{Rank, admin, session},
    in_process::CommandLine,
};
use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    http::header::{AUTHORIZATION, HeaderName},
};
use std::{future::Future, marker::PhantomData, pin::Pin};
use store::{By, Operator, Session};

/// What a request that changes something must have beside the cookie.
const CSRF: HeaderName = HeaderName::from_static("x-csrf-token");

/// By what a caller is known.
enum Known {
    /// They sit at the command line of the machine, and may do everything.
    CommandLine,
    /// By a session of an operator.
    Session(SignedIn),
    /// By an API token of this operator, who has the role of the token here.
    ApiToken(Operator),
}

/// Whoever calls, of a rank that was checked.
pub(super) struct Caller<R> {
    known: Known,
    by: By,
    rank: PhantomData<R>,
}

impl<R> Caller<R> {
    /// As whom they act.
    pub(super) fn by(&self) -> &By {
        &self.by
    }

    /// Which operator it is, with the role that they have here; none at the command line.
    pub(super) fn operator(&self) -> Option<&Operator> {
        match &self.known {
            Known::CommandLine => None,
            Known::Session(signed_in) => Some(&signed_in.operator),
            Known::ApiToken(operator) => Some(operator),
        }
    }

    /// The session, where there is one.
    pub(super) fn session(&self) -> Option<&Session> {
        match &self.known {
            Known::Session(signed_in) => Some(&signed_in.session),
            _ => None,
        }
    }
}

/// A token in the header Authorization (RFC 6750) is looked at alone: no cookie helps a wrong one. No other site can make a
/// browser send it, so that it needs no CSRF token.
impl<R: Rank> FromRequest for Caller<R> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let (known, by) = if let Some(CommandLine(by)) = request.app_data() {
                (Known::CommandLine, By { at: admin(&request)?.now(), ..by.clone() })
            } else if let Some(shown) = bearer(&request) {
                let (operator, by) = script::<R>(&request, &shown).await?;
                (Known::ApiToken(operator), by)
            } else {
                let person: Person<R> = person(&request).await?;
                let by = person.by().clone();
                (Known::Session(person.signed_in), by)
            };
            Ok(Caller { known, by, rank: PhantomData })
        })
    }
}

/// Whoever is there in person: at a browser, or at the command line of the machine. What gives somebody access asks for it,
/// so that an API token that has leaked gives no more than it is.
pub(super) struct InPerson<R>(pub(super) Caller<R>);

impl<R: Rank> FromRequest for InPerson<R> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            refuse_scripts(&request).await?;
            Ok(InPerson(Caller::extract(&request).await?))
        })
    }
}

/// For what only whoever sits at a browser may do: passwords and second factors.
impl<R: Rank> FromRequest for Person<R> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            refuse_scripts(&request).await?;
            Ok(person(&request).await?)
        })
    }
}

/// Refuses an API token; that it is a good one is asked first.
async fn refuse_scripts(request: &HttpRequest) -> Result<(), Failure> {
    if let Some(shown) = bearer(request) {
        script::<Newcomer>(request, &shown).await?;
        return Err(Failure::NeedsSession);
    }
    Ok(())
}

async fn person<R: Rank>(request: &HttpRequest) -> Result<Person<R>, Failure> {
    let admin = admin(request)?;
    let signed_in = session::<R>(request, admin).await?;
    let shown = request.headers().get(CSRF).and_then(|value| value.to_str().ok()).unwrap_or_default();
    Person::admit(request, admin, signed_in, shown)
}

async fn script<R: Rank>(request: &HttpRequest, shown: &str) -> Result<(Operator, By), Failure> {
    let admin = admin(request)?;
    let Origin(origin) = Origin::of(request);
    let script = admin.script(shown, origin).await?;
    Authenticated::mark(request);
    R::check(script.operator.role)?;
    let by = By { actor: script.actor, origin: origin.to_string(), at: admin.now() };
    Ok((script.operator, by))
}

/// The token of a header `Authorization: Bearer TOKEN`; the name of the scheme is read without regard to case (RFC 9110
/// section 11.1).
fn bearer(request: &HttpRequest) -> Option<String> {
    let value = String::from_utf8_lossy(request.headers().get(AUTHORIZATION)?.as_bytes()).into_owned();
    let (scheme, token) = value.split_once(' ').unwrap_or((&value, ""));
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
}
