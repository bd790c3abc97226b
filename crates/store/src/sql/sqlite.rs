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
    /// [`scim::filter::fold`]; SQLite's own `lower` knows ASCII only.
    fn fold(text: sql_types::Nullable<sql_types::Text>) -> sql_types::Nullable<sql_types::Text>;
    /// The canonical text of a key.
    fn key_text(key: sql_types::Binary) -> sql_types::Text;
}

/// Teaches a connection the functions that statements use.
pub(crate) fn register_functions(connection: &mut SqliteConnection) -> QueryResult<()> {
    fold_utils::register_impl(connection, |text: Option<String>| text.map(|text| scim::filter::fold(&text)))?;
    key_text_utils::register_impl(connection, |key: Vec<u8>| {
        Uuid::from_slice(&key).unwrap_or_default().hyphenated().to_string()
    })
}

/// What is no object has no members; its text would not be JSON, which `->>` answers with an error.
fn base(place: &Place) -> &'static str {
    match place.base {
        Base::Document => "t.document",
        Base::Extension => "CASE x.type WHEN 'object' THEN x.value END",
        Base::Element => "CASE e.type WHEN 'object' THEN e.value END",
    }
}

/// `$."name"."familyName"`. Names are of letters, digits, `-`, `_` and `$` (RFC 7643 section 2.1), or URNs of ours.
fn path(place: &Place) -> Sql {
    let path = place.names.iter().fold("$".to_owned(), |path, name| format!("{path}.\"{}\"", name.text));
    match place.names.iter().all(|name| name.known) {
        true => Sql::quoted(&path),
        false => sql!(Bind::text(path)),
    }
}

fn json_type(place: &Place) -> Sql {
    match (place.base, place.names.is_empty()) {
        (Base::Element, true) => sql!("e.type"),
        _ => sql!("json_type(", base(place), ", ", path(place), ")"),
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
        match (place.base, place.names.is_empty()) {
            (Base::Element, true) => sql!("e.value"),
            _ => sql!("(", base(place), " ->> ", path(place), ")"),
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
        match (place.base, place.names.is_empty()) {
            // Texts of a list come without quotes, so that "[]" the text and [] the list look the same.
            (Base::Element, true) => sql!(
                "CASE e.type WHEN 'null' THEN FALSE WHEN 'text' THEN e.value <> '' ELSE e.value NOT IN ('[]', '{}') END"
            ),
            _ => sql!("(", base(place), " -> ", path(place), ") NOT IN ('null', '\"\"', '[]', '{}')"),
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

    fn ascii_lower_key() -> Sql {
        sql!("lower(x.key)")
    }
}
