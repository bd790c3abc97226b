//! What stands around every page of the console: who is signed in, where one can go, what was just done.

use crate::{
    Admin, Failure,
    caller::Person,
    cookies,
    web::{self, Assets, assets},
};
use actix_web::{HttpRequest, HttpResponse, http::header::SET_COOKIE};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use std::time::Duration;
use store::Role;

/// Holds the words about what was done until the next page shows them. Never a secret.
pub(super) const FLASH: &str = "juno_flash";
/// As long as a redirect takes.
const FLASH_AGE: Duration = Duration::from_secs(60);

/// A part of the console, as the navigation has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Section {
    Tenants,
    Expiring,
    Operators,
    Audit,
    Account,
}

/// A way to a section.
#[derive(Clone, Copy, Debug)]
pub(super) struct Way {
    pub(super) path: &'static str,
    pub(super) name: &'static str,
    pub(super) is_current: bool,
}

/// What `layout.html` shows around a page. Templates that extend it have it in the field `frame`.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    /// The section of the page.
    pub(super) section: Option<Section>,
    /// The name of the operator.
    pub(super) operator: String,
    /// What they may do.
    pub(super) role: Role,
    /// Whether the first sign-in is finished.
    pub(super) is_ready: bool,
    /// For the hidden field `csrf` of every form.
    pub(super) csrf: String,
    /// What was just done.
    pub(super) flash: Option<Flash>,
    /// Where style sheet, script and icon are.
    pub(super) assets: Assets,
}

impl Frame {
    /// That of a page for this person, of no section yet.
    pub(super) fn of<R>(person: &Person<R>, flash: Option<Flash>) -> Frame {
        let operator = person.operator();
        Frame {
            section: None,
            operator: operator.name.clone(),
            role: operator.role,
            is_ready: person.signed_in.is_ready(),
            csrf: person.signed_in.token.csrf(),
            flash,
            assets: assets::CONSOLE,
        }
    }

    /// The sections that the operator may see.
    pub(super) fn ways(&self) -> Vec<Way> {
        let all = [
            (Section::Tenants, "/tenants", "Tenants", Role::Viewer),
            (Section::Expiring, "/expiring", "Expiring", Role::Viewer),
            (Section::Operators, "/operators", "Operators", Role::Admin),
            (Section::Audit, "/audit", "Audit log", Role::Admin),
        ];
        let mine = all.into_iter().filter(|(.., least)| self.is_ready && self.role >= *least);
        mine.map(|(section, path, name, _)| Way { path, name, is_current: self.section == Some(section) })
            .collect()
    }

    /// Whether this is the page of one's own account.
    pub(super) fn is_account(&self) -> bool {
        self.section == Some(Section::Account)
    }

    /// Whether the operator may do what support may.
    pub(super) fn is_support(&self) -> bool {
        self.role >= Role::Support
    }

    /// Whether the operator may do what admins may.
    pub(super) fn is_admin(&self) -> bool {
        self.role >= Role::Admin
    }
}

/// Words about what was done, shown once on the page after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Flash(pub(super) String);

impl Flash {
    /// That of a request, if it brings one.
    pub(super) fn of(request: &HttpRequest) -> Option<Flash> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(::web::cookies::read(request, FLASH)?).ok()?;
        String::from_utf8(bytes).ok().filter(|words| !words.is_empty()).map(Flash)
    }
}

/// The end of an act: sends the browser on to a page, which says these words.
///
/// # Errors
/// None that should be.
pub(super) fn done(admin: &Admin, to: &str, words: &str) -> Result<HttpResponse, Failure> {
    let mut response = web::redirect(to);
    let cookie = cookies::set(admin, FLASH, &BASE64_URL_SAFE_NO_PAD.encode(words), Some(FLASH_AGE));
    response.headers_mut().append(SET_COOKIE, cookie.parse().map_err(Failure::internal)?);
    Ok(response)
}
