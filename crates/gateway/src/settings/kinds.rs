//! The kinds of values that settings have: how each is read, checked and shown.

use crate::{duration, loopback::is_loopback, origin::Proxies, size};
use config::Value;
use serde_json::json;
use std::{fmt, net::SocketAddr, time::Duration};
use tracing_subscriber::EnvFilter;
use url::Url;

/// A kind of value.
pub(super) trait Kind: Sized {
    /// Reads it; the error continues the words "KEY: …" and never repeats a secret.
    fn read(value: Value) -> Result<Self, String>;
    /// Shows it, secrets masked.
    fn show(&self) -> serde_json::Value;
}

fn text(value: Value) -> Result<String, String> {
    value.into_string().map(|text| text.trim().to_owned()).map_err(|_| "must be a text".to_owned())
}

/// A whole number from `MIN` to `MAX`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Count<const MIN: u32, const MAX: u32>(u32);

impl<const MIN: u32, const MAX: u32> Count<MIN, MAX> {
    pub(crate) fn get(self) -> u32 {
        self.0
    }

    /// As a size; `u32` always fits on the machines that this is built for.
    pub(crate) fn size(self) -> usize {
        self.0 as usize
    }
}

impl<const MIN: u32, const MAX: u32> Kind for Count<MIN, MAX> {
    fn read(value: Value) -> Result<Self, String> {
        let number = value.into_uint().ok().and_then(|number| u32::try_from(number).ok());
        number
            .filter(|number| (MIN..=MAX).contains(number))
            .map(Count)
            .ok_or_else(|| format!("must be a whole number from {MIN} to {MAX}"))
    }
    fn show(&self) -> serde_json::Value {
        self.0.into()
    }
}

impl Kind for Duration {
    fn read(value: Value) -> Result<Self, String> {
        duration::parse(&text(value)?)
            .filter(|duration| !duration.is_zero())
            .ok_or_else(|| "must be a duration above zero, as 500ms, 30s, 15m, 12h or 90d".to_owned())
    }
    fn show(&self) -> serde_json::Value {
        duration::show(*self).into()
    }
}

/// A size from `MIN` to `MAX` bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size<const MIN: usize, const MAX: usize>(usize);

impl<const MIN: usize, const MAX: usize> Size<MIN, MAX> {
    pub(crate) fn bytes(self) -> usize {
        self.0
    }
}

impl<const MIN: usize, const MAX: usize> Kind for Size<MIN, MAX> {
    fn read(value: Value) -> Result<Self, String> {
        let size = size::parse(&text(value)?).filter(|size| (MIN..=MAX).contains(size));
        let (min, max) = (size::show(MIN), size::show(MAX));
        size.map(Size).ok_or_else(|| format!("must be a size from {min} to {max}, as 512KB or 32MB"))
    }
    fn show(&self) -> serde_json::Value {
        size::show(self.0).into()
    }
}

impl Kind for bool {
    fn read(value: Value) -> Result<Self, String> {
        value.into_bool().map_err(|_| "must be true or false".to_owned())
    }
    fn show(&self) -> serde_json::Value {
        (*self).into()
    }
}

impl Kind for SocketAddr {
    fn read(value: Value) -> Result<Self, String> {
        let text = text(value)?;
        text.parse()
            .map_err(|_| format!("\"{text}\" is not an address and port, as 127.0.0.1:8080 or [::1]:8080"))
    }
    fn show(&self) -> serde_json::Value {
        self.to_string().into()
    }
}

impl Kind for Proxies {
    fn read(value: Value) -> Result<Self, String> {
        Proxies::parse(&text(value)?)
    }
    fn show(&self) -> serde_json::Value {
        Proxies::show(self).into()
    }
}

/// An empty text is none.
impl<K: Kind> Kind for Option<K> {
    fn read(value: Value) -> Result<Self, String> {
        if value.clone().into_string().is_ok_and(|text| text.trim().is_empty()) {
            return Ok(None);
        }
        K::read(value).map(Some)
    }
    fn show(&self) -> serde_json::Value {
        self.as_ref().map_or_else(|| json!(""), K::show)
    }
}

/// Where the database is. Its password is never printed.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct DatabaseUrl(String);

impl DatabaseUrl {
    /// The URL with its password.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }

    /// The file of a SQLite database.
    pub(crate) fn file(&self) -> Option<&std::path::Path> {
        self.0.strip_prefix("sqlite://").map(std::path::Path::new)
    }

