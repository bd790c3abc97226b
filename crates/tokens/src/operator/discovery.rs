//! What an OpenID provider says of itself (OpenID Connect Discovery 1.0 section 4): asked by one
//! request at a time, and not again shortly after a failure, however many people press the button.

use super::OpenIdError;
use outgoing::Outgoing;
use scim::Timestamp;
use serde::Deserialize;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How long an answer is used.
const LIFETIME_MS: u64 = 3_600_000;
/// How long a failure is the answer to everybody: short, as the provider may be back.
const FAILURE_LIFETIME_MS: u64 = 5_000;
/// Largest answer that is read, in bytes.
const MAX_ANSWER: usize = 256 * 1024;

/// The part of the provider's metadata that is used (OpenID Connect Discovery 1.0 section 3).
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Metadata {
    issuer: String,
    pub(super) authorization_endpoint: String,
    pub(super) token_endpoint: String,
    pub(super) jwks_uri: String,
}

/// The metadata of one provider. Share one a process.
pub(super) struct Discovery {
    issuer: String,
    outgoing: Outgoing,
    known: Mutex<Known>,
    /// Held by the request that asks. The others wait for its answer.
    asking: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Known {
    metadata: Option<(Timestamp, Metadata)>,
    failure: Option<(Timestamp, String)>,
}

impl Discovery {
    /// Asks nobody yet.
    pub(super) fn new(issuer: String, outgoing: Outgoing) -> Discovery {
        Discovery { issuer, outgoing, known: Mutex::default(), asking: tokio::sync::Mutex::new(()) }
    }

    /// The metadata, at most an hour old.
    ///
    /// # Errors
    /// [`OpenIdError::Unavailable`] if the provider cannot be asked, or could not be asked in the
    /// last 5 seconds.
    pub(super) async fn metadata(&self, now: Timestamp) -> Result<Metadata, OpenIdError> {
        if let Some(answer) = self.known(now) {
            return answer;
        }
        let _asking = self.asking.lock().await;
        // The request that was first has the answer by now.
        if let Some(answer) = self.known(now) {
            return answer;
        }
        let answer = self.ask().await;
        let mut known = self.lock();
        match &answer {
            Ok(metadata) => *known = Known { metadata: Some((now, metadata.clone())), failure: None },
            Err(cause) => known.failure = Some((now, cause.clone())),
        }
        answer.map_err(OpenIdError::Unavailable)
    }

    fn known(&self, now: Timestamp) -> Option<Result<Metadata, OpenIdError>> {
        let is_within = |since: Timestamp, span| now.0.abs_diff(since.0) < span;
        let known = self.lock();
        match (&known.metadata, &known.failure) {
            (Some((asked, metadata)), _) if is_within(*asked, LIFETIME_MS) => Some(Ok(metadata.clone())),
            (_, Some((failed, cause))) if is_within(*failed, FAILURE_LIFETIME_MS) => {
                Some(Err(OpenIdError::Unavailable(cause.clone())))
            }
            _ => None,
        }
    }

    async fn ask(&self) -> Result<Metadata, String> {
        let url = format!("{}/.well-known/openid-configuration", self.issuer.trim_end_matches('/'));
        let body = self.outgoing.get(&url, MAX_ANSWER).await?;
        let metadata: Metadata =
            serde_json::from_slice(&body).map_err(|_| "its description cannot be read".to_owned())?;
        if metadata.issuer != self.issuer {
            return Err("it calls itself by another issuer than openid.issuer".to_owned());
        }
        Ok(metadata)
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::future::join_all;
    use std::sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    };
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    const NOW: i64 = 1_795_521_600_000;

    /// A provider that counts how often it is asked, and is down until it is told otherwise.
    #[derive(Default)]
    struct Provider {
        asked: AtomicUsize,
        is_up: AtomicBool,
    }

    impl Provider {
        async fn start() -> (Arc<Provider>, Discovery) {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("port");
            let issuer = format!("http://{}", listener.local_addr().expect("address"));
            let provider = Arc::new(Provider::default());
            tokio::spawn(Arc::clone(&provider).serve(listener, issuer.clone()));
            let timeout = std::time::Duration::from_secs(10);
            let bounds = outgoing::Bounds { allow_http: true, allow_private_networks: true, timeout };
            let outgoing = Outgoing::new(bounds, "the provider").expect("client");
            (provider, Discovery::new(issuer, outgoing))
        }

        async fn serve(self: Arc<Provider>, listener: TcpListener, issuer: String) {
            while let Ok((mut socket, _)) = listener.accept().await {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(socket.read_u8().await.expect("a request"));
                }
                self.asked.fetch_add(1, SeqCst);
                let (status, body) = match self.is_up.load(SeqCst) {
                    true => (
                        200,
                        format!(
                            r#"{{"issuer":"{issuer}","authorization_endpoint":"a","token_endpoint":"t","jwks_uri":"k"}}"#
                        ),
                    ),
                    false => (503, String::new()),
                };
                let answer = format!(
                    "HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
                    body.len()
                );
                socket.write_all(answer.as_bytes()).await.expect("answered");
            }
        }
    }

    #[tokio::test]
    async fn a_provider_that_is_down_is_asked_once_for_everybody() {
        let (provider, discovery) = Provider::start().await;
        let outcomes = async |at| join_all((0..50).map(|_| discovery.metadata(Timestamp(at)))).await;
        for (at, is_up, asked) in [
            (NOW, false, 1),
            (NOW + 4_999, true, 1),
            (NOW + 5_000, false, 2),
            (NOW + 10_000, true, 3),
            (NOW + 3_600_000, true, 3),
            (NOW + 3_610_000, true, 4),
        ] {
            provider.is_up.store(is_up, SeqCst);
            let good = outcomes(at).await.iter().filter(|outcome| outcome.is_ok()).count();
            assert_eq!(provider.asked.load(SeqCst), asked, "at {at}");
            assert_eq!(good, if asked < 3 { 0 } else { 50 }, "at {at}");
        }
    }
}
