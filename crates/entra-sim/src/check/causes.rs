//! One cause is one failure: which checks judge the features that a request uses, and which failures share a cause.
//!
//! A check that adds a member uses the creation of groups. Another check judges the creation of groups. If both fail, they
//! fail for one cause, and only the check that judges it counts as a failure.

use super::Finding;
use super::outcome::Outcome;
use super::sample::VENDOR_GROUP;
use super::schemas::ENTERPRISE;
use crate::http::Request;
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};

/// Places in [`FEATURES`], the most basic first.
pub(super) type Features = BTreeSet<usize>;

/// A feature of requests.
struct Feature {
    /// The check that judges it.
    judge: &'static str,
    is_used: fn(&Sent) -> bool,
}

const fn feature(judge: &'static str, is_used: fn(&Sent) -> bool) -> Feature {
    Feature { judge, is_used }
}

/// The most basic feature comes first: a check that judges a feature may fail because of those before it, and of no other.
const FEATURES: &[Feature] = &[
    feature("create-user", |sent| sent.is("POST", "Users", false)),
    feature("create-group", |sent| sent.is("POST", "Groups", false)),
    feature("group-vendor-urn", |sent| {
        sent.is("POST", "Groups", false) && list(&sent.body["schemas"]).any(|urn| urn == VENDOR_GROUP)
    }),
    feature("read-by-id", |sent| sent.is("GET", "Users", true) || sent.is("GET", "Groups", true)),
    feature("schemas-list-response", |sent| sent.is("GET", "Schemas", false)),
    feature("filter-without-match-users", |sent| sent.filters("Users", "")),
    feature("filter-without-match-groups", |sent| sent.filters("Groups", "")),
    feature("filter-by-user-name", |sent| sent.filters("Users", "username eq")),
    feature("filter-by-external-id", |sent| sent.filters("Users", "externalid eq")),
    feature("filter-by-id", |sent| {
        ["Users", "Groups"].iter().any(|it| sent.filters(it, "id eq") && !sent.filters(it, "externalid eq"))
    }),
    feature("filter-groups-by-display-name", |sent| sent.filters("Groups", "displayname eq")),
    feature("filter-groups-by-external-id", |sent| sent.filters("Groups", "externalid eq")),
    feature("list-envelope", |sent| sent.pages("Users") || sent.pages("Groups")),
    feature("microsoft-23-user-pagination", |sent| sent.pages("Users")),
    feature("patch-lower-case-op", |sent| {
        sent.operations().any(|it| verb(it).starts_with(|c: char| c.is_lowercase()))
    }),
    feature("patch-capitalised-op", |sent| {
        sent.operations().any(|it| verb(it).starts_with(|c: char| c.is_uppercase()))
    }),
    feature("patch-extension-path", |sent| sent.paths().any(|path| path.starts_with(ENTERPRISE))),
    feature("patch-without-path", |sent| {
        sent.operations().any(|it| it.get("path").is_none() && it["value"].is_object())
    }),
    feature("patch-existing-element", |sent| sent.paths().any(selects_element)),
    feature("patch-creates-missing-element", |sent| sent.paths().any(selects_element)),
    feature("patch-address-parts", |sent| {
        sent.paths().filter(|path| path.starts_with("addresses[")).count() > 1
    }),
    feature("disabled-user-readable", |sent| sent.paths().any(|path| path == "active")),
    feature("patch-active-as-string", |sent| {
        sent.operations().any(|it| it["path"] == "active" && it["value"].is_string())
    }),
    feature("patch-manager-as-string", |sent| sent.operations().any(sets_manager_by_id)),
    feature("patch-external-id", |sent| {
        sent.endpoint == "Users" && sent.paths().any(|path| path == "externalId")
    }),
    feature("patch-user-name", |sent| sent.paths().any(|path| path == "userName")),
    feature("microsoft-11-group-add-member", |sent| {
        sent.operations().any(|it| it["path"] == "members" && verb(it).eq_ignore_ascii_case("add"))
    }),
    feature("members-many-in-one-patch", |sent| sent.endpoint == "Groups" && sent.operations().count() > 1),
    feature("members-removed-by-value-list", |sent| sent.operations().any(removes_by_value_list)),
    feature("microsoft-09-update-group", |sent| {
        sent.endpoint == "Groups" && sent.paths().any(|path| path == "displayName")
    }),
];

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn verb(operation: &Value) -> &str {
    operation["op"].as_str().unwrap_or_default()
}

/// A value path; members are no elements with a `type`.
fn selects_element(path: &str) -> bool {
    path.contains('[') && !path.starts_with("members")
}

