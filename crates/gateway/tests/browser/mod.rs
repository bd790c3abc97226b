//! The console and the customer's pages in a real browser, used as people use them.

mod credentials;
mod hand_over;
mod office;
mod openid;
mod resources;
mod sign_in;
mod tenants;
mod tour;

use crate::{admin, world::World};
use test_support::{Backend, Browser, Database};

/// A gateway that tells within a second of a credential's use, and finds two seconds a long silence.
fn quick() -> World {
    let settings = [("JUNO__TOKENS__LAST_USED_INTERVAL", "1s"), ("JUNO__TOKENS__SILENCE", "2s")];
    World::with_settings(Database::Fresh(Backend::Sqlite), &settings)
}

/// The browser of an operator of this role who has signed in.
pub(crate) fn desk(world: &World, name: &str, role: &str) -> Browser {
    let browser = Browser::at(world.gateway.admin());
    let session = admin::operator(world, name, role);
    let (cookie, value) = session.cookie();
    browser.remember(cookie, value);
    browser
}
