//! PostgreSQL's words.
//!
//! Case is folded by ICU (`und-x-icu`, part of every build with ICU), which is what Rust's `to_lowercase` does: full
//! mapping, final sigma included. Compared over all of Unicode, ICU 72 differs from Rust 1.95 in nothing but the 55
//! capital letters that Unicode 16 and 17 added (Garay, Beria Erfe and a few Latin ones), which it does not know yet.

use super::{
    dialect::{Base, Dialect, JsonType, Place},
    text::{Bind, Sql, sql},
};
use diesel::pg::Pg;

fn base(place: &Place) -> &'static str {
    match place.base {
        Base::Document => "t.document",
        Base::Extension => "x.value",
        Base::Element => "e.value",
    }
}

/// The operand of `#>` and `#>>`.
fn path(place: &Place) -> Sql {
    if place.names.iter().all(|name| name.known) {
        let names: Vec<String> = place.names.iter().map(|name| format!("\"{}\"", name.text)).collect();
        return Sql::quoted(&format!("{{{}}}", names.join(",")));
    }
    let names = place.names.iter().map(|name| match name.known {
        true => Sql::quoted(&name.text),
        false => sql!(Bind::text(&name.text)),
    });
    sql!("ARRAY[", Sql::joined(names, ", "), "]")
}

fn json(place: &Place) -> Sql {
    match place.names.is_empty() {
        true => sql!(base(place)),
        false => sql!("(", base(place), " #> ", path(place), ")"),
    }
}

impl Dialect for Pg {
    fn folded(text: Sql) -> Sql {
        sql!("lower(", text, " COLLATE \"und-x-icu\") COLLATE \"C\"")
    }

    fn exact(text: Sql) -> Sql {
        sql!(text, " COLLATE \"C\"")
    }

    fn key_text(key: Sql) -> Sql {
        sql!(key, "::text COLLATE \"C\"")
    }

    /// As an array: a query behind IN may be joined, and then each resource of the tenant is looked at.
    fn is_among(key: &'static str, query: Sql) -> Sql {
        sql!(key, " = ANY (ARRAY(", query, "))")
    }

    /// An expression that no index is in the order of. A column of the answer can be named, and not be part of one.
    fn sorted(key: &'static str) -> Sql {
        if key == "t.id" { sql!("greatest(t.id)") } else { sql!(key) }
    }

    fn double(number: Sql) -> Sql {
        sql!(number, "::float8")
    }

    fn contains(text: Sql, wanted: &str) -> Sql {
        sql!("strpos(", text, ", ", Bind::text(wanted), ") > 0")
    }

    fn starts_with(text: Sql, wanted: &str) -> Sql {
        sql!("starts_with(", text, ", ", Bind::text(wanted), ")")
    }

    fn ends_with(text: Sql, wanted: &str) -> Sql {
        sql!("right(", text, ", length(", Bind::text(wanted), ")) = ", Bind::text(wanted))
    }

    fn text(place: &Place) -> Sql {
        sql!("(", base(place), " #>> ", path(place), ")")
    }

    fn number(place: &Place) -> Sql {
        sql!("CASE json_typeof(", json(place), ") WHEN 'number' THEN ", Self::text(place), "::float8 END")
    }

    fn boolean(place: &Place) -> Sql {
        sql!(
            "CASE json_typeof(",
            json(place),
            ") WHEN 'boolean' THEN ",
            Self::text(place),
            "::boolean::int END"
        )
    }

    fn is(place: &Place, wanted: JsonType) -> Sql {
        let wanted = match wanted {
            JsonType::Text => " = 'string'",
            JsonType::Object => " = 'object'",
        };
        sql!("json_typeof(", json(place), ")", wanted)
    }

    fn is_present(place: &Place) -> Sql {
        sql!(json(place), "::text NOT IN ('null', '\"\"', '[]', '{}')")
    }

    fn elements(place: &Place) -> Sql {
        let list = json(place);
        sql!(
            "json_array_elements(CASE json_typeof(",
            &list,
            ") WHEN 'array' THEN ",
            &list,
            " END) WITH ORDINALITY AS e(value, key)"
        )
    }

    fn members() -> Sql {
        sql!("json_each(t.document) AS x(key, value)")
    }

    fn ascii_lower_key() -> Sql {
        sql!("lower(x.key COLLATE \"C\")")
    }
}
