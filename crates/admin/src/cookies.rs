//! Cookies of the operators' listener: no script and no other site can use them.

use crate::Admin;
use std::time::Duration;

/// Holds the token of a session.
pub(crate) const SESSION: &str = "juno_session";

/// A cookie for as long, or until the browser is closed.
pub(crate) fn set(admin: &Admin, name: &str, value: &str, age: Option<Duration>) -> String {
    text(admin, (name, value), age, "Strict")
}

/// A cookie that is there as well when another site sends the browser back to us: nothing that anybody could act with.
pub(crate) fn set_for_return(admin: &Admin, name: &str, value: &str, age: Duration) -> String {
    text(admin, (name, value), Some(age), "Lax")
}

fn text(admin: &Admin, (name, value): (&str, &str), age: Option<Duration>, same_site: &str) -> String {
    let age = age.map(|age| format!("; Max-Age={}", age.as_secs())).unwrap_or_default();
    let secure = if admin.settings.is_secure { "; Secure" } else { "" };
    format!("{name}={value}; Path=/{age}; HttpOnly; SameSite={same_site}{secure}")
}

/// The end of a cookie.
pub(crate) fn clear(admin: &Admin, name: &str) -> String {
    set(admin, name, "", Some(Duration::ZERO))
}

/// The cookie of a session that has begun.
pub(crate) fn session(admin: &Admin, token: &str) -> String {
    set(admin, SESSION, token, Some(admin.settings.session_lifetime))
}
