//! Event types of RFC 9967 section 2 that this service provider emits.

/// What happened to a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// `prov:create`.
    Create,
    /// `prov:patch`.
    Patch,
    /// `prov:put`.
    Put,
    /// `prov:delete`.
    Delete,
    /// `prov:activate`: `active` became true.
    Activate,
    /// `prov:deactivate`: `active` became false.
    Deactivate,
}

impl EventKind {
    /// The word under which it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            EventKind::Create => "create",
            EventKind::Patch => "patch",
            EventKind::Put => "put",
            EventKind::Delete => "delete",
            EventKind::Activate => "activate",
            EventKind::Deactivate => "deactivate",
        }
    }
}
