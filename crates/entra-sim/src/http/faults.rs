//! Faults between client and server: what a network or a bad day of a server does to an exchange.

use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

use super::exchange::{Failure, Request, Response};

/// One thing that goes wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The answer comes late.
    Latency(Duration),
    /// The connection breaks before the server sees the request.
    Drop,
    /// The server does the work, and the connection breaks before the client hears of it.
    DropAnswer,
    /// The request is answered with this status on the server's behalf; the server does not see it.
    Status {
        /// The status code.
        code: u16,
        /// Seconds for `Retry-After`.
        retry_after: Option<u64>,
    },
    /// The answer's `Content-Type` is replaced.
    ContentType(String),
    /// A filter that matches one resource answers with two.
    DuplicateMatches,
}

/// A fault, and the requests that it befalls.
#[derive(Debug)]
pub struct FaultRule {
    fault: Fault,
    method: Option<String>,
    path: Option<String>,
    filter: Option<bool>,
    rate: f64,
    skip: u64,
    count: u64,
    seen: AtomicU64,
}

impl FaultRule {
    /// A fault that befalls every request.
    pub fn always(fault: Fault) -> Self {
        let seen = AtomicU64::new(0);
        Self { fault, method: None, path: None, filter: None, rate: 1.0, skip: 0, count: u64::MAX, seen }
    }

    fn befalls(&self, request: &Request, random: &Mutex<ChaCha8Rng>) -> bool {
        let target = request.path_and_query();
        let path = target.split('?').next().unwrap_or_default();
        let fits = self.method.as_ref().is_none_or(|method| *method == request.method)
            && self.path.as_ref().is_none_or(|part| path.contains(part.as_str()))
            && self.filter.is_none_or(|wanted| target.contains("filter=") == wanted);
        if !fits {
            return false;
        }
        let nth = self.seen.fetch_add(1, Ordering::Relaxed);
        if nth < self.skip || nth - self.skip >= self.count {
            return false;
        }
        self.rate >= 1.0 || random.lock().unwrap_or_else(PoisonError::into_inner).random::<f64>() < self.rate
    }
}

/// Syntax: a fault, then conditions, parted by commas:
/// `latency=200ms`, `drop`, `drop-answer`, `status=429`, `content-type=text/html`, `duplicate-matches`;
/// `on=POST /Users`, `on=GET filter /Groups`, `rate=0.1`, `skip=10`, `count=3`, `retry-after=5`.
impl FromStr for FaultRule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = text.split(',').map(str::trim);
        let first = parts.next().unwrap_or_default();
        let (name, value) = first.split_once('=').unwrap_or((first, ""));
        let fault = match name {
            "latency" => Fault::Latency(duration(value)?),
            "drop" => Fault::Drop,
            "drop-answer" => Fault::DropAnswer,
            "status" => Fault::Status { code: number(name, value)?, retry_after: None },
            "content-type" => Fault::ContentType(value.to_owned()),
            "duplicate-matches" => Fault::DuplicateMatches,
            _ => return Err(format!("'{name}' is not a fault")),
        };
        let mut rule = Self::always(fault);
        for part in parts {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            match (key, &mut rule.fault) {
                ("retry-after", Fault::Status { retry_after, .. }) => {
                    *retry_after = Some(number(key, value)?)
                }
                ("rate", _) => rule.rate = number(key, value)?,
                ("skip", _) => rule.skip = number(key, value)?,
                ("count", _) => rule.count = number(key, value)?,
                ("on", _) => rule.narrow(value)?,
                _ => return Err(format!("'{key}' is not a condition of the fault '{name}'")),
            }
        }
        Ok(rule)
    }
}

impl FaultRule {
    fn narrow(&mut self, words: &str) -> Result<(), String> {
        for word in words.split_whitespace() {
            match word {
                "GET" | "POST" | "PUT" | "PATCH" | "DELETE" => self.method = Some(word.to_owned()),
                "filter" => self.filter = Some(true),
                "no-filter" => self.filter = Some(false),
                _ if word.starts_with('/') => self.path = Some(word.to_owned()),
                _ => return Err(format!("'{word}' is neither a method, 'filter', 'no-filter' nor a path")),
            }
        }
        Ok(())
    }
}

fn number<T: FromStr>(key: &str, value: &str) -> Result<T, String> {
    value.parse().map_err(|_| format!("'{value}' is not a number for '{key}'"))
}

