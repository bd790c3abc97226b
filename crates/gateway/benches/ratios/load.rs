//! A closed loop of keep-alive connections: each sends a request, reads its answer, and sends the next.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    thread,
    time::{Duration, Instant},
};

/// What a run measured.
pub(crate) struct Measured {
    pub(crate) per_second: f64,
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
}

/// Sends what `request(connection, n)` makes over `connections` connections until the time is over, or until it makes
/// nothing more. Every answer must have one of `statuses`.
pub(crate) fn run(
    address: &str,
    connections: usize,
    time: Duration,
    statuses: &[u16],
    request: impl Fn(usize, usize) -> Option<Vec<u8>> + Sync,
) -> Measured {
    let began = Instant::now();
    let mut latencies: Vec<Duration> = thread::scope(|scope| {
        let threads: Vec<_> = (0..connections)
            .map(|connection| {
                let request = &request;
                scope.spawn(move || {
                    let mut wire = Wire::connect(address);
                    let mut latencies = Vec::new();
                    for n in 0.. {
                        let Some(bytes) = request(connection, n).filter(|_| began.elapsed() < time) else {
                            break;
                        };
                        let sent = Instant::now();
                        let (status, body) = wire.exchange(&bytes);
                        latencies.push(sent.elapsed());
                        assert!(statuses.contains(&status), "{status}: {body}");
                    }
                    latencies
                })
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("connection")).collect()
    });
    let seconds = began.elapsed().as_secs_f64();
    latencies.sort_unstable();
    let at = |share: f64| latencies[((latencies.len() - 1) as f64 * share) as usize];
    Measured { per_second: latencies.len() as f64 / seconds, p50: at(0.5), p99: at(0.99) }
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
pub(crate) struct Wire {
    stream: BufReader<TcpStream>,
}

impl Wire {
    pub(crate) fn connect(address: &str) -> Wire {
        let stream = TcpStream::connect(address.trim_start_matches("http://")).expect("gateway");
        stream.set_nodelay(true).expect("nodelay");
        Wire { stream: BufReader::with_capacity(64 * 1024, stream) }
    }

    /// The status and body of the answer.
    pub(crate) fn exchange(&mut self, request: &[u8]) -> (u16, String) {
        self.stream.get_mut().write_all(request).expect("send");
        let mut line = String::new();
        self.stream.read_line(&mut line).expect("status line");
        let status = line.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("status");
        let mut length = 0;
        loop {
            line.clear();
            self.stream.read_line(&mut line).expect("header");
            if line.trim().is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().expect("length");
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).expect("body");
        (status, String::from_utf8(body).expect("UTF-8"))
    }
}
