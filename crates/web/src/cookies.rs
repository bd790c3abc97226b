//! Cookies of requests.

use actix_web::{HttpRequest, http::header::COOKIE};

/// The value of a cookie of a request.
pub fn read(request: &HttpRequest, name: &str) -> Option<String> {
    let lines = request.headers().get_all(COOKIE).filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(cookie, _)| *cookie == name).map(|(_, value)| value.to_owned())
}
