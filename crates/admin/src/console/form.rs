//! The body of a form, read with a limit before anybody looks at it; the CSRF token that stands in it.

use super::failure::Refusal;
use crate::Failure;
use actix_web::{FromRequest, HttpRequest, dev::Payload, http::header::CONTENT_TYPE, web};
use serde::{Deserialize, de::DeserializeOwned};
use std::future::Future;

/// Largest form, in bytes.
const MAX_FORM: usize = 64 * 1024;
const MEDIA_TYPE: &str = "application/x-www-form-urlencoded";

/// What a form says; empty for a request without a body.
#[derive(Default)]
pub(crate) struct Form(String);

#[derive(Default, Deserialize)]
struct Csrf {
    csrf: String,
}

impl Form {
    /// Reads the form of a request that changes something.
    pub(crate) fn of(
        request: &HttpRequest,
        payload: &mut Payload,
    ) -> impl Future<Output = Result<Form, Refusal>> + use<> {
        let is_safe = request.method().is_safe();
        let media_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let is_form = media_type.is_some_and(|text| {
            text.split(';').next().is_some_and(|text| text.trim().eq_ignore_ascii_case(MEDIA_TYPE))
        });
        let payload = web::Payload::from_request(request, payload);
        async move {
            if is_safe {
                return Ok(Form::default());
            }
            if !is_form {
                return Err(Refusal::NotAForm);
            }
            let unreadable = || Failure::Invalid("The form cannot be read.".to_owned());
            let payload = payload.await.map_err(|_| unreadable())?;
            let bytes = payload.to_bytes_limited(MAX_FORM).await.map_err(|_| Refusal::TooLarge)?;
            let bytes = bytes.map_err(|_| unreadable())?;
            Ok(Form(String::from_utf8(bytes.to_vec()).map_err(|_| unreadable())?))
        }
    }

    /// The CSRF token in it.
    pub(crate) fn csrf(&self) -> String {
        web::Query::<Csrf>::from_query(&self.0).map(|form| form.into_inner().csrf).unwrap_or_default()
    }

    /// What it says.
    ///
    /// # Errors
    /// [`Failure::Invalid`] if a field is missing or has a value that it cannot have: no browser sends such a form.
    pub(crate) fn read<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        let form = web::Query::<T>::from_query(&self.0).map_err(|_| {
            Failure::Invalid("A field of the form is missing or has a value that it cannot have.".to_owned())
        });
        form.map(web::Query::into_inner)
    }
}
