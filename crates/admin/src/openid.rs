//! Signing in at an OpenID provider. Who has no operator here gets none by it.

use crate::{Admin, Failure, SignedIn};
use scim::Timestamp;
use std::net::IpAddr;
use store::Proof;
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
    /// There is no provider, or it cannot be asked.
    pub(crate) async fn begin_openid(&self) -> Result<OpenIdBegun, Failure> {
        Ok(self.openid()?.begin(self.now()).await?)
    }

    /// Ends it with a session.
    ///
    /// # Errors
    /// [`Failure::NotSignedInThere`] where something is not good, or no active operator has the name; [`Failure::Blocked`]
    /// after too many of these.
    pub(crate) async fn finish_openid(
        &self,
        kept: Option<OpenIdKept>,
        back: OpenIdReturn,
        origin: IpAddr,
    ) -> Result<SignedIn, Failure> {
        let (openid, now) = (self.openid()?, self.now());
        // Without what the browser keeps the provider is not asked: pages of others can send anybody here so, as often as
        // they like, and it counts for nobody.
        let kept = kept
            .ok_or(Failure::NotSignedInThere("The sign-in was begun in another browser, or too long ago."))?;
        // An address that was refused too often may not make the gateway ask the provider any more.
        self.throttle.check(&guest(origin), origin, now).map_err(Failure::Blocked)?;
        let finished = self.finished_openid(openid, (kept, back), origin, now).await;
        // Nothing is guessed here, so it is counted once it was refused: the good ones cost nobody anything.
        if matches!(finished, Err(Failure::NotSignedInThere(_))) {
            self.throttle.admit(&guest(origin), origin, now).map_err(Failure::Blocked)?;
        }
        finished
    }

    async fn finished_openid(
        &self,
        openid: &OpenId,
        (kept, back): (OpenIdKept, OpenIdReturn),
        origin: IpAddr,
        now: Timestamp,
    ) -> Result<SignedIn, Failure> {
        let name = openid.finish(kept, back, now).await?;
        let found = self.store.operator(&name).await?;
        let operator = found.filter(|operator| operator.is_active).ok_or_else(unknown)?;
        self.begin_session(operator, origin, now, Proof::OpenId).await?.ok_or_else(unknown)
    }
}

fn unknown() -> Failure {
    Failure::NotSignedInThere("The provider knows you, but no operator here has your name. Ask an admin.")
}

/// Under what the refusals of an address are counted: no operator has such a name.
fn guest(origin: IpAddr) -> String {
    format!("openid from {origin}")
}
