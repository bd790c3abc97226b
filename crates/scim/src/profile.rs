//! The compatibility profile of a tenant: which dialect of SCIM its provisioning client speaks.

/// How lenient the service provider is towards one tenant. Deviations from RFC 7644 live here as named questions,
/// each with the fixture (under `tests/fixtures/entra`) that forced it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Profile {
    /// Microsoft Entra ID: both of its PATCH dialects, at the same time.
    #[default]
    Entra,
    /// RFC 7644 to the letter.
    Rfc,
}

impl Profile {
    /// The word under which the profile is stored and configured.
    pub fn as_str(self) -> &'static str {
        match self {
            Profile::Entra => "entra",
            Profile::Rfc => "rfc",
        }
    }

    /// Reads the stored or configured word.
    pub fn parse(word: &str) -> Option<Profile> {
        match word {
            "entra" => Some(Profile::Entra),
            "rfc" => Some(Profile::Rfc),
            _ => None,
        }
    }

    /// Whether the deviations that Entra needs are on.
    pub fn is_lenient(self) -> bool {
        self == Profile::Entra
    }
}
