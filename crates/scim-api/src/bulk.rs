//! `/Bulk`: many operations in one request (RFC 7644 section 3.7).

use crate::{ApiError, App, Client, answer, body::Body};
use actix_web::{HttpResponse, web::Data};
use provisioning::{BULK_AT_ONCE, BulkDone, BulkOutcome, BulkOutcomes};
use scim::{
    bulk::{self, Answer, BulkRequest, Echo, Method},
    list, meta,
};

/// RFC 7644 section 3.7.
pub(crate) async fn bulk(mut client: Client, app: Data<App>, body: Body) -> Result<HttpResponse, ApiError> {
    // Each of the operations that are carried out at the same time holds what a request of its own would hold.
    let operations = BULK_AT_ONCE * client.memory.bytes();
    client.memory.raise_to(operations, 0).await?;
    let most = app.limits.bulk_max_operations;
    let request = body.read(&app, &mut client.memory, move |body| BulkRequest::parse(body, most)).await?;
    let BulkOutcomes { outcomes, effects } = app.provisioning.bulk(&client.context, request).await;
    client.memory.shrink_to(operations);
    app.metrics.add_effects(client.label(), effects);
    let response = bulk::response(outcomes.into_iter().map(|outcome| answer_to(&client.base, outcome)));
    answer::text(app, client, response.to_string()).await
}

/// An outcome in the words of a bulk response.
fn answer_to(base: &str, outcome: BulkOutcome) -> (Echo, Answer) {
    let location = outcome.resource.map(|(kind, id)| list::location(base, kind, &id));
    let answer = match outcome.result {
        Ok(BulkDone { method, version }) => {
            let status = match method {
                Method::Post => 201,
                Method::Put | Method::Patch => 200,
                Method::Delete => 204,
            };
            Answer::Done { status, location: location.unwrap_or_default(), version: version.map(meta::etag) }
        }
        Err(failure) => Answer::Failed { location, error: ApiError::from(failure).told() },
    };
    (outcome.echo, answer)
}
