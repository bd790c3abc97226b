//! API tokens of operators: by one, a script does what its operator may, without password and session.

use crate::{
    Admin, Failure, Listed,
    idempotency::{self, lasts},
    paging::Moment,
    sign_in::later,
};
use scim::Timestamp;
use std::{net::IpAddr, time::Duration};
use store::{
    Actor, ApiTokenRow, By, Line, Operator, Role, Session,
    control::{
        Tx,
        api_tokens::{self, CreateRefused, NotAlive},
    },
};
use tokens::ApiToken;

/// Longest label.
const MAX_LABEL: usize = 100;
/// The time of last use is written this seldom.
const TOUCH_INTERVAL_MS: i64 = 60_000;

/// A token to be made.
#[derive(Clone, Debug)]
pub struct NewApiToken {
    /// A word to know it by.
    pub label: String,
    /// The most that it may do; the role of its operator unless it is said.
    pub role: Option<Role>,
    /// How long it is good.
    pub lifetime: Option<Duration>,
}

/// A token that was asked for.
pub struct GivenApiToken {
    /// The token; none where the same request has been answered with it before.
    pub token: Option<ApiToken>,
    /// What is stored of it.
    pub row: ApiTokenRow,
    /// Whose.
    pub operator: Operator,
}

/// What a script may do that shows a good token.
pub(crate) struct Script {
    /// Whose it is, with the role that the token has.
    pub(crate) operator: Operator,
    /// As whom it acts.
    pub(crate) actor: Actor,
}

impl Admin {
    /// Makes a token of an operator, shown this one time: in a session of theirs, or in none at the command line. With an
    /// Idempotency-Key the same request of the same operator makes one token; only its first answer has it.
    ///
    /// # Errors
    /// [`Failure::NotSignedIn`] if the session has ended meanwhile.
    /// A label, role or lifetime that is none; a disabled operator; as many tokens as there may be; a key that was used for
    /// something else.
    pub async fn create_api_token(
        &self,
        by: &By,
        (operator, session): (&Operator, Option<&Session>),
        new: NewApiToken,
        idempotency_key: Option<&str>,
    ) -> Result<GivenApiToken, Failure> {
        let label = new.label.trim();
        if label.is_empty() || label.chars().count() > MAX_LABEL || label.chars().any(char::is_control) {
            return Err(Failure::Invalid(format!(
                "A label has 1 to {MAX_LABEL} characters, none of them a control."
            )));
        }
        let role = new.role.unwrap_or(operator.role);
        if role > operator.role {
            return Err(Failure::Invalid(format!(
                "An API token cannot have a higher role than its operator ({}).",
                operator.role.as_str()
            )));
        }
        if !operator.is_active {
            return Err(Failure::Conflict("The operator is disabled.".to_owned()));
        }
        let lifetime = new.lifetime.unwrap_or(self.settings.api_token_lifetime);
        let expires = self.api_token_expiry(by.at, lifetime)?;
        let find = async |id| {
            let mut tokens = self.store.api_tokens(Some(operator.id)).await?.into_iter();
            let found = tokens.find(|(row, _)| row.id == id);
            Ok(found.map(|(row, operator)| GivenApiToken { token: None, row, operator }))
        };
        // Unless asked otherwise a token has the role that its operator had: that may have changed since.
        let is_same = |GivenApiToken { row, .. }: &GivenApiToken| {
            let is_role = new.role.is_none_or(|asked| row.role == asked);
            row.label == label && is_role && lasts(row.created, row.expires, lifetime)
        };
        let make = async |id| {
            self.check_number_of_api_tokens(operator, by.at).await?;
            let token = ApiToken::random().map_err(Failure::internal)?;
            let row = ApiTokenRow {
                id,
                operator: operator.id,
                key_id: token.key_id().to_owned(),
                digest: token.digest(),
                label: label.to_owned(),
                role,
                created: by.at,
                expires,
                revoked: None,
                last_used: None,
            };
            let (stored, session) = (row.clone(), session.map(|session| session.digest));
            let create = move |tx: &mut Tx<'_>| api_tokens::create(tx, &stored, session.as_ref());
            self.store.act(by, Line::Operators, create).await.map_err(|refused| {
                refused.told_as(|reason| match reason {
                    CreateRefused::SessionEnded => Failure::NotSignedIn,
                    CreateRefused::Exists => Failure::KeyReused,
                })
            })?;
            Ok(GivenApiToken { token: Some(token), row, operator: operator.clone() })
        };
        let what = format!("API token {}", operator.id);
        idempotency::once((&what, by, idempotency_key), find, is_same, make).await
    }

