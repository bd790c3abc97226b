//! The body of a request. Never refused as an argument: only a handler, which knows its caller, may complain of it.

pub(super) use crate::request::Query;

use super::Problem;
use crate::{Admin, Failure};
use actix_web::{FromRequest, HttpRequest, dev::Payload, error::JsonPayloadError, web};
use serde::de::DeserializeOwned;
use std::{
    convert::Infallible,
    future::{Ready, ready},
    marker::PhantomData,
};
use tokio::time::timeout;

/// A body of JSON that is still to be read: by a handler, which has its caller, so that nothing is read for strangers.
pub(crate) struct Body<T> {
    request: HttpRequest,
    payload: Payload,
    shape: PhantomData<T>,
}

impl<T: DeserializeOwned + 'static> Body<T> {
    /// Reads what it says.
    pub(super) async fn read(mut self, admin: &Admin) -> Result<T, Problem> {
        let body = web::JsonBody::new(&self.request, &mut self.payload, None, true).limit(super::MAX_BODY);
        let read = timeout(admin.settings.body_timeout, body).await.map_err(|_| Problem::TooSlow)?;
        read.map_err(|error| match error {
            JsonPayloadError::OverflowKnownLength { .. } | JsonPayloadError::Overflow { .. } => {
                Problem::TooLarge
            }
            JsonPayloadError::ContentType => Problem::WrongMediaType,
            // Names fields and places; a value of a wrong type is not repeated, as it may be a password.
            JsonPayloadError::Deserialize(error) => {
                let what = match error.classify() {
                    serde_json::error::Category::Data => "a field is missing, unknown or of the wrong type",
                    _ => "it is not JSON",
                };
                let (line, column) = (error.line(), error.column());
                Failure::Invalid(format!("The body, line {line}, column {column}: {what}.")).into()
            }
            _ => Failure::Invalid("The body cannot be read.".to_owned()).into(),
        })
    }
}

impl<T> FromRequest for Body<T> {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        ready(Ok(Body { request: request.clone(), payload: payload.take(), shape: PhantomData }))
    }
}
