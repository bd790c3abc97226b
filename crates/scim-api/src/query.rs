//! What a request says beside its body: the words of its URL and its conditional headers.

use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    http::header::{HeaderName, IF_MATCH, IF_NONE_MATCH},
};
use provisioning::Precondition;
use scim::{ScimError, search::Words};
use std::{
    convert::Infallible,
    future::{Ready, ready},
};

/// The words of the URL's query, and `If-Match` / `If-None-Match`. Never refused as an argument: only a handler, which
/// knows its client, may complain of them.
pub(crate) struct Query {
    words: Result<Words, ScimError>,
    if_match: Option<String>,
    if_none_match: Option<String>,
}

impl Query {
    /// What is searched, and what is returned.
    ///
    /// # Errors
    /// 400 for a URL that is not well encoded.
    pub(crate) fn words(&self) -> Result<&Words, ScimError> {
        self.words.as_ref().map_err(Clone::clone)
    }

    /// What the client demands of the version that it changes.
    pub(crate) fn precondition(&self) -> Precondition<'_> {
        Precondition { if_match: self.if_match.as_deref(), if_none_match: self.if_none_match.as_deref() }
    }

    /// Whether the client has this version already.
    pub(crate) fn has_seen(&self, version: i64) -> bool {
        self.if_none_match.as_deref().is_some_and(|header| scim::meta::names_version(header, version))
    }
}

impl FromRequest for Query {
    type Error = Infallible;
    type Future = Ready<Result<Query, Infallible>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        ready(Ok(Query {
            words: Words::from_url(request.query_string()),
            if_match: header(request, IF_MATCH),
            if_none_match: header(request, IF_NONE_MATCH),
        }))
    }
}

/// A header that holds a list; its lines are one list (RFC 9110 section 5.3).
fn header(request: &HttpRequest, name: HeaderName) -> Option<String> {
    let lines: Vec<_> =
        request.headers().get_all(name).map(|line| String::from_utf8_lossy(line.as_bytes())).collect();
    (!lines.is_empty()).then(|| lines.join(","))
}
