//! Values in an extension that no schema describes, found as module `undescribed_values` of the crate `scim` finds them in
//! memory (docs/adr/0032): names ignore case, and a list stands for its elements, those of lists in lists included.

use super::{
    dialect::{Base, Dialect, Place},
    text::{Bind, Sql, sql},
};
use scim::condition::Target;

/// A condition on the extension, or on one of the values of an attribute in it or of a part of one.
pub(super) fn any<D: Dialect>(urn: &str, target: &Target, leaf: impl Fn(&Place) -> Sql) -> Sql {
    let condition = match &target.sub_attribute {
        _ if target.is_extension() => leaf(&Place::of(Base::Extension)),
        None => any_value::<D>(Base::Extension, &target.attribute, leaf),
        Some(sub) => {
            any_value::<D>(Base::Extension, &target.attribute, |_| any_value::<D>(Base::Value, sub, &leaf))
        }
    };
    match extension::<D>(urn) {
        Some(extension) => sql!("EXISTS (SELECT 1", extension, " AND ", condition, ")"),
        None => sql!("FALSE"),
    }
}

/// A condition on one of the values of a name in the object of a base.
pub(super) fn any_value<D: Dialect>(of: Base, name: &str, leaf: impl Fn(&Place) -> Sql) -> Sql {
    let inside = of.inside();
    let values = D::with_values(of, name, false);
    sql!("EXISTS (", values, "SELECT 1 FROM ", inside.alias(), " WHERE ", leaf(&Place::of(inside)), ")")
}

/// FROM and WHERE of the extension as `x`. `None` if no extension can be called so: names of objects hold no NUL, and
/// PostgreSQL takes none.
fn extension<D: Dialect>(urn: &str) -> Option<Sql> {
    let key = || Bind::text(urn.to_ascii_lowercase());
    (!urn.contains('\0'))
        .then(|| sql!(" FROM ", D::members(), " WHERE ", D::ascii_lower("x.key"), " = ", key()))
}

/// What a resource is sorted by: `key` of the first value that has one. Of a list of objects whose part is asked for, the
/// primary one comes first. `None` if no resource can have one.
pub(super) fn first<D: Dialect>(urn: &str, target: &Target, key: impl Fn(&Place) -> Sql) -> Option<Sql> {
    let (value, part) = (Place::of(Base::Value), Place::of(Base::Part));
    let values = D::with_values(Base::Extension, &target.attribute, true);
    let found = match &target.sub_attribute {
        None => sql!(
            values,
            "SELECT ",
            key(&value),
            " FROM v WHERE ",
            is_sortable::<D>(&value),
            " ORDER BY ",
            D::exact(sql!("v.way")),
            " LIMIT 1"
        ),
        Some(sub) => {
            let parts = D::with_values(Base::Value, sub, true);
            let sortable = is_sortable::<D>(&part);
            sql!(
                values,
                "SELECT (",
                parts,
                "SELECT ",
                key(&part),
                " FROM w WHERE ",
                &sortable,
                " ORDER BY ",
                D::exact(sql!("w.way")),
                " LIMIT 1) FROM v WHERE ",
                any_value::<D>(Base::Value, sub, is_sortable::<D>),
                " ORDER BY CASE WHEN ",
                any_value::<D>(Base::Value, "primary", |primary| sql!(D::boolean(primary), " = 1")),
                " THEN 0 ELSE 1 END, ",
                D::exact(sql!("v.way")),
                " LIMIT 1"
            )
        }
    };
    Some(sql!("(SELECT (", found, ")", extension::<D>(urn)?, " LIMIT 1)"))
}

/// Whether a value has a place in an order: texts, numbers and booleans do.
fn is_sortable<D: Dialect>(place: &Place) -> Sql {
    sql!(D::json_type(place), " NOT IN ('array', 'object', 'null')")
}

/// Whether a value can be selected by brackets: elements of a list can, and a value that stands alone.
pub(super) fn is_element<D: Dialect>(place: &Place) -> Sql {
    sql!(D::json_type(place), " NOT IN ('array', 'null')")
}
