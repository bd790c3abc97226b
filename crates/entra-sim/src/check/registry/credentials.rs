//! Tests 21 and 22 of Microsoft's acceptance suite: how a client comes by its access token.

use super::Check;
use crate::check::outcome::{Stop, Verdict};
use crate::check::probe::{Probe, Reply};
use crate::http::Credentials;
use crate::http::client::without_token;
use crate::http::exchange::Authorization;

pub(super) const CHECKS: &[Check] = &[
    Check::new(
        "microsoft-21-validate-credentials",
        "Microsoft: SCIM-Validation-Test-Overview, test 21 (Validate_Credentials_Test)",
        "The client credentials grant yields a bearer token that lives 60 to 360 minutes and opens the SCIM endpoint.",
        |probe| Box::pin(client_credentials(probe)),
    ),
    Check::new(
        "microsoft-22-federated-identity",
        "Microsoft: SCIM-Validation-Test-Overview, test 22 (Federated_Identity_Test); RFC 7523",
        "A client assertion is exchanged for a token that opens the SCIM endpoint.",
        |probe| Box::pin(federated_identity(probe)),
    ),
];

/// The life of an access token that Microsoft accepts, in seconds.
const LIFE: std::ops::RangeInclusive<u64> = 3_600..=21_600;

async fn client_credentials(probe: &Probe) -> Verdict {
    let Some(client) =
        probe.oauth().filter(|it| matches!(it.credentials(), Credentials::ClientCredentials { .. }))
    else {
        return Err(Stop::Skip("no client id, client secret and token URL were given".to_owned()));
    };
    let reply = Reply::new(client.token().await)?;
    let token = access_token(&reply)?;
    let life = &reply.json()["expires_in"];
    let is_fine = life.as_u64().is_some_and(|seconds| LIFE.contains(&seconds));
    let reply = Reply::new(without_token(reply.into_exchange()))?;
    reply.ensure(is_fine, "expires_in must be 3600 to 21600 seconds")?;
    open_with(probe, &token).await
}

async fn federated_identity(probe: &Probe) -> Verdict {
    let Some(client) = probe.oauth().filter(|it| matches!(it.credentials(), Credentials::Federation { .. }))
    else {
        return Err(Stop::Skip("no client id, assertion and token URL were given".to_owned()));
    };
    let token = access_token(&Reply::new(client.token().await)?)?;
    open_with(probe, &token).await
}

/// The token of a successful answer.
fn access_token(reply: &Reply) -> Result<String, Stop> {
    let token = reply.json()["access_token"].as_str().filter(|token| !token.is_empty());
    match (reply.status(), token) {
        (200..300, Some(token)) => Ok(token.to_owned()),
        _ => Reply::new(without_token(reply.clone().into_exchange()))
            .and_then(|reply| Err(reply.blame("the token endpoint must answer 2xx with an access_token"))),
    }
}

async fn open_with(probe: &Probe, token: &str) -> Verdict {
    let bearer = Authorization::Other(format!("Bearer {token}"));
    let get = probe.request("GET", "/Users?startIndex=1&count=1").authorization(bearer);
    probe.send(get).await?.expect(&[200], "the access token must open the SCIM endpoint").map(drop)
}
