//! The members of a group as text, with the sub-attributes that are asked for.

use scim::{list, projection::Projection};
use serde_json::{Map, Value, json};
use std::fmt::Write;
use store::Member;

/// Which sub-attributes of `members` are returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MemberParts {
    value: bool,
    reference: bool,
    kind: bool,
}

impl MemberParts {
    /// Whether everything of a member is returned.
    pub(crate) fn is_whole(self) -> bool {
        self == MemberParts { value: true, reference: true, kind: true }
    }

    /// What a projection returns of each member; `None` if it returns nothing of `members`.
    pub(crate) fn of(projection: &Projection) -> Option<MemberParts> {
        if !projection.returns("members") {
            return None;
        }
        let mut sample = Map::new();
        sample.insert("members".to_owned(), json!([{ "value": "v", "$ref": "r", "type": "t" }]));
        projection.apply(&mut sample);
        let member = sample.get("members").and_then(|members| members.get(0))?;
        let has = |name: &str| member.get(name).is_some_and(Value::is_string);
        Some(MemberParts { value: has("value"), reference: has("$ref"), kind: has("type") })
    }

    /// Appends one element of `members`; `base` is the Tenant URL.
    pub(crate) fn push(self, text: &mut String, member: Member, base: &str) {
        let (id, kind) = (member.id.to_string(), member.kind.name());
        if self.is_whole() {
            return list::push_member(text, &id, kind, base);
        }
        let parts = [
            self.value.then(|| format!("\"value\":\"{id}\"")),
            self.reference
                .then(|| format!("\"$ref\":{}", Value::from(list::location(base, member.kind, &id)))),
            self.kind.then(|| format!("\"type\":\"{kind}\"")),
        ];
        // Writing to a String cannot fail.
        let _ = write!(text, "{{{}}}", parts.into_iter().flatten().collect::<Vec<_>>().join(","));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use scim::schema::{ResourceKind, ResourceType};
    use store::ResourceId;

    fn parts(attributes: Option<&str>, excluded: Option<&str>) -> Option<MemberParts> {
        let projection = Projection::parse(ResourceType::of(ResourceKind::Group), attributes, excluded);
        MemberParts::of(&projection.unwrap())
    }

    #[test]
    fn a_projection_says_which_parts_of_a_member_are_returned() {
        let some = |value, reference, kind| Some(MemberParts { value, reference, kind });
        for (attributes, excluded, expected) in [
            (None, None, some(true, true, true)),
            (Some("members"), None, some(true, true, true)),
            (Some("displayName"), None, None),
            (Some("members.value"), None, some(true, false, false)),
            (Some("members.$ref,MEMBERS.type"), None, some(false, true, true)),
            (Some("members.value,members"), None, some(true, true, true)),
            (None, Some("members"), None),
            (None, Some("members.$ref"), some(true, false, true)),
            (None, Some("members.$ref,members.type,members.value"), None),
            (None, Some("displayName"), some(true, true, true)),
        ] {
            assert_eq!(parts(attributes, excluded), expected, "{attributes:?} {excluded:?}");
        }
    }

    #[test]
    fn members_are_json_whatever_is_returned_of_them() {
        let member = Member {
            id: ResourceId::parse("01980000-0000-7000-8000-000000000000").unwrap(),
            kind: ResourceKind::User,
        };
        for value in [false, true] {
            for reference in [false, true] {
                for kind in [false, true] {
                    let mut text = String::new();
                    MemberParts { value, reference, kind }.push(&mut text, member, "https://x/t/a/scim/v2");
                    let json: Value = serde_json::from_str(&text).unwrap();
                    let names = [("value", value), ("$ref", reference), ("type", kind)];
                    for (name, is_there) in names {
                        assert_eq!(json.get(name).is_some(), is_there, "{text}");
                    }
                }
            }
        }
    }
}
