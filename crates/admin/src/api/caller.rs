//! Who calls: the first argument of every handler that is not for everybody. It cannot be reached without.

use super::{Problem, request::Origin};
use crate::{Admin, Failure, sign_in::SignedIn};
use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    http::header::{COOKIE, HeaderName},
    web::Data,
};
use std::{future::Future, marker::PhantomData, net::IpAddr, pin::Pin};
use store::{By, Operator, Role};

/// The name of the cookie.
pub(super) const COOKIE_NAME: &str = "juno_session";
/// What a request that changes something must have beside the cookie.
const CSRF: HeaderName = HeaderName::from_static("x-csrf-token");

/// What a caller must be.
pub(crate) trait Rank: 'static {
    /// The least role; none lets in who has only begun to sign in.
    const LEAST: Option<Role>;
}

/// Whoever has a session, even with a one-time password or without a second factor.
pub(crate) struct Newcomer;
/// An operator of any role.
pub(crate) struct Viewer;
/// Support or an admin.
pub(crate) struct Support;
/// An admin.
pub(crate) struct Administrator;

impl Rank for Newcomer {
    const LEAST: Option<Role> = None;
}
impl Rank for Viewer {
    const LEAST: Option<Role> = Some(Role::Viewer);
}
impl Rank for Support {
    const LEAST: Option<Role> = Some(Role::Support);
}
impl Rank for Administrator {
    const LEAST: Option<Role> = Some(Role::Admin);
}

/// An operator with a session, of a rank that was checked.
pub(crate) struct Caller<R> {
    pub(super) signed_in: SignedIn,
    pub(super) origin: IpAddr,
    by: By,
    rank: PhantomData<R>,
}

impl<R> Caller<R> {
    /// As whom they act.
    pub(super) fn by(&self) -> &By {
        &self.by
    }

    pub(super) fn operator(&self) -> &Operator {
        &self.signed_in.operator
    }
}

impl<R: Rank> FromRequest for Caller<R> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let admin = request.app_data::<Data<Admin>>().ok_or_else(|| Failure::internal("no state"))?;
            let cookie = cookie(&request).ok_or(Failure::NotSignedIn)?;
            let signed_in = admin.session(&cookie).await?;
            let shown = request.headers().get(CSRF).and_then(|value| value.to_str().ok()).unwrap_or_default();
            if !request.method().is_safe() && !signed_in.token.is_csrf(shown) {
                return Err(Failure::WrongCsrfToken.into());
            }
            if let Some(least) = R::LEAST {
                if !signed_in.operator.is_ready() {
                    return Err(Failure::NotReady.into());
                }
                if signed_in.operator.role < least {
                    return Err(Failure::Forbidden(least.as_str()).into());
                }
            }
            let Origin(origin) = Origin::of(&request);
            let by = signed_in.by(origin, admin.now());
            Ok(Caller { signed_in, origin, by, rank: PhantomData })
        })
    }
}

/// The value of our cookie.
fn cookie(request: &HttpRequest) -> Option<String> {
    let lines = request.headers().get_all(COOKIE).filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == COOKIE_NAME).map(|(_, value)| value.to_owned())
}
