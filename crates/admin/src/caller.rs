//! Whoever sits at a browser, at the API and in the console alike: an operator with a session, of a rank that was checked.

use crate::{Admin, Failure, cookies, sign_in::SignedIn};
use ::web::{Authenticated, Origin};
use actix_web::{HttpRequest, web::Data};
use std::{marker::PhantomData, net::IpAddr};
use store::{By, Operator, Role};

/// What a caller must be.
pub(crate) trait Rank: 'static {
    /// The least role; none lets in who has only begun to sign in.
    const LEAST: Option<Role>;
    /// Whether somebody sits there, so that a request keeps the session awake.
    const IS_THERE: bool = true;

    /// Whether this role suffices.
    ///
    /// # Errors
    /// [`Failure::Forbidden`].
    fn check(role: Role) -> Result<(), Failure> {
        match Self::LEAST {
            Some(least) if role < least => Err(Failure::Forbidden(least.as_str())),
            _ => Ok(()),
        }
    }
}

/// Whoever has a session, even with a one-time password or without a second factor.
pub(crate) struct Newcomer;
/// An operator of any role.
pub(crate) struct Viewer;
/// The same where the page asks by itself, whether somebody sits there or not.
pub(crate) struct Onlooker;
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
impl Rank for Onlooker {
    const LEAST: Option<Role> = Viewer::LEAST;
    const IS_THERE: bool = false;
}
impl Rank for Support {
    const LEAST: Option<Role> = Some(Role::Support);
}
impl Rank for Administrator {
    const LEAST: Option<Role> = Some(Role::Admin);
}

/// The session of a request's cookie, which somebody of this rank keeps awake by it: looked up before a body is read, as
/// strangers have none.
///
/// # Errors
/// [`Failure::NotSignedIn`].
pub(crate) async fn session<R: Rank>(request: &HttpRequest, admin: &Admin) -> Result<SignedIn, Failure> {
    let cookie = ::web::cookies::read(request, cookies::SESSION).ok_or(Failure::NotSignedIn)?;
    let Origin(origin) = Origin::of(request);
    let signed_in = admin.session(&cookie, origin).await?;
    Authenticated::mark(request);
    if R::IS_THERE {
        admin.keep_awake(&signed_in.session).await?;
    }
    Ok(signed_in)
}

/// The state of the listener.
pub(crate) fn admin(request: &HttpRequest) -> Result<&Data<Admin>, Failure> {
    request.app_data().ok_or_else(|| Failure::internal("no state"))
}

/// An operator with a session, of a rank that was checked.
pub(crate) struct Person<R> {
    /// The session, and whose it is.
    pub(crate) signed_in: SignedIn,
    /// From where.
    pub(crate) origin: IpAddr,
    by: By,
    rank: PhantomData<R>,
}

impl<R> Person<R> {
    /// As whom they act.
    pub(crate) fn by(&self) -> &By {
        &self.by
    }

    /// Who it is.
    pub(crate) fn operator(&self) -> &Operator {
        &self.signed_in.operator
    }
}

impl<R: Rank> Person<R> {
    /// The person behind a request with this session that shows this CSRF token, if it changes something. A wrong token, a
    /// first sign-in that is not finished and too low a rank are found in this order.
    ///
    /// # Errors
    /// [`Failure::WrongCsrfToken`], [`Failure::NotReady`], [`Failure::Forbidden`].
    pub(crate) fn admit(
        request: &HttpRequest,
        admin: &Admin,
        signed_in: SignedIn,
        csrf: &str,
    ) -> Result<Person<R>, Failure> {
        if !request.method().is_safe() && !signed_in.token.is_csrf(csrf) {
            return Err(Failure::WrongCsrfToken);
        }
        if R::LEAST.is_some() && !signed_in.is_ready() {
            return Err(Failure::NotReady);
        }
        R::check(signed_in.operator.role)?;
        let Origin(origin) = Origin::of(request);
        let by = signed_in.by(origin, admin.now());
        Ok(Person { signed_in, origin, by, rank: PhantomData })
    }
}
