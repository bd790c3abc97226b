//! Addresses of pages with a query.

use std::fmt::Write;

/// A path with those fields of a query that have a value.
pub(super) fn address(path: &str, fields: &[(&str, &str)]) -> String {
    let mut address = path.to_owned();
    for (name, value) in fields.iter().filter(|(_, value)| !value.is_empty()) {
        address.push(if address.contains('?') { '&' } else { '?' });
        address.push_str(name);
        address.push('=');
        for byte in value.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                    address.push(char::from(byte));
                }
                // Writing to a String cannot fail.
                _ => drop(write!(address, "%{byte:02X}")),
            }
        }
    }
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_escaped_and_empty_ones_left_out() {
        let fields = [("search", "a&b=ü \"c\""), ("state", ""), ("cursor", "x-_")];
        assert_eq!(address("/tenants", &fields), "/tenants?search=a%26b%3D%C3%BC%20%22c%22&cursor=x-_");
        assert_eq!(address("/tenants", &[("state", "")]), "/tenants");
    }
}
