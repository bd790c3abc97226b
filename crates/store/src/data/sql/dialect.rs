//! [`Dialect`]: the few snippets in which the databases differ, and [`Place`], where in a document a value stands.

use super::text::Sql;
use diesel::backend::Backend;

/// JSON types that conditions tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JsonType {
    Text,
    Object,
}

/// What a [`Place`] starts from; each has a fixed alias, since none ever stands within another of its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Base {
    /// `t.document`
    Document,
    /// `e.value`: an element of a list.
    Element,
    /// `x.value`: the object of an extension that no schema describes.
    Extension,
    /// `v.value`: a value of an attribute in such an extension.
    Value,
    /// `w.value`: a value of a part of such a value.
    Part,
}

impl Base {
    /// The alias of the row that holds it.
    pub(crate) fn alias(self) -> &'static str {
        match self {
            Base::Document => "t",
            Base::Element => "e",
            Base::Extension => "x",
            Base::Value => "v",
            Base::Part => "w",
        }
    }

    /// What stands inside a value that no schema describes.
    pub(crate) fn inside(self) -> Base {
        if self == Base::Extension { Base::Value } else { Base::Part }
    }
}

/// A place in JSON: names to follow from a base. The names are spelled by a schema of ours, so that they can be written in
/// a statement; what a request says is bound.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Place {
    pub(crate) base: Base,
    pub(crate) names: Vec<String>,
}

impl Place {
    /// The base itself.
    pub(crate) fn of(base: Base) -> Place {
        Place { base, names: Vec::new() }
    }

    /// The same with one more name.
    pub(crate) fn then(&self, name: &str) -> Place {
        let mut names = self.names.clone();
        names.push(name.to_owned());
        Place { base: self.base, names }
    }
}

/// How a database says it. Whatever is absent is NULL, and only `IS TRUE` counts as true.
pub(crate) trait Dialect: Backend {
    /// A text of the document in lower case, as [`scim::comparison::fold`] makes it; in the order of code points.
    fn folded(text: Sql) -> Sql;
    /// A text of the document as it is; in the order of code points.
    fn exact(text: Sql) -> Sql;
    /// The canonical text of a key column.
    fn key_text(key: Sql) -> Sql;
    /// Whether a key is one of those that a query finds, which is answered once and first.
    fn is_among(key: &'static str, query: Sql) -> Sql;
    /// What to order by, so that no index is walked in this order: the index that finds the few rows is used instead.
    fn sorted(key: &'static str) -> Sql;
    /// A number for sorting, out of a whole one.
    fn double(number: Sql) -> Sql;

    /// Whether a text contains another, which is not empty.
    fn contains(text: Sql, wanted: &str) -> Sql;
    /// Whether a text begins with another, which is not empty.
    fn starts_with(text: Sql, wanted: &str) -> Sql;
    /// Whether a text ends with another, which is not empty.
    fn ends_with(text: Sql, wanted: &str) -> Sql;

    /// The value as unquoted text; something for any JSON type.
    fn text(place: &Place) -> Sql;
    /// The value if it is a number, as a double.
    fn number(place: &Place) -> Sql;
    /// The value if it is a boolean, as 0 or 1.
    fn boolean(place: &Place) -> Sql;
    /// Whether the value is of a type.
    fn is(place: &Place, wanted: JsonType) -> Sql;
    /// Whether the value is none of null, `""`, `[]` and `{}`. Documents are stored without white space.
    fn is_present(place: &Place) -> Sql;

    /// FROM item: the elements of a list as `e(value, key)`, `key` counting them; no row for what is no list.
    fn elements(place: &Place) -> Sql;
    /// FROM item: the members of the document as `x(key, value)`.
    fn members() -> Sql;
    /// A name of a member in ASCII lower case.
    fn ascii_lower(key: &'static str) -> Sql;
    /// The name of the JSON type of the value; both databases say `array`, `object` and `null`.
    fn json_type(place: &Place) -> Sql;

    /// `WITH` of the values of a name in the object of a base, as rows of [`Base::inside`]: names in any case, and of a
    /// list each element, those of lists in lists included. A column `way` orders them if they are `ordered`. What is no
    /// object has no members, but is its own `value`.
    fn with_values(of: Base, name: &str, ordered: bool) -> Sql;
}
