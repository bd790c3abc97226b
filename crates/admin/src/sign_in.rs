//! Signing in and out, a password of one's own, the second factor.

use crate::{Admin, Failure};
use scim::Timestamp;
use std::{net::IpAddr, time::Duration};
use store::{
    Actor, By, Line, Operator, Proof, Session,
    control::{
        Refused, Tx,
        operators::{self, PasswordRefused, TotpRefused},
        sessions::{self, ProofStale, SessionEnded},
    },
};
use tokens::operator::{self, Enrolment, Passwords, SessionToken};
use zeroize::Zeroizing;

/// The time of last use is written this seldom, or four times within the time that a session may be idle.
const TOUCH_INTERVAL: Duration = Duration::from_secs(60);

/// What an operator signs in with.
pub struct SignIn {
    /// Name; upper and lower case do not count.
    pub name: String,
    /// Password.
    pub password: Zeroizing<String>,
    /// The code of the authenticator app, where there is a second factor.
    pub code: Option<String>,
}

/// A session in use, and whose it is.
#[derive(Debug)]
pub struct SignedIn {
    /// The operator.
    pub operator: Operator,
    /// The session.
    pub session: Session,
    /// Its token.
    pub token: SessionToken,
}

impl SignedIn {
    /// Whether there is nothing left to do before they may work. What the OpenID provider has asked for counts as much as
    /// a password and a second factor here.
    pub fn is_ready(&self) -> bool {
        self.session.by_openid || self.operator.is_ready()
    }

    /// As whom they act, from an address.
    pub fn by(&self, origin: IpAddr, at: Timestamp) -> By {
        by(&self.operator, origin, at)
    }
}

fn by(operator: &Operator, origin: IpAddr, at: Timestamp) -> By {
    let actor = Actor::Operator { id: operator.id, name: operator.name.clone() };
    By { actor, origin: origin.to_string(), at }
}

