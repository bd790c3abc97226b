//! The console, read from top to bottom: every page and form, who may use it, and what answers.
//!
//! A page is a GET; a change is a form that is POSTed and ends in a redirect to a page (`frame::done`), or in the same form
//! again with what is wrong (`failure::Again`). A secret is shown in the answer to the POST and nowhere else.

mod account;
mod address;
mod api_tokens;
mod audit;
mod changes;
mod confirm;
mod credentials;
mod deleted;
mod departure;
mod expiring;
mod facts;
mod failure;
mod first_sign_in;
mod form;
mod frame;
mod hand_over;
mod next;
mod oauth;
mod openid;
mod operators;
mod resources;
mod rotate;
mod rotations;
mod secret;
mod sign_in;
mod tenant;
mod tenants;
mod timeline;
mod visitor;

use crate::{caller::Newcomer, route::routes, web};
use actix_web::{
    HttpResponse,
    middleware::from_fn,
    web::{ServiceConfig, scope, to},
};
use resources::{Groups, Users};
use visitor::Visitor;

pub(crate) use failure::Refusal;
pub(crate) use form::Form;

routes! { "console", Refusal;
    "/" { GET Public => async || web::redirect("/tenants") }
    "/assets/{file}" { GET Public => web::assets::serve }
    "/sign-in" { GET Public => sign_in::show, POST Public => sign_in::sign_in }
    "/sign-in/openid" { GET Public => openid::begin }
    "/sign-in/openid/callback" { GET Public => openid::callback }
    "/sign-out" { POST Newcomer => sign_in::sign_out }
    "/first-sign-in" { GET Newcomer => first_sign_in::show }
    "/first-sign-in/password" { POST Newcomer => first_sign_in::change_password }
    "/first-sign-in/secret" { POST Newcomer => first_sign_in::begin_totp }
    "/first-sign-in/code" { POST Newcomer => first_sign_in::confirm_totp }
    "/account" { GET Viewer => account::show }
    "/account/password" { POST Viewer => account::change_password }
    "/account/api-tokens" { POST Viewer => api_tokens::create }
    "/account/api-tokens/{key_id}/revoke" { GET Viewer => api_tokens::ask_revoke, POST Viewer => api_tokens::revoke }
    "/operators" { GET Admin => operators::list, POST Admin => operators::create }
    "/operators/{name}" { GET Admin => operators::show }
    "/operators/{name}/reset" { GET Admin => operators::ask_reset, POST Admin => operators::reset }
    "/operators/{name}/disable" { GET Admin => operators::ask_disable, POST Admin => operators::disable }
    "/operators/{name}/enable" { POST Admin => operators::enable }
    "/operators/{name}/role" { POST Admin => operators::set_role }
    "/audit" { GET Admin => audit::list }
    "/audit/verify" { POST Admin => audit::verify }
    "/expiring" { GET Viewer => expiring::list }
    "/tenants" { GET Viewer => tenants::list }
    "/tenants/new" { GET Support => tenants::begin, POST Support => tenants::open }
    "/tenants/{tenant}" { GET Viewer => tenant::show, POST Support => tenant::change }
    "/tenants/{tenant}/suspend" { GET Support => tenant::ask_suspend, POST Support => tenant::suspend }
    "/tenants/{tenant}/resume" { GET Support => tenant::ask_resume, POST Support => tenant::resume }
    "/tenants/{tenant}/export" { GET Admin => departure::ask_export, POST Admin => departure::export }
    "/tenants/{tenant}/erase" { GET Admin => departure::ask_erase, POST Admin => departure::erase }
    "/tenants/{tenant}/credentials" { GET Viewer => credentials::show, POST Support => credentials::issue }
    "/tenants/{tenant}/credentials/live" { GET Viewer => credentials::live }
    "/tenants/{tenant}/credentials/{key_id}/rotate" {
        GET Support => rotate::ask_token, POST Support => rotate::start_token
    }
    "/tenants/{tenant}/credentials/{key_id}/revoke" {
        GET Support => credentials::ask_revoke, POST Support => credentials::revoke
    }
    "/tenants/{tenant}/rotations/{id}/complete" {
        GET Support => rotations::ask_complete, POST Support => rotations::complete
    }
    "/tenants/{tenant}/rotations/{id}/complete/early" { POST Support => rotations::complete_early }
    "/tenants/{tenant}/rotations/{id}/cancel" { GET Support => rotations::ask_cancel, POST Support => rotations::cancel }
    "/tenants/{tenant}/rotations/{id}/automatic" { POST Support => rotations::set_automatic }
    "/tenants/{tenant}/hand-over" { GET Viewer => hand_over::show, POST Support => hand_over::make }
    "/tenants/{tenant}/hand-over/links" { GET Viewer => hand_over::links }
    "/tenants/{tenant}/hand-over/{id}/revoke" { GET Support => hand_over::ask_revoke, POST Support => hand_over::revoke }
    "/tenants/{tenant}/oauth" { GET Viewer => oauth::show }
    "/tenants/{tenant}/oauth/clients" { POST Support => oauth::create }
    "/tenants/{tenant}/oauth/clients/{client_id}/revoke" { GET Support => oauth::ask_revoke, POST Support => oauth::revoke }
    "/tenants/{tenant}/oauth/clients/{client_id}/secrets" { POST Support => oauth::issue_secret }
    "/tenants/{tenant}/oauth/clients/{client_id}/secrets/{key_id}/revoke" {
        GET Support => oauth::ask_revoke_secret, POST Support => oauth::revoke_secret
    }
    "/tenants/{tenant}/oauth/clients/{client_id}/secrets/{key_id}/rotate" {
        GET Support => rotate::ask_secret, POST Support => rotate::start_secret
    }
    "/tenants/{tenant}/oauth/federation" { POST Support => oauth::set_federation }
    "/tenants/{tenant}/oauth/federation/remove" {
        GET Support => oauth::ask_remove_federation, POST Support => oauth::remove_federation
    }
    "/tenants/{tenant}/users" { GET Viewer => resources::list::<Users> }
    "/tenants/{tenant}/users/{id}" { GET Viewer => resources::show::<Users> }
    "/tenants/{tenant}/groups" { GET Viewer => resources::list::<Groups> }
    "/tenants/{tenant}/groups/{id}" { GET Viewer => resources::show::<Groups> }
    "/tenants/{tenant}/changes" { GET Viewer => changes::list }
    "/tenants/{tenant}/deleted" { GET Viewer => deleted::list }
    "/tenants/{tenant}/deleted/{id}/restore" { GET Support => deleted::ask_restore, POST Support => deleted::restore }
}

/// Mounts the table at the root. The application must hold `Data<Admin>`.
pub(crate) fn configure(config: &mut ServiceConfig) {
    // Whoever is signed in learns it in their frame.
    let no_such_page =
        async |_: Option<Visitor<Newcomer>>| -> Result<HttpResponse, Refusal> { Err(Refusal::NoSuchPage) };
    let pages = mount(scope("")).default_service(to(no_such_page));
    config.service(pages.wrap(from_fn(failure::show)).wrap(web::headers()));
}
