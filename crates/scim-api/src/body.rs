//! The JSON body of a request: bounded in size, memory, time and depth before anyone looks at it.

use crate::{ApiError, App, Limits, memory::MEMORY_PER_BYTE, tree};
use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE},
    web::BytesMut,
};
use futures_util::StreamExt;
use provisioning::off_worker;
use scim::ScimError;
use serde_json::Value;
use std::{
    convert::Infallible,
    future::{Ready, ready},
};
use store::bytes::Reservation;
use tokio::time::{Instant, timeout_at};

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
    /// Reads the body and makes of it what `read` does. `memory` is what the request has reserved beside the body, and does
    /// not hold yet: it is raised before the body is read, and holds the size of the parsed body afterwards.
    ///
    /// # Errors
    /// 415 for another media type than JSON or a compressed body, 413 and 408 beyond the limits, 429 if the memory does not become free, 400 for
    /// what is no JSON; those of `read`.
    pub(crate) async fn read<T: Send + 'static>(
        self,
        app: &App,
        memory: &mut Reservation,
        read: impl FnOnce(Value) -> Result<T, ScimError> + Send + 'static,
    ) -> Result<T, ApiError> {
        check_media_type(&self.request)?;
        check_encoding(&self.request)?;
        let base = memory.bytes();
        let announced = announced_length(&self.request);
        let text = receive(self.payload, &app.limits, announced, memory).await?;
        let length = text.len();
        let (text, size) = off_worker(memory.line(), length, move || {
            let size = tree::size(&text);
            (text, size)
        })
        .await?;
        if size > MEMORY_PER_BYTE * app.limits.max_body {
            return Err(ScimError::too_large(
                "The body of the request holds too many values for its size. Send fewer values in one request.",
            )
            .into());
        }
        // More than was reserved only for bodies that hardly hold any text.
        memory.raise_to(base + length + size, length).await?;
        let value = off_worker(memory.line(), length, move || read(scim::json::parse(&text)?)).await??;
        memory.shrink_to(base + size);
        Ok(value)
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

/// A compressed body is refused: unpacked, it could be far larger than the limit that its length was compared with.
fn check_encoding(request: &HttpRequest) -> Result<(), ApiError> {
    let is_identity =
        |coding: &str| coding.trim().is_empty() || coding.trim().eq_ignore_ascii_case("identity");
    let mut codings = request.headers().get_all(CONTENT_ENCODING);
    if codings.all(|coding| coding.to_str().is_ok_and(|text| text.split(',').all(is_identity))) {
        return Ok(());
    }
    Err(ApiError::BodyRefused(ScimError::new(
        415,
        "Send the body without compression: remove the header Content-Encoding.",
    )))
}

fn announced_length(request: &HttpRequest) -> Option<usize> {
    request.headers().get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// The most memory that is allocated for a body on the strength of its announcement alone, in bytes. It is reserved whole.
const MAX_ADVANCE: usize = 64 * 1024;
/// How large a body of unknown length may grow before more is reserved for it, and how many times as much then.
const FIRST_SLICE: usize = 16 * 1024;
const GROWTH: usize = 8;

/// Receives the text of the body. What it will take parsed is reserved before it is received.
async fn receive(
    mut payload: Payload,
    limits: &Limits,
    announced: Option<usize>,
    memory: &mut Reservation,
) -> Result<BytesMut, ApiError> {
    let (max, base) = (limits.max_body, memory.bytes());
    let too_large = || {
        ApiError::BodyRefused(ScimError::too_large(format!(
            "The body of the request is larger than {max} bytes. Send fewer values or operations in one request."
        )))
    };
    let too_slow =
        |_| ApiError::BodyRefused(ScimError::new(408, "The body of the request did not arrive in time."));
    if announced.is_some_and(|length| length > max) {
        return Err(too_large());
    }
    let mut reserved = announced.unwrap_or(FIRST_SLICE).min(max);
    memory.raise_to(base + MEMORY_PER_BYTE * reserved, 0).await?;
    let mut deadline = Instant::now() + limits.body_timeout;
    let mut text = BytesMut::with_capacity(announced.unwrap_or(1024).min(MAX_ADVANCE));
    while let Some(chunk) = timeout_at(deadline, payload.next()).await.map_err(too_slow)? {
        let chunk = chunk.map_err(|_| {
            ApiError::BodyRefused(ScimError::invalid_syntax(
                "The body of the request ended before it was complete.",
            ))
        })?;
        let length = text.len() + chunk.len();
        if length > max {
            return Err(too_large());
        }
        if length > reserved {
            let began = Instant::now();
            reserved = (reserved * GROWTH).clamp(length, max);
            memory.raise_to(base + MEMORY_PER_BYTE * reserved, length).await?;
            // That it had to wait for us is no fault of the client.
            deadline += began.elapsed();
        }
        text.extend_from_slice(&chunk);
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::{error::PayloadError, web::Bytes};
    use futures_util::{Stream, stream};
    use std::time::Duration;
    use store::{
        TenantId,
        bytes::{self, Budget, Holder},
    };
    use uuid::Uuid;

    const MB: usize = 1024 * 1024;
    const TENANT: Holder = Holder::Tenant(TenantId(Uuid::nil()));

    fn limits() -> Limits {
        Limits {
            page: scim::search::PageLimits { default: 100, max: 1000 },
            document: provisioning::DocumentLimits::default(),
            max_body: 2 * MB,
            body_timeout: Duration::from_secs(30),
            bulk_max_operations: 1000,
            page_bytes: 8 * MB,
            write_timeout: Duration::from_secs(60),
        }
    }
    fn budget() -> Budget {
        Budget::new(bytes::Limits { per_holder: 32 * MB, total: 256 * MB })
    }
    fn payload(chunks: impl Stream<Item = Result<Bytes, PayloadError>> + 'static) -> Payload {
        Payload::Stream { payload: Box::pin(chunks) }
    }
    fn chunk(length: usize) -> Result<Bytes, PayloadError> {
        Ok(Bytes::from(vec![b' '; length]))
    }
    fn status(result: Result<BytesMut, ApiError>) -> u16 {
        result.map_err(|error| error.words().status).unwrap_err()
    }

    #[tokio::test(start_paused = true)]
    async fn memory_is_reserved_before_a_body_of_known_length_is_read() {
        let budget = budget();
        let mut memory = budget.reserve(TENANT, 1000).await.unwrap();
        let looked = budget.clone();
        let chunks = stream::once(async move {
            assert_eq!(looked.in_flight(), 1000 + MEMORY_PER_BYTE * MB);
            chunk(MB)
        });
        let text = receive(payload(chunks), &limits(), Some(MB), &mut memory).await.unwrap();
        assert_eq!((text.len(), budget.in_flight()), (MB, 1000 + MEMORY_PER_BYTE * MB));
        let nothing = payload(stream::pending());
        assert_eq!(status(receive(nothing, &limits(), Some(2 * MB + 1), &mut memory).await), 413);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_of_unknown_length_is_given_memory_as_it_grows() {
        let budget = budget();
        let mut memory = budget.reserve(TENANT, 1000).await.unwrap();
        let looked = budget.clone();
        let chunks = stream::unfold(0, move |sent| {
            let held = looked.in_flight() - 1000;
            async move {
                assert!(
                    held >= MEMORY_PER_BYTE * sent
                        && held <= MEMORY_PER_BYTE * (GROWTH * sent).clamp(FIRST_SLICE, 2 * MB)
                );
                (sent < 2 * MB).then(|| (chunk(8 * 1024), sent + 8 * 1024))
            }
        });
        let text = receive(payload(chunks), &limits(), None, &mut memory).await.unwrap();
        assert_eq!((text.len(), memory.bytes()), (2 * MB, 1000 + MEMORY_PER_BYTE * 2 * MB));
        let endless = payload(stream::repeat_with(|| chunk(64 * 1024)));
        assert_eq!(status(receive(endless, &limits(), None, &mut memory).await), 413);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_has_to_wait_for_memory_keeps_its_time() {
        let budget = budget();
        let other = budget.reserve(TENANT, 32 * MB - 2000 - MEMORY_PER_BYTE * FIRST_SLICE).await.unwrap();
        let mut memory = budget.reserve(TENANT, 1000).await.unwrap();
        // 25 seconds of the client before it waits for memory, and 4 seconds after.
        let late = |seconds| async move {
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            chunk(FIRST_SLICE)
        };
        let chunks = stream::iter([25, 0, 4]).then(late);
        let (limits, began) = (limits(), Instant::now());
        let receiving = receive(payload(chunks), &limits, None, &mut memory);
        let freeing = async {
            tokio::time::sleep(Duration::from_secs(33)).await;
            drop(other);
        };
        let (text, ()) = futures_util::future::join(receiving, freeing).await;
        assert_eq!((text.unwrap().len(), began.elapsed()), (3 * FIRST_SLICE, Duration::from_secs(37)));
    }

    #[tokio::test(start_paused = true)]
    async fn slow_clients_and_memory_that_does_not_become_free_are_told_apart() {
        let budget = budget();
        let mut memory = budget.reserve(TENANT, 1000).await.unwrap();
        let slow = payload(stream::pending());
        assert_eq!(status(receive(slow, &limits(), Some(10), &mut memory).await), 408);
        let _other = budget.reserve(TENANT, 31 * MB).await.unwrap();
        let refused = receive(payload(stream::pending()), &limits(), Some(MB), &mut memory).await;
        assert_eq!(status(refused), 429);
    }
}
