//! Who made the changes of a tenant: the ids of the change log in words.

use crate::{Admin, Failure};
use std::collections::HashMap;
use uuid::Uuid;

/// Everybody who can have changed something in a tenant, and is still known.
#[derive(Debug, Default)]
pub struct Actors(HashMap<Uuid, String>);

impl Actors {
    /// Who it was: a credential, an operator, or the command line where nobody is named.
    pub fn words(&self, actor: Option<Uuid>) -> String {
        match actor {
            None => "the command line".to_owned(),
            Some(id) => self.0.get(&id).cloned().unwrap_or_else(|| format!("somebody unknown by now ({id})")),
        }
    }
}

impl Admin {
    /// The credentials of a tenant, ended ones too, and all operators.
    ///
    /// # Errors
    /// No such tenant.
    pub async fn actors(&self, tenant: &str) -> Result<Actors, Failure> {
        let tenant = self.tenant(tenant).await?.id;
        let mut known = HashMap::new();
        for token in self.store.secret_tokens(tenant).await? {
            known.insert(token.id, named(&format!("Secret Token {}", token.key_id), &token.label));
        }
        for client in self.store.oauth_clients(tenant).await? {
            known.insert(client.id, named("OAuth client", &client.label));
        }
        for operator in self.store.operators().await? {
            known.insert(operator.id, format!("operator {}", operator.name));
        }
        Ok(Actors(known))
    }
}

fn named(what: &str, label: &str) -> String {
    if label.is_empty() { what.to_owned() } else { format!("{what} “{label}”") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_has_words() {
        let actors = Actors(HashMap::from([(Uuid::from_u128(7), named("Secret Token k7", "Entra"))]));
        assert_eq!(actors.words(Some(Uuid::from_u128(7))), "Secret Token k7 “Entra”");
        assert_eq!(actors.words(None), "the command line");
        assert!(actors.words(Some(Uuid::nil())).starts_with("somebody unknown"));
        assert_eq!(named("OAuth client", ""), "OAuth client");
    }
}
