//! Job files: TOML, Graph's JSON, and what is refused; scoping operators, one row each.

use entra_sim::directory::changes::Script;
use entra_sim::job::filter::Clause;
use entra_sim::job::{FlowType, Job, ScopeSetting, Source};
use serde::Deserialize;
use serde_json::{Map, Value};

#[derive(Deserialize)]
struct Row {
    operator: String,
    #[serde(default)]
    operand: String,
    value: Value,
    holds: bool,
}

#[test]
fn operators_hold_as_microsoft_says() {
    let rows: Vec<Row> = serde_json::from_str(include_str!("../fixtures/operators.json")).expect("rows");
    assert!(rows.len() >= 30);
    for row in rows {
        let clause = Clause::new("x", &row.operator, &row.operand).expect("valid");
        let holds = clause.holds(&|_| row.value.clone());
        assert_eq!(holds, row.holds, "{} {} {}", row.value, row.operator, row.operand);
    }
}

#[test]
fn filters_that_microsoft_does_not_support_are_refused() {
    let refused = [
        ("IsMemberOf", "EQUALS", "x"),
        ("manager", "IS NULL", ""),
        ("a", "LIKE", "x"),
        ("a", "REGEX MATCH", "("),
        ("a", "Greater_Than", "x"),
    ];
    for (attribute, operator, value) in refused {
        assert!(Clause::new(attribute, operator, value).is_err(), "{attribute} {operator} {value}");
    }
}

#[test]
fn graphs_schema_becomes_a_job() {
    let job = Job::from_graph(include_str!("../fixtures/schema.json")).expect("valid");
    assert_eq!(job.name, "customappsso");
    assert_eq!(
        (job.scope, job.skip_out_of_scope_deletions, job.delete_threshold),
        (ScopeSetting::All, true, Some(7))
    );
    assert!(!job.groups.enabled && job.users.enabled && !job.users.actions.delete);
    let line =
        |name: &str| job.users.attributes.iter().find(|line| line.target.to_string() == name).expect(name);
    assert_eq!(line("userName").matching_priority, 1);
    assert_eq!(line("userName").source, Source::Direct("userPrincipalName".to_owned()));
    assert!(line("active").reads_soft_deleted());
    assert_eq!(line("timezone").default.as_deref(), Some("Europe/Berlin"));
    assert_eq!(line("title").flow_type, FlowType::ObjectAddOnly);
    assert_eq!(line("userType").source, Source::Constant("Learner".to_owned()));
    let attributes: Map<String, Value> = [("country".to_owned(), "DE".into())].into_iter().collect();
    let attribute = |name: &str| attributes.get(name).cloned().unwrap_or(Value::Null);
    assert!(job.users.filters[0].holds(&attribute));
}

#[test]
fn settings_are_read_and_the_rest_stays_juno() {
    let job = Job::from_toml("scope = \"all\"\ndelete_threshold = 0\ndialect = \"aadOptscim062020\"")
        .expect("valid");
    assert_eq!((job.scope, job.delete_threshold), (ScopeSetting::All, None));
    assert_eq!(job.users.attributes.len(), 26);
}

#[test]
fn wrong_jobs_are_told_what_is_wrong() {
    let mapping = |lines: &str| format!("[users]\nmapping = [{lines}]");
    let userid = "{ target = \"userName\", attribute = \"userPrincipalName\", matching = 1 }";
    let wrong = [
        ("sope = \"all\"".to_owned(), "unknown field"),
        (mapping("{ target = \"userName\", attribute = \"a\" }"), "no attribute is used to match"),
        (mapping(&format!("{userid}, {{ target = \"USERNAME\", attribute = \"a\" }}")), "mapped twice"),
        (
            mapping(&format!("{userid}, {{ target = \"id\", attribute = \"objectId\" }}")),
            "belongs to the server",
        ),
        (
            mapping(&format!("{userid}, {{ target = \"title\", expression = \"Frob([a])\" }}")),
            "'Frob' is not a function",
        ),
        (
            mapping(&format!("{userid}, {{ target = \"title\", attribute = \"a\", constant = \"b\" }}")),
            "more than one",
        ),
        (
            format!(
                "scope = \"all\"\n{}",
                mapping(&format!(
                    "{userid}, {{ target = \"roles\", expression = \"AppRoleAssignmentsComplex([appRoleAssignments])\" }}"
                ))
            ),
            "scope 'all'",
        ),
        ("members_per_patch = 0".to_owned(), "at least 1"),
    ];
    for (text, why) in wrong {
        let error = Job::from_toml(&text).expect_err(&text).to_string();
        assert!(error.contains(why), "{text}: {error}");
    }
}

#[test]
fn the_examples_are_valid() {
    let job = Job::from_toml(include_str!("../../examples/job.toml")).expect("valid");
    assert_eq!((job.members_per_patch, job.users.filters.len(), job.users.matching().len()), (1, 1, 2));
    let script = Script::from_toml(include_str!("../../examples/changes.toml")).expect("valid");
    assert_eq!(script.cycles.len(), 3);
}
