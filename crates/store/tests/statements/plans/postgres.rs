//! `EXPLAIN` in a session that is set up as ours are.

use super::{Bound, Explain, Search};
use diesel::{
    Connection, PgConnection, QueryableByName, RunQueryDsl, connection::SimpleConnection, sql_query,
    sql_types,
};
use serde_json::Value;
use std::collections::BTreeSet;

#[derive(QueryableByName)]
struct Plan {
    #[diesel(sql_type = sql_types::Text, column_name = "QUERY PLAN")]
    plan: String,
}

pub(super) struct Postgres(PgConnection);

impl Postgres {
    pub(super) fn connect(url: &str, set_up: &str) -> Postgres {
        assert!(set_up.contains("force_generic_plan"), "{set_up}");
        let mut connection = PgConnection::establish(url).unwrap();
        connection.batch_execute(set_up).unwrap();
        Postgres(connection)
    }
}

impl Explain for Postgres {
    fn explain(&mut self, text: &str, binds: &BTreeSet<String>) -> Vec<Search> {
        if let Some((_, locking)) = text.split_once("BEGIN; ") {
            return self.explain(locking, binds);
        }
        let count = (1..).take_while(|n| text.contains(&format!("${n}"))).count();
        self.prepare(text, &types(text, count, binds));
        let nulls = if count == 0 { String::new() } else { format!("({})", vec!["NULL"; count].join(", ")) };
        let explain = format!("EXPLAIN (FORMAT JSON, COSTS OFF) EXECUTE explained{nulls}");
        let rows: Vec<Plan> = sql_query(explain).load(&mut self.0).unwrap();
        self.0.batch_execute("DEALLOCATE explained").unwrap();
        let plan: Value = serde_json::from_str(&rows[0].plan).unwrap();
        let mut searches = Vec::new();
        walk(&plan[0]["Plan"], "", false, &mut searches);
        searches
    }
}

impl Postgres {
    /// Prepares a statement. An array that was always empty has one of few types, which the statement fits.
    fn prepare(&mut self, text: &str, types: &[&'static str]) {
        let is_array = |name: &str| name == "unknown" && text.contains("unnest(");
        let unknown = types.iter().filter(|name| is_array(name)).count();
        let choices = std::iter::repeat_n(["json[]", "text[]", "uuid[]"], unknown);
        let mut tries = vec![Vec::new()];
        for choice in choices {
            tries = tries
                .iter()
                .flat_map(|made| choice.map(|name| [made.clone(), vec![name]].concat()))
                .collect();
        }
        let mut last = None;
        for made in tries {
            let mut made = made.into_iter();
            let all: Vec<_> =
                types.iter().map(|name| if is_array(name) { made.next().unwrap() } else { *name }).collect();
            let list = if all.is_empty() { String::new() } else { format!("({})", all.join(", ")) };
            match self.0.batch_execute(&format!("PREPARE explained{list} AS {text}")) {
                Ok(()) => return,
                Err(error) => last = Some(error),
            }
        }
        panic!("{last:?}: {text}");
    }
}

/// The types that diesel declares, as far as binds tell them; the database finds the others.
fn types(text: &str, count: usize, binds: &BTreeSet<String>) -> Vec<&'static str> {
    let mut types = vec!["unknown"; count];
    // A statement of diesel's own compares columns, whose types are known.
    if text.contains("unnest(") {
        for binds in binds {
            for (found, bind) in types.iter_mut().zip(split(binds)) {
                *found = array_type(bind).unwrap_or(found);
            }
        }
    }
    types
}

/// Binds as Rust prints them, each by itself.
fn split(binds: &str) -> Vec<&str> {
    let binds = binds.strip_prefix('[').and_then(|binds| binds.strip_suffix(']')).unwrap_or_default();
    let (mut found, mut start, mut depth, mut quoted, mut escaped) = (Vec::new(), 0, 0, false, false);
    for (at, c) in binds.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '[' | '(' if !quoted => depth += 1,
            ']' | ')' if !quoted => depth -= 1,
            ',' if !quoted && depth == 0 => {
                found.push(binds[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    found.push(binds[start..].trim());
    found
}

/// The type of an array; none if it holds nothing that tells.
fn array_type(bind: &str) -> Option<&'static str> {
    let element = split(bind).into_iter().find(|element| !element.is_empty() && *element != "None")?;
    let element = element.strip_prefix("Some(").unwrap_or(element);
    Some(match element {
        element if element.starts_with("Id(") => "uuid[]",
        element if element.starts_with("Json(") => "json[]",
        element if element.starts_with('"') => "text[]",
        element if element.starts_with("true") || element.starts_with("false") => "boolean[]",
        _ => "bigint[]",
    })
}

fn walk(plan: &Value, above: &str, is_repeated: bool, searches: &mut Vec<Search>) {
    // A search of an index for a bitmap does not say whose index it is; the step above does.
    let table = plan["Relation Name"].as_str().unwrap_or(above);
    let text = |key: &str| plan[key].as_str().unwrap_or_default();
    let is_search = match text("Node Type") {
        // The index below it is what is searched.
        "Bitmap Heap Scan" => false,
        "Bitmap Index Scan" => true,
        _ => plan["Relation Name"].is_string() && text("Node Type") != "ModifyTable",
    };
    if is_search {
        let step = format!(
            "{} {} {} {} [{}]",
            text("Node Type"),
            text("Relation Name"),
            text("Index Name"),
            text("Index Cond"),
            text("Filter")
        );
        let bound = bound(text("Index Cond"));
        searches.push(Search { step, table: table.to_owned(), bound, is_repeated });
    }
    let is_loop = matches!(text("Node Type"), "Nested Loop" | "Recursive Union");
    for below in plan["Plans"].as_array().into_iter().flatten() {
        let relationship = below["Parent Relationship"].as_str().unwrap_or_default();
        // What is hashed is read once.
        let name = below["Subplan Name"].as_str().unwrap_or_default();
        let is_hashed = text("Filter").contains(&format!("hashed {name}"));
        let is_inner = (is_loop && relationship == "Inner") || (relationship == "SubPlan" && !is_hashed);
        walk(below, table, is_repeated || is_inner, searches);
    }
}

/// What an index condition such as `((tenant_id = $1) AND (id = $2))` bounds.
fn bound(condition: &str) -> Bound {
    let columns: BTreeSet<&str> = condition
        .split(" AND ")
        .filter_map(|part| part.trim_start_matches('(').split(' ').next())
        .filter(|column| !column.is_empty())
        .collect();
    match (columns.len(), columns.contains("tenant_id")) {
        (0, _) => Bound::Nothing,
        (1, true) => Bound::Tenant,
        _ => Bound::Keys,
    }
}
