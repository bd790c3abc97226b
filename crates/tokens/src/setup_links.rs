//! Setup links: made and revoked by operators, opened once by a customer's administrator, to whom they issue a Secret Token
//! (`docs/adr/0016`).

use crate::{Issued, Issuer, SetupToken, TokenError, operator::SessionToken};
use scim::Timestamp;
use std::time::Duration;
use store::id::new_id;
use store::{
    Actor, By, Line, SecretTokenRow, SetupLink, SetupOpening, SetupReplacement, SetupRevocation, Store,
    StoreError, Tenant, TenantId, TenantState,
    control::{
        Refused, Tx,
        setup_links::{self, CreateRefused},
    },
};
use uuid::Uuid;

/// How many links and tokens there may be, and how long they live.
#[derive(Clone, Copy, Debug)]
pub struct SetupPolicy {
    /// Most links of a tenant that can be opened at the same time.
    pub max_open: usize,
    /// The longest that a link may be asked to wait for being opened.
    pub max_lifetime: Duration,
    /// How long the browser that has opened a link sees the setup page.
    pub session_lifetime: Duration,
    /// Most Secret Tokens that one link issues, each in the place of the one before.
    pub max_issued: u32,
    /// How long those are good.
    pub token_lifetime: Duration,
    /// Most Secret Tokens of a tenant that are good at the same time.
    pub max_tokens: usize,
}

/// What became of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetupState {
    /// It can be opened.
    Open,
    /// It was opened; the Secret Token that it issued was not used yet.
    Opened,
    /// The Secret Token that it issued is in use.
    Connected,
    /// Nobody opened it in time.
    Expired,
    /// An operator has ended it.
    Revoked,
}

impl SetupState {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            SetupState::Open => "open",
            SetupState::Opened => "opened",
            SetupState::Connected => "connected",
            SetupState::Expired => "expired",
            SetupState::Revoked => "revoked",
        }
    }
}

/// A link, and the Secret Token that it has issued last.
#[derive(Clone, Debug)]
pub struct FollowedLink {
    /// The link.
    pub link: SetupLink,
    /// The token, if the link was opened.
    pub secret_token: Option<SecretTokenRow>,
}

impl FollowedLink {
    /// What became of it.
    pub fn state(&self, now: Timestamp) -> SetupState {
        match &self.secret_token {
            _ if self.link.revoked.is_some() => SetupState::Revoked,
            Some(token) if token.last_used().is_some() => SetupState::Connected,
            _ if self.link.opening.is_some() => SetupState::Opened,
            _ if now >= self.link.expires => SetupState::Expired,
            _ => SetupState::Open,
        }
    }
}

/// A link just made: the one time that its token is shown.
#[derive(Debug)]
pub struct NewSetupLink {
    /// The token.
    pub token: SetupToken,
    /// What is stored of it.
    pub link: SetupLink,
}

/// The session of the browser that has opened a link.
#[derive(Debug)]
pub struct SetupSession {
    /// What is in the cookie.
    pub token: SessionToken,
    /// The link.
    pub link: SetupLink,
    /// What opening it has begun.
    pub opening: SetupOpening,
    /// Whose.
    pub tenant: Tenant,
}

/// How often a revocation looks again, if the link was opened or has issued another Secret Token meanwhile.
const REVOCATIONS: usize = 4;

/// Why a link was not made, found, opened or revoked.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// As many as may be.
    #[error("the tenant has {0} setup links that can be opened already, which is the most: revoke one first")]
    TooManyOpen(usize),
    /// Outside the bounds.
    #[error("a setup link must be good for a second at least and {} hours at most", .0.as_secs() / 3600)]
    Lifetime(Duration),
    /// There is a link with the id already.
    #[error("there is a setup link with this id already")]
    Taken,
    /// No link of this tenant has the id, or it is revoked.
    #[error("the tenant has no setup link {0} that is not revoked")]
    NoSuchLink(Uuid),
    /// Unknown, expired or revoked, or its tenant is suspended: whoever shows it is not told which.
    #[error("the setup link is not good")]
    NotGood,
    /// Opened at this time.
    #[error("the setup link was opened before")]
    OpenedBefore(Timestamp),
    /// As many as may be.
    #[error("the setup link has issued {0} Secret Tokens already, which is the most")]
    TooManyIssued(u32),
    /// Somebody has ended the Secret Token of the link: it is not for the link to undo that.
    #[error("the Secret Token of the setup link was revoked")]
    TokenRevoked,
    /// Somebody else was faster: look again.
    #[error("the setup link was changed at the same moment")]
    Changed,
    /// The Secret Token.
    #[error(transparent)]
    Token(#[from] TokenError),
}

impl From<StoreError> for SetupError {
    fn from(error: StoreError) -> Self {
        SetupError::Token(error.into())
    }
}

impl From<CreateRefused> for SetupError {
    fn from(reason: CreateRefused) -> Self {
        match reason {
            CreateRefused::Exists => SetupError::Taken,
            CreateRefused::TenantGone => SetupError::Token(TokenError::TenantGone),
        }
    }
}

