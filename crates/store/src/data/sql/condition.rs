//! [`Condition`] as the condition of a WHERE clause: true of a row exactly when [`Condition::matches`] of its resource.
//!
//! SQL has three values, conditions have two. Whatever is absent is NULL here; AND, OR and EXISTS let NULL end as not
//! true, and NOT is written `IS NOT TRUE`, so the third value never shows.

use super::{
    dialect::{Base, Dialect, JsonType, Place},
    membership,
    text::{Bind, Sql, sql},
    undescribed,
};
use crate::data::model::{ResourceId, TenantId};
use scim::{
    comparison::user_name_key,
    condition::{Comparison, Condition, Literal, Operator, Target},
    resource::SEVERAL,
    schema::{ResourceKind, ResourceType},
};
use std::marker::PhantomData;

/// Translates conditions on the resources of one kind of one tenant; the table is aliased `t`.
pub(super) struct Translator<D> {
    pub(super) kind: ResourceKind,
    pub(super) tenant: TenantId,
    dialect: PhantomData<D>,
}

/// What the names of a condition mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scope {
    /// Attributes of the resource.
    Resource,
    /// Sub-attributes of `e.value`, an element of a list.
    Element,
    /// `value` and `type` of `m`, a membership of the group.
    Member,
    /// `value` of `a`, a group that the user belongs to.
    GroupOf,
}

