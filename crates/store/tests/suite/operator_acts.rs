//! What the tests do to operators: each act in a transaction of its own, by the command line. A refusal is told by its name.

use crate::world::command_line;
use std::fmt::Debug;
use store::{
    control::{Acted, AuditEntries, Refused, Tx, api_tokens, operators, sessions},
    *,
};
use uuid::Uuid;

/// A change of an operator.
#[derive(Clone, Debug)]
pub(crate) enum OperatorChange {
    Password { old: String, hash: String, session: [u8; 32] },
    BeginTotp { secret: Vec<u8>, session: [u8; 32] },
    ConfirmTotp { secret: Vec<u8>, step: i64, session: [u8; 32] },
    Reset { hash: String },
    Disable,
    Enable,
    SetRole(Role),
}

/// Acts, and names the reason of a refusal.
pub(crate) async fn act<T, E, A>(
    store: &Store,
    action: impl FnOnce(&mut Tx<'_>) -> Acted<(T, A), E> + Send + 'static,
) -> Result<T, String>
where
    T: Send + 'static,
    E: Debug + Send + 'static,
    A: Into<AuditEntries>,
{
    match store.act(&command_line(), Line::Operators, action).await {
        Ok(value) => Ok(value),
        Err(Refused::Because(reason)) => Err(format!("{reason:?}")),
        Err(Refused::Failed(error)) => panic!("{error}"),
    }
}

pub(crate) async fn create_operator(store: &Store, operator: &Operator) -> Result<(), String> {
    let operator = operator.clone();
    act(store, move |tx| operators::create(tx, &operator)).await
}

pub(crate) async fn change_operator(store: &Store, id: Uuid, change: OperatorChange) -> Result<(), String> {
    match change {
        OperatorChange::Password { old, hash, session } => {
            act(store, move |tx| operators::set_password(tx, id, &session, &old, hash)).await
        }
        OperatorChange::BeginTotp { secret, session } => {
            act(store, move |tx| operators::begin_totp(tx, id, &session, secret)).await
        }
        OperatorChange::ConfirmTotp { secret, step, session } => {
            act(store, move |tx| operators::confirm_totp(tx, id, &session, &secret, step)).await
        }
        OperatorChange::Reset { hash } => {
            act(store, move |tx| operators::reset(tx, id, hash)).await.map(drop)
        }
        OperatorChange::Disable => act(store, move |tx| operators::disable(tx, id)).await.map(drop),
        OperatorChange::Enable => act(store, move |tx| operators::enable(tx, id)).await.map(drop),
        OperatorChange::SetRole(role) => {
            act(store, move |tx| operators::set_role(tx, id, role)).await.map(drop)
        }
    }
}

pub(crate) async fn sign_in(store: &Store, session: Session, proof: Proof) -> Result<(), String> {
    act(store, move |tx| sessions::sign_in(tx, &session, &proof)).await
}

pub(crate) async fn sign_out(store: &Store, digest: [u8; 32]) -> Result<(), String> {
    act(store, move |tx| sessions::sign_out(tx, &digest)).await
}

pub(crate) async fn create_api_token(
    store: &Store,
    token: &ApiTokenRow,
    session: Option<[u8; 32]>,
) -> Result<(), String> {
    let token = token.clone();
    act(store, move |tx| api_tokens::create(tx, &token, session.as_ref())).await
}

pub(crate) async fn revoke_api_token(
    store: &Store,
    id: Uuid,
    at: scim::Timestamp,
) -> Result<ApiTokenRow, String> {
    act(store, move |tx| api_tokens::revoke(tx, id, at)).await
}