fn duration(text: &str) -> Result<Duration, String> {
    let (digits, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let amount: u64 = number("latency", digits)?;
    match unit {
        "ms" => Ok(Duration::from_millis(amount)),
        "s" => Ok(Duration::from_secs(amount)),
        _ => Err(format!("'{text}' is not a duration such as 200ms or 3s")),
    }
}

/// The faults of a client.
#[derive(Debug)]
pub struct Faults {
    rules: Vec<FaultRule>,
    random: Mutex<ChaCha8Rng>,
}

/// What befell one request.
#[derive(Debug, Default)]
pub(super) struct Befallen<'a>(Vec<&'a Fault>);

impl Faults {
    /// Faults whose rates are drawn from `seed`.
    pub fn new(rules: Vec<FaultRule>, seed: u64) -> Self {
        Self { rules, random: Mutex::new(ChaCha8Rng::seed_from_u64(seed)) }
    }

    pub(super) fn draw(&self, request: &Request) -> Befallen<'_> {
        let rules = self.rules.iter().filter(|rule| rule.befalls(request, &self.random));
        Befallen(rules.map(|rule| &rule.fault).collect())
    }
}

impl Befallen<'_> {
    /// What happens before the server sees the request; an outcome ends the exchange.
    pub(super) async fn before(&self) -> Option<Result<Response, Failure>> {
        for fault in &self.0 {
            match fault {
                Fault::Latency(time) => tokio::time::sleep(*time).await,
                Fault::Drop => return Some(Err(Failure::Dropped("injected".to_owned()))),
                Fault::Status { code, retry_after } => return Some(Ok(refusal(*code, *retry_after))),
                Fault::DropAnswer | Fault::ContentType(_) | Fault::DuplicateMatches => {}
            }
        }
        None
    }

    /// What happens to the answer.
    pub(super) fn after(&self, mut outcome: Result<Response, Failure>) -> Result<Response, Failure> {
        for fault in &self.0 {
            match (fault, &mut outcome) {
                (Fault::DropAnswer, _) => outcome = Err(Failure::Dropped("injected".to_owned())),
                (Fault::ContentType(value), Ok(response)) => {
                    response.headers.retain(|(name, _)| name != "content-type");
                    response.headers.push(("content-type".to_owned(), value.clone()));
                }
                (Fault::DuplicateMatches, Ok(response)) => duplicate(response),
                _ => {}
            }
        }
        outcome
    }
}

fn refusal(code: u16, retry_after: Option<u64>) -> Response {
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "status": code.to_string(), "detail": "injected",
    });
    let mut headers = vec![("content-type".to_owned(), super::SCIM_JSON.to_owned())];
    headers.extend(retry_after.map(|seconds| ("retry-after".to_owned(), seconds.to_string())));
    Response { status: code, headers, body: body.to_string() }
}

fn duplicate(response: &mut Response) {
    let Ok(mut list) = response.json() else { return };
    let Some(resources) = list.get_mut("Resources").and_then(Value::as_array_mut) else { return };
    let Some(mut twin) = resources.first().cloned() else { return };
    twin["id"] = json!(format!("{}-twin", twin["id"].as_str().unwrap_or_default()));
    resources.push(twin);
    let total = resources.len();
    list["totalResults"] = json!(total);
    response.body = list.to_string();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_read_from_text() {
        let rule: FaultRule =
            "status=429,retry-after=5,on=GET filter /Users,skip=1,count=2".parse().expect("valid");
        let random = Mutex::new(ChaCha8Rng::seed_from_u64(1));
        let hit = Request::new("GET", "http://h/t/a/Users?filter=x".to_owned());
        let miss = Request::new("GET", "http://h/t/a/Users/1".to_owned());
        let befallen: Vec<bool> = (0..4).map(|_| rule.befalls(&hit, &random)).collect();
        assert_eq!(befallen, [false, true, true, false]);
        assert!(!rule.befalls(&miss, &random));
        for wrong in ["", "explode", "status=x", "latency=5", "drop,retry-after=1", "drop,on=users"] {
            assert!(wrong.parse::<FaultRule>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_rate_befalls_about_that_share() {
        let rule: FaultRule = "drop,rate=0.25".parse().expect("valid");
        let random = Mutex::new(ChaCha8Rng::seed_from_u64(7));
        let request = Request::new("GET", "http://h/Users".to_owned());
        let hits = (0..4000).filter(|_| rule.befalls(&request, &random)).count();
        assert!((900..1100).contains(&hits), "{hits}");
    }
}
