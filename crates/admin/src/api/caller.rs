//! Who calls: the first argument of every handler that is not for everybody. It cannot be reached without.

pub(super) use crate::caller::{Administrator, Caller as InSession, Newcomer, Support, Viewer};

use super::Problem;
use crate::{Admin, Failure, caller::Rank, in_process::CommandLine};
use actix_web::{FromRequest, HttpRequest, dev::Payload, http::header::HeaderName, web::Data};
use std::{future::Future, marker::PhantomData, pin::Pin};
use store::{By, Operator};

/// What a request that changes something must have beside the cookie.
const CSRF: HeaderName = HeaderName::from_static("x-csrf-token");

/// Somebody of a rank that was checked: an operator with a session, or whoever sits at the command line of the machine.
pub(super) struct Caller<R> {
    by: By,
    operator: Option<Operator>,
    rank: PhantomData<R>,
}

impl<R> Caller<R> {
    /// As whom they act.
    pub(super) fn by(&self) -> &By {
        &self.by
    }

    /// Which operator it is; none at the command line.
    pub(super) fn operator(&self) -> Option<&Operator> {
        self.operator.as_ref()
    }
}

impl<R: Rank> FromRequest for Caller<R> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let (by, operator) = match request.app_data::<CommandLine>() {
                Some(CommandLine(by)) => {
                    let admin = request.app_data::<Data<Admin>>();
                    let admin = admin.ok_or_else(|| Failure::internal("no state"))?;
                    (By { at: admin.now(), ..by.clone() }, None)
                }
                None => {
                    let caller = in_session::<R>(&request).await?;
                    (caller.by().clone(), Some(caller.signed_in.operator))
                }
            };
            Ok(Caller { by, operator, rank: PhantomData })
        })
    }
}

impl<R: Rank> FromRequest for InSession<R> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { Ok(in_session(&request).await?) })
    }
}

async fn in_session<R: Rank>(request: &HttpRequest) -> Result<InSession<R>, Failure> {
    let shown = request.headers().get(CSRF).and_then(|value| value.to_str().ok()).unwrap_or_default();
    InSession::admit(request, shown).await
}
