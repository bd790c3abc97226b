//! Signing in at an OpenID provider. Who has no operator here gets none by it.

use crate::{Admin, Failure, SignedIn, sign_in::Proof};
use std::net::IpAddr;
use tokens::operator::{OpenId, OpenIdBegun, OpenIdError, OpenIdKept, OpenIdReturn};

impl From<OpenIdError> for Failure {
    fn from(error: OpenIdError) -> Self {
        match error {
            OpenIdError::Refused(why) => Failure::NotSignedInThere(why),
            OpenIdError::Unavailable(cause) => Failure::Unavailable(cause),
        }
    }
}

impl Admin {
    /// The words on the button, where there is a provider.
    pub(crate) fn openid_name(&self) -> Option<&str> {
        self.openid.as_ref().map(|_| self.settings.openid_name.as_str())
    }

    fn openid(&self) -> Result<&OpenId, Failure> {
        self.openid.as_ref().ok_or_else(|| Failure::NotFound("There is no OpenID provider.".to_owned()))
    }

    /// Begins a sign-in.
    ///
    /// # Errors
    /// There is no provider, or it cannot be asked; [`Failure::Blocked`].
    pub(crate) async fn begin_openid(&self, origin: IpAddr) -> Result<OpenIdBegun, Failure> {
        let openid = self.openid()?;
        // Each return makes the gateway ask the provider: an address may not cause as much of that as it likes.
        let now = self.now();
        self.throttle.admit(&guest(origin), origin, now).map_err(Failure::Blocked)?;
        Ok(openid.begin(now).await?)
    }

    /// Ends it with a session.
    ///
    /// # Errors
    /// [`Failure::NotSignedInThere`] where something is not good, or no active operator has the name.
    pub(crate) async fn finish_openid(
        &self,
        kept: Option<OpenIdKept>,
        back: OpenIdReturn,
        origin: IpAddr,
    ) -> Result<SignedIn, Failure> {
        let openid = self.openid()?;
        let now = self.now();
        self.throttle.admit(&guest(origin), origin, now).map_err(Failure::Blocked)?;
        let kept = kept
            .ok_or(Failure::NotSignedInThere("The sign-in was begun in another browser, or too long ago."))?;
        let name = openid.finish(kept, back, now).await?;
        let found = self.store.operator(&name).await?;
        let operator = found.filter(|operator| operator.is_active).ok_or(Failure::NotSignedInThere(
            "The provider knows you, but no operator here has your name. Ask an admin.",
        ))?;
        let signed_in = self.begin_session(operator, origin, now, Proof::OpenId).await?;
        self.throttle.forgive(&guest(origin), origin);
        Ok(signed_in)
    }
}

/// Under what the tries of an address are counted: no operator has such a name.
fn guest(origin: IpAddr) -> String {
    format!("openid from {origin}")
}
