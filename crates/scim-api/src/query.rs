//! What a request says beside its body: the words of its URL and its conditional headers.

use crate::ApiError;
use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    http::header::{HeaderName, IF_MATCH, IF_NONE_MATCH},
};
use provisioning::Precondition;
use scim::search::Words;
use std::future::{Ready, ready};

/// The words of the URL's query, and `If-Match` / `If-None-Match`.
pub(crate) struct Query {
    /// What is searched, and what is returned.
    pub(crate) words: Words,
    if_match: Option<String>,
    if_none_match: Option<String>,
}

impl Query {
    /// The version that the client demands.
    pub(crate) fn precondition(&self) -> Precondition<'_> {
        Precondition { if_match: self.if_match.as_deref() }
    }

    /// Whether the client has this version already.
    pub(crate) fn has_seen(&self, version: i64) -> bool {
        self.if_none_match.as_deref().is_some_and(|header| scim::meta::names_version(header, version))
    }
}

impl FromRequest for Query {
    type Error = ApiError;
    type Future = Ready<Result<Query, ApiError>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let header = |name: HeaderName| {
            request.headers().get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        let (if_match, if_none_match) = (header(IF_MATCH), header(IF_NONE_MATCH));
        let words = Words::from_url(request.query_string());
        ready(words.map(|words| Query { words, if_match, if_none_match }).map_err(ApiError::from))
    }
}