    async fn check_number_of_api_tokens(&self, operator: &Operator, now: Timestamp) -> Result<(), Failure> {
        let most = self.settings.max_api_tokens;
        let tokens = self.store.api_tokens(Some(operator.id)).await?;
        if tokens.iter().filter(|(row, _)| row.is_alive(now)).count() < most {
            return Ok(());
        }
        Err(Failure::Conflict(format!(
            "There are {most} API tokens already, which is the most: revoke one first."
        )))
    }

    /// The same for the operator of this name: at the command line.
    ///
    /// # Errors
    /// As above; no such operator.
    pub async fn create_api_token_of(
        &self,
        by: &By,
        name: &str,
        new: NewApiToken,
        idempotency_key: Option<&str>,
    ) -> Result<GivenApiToken, Failure> {
        let operator = self.operator(name).await?;
        self.create_api_token(by, (&operator, None), new, idempotency_key).await
    }

    /// The tokens that somebody may see, oldest first, ended ones too, and whose they are: operators their own, an admin and
    /// the command line all.
    ///
    /// # Errors
    /// Faults of the store only.
    pub async fn api_tokens(
        &self,
        viewer: Option<&Operator>,
    ) -> Result<Vec<(ApiTokenRow, Operator)>, Failure> {
        let whose = viewer.filter(|viewer| viewer.role < Role::Admin).map(|viewer| viewer.id);
        Ok(self.store.api_tokens(whose).await?)
    }

    /// A page of them.
    ///
    /// # Errors
    /// A cursor of another list.
    pub async fn api_tokens_page(
        &self,
        viewer: Option<&Operator>,
        cursor: Option<&str>,
        count: Option<u32>,
    ) -> Result<Listed<(ApiTokenRow, Operator)>, Failure> {
        // Each operator makes a few by hand.
        Listed::of_few(self.api_tokens(viewer).await?, (cursor, count), |(row, _)| {
            Moment(row.created, row.id)
        })
    }

    /// Ends one of the tokens that somebody may see.
    ///
    /// # Errors
    /// No such token alive among them.
    pub async fn revoke_api_token(
        &self,
        by: &By,
        viewer: Option<&Operator>,
        key_id: &str,
    ) -> Result<(ApiTokenRow, Operator), Failure> {
        let gone = || Failure::NotFound(format!("There is no API token \"{key_id}\" that is alive."));
        let mut seen = self.api_tokens(viewer).await?.into_iter();
        let found = seen.find(|(row, _)| row.key_id == key_id && row.is_alive(by.at));
        let (row, operator) = found.ok_or_else(gone)?;
        let (id, at) = (row.id, by.at);
        let revoke = move |tx: &mut Tx<'_>| api_tokens::revoke(tx, id, at);
        let revoked = self.store.act(by, Line::Operators, revoke).await;
        let row = revoked.map_err(|refused| refused.told_as(|NotAlive| gone()))?;
        Ok((row, operator))
    }

    /// Whoever shows this token. A text that is none of ours is refused without a query.
    ///
    /// # Errors
    /// [`Failure::WrongApiToken`] if it is not valid, or its operator is disabled.
    pub(crate) async fn script(&self, shown: &str, origin: IpAddr) -> Result<Script, Failure> {
        let now = self.now();
        let token = ApiToken::parse(shown).ok_or(Failure::WrongApiToken)?;
        let lookup = self.lookups.begin(token.digest(), origin, now)?;
        let found = self.store.api_token(token.digest(), lookup.line()).await?;
        let is_valid = |(row, operator): &(ApiTokenRow, Operator)| row.is_alive(now) && operator.is_active;
        let Some((row, mut operator)) = found.filter(is_valid) else {
            lookup.was_invalid();
            return Err(Failure::WrongApiToken);
        };
        lookup.was_valid(Line::Operators, now);
        if row.last_used.is_none_or(|last| now.0 - last.0 >= TOUCH_INTERVAL_MS) {
            self.store.touch_api_token(row.id, now).await?;
        }
        operator.role = operator.role.min(row.role);
        let actor =
            Actor::ApiToken { operator: operator.id, name: operator.name.clone(), key_id: row.key_id };
        Ok(Script { operator, actor })
    }

    fn api_token_expiry(&self, now: Timestamp, lifetime: Duration) -> Result<Timestamp, Failure> {
        let longest = self.settings.max_api_token_lifetime;
        if lifetime.is_zero() || lifetime > longest {
            let days = longest.as_secs() / 86_400;
            return Err(Failure::Invalid(format!(
                "An API token is good for a second at least and {days} days at most."
            )));
        }
        Ok(later(now, lifetime))
    }
}
