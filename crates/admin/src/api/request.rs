//! The body of a request. Never refused as an argument: only a handler, which knows its caller, may complain of it.

pub(super) use crate::request::Query;

use super::Problem;
use crate::Failure;
use actix_web::{FromRequest, HttpRequest, dev::Payload, error::JsonPayloadError, web};
use serde::de::DeserializeOwned;
use std::{convert::Infallible, future::Future, pin::Pin};

/// A body of JSON.
pub(crate) struct Body<T>(Result<T, Problem>);

impl<T> Body<T> {
    /// What it says.
    pub(super) fn read(self) -> Result<T, Problem> {
        self.0
    }
}

impl<T: DeserializeOwned + 'static> FromRequest for Body<T> {
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Infallible>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let limit = web::JsonBody::<T>::new(request, payload, None, true).limit(super::MAX_BODY);
        Box::pin(async {
            Ok(Body(limit.await.map_err(|error| match error {
                JsonPayloadError::OverflowKnownLength { .. } | JsonPayloadError::Overflow { .. } => {
                    Problem::TooLarge
                }
                JsonPayloadError::ContentType => Problem::WrongMediaType,
                // Names fields and places; a value of a wrong type is not repeated, as it may be a password.
                JsonPayloadError::Deserialize(error) => {
                    let what = match error.classify() {
                        serde_json::error::Category::Data => {
                            "a field is missing, unknown or of the wrong type"
                        }
                        _ => "it is not JSON",
                    };
                    let (line, column) = (error.line(), error.column());
                    Failure::Invalid(format!("The body, line {line}, column {column}: {what}.")).into()
                }
                _ => Failure::Invalid("The body cannot be read.".to_owned()).into(),
            })))
        })
    }
}
