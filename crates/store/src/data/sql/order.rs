//! The order of a listing, and what lies behind a position in it.
//!
//! RFC 7644 section 3.4.2.3: resources without the value come last in ascending order and first in descending order.
//! Equals are in the order of their ids, ascending always.

use super::{
    condition::{Field, Holder, USER_NAME, places},
    dialect::{Dialect, JsonType, Place},
    text::{Bind, Sql, sql},
    undescribed,
};
use scim::{
    condition::Comparison,
    schema::ResourceKind,
    search::{Position, Sort, SortKey},
};
use uuid::Uuid;

/// What a listing is ordered by, before the id.
pub(super) struct Order {
    key: Option<Key>,
    descending: bool,
}

enum Key {
    /// The id itself; no other key is needed.
    Id,
    Text {
        value: Sql,
        nullable: bool,
    },
    Number {
        value: Sql,
        nullable: bool,
    },
    /// A number, or else a text, or neither: what no schema describes may have any type. Numbers come first.
    Mixed {
        text: Sql,
        number: Sql,
    },
}

impl Order {
    pub(super) fn of<D: Dialect>(kind: ResourceKind, sort: Option<&Sort>) -> Order {
        let Some(sort) = sort else { return Order { key: None, descending: false } };
        let key = match Field::of(kind, &sort.target) {
            Field::Id => Some(Key::Id),
            Field::UserName => Some(Key::Text { value: sql!(USER_NAME), nullable: false }),
            Field::Text { column, nullable } => Some(Key::Text { value: sql!(column), nullable }),
            Field::Instant(column) => Some(Key::Number { value: D::double(sql!(column)), nullable: false }),
            Field::Active | Field::Document => in_document::<D>(kind, sort),
            // Equal for all, or not sortable by.
            Field::Constant(_) | Field::Members | Field::Groups | Field::Nowhere => None,
        };
        Order { key, descending: sort.descending }
    }

    /// Two columns: the sort key if it is text, and the sort key if it is a number.
    pub(super) fn columns(&self) -> Sql {
        let (text, number) = (sql!("CAST(NULL AS text)"), sql!("CAST(NULL AS double precision)"));
        match &self.key {
            Some(Key::Text { value, .. }) => sql!(value, " AS key_text, ", number, " AS key_number"),
            Some(Key::Number { value, .. }) => sql!(text, " AS key_text, ", value, " AS key_number"),
            Some(Key::Mixed { text, number }) => sql!(text, " AS key_text, ", number, " AS key_number"),
            Some(Key::Id) | None => sql!(text, " AS key_text, ", number, " AS key_number"),
        }
    }

    /// Behind ORDER BY. `few`: an index finds the rows, and they are sorted then.
    pub(super) fn order_by<D: Dialect>(&self, few: bool) -> Sql {
        let by = |key: &'static str| if few { D::sorted(key) } else { sql!(key) };
        let (key, nullable) = match &self.key {
            None => return by("t.id"),
            Some(Key::Id) => return sql!(by("t.id"), if self.descending { " DESC" } else { "" }),
            Some(Key::Text { nullable, .. }) => ("key_text", *nullable),
            Some(Key::Number { nullable, .. }) => ("key_number", *nullable),
            Some(Key::Mixed { .. }) => {
                let direction = if self.descending { " DESC NULLS FIRST" } else { " NULLS LAST" };
                return sql!(by("key_number"), direction, ", ", by("key_text"), direction, ", t.id");
            }
        };
        let direction = match (self.descending, nullable) {
            (false, false) => "",
            (false, true) => " NULLS LAST",
            (true, false) => " DESC",
            (true, true) => " DESC NULLS FIRST",
        };
        sql!(by(key), direction, ", t.id")
    }

