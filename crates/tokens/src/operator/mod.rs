//! What operators prove who they are with: passwords, second factors, sessions; and the brake on guessing.

mod discovery;
mod id_token;
mod openid;
mod password;
mod session;
mod throttle;
mod totp;

pub use openid::{OpenId, OpenIdBegun, OpenIdError, OpenIdKept, OpenIdReturn, OpenIdSettings};
pub use password::{PasswordError, Passwords, WeakPassword};
pub use session::SessionToken;
pub(crate) use session::csrf_of;
pub use throttle::{Blocked, Throttle, ThrottleSettings};
pub use totp::{Enrolment, TotpError, check_code, enrol, enrolment};
