//! `juno token`.

use super::{block_on, find_tenant, open_store_acting};
use crate::{
    answer::{Answer, CommandError},
    cli::TokenCommand,
    clock, duration,
    settings::Settings,
};
use scim::Timestamp;
use serde_json::{Map, Value};
use std::time::Duration;
use store::{SecretTokenRow, Store, TenantId};
use tokens::{Issued, Issuer};

const MAX_LABEL: usize = 100;

/// Runs one of the commands.
pub(crate) fn run(settings: &Settings, command: &TokenCommand) -> Result<Answer, CommandError> {
    if let TokenCommand::Issue { label, .. } = command {
        check_label(label)?;
    }
    let lifetime = match command {
        TokenCommand::Issue { expires_in, .. } | TokenCommand::Rotate { expires_in, .. } => {
            lifetime(settings, *expires_in)?
        }
        TokenCommand::List { .. } | TokenCommand::Revoke { .. } => settings.tokens.lifetime,
    };
    let store = open_store_acting(settings)?;
    block_on(run_on(settings, &store, command, lifetime))
}

/// A word to know a credential by.
pub(super) fn check_label(label: &str) -> Result<(), CommandError> {
    if label.chars().count() > MAX_LABEL || label.chars().any(char::is_control) {
        return Err(CommandError::Usage(format!(
            "a label has at most {MAX_LABEL} characters, none of them a control"
        )));
    }
    Ok(())
}

async fn run_on(
    settings: &Settings,
    store: &Store,
    command: &TokenCommand,
    lifetime: Duration,
) -> Result<Answer, CommandError> {
    let issuer = Issuer::new(store.clone(), settings.tokens.max_per_tenant.size());
    let now = clock::now();
    match command {
        TokenCommand::Issue { tenant, label, .. } => {
            let tenant = find_tenant(store, tenant).await?;
            let issued = issue(settings, store, tenant.id, label, lifetime).await?;
            Ok(Answer::fields(describe_issued(&issued).into()))
        }
        TokenCommand::List { tenant } => {
            let tenant = find_tenant(store, tenant).await?;
            let rows = issuer.list(tenant.id).await?.iter().map(|row| Value::from(describe(row))).collect();
            Ok(Answer::table(
                "tokens",
                rows,
                &["key_id", "label", "created", "expires", "revoked", "last_used"],
            ))
        }
        TokenCommand::Rotate { tenant, key_id, overlap, .. } => {
            let tenant = find_tenant(store, tenant).await?;
            let overlap = overlap.unwrap_or(settings.tokens.rotation_overlap);
            let (ends, expires) = (later(now, overlap), Some(later(now, lifetime)));
            let rotated = issuer.rotate(tenant.id, key_id, ends, expires, now).await?;
            let mut json = describe_issued(&rotated.issued);
            json.insert("old_key_id".to_owned(), rotated.old_key_id.into());
            json.insert("old_expires".to_owned(), rotated.old_expires.to_rfc3339().into());
            Ok(Answer::fields(json.into()))
        }
        TokenCommand::Revoke { tenant, key_id } => {
            let tenant = find_tenant(store, tenant).await?;
            let row = issuer.revoke(tenant.id, key_id, now).await?;
            Ok(Answer::fields(describe(&row).into()))
        }
    }
}

/// How long a new token shall be good.
pub(super) fn lifetime(settings: &Settings, asked: Option<Duration>) -> Result<Duration, CommandError> {
    let tokens = &settings.tokens;
    let lifetime = asked.unwrap_or(tokens.lifetime);
    if lifetime > tokens.max_lifetime {
        let longest = duration::show(tokens.max_lifetime);
        return Err(CommandError::Usage(format!(
            "a token may be good for {longest} at most (tokens.max_lifetime)"
        )));
    }
    if lifetime < Duration::from_secs(1) {
        return Err(CommandError::Usage("a token must be good for 1s at least".to_owned()));
    }
    Ok(lifetime)
}

/// Issues a token that is good from now on.
pub(super) async fn issue(
    settings: &Settings,
    store: &Store,
    tenant: TenantId,
    label: &str,
    lifetime: Duration,
) -> Result<Issued, CommandError> {
    let issuer = Issuer::new(store.clone(), settings.tokens.max_per_tenant.size());
    let now = clock::now();
    Ok(issuer.issue(tenant, label, Some(later(now, lifetime)), now).await?)
}

fn later(now: Timestamp, duration: Duration) -> Timestamp {
    now.plus_seconds(duration::seconds(duration))
}

/// A token just issued, with its secret.
pub(super) fn describe_issued(issued: &Issued) -> Map<String, Value> {
    let fields = [
        ("token_id", issued.row.id.to_string().into()),
        ("key_id", issued.row.key_id.as_str().into()),
        ("secret_token", issued.token.reveal().into()),
        ("expires", time(issued.row.expires)),
    ];
    fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

/// What is stored of a token, without its digest.
fn describe(row: &SecretTokenRow) -> Map<String, Value> {
    let fields = [
        ("token_id", row.id.to_string().into()),
        ("key_id", row.key_id.as_str().into()),
        ("label", row.label.as_str().into()),
        ("created", time(Some(row.created))),
        ("expires", time(row.expires)),
        ("revoked", time(row.revoked)),
        ("last_used", time(row.last_used)),
    ];
    fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

pub(super) fn time(time: Option<Timestamp>) -> Value {
    time.map_or(Value::Null, |time| time.to_rfc3339().into())
}