    /// The condition of lying behind a position; none if no resource of ours can have given it.
    pub(super) fn behind(&self, position: &Position) -> Option<Sql> {
        let id = Bind::key(Uuid::try_parse(&position.id).ok()?);
        let (value, nullable, key) = match (&self.key, &position.key) {
            (None, None) => return Some(sql!("t.id > ", id)),
            (Some(Key::Id), None) => {
                return Some(sql!("t.id", if self.descending { " < " } else { " > " }, id));
            }
            (Some(Key::Text { value, nullable: true } | Key::Number { value, nullable: true }), None) => {
                return Some(match self.descending {
                    true => sql!("(", value, " IS NOT NULL OR t.id > ", id, ")"),
                    false => sql!("(", value, " IS NULL AND t.id > ", id, ")"),
                });
            }
            (Some(Key::Text { value, nullable }), Some(SortKey::Text(key))) => {
                (value, *nullable, Bind::text(key))
            }
            (Some(Key::Number { value, nullable }), Some(SortKey::Number(key))) => {
                (value, *nullable, Bind::Double(*key))
            }
            (Some(Key::Mixed { text, number }), key) => {
                return Some(self.behind_mixed(text, number, key.as_ref(), id));
            }
            _ => return None,
        };
        let (from, behind) = if self.descending { (" <= ", " < ") } else { (" >= ", " > ") };
        // The first comparison alone bounds the scan of an index.
        let present =
            sql!("(", value, from, key.clone(), " AND (", value, behind, key, " OR t.id > ", id, "))");
        Some(match nullable && !self.descending {
            true => sql!("(", present, " OR ", value, " IS NULL)"),
            false => present,
        })
    }
}

impl Order {
    /// The condition of lying behind a position in an order of numbers, then texts, then resources without a key; descending
    /// it is the other way round.
    fn behind_mixed(&self, text: &Sql, number: &Sql, key: Option<&SortKey>, id: Bind) -> Sql {
        let behind = |value: &Sql, key: Bind| {
            let word = if self.descending { " < " } else { " > " };
            sql!("(", value, word, key.clone(), " OR (", value, " = ", key, " AND t.id > ", id.clone(), "))")
        };
        let is_absent = || sql!("(", number, " IS NULL AND ", text, " IS NULL)");
        let is_later = sql!("(", is_absent(), " AND t.id > ", id.clone(), ")");
        match (key, self.descending) {
            (None, false) => is_later,
            (None, true) => sql!("(NOT ", is_absent(), " OR ", is_later, ")"),
            (Some(SortKey::Number(key)), false) => {
                sql!("(", behind(number, Bind::Double(*key)), " OR ", number, " IS NULL)")
            }
            (Some(SortKey::Number(key)), true) => behind(number, Bind::Double(*key)),
            (Some(SortKey::Text(key)), false) => {
                sql!("(", behind(text, Bind::text(key)), " OR ", is_absent(), ")")
            }
            (Some(SortKey::Text(key)), true) => {
                sql!("(", behind(text, Bind::text(key)), " OR ", number, " IS NOT NULL)")
            }
        }
    }
}

/// The sort key in the document: of a multi-valued attribute the primary value, else the first.
fn in_document<D: Dialect>(kind: ResourceKind, sort: &Sort) -> Option<Key> {
    let target = &sort.target;
    let start = match Holder::of(kind, target) {
        Holder::Described(start) => start,
        Holder::Undescribed(urn) => {
            let text =
                undescribed::first::<D>(urn, target, |place| text::<D>(place, D::folded(D::text(place))))?;
            let number = undescribed::first::<D>(urn, target, number::<D>)?;
            return Some(Key::Mixed { text, number });
        }
    };
    let value = |place: &Place| match target.comparison {
        Comparison::Boolean => Some(D::double(sql!("(", D::boolean(place), ")"))),
        Comparison::Number => Some(sql!("(", D::number(place), ")")),
        // The key of `userName` is in a column; no document asks for it.
        Comparison::Folded | Comparison::UserName => Some(text::<D>(place, D::folded(D::text(place)))),
        Comparison::Exact => Some(text::<D>(place, D::exact(D::text(place)))),
        Comparison::Instant | Comparison::Untyped => None,
    };
    let value = match places(target, &start) {
        (place, None) => value(&place)?,
        (list, Some(element)) => {
            let primary = D::boolean(&Place::of(element.base).then("primary"));
            let value = value(&element)?;
            sql!(
                "(SELECT ",
                &value,
                " FROM ",
                D::elements(&list),
                " WHERE ",
                &value,
                " IS NOT NULL ORDER BY coalesce(",
                primary,
                ", 0) DESC, e.key LIMIT 1)"
            )
        }
    };
    Some(match target.comparison {
        Comparison::Folded | Comparison::UserName | Comparison::Exact => Key::Text { value, nullable: true },
        _ => Key::Number { value, nullable: true },
    })
}

/// A number, or a boolean as one.
fn number<D: Dialect>(place: &Place) -> Sql {
    sql!("coalesce(", D::number(place), ", ", D::double(sql!("(", D::boolean(place), ")")), ")")
}

fn text<D: Dialect>(place: &Place, text: Sql) -> Sql {
    sql!("(CASE WHEN ", D::is(place, JsonType::Text), " THEN ", text, " END)")
}
