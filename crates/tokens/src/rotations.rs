//! Rotations of Secret Tokens and client secrets, in steps: started, judged by evidence, completed or cancelled by somebody,
//! or by themselves (`docs/adr/0015`).

use crate::{
    clients::{ClientError, IssuedSecret, OauthClients},
    issuer::{Issued, Issuer, TokenError},
    rotation::{Rotating, RotationState, judge},
};
use scim::Timestamp;
use std::{collections::HashMap, time::Duration};
use store::id::new_id;
use store::{
    By, ClientSecret, CredentialKind, Ending, Outcome, Rotation, SecretTokenRow, Store, StoreError,
    Successor, TenantId,
    control::{Refused, Tx, rotations},
};
use uuid::Uuid;

/// A rotation with what is known of its two credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// As it is stored.
    pub rotation: Rotation,
    /// The OAuth client of the two secrets.
    pub client: Option<Uuid>,
    /// The credential that shall end.
    pub old: Rotating,
    /// The one in its place.
    pub new: Rotating,
    /// How far it is.
    pub state: RotationState,
}

impl Judged {
    /// Its state in words.
    pub fn words(&self) -> String {
        self.state.words(self.rotation.kind)
    }
}

/// Why a rotation was not started or ended.
#[derive(Debug, thiserror::Error)]
pub enum RotationError {
    /// No such Secret Token, or too many.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// No such client secret, or too many.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// No rotation of this tenant has the id.
    #[error("The tenant has no rotation {0}.")]
    NoSuchRotation(Uuid),
    /// The credential is the old or the new one of a rotation that has not ended.
    #[error("\"{0}\" is part of a rotation that is under way: complete or cancel that first.")]
    UnderWay(String),
    /// It is over.
    #[error("The rotation is over: {0}.")]
    Over(String),
    /// It is not safe to complete it, and nobody said to do it all the same.
    #[error("It is not safe to complete the rotation yet: {0}. To do it all the same, confirm it.")]
    NotSafe(String),
    /// No random bytes.
    #[error("no random bytes: {0}")]
    Random(#[from] getrandom::Error),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a look at all rotations that were under way has come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settled {
    /// How many have ended, and credentials with them.
    pub ended: usize,
    /// The states of the others.
    pub under_way: Vec<RotationState>,
}

/// The rotations in a store. Cheap to clone.
#[derive(Clone)]
pub struct Rotations {
    store: Store,
    silence: Duration,
}

/// Credentials of a tenant by key, with the clients of client secrets.
type Credentials = HashMap<Uuid, (Rotating, Option<Uuid>)>;

impl Rotations {
    /// Works on `store`. `silence` is how long an old credential must not be used, see [`judge`].
    pub fn new(store: Store, silence: Duration) -> Rotations {
        Rotations { store, silence }
    }

    /// Starts the rotation of a Secret Token: a second one, under the id `new`, is good beside it.
    ///
    /// # Errors
    /// See [`RotationError`].
    pub async fn start_secret_token(
        &self,
        by: &By,
        issuer: &Issuer,
        which: (TenantId, &str, Uuid),
        expires: Timestamp,
        is_automatic: bool,
    ) -> Result<(Judged, Issued), RotationError> {
        let now = by.at;
        let (old, issued) = issuer.successor(which, Some(expires), now).await?;
        let rotation = Rotation {
            id: new_id(now)?,
            tenant: old.tenant,
            kind: CredentialKind::SecretToken,
            old: old.id,
            old_key_id: old.key_id.clone(),
            new: issued.row.id,
            new_key_id: issued.row.key_id.clone(),
            started: now,
            is_automatic,
            ended: None,
        };
        self.start(by, &rotation, Successor::SecretToken(issued.row.clone())).await?;
        Ok((self.judged(rotation, None, of_token(old), of_token(issued.row.clone()), now), issued))
    }

    /// The same of a client secret.
    ///
    /// # Errors
    /// See [`RotationError`].
    pub async fn start_client_secret(
        &self,
        by: &By,
        clients: &OauthClients,
        which: (TenantId, &str, Uuid),
        lifetime: Duration,
        is_automatic: bool,
    ) -> Result<(Judged, IssuedSecret), RotationError> {
        let now = by.at;
        let (old, issued) = clients.successor(which, lifetime, now).await?;
        let rotation = Rotation {
            id: new_id(now)?,
            tenant: old.tenant,
            kind: CredentialKind::ClientSecret,
            old: old.id,
            old_key_id: old.key_id.clone(),
            new: issued.row.id,
            new_key_id: issued.row.key_id.clone(),
            started: now,
            is_automatic,
            ended: None,
        };
        self.start(by, &rotation, Successor::ClientSecret(issued.row.clone())).await?;
        let client = Some(old.client);
        let new = of_secret(issued.row.clone(), None);
        Ok((self.judged(rotation, client, of_secret(old, None), new, now), issued))
    }

