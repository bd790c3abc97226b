//! The token in the address of a setup link: the format of a Secret Token with `jset_` in front, so that neither is taken for
//! the other and a mistyped one is refused without a query.

use crate::{
    operator::csrf_of,
    secret_token::{SecretToken, has_format},
};

/// As long as the prefix of a Secret Token.
const PREFIX: &str = "jset_";

/// The token of a setup link in clear; kept like a [`SecretToken`].
#[derive(Debug)]
pub struct SetupToken(SecretToken);

impl SetupToken {
    /// A new token from random bytes that `fill` provides.
    ///
    /// # Errors
    /// What `fill` fails with.
    pub(crate) fn generate<E>(fill: impl FnMut(&mut [u8]) -> Result<(), E>) -> Result<Self, E> {
        SecretToken::with_prefix(PREFIX, fill).map(SetupToken)
    }

    /// Reads the part of an address; none if it has not the shape and the checksum of one.
    pub fn parse(text: &str) -> Option<SetupToken> {
        has_format(text, PREFIX).then(|| SetupToken(SecretToken::of_text(text)))
    }

    /// The text for the address, shown once.
    pub fn reveal(&self) -> &str {
        self.0.reveal()
    }

    /// The digest under which it is stored.
    pub fn digest(&self) -> [u8; 32] {
        self.0.digest()
    }

    /// What the form on the link's page must show: only who has the link has it.
    pub fn csrf(&self) -> String {
        csrf_of("juno setup link", self.reveal())
    }

    /// Compares in constant time.
    pub fn is_csrf(&self, shown: &str) -> bool {
        subtle::ConstantTimeEq::ct_eq(self.csrf().as_bytes(), shown.as_bytes()).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret_token::is_well_formed;

    #[test]
    fn a_setup_token_reads_back_and_is_no_secret_token() {
        let (one, two) =
            (SetupToken::generate(getrandom::fill).unwrap(), SetupToken::generate(getrandom::fill).unwrap());
        assert_eq!(one.reveal().len(), 63);
        assert!(one.reveal().starts_with(PREFIX) && !is_well_formed(one.reveal()));
        let read = SetupToken::parse(one.reveal()).unwrap();
        assert_eq!((read.digest(), read.csrf()), (one.digest(), one.csrf()));
        assert!(one.is_csrf(&one.csrf()) && !one.is_csrf(&two.csrf()) && !one.is_csrf(""));
        assert!(!format!("{one:?}").contains(&one.reveal()[14..]));
    }

    #[test]
    fn other_texts_are_no_setup_tokens() {
        let secret = SecretToken::generate(getrandom::fill).unwrap();
        let good = SetupToken::generate(getrandom::fill).unwrap().reveal().to_owned();
        let mistyped = format!("{}{}", &good[..62], if good.ends_with('0') { '1' } else { '0' });
        for text in
            ["", "jset_", secret.reveal(), &mistyped, &good[..62], &format!("{good}0"), &good.to_uppercase()]
        {
            assert!(SetupToken::parse(text).is_none(), "{text}");
        }
    }
}
