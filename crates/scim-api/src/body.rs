//! The JSON body of a request: bounded in size, time and depth before anyone looks at it.

use crate::{ApiError, App};
use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    http::header::{CONTENT_LENGTH, CONTENT_TYPE},
    web::{BytesMut, Data},
};
use futures_util::StreamExt;
use scim::ScimError;
use serde_json::Value;
use std::{future::Future, pin::Pin};

/// A parsed body.
pub(crate) struct Body(pub(crate) Value);

impl FromRequest for Body {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Body, ApiError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        let payload = payload.take();
        Box::pin(async move {
            let app = request.app_data::<Data<App>>().ok_or(ApiError::Misconfigured)?;
            check_media_type(&request)?;
            let announced = announced_length(&request);
            let read = read(payload, app.limits.max_body, announced);
            let bytes = tokio::time::timeout(app.limits.body_timeout, read).await.map_err(|_| {
                ApiError::BodyRefused(ScimError::new(408, "The body of the request did not arrive in time."))
            })??;
            Ok(Body(scim::json::parse(&bytes)?))
        })
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

async fn read(mut payload: Payload, max: usize, announced: Option<usize>) -> Result<BytesMut, ApiError> {
    let too_large = || {
        ApiError::BodyRefused(ScimError::too_large(format!(
            "The body of the request is larger than {max} bytes. Send fewer values or operations in one request."
        )))
    };
    if announced.is_some_and(|length| length > max) {
        return Err(too_large());
    }
    let mut bytes = BytesMut::with_capacity(announced.unwrap_or(1024));
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
