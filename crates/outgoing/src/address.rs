//! Which network addresses a server may be sent to by an address that a customer typed: public ones.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether an address is one of the public internet (the registries of RFC 6890 and what has been added to them).
pub(crate) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let is_special = a == 0                             // this network
        || address.is_private()
        || (a == 100 && (64..128).contains(&b))         // behind carriers' NAT
        || address.is_loopback()
        || address.is_link_local()                      // 169.254.169.254: clouds tell secrets there
        || (a, b, c) == (192, 0, 0)                     // protocol assignments
        || (a, b, c) == (192, 88, 99)                   // 6to4 relays
        || (a == 198 && (18..20).contains(&b))          // benchmarks
        || address.is_documentation()
        || a >= 224; // multicast, reserved, broadcast
    !is_special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    if let Some(embedded) = address.to_ipv4_mapped() {
        return is_public_v4(embedded);
    }
    let [a, b, ..] = address.segments();
    // Everything else is not handed out: loopback, link-local, unique-local, translated and multicast are among it.
    let is_global_unicast = (0x2000..0x4000).contains(&a);
    let is_special = match a {
        0x2001 => b < 0x200 || b == 0xdb8, // Teredo and other protocol assignments; documentation
        0x2002 => true,                    // 6to4: an IPv4 address inside
        0x3fff => b < 0x1000,              // documentation
        _ => false,
    };
    is_global_unicast && !is_special
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_public_internet_is_public() {
        for address in [
            "8.8.8.8",
            "20.190.151.7",
            "172.32.0.1",
            "100.128.0.1",
            "2603:1006:2000::1",
            "2001:4860:4860::8888",
        ] {
            assert!(is_public(address.parse().expect(address)), "{address}");
        }
        for address in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "127.0.0.1",
            "127.9.9.9",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "64:ff9b::a00:1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
            "fc00::1",
            "fd12:3456::1",
            "fe80::1",
            "ff02::1",
        ] {
            assert!(!is_public(address.parse().expect(address)), "{address}");
        }
    }
}
