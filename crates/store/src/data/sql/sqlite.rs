//! SQLite's words, and the functions it learns from us.

use super::{
    dialect::{Base, Dialect, JsonType, Place},
    text::{Bind, Sql, sql},
};
use diesel::{
    QueryResult, declare_sql_function, sql_types,
    sqlite::{Sqlite, SqliteConnection},
};
use uuid::Uuid;

#[declare_sql_function]
extern "SQL" {
    /// [`scim::comparison::fold`]; SQLite's own `lower` knows ASCII only.
    fn fold(text: sql_types::Nullable<sql_types::Text>) -> sql_types::Nullable<sql_types::Text>;
    /// The canonical text of a key.
    fn key_text(key: sql_types::Binary) -> sql_types::Text;
}

/// Teaches a connection the functions that statements use.
pub(crate) fn register_functions(connection: &mut SqliteConnection) -> QueryResult<()> {
    fold_utils::register_impl(connection, |text: Option<String>| {
        text.map(|text| scim::comparison::fold(&text))
    })?;
    key_text_utils::register_impl(connection, |key: Vec<u8>| {
        Uuid::from_slice(&key).unwrap_or_default().hyphenated().to_string()
    })
}

/// What is no object has no members; its text would not be JSON, which `->>` answers with an error.
fn base(place: &Place) -> &'static str {
    match place.base {
        Base::Document => "t.document",
        Base::Element => "CASE e.type WHEN 'object' THEN e.value END",
        Base::Extension => "CASE x.type WHEN 'object' THEN x.value END",
        Base::Value => "CASE v.type WHEN 'object' THEN v.value END",
        Base::Part => "CASE w.type WHEN 'object' THEN w.value END",
    }
}

/// `$."name"."familyName"`. Names are of letters, digits, `-`, `_` and `$` (RFC 7643 section 2.1), or URNs of ours.
fn path(place: &Place) -> Sql {
    Sql::quoted(&place.names.iter().fold("$".to_owned(), |path, name| format!("{path}.\"{name}\"")))
}

/// Whether the place is a row that says its value and type by itself.
fn is_row(place: &Place) -> bool {
    place.names.is_empty() && place.base != Base::Document
}

fn json_type(place: &Place) -> Sql {
    match is_row(place) {
        true => sql!(place.base.alias(), ".type"),
        false => sql!("json_type(", base(place), ", ", path(place), ")"),
    }
}

fn char_count(text: &str) -> Bind {
    Bind::number(i64::try_from(text.chars().count()).unwrap_or(i64::MAX))
}

impl Dialect for Sqlite {
    fn folded(text: Sql) -> Sql {
        sql!("fold(", text, ")")
    }

    fn exact(text: Sql) -> Sql {
        text
    }

    fn key_text(key: Sql) -> Sql {
        sql!("key_text(", key, ")")
    }

    fn is_among(key: &'static str, query: Sql) -> Sql {
        sql!(key, " IN (", query, ")")
    }

    fn sorted(key: &'static str) -> Sql {
        sql!("+", key)
    }

    fn double(number: Sql) -> Sql {
        sql!("CAST(", number, " AS REAL)")
    }

    fn contains(text: Sql, wanted: &str) -> Sql {
        sql!("instr(", text, ", ", Bind::text(wanted), ") > 0")
    }

    fn starts_with(text: Sql, wanted: &str) -> Sql {
        sql!("substr(", text, ", 1, ", char_count(wanted), ") = ", Bind::text(wanted))
    }

    fn ends_with(text: Sql, wanted: &str) -> Sql {
        sql!("substr(", text, ", -", char_count(wanted), ") = ", Bind::text(wanted))
    }

    fn text(place: &Place) -> Sql {
        match is_row(place) {
            true => sql!(place.base.alias(), ".value"),
            false => sql!("(", base(place), " ->> ", path(place), ")"),
        }
    }

    fn number(place: &Place) -> Sql {
        let value = Self::text(place);
        sql!("CASE WHEN ", json_type(place), " IN ('integer', 'real') THEN CAST(", value, " AS REAL) END")
    }

    fn boolean(place: &Place) -> Sql {
        sql!("CASE ", json_type(place), " WHEN 'true' THEN 1 WHEN 'false' THEN 0 END")
    }

    fn is(place: &Place, wanted: JsonType) -> Sql {
        let wanted = match wanted {
            JsonType::Text => " = 'text'",
            JsonType::Object => " = 'object'",
        };
        sql!(json_type(place), wanted)
    }

    fn is_present(place: &Place) -> Sql {
        let row = place.base.alias();
        match is_row(place) {
            // Texts of a list come without quotes, so that "[]" the text and [] the list look the same.
            true => sql!(
                "CASE ",
                row,
                ".type WHEN 'null' THEN FALSE WHEN 'text' THEN ",
                row,
                ".value <> '' ELSE ",
                row,
                ".value NOT IN ('[]', '{}') END"
            ),
            false => sql!("(", base(place), " -> ", path(place), ") NOT IN ('null', '\"\"', '[]', '{}')"),
        }
    }

    fn elements(place: &Place) -> Sql {
        let (base, path) = (base(place), path(place));
        sql!(
            "json_each(CASE json_type(",
            base,
            ", ",
            &path,
            ") WHEN 'array' THEN ",
            base,
            " END, ",
            &path,
            ") AS e"
        )
    }

    fn members() -> Sql {
        sql!("json_each(t.document) AS x")
    }

    fn ascii_lower(key: &'static str) -> Sql {
        sql!("lower(", key, ")")
    }

    fn json_type(place: &Place) -> Sql {
        json_type(place)
    }

    fn with_values(of: Base, name: &str, ordered: bool) -> Sql {
        let (outer, inner) = (of.alias(), of.inside().alias());
        // Zero-padded, the numbers of nodes are in the order of their texts.
        let (columns, first, next) = match ordered {
            true => ("(value, type, way)", ", printf('%09d', n.id)", " || printf('%09d', n.id)"),
            false => ("(value, type)", "", ""),
        };
        let mut sql = sql!("WITH RECURSIVE ", inner, columns, " AS (SELECT n.value, n.type", first);
        sql.push(sql!(" FROM json_each(", base(&Place::of(of)), ") AS n WHERE ", Self::ascii_lower("n.key")));
        sql.push(sql!(" = ", Bind::text(name.to_ascii_lowercase())));
        if of == Base::Value && name.eq_ignore_ascii_case("value") {
            let way = if ordered { ", ''" } else { "" };
            sql.push(sql!(" UNION ALL SELECT ", outer, ".value, ", outer, ".type", way));
            sql.push(sql!(" WHERE ", outer, ".type NOT IN ('object', 'array')"));
        }
        sql.push(" UNION ALL SELECT n.value, n.type");
        if ordered {
            sql.push(sql!(", ", inner, ".way", next));
        }
        sql.push(sql!(
            " FROM ",
            inner,
            ", json_each(CASE ",
            inner,
            ".type WHEN 'array' THEN ",
            inner,
            ".value END) AS n) "
        ));
        sql
    }
}
