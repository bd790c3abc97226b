//! `/Schemas`, `/ResourceTypes`, `/ServiceProviderConfig` (RFC 7644 section 4) and `/Me`.

use crate::{ApiError, App, Client, answer, query::Query};
use actix_web::{
    HttpResponse,
    web::{Data, Path},
};
use scim::{
    ScimError,
    discovery::{self, Capabilities},
};

type Answer = Result<HttpResponse, ApiError>;

/// RFC 7644 section 3.11: the credential of a provisioning client is no user, so there is no "me".
pub(crate) async fn me(_client: Client) -> Answer {
    Err(ScimError::new(501, "/Me is not offered: a Secret Token belongs to a tenant, not to a user.").into())
}

/// Every schema.
pub(crate) async fn schemas(client: Client, query: Query) -> Answer {
    refuse_filter(&query)?;
    Ok(answer::json(&discovery::schemas(client.profile(), &client.base)))
}

/// One schema, by its URN.
pub(crate) async fn schema(client: Client, path: Path<(String, String)>) -> Answer {
    Ok(answer::json(&discovery::schema(&path.1, client.profile(), &client.base)?))
}

/// Every resource type.
pub(crate) async fn resource_types(client: Client, query: Query) -> Answer {
    refuse_filter(&query)?;
    Ok(answer::json(&discovery::resource_types(&client.base)))
}

/// One resource type, by its name.
pub(crate) async fn resource_type(client: Client, path: Path<(String, String)>) -> Answer {
    Ok(answer::json(&discovery::resource_type(&path.1, &client.base)?))
}

/// What the service provider can do, as it is configured.
pub(crate) async fn service_provider_config(client: Client, app: Data<App>, query: Query) -> Answer {
    refuse_filter(&query)?;
    let capabilities = Capabilities {
        bulk_max_operations: app.limits.bulk_max_operations,
        max_payload: app.limits.max_body,
        default_page: app.limits.page.default,
        max_page: app.limits.page.max,
    };
    Ok(answer::json(&discovery::service_provider_config(client.profile(), &capabilities, &client.base)))
}

/// RFC 7644 section 4: these answers are always complete, so that a client that filters is not misled.
fn refuse_filter(query: &Query) -> Result<(), ScimError> {
    match query.words()?.filter {
        Some(_) => Err(ScimError::new(403, "This endpoint takes no filter: its answer is always complete.")),
        None => Ok(()),
    }
}