/// Where the value of an attribute of the resource is kept.
pub(super) enum Field {
    /// The key column.
    Id,
    /// The column of the key of `userName`.
    UserName,
    /// Another text column that holds what is compared: in lower case, or exact.
    Text { column: &'static str, nullable: bool },
    /// The column `active`, which is true where the document says nothing.
    Active,
    /// A column of milliseconds.
    Instant(&'static str),
    /// The same for every resource.
    Constant(&'static str),
    /// Members of the group.
    Members,
    /// Groups of the user.
    Groups,
    /// The document.
    Document,
    /// Nowhere: the standard knows it, filters do not.
    Nowhere,
}

/// The column of [`Field::UserName`].
pub(super) const USER_NAME: &str = "t.user_name";

impl Field {
    pub(super) fn of(kind: ResourceKind, target: &Target) -> Field {
        use ResourceKind::{Group, User};
        if target.extension.is_some() {
            return Field::Document;
        }
        match (kind, target.attribute.as_str(), target.sub_attribute.as_deref()) {
            (_, "id", _) => Field::Id,
            (User, "userName", _) => Field::UserName,
            (_, "externalId", _) => Field::Text { column: "t.external_id", nullable: true },
            (_, "displayName", _) => Field::Text { column: "t.display_name", nullable: true },
            (User, "active", _) => Field::Active,
            (_, "meta", Some("created")) => Field::Instant("t.created_at"),
            (_, "meta", Some("lastModified")) => Field::Instant("t.modified_at"),
            (_, "meta", Some("resourceType")) => Field::Constant(kind.name()),
            (_, "meta", _) => Field::Nowhere,
            (Group, "members", _) => Field::Members,
            (User, "groups", _) => Field::Groups,
            _ => Field::Document,
        }
    }
}

/// Whether only the document answers for an attribute; a column of users that has no index does not.
pub(super) fn is_in_document(kind: ResourceKind, target: &Target) -> bool {
    let has_no_index = kind == ResourceKind::User && target.attribute == "displayName";
    has_no_index || matches!(Field::of(kind, target), Field::Document)
}

impl<D: Dialect> Translator<D> {
    pub(super) fn new(tenant: TenantId, kind: ResourceKind) -> Self {
        Translator { kind, tenant, dialect: PhantomData }
    }

    /// The condition on a resource.
    pub(super) fn translate(&self, condition: &Condition) -> Sql {
        self.within(condition, Scope::Resource)
    }

    /// Recursion is as deep as the filter, which its parser bounds.
    fn within(&self, condition: &Condition, scope: Scope) -> Sql {
        let all = |parts: &[Condition], word| {
            sql!("(", Sql::joined(parts.iter().map(|part| self.within(part, scope)), word), ")")
        };
        match condition {
            Condition::All(parts) => all(parts, " AND "),
            Condition::Any(parts) => all(parts, " OR "),
            Condition::Not(part) => sql!("((", self.within(part, scope), ") IS NOT TRUE)"),
            Condition::Test(target, operator, literal) => self.test(target, *operator, literal, scope),
            Condition::Present(target) => self.present(target, scope),
            Condition::Element(target, inner) => self.element(target, inner),
            Condition::Never => never(),
        }
    }

    fn test(&self, target: &Target, operator: Operator, literal: &Literal, scope: Scope) -> Sql {
        match scope {
            Scope::Resource => self.test_resource(target, operator, literal),
            Scope::Element => {
                in_element::<D>(target, |place| test_json::<D>(place, target.comparison, operator, literal))
            }
            Scope::Member => test_member::<D>(&target.attribute, operator, literal),
            Scope::GroupOf => test_key::<D>("a.id", operator, literal),
        }
    }

    fn test_resource(&self, target: &Target, operator: Operator, literal: &Literal) -> Sql {
        let in_document =
            || self.in_document(target, |place| test_json::<D>(place, target.comparison, operator, literal));
        match (Field::of(self.kind, target), literal) {
            (Field::Id, _) => test_key::<D>("t.id", operator, literal),
            (Field::UserName, Literal::Text(wanted)) => self.test_user_name(operator, wanted),
            (Field::UserName, Literal::OneOf(texts)) => {
                let keys: Vec<String> = texts.iter().map(|text| user_name_key(text)).collect();
                one_of(sql!(USER_NAME), operator, &keys)
            }
            (Field::Text { column, .. }, Literal::Text(wanted)) => test_column::<D>(column, operator, wanted),
            (Field::Text { column, .. }, Literal::OneOf(texts)) => one_of(sql!(column), operator, texts),
            (Field::Active, Literal::Bool(true)) => sql!("(t.active AND ", in_document(), ")"),
            (Field::Active, Literal::Bool(false)) => sql!("NOT t.active"),
            (Field::Instant(column), Literal::Instant(wanted)) => {
                compare(sql!(column), operator, Bind::number(*wanted))
            }
            (Field::Constant(constant), Literal::Text(wanted)) => {
                test_text::<D>(D::exact(Sql::quoted(constant)), operator, wanted)
            }
            (Field::Members, _) => {
                let sub = target.sub_attribute.as_deref().unwrap_or("value");
                match member_id(sub, operator, literal) {
                    Some(member) => membership::has_member::<D>(self.tenant, member),
                    None => membership::any_member(self.tenant, test_member::<D>(sub, operator, literal)),
                }
            }
            (Field::Groups, _) => match member_id("value", operator, literal) {
                Some(group) => membership::belongs_to::<D>(self.tenant, group),
                None => membership::any_group(self.tenant, test_key::<D>("a.id", operator, literal)),
            },
            (Field::Document, _) => in_document(),
            _ => never(),
        }
    }

    /// A test of `userName`, whose column holds the key, or of a user whose key belongs to another one the lower case
    /// (`docs/adr/0034`). `eq` finds that user by its own spelling, and the other one by any other.
    fn test_user_name(&self, operator: Operator, wanted: &str) -> Sql {
        let key = user_name_key(wanted);
        if operator != Operator::Equal || key == wanted {
            return test_column::<D>(USER_NAME, operator, &key);
        }
        sql!(
            USER_NAME,
            " = coalesce((SELECT s.user_name FROM users AS s WHERE s.tenant_id = ",
            Bind::key(self.tenant.0),
            " AND s.user_name = ",
            Bind::text(wanted),
            "), ",
            Bind::text(key),
            ")"
        )
    }

    fn present(&self, target: &Target, scope: Scope) -> Sql {
        match scope {
            Scope::Resource => match Field::of(self.kind, target) {
                Field::Id | Field::Instant(_) | Field::Constant(_) => always(),
                Field::UserName => sql!(USER_NAME, " <> ''"),
                Field::Text { column, .. } => sql!(column, " <> ''"),
                Field::Members => membership::any_member(self.tenant, always()),
                Field::Groups => membership::any_direct_group(self.tenant),
                Field::Active | Field::Document => self.in_document(target, D::is_present),
                Field::Nowhere => never(),
            },
            Scope::Element => in_element::<D>(target, D::is_present),
            Scope::Member | Scope::GroupOf => always(),
        }
    }

    fn element(&self, target: &Target, inner: &Condition) -> Sql {
        match Field::of(self.kind, target) {
            Field::Members => membership::any_member(self.tenant, self.within(inner, Scope::Member)),
            Field::Groups => membership::any_group(self.tenant, self.within(inner, Scope::GroupOf)),
            _ => {
                let in_document = self.in_document(target, |element| {
                    let is_element = match target.comparison {
                        Comparison::Untyped => undescribed::is_element::<D>(element),
                        _ => D::is(element, JsonType::Object),
                    };
                    sql!(is_element, " AND ", self.within(inner, Scope::Element))
                });
                match work_email(self.kind, target, inner) {
                    Some(SEVERAL) => sql!("(t.work_email = ", Bind::text(SEVERAL), " AND ", in_document, ")"),
                    Some(wanted) => sql!(
                        "(t.work_email IN (",
                        Bind::text(wanted),
                        ", ",
                        Bind::text(SEVERAL),
                        ") AND (t.work_email = ",
                        Bind::text(wanted),
                        " OR ",
                        in_document,
                        "))"
                    ),
                    None => in_document,
                }
            }
        }
    }

    /// A condition on the value, or on any of the values, of an attribute in the document.
    fn in_document(&self, target: &Target, leaf: impl Fn(&Place) -> Sql) -> Sql {
        let start = match Holder::of(self.kind, target) {
            Holder::Undescribed(urn) => return undescribed::any::<D>(urn, target, leaf),
            Holder::Described(start) if target.is_extension() => return leaf(&start),
            Holder::Described(start) => start,
        };
        match places(target, &start) {
            (list, Some(element)) => {
                sql!("EXISTS (SELECT 1 FROM ", D::elements(&list), " WHERE ", leaf(&element), ")")
            }
            (value, None) => leaf(&value),
        }
    }
}

/// The object in the document that holds an attribute.
pub(super) enum Holder<'t> {
    /// The document, or an extension that a schema describes.
    Described(Place),
    /// The extension of this URN, which no schema describes.
    Undescribed(&'t str),
}

impl Holder<'_> {
    pub(super) fn of(kind: ResourceKind, target: &Target) -> Holder<'_> {
        let document = Place::of(Base::Document);
        match &target.extension {
            None => Holder::Described(document),
            Some(urn) => match ResourceType::of(kind).extension(urn) {
                Some(schema) => Holder::Described(document.then(&schema.id)),
                None => Holder::Undescribed(urn),
            },
        }
    }
}

/// Where a described value stands; of a multi-valued attribute the list, and where in each element the value stands.
pub(super) fn places(target: &Target, start: &Place) -> (Place, Option<Place>) {
    let whole = start.then(&target.attribute);
    let sub = target.sub_attribute.clone();
    match target.multi_valued {
        true => (whole, Some(Place { base: Base::Element, names: sub.into_iter().collect() })),
        false => (sub.map_or(whole.clone(), |sub| whole.then(&sub)), None),
    }
}

/// A condition on a part of an element.
fn in_element<D: Dialect>(target: &Target, leaf: impl Fn(&Place) -> Sql) -> Sql {
    match target.comparison {
        Comparison::Untyped => undescribed::any_value::<D>(Base::Value, &target.attribute, leaf),
        _ => leaf(&Place::of(Base::Element).then(&target.attribute)),
    }
}

fn never() -> Sql {
    sql!("FALSE")
}

fn always() -> Sql {
    sql!("TRUE")
}

/// Whether the condition is `emails[type eq "work" and value eq "…"]`, which a column answers.
pub(super) fn is_work_email(kind: ResourceKind, target: &Target, inner: &Condition) -> bool {
    work_email(kind, target, inner).is_some()
}

/// The folded address if the condition is `emails[type eq "work" and value eq "…"]`.
fn work_email<'a>(kind: ResourceKind, target: &Target, inner: &'a Condition) -> Option<&'a str> {
    let Condition::All(parts) = inner else { return None };
    let equal = |part: &'a Condition| match part {
        Condition::Test(target, Operator::Equal, Literal::Text(text)) => {
            Some((target.attribute.clone(), text.as_str()))
        }
        _ => None,
    };
    let [one, other] = parts.as_slice() else { return None };
    let (one, other) = (equal(one)?, equal(other)?);
    let (kind_of, value) = if one.0 == "type" { (one, other) } else { (other, one) };
    let is_work = kind == ResourceKind::User
        && target.extension.is_none()
        && target.attribute == "emails"
        && (kind_of.0 == "type" && kind_of.1 == "work" && value.0 == "value");
    is_work.then_some(value.1)
}