fn sets_manager_by_id(operation: &Value) -> bool {
    let is_manager = operation["path"].as_str().is_some_and(|path| path.ends_with(":manager"));
    is_manager && operation["value"].as_str().is_some_and(|id| !id.is_empty())
}

fn removes_by_value_list(operation: &Value) -> bool {
    operation["path"] == "members"
        && operation["value"].is_array()
        && verb(operation).eq_ignore_ascii_case("remove")
}

/// A request, taken apart.
struct Sent {
    method: String,
    /// `Users`, `Groups`, `Schemas`, …
    endpoint: String,
    /// Whether something follows the endpoint in the path.
    has_id: bool,
    /// The filter in lower case.
    filter: Option<String>,
    has_start_index: bool,
    body: Value,
}

impl Sent {
    /// Takes apart a request below the Tenant URL `base`.
    fn of(request: &Request, base: &str) -> Sent {
        let below = request.url.strip_prefix(base).unwrap_or_default();
        let (path, query) = below.split_once('?').unwrap_or((below, ""));
        let (endpoint, id) = path.trim_start_matches('/').split_once('/').unwrap_or((path, ""));
        let query: HashMap<_, _> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let body = request.body.as_deref().and_then(|body| serde_json::from_str(body).ok());
        Sent {
            method: request.method.clone(),
            endpoint: endpoint.trim_start_matches('/').to_owned(),
            has_id: !id.is_empty(),
            filter: query.get("filter").map(|filter| filter.to_lowercase()),
            has_start_index: query.contains_key("startIndex"),
            body: body.unwrap_or(Value::Null),
        }
    }

    fn is(&self, method: &str, endpoint: &str, has_id: bool) -> bool {
        self.method == method && self.endpoint == endpoint && self.has_id == has_id
    }

    /// Whether it lists the endpoint's resources with a filter that has this text in it.
    fn filters(&self, endpoint: &str, text: &str) -> bool {
        self.is("GET", endpoint, false) && self.filter.as_ref().is_some_and(|filter| filter.contains(text))
    }

    fn pages(&self, endpoint: &str) -> bool {
        self.is("GET", endpoint, false) && self.has_start_index
    }

    /// The operations, if it is a PATCH.
    fn operations(&self) -> impl Iterator<Item = &Value> {
        list(&self.body["Operations"]).filter(move |_| self.method == "PATCH")
    }

    /// The paths of the operations, and the keys of values without a path, which are paths as well.
    fn paths(&self) -> impl Iterator<Item = &str> {
        self.operations().flat_map(|operation| {
            let keys = operation["value"].as_object().into_iter().flat_map(|value| value.keys());
            let keys = keys.filter(move |_| operation.get("path").is_none()).map(String::as_str);
            operation["path"].as_str().into_iter().chain(keys)
        })
    }
}

/// The features that a request below the Tenant URL `base` uses.
pub(super) fn features(request: &Request, base: &str) -> Features {
    let sent = Sent::of(request, base);
    (0..FEATURES.len()).filter(|place| (FEATURES[*place].is_used)(&sent)).collect()
}

/// Gives each failure that shares a cause the name of the failed check that judges this cause.
pub(super) fn attribute(findings: &mut [Finding]) {
    let failed: HashMap<&str, usize> = findings
        .iter()
        .enumerate()
        .filter(|(_, finding)| matches!(finding.outcome, Outcome::Fail(_)))
        .map(|(place, finding)| (finding.check.name, place))
        .collect();
    let next: HashMap<usize, usize> = failed
        .values()
        .filter_map(|place| {
            let cause = candidates(&findings[*place]).find_map(|check| failed.get(check))?;
            Some((*place, *cause))
        })
        .collect();
    for place in next.keys() {
        let mut root = *place;
        // As many steps as there are failures, so that a circle of causes would end as well.
        for _ in 0..next.len() {
            root = next.get(&root).copied().unwrap_or(root);
        }
        findings[*place].cause = (root != *place).then_some(findings[root].check.name);
    }
}

