//! HTTP byte by byte, as only hostile clients write it.

use socket2::{Domain, Socket, Type};
use std::{
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};
use test_support::{Gateway, Response};

/// One connection.
pub(crate) struct Raw {
    stream: TcpStream,
    /// The answer to HEAD announces a length and has no body.
    is_head: bool,
}

impl Raw {
    /// To the SCIM listener.
    pub(crate) fn connect(gateway: &Gateway) -> Raw {
        Raw::to(gateway.scim())
    }

    /// The same, where the system buffers next to nothing of what is not read.
    pub(crate) fn connect_with_small_buffer(gateway: &Gateway) -> Raw {
        let address: std::net::SocketAddr =
            gateway.scim().trim_start_matches("http://").parse().expect("address");
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None).expect("socket");
        socket.set_recv_buffer_size(4096).expect("small buffer");
        socket.connect(&address.into()).expect("connected");
        Raw::of(socket.into())
    }

    /// To the listener with this address.
    pub(crate) fn to(listener: &str) -> Raw {
        Raw::of(TcpStream::connect(listener.trim_start_matches("http://")).expect("connected"))
    }

    fn of(stream: TcpStream) -> Raw {
        stream.set_read_timeout(Some(Duration::from_secs(30))).expect("timeout");
        Raw { stream, is_head: false }
    }

    /// To the listener with this address, from a loopback address of this machine.
    pub(crate) fn from(source: [u8; 4], listener: &str) -> Raw {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("socket");
        socket.bind(&SocketAddr::from((source, 0)).into()).expect("source");
        let listener: SocketAddr = listener.trim_start_matches("http://").parse().expect("address");
        socket.connect(&listener.into()).expect("connected");
        let stream = TcpStream::from(socket);
        stream.set_read_timeout(Some(Duration::from_secs(30))).expect("timeout");
        Raw { stream, is_head: false }
    }

    /// Sends bytes; false once the other side has closed.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> bool {
        self.is_head |= bytes.starts_with(b"HEAD ");
        self.stream.write_all(bytes).is_ok()
    }

    /// Sends of these bytes what the other side and the system take without being waited for.
    pub(crate) fn send_what_is_taken(&mut self, mut bytes: &[u8]) {
        self.stream.set_nonblocking(true).expect("non-blocking");
        while let Ok(count) = self.stream.write(bytes)
            && count > 0
        {
            bytes = &bytes[count..];
        }
        self.stream.set_nonblocking(false).expect("blocking");
    }

    /// How many bytes come before the other side gives up.
    pub(crate) fn rest_of_a_broken_answer(mut self) -> usize {
        let mut rest = Vec::new();
        // It ends with a reset, or where the other side has closed.
        let _ = self.stream.read_to_end(&mut rest);
        rest.len()
    }

    /// Says that nothing more will come.
    pub(crate) fn finish(&mut self) {
        // Fails only where the other side has closed already.
        let _ = self.stream.shutdown(std::net::Shutdown::Write);
    }

    /// Reads one answer. None if the other side closed without a word.
    pub(crate) fn answer(&mut self) -> Option<Response> {
        let mut bytes = Vec::new();
        loop {
            if let Some(response) = parse(&bytes, self.is_head) {
                return Some(response);
            }
            let mut chunk = [0; 4096];
            match self.stream.read(&mut chunk) {
                Ok(0) => break,
                Ok(count) => bytes.extend_from_slice(&chunk[..count]),
                // It closed while it was still being sent to.
                Err(error) if error.kind() == ErrorKind::ConnectionReset => break,
                Err(error) => {
                    panic!("neither answer nor end: {error} after {}", String::from_utf8_lossy(&bytes))
                }
            }
        }
        assert!(bytes.is_empty(), "half an answer: {}", String::from_utf8_lossy(&bytes));
        None
    }

    /// Everything that comes until the other side closes.
    pub(crate) fn rest(mut self) -> String {
        let mut rest = Vec::new();
        self.stream.read_to_end(&mut rest).expect("an end");
        String::from_utf8_lossy(&rest).into_owned()
    }

    /// Waits until the other side closes.
    pub(crate) fn wait_for_end(mut self) {
        let mut rest = Vec::new();
        if let Err(error) = self.stream.read_to_end(&mut rest) {
            assert_eq!(error.kind(), ErrorKind::ConnectionReset, "the connection stays open");
        }
    }
}

/// An answer of announced length, once it is complete.
fn parse(bytes: &[u8], is_head: bool) -> Option<Response> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&bytes[..end]);
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok()).expect("status");
    let headers = lines.filter_map(|line| line.split_once(':'));
    let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned())).collect();
    let body = bytes[end + 4..].to_vec();
    let json = serde_json::from_slice(&body).unwrap_or_default();
    let response = Response { status, headers, body, json };
    let length = response.header("content-length").map_or(0, |length| length.parse().expect("length"));
    (is_head || response.body.len() >= length).then_some(response)
}
