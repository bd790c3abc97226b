//! Operators: added, reset, disabled, listed. Each begins with a one-time password that somebody hands over.

use crate::{Admin, Failure, Listed, idempotency};
use store::{By, Operator, OperatorChange, Role};
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
            match self.store.acting(by.clone()).create_operator(operator.clone()).await? {
                true => Ok(OneTimePassword { operator, password: Some(password) }),
                false => Err(Failure::Conflict(format!("There is an operator \"{name}\" already."))),
            }
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
        self.change(by, &operator, OperatorChange::Reset { hash }).await?;
        Ok(OneTimePassword { operator: self.operator(name).await?, password: Some(password) })
    }

    /// Lets an operator sign in no more, signs them out, and ends their API tokens.
    ///
    /// # Errors
    /// No such operator; the one who asks; the last active admin.
    pub async fn disable_operator(&self, by: &By, name: &str) -> Result<Operator, Failure> {
        let operator = self.operator(name).await?;
        if is_self(by, &operator) {
            return Err(Failure::Conflict("Nobody can disable themselves.".to_owned()));
        }
        self.change(by, &operator, OperatorChange::Disable).await?;
        self.operator(name).await
    }

    /// Lets a disabled operator sign in again, with the password and the second factor from before.
    ///
    /// # Errors
    /// No such operator.
    pub async fn enable_operator(&self, by: &By, name: &str) -> Result<Operator, Failure> {
        let operator = self.operator(name).await?;
        self.change(by, &operator, OperatorChange::Enable).await?;
        self.operator(name).await
    }

    /// Gives an operator another role. It counts from the next request on, in sessions and API tokens too.
    ///
    /// # Errors
    /// No such operator; the one who asks; the last active admin.
    pub async fn set_operator_role(&self, by: &By, name: &str, role: Role) -> Result<Operator, Failure> {
        let operator = self.operator(name).await?;
        if is_self(by, &operator) {
            return Err(Failure::Conflict("Nobody can change their own role.".to_owned()));
        }
        self.change(by, &operator, OperatorChange::SetRole(role)).await?;
        self.operator(name).await
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
        found.ok_or_else(|| Failure::NotFound("There is no operator of this name.".to_owned()))
    }

    async fn change(&self, by: &By, operator: &Operator, change: OperatorChange) -> Result<(), Failure> {
        let takes_an_admin = change.takes_an_admin();
        if self.store.acting(by.clone()).change_operator(operator.id, change).await? {
            return Ok(());
        }
        if takes_an_admin && self.store.operator(&operator.name).await?.is_some() {
            return Err(Failure::Conflict(
                "This is the last active admin. Make somebody else an admin first.".to_owned(),
            ));
        }
        Err(Failure::NotFound(format!("There is no operator \"{}\" any more.", operator.name)))
    }
}

/// Whether operators act on themselves, in a session or by an API token.
fn is_self(by: &By, operator: &Operator) -> bool {
    let rest = by.actor.strip_prefix("operator ").and_then(|actor| actor.strip_prefix(&*operator.name));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(','))
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
    use scim::Timestamp;
    use uuid::Uuid;

    #[test]
    fn operators_are_themselves_with_an_api_token_too() {
        let anna = Operator {
            id: Uuid::nil(),
            name: "anna".to_owned(),
            role: Role::Admin,
            is_active: true,
            password_hash: String::new(),
            password_is_once: false,
            totp: None,
            created: Timestamp(0),
        };
        for (actor, expected) in [
            ("operator anna", true),
            ("operator anna, API token AbCd1234", true),
            ("operator annabel", false),
            ("operator joanna", false),
            ("command line anna", false),
        ] {
            let by = By { actor: actor.to_owned(), origin: String::new(), at: Timestamp(0) };
            assert_eq!(is_self(&by, &anna), expected, "{actor}");
        }
    }

    #[test]
    fn names_are_plain() {
        assert_eq!(checked_name(" Anna.B@Example.com ").ok().as_deref(), Some("anna.b@example.com"));
        for name in ["", "a", "a b", "ana:x", "ä-b", "a/b", "a\n", &"x".repeat(65)] {
            assert!(checked_name(name).is_err(), "{name}");
        }
    }
}
