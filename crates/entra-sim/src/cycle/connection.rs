//! Test Connection: a matching query for something that cannot exist.

use serde::Serialize;

use super::failure::{self, Failure, Operation};
use super::requests;
use crate::http::{Client, Credentials, Exchange};
use crate::job::{Job, ObjectType};

/// The result for one endpoint.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConnectionTest {
    /// `token`, `Users` or `Groups`.
    pub step: String,
    /// Whether Entra would be content.
    pub passed: bool,
    /// Microsoft's code, if not.
    pub error_code: Option<String>,
    /// Why not.
    pub reason: Option<String>,
    /// What went over the wire.
    pub exchange: Exchange,
}

/// What the button "Test Connection" does: a token if one is needed, a random user, a random group.
pub async fn test_connection(client: &Client, job: &Job, random_id: &str) -> Vec<ConnectionTest> {
    let mut tests = Vec::new();
    if matches!(client.credentials(), Credentials::ClientCredentials { .. } | Credentials::Federation { .. })
    {
        let exchange = crate::http::client::without_token(client.token().await);
        let passed = exchange.is_success();
        let failure = (!passed).then(|| Failure::of(&exchange, Operation::Read));
        tests.push(result("token", failure, exchange));
        if !passed {
            return tests;
        }
    }
    for object_type in [ObjectType::User, ObjectType::Group] {
        let mapping = job.mapping(object_type);
        let Some(matching) = mapping.matching().into_iter().next().filter(|_| mapping.enabled) else {
            continue;
        };
        let filter = requests::equals(matching.target.in_filter(), random_id);
        let query = match object_type {
            ObjectType::User => vec![("filter", filter.as_str())],
            ObjectType::Group => vec![("excludedAttributes", "members"), ("filter", filter.as_str())],
        };
        let exchange = client.get(object_type.endpoint(), &query).await;
        let failure = judge(&exchange).err();
        tests.push(result(object_type.endpoint().trim_start_matches('/'), failure, exchange));
    }
    tests
}

fn judge(exchange: &Exchange) -> Result<(), Failure> {
    if !exchange.is_success() {
        return Err(Failure::of(exchange, Operation::Match));
    }
    let list = failure::body(exchange)?;
    match list["totalResults"].as_u64() {
        Some(0) => Ok(()),
        Some(_) => {
            Err(Failure::incompatible("a filter for a random GUID finds something: the filter is ignored"))
        }
        None => Err(Failure::incompatible("the answer has no totalResults: it is not a ListResponse")),
    }
}

fn result(step: &str, failure: Option<Failure>, exchange: Exchange) -> ConnectionTest {
    ConnectionTest {
        step: step.to_owned(),
        passed: failure.is_none(),
        error_code: failure.as_ref().map(|failure| failure.code.to_owned()),
        reason: failure.map(|failure| failure.reason),
        exchange,
    }
}
