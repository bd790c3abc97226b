//! Lines about the service as a whole.

use super::trial::{Proven, Trial, USER};
use actix_web::http::Method;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::Instant;

const BULK_REQUEST: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";

pub(super) async fn metadata(trial: &Trial<'_>) -> Proven {
    let metadata = trial.metadata().await?;
    metadata.text("/token_endpoint")?;
    metadata.text("/jwks_uri")?;
    metadata.ensure(metadata.body["scopes_supported"] == json!(["scim"]), "scim must be the only scope")
}

/// The claim, and the three rules that a client meets first.
pub(super) async fn interop_profile(trial: &Trial<'_>) -> Proven {
    let config = trial.get("/ServiceProviderConfig").await?;
    let claims = config.body["interopProfileConformant"] == true;
    config
        .ensure(claims, "interopProfileConformant must be true, so the tenant's profile must be interop")?;
    let unknown = json!({ "schemas": [USER], "userName": trial.name(), "favouriteColour": "blue" });
    trial.ask(Method::POST, "/Users", Some(unknown)).await?.expect_refusal(400)?;
    let (path, _) = trial.user().await?;
    let without_path = json!([{ "op": "replace", "value": { "displayName": "Changed" } }]);
    trial.patch(&path, without_path).await?.expect_refusal(400)?;
    let unknown = trial.ask(Method::GET, "/Users?filter=favouriteColour%20eq%20%22blue%22", None).await?;
    unknown.expect_refusal(400)
}

/// One after the other, as one connection asks.
pub(super) async fn rate(trial: &Trial<'_>) -> Proven {
    let (path, user) = trial.user().await?;
    let begun = Instant::now();
    for number in 0..12 {
        let change =
            json!([{ "op": "replace", "path": "displayName", "value": format!("Scratch {number}") }]);
        trial.patch(&path, change).await?.expect(&[200, 204])?;
        trial.finds("/Users", &format!("userName eq {}", user["userName"]), &user["id"]).await?;
    }
    let last = trial.get(&path).await?;
    let took = begun.elapsed();
    last.ensure(took <= Duration::from_secs(1), &format!("25 requests must take a second, not {took:.1?}"))
}

pub(super) async fn bulk(trial: &Trial<'_>) -> Proven {
    let config = trial.get("/ServiceProviderConfig").await?;
    config.ensure(config.body["bulk"]["supported"] == true, "bulk.supported must be true")?;
    let operation = |number: u32| {
        let user = json!({ "schemas": [USER], "userName": trial.name() });
        json!({ "method": "POST", "path": "/Users", "bulkId": number.to_string(), "data": user })
    };
    let operations: Vec<Value> = (0..2).map(operation).collect();
    let body = json!({ "schemas": [BULK_REQUEST], "Operations": operations });
    let done = trial.ask(Method::POST, "/Bulk", Some(body)).await?.expect(&[200])?;
    let all = done.body["Operations"].as_array().map(Vec::as_slice).unwrap_or_default();
    let are_made = all.len() == 2 && all.iter().all(|one| one["status"] == "201");
    done.ensure(are_made, "both operations must create a user")
}

pub(super) async fn errors(trial: &Trial<'_>) -> Proven {
    let nobody = trial.ask(Method::GET, "/Users/00000000-0000-7000-8000-000000000000", None).await?;
    nobody.expect_refusal(404)?;
    let wrong = json!({ "schemas": [USER], "displayName": "Nobody" });
    let refused = trial.ask(Method::POST, "/Users", Some(wrong)).await?;
    let text = refused.body.to_string().to_lowercase();
    let is_inside = ["select ", "insert ", "sqlite", "postgres", ".rs:", "panicked"];
    refused
        .ensure(!is_inside.iter().any(|word| text.contains(word)), "it must tell nothing of the inside")?;
    refused.expect_refusal(400)
}
