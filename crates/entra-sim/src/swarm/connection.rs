//! One keep-alive HTTP/1.1 connection, without a pool and without a header of its own: made when needed, made again after
//! it broke.
//!
//! Why not reqwest: a matching query costs it 42 µs of processor, and the swarm, its measuring included, 31 µs (release,
//! without LTO, two cores, four connections; `examples/client_cost.rs`). reqwest also adds an `Accept` that Entra does not
//! send.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// Where a tenant's requests go.
#[derive(Clone)]
pub(crate) struct Peer {
    host: String,
    port: u16,
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

/// Why a request has no answer: the word under which it is counted.
pub(crate) type Trouble = &'static str;

/// What came back.
pub(crate) struct Answer {
    pub status: u16,
    pub body: Bytes,
}

impl Peer {
    /// The peer that the Tenant URL names.
    ///
    /// # Errors
    /// A sentence, if it has no host or TLS cannot be set up.
    pub(crate) fn of(tenant_url: &url::Url) -> Result<Peer, String> {
        let host =
            tenant_url.host_str().ok_or("the Tenant URL has no host")?.trim_matches(['[', ']']).to_owned();
        let port = tenant_url.port_or_known_default().ok_or("the Tenant URL has no port")?;
        let tls = match tenant_url.scheme() {
            "https" => {
                Some((connector()?, ServerName::try_from(host.clone()).map_err(|error| error.to_string())?))
            }
            _ => None,
        };
        Ok(Peer { host, port, tls })
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, Trouble> {
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await.map_err(|_| "connect")?;
        stream.set_nodelay(true).map_err(|_| "connect")?;
        match &self.tls {
            None => drive(TokioIo::new(stream)).await,
            Some((connector, name)) => {
                let stream = connector.connect(name.clone(), stream).await.map_err(|_| "tls")?;
                drive(TokioIo::new(stream)).await
            }
        }
    }
}

fn connector() -> Result<TlsConnector, String> {
    use rustls_platform_verifier::ConfigVerifierExt as _;
    let config = rustls::ClientConfig::with_platform_verifier().map_err(|error| error.to_string())?;
    Ok(TlsConnector::from(Arc::new(config)))
}

/// Shakes hands, and lets a task of its own read and write for the connection until it ends.
async fn drive<S>(stream: S) -> Result<SendRequest<Full<Bytes>>, Trouble>
where
    S: hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
{
    let (sender, connection) = handshake(stream).await.map_err(|_| "connect")?;
    // How it ends is seen by the request that is under way then.
    tokio::spawn(async move { drop(connection.await) });
    Ok(sender)
}

/// A place for one connection.
pub(crate) struct Connection {
    peer: Peer,
    sender: Option<SendRequest<Full<Bytes>>>,
}

impl Connection {
    pub(crate) fn new(peer: Peer) -> Connection {
        Connection { peer, sender: None }
    }

    /// Sends the request that `build` makes and reads the whole answer. A connection that the server closed while idle is
    /// made again without a word, as every keep-alive client does; one that breaks later is trouble.
    pub(crate) async fn send(&mut self, request: Request<Full<Bytes>>) -> Result<Answer, Trouble> {
        let mut sender = match self.sender.take().filter(|sender| !sender.is_closed()) {
            Some(sender) => sender,
            None => self.peer.connect().await?,
        };
        if sender.ready().await.is_err() {
            sender = self.peer.connect().await?;
        }
        let mut sending = sender.try_send_request(request).await;
        if let Err(failed) = &mut sending
            && let Some(unsent) = failed.take_message()
        {
            sender = self.peer.connect().await?;
            sending = sender.try_send_request(unsent).await;
        }
        let answer = read(sending.map_err(|_| "dropped")?).await?;
        self.sender = Some(sender);
        Ok(answer)
    }

    /// Gives the connection up, for example after a request that was not waited for.
    pub(crate) fn give_up(&mut self) {
        self.sender = None;
    }
}

async fn read(response: Response<Incoming>) -> Result<Answer, Trouble> {
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.map_err(|_| "dropped")?.to_bytes();
    Ok(Answer { status, body })
}