/// The id that a member must have, if it is asked for by nothing else.
fn member_id(sub_attribute: &str, operator: Operator, literal: &Literal) -> Option<ResourceId> {
    match (sub_attribute, operator, literal) {
        ("value", Operator::Equal, Literal::Text(text)) => ResourceId::parse(text),
        _ => None,
    }
}

fn test_member<D: Dialect>(sub_attribute: &str, operator: Operator, literal: &Literal) -> Sql {
    match (sub_attribute, literal) {
        ("value", _) => test_key::<D>("m.member_id", operator, literal),
        ("type", Literal::Text(wanted)) => {
            let folded = sql!("(CASE WHEN m.member_is_group THEN 'group' ELSE 'user' END)");
            test_text::<D>(D::exact(folded), operator, wanted)
        }
        _ => never(),
    }
}

fn test_key<D: Dialect>(column: &'static str, operator: Operator, literal: &Literal) -> Sql {
    match (operator, literal) {
        (Operator::Equal, Literal::Text(text)) => match ResourceId::parse(text) {
            Some(id) => sql!(column, " = ", Bind::key(id.0)),
            None => never(),
        },
        (_, Literal::Text(wanted)) => test_text::<D>(D::key_text(sql!(column)), operator, wanted),
        _ => never(),
    }
}

