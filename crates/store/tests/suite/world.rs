//! A tenant in a store, and the words in which tests change it.

use crate::acts::*;
use crate::backend::Backend;
use scim::{
    Profile, Timestamp,
    event::EventKind,
    resource::{Keys, draft},
    schema::{ResourceKind, ResourceType},
};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicI64, Ordering};
use store::*;
use uuid::Uuid;

/// A tenant of its own in a store.
pub(crate) struct World {
    pub(crate) backend: Backend,
    pub(crate) tenant: TenantId,
}

/// An operator of this name who acts.
pub(crate) fn operator_actor(name: &str) -> Actor {
    Actor::Operator { id: Uuid::from_u128(1), name: name.to_owned() }
}

/// What the audit log says of a tenant, oldest first, but for what the command line has done: tests prepare by it.
pub(crate) async fn told(store: &Store, tenant: TenantId) -> Vec<AuditRow> {
    let mut rows = store.audit_rows(Some(tenant), i64::MAX, at_most(100)).await.unwrap().rows;
    rows.retain(|row| row.actor != command_line().actor.to_string());
    rows.reverse();
    rows
}

/// Somebody at the command line who acts now.
pub(crate) fn command_line() -> By {
    root(now())
}

/// An instant that no other call returns.
pub(crate) fn now() -> Timestamp {
    static CLOCK: AtomicI64 = AtomicI64::new(1_795_000_000_000);
    Timestamp(CLOCK.fetch_add(1, Ordering::Relaxed))
}

pub(crate) fn new_id() -> ResourceId {
    ResourceId(Uuid::now_v7())
}

pub(crate) fn tenant_row(label: &str) -> Tenant {
    Tenant {
        id: TenantId(Uuid::now_v7()),
        label: label.to_owned(),
        name: format!("{label} Ltd."),
        profile: Profile::Entra,
        state: TenantState::Active,
        created: now(),
    }
}

/// A document as the rooms above would store it.
pub(crate) fn document(kind: ResourceKind, body: Value) -> Document {
    let draft = draft(ResourceType::of(kind), Profile::Entra, body).unwrap();
    Document { json: Value::Object(draft.document.clone()).to_string(), keys: Keys::of(&draft.document) }
}

/// The body of [`user`].
pub(crate) fn user_body(name: &str) -> Value {
    json!({"userName": name, "active": true})
}

pub(crate) fn user(name: &str) -> Document {
    document(ResourceKind::User, user_body(name))
}

/// The body of a user with a title.
pub(crate) fn titled(name: &str, title: &str) -> Value {
    json!({"userName": name, "active": true, "title": title})
}

pub(crate) fn group(name: &str) -> Document {
    document(ResourceKind::Group, json!({"displayName": name}))
}

pub(crate) fn change(kind: ResourceKind, id: ResourceId, event: EventKind, action: Action) -> Change {
    Change {
        kind,
        id,
        at: now(),
        actor: Some(Uuid::from_u128(7)),
        action,
        event,
        effects: "[]".to_owned(),
        member_count: 0,
    }
}

pub(crate) fn create(
    kind: ResourceKind,
    id: ResourceId,
    document: Document,
    members: &[ResourceId],
) -> Change {
    change(kind, id, EventKind::Create, Action::Create { document, members: members.to_vec() })
}

pub(crate) fn create_user(id: ResourceId, name: &str) -> Change {
    create(ResourceKind::User, id, user(name), &[])
}

pub(crate) fn replace(kind: ResourceKind, id: ResourceId, expected: Option<i64>, new: Document) -> Change {
    let before = Some(Before::whole("{}".to_owned()));
    let action = Action::Update { expected, before, document: Some(new), members: MemberDelta::default() };
    change(kind, id, EventKind::Put, action)
}

/// A user's document in place of another, of which the log keeps what differs.
pub(crate) fn replaced(id: ResourceId, expected: i64, before: &Value, after: &Value) -> Change {
    let [before, after] = [before, after].map(|body| document(ResourceKind::User, body.clone()));
    let [old, new] = [&before, &after].map(|document| serde_json::from_str(&document.json).unwrap());
    let before = Some(Before::of(before.json, &old, &new));
    let action = Action::Update {
        expected: Some(expected),
        before,
        document: Some(after),
        members: MemberDelta::default(),
    };
    change(ResourceKind::User, id, EventKind::Patch, action)
}

pub(crate) fn delta(id: ResourceId, members: MemberDelta) -> Change {
    let action = Action::Update { expected: None, before: None, document: None, members };
    change(ResourceKind::Group, id, EventKind::Patch, action)
}

pub(crate) fn delete(kind: ResourceKind, id: ResourceId, expected: Option<i64>) -> Change {
    change(kind, id, EventKind::Delete, Action::Delete { expected })
}

/// A page of at most `rows` rows, of any size.
pub(crate) fn at_most(rows: u32) -> PageBounds {
    PageBounds { rows, bytes: usize::MAX }
}

/// Everything of a kind, in the order of ids, with groups.
pub(crate) fn everything(kind: ResourceKind) -> Listing {
    Listing {
        kind,
        condition: None,
        sort: None,
        from: From::Offset(0),
        limit: 1000,
        max_bytes: usize::MAX,
        with_groups: true,
    }
}

impl World {
    pub(crate) async fn new(backend: Backend) -> World {
        let row = tenant_row(&format!("t{}", Uuid::now_v7().simple()));
        assert!(backend.store.create_tenant(row.clone()).await.unwrap());
        World { backend, tenant: row.id }
    }

    pub(crate) fn store(&self) -> &Store {
        &self.backend.store
    }

    pub(crate) async fn commit(&self, change: Change) -> Result<Committed, CommitError> {
        self.store().commit(self.tenant, change).await
    }

    pub(crate) async fn user(&self, name: &str) -> ResourceId {
        let id = new_id();
        self.commit(create_user(id, name)).await.unwrap();
        id
    }

    pub(crate) async fn group(&self, name: &str, members: &[ResourceId]) -> ResourceId {
        let id = new_id();
        self.commit(create(ResourceKind::Group, id, group(name), members)).await.unwrap();
        id
    }

    pub(crate) async fn row(&self, kind: ResourceKind, id: ResourceId) -> Option<Row> {
        self.store().resource(self.tenant, kind, id, true).await.unwrap()
    }

    pub(crate) async fn members(&self, group: ResourceId) -> Members {
        self.store().members(self.tenant, group, 0).await.unwrap()
    }

    pub(crate) async fn list(&self, listing: Listing) -> Page {
        self.store().list(self.tenant, listing).await.unwrap()
    }

    /// One number for this tenant; `$` in the statement stands for its id.
    pub(crate) fn number(&self, statement: &str) -> i64 {
        self.numbers(statement)[0]
    }

    /// A column of numbers for this tenant.
    pub(crate) fn numbers(&self, statement: &str) -> Vec<i64> {
        self.backend.numbers(&statement.replace('$', &self.backend.key(self.tenant.0)))
    }
}