    /// Stores it. An earlier one of the same credential that is over, and of which nobody has taken note yet, is ended
    /// first.
    async fn start(&self, by: &By, rotation: &Rotation, successor: Successor) -> Result<(), RotationError> {
        let under_way = || RotationError::UnderWay(rotation.old_key_id.clone());
        if self.try_start(by, rotation, &successor).await? {
            return Ok(());
        }
        let is_busy = |other: &Rotation| [other.old, other.new].contains(&rotation.old);
        let credentials = self.credentials(rotation.tenant).await?;
        for earlier in self.store.rotations_under_way(rotation.tenant).await?.into_iter().filter(is_busy) {
            let earlier = self.judge(earlier, &credentials, by.at).ok_or_else(under_way)?;
            if !self.end_if_over(by, &earlier).await? {
                return Err(under_way());
            }
        }
        if self.try_start(by, rotation, &successor).await? { Ok(()) } else { Err(under_way()) }
    }

    /// Returns `false` if it cannot be started now.
    async fn try_start(
        &self,
        by: &By,
        rotation: &Rotation,
        successor: &Successor,
    ) -> Result<bool, StoreError> {
        let (rotation, successor) = (rotation.clone(), successor.clone());
        let tenant = rotation.tenant;
        let start = move |tx: &mut Tx<'_>| rotations::start(tx, &rotation, &successor);
        Refused::is_absent(self.store.act(by, tenant, start).await)
    }

    /// Rotations of a tenant that were started before another ([`Uuid::max`] is behind all), the newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn list(
        &self,
        tenant: TenantId,
        before: Uuid,
        limit: u32,
        now: Timestamp,
    ) -> Result<Vec<Judged>, StoreError> {
        let rotations = self.store.rotations_before(tenant, before, limit).await?;
        let credentials = self.credentials(tenant).await?;
        Ok(rotations.into_iter().filter_map(|rotation| self.judge(rotation, &credentials, now)).collect())
    }

