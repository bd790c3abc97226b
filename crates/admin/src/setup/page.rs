//! `/setup`: the setup page of the browser that has opened a link.

use super::{
    failure::Refusal,
    holder::Holder,
    mapping::{self, MappedAttribute},
    progress::Progress,
    state::{self, Setup},
};
use crate::{
    Failure,
    web::{self, Assets},
};
use actix_web::{HttpResponse, web::Data};
use askama::Template;
use scim::{Profile, Timestamp};
use serde::Deserialize;
use store::OauthClient;
use tokens::{Issued, SetupSession};

#[derive(Template)]
#[template(path = "setup.html")]
struct SetupPage {
    assets: Assets,
    /// Where the pages are.
    root: String,
    csrf: String,
    company: String,
    tenant_url: String,
    /// Whether the tenant is strict, so that Entra must be given the Tenant URL with the flag.
    is_strict: bool,
    /// Shown this one time.
    secret_token: Option<String>,
    /// How many the link has issued, for the form that asks for another.
    tokens_issued: u32,
    issues_left: u32,
    session_ends: Timestamp,
    progress: Progress,
    mapping: &'static [MappedAttribute],
    /// Where support has prepared OAuth client credentials: the token endpoint and the clients.
    oauth: Option<OauthOffer>,
}

struct OauthOffer {
    token_endpoint: String,
    /// The id of the field of the page, and the client id.
    clients: Vec<(String, String)>,
}

#[derive(Template)]
#[template(path = "setup_status.html")]
struct StatusPart {
    progress: Progress,
}

#[derive(Deserialize)]
struct IssueForm {
    /// How many were issued when the page was made: the same form sent again does nothing.
    tokens_issued: u32,
}

/// The page. The Secret Token was shown before.
pub(super) async fn show(holder: Holder, setup: Data<Setup>) -> Result<HttpResponse, Refusal> {
    let progress = Progress::of(&setup, &holder.session).await?;
    Ok(page(&setup, &holder.session, progress, None).await?)
}

/// The page with the Secret Token, right after it was issued.
///
/// # Errors
/// Faults of the store.
pub(super) async fn shown_once(
    setup: &Setup,
    session: &SetupSession,
    issued: &Issued,
) -> Result<HttpResponse, Failure> {
    let progress = Progress::of(setup, session).await?;
    page(setup, session, progress, Some(issued.token.reveal().to_owned())).await
}

async fn page(
    setup: &Setup,
    session: &SetupSession,
    progress: Progress,
    secret_token: Option<String>,
) -> Result<HttpResponse, Failure> {
    web::page(&SetupPage {
        assets: setup.assets(),
        root: setup.root(),
        csrf: session.token.csrf(),
        company: session.tenant.name.clone(),
        tenant_url: setup.tenant_url(&session.tenant),
        is_strict: session.tenant.profile != Profile::Entra,
        secret_token,
        tokens_issued: session.opening.tokens_issued,
        issues_left: setup.links.issues_left(session),
        session_ends: session.opening.session_ends,
        progress,
        mapping: mapping::attributes()?,
        oauth: oauth_offer(setup, session).await?,
    })
}

/// The OAuth clients with a secret that is good, if support has made any. That of a federation has none.
async fn oauth_offer(setup: &Setup, session: &SetupSession) -> Result<Option<OauthOffer>, Failure> {
    let (tenant, now) = (session.tenant.id, setup.now());
    let clients = setup.store.oauth_clients(tenant).await?;
    let secrets = setup.store.client_secrets(tenant).await?;
    let has_secret = |client: &&OauthClient| {
        secrets.iter().any(|secret| secret.client == client.id && secret.is_alive(now))
    };
    let alive = clients.iter().filter(|client| client.revoked.is_none()).filter(has_secret);
    let fields = alive.enumerate().map(|(n, client)| (format!("client-{n}"), client.id.to_string()));
    let clients: Vec<_> = fields.collect();
    let token_endpoint = setup.token_endpoint(&session.tenant);
    Ok((!clients.is_empty()).then_some(OauthOffer { token_endpoint, clients }))
}

/// The live line, for the script that asks for it again and again.
pub(super) async fn status(holder: Holder, setup: Data<Setup>) -> Result<HttpResponse, Refusal> {
    let progress = Progress::of(&setup, &holder.session).await?;
    Ok(web::page(&StatusPart { progress })?)
}

/// Another Secret Token in the place of one that was lost.
pub(super) async fn issue_again(holder: Holder, setup: Data<Setup>) -> Result<HttpResponse, Refusal> {
    let form: IssueForm = holder.form()?;
    if form.tokens_issued != holder.session.opening.tokens_issued {
        return Ok(web::redirect(&setup.root()));
    }
    let now = setup.now();
    let issued = setup
        .links
        .issue_again(&holder.session, &state::from(holder.origin), now)
        .await
        .map_err(Refusal::of)?;
    setup.credentials_have_ended();
    let session = setup.session(holder.session.token.reveal(), holder.origin).await?;
    Ok(shown_once(&setup, &session, &issued).await?)
}

/// Whoever comes back to the address of the form goes to the page.
pub(super) async fn back(setup: Data<Setup>) -> HttpResponse {
    web::redirect(&setup.root())
}
