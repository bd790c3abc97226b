//! The second factor: time-based one-time passwords (RFC 6238) as every authenticator app makes them.

use scim::Timestamp;
use totp_rs::{Algorithm, Builder, Totp};

/// The name under which the app shows it.
const ISSUER: &str = "Juno provisioning";
/// RFC 4226 section 4 asks for 160 bits.
const SECRET_BYTES: usize = 20;
/// One step before and one after: clocks differ, people are slow (RFC 6238 section 5.2).
const SKEW: u16 = 1;

/// Why there is no second factor.
#[derive(Debug, thiserror::Error)]
pub enum TotpError {
    /// The operating system has no random bytes.
    #[error("no random bytes: {0}")]
    Random(#[from] getrandom::Error),
    /// A stored secret that is none.
    #[error("totp: {0}")]
    Secret(String),
}

/// A secret to be put into an authenticator app: shown once.
pub struct Enrolment {
    /// To store.
    pub secret: Vec<u8>,
    /// To type.
    pub base32: String,
    /// To scan: `otpauth://totp/…`.
    pub url: String,
}

/// A new secret for an operator of this name.
///
/// # Errors
/// See [`TotpError`].
pub fn enrol(name: &str) -> Result<Enrolment, TotpError> {
    let mut secret = vec![0u8; SECRET_BYTES];
    getrandom::fill(&mut secret)?;
    enrolment(secret, name)
}

/// How a secret is put into an authenticator app.
///
/// # Errors
/// [`TotpError::Secret`].
pub fn enrolment(secret: Vec<u8>, name: &str) -> Result<Enrolment, TotpError> {
    let totp = totp(secret.clone(), name)?;
    let url = totp.to_url().map_err(|error| TotpError::Secret(error.to_string()))?;
    Ok(Enrolment { base32: totp.secret().to_base32(), url, secret })
}

/// The time step of a code; none if it is wrong at this time. The caller sees to it that no step is used twice.
///
/// # Errors
/// See [`TotpError`].
pub fn check_code(secret: &[u8], code: &str, now: Timestamp) -> Result<Option<i64>, TotpError> {
    let seconds = u64::try_from(now.0 / 1000).unwrap_or(0);
    let step = totp(secret.to_vec(), "")?.check(code, seconds);
    Ok(step.and_then(|step| i64::try_from(step).ok()))
}

fn totp(secret: Vec<u8>, name: &str) -> Result<Totp, TotpError> {
    let totp = Builder::new()
        .with_algorithm(Algorithm::SHA1)
        .with_digits(6)
        .with_step_duration(30)
        .with_skew(SKEW)
        .with_secret(secret)
        .with_issuer(Some(ISSUER))
        .with_account_name(name);
    totp.build().map_err(|error| TotpError::Secret(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238 appendix B, with the last six of its eight digits.
    #[test]
    fn codes_are_those_of_the_standard() {
        let secret = b"12345678901234567890";
        for (seconds, code) in
            [(59, "287082"), (1_111_111_109, "081804"), (1_234_567_890, "005924"), (20_000_000_000, "353130")]
        {
            let step = seconds / 30;
            let check = |at: i64| check_code(secret, code, Timestamp(at * 1000)).unwrap();
            assert_eq!(check(seconds), Some(step));
            assert_eq!(check(seconds + 30), Some(step), "one step late");
            assert_eq!(check(seconds + 90), None);
        }
        for wrong in ["", "28708", "2870822", "28708x", " 287082", "-287082"] {
            assert_eq!(check_code(secret, wrong, Timestamp(59_000)).unwrap(), None, "{wrong}");
        }
    }

    #[test]
    fn an_enrolment_can_be_scanned() {
        let enrolment = enrol("anna").unwrap();
        assert_eq!(enrolment.secret.len(), 20);
        assert_eq!(enrolment.base32.len(), 32);
        assert!(
            enrolment.url.starts_with("otpauth://totp/Juno%20provisioning:anna?secret="),
            "{}",
            enrolment.url
        );
        assert!(enrolment.url.contains(&enrolment.base32));
    }
}
