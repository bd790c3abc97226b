//! Operators and their sessions.

use scim::Timestamp;
use std::fmt;
use uuid::Uuid;

/// What an operator may do; each may do what those before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Look at everything but operators and the audit log.
    Viewer,
    /// Open and suspend tenants, hand out credentials, restore resources.
    Support,
    /// Erase and export tenants, manage operators, read the audit log.
    Admin,
}

impl Role {
    /// All, from the least.
    pub const ALL: [Role; 3] = [Role::Viewer, Role::Support, Role::Admin];

    /// The stored word.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Viewer => "viewer",
            Role::Support => "support",
            Role::Admin => "admin",
        }
    }

    /// Reads the stored word.
    pub fn parse(word: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.as_str() == word)
    }
}

/// The second factor of an operator.
#[derive(Clone, PartialEq, Eq)]
pub struct Totp {
    /// The secret that both sides know.
    pub secret: Vec<u8>,
    /// Whether a code of it was seen; before that it does not count.
    pub is_confirmed: bool,
    /// The newest time step of which a code was used.
    pub last_step: i64,
}

/// Without the secret.
impl fmt::Debug for Totp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Totp").field("is_confirmed", &self.is_confirmed).finish_non_exhaustive()
    }
}

/// Somebody who works in the admin service.
#[derive(Clone, PartialEq, Eq)]
pub struct Operator {
    /// Key.
    pub id: Uuid,
    /// Name to sign in with, in lower case; unique.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Whether they may sign in.
    pub is_active: bool,
    /// argon2id, as a PHC string.
    pub password_hash: String,
    /// Whether the password was given by somebody else and must be changed.
    pub password_is_once: bool,
    /// Second factor, once there is one.
    pub totp: Option<Totp>,
    /// When they were added.
    pub created: Timestamp,
}

/// Without the hash.
impl fmt::Debug for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Operator").field("name", &self.name).field("role", &self.role).finish_non_exhaustive()
    }
}

impl Operator {
    /// Whether the second factor is in use.
    pub fn has_totp(&self) -> bool {
        self.totp.as_ref().is_some_and(|totp| totp.is_confirmed)
    }

    /// Whether there is nothing left to do before they may work: a password of their own, and a second factor.
    pub fn is_ready(&self) -> bool {
        !self.password_is_once && self.has_totp()
    }
}

/// A session of an operator, as it is stored: everything but the cookie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// SHA-256 of the cookie.
    pub digest: [u8; 32],
    /// Whose.
    pub operator: Uuid,
    /// Since when.
    pub created: Timestamp,
    /// When it was last used, a minute late.
    pub seen: Timestamp,
    /// When it ends, whatever happens.
    pub expires: Timestamp,
    /// Whether the OpenID provider has said who it is, so that password and second factor are its business.
    pub by_openid: bool,
}

/// What has shown who somebody is. It takes a while to check, and an admin may reset or disable them meanwhile: so it must
/// still hold at the moment at which the session begins.
#[derive(Clone)]
pub enum Proof {
    /// The password of this hash, and a code wherever there is a second factor.
    Password {
        /// argon2id, as a PHC string.
        hash: String,
        /// The time step of the code, which is good once.
        step: Option<i64>,
    },
    /// The word of the OpenID provider, which has asked for every factor.
    OpenId,
}

/// Without the hash.
impl fmt::Debug for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Proof::Password { .. } => "Password",
            Proof::OpenId => "OpenId",
        })
    }
}

/// A change of an operator.
#[derive(Clone)]
pub enum OperatorChange {
    /// A password of their own, if the old one is still that which they have shown. Every other session than this one ends.
    Password {
        /// The hash that the old one was checked against.
        old: String,
        /// argon2id, as a PHC string.
        hash: String,
        /// The session in which it was changed.
        session: [u8; 32],
    },
    /// A secret that counts once it is confirmed; refused if there is one that counts.
    OfferTotp {
        /// The secret.
        secret: Vec<u8>,
        /// The session in which it was begun.
        session: [u8; 32],
    },
    /// A code of that time step was seen: this secret, if it is still the one that was begun, counts. Every other session
    /// than this one ends.
    ConfirmTotp {
        /// The secret of which the code is.
        secret: Vec<u8>,
        /// The time step of the code.
        step: i64,
        /// The session in which it was confirmed.
        session: [u8; 32],
    },
    /// As new: a one-time password, no second factor, no session, no API token, active.
    Reset {
        /// argon2id, as a PHC string.
        hash: String,
    },
    /// May not sign in, is signed out, and has no API token any more. Refused for the last active admin.
    Disable,
    /// May sign in again, as before.
    Enable,
    /// May do what this role may. Refused for the last active admin.
    SetRole(Role),
}

/// Without hashes and secrets.
impl fmt::Debug for OperatorChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.action())
    }
}

impl OperatorChange {
    /// The session in which operators do it themselves. It is refused once that has ended, as by a reset meanwhile.
    pub(crate) fn session(&self) -> Option<&[u8; 32]> {
        match self {
            OperatorChange::Password { session, .. }
            | OperatorChange::OfferTotp { session, .. }
            | OperatorChange::ConfirmTotp { session, .. } => Some(session),
            _ => None,
        }
    }

    /// Whether an admin is none any more after it.
    pub fn takes_an_admin(&self) -> bool {
        match self {
            OperatorChange::Disable => true,
            OperatorChange::SetRole(role) => *role < Role::Admin,
            _ => false,
        }
    }

    /// Its word in the audit log.
    pub(crate) fn action(&self) -> &'static str {
        match self {
            OperatorChange::Password { .. } => "operator.change-password",
            OperatorChange::OfferTotp { .. } => "operator.begin-totp",
            OperatorChange::ConfirmTotp { .. } => "operator.confirm-totp",
            OperatorChange::Reset { .. } => "operator.reset",
            OperatorChange::Disable => "operator.disable",
            OperatorChange::Enable => "operator.enable",
            OperatorChange::SetRole(_) => "operator.set-role",
        }
    }
}