impl From<getrandom::Error> for SetupError {
    fn from(error: getrandom::Error) -> Self {
        SetupError::Token(error.into())
    }
}

/// The setup links in a store. Cheap to clone.
#[derive(Clone)]
pub struct SetupLinks {
    store: Store,
    policy: SetupPolicy,
}

/// What operators do.
impl SetupLinks {
    /// Works on `store` within `policy`. Two links that are made at the same moment may go one beyond the bound.
    pub fn new(store: Store, policy: SetupPolicy) -> SetupLinks {
        SetupLinks { store, policy }
    }

    /// A new link with this id, for somebody.
    ///
    /// # Errors
    /// See [`SetupError`].
    pub async fn create(
        &self,
        by: &By,
        (tenant, id): (TenantId, Uuid),
        label: &str,
        lifetime: Duration,
    ) -> Result<NewSetupLink, SetupError> {
        if lifetime.as_secs() == 0 || lifetime > self.policy.max_lifetime {
            return Err(SetupError::Lifetime(self.policy.max_lifetime));
        }
        let is_open = |found: &FollowedLink| found.state(by.at) == SetupState::Open;
        if self.list(tenant).await?.into_iter().filter(is_open).count() >= self.policy.max_open {
            return Err(SetupError::TooManyOpen(self.policy.max_open));
        }
        let token = SetupToken::random()?;
        let link = SetupLink {
            id,
            tenant,
            label: label.to_owned(),
            digest: token.digest(),
            created: by.at,
            created_by: by.actor.to_string(),
            expires: later(by.at, lifetime),
            revoked: None,
            opening: None,
        };
        let row = link.clone();
        let created = self.store.act(by, tenant, move |tx| setup_links::create(tx, &row)).await;
        created.map_err(|refused| refused.told_as(SetupError::from))?;
        Ok(NewSetupLink { token, link })
    }

    /// The links of a tenant, oldest first, ended ones too.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn list(&self, tenant: TenantId) -> Result<Vec<FollowedLink>, StoreError> {
        let links = self.store.setup_links(tenant).await?;
        self.followed(tenant, links).await
    }

    /// Those behind a place (time of making and id), oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn list_behind(
        &self,
        tenant: TenantId,
        behind: (Timestamp, Uuid),
        limit: u32,
    ) -> Result<Vec<FollowedLink>, StoreError> {
        let links = self.store.setup_links_behind(tenant, behind, limit).await?;
        self.followed(tenant, links).await
    }

    async fn followed(
        &self,
        tenant: TenantId,
        links: Vec<SetupLink>,
    ) -> Result<Vec<FollowedLink>, StoreError> {
        let tokens = self.store.secret_tokens(tenant).await?;
        let follow = |link: SetupLink| {
            let issued = link.opening.as_ref().map(|opening| opening.secret_token);
            let secret_token = tokens.iter().find(|token| Some(token.id) == issued).cloned();
            FollowedLink { link, secret_token }
        };
        Ok(links.into_iter().map(follow).collect())
    }

    /// Ends a link and the setup page that it has opened; with `its_token` also the Secret Token that it has issued, if
    /// that is alive.
    ///
    /// # Errors
    /// See [`SetupError`].
    pub async fn revoke(
        &self,
        by: &By,
        tenant: TenantId,
        id: Uuid,
        its_token: bool,
    ) -> Result<FollowedLink, SetupError> {
        // Whoever opens it at the same moment must not keep what it then issued: what was seen is what is revoked.
        for _ in 0..REVOCATIONS {
            let found = self.list(tenant).await?.into_iter().find(|found| found.link.id == id);
            let mut found =
                found.filter(|found| found.link.revoked.is_none()).ok_or(SetupError::NoSuchLink(id))?;
            let issued = found.link.opening.as_ref().map(|opening| opening.secret_token);
            let token = found.secret_token.as_mut().filter(|token| its_token && token.is_alive(by.at));
            let revocation = SetupRevocation { tenant, link: id, issued, with_token: token.is_some() };
            let at = by.at;
            let revoked = self.store.act(by, tenant, move |tx| setup_links::revoke(tx, revocation, at)).await;
            if Refused::is_absent(revoked)? {
                found.link.revoked = Some(by.at);
                if let Some(token) = token {
                    token.revoked = Some(by.at);
                }
                return Ok(found);
            }
        }
        Err(SetupError::Changed)
    }
}

/// What a customer's administrator does.
impl SetupLinks {
    /// The link with this token, if it can be opened; changes nothing, so that programs may look at what a mail links to.
    ///
    /// # Errors
    /// [`SetupError::NotGood`], [`SetupError::OpenedBefore`], or a fault of the store.
    pub async fn find(
        &self,
        token: &SetupToken,
        line: Line,
        now: Timestamp,
    ) -> Result<(SetupLink, Tenant), SetupError> {
        let (link, tenant) = self.store.setup_link(token.digest(), line).await?.ok_or(SetupError::NotGood)?;
        let is_good = link.revoked.is_none() && tenant.state == TenantState::Active;
        match &link.opening {
            _ if !is_good => Err(SetupError::NotGood),
            Some(opening) => Err(SetupError::OpenedBefore(opening.at)),
            None if now >= link.expires => Err(SetupError::NotGood),
            None => Ok((link, tenant)),
        }
    }

