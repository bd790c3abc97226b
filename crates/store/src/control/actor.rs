//! Who acts: the text that the audit log shows is made from it, and never read back.

use scim::Timestamp;
use std::fmt;
use uuid::Uuid;

/// Who acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// An operator in a session.
    Operator {
        /// Id of the operator.
        id: Uuid,
        /// Name of the operator.
        name: String,
    },
    /// A script of an operator.
    ApiToken {
        /// Id of the operator.
        operator: Uuid,
        /// Name of the operator.
        name: String,
        /// Key id of the token.
        key_id: String,
    },
    /// A user of the machine, at the command line.
    CommandLine {
        /// Name of the user.
        user: String,
    },
    /// A customer with a setup link.
    SetupLink(Uuid),
    /// A job of the gateway: a rotation that ends by itself.
    Automatic,
}

impl Actor {
    /// The operator who acts, in a session or by a script.
    pub fn operator(&self) -> Option<Uuid> {
        match self {
            Actor::Operator { id, .. } | Actor::ApiToken { operator: id, .. } => Some(*id),
            Actor::CommandLine { .. } | Actor::SetupLink(_) | Actor::Automatic => None,
        }
    }
}

/// As the audit log shows it.
impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Actor::Operator { name, .. } => write!(f, "operator {name}"),
            Actor::ApiToken { name, key_id, .. } => write!(f, "operator {name}, API token {key_id}"),
            Actor::CommandLine { user } => write!(f, "command line {user}"),
            Actor::SetupLink(id) => write!(f, "setup link {id}"),
            Actor::Automatic => f.write_str("automatic"),
        }
    }
}

/// Who acts, from where and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct By {
    /// Who.
    pub actor: Actor,
    /// From where: an IP address, or the name of a host.
    pub origin: String,
    /// When.
    pub at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_are_themselves_with_an_api_token_too() {
        let (id, name) = (Uuid::from_u128(7), "anna".to_owned());
        let session = Actor::Operator { id, name: name.clone() };
        let script = Actor::ApiToken { operator: id, name: name.clone(), key_id: "AbCd1234".to_owned() };
        assert_eq!(session.operator(), Some(id));
        assert_eq!(script.operator(), Some(id));
        assert_eq!(script.to_string(), "operator anna, API token AbCd1234");
        for nobody in [Actor::CommandLine { user: name }, Actor::SetupLink(id), Actor::Automatic] {
            assert_eq!(nobody.operator(), None, "{nobody}");
        }
    }
}
