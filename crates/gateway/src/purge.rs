//! The timer that purges what was deleted long ago (docs/adr/0019), and erases scratch tenants that were left
//! (docs/adr/0036). Every process has one; they do not disturb each other.

use crate::{clock, host, steady_clock::SteadyClock};
use admin::conformance::SCRATCH_SECONDS;
use prometheus::{IntCounter, Registry};
use scim::Timestamp;
use std::time::Duration;
use store::{
    Actor, By, Store, StoreError,
    control::{Refused, tenants::TenantGone},
};

/// Most resources that are purged between two looks at the clock.
const BATCH: u32 = 100;
/// How often the purge runs within the time that deleted resources are kept.
const LOOKS: u32 = 100;
const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(3600);

/// Purges in the background.
pub(crate) struct Purge {
    store: Store,
    clock: SteadyClock,
    keep: Duration,
    purged: IntCounter,
}

impl Purge {
    /// Of what was deleted longer ago than `keep`.
    ///
    /// # Errors
    /// The metric cannot be registered.
    pub(crate) fn new(
        store: Store,
        clock: SteadyClock,
        keep: Duration,
        registry: &Registry,
    ) -> Result<Purge, prometheus::Error> {
        let help = "Deleted users and groups that this process has purged for good.";
        let purged = IntCounter::new("juno_purged_resources_total", help)?;
        registry.register(Box::new(purged.clone()))?;
        Ok(Purge { store, clock, keep, purged })
    }

