//! A tenant on a SQLite store of its own, and the requests of its provisioning client.

use crate::acts::*;
use provisioning::{Changed, Context, Failure, Precondition, Provisioning, Written};
use scim::{
    Profile, ScimError, Timestamp,
    effect::{Effect, Outcome},
    patch::PatchRequest,
    schema::ResourceKind::{self, Group, User},
};
use serde_json::{Value, json};
use store::{Settings, Store, Tenant, TenantId, TenantState};
use uuid::Uuid;

/// The tenant. Its folder is removed with it.
pub(crate) struct Client {
    pub(crate) provisioning: Provisioning,
    pub(crate) context: Context,
    pub(crate) store: Store,
    _folder: tempfile::TempDir,
}

pub(crate) const NONE: Precondition<'static> = Precondition { if_match: None, if_none_match: None };

impl Client {
    pub(crate) async fn new() -> Client {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("test.db").display());
        let store = Store::open(&Settings { readers: 2, ..Settings::of(url) }).unwrap();
        let tenant = Tenant {
            id: TenantId(Uuid::from_u128(1)),
            label: "contoso".to_owned(),
            name: "Contoso".to_owned(),
            profile: Profile::Entra,
            state: TenantState::Active,
            created: Timestamp(0),
        };
        assert!(store.create_tenant(tenant).await.unwrap());
        let context = Context {
            tenant: TenantId(Uuid::from_u128(1)),
            profile: Profile::Entra,
            actor: Some(Uuid::from_u128(7)),
            now: Timestamp(1_795_521_600_000),
        };
        Client { provisioning: Provisioning::new(store.clone()), context, store, _folder: folder }
    }

    pub(crate) async fn create(&self, kind: ResourceKind, body: Value) -> Result<Written, Failure> {
        self.provisioning.create(&self.context, kind, body).await
    }

    /// Creates a user and returns its id.
    pub(crate) async fn user(&self, user_name: &str) -> String {
        self.create(User, json!({ "userName": user_name })).await.unwrap().row.id.to_string()
    }

    /// Creates a group and returns its id.
    pub(crate) async fn group(&self, members: &[&str]) -> String {
        let members: Vec<Value> = members.iter().map(|id| json!({ "value": id })).collect();
        let body = json!({ "displayName": "Group", "members": members });
        self.create(Group, body).await.unwrap().row.id.to_string()
    }

    pub(crate) async fn patch(
        &self,
        kind: ResourceKind,
        id: &str,
        operations: Value,
    ) -> Result<Written, Failure> {
        self.provisioning.patch(&self.context, kind, id, NONE, self.request(operations)?).await
    }

    pub(crate) async fn patch_in_silence(&self, id: &str, operations: Value) -> Result<Changed, Failure> {
        self.provisioning.patch_in_silence(&self.context, Group, id, NONE, self.request(operations)?).await
    }

    pub(crate) fn request(&self, operations: Value) -> Result<PatchRequest, ScimError> {
        PatchRequest::parse(self.context.profile, json!({ "Operations": operations }))
    }

    /// The document and version of a resource.
    pub(crate) async fn get(&self, kind: ResourceKind, id: &str) -> Result<(Value, i64), Failure> {
        let row = self.provisioning.get(&self.context, kind, id, false).await?;
        Ok((serde_json::from_str(&row.document).unwrap(), row.version))
    }

    /// The ids of a group's members, users first.
    pub(crate) async fn members(&self, group: &str) -> Vec<String> {
        let group = store::ResourceId::parse(group).unwrap();
        let members = self.provisioning.members_after(&self.context, group, None, u32::MAX, 0).await;
        let (users, groups): (Vec<_>, Vec<_>) =
            members.unwrap().into_iter().partition(|member| member.kind == ResourceKind::User);
        users.into_iter().chain(groups).map(|member| member.id.to_string()).collect()
    }
}

/// The status and detail of a refusal in the words of the standard.
pub(crate) fn refused<T: std::fmt::Debug>(result: Result<T, Failure>) -> (u16, String) {
    match result {
        Err(Failure::Scim(error)) => (error.status, error.detail),
        other => panic!("not refused: {other:?}"),
    }
}

/// Effects as `path outcome rule`.
pub(crate) fn words(effects: &[Effect]) -> Vec<String> {
    let outcome = |outcome| match outcome {
        Outcome::Applied => "applied",
        Outcome::AlreadyTrue => "alreadyTrue",
        Outcome::Coerced => "coerced",
        Outcome::Ignored => "ignored",
    };
    let words = |effect: &Effect| {
        format!("{} {} {}", effect.path, outcome(effect.outcome), effect.rule.unwrap_or(""))
    };
    effects.iter().map(|effect| words(effect).trim_end().to_owned()).collect()
}
