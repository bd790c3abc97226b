//! Operators: added, reset, disabled, listed. Each begins with a one-time password that somebody hands over.

use crate::{Admin, Failure};
use store::{By, Operator, OperatorChange, Role};
use tokens::operator::{self, Passwords};
use zeroize::Zeroizing;

/// Longest name.
const MAX_NAME: usize = 64;

/// An operator to be added.
#[derive(Clone, Debug)]
pub struct NewOperator {
    /// To sign in with; upper and lower case do not count.
    pub name: String,
    /// What they may do.
    pub role: Role,
}

/// An operator with the password of the first sign-in, shown once.
pub struct OneTimePassword {
    /// The operator as it is now.
    pub operator: Operator,
    /// The password.
    pub password: Zeroizing<String>,
}

impl Admin {
    /// Adds an operator.
    ///
    /// # Errors
    /// A name that is none, or taken.
    pub async fn create_operator(&self, by: &By, new: NewOperator) -> Result<OneTimePassword, Failure> {
        let name = checked_name(&new.name)?;
        let now = self.now();
        let password = Passwords::once()?;
        let operator = Operator {
            id: operator::new_id(now).map_err(Failure::internal)?,
            name,
            role: new.role,
            is_active: true,
            password_hash: self.passwords.hash(password.clone()).await?,
            password_is_once: true,
            totp: None,
            created: now,
        };
        if !self.store.acting(by.clone()).create_operator(operator.clone()).await? {
            return Err(Failure::Conflict(format!("There is an operator \"{}\" already.", operator.name)));
        }
        Ok(OneTimePassword { operator, password })
    }

    /// Gives an operator a new one-time password, takes the second factor away, ends every session, and lets them sign
    /// in again if they were disabled.
    ///
    /// # Errors
    /// No such operator.
    pub async fn reset_operator(&self, by: &By, name: &str) -> Result<OneTimePassword, Failure> {
        let operator = self.operator(name).await?;
        let password = Passwords::once()?;
        let hash = self.passwords.hash(password.clone()).await?;
        self.change(by, &operator, OperatorChange::Reset { hash }).await?;
        Ok(OneTimePassword { operator: self.operator(name).await?, password })
    }

    /// Lets an operator sign in no more, and signs them out.
    ///
    /// # Errors
    /// No such operator.
    pub async fn disable_operator(&self, by: &By, name: &str) -> Result<Operator, Failure> {
        let operator = self.operator(name).await?;
        self.change(by, &operator, OperatorChange::Disable).await?;
        self.operator(name).await
    }

    /// Every operator, by name.
    ///
    /// # Errors
    /// Faults of the store only.
    pub async fn operators(&self) -> Result<Vec<Operator>, Failure> {
        Ok(self.store.operators().await?)
    }

    pub(crate) async fn operator(&self, name: &str) -> Result<Operator, Failure> {
        let found = self.store.operator(&name.to_lowercase()).await?;
        found.ok_or_else(|| Failure::NotFound("There is no operator of this name.".to_owned()))
    }

    async fn change(&self, by: &By, operator: &Operator, change: OperatorChange) -> Result<(), Failure> {
        if self.store.acting(by.clone()).change_operator(operator.id, change).await? {
            return Ok(());
        }
        Err(Failure::NotFound(format!("There is no operator \"{}\" any more.", operator.name)))
    }
}

/// A name in lower case: letters and digits of ASCII, and what stands in e-mail addresses.
fn checked_name(name: &str) -> Result<String, Failure> {
    let name = name.trim().to_ascii_lowercase();
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_@+".contains(&byte);
    if name.len() < 2 || name.len() > MAX_NAME || !name.bytes().all(is_plain) {
        return Err(Failure::Invalid(format!(
            "A name has 2 to {MAX_NAME} characters: letters a to z, digits, and . - _ @ +"
        )));
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain() {
        assert_eq!(checked_name(" Anna.B@Example.com ").ok().as_deref(), Some("anna.b@example.com"));
        for name in ["", "a", "a b", "ana:x", "ä-b", "a/b", "a\n", &"x".repeat(65)] {
            assert!(checked_name(name).is_err(), "{name}");
        }
    }
}
