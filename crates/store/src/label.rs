//! The label of a tenant: its part of the Tenant URL, fit for a path and for a host name.

/// Where the console has the form for a new tenant, beside the pages of the tenants.
const RESERVED: &str = "new";

/// Checks a label: a DNS label (RFC 1123) in lower case that cannot be taken for a tenant's id, nor for a page.
///
/// # Errors
/// What is wrong with it.
pub fn check(label: &str) -> Result<(), String> {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let reason = if label.is_empty() || label.len() > 63 {
        "must have 1 to 63 characters"
    } else if !label.bytes().all(is_plain) {
        "may have lower-case letters a to z, digits and hyphens only"
    } else if label.starts_with('-') || label.ends_with('-') {
        "must begin and end with a letter or digit"
    } else if uuid::Uuid::try_parse(label).is_ok() {
        "must not look like an id"
    } else if label == RESERVED {
        "is a page of the console: choose another"
    } else {
        return Ok(());
    };
    Err(format!("the label \"{label}\" {reason}"))
}

/// Makes a label from a name: `Contoso Ltd.` becomes `contoso-ltd`.
///
/// # Errors
/// If the name has letters that a label cannot have, or gives no good label: a person must choose one.
pub fn from_name(name: &str) -> Result<String, String> {
    let choose = "choose one with --label";
    if let Some(letter) = name.chars().find(|c| c.is_alphanumeric() && !c.is_ascii()) {
        return Err(format!(
            "no label can be made from \"{name}\", which has the letter \"{letter}\": {choose}"
        ));
    }
    let words = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let label = words.collect::<Vec<_>>().join("-").to_ascii_lowercase();
    check(&label).map_err(|reason| format!("no label can be made from \"{name}\": {reason}; {choose}"))?;
    Ok(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_come_from_names() {
        for (name, label) in [
            ("contoso", "contoso"),
            ("Contoso Ltd.", "contoso-ltd"),
            ("  A -- B_C & D  ", "a-b-c-d"),
            ("tenant-a", "tenant-a"),
            ("3M", "3m"),
        ] {
            assert_eq!(from_name(name).as_deref(), Ok(label));
        }
        let long = "x".repeat(64);
        for name in ["", "!!!", "Müller", "東京", &long, "01234567-89ab-7def-8123-456789abcdef"] {
            assert!(from_name(name).expect_err(name).ends_with("choose one with --label"));
        }
    }

    #[test]
    fn labels_are_dns_labels() {
        for label in ["a", "a-b", "0", &"x".repeat(63)] {
            assert_eq!(check(label), Ok(()));
        }
        for label in ["", "new", "-a", "a-", "A", "a.b", "a_b", "ü", "a b", "a/b", &"x".repeat(64)] {
            assert!(check(label).is_err(), "{label}");
        }
    }
}
