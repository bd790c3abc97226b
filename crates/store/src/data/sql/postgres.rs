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
        Base::Element => "e.value",
        Base::Extension => "x.value",
        Base::Value => "v.value",
        Base::Part => "w.value",
    }
}

/// The operand of `#>` and `#>>`.
fn path(place: &Place) -> Sql {
    let names: Vec<String> = place.names.iter().map(|name| format!("\"{name}\"")).collect();
    Sql::quoted(&format!("{{{}}}", names.join(",")))
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

    fn ascii_lower(key: &'static str) -> Sql {
        sql!("lower(", key, " COLLATE \"C\")")
    }

    fn json_type(place: &Place) -> Sql {
        sql!("json_typeof(", json(place), ")")
    }

    fn with_values(of: Base, name: &str, ordered: bool) -> Sql {
        let (outer, inner) = (base(&Place::of(of)), of.inside());
        let (alias, value) = (inner.alias(), base(&Place::of(inner)));
        // Zero-padded, the numbers of elements are in the order of their texts.
        let (columns, first, next, row) = match ordered {
            true => (
                "(value, way)",
                ", lpad(n.place::text, 9, '0')",
                " || lpad(n.place::text, 9, '0')",
                " WITH ORDINALITY",
            ),
            false => ("(value)", "", "", ""),
        };
        let place = if ordered { ", place" } else { "" };
        let mut sql = sql!("WITH RECURSIVE ", alias, columns, " AS (SELECT n.value", first);
        sql.push(sql!(" FROM json_each(CASE json_typeof(", outer, ") WHEN 'object' THEN ", outer, " END)"));
        sql.push(sql!(row, " AS n(key, value", place, ") WHERE ", Self::ascii_lower("n.key")));
        sql.push(sql!(" = ", Bind::text(name.to_ascii_lowercase())));
        if of == Base::Value && name.eq_ignore_ascii_case("value") {
            let way = if ordered { ", ''" } else { "" };
            sql.push(sql!(
                " UNION ALL SELECT ",
                outer,
                way,
                " WHERE json_typeof(",
                outer,
                ") NOT IN ('object', 'array')"
            ));
        }
        sql.push(sql!(" UNION ALL SELECT n.value"));
        if ordered {
            sql.push(sql!(", ", alias, ".way", next));
        }
        sql.push(sql!(
            " FROM ",
            alias,
            ", json_array_elements(CASE json_typeof(",
            value,
            ") WHEN 'array' THEN ",
            value
        ));
        sql.push(sql!(" END)", row, " AS n(value", place, ")) "));
        sql
    }
}
