//! `EXPLAIN QUERY PLAN`.

use super::{Bound, Explain, Search};
use diesel::{
    Connection, QueryableByName, RunQueryDsl, SqliteConnection, declare_sql_function, sql_query, sql_types,
};
use std::collections::BTreeSet;

#[declare_sql_function]
extern "SQL" {
    fn fold(text: sql_types::Nullable<sql_types::Text>) -> sql_types::Nullable<sql_types::Text>;
    fn key_text(key: sql_types::Binary) -> sql_types::Text;
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = sql_types::Integer)]
    id: i32,
    #[diesel(sql_type = sql_types::Integer)]
    parent: i32,
    #[diesel(sql_type = sql_types::Text)]
    detail: String,
}

pub(super) struct Sqlite(SqliteConnection);

impl Sqlite {
    pub(super) fn connect(url: &str) -> Sqlite {
        let mut connection = SqliteConnection::establish(url.trim_start_matches("sqlite://")).unwrap();
        // Plans need the functions that a store teaches its connections, not what they answer.
        fold_utils::register_impl(&mut connection, |text: Option<String>| text).unwrap();
        key_text_utils::register_impl(&mut connection, |_: Vec<u8>| String::new()).unwrap();
        Sqlite(connection)
    }
}

impl Explain for Sqlite {
    fn explain(&mut self, text: &str, _: &BTreeSet<String>) -> Vec<Search> {
        let rows: Vec<Row> = sql_query(format!("EXPLAIN QUERY PLAN {text}")).load(&mut self.0).unwrap();
        let mut searches = Vec::new();
        walk(&rows, 0, false, text, &mut searches);
        searches
    }
}

/// The steps below one: the first search of them is the outer loop, the others are done for each of its rows.
fn walk(rows: &[Row], parent: i32, is_repeated: bool, text: &str, searches: &mut Vec<Search>) {
    let mut is_inner = false;
    for row in rows.iter().filter(|row| row.parent == parent) {
        let detail = row.detail.as_str();
        if detail.starts_with("SCAN ") || detail.starts_with("SEARCH ") {
            let is_repeated = is_repeated || is_inner;
            if let Some(bound) = bound(detail, text, is_inner) {
                let table = table(detail, text);
                searches.push(Search { step: detail.to_owned(), table, bound, is_repeated });
            }
            is_inner = true;
        } else if detail.starts_with("MULTI-INDEX OR") {
            walk(rows, row.id, is_repeated || is_inner, text, searches);
            is_inner = true;
            continue;
        }
        let is_loop = detail == "RECURSIVE STEP" || detail.starts_with("CORRELATED");
        walk(rows, row.id, is_repeated || is_loop, text, searches);
    }
}

/// The table that a step looks at by its name or by an alias.
fn table(detail: &str, text: &str) -> String {
    let name = detail.split(' ').nth(1).unwrap_or_default();
    let before = text.split_once(&format!(" AS {name} ")).map(|(before, _)| before);
    let table = before.and_then(|before| before.rsplit(' ').next()).unwrap_or(name);
    table.replace('"', "")
}

/// What a step is bounded by; none if it goes through what the statement has made itself, and is the outer loop.
fn bound(detail: &str, text: &str, is_inner: bool) -> Option<Bound> {
    let name = detail.split(' ').nth(1).unwrap_or_default();
    let behind = |words: &str| text.split_once(words).map(|(_, rest)| rest.chars().next());
    let is_named = behind(&format!(") AS {name}"))
        .is_some_and(|next| next.is_none_or(|next| !next.is_ascii_alphanumeric() && next != '_'));
    let is_query = text.contains(&format!("RECURSIVE {name}(")) || is_named;
    if detail.contains("VIRTUAL TABLE") || detail.starts_with("SCAN CONSTANT") || (is_query && !is_inner) {
        return None;
    }
    // An index that is made for one statement is a scan.
    if detail.starts_with("SCAN ") || detail.contains("AUTOMATIC") {
        return Some(Bound::Nothing);
    }
    Some(if detail.ends_with("(tenant_id=?)") { Bound::Tenant } else { Bound::Keys })
}
