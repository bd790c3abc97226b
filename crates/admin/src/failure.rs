//! Why a use case of an operator failed: words for the operator, or a fault for our log.

use scim::ScimError;
use store::StoreError;
use tokens::{
    ClientError, TokenError,
    operator::{Blocked, PasswordError, TotpError},
};

/// A failed use case.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// What was asked makes no sense: 400.
    #[error("{0}")]
    Invalid(String),
    /// Name, password or code is wrong, which of them is not said: 401.
    #[error("The name, the password or the code is wrong, or the code was used before.")]
    WrongSignIn,
    /// No session, or one that has ended: 401.
    #[error("Sign in first.")]
    NotSignedIn,
    /// The session's CSRF token is not there: 403.
    #[error("The header X-CSRF-Token must hold the token that signing in has answered.")]
    WrongCsrfToken,
    /// A one-time password, or no second factor yet: 403.
    #[error("Choose a password and confirm a second factor first.")]
    NotReady,
    /// The role does not allow it: 403.
    #[error("This needs the role {0}.")]
    Forbidden(&'static str),
    /// There is no such thing: 404.
    #[error("{0}")]
    NotFound(String),
    /// It cannot be done as things are: 409.
    #[error("{0}")]
    Conflict(String),
    /// The same Idempotency-Key came with something else: 422.
    #[error("This Idempotency-Key was used for another request.")]
    KeyReused,
    /// Too many wrong sign-ins: 429.
    #[error("Too many wrong sign-ins. Try again later.")]
    Blocked(Blocked),
    /// Too much is waiting: 429.
    #[error("Too much is asked at once. Try again in a moment.")]
    Overloaded,
    /// The database is away: 503.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// A bug: 500.
    #[error("{0}")]
    Internal(String),
}

impl Failure {
    /// Something that every machine can do has failed.
    pub(crate) fn internal(cause: impl std::fmt::Display) -> Failure {
        Failure::Internal(cause.to_string())
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Overloaded => Failure::Overloaded,
            StoreError::Unavailable(cause) => Failure::Unavailable(cause),
            StoreError::Failed(cause) => Failure::Internal(cause),
        }
    }
}

impl From<provisioning::Failure> for Failure {
    fn from(failure: provisioning::Failure) -> Self {
        match failure {
            provisioning::Failure::Scim(error) => error.into(),
            provisioning::Failure::TenantGone => Failure::NotFound("The tenant is gone.".to_owned()),
            provisioning::Failure::Overloaded => Failure::Overloaded,
            provisioning::Failure::Unavailable(cause) => Failure::Unavailable(cause),
            provisioning::Failure::Internal(cause) => Failure::Internal(cause),
        }
    }
}

impl From<ScimError> for Failure {
    fn from(error: ScimError) -> Self {
        match error.status {
            404 => Failure::NotFound(error.detail),
            409 => Failure::Conflict(error.detail),
            _ => Failure::Invalid(error.detail),
        }
    }
}

impl From<TokenError> for Failure {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::TooMany(_) => Failure::Conflict(error.to_string()),
            TokenError::NoSuchToken(_) => Failure::NotFound(error.to_string()),
            TokenError::Random(_) => Failure::internal(error),
            TokenError::Store(error) => error.into(),
        }
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Lifetime(..) => Failure::Invalid(error.to_string()),
            ClientError::TooManyClients(_) | ClientError::TooManySecrets(_) | ClientError::Taken => {
                Failure::Conflict(error.to_string())
            }
            ClientError::NoSuchClient(_) | ClientError::NoSuchSecret(_) => {
                Failure::NotFound(error.to_string())
            }
            ClientError::Failed(_) => Failure::internal(error),
            ClientError::Store(error) => error.into(),
        }
    }
}

impl From<PasswordError> for Failure {
    fn from(error: PasswordError) -> Self {
        Failure::internal(error)
    }
}

impl From<TotpError> for Failure {
    fn from(error: TotpError) -> Self {
        Failure::internal(error)
    }
}
