//! Where a request comes from when a proxy of ours stands in front: the last address of X-Forwarded-For that is no trusted
//! proxy. Everything behind this (throttles, the audit log, the last use of credentials) sees it as the peer.
//!
//! Each proxy adds the address that it was asked from at the end; what stands further left was written by whoever asked it,
//! and may be invented. Only one header is believed: a proxy that writes one of two lets strangers write the other.

use actix_web::{
    Error,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::header::{HeaderMap, X_FORWARDED_FOR},
    middleware::Next,
    web::Data,
};
use ipnet::IpNet;
use std::net::{IpAddr, SocketAddr};

/// The proxies whose word counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Proxies(Vec<IpNet>);

impl Proxies {
    /// Reads addresses and networks (CIDR) between commas; none at all is fine.
    ///
    /// # Errors
    /// The one that is none.
    pub(crate) fn parse(text: &str) -> Result<Proxies, String> {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        let read = |part: &str| {
            let network = part.parse().or_else(|_| part.parse::<IpAddr>().map(IpNet::from));
            network.map_err(|_| format!("\"{part}\" is neither an address nor a network, as 10.0.0.0/8"))
        };
        parts.map(read).collect::<Result<_, _>>().map(Proxies)
    }

    /// As it was read.
    pub(crate) fn show(&self) -> String {
        self.0.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether this address is a declared proxy.
    pub(crate) fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }

    /// Whence a request comes that has these headers and was sent by this peer.
    fn origin(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut origin = peer.to_canonical();
        if self.is_empty() {
            return peer;
        }
        let lines: Vec<_> = headers.get_all(X_FORWARDED_FOR).collect();
        let hops = lines.iter().rev().flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b','));
        for hop in hops {
            if !self.trusts(origin) {
                break;
            }
            // What cannot be read was not written by a proxy of ours: the last that is known counts.
            let Some(address) = std::str::from_utf8(hop).ok().and_then(address) else { break };
            origin = address;
        }
        origin
    }
}

/// An address, perhaps with a port, as proxies write it.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let plain = bare.parse().ok();
    let address: Option<IpAddr> = plain.or_else(|| text.parse::<SocketAddr>().ok().map(|socket| socket.ip()));
    address.map(|address| address.to_canonical())
}

/// Middleware: puts the origin in the place of the peer. The application holds `Data<Proxies>`.
pub(crate) async fn find<B: MessageBody>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    if let (Some(proxies), Some(peer)) = (request.app_data::<Data<Proxies>>(), request.peer_addr()) {
        let origin = proxies.origin(peer.ip(), request.headers());
        if origin != peer.ip() {
            request.head_mut().peer_addr = Some(SocketAddr::new(origin, 0));
        }
    }
    next.call(request).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;

    fn origin(trusted: &str, peer: &str, lines: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(X_FORWARDED_FOR, HeaderValue::from_bytes(line.as_bytes()).unwrap());
        }
        let proxies = Proxies::parse(trusted).unwrap();
        proxies.origin(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn the_last_hop_that_is_no_proxy_of_ours_counts() {
        let ours = "10.0.0.0/8, 2001:db8::1";
        for (peer, lines, expected) in [
            ("10.0.0.1", &["203.0.113.7"][..], "203.0.113.7"),
            ("10.0.0.1", &["203.0.113.7, 10.1.1.1"], "203.0.113.7"),
            ("10.0.0.1", &["203.0.113.7", "10.1.1.1"], "203.0.113.7"),
            ("10.0.0.1", &["203.0.113.7:4711"], "203.0.113.7"),
            ("10.0.0.1", &["[2001:db8::7]:4711"], "2001:db8::7"),
            ("10.0.0.1", &["[2001:db8::7]"], "2001:db8::7"),
            ("2001:db8::1", &["2001:db8::7"], "2001:db8::7"),
            ("::ffff:10.0.0.1", &["203.0.113.7"], "203.0.113.7"),
            ("10.0.0.1", &["::ffff:203.0.113.7"], "203.0.113.7"),
            ("10.0.0.1", &["10.2.2.2, 10.1.1.1"], "10.2.2.2"),
            ("10.0.0.1", &[], "10.0.0.1"),
        ] {
            assert_eq!(origin(ours, peer, lines), expected, "{peer} {lines:?}");
        }
    }

    #[test]
    fn what_strangers_write_is_not_believed() {
        let ours = "10.0.0.0/8";
        for (peer, lines, expected) in [
            // Whoever is no proxy of ours says nothing.
            ("198.51.100.9", &["203.0.113.7"][..], "198.51.100.9"),
            // Addresses in front of the one that our proxy has added.
            ("10.0.0.1", &["127.0.0.1, 198.51.100.9"], "198.51.100.9"),
            ("10.0.0.1", &["127.0.0.1", "198.51.100.9"], "198.51.100.9"),
            ("10.0.0.1", &["10.9.9.9, 198.51.100.9"], "198.51.100.9"),
            ("10.0.0.1", &["203.0.113.7, garbage"], "10.0.0.1"),
            ("10.0.0.1", &["203.0.113.7, garbage, 10.1.1.1"], "10.1.1.1"),
            ("10.0.0.1", &[""], "10.0.0.1"),
            ("10.0.0.1", &[",,,"], "10.0.0.1"),
            ("10.0.0.1", &["203.0.113.7,"], "10.0.0.1"),
            ("10.0.0.1", &["1.2.3.4 5.6.7.8"], "10.0.0.1"),
            ("10.0.0.1", &["\u{e4}"], "10.0.0.1"),
        ] {
            assert_eq!(origin(ours, peer, lines), expected, "{peer} {lines:?}");
        }
        assert_eq!(origin("", "10.0.0.1", &["203.0.113.7"]), "10.0.0.1", "nobody is trusted by default");
    }

    #[test]
    fn networks_are_read_and_shown() {
        let proxies = Proxies::parse(" 10.0.0.0/8,192.0.2.7 , 2001:db8::/32,").unwrap();
        assert_eq!(proxies.show(), "10.0.0.0/8, 192.0.2.7/32, 2001:db8::/32");
        assert_eq!(Proxies::parse(""), Ok(Proxies::default()));
        for wrong in ["10.0.0.0/33", "example.com", "10.0.0", "10.0.0.1 10.0.0.2"] {
            assert!(Proxies::parse(wrong).is_err(), "{wrong}");
        }
    }
}
