//! An application without a listener. Whoever has opened the database, at the command line, asks the same routes as
//! everybody else (docs/adr/0018); so does a trial of the SCIM service.

use crate::{
    Admin, Failure, api,
    conformance::{ScimAnswer, ScimRequest, ScimService},
};
use actix_http::Request;
use actix_service::{
    IntoServiceFactory, Service, ServiceFactory,
    boxed::{self, BoxService},
};
use actix_web::{
    App, Error,
    body::{BoxBody, MessageBody},
    dev::{AppConfig, Payload, ServiceResponse},
    http::{
        Method, Uri,
        header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue},
    },
    web::{Bytes, Data},
};
use futures_util::{future::LocalBoxFuture, stream};
use serde_json::Value;
use std::{
    future::{poll_fn, ready},
    pin::Pin,
};
use store::By;

/// Whoever sits at the command line: the application of [`InProcess`] holds it, and no other does, so that no request
/// that came over a network is theirs.
pub(crate) struct CommandLine(pub(crate) By);

/// An application in this process.
pub struct InProcess {
    service: BoxService<Request, ServiceResponse<BoxBody>, Error>,
}

/// An answer, of which the body is still to be read.
pub struct Reply {
    status: u16,
    body: Pin<Box<BoxBody>>,
}

impl InProcess {
    /// The operators' API. Every request is that of `by`, who may do everything.
    ///
    /// # Errors
    /// As those of [`InProcess::of`].
    pub async fn new(admin: Admin, by: By) -> Result<InProcess, Failure> {
        let app = App::new().app_data(Data::new(admin)).app_data(CommandLine(by)).configure(api::configure);
        InProcess::of(app).await
    }

    /// Any application.
    ///
    /// # Errors
    /// The application cannot be put together.
    pub async fn of<F>(app: impl IntoServiceFactory<F, Request>) -> Result<InProcess, Failure>
    where
        F: ServiceFactory<
                Request,
                Config = AppConfig,
                Response = ServiceResponse<BoxBody>,
                Error = Error,
                InitError = (),
            >,
        F::Service: 'static,
    {
        let made = app.into_factory().new_service(AppConfig::default()).await;
        let service = made.map_err(|()| Failure::internal("the application cannot be put together"))?;
        Ok(InProcess { service: boxed::service(service) })
    }

    /// Asks, with the path and query of a URL.
    ///
    /// # Errors
    /// Only what is no request, as a path that is none; what the API refuses is an answer.
    pub async fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Reply, Failure> {
        self.ask_as(None, method, path, body).await
    }

    /// The same with a bearer token.
    async fn ask_as(
        &self,
        token: Option<&str>,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Reply, Failure> {
        let payload: Payload = match body {
            Some(body) => {
                let bytes = Bytes::from(body.to_string());
                Payload::Stream { payload: Box::pin(stream::once(ready(Ok(bytes)))) }
            }
            None => Payload::None,
        };
        let mut request = Request::with_payload(payload);
        let head = request.head_mut();
        head.method = method;
        head.uri = path.parse::<Uri>().map_err(Failure::internal)?;
        if body.is_some() {
            head.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        if let Some(token) = token {
            let header = HeaderValue::from_str(&format!("Bearer {token}")).map_err(Failure::internal)?;
            head.headers.insert(AUTHORIZATION, header);
        }
        let answered = self.service.call(request).await.map_err(Failure::internal)?;
        let status = answered.status().as_u16();
        Ok(Reply { status, body: Box::pin(answered.into_body()) })
    }
}

impl Reply {
    /// The status of HTTP.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The next piece of the body; none at its end.
    ///
    /// # Errors
    /// The answer breaks off.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Failure> {
        let next = poll_fn(|context| self.body.as_mut().poll_next(context)).await;
        next.transpose().map_err(Failure::internal)
    }
}

impl ScimService for InProcess {
    fn ask(&self, request: ScimRequest) -> LocalBoxFuture<'_, Result<ScimAnswer, Failure>> {
        Box::pin(async move {
            let ScimRequest { method, path, token, body } = request;
            let mut reply = self.ask_as(token.as_deref(), method, &path, body.as_ref()).await?;
            let mut bytes = Vec::new();
            while let Some(chunk) = reply.chunk().await? {
                bytes.extend_from_slice(&chunk);
            }
            let body = serde_json::from_slice(&bytes).unwrap_or_default();
            Ok(ScimAnswer { status: reply.status(), body })
        })
    }
}
