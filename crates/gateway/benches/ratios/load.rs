//! A closed loop of keep-alive connections: each sends a request, reads its answer, and sends the next. One thread serves
//! all of them, so that little of the machine is spent on asking.

use futures_util::{StreamExt, stream::FuturesUnordered};
use std::time::{Duration, Instant};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};

/// What a run measured.
pub(crate) struct Measured {
    pub(crate) per_second: f64,
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
}

/// Sends what `request(connection, n)` makes over `connections` connections until the time is over, or until it makes
/// nothing more. Every answer must have this status.
pub(crate) fn run(
    address: &str,
    connections: usize,
    time: Duration,
    status: u16,
    request: impl Fn(usize, usize) -> Option<Vec<u8>>,
) -> Measured {
    let began = Instant::now();
    let ask_all = async |connection: usize| {
        let mut wire = Wire::connect(address).await;
        let mut latencies = Vec::new();
        for n in 0.. {
            let Some(bytes) = request(connection, n).filter(|_| began.elapsed() < time) else { break };
            let sent = Instant::now();
            let (answered, body) = wire.exchange(&bytes).await;
            latencies.push(sent.elapsed());
            assert!(answered == status, "{answered}: {}", String::from_utf8_lossy(body));
        }
        latencies
    };
    let all: FuturesUnordered<_> = (0..connections).map(&ask_all).collect();
    let mut latencies: Vec<Duration> = block_on(all.collect::<Vec<_>>()).concat();
    let seconds = began.elapsed().as_secs_f64();
    latencies.sort_unstable();
    let at = |share: f64| latencies[((latencies.len() - 1) as f64 * share) as usize];
    Measured { per_second: latencies.len() as f64 / seconds, p50: at(0.5), p99: at(0.99) }
}

/// Sends requests one after the other, and returns the bodies of their answers, each of which must have this status.
pub(crate) fn exchange(address: &str, requests: Vec<Vec<u8>>, status: u16) -> Vec<String> {
    block_on(async {
        let mut wire = Wire::connect(address).await;
        let mut bodies = Vec::new();
        for request in requests {
            let (answered, body) = wire.exchange(&request).await;
            let body = String::from_utf8_lossy(body).into_owned();
            assert!(answered == status, "{answered}: {body}");
            bodies.push(body);
        }
        bodies
    })
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_io().build().expect("runtime").block_on(work)
}

/// A request as it goes over the wire.
pub(crate) fn request(method: &str, url: &str, token: &str, body: &str) -> Vec<u8> {
    let (host, path) = url.trim_start_matches("http://").split_once('/').expect("path");
    let length = if body.is_empty() {
        String::new()
    } else {
        format!("Content-Type: application/scim+json\r\nContent-Length: {}\r\n", body.len())
    };
    format!(
        "{method} /{path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n{length}\r\n{body}"
    )
    .into_bytes()
}

/// One keep-alive connection.
struct Wire {
    stream: BufReader<TcpStream>,
    line: Vec<u8>,
    body: Vec<u8>,
}

impl Wire {
    async fn connect(address: &str) -> Wire {
        let stream = TcpStream::connect(address.trim_start_matches("http://")).await.expect("gateway");
        stream.set_nodelay(true).expect("nodelay");
        Wire { stream: BufReader::with_capacity(64 * 1024, stream), line: Vec::new(), body: Vec::new() }
    }

    /// The status and body of the answer.
    async fn exchange(&mut self, request: &[u8]) -> (u16, &[u8]) {
        self.stream.get_mut().write_all(request).await.expect("send");
        let status = self.line().await.get(9..12).and_then(|status| std::str::from_utf8(status).ok());
        let status = status.and_then(|status| status.parse().ok()).expect("status");
        let mut length = Some(0);
        loop {
            let line = self.line().await;
            if line.is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_at_checked(15)
                && name.eq_ignore_ascii_case(b"content-length:")
            {
                length = Some(String::from_utf8_lossy(value).trim().parse().expect("length"));
            }
            if line.eq_ignore_ascii_case(b"transfer-encoding: chunked") {
                length = None;
            }
        }
        self.body.clear();
        match length {
            Some(length) => self.append(length).await,
            None => self.append_chunks().await,
        }
        (status, &self.body)
    }

    /// Reads the next `length` bytes of a body.
    async fn append(&mut self, length: usize) {
        let read = self.body.len();
        self.body.resize(read + length, 0);
        self.stream.read_exact(&mut self.body[read..]).await.expect("body");
    }

    /// Reads a body of unknown length (RFC 9112 section 7.1).
    async fn append_chunks(&mut self) {
        loop {
            let size = String::from_utf8_lossy(self.line().await).into_owned();
            let size = usize::from_str_radix(&size, 16).expect("size of a chunk");
            self.append(size).await;
            assert!(self.line().await.is_empty(), "the end of a chunk");
            if size == 0 {
                return;
            }
        }
    }

    async fn line(&mut self) -> &[u8] {
        self.line.clear();
        self.stream.read_until(b'\n', &mut self.line).await.expect("header");
        self.line.trim_ascii_end()
    }
}
