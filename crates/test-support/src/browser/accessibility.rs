//! What axe-core (the npm package, in `target/axe`) finds wrong with a page for people who see, hear or move otherwise.

use super::Browser;
use serde_json::{Value, json};
use std::{fs, sync::OnceLock};

/// The levels of WCAG 2.2 that the law asks for, and what is good practice beyond.
const RULES: &[&str] = &["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/axe/node_modules/axe-core/axe.min.js");

/// Runs all rules of those kinds; answers how many found something to judge, and what each violated one says of which elements.
const RUN: &str = "const [rules] = arguments;
    const found = await axe.run(document, { runOnly: rules, resultTypes: ['violations'] });
    const said = violation => violation.nodes.map(node =>
        `${violation.impact} ${violation.id}: ${violation.help}: ${node.html}: ${node.failureSummary}`);
    return { passed: found.passes.length, violations: found.violations.flatMap(said) };";

impl Browser {
    /// What is wrong with the page, nothing hopefully: a line for each element that violates a rule.
    #[track_caller]
    pub fn violations(&self) -> Vec<String> {
        static AXE: OnceLock<String> = OnceLock::new();
        let axe = AXE.get_or_init(|| {
            fs::read_to_string(FILE)
                .unwrap_or_else(|cause| panic!("{FILE}: {cause}: run `make test`, or `deploy/setup.sh axe`"))
        });
        if self.script("return typeof axe === 'undefined'", vec![]) == true {
            self.script(axe, vec![]);
        }
        let found = self.script(
            &format!("return (async function () {{ {RUN} }}).apply(null, arguments)"),
            vec![json!(RULES)],
        );
        assert!(found["passed"].as_u64() > Some(5), "axe-core has judged nothing: {found}");
        let lines = found["violations"].as_array().expect("violations").iter();
        lines.map(|line| Value::as_str(line).expect("a line").to_owned()).collect()
    }
}
