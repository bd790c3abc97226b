//! The JSON body of a request: bounded in size, time and depth before anyone looks at it.

use crate::{ApiError, Limits};
use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    http::header::{CONTENT_LENGTH, CONTENT_TYPE},
    web::BytesMut,
};
use futures_util::StreamExt;
use scim::ScimError;
use serde_json::Value;
use std::{
    convert::Infallible,
    future::{Ready, ready},
};

/// A body that is still to be read: by a handler, which has its client, so that nothing is read for strangers.
pub(crate) struct Body {
    request: HttpRequest,
    payload: Payload,
}

impl FromRequest for Body {
    type Error = Infallible;
    type Future = Ready<Result<Body, Infallible>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        ready(Ok(Body { request: request.clone(), payload: payload.take() }))
    }
}

impl Body {
    /// Reads and parses the body.
    ///
    /// # Errors
    /// 415 for another media type than JSON, 413 and 408 beyond the limits, 400 for what is no JSON.
    pub(crate) async fn read(self, limits: &Limits) -> Result<Value, ApiError> {
        check_media_type(&self.request)?;
        let announced = announced_length(&self.request);
        let read = read(self.payload, limits.max_body, announced);
        let bytes = tokio::time::timeout(limits.body_timeout, read).await.map_err(|_| {
            ApiError::BodyRefused(ScimError::new(408, "The body of the request did not arrive in time."))
        })??;
        Ok(scim::json::parse(&bytes)?)
    }
}

/// SCIM's own media type, plain JSON, or none at all; anything else is 415.
fn check_media_type(request: &HttpRequest) -> Result<(), ApiError> {
    let Some(header) = request.headers().get(CONTENT_TYPE) else { return Ok(()) };
    let essence = header.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
    if ["application/scim+json", "application/json", ""]
        .iter()
        .any(|known| essence.eq_ignore_ascii_case(known))
    {
        return Ok(());
    }
    Err(ApiError::BodyRefused(ScimError::new(415, "Send the body as application/scim+json.")))
}

fn announced_length(request: &HttpRequest) -> Option<usize> {
    request.headers().get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Most memory that is set aside for a body on the strength of its announcement alone, in bytes.
const MAX_ADVANCE: usize = 64 * 1024;

async fn read(mut payload: Payload, max: usize, announced: Option<usize>) -> Result<BytesMut, ApiError> {
    let too_large = || {
        ApiError::BodyRefused(ScimError::too_large(format!(
            "The body of the request is larger than {max} bytes. Send fewer values or operations in one request."
        )))
    };
    if announced.is_some_and(|length| length > max) {
        return Err(too_large());
    }
    let mut bytes = BytesMut::with_capacity(announced.unwrap_or(1024).min(MAX_ADVANCE));
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| {
            ApiError::BodyRefused(ScimError::invalid_syntax(
                "The body of the request ended before it was complete.",
            ))
        })?;
        if bytes.len() + chunk.len() > max {
            return Err(too_large());
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}