    /// Those of a tenant that are under way, the newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn under_way(&self, tenant: TenantId, now: Timestamp) -> Result<Vec<Judged>, StoreError> {
        let rotations = self.store.rotations_under_way(tenant).await?;
        let credentials = self.credentials(tenant).await?;
        let judged = rotations.into_iter().filter_map(|rotation| self.judge(rotation, &credentials, now));
        Ok(judged.filter(|found| !found.state.is_over()).collect())
    }

    /// One of them.
    ///
    /// # Errors
    /// See [`RotationError`].
    pub async fn find(&self, tenant: TenantId, id: Uuid, now: Timestamp) -> Result<Judged, RotationError> {
        let found = self.store.rotation(tenant, id).await?.ok_or(RotationError::NoSuchRotation(id))?;
        let credentials = self.credentials(tenant).await?;
        self.judge(found, &credentials, now).ok_or(RotationError::NoSuchRotation(id))
    }

    /// The one that has made this credential, if it was made by one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn find_to(
        &self,
        tenant: TenantId,
        new: Uuid,
        now: Timestamp,
    ) -> Result<Option<Judged>, StoreError> {
        let Some(found) = self.store.rotation_to(tenant, new).await? else { return Ok(None) };
        let credentials = self.credentials(tenant).await?;
        Ok(self.judge(found, &credentials, now))
    }

    /// Ends the old credential. Before that is safe it must be confirmed.
    ///
    /// # Errors
    /// See [`RotationError`].
    pub async fn complete(
        &self,
        by: &By,
        tenant: TenantId,
        id: Uuid,
        is_confirmed: bool,
    ) -> Result<Judged, RotationError> {
        let now = by.at;
        let found = self.find_open(tenant, id, now).await?;
        if !found.state.is_safe() && !is_confirmed {
            return Err(RotationError::NotSafe(found.words()));
        }
        self.end(by, &found, Outcome::Completed).await?;
        self.find(tenant, id, now).await
    }

    /// Ends the new credential; the old one stays.
    ///
    /// # Errors
    /// See [`RotationError`].
    pub async fn cancel(&self, by: &By, tenant: TenantId, id: Uuid) -> Result<Judged, RotationError> {
        let now = by.at;
        let found = self.find_open(tenant, id, now).await?;
        self.end(by, &found, Outcome::Cancelled).await?;
        self.find(tenant, id, now).await
    }

    /// Says whether it shall be completed by itself.
    ///
    /// # Errors
    /// See [`RotationError`].
    pub async fn set_automatic(
        &self,
        by: &By,
        tenant: TenantId,
        id: Uuid,
        is_automatic: bool,
    ) -> Result<Judged, RotationError> {
        let now = by.at;
        let found = self.find_open(tenant, id, now).await?;
        let set = move |tx: &mut Tx<'_>| rotations::set_automatic(tx, &found.rotation, is_automatic);
        // It is as it should be, or has ended: what is found now says so.
        Refused::is_absent(self.store.act(by, tenant, set).await)?;
        self.find(tenant, id, now).await
    }

    /// Looks at every rotation that is under way, of all tenants: completes those that may complete by themselves, and
    /// takes note of those whose credentials have ended otherwise. Any number of processes may do it at the same time.
    ///
    /// # Errors
    /// [`StoreError`]; the next call tries again.
    pub async fn settle(&self, by: &By) -> Result<Settled, StoreError> {
        let now = by.at;
        let mut settled = Settled::default();
        let mut known: Option<(TenantId, Credentials)> = None;
        for rotation in self.store.open_rotations().await? {
            // They come tenant by tenant.
            let (_, credentials) = match known.take().filter(|(tenant, _)| *tenant == rotation.tenant) {
                Some(same) => known.insert(same),
                None => known.insert((rotation.tenant, self.credentials(rotation.tenant).await?)),
            };
            let Some(found) = self.judge(rotation, credentials, now) else { continue };
            let has_ended = if found.rotation.is_automatic && found.state.completes_by_itself() {
                self.try_end(by, &found, Outcome::Completed).await?
            } else {
                self.end_if_over(by, &found).await?
            };
            match has_ended {
                true => settled.ended += 1,
                // If it is over, another process was faster.
                false if found.state.is_over() => {}
                false => settled.under_way.push(found.state),
            }
        }
        Ok(settled)
    }

    async fn find_open(&self, tenant: TenantId, id: Uuid, now: Timestamp) -> Result<Judged, RotationError> {
        let found = self.find(tenant, id, now).await?;
        if found.state.is_over() { Err(RotationError::Over(found.words())) } else { Ok(found) }
    }

    async fn end(&self, by: &By, found: &Judged, outcome: Outcome) -> Result<(), RotationError> {
        match self.try_end(by, found, outcome).await? {
            true => Ok(()),
            false => Err(RotationError::Over("it was ended at this moment".to_owned())),
        }
    }

    /// Takes note of the end of a rotation whose credentials have ended otherwise.
    async fn end_if_over(&self, by: &By, found: &Judged) -> Result<bool, StoreError> {
        let outcome = match found.state {
            RotationState::Completed { .. } => Outcome::Completed,
            RotationState::Cancelled { .. } => Outcome::Cancelled,
            _ => return Ok(false),
        };
        self.try_end(by, found, outcome).await
    }

    /// Returns `false` if it has ended.
    async fn try_end(&self, by: &By, found: &Judged, outcome: Outcome) -> Result<bool, StoreError> {
        let (rotation, ending) = (found.rotation.clone(), ending(found, outcome, by.at));
        let tenant = rotation.tenant;
        Refused::is_absent(
            self.store.act(by, tenant, move |tx: &mut Tx<'_>| rotations::end(tx, &rotation, &ending)).await,
        )
    }

    async fn credentials(&self, tenant: TenantId) -> Result<Credentials, StoreError> {
        let tokens = self.store.secret_tokens(tenant).await?;
        let clients = self.store.oauth_clients(tenant).await?;
        let secrets = self.store.client_secrets(tenant).await?;
        let revoked = |id| clients.iter().find(|client| client.id == id).and_then(|client| client.revoked);
        let tokens = tokens.into_iter().map(|token| (token.id, (of_token(token), None)));
        let secrets = secrets.into_iter().map(|secret| {
            let (id, client) = (secret.id, secret.client);
            (id, (of_secret(secret, revoked(client)), Some(client)))
        });
        Ok(tokens.chain(secrets).collect())
    }

    /// None if the tenant was erased at this moment.
    fn judge(&self, rotation: Rotation, credentials: &Credentials, now: Timestamp) -> Option<Judged> {
        let (old, client) = credentials.get(&rotation.old)?.clone();
        let (new, _) = credentials.get(&rotation.new)?.clone();
        Some(self.judged(rotation, client, old, new, now))
    }

    fn judged(
        &self,
        rotation: Rotation,
        client: Option<Uuid>,
        old: Rotating,
        new: Rotating,
        now: Timestamp,
    ) -> Judged {
        let state = judge(&rotation, &old, &new, self.silence, now);
        Judged { rotation, client, old, new, state }
    }
}

fn ending(found: &Judged, outcome: Outcome, now: Timestamp) -> Ending {
    let is_early = outcome == Outcome::Completed && !found.state.is_safe() && !found.state.is_over();
    Ending { at: now, outcome, because: found.words(), is_early }
}

fn of_token(token: SecretTokenRow) -> Rotating {
    let SecretTokenRow { key_id, created, expires, revoked, seen, .. } = token;
    Rotating { key_id, created, expires, revoked, seen }
}

/// `client_revoked` is when the client was, if it was.
fn of_secret(secret: ClientSecret, client_revoked: Option<Timestamp>) -> Rotating {
    let ClientSecret { key_id, created, expires, revoked, seen, .. } = secret;
    let revoked = [revoked, client_revoked].into_iter().flatten().min();
    Rotating { key_id, created, expires: Some(expires), revoked, seen }
}
