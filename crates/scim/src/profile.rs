//! The compatibility profile of a tenant: which dialect of SCIM its provisioning client speaks.

/// How lenient the service provider is towards one tenant. Deviations from RFC 7644 live here as named questions,
/// each with the fixtures (under `tests/fixtures/entra`) that forced it.
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

    fn is_entra(self) -> bool {
        self == Profile::Entra
    }

    /// Whether values in another shape than the standard's are translated: booleans as texts, a manager or a member as a bare
    /// id, values wrapped in lists, the value list of a remove.
    /// Fixtures: `create-active-text`, `patch-active-wrapped`, `patch-manager-text`,
    /// `group-bare-member`, `group-remove-members-by-value`.
    pub(crate) fn translates_values(self) -> bool {
        self.is_entra()
    }

    /// Whether a role may be the JSON text of an app role assignment, or name its display `displayName`.
    /// Fixtures: `create-role-json`, `create-roles-complex`.
    pub(crate) fn reads_app_roles(self) -> bool {
        self.is_entra()
    }

    /// Whether attributes that no schema knows are ignored (with an effect) instead of refused.
    /// Fixtures: `create-unknown-attributes`, `patch-unknown-attribute`.
    pub(crate) fn ignores_unknown_attributes(self) -> bool {
        self.is_entra()
    }

    /// Whether an element with `type` and `primary` alone counts as no value.
    /// Fixtures: `create-hollow-elements`, `patch-null-update-null`.
    pub(crate) fn drops_hollow_elements(self) -> bool {
        self.is_entra()
    }

    /// Whether a value path that selects nothing makes the element that it describes.
    /// Fixtures: `patch-add-creates-element`, `patch-address-parts`.
    pub(crate) fn creates_what_a_filter_selects(self) -> bool {
        self.is_entra()
    }

    /// Whether an attribute of an extension is found without its URN.
    /// Fixtures: `patch-manager-list`.
    pub(crate) fn finds_bare_extension_attributes(self) -> bool {
        self.is_entra()
    }

    /// Whether the keys of a path-less value may be attribute paths.
    /// Fixtures: `patch-flag-sample`, `patch-flag-no-flag`.
    pub(crate) fn reads_paths_as_keys(self) -> bool {
        self.is_entra()
    }

    /// Whether `op` may be written `Add`, `Replace` and `Remove`.
    /// Fixtures: `patch-default-sample`.
    pub(crate) fn reads_op_in_any_case(self) -> bool {
        self.is_entra()
    }

    /// Whether `schemas` of a request may be missing or incomplete.
    /// Fixtures: `create-no-schemas`, `create-undeclared-extension`.
    pub(crate) fn forgives_missing_schemas(self) -> bool {
        self.is_entra()
    }

    /// Whether read-only attributes in a path-less value are what the client has read before, and idle.
    /// Fixtures: `patch-read-only-echo`.
    pub(crate) fn ignores_read_only_echo(self) -> bool {
        self.is_entra()
    }

    /// Whether `/Schemas` keeps quiet about `password`, which Entra would offer as a target of its mappings though none is
    /// kept. Fixtures: `create-password`.
    pub(crate) fn hides_password(self) -> bool {
        self.is_entra()
    }
}
