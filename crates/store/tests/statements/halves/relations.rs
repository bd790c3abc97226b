//! The tables that a statement names, and whether it binds the tenant of each. Reads the SQL that we write, not any SQL.

use super::tables::half;

/// A table in a statement.
#[derive(Debug)]
pub(super) struct Relation {
    pub(super) table: String,
    /// Whether rows are inserted into it.
    pub(super) is_inserted: bool,
    /// Whether the statement says `tenant_id = $n` or `= ANY ($n)` of it; or names `tenant_id` among the columns that are
    /// inserted.
    pub(super) binds_tenant: bool,
}

/// Words and punctuation: `r.tenant_id`, `=`, `$1`, `(`.
fn tokens(text: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut word = String::new();
    for c in text.chars().filter(|c| *c != '"') {
        let is_word = c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '$');
        if !is_word && !word.is_empty() {
            tokens.push(std::mem::take(&mut word));
        }
        match c {
            _ if is_word => word.push(c),
            _ if c.is_whitespace() => {}
            _ => tokens.push(c.to_string()),
        }
    }
    tokens.push(word);
    // Looking ahead never ends behind the last one.
    tokens.extend(std::iter::repeat_n(String::new(), 5));
    tokens
}

/// What a table stands behind.
const BEFORE: [&str; 6] = ["FROM", "JOIN", "INTO", "UPDATE", "USING", "("];
/// What stands behind a table that has no alias.
const BEHIND: [&str; 14] = [
    "SET",
    "WHERE",
    "USING",
    "ON",
    "JOIN",
    "INNER",
    "LEFT",
    "CROSS",
    "ORDER",
    "LIMIT",
    "FOR",
    "GROUP",
    "UNION",
    "RETURNING",
];

pub(super) fn relations(text: &str) -> Vec<Relation> {
    let tokens = tokens(text);
    let token = |at: usize| tokens.get(at).map(String::as_str).unwrap_or_default();
    let mut relations = Vec::new();
    for at in 1..tokens.len() {
        let table = token(at);
        // `users.id` in parentheses is a column: it is one word.
        if half(table).is_none() || !BEFORE.contains(&token(at - 1)) {
            continue;
        }
        let is_inserted = token(at - 1) == "INTO";
        let next = if token(at + 1) == "AS" { token(at + 2) } else { token(at + 1) };
        let has_alias = next.chars().all(|c| c.is_ascii_lowercase() || c == '_') && !next.is_empty();
        let alias = if has_alias && !BEHIND.contains(&next) { next } else { table };
        let binds_tenant = match is_inserted {
            true => tokens[at..].iter().take_while(|token| *token != ")").any(|token| token == "tenant_id"),
            false => binds_tenant(&tokens, alias),
        };
        relations.push(Relation { table: table.to_owned(), is_inserted, binds_tenant });
    }
    relations
}

/// `alias.tenant_id = $1`, `= ANY ($1)`, or `= other.tenant_id` where the other is bound; or the same without an alias.
fn binds_tenant(tokens: &[String], alias: &str) -> bool {
    let qualified = format!("{alias}.tenant_id");
    let is_bind = |token: &str| token.starts_with('$');
    tokens.windows(5).any(|window| {
        let [column, equals, value, parenthesis, bind] = window else { return false };
        let is_tenant = *column == qualified || column == "tenant_id";
        let is_bound_as = |other: &str| {
            other.ends_with(".tenant_id")
                && tokens
                    .windows(3)
                    .any(|window| window[0] == other && window[1] == "=" && is_bind(&window[2]))
        };
        is_tenant
            && equals == "="
            && (is_bind(value)
                || is_bound_as(value)
                || (value == "ANY" && parenthesis == "(" && is_bind(bind)))
    })
}
