//! The people of the directory by the value of the matching attribute, and what an account that matches one is.

use std::collections::HashMap;

use serde::Serialize;
use serde_json::Value;
use unicode_normalization::UnicodeNormalization as _;

use crate::directory::{Assignments, Directory, User};
use crate::expressions::text_of;
use crate::job::{Job, Source, Target};

/// What Account Discovery makes of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Category {
    /// It matches nobody in the directory.
    Local,
    /// It matches a person who is not assigned to the application.
    Unassigned,
    /// It matches a person who is assigned to the application.
    Assigned,
}

impl Category {
    /// The word of tables and files.
    pub fn word(self) -> &'static str {
        match self {
            Category::Local => "local",
            Category::Unassigned => "unassigned",
            Category::Assigned => "assigned",
        }
    }
}

/// The first pair of matching attributes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Match {
    /// The attribute of people, such as `userPrincipalName`.
    pub source: String,
    /// The attribute of accounts, such as `userName`.
    pub target: String,
}

/// The job does not match users by a direct mapping.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "Account Discovery needs a direct matching attribute: '{0}' is matched by an expression or a constant. Map it to an \
     attribute, or give another attribute matching precedence 1"
)]
pub struct NoDirectMatch(pub String);

/// A person, as far as a discovery needs to know.
#[derive(Clone, Copy, Debug)]
pub(super) struct Person<'a> {
    pub(super) object_id: &'a str,
    is_assigned: bool,
}

impl Person<'_> {
    pub(super) fn category(self) -> Category {
        if self.is_assigned { Category::Assigned } else { Category::Unassigned }
    }
}

/// The people of a directory by the value that accounts are matched with.
pub(super) struct People<'a> {
    matching: Match,
    target: &'a Target,
    is_exact: bool,
    by_value: HashMap<String, Person<'a>>,
}

impl<'a> People<'a> {
    /// Everybody who is not soft-deleted: a soft-deleted person is gone for Microsoft Graph, and so the account is local.
    pub(super) fn new(directory: &'a Directory, job: &'a Job) -> Result<Self, NoDirectMatch> {
        let matching = job.users.matching();
        let Some(first) = matching.first() else { return Err(NoDirectMatch("userName".to_owned())) };
        let target = &first.target;
        let Source::Direct(source) = &first.source else { return Err(NoDirectMatch(target.to_string())) };
        let mut people = Self {
            matching: Match { source: source.clone(), target: target.to_string() },
            target,
            // RFC 7643 section 3.1: of the attributes that jobs match by, these two are caseExact.
            is_exact: target.is("externalId") || target.is("id"),
            by_value: HashMap::with_capacity(directory.users.len()),
        };
        let assignments = Assignments::new(directory);
        for user in directory.users.values().filter(|user| user.deleted_date_time.is_none()) {
            people.add(user, source, &assignments);
        }
        Ok(people)
    }

    /// Of people with one value, an assigned one counts.
    fn add(&mut self, user: &'a User, source: &str, assignments: &Assignments<'_>) {
        let value = text_of(&user.attribute(source));
        if value.is_empty() {
            return;
        }
        let person =
            Person { object_id: &user.object_id, is_assigned: assignments.of(&user.object_id).assigned };
        let key = self.key(&value);
        let known = self.by_value.entry(key).or_insert(person);
        if person.is_assigned && !known.is_assigned {
            *known = person;
        }
    }

    /// Names are compared as people read them: in any case, and composed or not.
    fn key(&self, value: &str) -> String {
        if self.is_exact { value.to_owned() } else { value.nfc().collect::<String>().to_lowercase() }
    }

    /// The pair of attributes that decides.
    pub(super) fn matching(&self) -> &Match {
        &self.matching
    }

    /// An account's value of the matching attribute.
    pub(super) fn value_of(&self, account: &Value) -> Option<String> {
        self.target.read(account).map(|value| text_of(&value))
    }

    /// The person with this value.
    pub(super) fn find(&self, value: &str) -> Option<Person<'a>> {
        self.by_value.get(&self.key(value)).copied()
    }

    /// The assigned people.
    pub(super) fn assigned(&self) -> impl Iterator<Item = &'a str> {
        self.by_value.values().filter(|person| person.is_assigned).map(|person| person.object_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const DIRECTORY: &str = r##"{
        "users": [
            {"objectId": "1", "userPrincipalName": "Ann@x.example", "mailNickname": "Ann"},
            {"objectId": "2", "userPrincipalName": "jose\u0301@x.example", "mailNickname": "jose"},
            {"objectId": "3", "userPrincipalName": "gone@x.example", "deletedDateTime": "2026-01-01T00:00:00Z"},
            {"objectId": "4", "userPrincipalName": "kim_y.example#EXT#@x.example"},
            {"objectId": "5", "mailNickname": "no-principal-name"}],
        "groups": [{"objectId": "g", "members": ["2"]}],
        "assignments": [{"principalId": "1"}, {"principalId": "g"}]}"##;

    fn categories(job: &Job, accounts: &[Value]) -> Vec<(Category, Option<String>)> {
        let directory = Directory::from_json(DIRECTORY).expect("a directory");
        let people = People::new(&directory, job).expect("a direct match");
        let one = |account: &Value| {
            let person = people.value_of(account).and_then(|value| people.find(&value));
            (person.map_or(Category::Local, Person::category), person.map(|it| it.object_id.to_owned()))
        };
        accounts.iter().map(one).collect()
    }

    #[test]
    fn accounts_are_assigned_unassigned_or_local() {
        let user = |name: &str| json!({"userName": name});
        let accounts = [
            user("ann@X.example"),
            user("JOS\u{c9}@x.example"),
            user("kim_y.example@x.example"),
            user("gone@x.example"),
            user("printer"),
            json!({"displayName": "Ann"}),
        ];
        let person = |category, id: &str| (category, Some(id.to_owned()));
        assert_eq!(
            categories(&Job::default(), &accounts),
            [
                person(Category::Assigned, "1"),
                person(Category::Assigned, "2"),
                person(Category::Unassigned, "4"),
                (Category::Local, None),
                (Category::Local, None),
                (Category::Local, None)
            ]
        );
    }

    #[test]
    fn only_the_first_matching_attribute_counts_and_external_id_respects_case() {
        let job = Job::from_toml(
            r#"[users]
            mapping = [
              { target = "userName", attribute = "userPrincipalName", matching = 2 },
              { target = "externalId", attribute = "mailNickname", matching = 1 },
            ]"#,
        )
        .expect("a job");
        let accounts = [
            json!({"userName": "printer", "externalId": "Ann"}),
            json!({"userName": "Ann@x.example", "externalId": "ann"}),
        ];
        let found = categories(&job, &accounts);
        assert_eq!(found, [(Category::Assigned, Some("1".to_owned())), (Category::Local, None)]);
    }

    #[test]
    fn an_expression_does_not_match() {
        let job = Job::from_toml(
            "[users]\nmapping = [{ target = \"userName\", expression = \"ToLower([mail])\", matching = 1 }]",
        )
        .expect("a job");
        let refused = People::new(&Directory::default(), &job).err();
        assert_eq!(refused, Some(NoDirectMatch("userName".to_owned())));
    }
}
