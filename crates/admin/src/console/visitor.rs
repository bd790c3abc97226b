//! Who visits a page: the first argument of every handler of the console. It cannot be reached without.

use super::{
    failure::Refusal,
    form::Form,
    frame::{Flash, Frame, Section},
};
use crate::{
    Admin, Failure,
    caller::{Person, Rank, admin, session},
    cookies,
};
use ::web::Origin;
use actix_web::{
    FromRequest, HttpMessage, HttpRequest, HttpResponse, dev::Payload, http::header::SET_COOKIE,
};
use serde::de::DeserializeOwned;
use std::{future::Future, net::IpAddr, ops::Deref, pin::Pin};
use tokens::operator::SessionToken;

/// An operator with a session, of a rank that was checked; the CSRF token of a form that changes something, too.
pub(crate) struct Visitor<R> {
    person: Person<R>,
    form: Form,
    frame: Frame,
}

impl<R> Deref for Visitor<R> {
    type Target = Person<R>;

    fn deref(&self) -> &Person<R> {
        &self.person
    }
}

impl<R> Visitor<R> {
    /// What stands around a page of this section.
    pub(super) fn frame(&self, section: Section) -> Frame {
        Frame { section: Some(section), ..self.frame.clone() }
    }

    /// What the form says.
    ///
    /// # Errors
    /// See [`Form::read`].
    pub(super) fn form<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        self.form.read()
    }
}

impl<R: Rank> FromRequest for Visitor<R> {
    type Error = Refusal;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Refusal>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let admin = admin(&request)?;
            let signed_in = session::<R>(&request, admin).await?;
            let form = Form::of(&request, payload, admin.settings.body_timeout).await?;
            let person = Person::admit(&request, admin, signed_in, &form.csrf())?;
            let frame = Frame::of(&person, Flash::of(&request));
            request.extensions_mut().insert(frame.clone());
            Ok(Visitor { person, form, frame })
        })
    }
}

/// The cookie of somebody who has not signed in, so that no other site can send the forms that they may send.
const VISIT: &str = "juno_visit";

/// Somebody who has not signed in.
pub(crate) struct Guest {
    /// From where.
    pub(super) origin: IpAddr,
    visit: SessionToken,
    form: Form,
}

impl Guest {
    /// The token that the forms of the page must hold.
    pub(super) fn csrf(&self) -> String {
        self.visit.csrf()
    }

    /// What the form says.
    ///
    /// # Errors
    /// See [`Form::read`].
    pub(super) fn form<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        self.form.read()
    }

    /// Gives the browser the cookie that goes with [`Guest::csrf`].
    ///
    /// # Errors
    /// None that should be.
    pub(super) fn remember(&self, admin: &Admin, mut page: HttpResponse) -> Result<HttpResponse, Failure> {
        let cookie = cookies::set(admin, VISIT, self.visit.reveal(), None);
        page.headers_mut().append(SET_COOKIE, cookie.parse().map_err(Failure::internal)?);
        Ok(page)
    }
}

impl FromRequest for Guest {
    type Error = Refusal;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Refusal>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let Origin(origin) = Origin::of(&request);
            let is_safe = request.method().is_safe();
            let visit =
                match ::web::cookies::read(&request, VISIT).and_then(|cookie| SessionToken::parse(&cookie)) {
                    Some(visit) => visit,
                    None if is_safe => SessionToken::generate().map_err(Failure::internal)?,
                    None => return Err(Failure::WrongCsrfToken.into()),
                };
            let form = Form::of(&request, payload, admin(&request)?.settings.body_timeout).await?;
            if !is_safe && !visit.is_csrf(&form.csrf()) {
                return Err(Failure::WrongCsrfToken.into());
            }
            Ok(Guest { origin, visit, form })
        })
    }
}
