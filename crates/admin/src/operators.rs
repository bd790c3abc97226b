//! Operators: added, reset, disabled, listed. Each begins with a one-time password that somebody hands over.

use crate::{Admin, Failure, Listed, idempotency};
use store::{
    By, Line, Operator, Role,
    control::{
        Tx,
        operators::{self, Gone, NameTaken, StaysAdmin},
    },
};
use tokens::operator::Passwords;
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
    /// The password; none where the same request has been answered with it before.
    pub password: Option<Zeroizing<String>>,
}

impl Admin {
    /// Adds an operator. With an Idempotency-Key the same request of the same operator adds one; only its first answer has
    /// the password.
    ///
    /// # Errors
    /// A name that is none, or taken; a key that was used for something else.
    pub async fn create_operator(
        &self,
        by: &By,
        new: NewOperator,
        idempotency_key: Option<&str>,
    ) -> Result<OneTimePassword, Failure> {
        let (name, role) = (checked_name(&new.name)?, new.role);
        let find = async |id| {
            let found = self.store.operators().await?.into_iter().find(|operator| operator.id == id);
            Ok(found.map(|operator| OneTimePassword { operator, password: None }))
        };
        // The role may have been changed since.
        let is_same = |OneTimePassword { operator, .. }: &OneTimePassword| operator.name == name;
        let make = async |id| {
            let password = Passwords::once()?;
            let operator = Operator {
                id,
                name: name.clone(),
                role,
                is_active: true,
                password_hash: self.passwords.hash(password.clone()).await?,
                password_is_once: true,
                totp: None,
                created: by.at,
            };
            let row = operator.clone();
            let action = move |tx: &mut Tx<'_>| operators::create(tx, &row);
            self.store.act(by, Line::Operators, action).await.map_err(|refused| {
                let taken =
                    |NameTaken| Failure::Conflict(format!("There is already an operator \"{name}\"."));
                refused.told_as(taken)
            })?;
            Ok(OneTimePassword { operator, password: Some(password) })
        };
        idempotency::once(("operator", by, idempotency_key), find, is_same, make).await
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
        let reset = move |tx: &mut Tx<'_>| operators::reset(tx, operator.id, hash);
        let operator = self.store.act(by, Line::Operators, reset).await;
        let operator = operator.map_err(|refused| refused.told_as(|Gone| gone(name)))?;
        Ok(OneTimePassword { operator, password: Some(password) })
    }

    /// Lets an operator sign in no more, signs them out, and ends their API tokens.
    ///
    /// # Errors
    /// No such operator; the one who asks; the last active admin.
    pub async fn disable_operator(&self, by: &By, name: &str) -> Result<Operator, Failure> {
        let operator = self.operator(name).await?;
        if by.actor.operator() == Some(operator.id) {
            return Err(Failure::Conflict("Nobody can disable themselves.".to_owned()));
        }
        let disable = move |tx: &mut Tx<'_>| operators::disable(tx, operator.id);
        let disabled = self.store.act(by, Line::Operators, disable).await;
        disabled.map_err(|refused| refused.told_as(|reason| stays_admin(reason, name)))
    }

    /// Lets a disabled operator sign in again, with the password and the second factor from before.
    ///
    /// # Errors
    /// No such operator.
    pub async fn enable_operator(&self, by: &By, name: &str) -> Result<Operator, Failure> {
        let operator = self.operator(name).await?;
        let enable = move |tx: &mut Tx<'_>| operators::enable(tx, operator.id);
        let enabled = self.store.act(by, Line::Operators, enable).await;
        enabled.map_err(|refused| refused.told_as(|Gone| gone(name)))
    }

    /// Gives an operator another role. It counts from the next request on, in sessions and API tokens too.
    ///
    /// # Errors
    /// No such operator; the one who asks; the last active admin.
    pub async fn set_operator_role(&self, by: &By, name: &str, role: Role) -> Result<Operator, Failure> {
        let operator = self.operator(name).await?;
        if by.actor.operator() == Some(operator.id) {
            return Err(Failure::Conflict("Nobody can change their own role.".to_owned()));
        }
        let set_role = move |tx: &mut Tx<'_>| operators::set_role(tx, operator.id, role);
        let changed = self.store.act(by, Line::Operators, set_role).await;
        changed.map_err(|refused| refused.told_as(|reason| stays_admin(reason, name)))
    }

    /// Every operator, by name.
    ///
    /// # Errors
    /// Faults of the store only.
    pub async fn operators(&self) -> Result<Vec<Operator>, Failure> {
        Ok(self.store.operators().await?)
    }

    /// A page of them.
    ///
    /// # Errors
    /// A cursor of another list.
    pub async fn operators_page(
        &self,
        cursor: Option<&str>,
        count: Option<u32>,
    ) -> Result<Listed<Operator>, Failure> {
        // They are people, whom somebody added by hand.
        Listed::of_few(self.operators().await?, (cursor, count), |operator| operator.name.clone())
    }

    pub(crate) async fn operator(&self, name: &str) -> Result<Operator, Failure> {
        let found = self.store.operator(&name.to_lowercase()).await?;
        found.ok_or_else(|| gone(name))
    }
}

fn gone(name: &str) -> Failure {
    Failure::NotFound(format!("There is no operator \"{name}\"."))
}

fn stays_admin(reason: StaysAdmin, name: &str) -> Failure {
    match reason {
        StaysAdmin::Gone => gone(name),
        StaysAdmin::LastAdmin => {
            Failure::Conflict("This is the last active admin. Make somebody else an admin first.".to_owned())
        }
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