    /// Opens a link, once: begins the session of this browser and issues the Secret Token, both or neither.
    ///
    /// # Errors
    /// See [`SetupError`].
    pub async fn open(
        &self,
        token: &SetupToken,
        line: Line,
        from: &str,
        now: Timestamp,
    ) -> Result<(SetupSession, Issued), SetupError> {
        let (link, tenant) = self.find(token, line, now).await?;
        let issued = self.draft(&link, None, now).await?;
        let session = SessionToken::generate()?;
        let opening = SetupOpening {
            at: now,
            from: from.to_owned(),
            session: session.digest(),
            session_ends: later(now, self.policy.session_lifetime),
            secret_token: issued.row.id,
            tokens_issued: 1,
        };
        let (id, begun, row) = (link.id, opening.clone(), issued.row.clone());
        let open = move |tx: &mut Tx<'_>| setup_links::open(tx, id, begun, &row);
        if !Refused::is_absent(self.store.act(&by(&link, from, now), tenant.id, open).await)? {
            self.find(token, line, now).await?;
            return Err(SetupError::Changed);
        }
        Ok((SetupSession { token: session, link, opening, tenant }, issued))
    }

    /// The session of a cookie.
    ///
    /// # Errors
    /// [`SetupError::NotGood`] if there is none, it has ended, its link is revoked, or its tenant suspended.
    pub async fn session(
        &self,
        token: SessionToken,
        line: Line,
        now: Timestamp,
    ) -> Result<SetupSession, SetupError> {
        let (link, tenant) =
            self.store.setup_session(token.digest(), line).await?.ok_or(SetupError::NotGood)?;
        let is_good = link.revoked.is_none() && tenant.state == TenantState::Active;
        let opening = link.opening.clone().filter(|opening| is_good && now < opening.session_ends);
        let opening = opening.ok_or(SetupError::NotGood)?;
        Ok(SetupSession { token, link, opening, tenant })
    }

    /// The Secret Token that was issued in this session; none if it was erased.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn secret_token(&self, session: &SetupSession) -> Result<Option<SecretTokenRow>, StoreError> {
        let tokens = self.store.secret_tokens(session.tenant.id).await?;
        Ok(tokens.into_iter().find(|token| token.id == session.opening.secret_token))
    }

    /// How many Secret Tokens may still be issued in this session.
    pub fn issues_left(&self, session: &SetupSession) -> u32 {
        self.policy.max_issued.saturating_sub(session.opening.tokens_issued)
    }

    /// Another Secret Token in the place of the one that this session has issued, which ends now.
    ///
    /// # Errors
    /// See [`SetupError`].
    pub async fn issue_again(
        &self,
        session: &SetupSession,
        from: &str,
        now: Timestamp,
    ) -> Result<Issued, SetupError> {
        if self.issues_left(session) == 0 {
            return Err(SetupError::TooManyIssued(self.policy.max_issued));
        }
        let old = self.secret_token(session).await?;
        // Unless the link has replaced it at this moment, somebody else has ended it, and meant it.
        if old.as_ref().is_none_or(|token| token.revoked.is_some()) {
            let now =
                self.store.setup_session(session.token.digest(), Line::Tenant(session.tenant.id)).await?;
            let issued = now.and_then(|(link, _)| link.opening).map(|opening| opening.secret_token);
            let is_same = issued == Some(session.opening.secret_token);
            return Err(if is_same { SetupError::TokenRevoked } else { SetupError::Changed });
        }
        let old = old.filter(|token| token.is_alive(now)).map(|token| token.id);
        let issued = self.draft(&session.link, old, now).await?;
        let (link, tokens_issued) = (session.link.id, session.opening.tokens_issued);
        let replacement = SetupReplacement { link, tokens_issued, old, new: issued.row.clone() };
        let replace = move |tx: &mut Tx<'_>| setup_links::replace_token(tx, &replacement, now);
        match Refused::is_absent(
            self.store.act(&by(&session.link, from, now), session.tenant.id, replace).await,
        )? {
            true => Ok(issued),
            false => Err(SetupError::Changed),
        }
    }

    async fn draft(
        &self,
        link: &SetupLink,
        replaced: Option<Uuid>,
        now: Timestamp,
    ) -> Result<Issued, TokenError> {
        let issuer = Issuer::new(self.store.clone(), self.policy.max_tokens);
        let label = format!("Setup link for {}", link.label);
        let expires = Some(later(now, self.policy.token_lifetime));
        issuer.draft((link.tenant, new_id(now)?), &label, expires, replaced, now).await
    }
}

/// As whom the customer's administrator acts. The label, which may name them, stays out of the audit log.
fn by(link: &SetupLink, from: &str, at: Timestamp) -> By {
    By { actor: Actor::SetupLink(link.id), origin: from.to_owned(), at }
}

fn later(now: Timestamp, duration: Duration) -> Timestamp {
    Timestamp(now.0.saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
}