/// So long after a moment.
pub(crate) fn later(now: Timestamp, duration: Duration) -> Timestamp {
    Timestamp(now.0.saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
}

impl Admin {
    /// Signs in. Whatever is wrong, the answer is the same, and comes after the same work.
    ///
    /// # Errors
    /// [`Failure::WrongSignIn`], [`Failure::Blocked`].
    pub async fn sign_in(&self, given: SignIn, origin: IpAddr) -> Result<SignedIn, Failure> {
        let now = self.now();
        // One spelling for both: a name that is found in many spellings must not be counted in many.
        let name = given.name.trim().to_lowercase();
        self.throttle.admit(&name, origin, now).map_err(Failure::Blocked)?;
        let found = self.store.operator(&name).await?;
        let found = found.filter(|operator| operator.is_active);
        let stored = found.as_ref().map(|operator| operator.password_hash.clone());
        let is_right = self.passwords.check(given.password, stored).await?;
        let operator = found.filter(|_| is_right).ok_or(Failure::WrongSignIn)?;
        let step = match operator.totp.as_ref().filter(|totp| totp.is_confirmed) {
            None => None,
            Some(totp) => {
                let code = given.code.as_deref().unwrap_or_default().trim();
                Some(operator::check_code(&totp.secret, code, now)?.ok_or(Failure::WrongSignIn)?)
            }
        };
        let proof = Proof::Password { hash: operator.password_hash.clone(), step };
        let begun = self.begin_session(operator, origin, now, proof).await?;
        let signed_in = begun.ok_or(Failure::WrongSignIn)?;
        self.throttle.forgive(&name, origin);
        Ok(signed_in)
    }

    /// Begins a session of somebody who has proven who they are; none if the proof does not hold any more.
    ///
    /// # Errors
    /// Faults of the store only.
    pub(crate) async fn begin_session(
        &self,
        operator: Operator,
        origin: IpAddr,
        now: Timestamp,
        proof: Proof,
    ) -> Result<Option<SignedIn>, Failure> {
        let token = SessionToken::generate().map_err(Failure::internal)?;
        let session = Session {
            digest: token.digest(),
            operator: operator.id,
            created: now,
            seen: now,
            expires: later(now, self.settings.session_lifetime),
            by_openid: matches!(proof, Proof::OpenId),
        };
        let row = session.clone();
        let sign_in = move |tx: &mut Tx<'_>| sessions::sign_in(tx, &row, &proof);
        match self.store.act(&by(&operator, origin, now), Line::Operators, sign_in).await {
            Ok(()) => {
                self.lookups.remember(session.digest, Line::Operators, now);
                Ok(Some(SignedIn { operator, session, token }))
            }
            Err(Refused::Because(ProofStale)) => Ok(None),
            Err(Refused::Failed(error)) => Err(error.into()),
        }
    }

    /// The session of a cookie that is shown from this address. To look for it is no use of it: see `keep_awake`.
    ///
    /// # Errors
    /// [`Failure::NotSignedIn`] if there is none, it has expired, or its operator may not sign in any more;
    /// [`Failure::Overloaded`] if too many unknown ones were shown from there.
    pub async fn session(&self, cookie: &str, origin: IpAddr) -> Result<SignedIn, Failure> {
        let now = self.now();
        let token = SessionToken::parse(cookie).ok_or(Failure::NotSignedIn)?;
        let lookup = self.lookups.begin(token.digest(), origin, now)?;
        let found = self.store.session(token.digest(), lookup.line()).await?;
        let is_active = |(session, operator): &(Session, Operator)| {
            let is_over = now >= session.expires || now >= later(session.seen, self.settings.session_idle);
            !is_over && operator.is_active
        };
        let Some((session, operator)) = found.filter(is_active) else {
            lookup.was_invalid();
            return Err(Failure::NotSignedIn);
        };
        lookup.was_valid(Line::Operators, now);
        Ok(SignedIn { operator, session, token })
    }

    /// Notes that somebody uses a session, now and then.
    ///
    /// # Errors
    /// Faults of the store only.
    pub(crate) async fn keep_awake(&self, session: &Session) -> Result<(), Failure> {
        let now = self.now();
        if now >= later(session.seen, TOUCH_INTERVAL.min(self.settings.session_idle / 4)) {
            self.store.touch_session(session.digest, now).await?;
        }
        Ok(())
    }

    /// Ends the session.
    ///
    /// # Errors
    /// Faults of the store only.
    pub async fn sign_out(&self, by: &By, session: &Session) -> Result<(), Failure> {
        let digest = session.digest;
        match self.store.act(by, Line::Operators, move |tx| sessions::sign_out(tx, &digest)).await {
            Ok(()) | Err(Refused::Because(SessionEnded)) => Ok(()),
            Err(Refused::Failed(error)) => Err(error.into()),
        }
    }

    /// Changes one's own password; other sessions end.
    ///
    /// # Errors
    /// The old password is wrong ([`Failure::WrongSignIn`], [`Failure::Blocked`]), the new one weak or the old one.
    pub async fn change_password(
        &self,
        by: &By,
        signed_in: &SignedIn,
        (old, new): (Zeroizing<String>, Zeroizing<String>),
        origin: IpAddr,
    ) -> Result<(), Failure> {
        let operator = &signed_in.operator;
        // Whoever has found an open session must not be able to guess at leisure.
        self.throttle.admit(&operator.name, origin, by.at).map_err(Failure::Blocked)?;
        if !self.passwords.check(old.clone(), Some(operator.password_hash.clone())).await? {
            return Err(Failure::WrongSignIn);
        }
        self.throttle.forgive(&operator.name, origin);
        Passwords::judge(&new, &operator.name).map_err(|weak| Failure::Invalid(weak.to_string()))?;
        if *new == *old {
            return Err(Failure::Invalid("The new password is the old one.".to_owned()));
        }
        let hash = self.passwords.hash(new).await?;
        let (id, old, session) = (operator.id, operator.password_hash.clone(), signed_in.session.digest);
        let change = move |tx: &mut Tx<'_>| operators::set_password(tx, id, &session, &old, hash);
        self.store.act(by, Line::Operators, change).await.map_err(|refused| {
            refused.told_as(|reason| match reason {
                PasswordRefused::SessionEnded => Failure::NotSignedIn,
                PasswordRefused::Changed => Failure::WrongSignIn,
            })
        })
    }

    /// The same where the new one was typed twice, as nobody sees what they type.
    ///
    /// # Errors
    /// As above; [`Failure::Invalid`] if the two differ.
    pub async fn change_password_repeated(
        &self,
        by: &By,
        signed_in: &SignedIn,
        passwords: (Zeroizing<String>, Zeroizing<String>),
        repeated: &str,
        origin: IpAddr,
    ) -> Result<(), Failure> {
        if *passwords.1 != repeated {
            return Err(Failure::Invalid("The new password was not typed the same twice.".to_owned()));
        }
        self.change_password(by, signed_in, passwords, origin).await
    }

    /// The secret that was begun and does not count yet.
    ///
    /// # Errors
    /// A stored secret that is none.
    pub fn pending_totp(&self, signed_in: &SignedIn) -> Result<Option<Enrolment>, Failure> {
        let operator = &signed_in.operator;
        let begun = operator.totp.as_ref().filter(|totp| !totp.is_confirmed);
        Ok(begun.map(|totp| operator::enrolment(totp.secret.clone(), &operator.name)).transpose()?)
    }

    /// Begins to set up the second factor: a new secret, which counts once a code of it is shown.
    ///
    /// # Errors
    /// [`Failure::Conflict`] if a second factor is already set up.
    pub async fn begin_totp(&self, by: &By, signed_in: &SignedIn) -> Result<Enrolment, Failure> {
        let enrolment = operator::enrol(&signed_in.operator.name)?;
        let (id, session, secret) =
            (signed_in.operator.id, signed_in.session.digest, enrolment.secret.clone());
        let begin = move |tx: &mut Tx<'_>| operators::begin_totp(tx, id, &session, secret);
        let begun = self.store.act(by, Line::Operators, begin).await;
        begun.map_err(|refused| refused.told_as(totp_refused))?;
        Ok(enrolment)
    }

    /// Ends it by a first code; other sessions end.
    ///
    /// # Errors
    /// [`Failure::WrongSignIn`] for a wrong code, [`Failure::Conflict`] if nothing was begun or it counts already.
    pub async fn confirm_totp(&self, by: &By, signed_in: &SignedIn, code: &str) -> Result<(), Failure> {
        let totp = match &signed_in.operator.totp {
            None => return Err(totp_refused(TotpRefused::NotBegun)),
            Some(totp) if totp.is_confirmed => return Err(totp_refused(TotpRefused::AlreadySetUp)),
            Some(totp) => totp,
        };
        let step = operator::check_code(&totp.secret, code.trim(), by.at)?.ok_or(Failure::WrongSignIn)?;
        let (id, session, secret) = (signed_in.operator.id, signed_in.session.digest, totp.secret.clone());
        let confirm = move |tx: &mut Tx<'_>| operators::confirm_totp(tx, id, &session, &secret, step);
        let confirmed = self.store.act(by, Line::Operators, confirm).await;
        confirmed.map_err(|refused| refused.told_as(totp_refused))
    }
}

fn totp_refused(reason: TotpRefused) -> Failure {
    match reason {
        TotpRefused::SessionEnded => Failure::NotSignedIn,
        TotpRefused::AlreadySetUp => Failure::Conflict("A second factor is already set up.".to_owned()),
        TotpRefused::NotBegun => Failure::Conflict("Start setting up a second factor first.".to_owned()),
    }
}