    fn masked(&self) -> String {
        let Some((scheme, rest)) = self.0.split_once("://") else { return "***".to_owned() };
        let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let authority = match authority.rsplit_once('@') {
            Some((user, host)) => match user.split_once(':') {
                Some((user, _)) => format!("{user}:***@{host}"),
                None => format!("{user}@{host}"),
            },
            None => authority.to_owned(),
        };
        let path = match path.split_once('?') {
            Some((path, query)) => {
                let mask = |pair: &str| match pair.split_once('=') {
                    Some((key, _)) if key.contains("pass") => format!("{key}=***"),
                    _ => pair.to_owned(),
                };
                format!("{path}?{}", query.split('&').map(mask).collect::<Vec<_>>().join("&"))
            }
            None => path.to_owned(),
        };
        format!("{scheme}://{authority}{path}")
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

impl Kind for DatabaseUrl {
    fn read(value: Value) -> Result<Self, String> {
        let url = text(value)?;
        let known = ["sqlite://", "postgres://", "postgresql://"];
        let has_more = |scheme: &&str| url.strip_prefix(*scheme).is_some_and(|rest| !rest.is_empty());
        if known.iter().any(has_more) {
            // The store knows the shorter of the two spellings.
            return Ok(DatabaseUrl(match url.strip_prefix("postgresql://") {
                Some(rest) => format!("postgres://{rest}"),
                None => url,
            }));
        }
        Err("must be sqlite://PATH or postgres://USER:PASSWORD@HOST/DATABASE".to_owned())
    }
    fn show(&self) -> serde_json::Value {
        self.masked().into()
    }
}

/// A text that is not empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Word(String);

impl Word {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Kind for Word {
    fn read(value: Value) -> Result<Self, String> {
        let text = text(value)?;
        let is_plain = !text.is_empty() && !text.chars().any(char::is_control);
        if is_plain { Ok(Word(text)) } else { Err("must be a text of one line".to_owned()) }
    }
    fn show(&self) -> serde_json::Value {
        self.0.as_str().into()
    }
}

/// The issuer identifier of an OpenID provider, as the provider writes it: a final slash is a part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Issuer(String);

impl Issuer {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Kind for Issuer {
    fn read(value: Value) -> Result<Self, String> {
        let url = PublicUrl::read(value.clone())?;
        let is_here = || Url::parse(&url.0).is_ok_and(|url| is_loopback(&url));
        if url.scheme() == "http" && !is_here() {
            return Err("must begin with https://, as it is not on this machine".to_owned());
        }
        text(value).map(Issuer)
    }
    fn show(&self) -> serde_json::Value {
        self.0.as_str().into()
    }
}

/// A text that is never printed.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(String);

impl Secret {
    /// The text.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl Kind for Secret {
    fn read(value: Value) -> Result<Self, String> {
        let text = text(value)?;
        let is_plain = !text.is_empty() && !text.chars().any(char::is_control);
        if is_plain { Ok(Secret(text)) } else { Err("must be a text of one line".to_owned()) }
    }
    fn show(&self) -> serde_json::Value {
        "***".into()
    }
}

/// The beginning of every Tenant URL: scheme, host, perhaps a port and a prefix; no final slash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PublicUrl(String);

impl PublicUrl {
    pub(super) fn of_address(address: SocketAddr) -> PublicUrl {
        PublicUrl(format!("http://{address}"))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// `http` or `https`.
    pub(crate) fn scheme(&self) -> &str {
        self.0.split_once("://").map_or("https", |(scheme, _)| scheme)
    }
}

impl Kind for PublicUrl {
    fn read(value: Value) -> Result<Self, String> {
        let text = text(value)?;
        let url = text.trim_end_matches('/');
        let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
        let is_plain = |rest: &str| {
            !rest.is_empty()
                && !rest.starts_with('/')
                && rest.bytes().all(|byte| byte.is_ascii_graphic() && !b"?#@\"<>\\".contains(&byte))
        };
        match rest {
            Some(rest) if is_plain(rest) => Ok(PublicUrl(url.to_owned())),
            _ => Err("must be https://HOST or https://HOST/PREFIX, without query and user".to_owned()),
        }
    }
    fn show(&self) -> serde_json::Value {
        self.0.as_str().into()
    }
}

/// The part of a host name behind the tenant's label; lower case, no dot at either end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HostSuffix(String);

impl HostSuffix {
    /// The label in front of the suffix in a `Host` header, which may have a port; lower case. None if the host is
    /// another one.
    pub(crate) fn label(&self, host: &str) -> Option<String> {
        let (name, port) = host.split_once(':').unwrap_or((host, "0"));
        if port.is_empty() || !port.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let name = name.to_ascii_lowercase();
        let label = name.strip_suffix(self.0.as_str())?.strip_suffix('.')?;
        store::label::check(label).is_ok().then(|| label.to_owned())
    }
}

impl Kind for HostSuffix {
    fn read(value: Value) -> Result<Self, String> {
        let text = text(value)?.to_ascii_lowercase();
        if text.split('.').all(|label| store::label::check(label).is_ok()) {
            return Ok(HostSuffix(text));
        }
        Err("must be a host name, as scim.example.com, without port and without a dot in front".to_owned())
    }
    fn show(&self) -> serde_json::Value {
        self.0.as_str().into()
    }
}

/// Which log lines are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LogFilter(String);

impl LogFilter {
    /// As the subscriber takes it; it was checked when it was read.
    pub(crate) fn filter(&self) -> EnvFilter {
        EnvFilter::new(&self.0)
    }
}

impl Kind for LogFilter {
    fn read(value: Value) -> Result<Self, String> {
        let text = text(value)?;
        // An unknown word alone would be read as the name of a part.
        let levels = ["off", "error", "warn", "info", "debug", "trace"];
        let names_levels = text.split(',').all(|directive| {
            let level = directive.rsplit('=').next().unwrap_or_default().trim();
            levels.iter().any(|known| known.eq_ignore_ascii_case(level))
        });
        if names_levels && EnvFilter::try_new(&text).is_ok() {
            return Ok(LogFilter(text));
        }
        Err(format!("\"{text}\" is not a level, as info, or a list, as info,access=warn"))
    }
    fn show(&self) -> serde_json::Value {
        self.0.as_str().into()
    }
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
}

impl Kind for LogFormat {
    fn read(value: Value) -> Result<Self, String> {
        match text(value)?.as_str() {
            "text" => Ok(LogFormat::Text),
            "json" => Ok(LogFormat::Json),
            other => Err(format!("\"{other}\" is neither text nor json")),
        }
    }
    fn show(&self) -> serde_json::Value {
        match self {
            LogFormat::Text => "text".into(),
            LogFormat::Json => "json".into(),
        }
    }
}
