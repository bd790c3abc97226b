//! Whom a reading missed: users that an earlier reading saw, and that are still there.

use futures_util::StreamExt as _;
use serde::Serialize;

use crate::http::Client;
use crate::http::tenant_url::encode;

/// Users that are looked up at the same time.
const AT_ONCE: usize = 8;

/// What became of the users whom the first reading saw and the second one did not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Verification {
    /// Still there by their id: they existed throughout the second reading, which missed them.
    pub missed: Vec<String>,
    /// Gone: deleted before the second reading came to them, or since.
    pub gone: usize,
    /// Neither: the server answered with something else than 200 and 404.
    pub unknown: Vec<String>,
}

/// Reads each of these users by id.
pub(super) async fn verify(client: &Client, ids: Vec<String>) -> Verification {
    let reads = futures_util::stream::iter(ids).map(|id| async move {
        let path = format!("/Users/{}", encode(&id));
        (client.get(&path, &[]).await.status(), id)
    });
    let mut verification = Verification::default();
    for (status, id) in reads.buffered(AT_ONCE).collect::<Vec<_>>().await {
        match status {
            Some(200) => verification.missed.push(id),
            Some(404) => verification.gone += 1,
            _ => verification.unknown.push(id),
        }
    }
    verification
}
