//! The pages of a customer's administrator, on the listener of provisioning clients: by a setup link they get Tenant URL and
//! Secret Token, and see Entra arrive (`docs/adr/0016`).
//!
//! They stand on [`Setup`] alone, which knows setup links and nothing of operators: what is not there cannot be reached.

mod failure;
mod holder;
mod landing;
mod mapping;
mod page;
mod progress;
mod state;

pub use state::{Setup, SetupSettings};

use crate::{route::routes, web};
use actix_web::{
    HttpResponse,
    middleware::from_fn,
    web::{ServiceConfig, scope, to},
};
use failure::Refusal;

/// Where the table is mounted, behind the path of the public URL.
pub const PREFIX: &str = "/setup";

routes! { "setup", Refusal;
    "" { GET Public => page::show }
    "/status" { GET Public => page::status }
    "/new-secret-token" { GET Public => page::back, POST Public => page::issue_again }
    "/assets/{file}" { GET Public => web::assets::serve }
    "/{token}" { GET Public => landing::show, POST Public => landing::open }
}

/// Mounts the table under [`PREFIX`], for requests to the host of the public URL alone. The application must hold
/// `Data<Setup>`.
pub(crate) fn configure(config: &mut ServiceConfig, host: String) {
    let no_such_page = async || -> Result<HttpResponse, Refusal> { Err(Refusal::NotGood) };
    let pages = mount(scope(PREFIX)).default_service(to(no_such_page));
    let pages = pages.guard(state::is_host(host));
    config.service(pages.wrap(from_fn(failure::show)).wrap(web::headers().add(("x-robots-tag", "noindex"))));
}