/// A column of texts in the order of code points, indexed: a beginning is a range.
fn test_column<D: Dialect>(column: &'static str, operator: Operator, wanted: &str) -> Sql {
    match operator {
        Operator::StartsWith if !wanted.is_empty() => match behind_all_that_start_with(wanted) {
            Some(end) => {
                sql!("(", column, " >= ", Bind::text(wanted), " AND ", column, " < ", Bind::text(end), ")")
            }
            None => sql!(column, " >= ", Bind::text(wanted)),
        },
        _ => test_text::<D>(sql!(column), operator, wanted),
    }
}

/// The least text that is greater than every text with this beginning; none if there is none.
fn behind_all_that_start_with(beginning: &str) -> Option<String> {
    let mut chars: Vec<char> = beginning.chars().collect();
    while let Some(last) = chars.pop() {
        // The next one; surrogates are no characters.
        if let Some(next) = (last..=char::MAX).nth(1) {
            chars.push(next);
            return Some(chars.into_iter().collect());
        }
    }
    None
}

fn test_text<D: Dialect>(text: Sql, operator: Operator, wanted: &str) -> Sql {
    match operator {
        Operator::Contains | Operator::StartsWith | Operator::EndsWith if wanted.is_empty() => {
            sql!(text, " IS NOT NULL")
        }
        Operator::Contains => D::contains(text, wanted),
        Operator::StartsWith => D::starts_with(text, wanted),
        Operator::EndsWith => D::ends_with(text, wanted),
        _ => compare(text, operator, Bind::text(wanted)),
    }
}

fn one_of(text: Sql, operator: Operator, texts: &[String]) -> Sql {
    if operator != Operator::Equal || texts.is_empty() {
        return never();
    }
    sql!(text, " IN (", Sql::joined(texts.iter().map(|text| sql!(Bind::text(text))), ", "), ")")
}

fn compare(value: Sql, operator: Operator, wanted: Bind) -> Sql {
    let word = match operator {
        Operator::Equal => " = ",
        Operator::Greater => " > ",
        Operator::GreaterOrEqual => " >= ",
        Operator::Less => " < ",
        Operator::LessOrEqual => " <= ",
        Operator::Contains | Operator::StartsWith | Operator::EndsWith => return never(),
    };
    sql!(value, word, wanted)
}

/// A test of a value of the document. The test of a text comes before the question whether it is one, since most rows
/// fail it, and then PostgreSQL reads the document once.
fn test_json<D: Dialect>(
    place: &Place,
    comparison: Comparison,
    operator: Operator,
    literal: &Literal,
) -> Sql {
    let text = || match comparison {
        Comparison::Folded | Comparison::Untyped => D::folded(D::text(place)),
        _ => D::exact(D::text(place)),
    };
    let is_text = |test: Sql| sql!("(", test, " AND ", D::is(place, JsonType::Text), ")");
    match literal {
        Literal::Text(wanted) => is_text(test_text::<D>(text(), operator, wanted)),
        Literal::OneOf(texts) => is_text(one_of(text(), operator, texts)),
        Literal::Bool(wanted) if operator == Operator::Equal => {
            sql!(D::boolean(place), if *wanted { " = 1" } else { " = 0" })
        }
        Literal::Number(wanted) => compare(D::number(place), operator, Bind::Double(*wanted)),
        // `meta` holds the only instants, in columns; a test of this module keeps watch over the schemas.
        Literal::Bool(_) | Literal::Instant(_) => never(),
    }
}
