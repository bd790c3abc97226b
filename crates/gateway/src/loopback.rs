//! Whether a URL leads to this machine, so that what goes over it needs no TLS.

use url::{Host, Url};

/// Whether the host is `localhost` or a loopback address, and not merely begins so.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
