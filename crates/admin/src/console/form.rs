//! The body of a form, read with limits of size and time before anybody looks at it; the CSRF token that stands in it.

use super::failure::Refusal;
use crate::{Admin, Failure};
use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    http::header::CONTENT_TYPE,
    web::{self, Bytes},
};
use serde::{Deserialize, de::DeserializeOwned};
use std::time::Duration;
use store::id::new_id;

/// Largest form, in bytes.
const MAX_FORM: usize = 64 * 1024;
const MEDIA_TYPE: &str = "application/x-www-form-urlencoded";

/// A key for the hidden field of a form that makes something, which it does once, however often it is sent. What is shown
/// again has a new one: other words under the same key would be another request.
///
/// # Errors
/// None that should be.
pub(super) fn new_key(admin: &Admin) -> Result<String, Failure> {
    Ok(new_id(admin.now()).map_err(Failure::internal)?.to_string())
}

/// What a form says; empty for a request without a body.
#[derive(Default)]
pub(crate) struct Form(String);

#[derive(Default, Deserialize)]
struct Csrf {
    csrf: String,
}

impl Form {
    /// Reads the form of a request that changes something, in no more than this time.
    pub(crate) async fn of(
        request: &HttpRequest,
        payload: Payload,
        timeout: Duration,
    ) -> Result<Form, Refusal> {
        if request.method().is_safe() {
            return Ok(Form::default());
        }
        let media_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let essence = media_type.unwrap_or_default().split(';').next().unwrap_or_default().trim();
        if !essence.eq_ignore_ascii_case(MEDIA_TYPE) {
            return Err(Refusal::NotAForm);
        }
        let read = tokio::time::timeout(timeout, read(request, payload));
        let bytes = read.await.map_err(|_| Refusal::TooSlow)??;
        Ok(Form(String::from_utf8(bytes.to_vec()).map_err(|_| unreadable())?))
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

async fn read(request: &HttpRequest, mut payload: Payload) -> Result<Bytes, Refusal> {
    let payload = web::Payload::from_request(request, &mut payload).await.map_err(|_| unreadable())?;
    let bytes = payload.to_bytes_limited(MAX_FORM).await.map_err(|_| Refusal::TooLarge)?;
    Ok(bytes.map_err(|_| unreadable())?)
}

fn unreadable() -> Failure {
    Failure::Invalid("The form cannot be read.".to_owned())
}
