//! Why a use case of an operator failed: words for the operator, or a fault for our log.

use scim::ScimError;
use std::time::Instant;
use store::StoreError;
use tokens::{
    ClientError, RotationError, Seldom, SetupError, TokenError, TooManyUnknown,
    operator::{Blocked, PasswordError, TotpError},
};

/// While the database or the OpenID provider is away every request has the same to say, a stranger's too.
static UNAVAILABLE: Seldom = Seldom::new();

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
    /// The API token is none of ours, or has expired or been revoked, or its operator is disabled: 401.
    #[error(
        "The API token is wrong, expired or revoked, or its operator is disabled. Create another one in the console."
    )]
    WrongApiToken,
    /// The OpenID provider, or what it says, does not let them in: 403.
    #[error("{0}")]
    NotSignedInThere(&'static str),
    /// An API token, where a session is needed: 403.
    #[error("An API token cannot do this: sign in to the console, or use juno on the machine.")]
    NeedsSession,
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
    pub fn internal(cause: impl std::fmt::Display) -> Failure {
        Failure::Internal(cause.to_string())
    }
}

impl Failure {
    /// Its kind for programs, the HTTP status, and a title for people.
    pub(crate) fn kind(&self) -> (&'static str, u16, &'static str) {
        match self {
            Failure::Invalid(_) => ("invalid", 400, "The request makes no sense"),
            Failure::WrongSignIn => ("wrong-sign-in", 401, "That was not right"),
            Failure::NotSignedIn => ("not-signed-in", 401, "There is no session"),
            Failure::WrongApiToken => ("not-signed-in", 401, "The API token is not valid"),
            Failure::NotSignedInThere(_) => ("not-signed-in-there", 403, "Signing in did not work"),
            Failure::NeedsSession => ("needs-session", 403, "An API token cannot do this"),
            Failure::WrongCsrfToken => ("wrong-csrf-token", 403, "The CSRF token is missing or wrong"),
            Failure::NotReady => ("not-ready", 403, "The first sign-in is not finished"),
            Failure::Forbidden(_) => ("forbidden", 403, "The role does not allow it"),
            Failure::NotFound(_) => ("not-found", 404, "There is no such thing"),
            Failure::Conflict(_) => ("conflict", 409, "It cannot be done as things are"),
            Failure::KeyReused => ("idempotency-key-reused", 422, "The Idempotency-Key was used before"),
            Failure::Blocked(_) | Failure::Overloaded => ("too-many-requests", 429, "Too many requests"),
            Failure::Unavailable(_) => ("unavailable", 503, "The service is not available at the moment"),
            Failure::Internal(_) => ("internal", 500, "The service failed on this request"),
        }
    }

    /// What to do about it. The cause of a fault is for our log alone.
    pub(crate) fn detail(&self) -> String {
        match self {
            Failure::Unavailable(_) => "Try again later.".to_owned(),
            Failure::Internal(_) => "The cause is in the log of the gateway.".to_owned(),
            failure => failure.to_string(),
        }
    }

    /// In how many seconds it may be tried again, where waiting helps.
    pub(crate) fn retry_after(&self) -> Option<u64> {
        match self {
            Failure::Blocked(blocked) => Some(blocked.retry_after),
            Failure::Overloaded => Some(1),
            Failure::Unavailable(_) => Some(5),
            _ => None,
        }
    }

    /// Writes the cause of a fault to our log.
    pub(crate) fn log(&self) {
        match self {
            Failure::Internal(cause) => tracing::error!(%cause, "operator's request failed"),
            Failure::Unavailable(cause) => {
                if let Some(omitted) = UNAVAILABLE.admit(Instant::now()) {
                    tracing::warn!(%cause, omitted, "store unavailable");
                }
            }
            _ => {}
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Overloaded(_) => Failure::Overloaded,
            StoreError::Late => Failure::Unavailable(error.to_string()),
            StoreError::Unavailable(cause) => Failure::Unavailable(cause),
            StoreError::Failed(cause) => Failure::Internal(cause),
        }
    }
}

impl From<TooManyUnknown> for Failure {
    fn from(_: TooManyUnknown) -> Self {
        Failure::Overloaded
    }
}

impl From<provisioning::Failure> for Failure {
    fn from(failure: provisioning::Failure) -> Self {
        match failure {
            provisioning::Failure::Scim(error) => error.into(),
            provisioning::Failure::TenantGone => Failure::NotFound("The tenant is gone.".to_owned()),
            provisioning::Failure::Overloaded(_) => Failure::Overloaded,
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
            TokenError::TooMany(_) | TokenError::Taken => Failure::Conflict(error.to_string()),
            TokenError::NoSuchToken(_) | TokenError::TenantGone => Failure::NotFound(error.to_string()),
            TokenError::Random(_) => Failure::internal(error),
            TokenError::Store(error) => error.into(),
        }
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Lifetime(..) => Failure::Invalid(error.to_string()),
            ClientError::TooManyClients(_)
            | ClientError::TooManySecrets(_)
            | ClientError::IsFederated(_)
            | ClientError::FederationChanged
            | ClientError::Taken => Failure::Conflict(error.to_string()),
            ClientError::NoSuchClient(_) | ClientError::NoSuchSecret(_) | ClientError::TenantGone => {
                Failure::NotFound(error.to_string())
            }
            ClientError::Failed(_) => Failure::internal(error),
            ClientError::Store(error) => error.into(),
        }
    }
}

impl From<SetupError> for Failure {
    fn from(error: SetupError) -> Self {
        match error {
            SetupError::Token(error) => error.into(),
            SetupError::Lifetime(_) => Failure::Invalid(error.to_string()),
            SetupError::Taken => Failure::KeyReused,
            SetupError::NoSuchLink(_) | SetupError::NotGood | SetupError::OpenedBefore(_) => {
                Failure::NotFound(error.to_string())
            }
            SetupError::TooManyOpen(_)
            | SetupError::TooManyIssued(_)
            | SetupError::TokenRevoked
            | SetupError::Changed => Failure::Conflict(error.to_string()),
        }
    }
}

impl From<RotationError> for Failure {
    fn from(error: RotationError) -> Self {
        match error {
            RotationError::Token(error) => error.into(),
            RotationError::Client(error) => error.into(),
            RotationError::NoSuchRotation(_) => Failure::NotFound(error.to_string()),
            RotationError::UnderWay(_) | RotationError::Over(_) | RotationError::NotSafe(_) => {
                Failure::Conflict(error.to_string())
            }
            RotationError::Random(_) => Failure::internal(error),
            RotationError::Store(error) => error.into(),
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
