//! What must stand before a load can run, and what must be taken away after it: a group and some users of each tenant.

use super::connection::Peer;
use super::lane::Lane;
use super::mix::Mix;
use super::pace::Pace;
use super::requests::{Requests, user, user_name};
use crate::http::{Client, Credentials, Exchange};
use futures_util::StreamExt;
use serde_json::json;
use std::time::Duration;

/// How many tenants are prepared, and how many objects removed, at a time.
const AT_ONCE: usize = 8;

/// What is known of a tenant before it is prepared.
pub(super) struct Part {
    pub name: String,
    pub client: Client,
    pub factor: f64,
    pub pace: Pace,
    pub seed: u64,
}

/// What all tenants have in common.
#[derive(Clone)]
pub(super) struct Common {
    /// Begins the name of every object of this run.
    pub tag: String,
    pub mix: Mix,
    /// Users that exist from the start.
    pub users: u64,
    pub timeout: Duration,
}

/// A tenant that is ready, and the way to take away what was put there.
pub(super) struct Ready {
    pub lane: Lane,
    pub client: Client,
    group: String,
    users: Vec<String>,
}

/// Prepares all tenants.
///
/// # Errors
/// A sentence that names the tenant which could not be prepared.
pub(super) async fn prepare(parts: Vec<Part>, common: &Common) -> Result<Vec<Ready>, String> {
    let each: Vec<_> = parts.into_iter().map(|part| one(part, common)).collect();
    let ready: Vec<_> = futures_util::stream::iter(each).buffered(AT_ONCE).collect().await;
    ready.into_iter().collect()
}

async fn one(part: Part, common: &Common) -> Result<Ready, String> {
    let Part { name, client, factor, pace, seed } = part;
    let told = |why: String| format!("tenant {name}: {why}");
    let url = url::Url::parse(client.tenant().base()).map_err(|error| told(error.to_string()))?;
    let bearer = bearer(&client).await.map_err(told)?;
    let tag = &common.tag;
    let group = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": format!("{tag}-group"),
        "externalId": format!("{tag}-group")});
    let group = id(&client.post("/Groups", &group).await).map_err(told)?;
    // The names of those created under load follow, so that no two are the same.
    let pool = format!("{tag}-pool");
    let mut requests = Requests::new(&url, &bearer, &group, tag, common.mix, seed).map_err(told)?;
    let mut users = Vec::new();
    for nth in 0..common.users {
        let name = user_name(&pool, nth);
        let id = id(&client.post("/Users", &user(&name)).await).map_err(told)?;
        requests.know(&id, &name).map_err(told)?;
        users.push(id);
    }
    let peer = Peer::of(&url).map_err(told)?;
    Ok(Ready { lane: Lane::new(name, factor, pace, peer, common.timeout, requests), client, group, users })
}

/// The token for `Authorization`; OAuth clients get theirs first.
async fn bearer(client: &Client) -> Result<String, String> {
    match client.credentials() {
        Credentials::Anonymous => Err("a load needs credentials".to_owned()),
        Credentials::Bearer(secret) => Ok(secret.reveal().to_owned()),
        _ => {
            let answer = client.token().await;
            let token = answer.json().and_then(|body| body["access_token"].as_str().map(str::to_owned));
            token.ok_or_else(|| format!("no access token, status {:?}", answer.status()))
        }
    }
}

fn id(exchange: &Exchange) -> Result<String, String> {
    let body = exchange.json().filter(|_| exchange.is_success());
    let id = body.and_then(|body| body["id"].as_str().map(str::to_owned));
    id.ok_or_else(|| format!("could not be prepared:\n{}", exchange.describe(300)))
}

async fn remove(client: &Client, path: String) -> bool {
    client.delete(&path).await.is_success()
}

impl Ready {
    /// The parts: the tenant under load, and what is needed to clear up after it.
    pub(super) fn split(self) -> (Lane, Leftover) {
        let Ready { lane, client, group, users } = self;
        (lane, Leftover { client, group, users })
    }
}

/// What stands in a tenant because of a load.
pub(super) struct Leftover {
    client: Client,
    group: String,
    users: Vec<String>,
}

impl Leftover {
    /// Removes it, and the users `created` meanwhile. How many objects could not be removed.
    pub(super) async fn clear(&self, created: &[String]) -> usize {
        let users = self.users.iter().chain(created).map(|id| format!("/Users/{id}"));
        let paths = users.chain([format!("/Groups/{}", self.group)]);
        let all: Vec<_> = paths.map(|path| remove(&self.client, path)).collect();
        let gone = futures_util::stream::iter(all).buffer_unordered(AT_ONCE);
        gone.filter(|is_gone| std::future::ready(!is_gone)).count().await
    }
}
