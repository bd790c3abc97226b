//! `/Schemas`, `/ResourceTypes`, `/ServiceProviderConfig` and `/Me`.

use crate::{ApiError, App, Client, answer};
use actix_web::{
    HttpResponse,
    web::{Data, Path},
};
use scim::{
    ScimError,
    discovery::{self, Capabilities},
};

/// RFC 7644 section 3.11: the credential of a provisioning client is no user, so there is no "me".
pub async fn me(_client: Client) -> Result<HttpResponse, ApiError> {
    Err(ScimError::new(501, "/Me is not offered: a Secret Token belongs to a tenant, not to a user.").into())
}
