//! What only the token in the address of a setup link has: a CSRF token for the form on its page.

use crate::{operator::csrf_of, secret_token::SetupToken};

impl SetupToken {
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
    use crate::SecretToken;

    #[test]
    fn a_setup_token_reads_back_and_is_no_secret_token() {
        let (one, two) = (SetupToken::random().unwrap(), SetupToken::random().unwrap());
        assert_eq!(one.reveal().len(), 63);
        assert!(one.reveal().starts_with("jset_") && !SecretToken::is_well_formed(one.reveal()));
        let read = SetupToken::parse(one.reveal()).unwrap();
        assert_eq!((read.digest(), read.csrf()), (one.digest(), one.csrf()));
        assert!(one.is_csrf(&one.csrf()) && !one.is_csrf(&two.csrf()) && !one.is_csrf(""));
        assert!(!format!("{one:?}").contains(&one.reveal()[14..]));
    }

    #[test]
    fn other_texts_are_no_setup_tokens() {
        let secret = SecretToken::random().unwrap();
        let good = SetupToken::random().unwrap().reveal().to_owned();
        let mistyped = format!("{}{}", &good[..62], if good.ends_with('0') { '1' } else { '0' });
        for text in
            ["", "jset_", secret.reveal(), &mistyped, &good[..62], &format!("{good}0"), &good.to_uppercase()]
        {
            assert!(SetupToken::parse(text).is_none(), "{text}");
        }
    }
}