/// The checks whose failure explains the failure of this one, the most basic first.
fn candidates(finding: &Finding) -> impl Iterator<Item = &'static str> {
    let check = finding.check;
    let own = FEATURES.iter().position(|feature| feature.judge == check.name).unwrap_or(FEATURES.len());
    let used = finding.features.range(..own).map(|place| FEATURES[*place].judge);
    used.chain(check.same_cause_as.iter().copied()).filter(|name| *name != check.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{Failure, checks};
    use std::time::Duration;

    fn used(method: &str, below: &str, body: &str) -> Vec<&'static str> {
        let request = Request::new(method, format!("https://x.example/scim{below}")).raw("", body);
        features(&request, "https://x.example/scim").into_iter().map(|place| FEATURES[place].judge).collect()
    }

    #[test]
    fn the_features_of_a_request_are_found() {
        assert_eq!(used("POST", "/Users?aadOptscim062020", "{}"), ["create-user"]);
        let vendor = format!("{{\"schemas\":[\"{VENDOR_GROUP}\"]}}");
        assert_eq!(used("POST", "/Groups", &vendor), ["create-group", "group-vendor-urn"]);
        assert_eq!(used("GET", "/Users/7", ""), ["read-by-id"]);
        assert_eq!(
            used("GET", "/Users?filter=UserName+eq+%22a%22", ""),
            ["filter-without-match-users", "filter-by-user-name"]
        );
        let patch = r#"{"Operations":[{"op":"Replace","path":"active","value":"False"},{"op":"add","value":{
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department":"D"}}]}"#;
        assert_eq!(
            used("PATCH", "/Users/7", patch),
            [
                "patch-lower-case-op",
                "patch-capitalised-op",
                "patch-extension-path",
                "patch-without-path",
                "disabled-user-readable",
                "patch-active-as-string"
            ]
        );
        assert!(used("DELETE", "/Users/7", "").is_empty());
    }

    /// The causes of the failures of these checks, each with the checks that judge the features it used.
    fn causes(failures: &[(&str, &[&str])]) -> Vec<Option<&'static str>> {
        let request = Request::new("GET", String::new());
        let outcome = Err(crate::http::Failure::Timeout);
        let exchange = crate::http::Exchange {
            sent: jiff::Timestamp::UNIX_EPOCH,
            duration: Duration::ZERO,
            request,
            outcome,
        };
        let finding = |(name, used): &(&str, &[&str])| Finding {
            check: checks().find(|check| check.name == *name).expect("a check"),
            outcome: Outcome::Fail(Box::new(Failure { reason: String::new(), exchange: exchange.clone() })),
            cause: None,
            duration: Duration::ZERO,
            features: (0..FEATURES.len()).filter(|place| used.contains(&FEATURES[*place].judge)).collect(),
        };
        let mut findings: Vec<_> = failures.iter().map(finding).collect();
        attribute(&mut findings);
        findings.iter().map(|finding| finding.cause).collect()
    }

    #[test]
    fn the_most_basic_failure_is_the_cause() {
        let members: (&str, &[&str]) = (
            "members-removed-twice",
            &["create-user", "create-group", "patch-capitalised-op", "members-removed-by-value-list"],
        );
        let by_value = ("members-removed-by-value-list", &members.1[..3]);
        let ops = ("patch-capitalised-op", &["create-user"][..]);
        assert_eq!(causes(&[members]), [None], "what it used passed or did not run");
        assert_eq!(causes(&[by_value, members]), [None, Some("members-removed-by-value-list")]);
        assert_eq!(
            causes(&[members, by_value, ops]),
            [Some("patch-capitalised-op"), Some("patch-capitalised-op"), None],
            "a cause that has a cause itself is none"
        );
    }

    #[test]
    fn failures_that_share_nothing_stay_two() {
        let roles = ("roles-at-creation", &["create-user"][..]);
        let slash = ("trailing-slash", &["create-user", "filter-without-match-users"][..]);
        assert_eq!(causes(&[roles, slash]), [None, None]);
    }

    #[test]
    fn the_same_behaviour_elsewhere_has_the_same_cause() {
        let (found, gone) = (("delete-twice", &["create-user"][..]), ("unknown-id", &[][..]));
        assert_eq!(causes(&[found, gone]), [Some("unknown-id"), None]);
    }

    /// Else a circle of failures would have no cause, and count as none.
    #[test]
    fn every_cause_is_a_check_and_none_leads_back() {
        let all: HashMap<&str, _> = checks().map(|check| (check.name, check)).collect();
        assert!(FEATURES.iter().all(|feature| all.contains_key(feature.judge)));
        let place = |name: &str| FEATURES.iter().position(|feature| feature.judge == name);
        for check in checks() {
            let mut reached: Vec<&str> = check.same_cause_as.to_vec();
            while let Some(cause) = reached.pop() {
                assert_ne!(cause, check.name, "a circle");
                let cause = all.get(cause).unwrap_or_else(|| panic!("{cause} is no check"));
                match (place(check.name), place(cause.name)) {
                    (Some(own), Some(other)) => assert!(other < own, "{} is more basic", check.name),
                    (Some(_), None) => {
                        panic!("{} may share a cause with every feature before {}", cause.name, check.name)
                    }
                    // The cause of a feature stands before it.
                    (None, Some(_)) => {}
                    (None, None) => reached.extend(cause.same_cause_as),
                }
            }
        }
    }
}
