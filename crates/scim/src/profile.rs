//! The compatibility profile of a tenant: which dialect of SCIM its provisioning client speaks.

/// How lenient the service provider is towards one tenant. Each deviation from RFC 7644 is a rule, and a profile is a row of
/// rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Profile {
    /// Microsoft Entra ID: both of its PATCH dialects, at the same time.
    #[default]
    Entra,
    /// RFC 7644 to the letter.
    Rfc,
    /// The SCIM interoperability profile (draft-zollner-scim-interop-profile-02), which the IPSIE AL SCIM 2.0 profile requires.
    Interop,
}

/// What a profile allows. Each rule names the fixtures (under `tests/fixtures`) that forced it.
pub(crate) struct Rules {
    /// The word under which the profile is stored and configured.
    word: &'static str,
    /// Whether values in another shape than the standard's are translated: booleans as texts, a manager or a member as a bare
    /// id, values wrapped in lists, the value list of a remove.
    /// Fixtures: `create-active-text`, `patch-active-wrapped`, `patch-manager-text`,
    /// `group-bare-member`, `group-remove-members-by-value`.
    pub(crate) translates_values: bool,
    /// Whether a role may be the JSON text of an app role assignment, or name its display `displayName`.
    /// Fixtures: `create-role-json`, `create-roles-complex`.
    pub(crate) reads_app_roles: bool,
    /// Whether attributes that no schema knows are ignored (with an effect) instead of refused.
    /// Fixtures: `create-unknown-attributes`, `patch-unknown-attribute`.
    pub(crate) ignores_unknown_attributes: bool,
    /// Whether an element with `type` and `primary` alone counts as no value.
    /// Fixtures: `create-hollow-elements`, `patch-null-update-null`.
    pub(crate) drops_hollow_elements: bool,
    /// Whether a value path that selects nothing makes the element that it describes.
    /// Fixtures: `patch-add-creates-element`, `patch-address-parts`.
    pub(crate) creates_what_a_filter_selects: bool,
    /// Whether an attribute of an extension is found without its URN.
    /// Fixtures: `patch-manager-list`.
    pub(crate) finds_bare_extension_attributes: bool,
    /// Whether the keys of a path-less value may be attribute paths.
    /// Fixtures: `patch-flag-sample`, `patch-flag-no-flag`.
    pub(crate) reads_paths_as_keys: bool,
    /// Whether `op` may be written `Add`, `Replace` and `Remove`.
    /// Fixtures: `patch-default-sample`.
    pub(crate) reads_op_in_any_case: bool,
    /// Whether `schemas` of a request may be missing or incomplete.
    /// Fixtures: `create-no-schemas`, `create-undeclared-extension`.
    pub(crate) forgives_missing_schemas: bool,
    /// Whether a value of a filter may stand without quotes, also in the brackets of a path: `externalId eq jyoung`,
    /// `active eq True`. Otherwise values are JSON (RFC 7644 figure 1, `compValue`).
    /// Fixtures: `patch-bare-word-in-filter`, `patch-number-in-filter`.
    pub(crate) reads_bare_words: bool,
    /// Whether read-only attributes in a path-less value are what the client has read before, and idle.
    /// Fixtures: `patch-read-only-echo`.
    pub(crate) ignores_read_only_echo: bool,
    /// Whether an operation that asks for nothing is ignored (with an effect) instead of refused: an add without a value, a
    /// remove whose value names nothing, a clearing of `active` that would enable a disabled user. Entra repeats a refused
    /// request in each cycle.
    /// Fixtures: `patch-add-empty-element`, `patch-remove-names-nothing`, `patch-active-null-of-disabled`.
    pub(crate) ignores_idle_operations: bool,
    /// Whether `/Schemas` keeps quiet about `password`, which Entra would offer as a target of its mappings though none is
    /// kept. Fixtures: `create-password`.
    pub(crate) hides_password: bool,
    /// Whether a password in a body is read, and not kept. Otherwise it is an unknown attribute. Fixtures: `create-password`.
    pub(crate) reads_password: bool,
    /// Whether an extension that no schema describes is kept. Otherwise it is refused, unless it is equal to what is stored: a
    /// client that reads and puts back must succeed.
    /// Fixtures: `create-undescribed-extension`, `patch-undescribed-echo`.
    pub(crate) keeps_undescribed_extensions: bool,
    /// Whether an unknown attribute of a body is reported as `invalidSyntax` in place of `invalidValue`.
    /// Fixtures: `create-unknown-attribute`.
    pub(crate) unknown_is_invalid_syntax: bool,
    /// Whether an operation of a PATCH must have a `path`. Fixtures: `patch-without-path`.
    pub(crate) needs_paths: bool,
    /// Whether `/ServiceProviderConfig` says that the service provider conforms to the interoperability profile.
    pub(crate) announces_interop: bool,
}

const ENTRA: Rules = Rules {
    word: "entra",
    translates_values: true,
    reads_app_roles: true,
    ignores_unknown_attributes: true,
    drops_hollow_elements: true,
    creates_what_a_filter_selects: true,
    finds_bare_extension_attributes: true,
    reads_paths_as_keys: true,
    reads_op_in_any_case: true,
    forgives_missing_schemas: true,
    reads_bare_words: true,
    ignores_read_only_echo: true,
    ignores_idle_operations: true,
    hides_password: true,
    reads_password: true,
    keeps_undescribed_extensions: true,
    unknown_is_invalid_syntax: false,
    needs_paths: false,
    announces_interop: false,
};

const RFC: Rules = Rules {
    word: "rfc",
    translates_values: false,
    reads_app_roles: false,
    ignores_unknown_attributes: false,
    drops_hollow_elements: false,
    creates_what_a_filter_selects: false,
    finds_bare_extension_attributes: false,
    reads_paths_as_keys: false,
    reads_op_in_any_case: false,
    forgives_missing_schemas: false,
    reads_bare_words: false,
    ignores_read_only_echo: false,
    ignores_idle_operations: false,
    hides_password: false,
    reads_password: true,
    keeps_undescribed_extensions: true,
    unknown_is_invalid_syntax: false,
    needs_paths: false,
    announces_interop: false,
};

const INTEROP: Rules = Rules {
    word: "interop",
    hides_password: true,
    reads_password: false,
    announces_interop: true,
    keeps_undescribed_extensions: false,
    unknown_is_invalid_syntax: true,
    needs_paths: true,
    ..RFC
};

impl Profile {
    /// All profiles.
    pub const ALL: [Profile; 3] = [Profile::Entra, Profile::Rfc, Profile::Interop];

    /// The word under which the profile is stored and configured.
    pub fn as_str(self) -> &'static str {
        self.rules().word
    }

    /// Reads the stored or configured word.
    pub fn parse(word: &str) -> Option<Profile> {
        Profile::ALL.into_iter().find(|profile| profile.as_str() == word)
    }

    /// What the profile allows.
    pub(crate) fn rules(self) -> &'static Rules {
        match self {
            Profile::Entra => &ENTRA,
            Profile::Rfc => &RFC,
            Profile::Interop => &INTEROP,
        }
    }
}
