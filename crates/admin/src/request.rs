//! What a request to the API or the console says beside who sends it. Never refused as an argument: only a handler, which
//! knows its caller, may complain of it.

use crate::Failure;
use actix_web::{FromRequest, HttpRequest, dev::Payload, web};
use serde::de::DeserializeOwned;
use std::{
    convert::Infallible,
    future::{Ready, ready},
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