    /// Looks at the start and then at each interval; never returns.
    pub(crate) async fn run(self) {
        let mut tick = tokio::time::interval((self.keep / LOOKS).clamp(SHORTEST, LONGEST));
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            if let Err(cause) = self.purge_all(clock::now()).await {
                tracing::warn!(%cause, "what was deleted long ago is not purged; it is tried again");
            }
            if let Err(cause) = self.erase_scratch(clock::now()).await {
                tracing::warn!(%cause, "old scratch tenants are not erased; it is tried again");
            }
        }
    }

    /// Scratch tenants that whoever opened them has not erased: the process stopped, or the database was away.
    async fn erase_scratch(&self, now: Timestamp) -> Result<(), StoreError> {
        for tenant in self.store.scratch_tenants(now.plus_seconds(-SCRATCH_SECONDS)).await? {
            let by = By { actor: Actor::Automatic, origin: host::name(), at: now };
            match self.store.delete_tenant(&by, tenant).await {
                // Another process has erased it.
                Ok(()) | Err(Refused::Because(TenantGone)) => {}
                Err(Refused::Failed(cause)) => return Err(cause),
            }
        }
        Ok(())
    }

    /// Batch after batch, until nothing is due or something is wrong. Nothing while the clock is not steady.
    async fn purge_all(&self, now: Timestamp) -> Result<(), StoreError> {
        if !self.clock.is_steady(now).await? {
            return Ok(());
        }
        let keep = i64::try_from(self.keep.as_millis()).unwrap_or(i64::MAX);
        let before = Timestamp(now.0.saturating_sub(keep));
        loop {
            let purged = self.store.purge(before, BATCH).await?;
            self.purged.inc_by(purged.resources);
            if purged.resources > 0 {
                tracing::info!(resources = purged.resources, "purged what was deleted long ago");
            }
            if let Some(fault) = purged.fault {
                return Err(fault);
            }
            if !purged.is_more {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use scim::{
        Profile,
        event::EventKind,
        resource::{Keys, draft},
        schema::{ResourceKind::User, ResourceType},
    };
    use serde_json::{Value, json};
    use store::{
        Action, Change, Document, ResourceId, SecretTokenRow, Tenant, TenantId, TenantState,
        control::{scratch, tenants},
    };
    use uuid::Uuid;

    const NOW: i64 = 1_795_521_600_000;
    const HOUR: i64 = 3_600_000;
    const DAY: i64 = 24 * HOUR;
    const TENANT: TenantId = TenantId(Uuid::from_u128(7));
    const ANA: ResourceId = ResourceId(Uuid::from_u128(8));

    async fn store_with_a_deleted_user(folder: &tempfile::TempDir) -> Store {
        let url = format!("sqlite://{}", folder.path().join("juno.db").display());
        let store = Store::open(&store::Settings { readers: 2, ..store::Settings::of(url) }).expect("store");
        let tenant = Tenant {
            id: TENANT,
            label: "contoso".into(),
            name: "Contoso".into(),
            profile: Profile::Entra,
            state: TenantState::Active,
            created: Timestamp(NOW),
        };
        let by = By {
            actor: Actor::CommandLine { user: "root".to_owned() },
            origin: "host".to_owned(),
            at: Timestamp(NOW),
        };
        store.act(&by, TENANT, move |tx| tenants::create(tx, &tenant)).await.expect("tenant");
        let user = draft(ResourceType::of(User), Profile::Entra, json!({"userName": "ana"})).expect("user");
        let document = Document {
            json: Value::Object(user.document.clone()).to_string(),
            keys: Keys::of(&user.document),
        };
        for (event, action) in [
            (EventKind::Create, Action::Create { document, members: vec![] }),
            (EventKind::Delete, Action::Delete { expected: None }),
        ] {
            let (at, effects) = (Timestamp(NOW), "[]".to_owned());
            let change =
                Change { kind: User, id: ANA, at, actor: None, action, event, effects, member_count: 0 };
            store.commit(TENANT, change).await.expect("committed");
        }
        store
    }

    #[tokio::test]
    async fn a_scratch_tenant_that_was_left_is_erased_after_an_hour() {
        let folder = tempfile::tempdir().expect("folder");
        let store = store_with_a_deleted_user(&folder).await;
        let id = TenantId::scratch(TENANT.0);
        let tenant = store.tenant("contoso").await.expect("asked").expect("the tenant");
        let row = Tenant { id, label: "scratch".to_owned(), ..tenant };
        let digest = [7; 32];
        let token = SecretTokenRow {
            id: Uuid::from_u128(9),
            tenant: id,
            key_id: "AbCd1234".to_owned(),
            digest,
            label: "conformance".to_owned(),
            created: Timestamp(NOW),
            expires: None,
            revoked: None,
            seen: None,
        };
        let by = By { actor: Actor::Automatic, origin: "host".to_owned(), at: Timestamp(NOW) };
        store.act(&by, TENANT, move |tx| scratch::open(tx, TENANT, &row, &token)).await.expect("opened");
        let registry = Registry::new();
        let clock = SteadyClock::new(store.clone(), &registry).expect("clock");
        let purge = Purge::new(store.clone(), clock, Duration::from_secs(1), &registry).expect("purge");
        for (at, is_left) in [(NOW + HOUR, true), (NOW + HOUR + 1, false), (NOW + HOUR + 2, false)] {
            purge.erase_scratch(Timestamp(at)).await.expect("erased");
            let found = store.secret_token(digest, store::Line::Process).await.expect("asked");
            assert_eq!(found.is_some(), is_left, "{at}");
        }
        assert!(store.tenant("contoso").await.expect("asked").is_some());
    }

    #[tokio::test]
    async fn nothing_is_purged_after_a_jump_until_the_clock_is_steady() {
        let folder = tempfile::tempdir().expect("folder");
        let store = store_with_a_deleted_user(&folder).await;
        let registry = Registry::new();
        let clock = SteadyClock::new(store.clone(), &registry).expect("clock");
        let purge =
            Purge::new(store.clone(), clock, Duration::from_secs(30 * 86_400), &registry).expect("purge");
        let jumped = async || {
            let text = prometheus::TextEncoder::new().encode_to_string(&registry.gather()).expect("text");
            text.contains("\njuno_clock_jump 1\n")
        };
        let jump = NOW + 31 * DAY;
        for (at, is_kept, is_waiting) in [
            (NOW + HOUR, true, false),
            (jump, true, true),
            (jump + DAY - 1, true, true),
            // The clock is right again before the day is over.
            (NOW + 2 * HOUR, true, true),
            (NOW + 26 * HOUR, true, false),
            // A month passes.
            (NOW + 27 * HOUR, true, false),
        ] {
            purge.purge_all(Timestamp(at)).await.expect("purged");
            let kept = store.deleted_resource(TENANT, ANA).await.expect("asked").is_some();
            assert_eq!((kept, jumped().await), (is_kept, is_waiting), "{at}");
        }
        for hours in (28..=31 * 24).step_by(20) {
            purge.purge_all(Timestamp(NOW + i64::from(hours) * HOUR)).await.expect("purged");
        }
        assert!(store.deleted_resource(TENANT, ANA).await.expect("asked").is_none(), "in its time");
    }
}
