//! What a request to the API or the console says beside who sends it. Never refused as an argument: only a handler, which
//! knows its caller, may complain of it.

use crate::Failure;
use actix_web::{FromRequest, HttpRequest, dev::Payload, web};
use serde::de::DeserializeOwned;
use std::{
    convert::Infallible,
    future::{Ready, ready},
    net::{IpAddr, Ipv4Addr},
};

/// The query of the URL.
pub(crate) struct Query<T>(Result<T, Failure>);

impl<T> Query<T> {
    /// What it says.
    pub(crate) fn read(self) -> Result<T, Failure> {
        self.0
    }
}

impl<T: DeserializeOwned> FromRequest for Query<T> {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let query = web::Query::<T>::from_query(request.query_string());
        ready(Ok(Query(query.map(web::Query::into_inner).map_err(|_| {
            let words =
                "The query of the URL has a key that is unknown or missing, or a value of the wrong type.";
            Failure::Invalid(words.to_owned())
        }))))
    }
}

/// The address that the request came from: that of a proxy that is not trusted, where there is one in front.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin(pub(crate) IpAddr);

impl Origin {
    /// That of a request.
    pub(crate) fn of(request: &HttpRequest) -> Origin {
        Origin(request.peer_addr().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |address| address.ip()))
    }
}

impl FromRequest for Origin {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        ready(Ok(Origin::of(request)))
    }
}
