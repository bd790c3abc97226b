//! The statements of listings as text, in both dialects, and what must hold of every one of them.

use super::listing;
use crate::data::model::{From, Listing, TenantId};
use diesel::{Connection, RunQueryDsl, SqliteConnection, debug_query, pg::Pg, sql_query, sqlite::Sqlite};
use diesel_migrations::MigrationHarness;
use scim::{
    Profile,
    schema::{Attribute, AttributeType, ResourceKind, ResourceType},
    search::{PageLimits, Paging, Position, Query, QueryScope, SortKey, Words},
};
use std::fmt::Write;
use uuid::Uuid;

const TENANT: TenantId = TenantId(Uuid::from_u128(0x7e4a));
const CASES: &str = include_str!("cases.txt");
const SNAPSHOTS: &str = include_str!("snapshots.txt");

/// A listing of a line such as `User filter=userName eq "a"&sortBy=title`.
fn listing(line: &str) -> Listing {
    let (kind, query) = line.split_once(' ').unwrap();
    let kind = if kind == "User" { ResourceKind::User } else { ResourceKind::Group };
    let mut words = Words::default();
    let mut position = None;
    for (key, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
        match key {
            "filter" => words.filter = Some(value.to_owned()),
            "sortBy" => words.sort_by = Some(value.to_owned()),
            "sortOrder" => words.sort_order = Some(value.to_owned()),
            "behind" => position = Some(value),
            other => panic!("{other}"),
        }
    }
    let limits = PageLimits { default: 100, max: 100 };
    let scope = QueryScope { tenant: [7; 16], profile: Profile::Entra, limits };
    let Query { condition, sort, paging, .. } = words.check(ResourceType::of(kind), &scope).unwrap();
    let Paging::Index { start_index, count } = paging else { panic!("no cursor was given") };
    let from = match position {
        None => From::Offset(start_index - 1),
        Some(key) => From::After(Some(Position {
            key: match key.parse() {
                Ok(number) => Some(SortKey::Number(number)),
                Err(_) if key == "absent" => None,
                Err(_) => Some(SortKey::Text(key.to_owned())),
            },
            id: Uuid::from_u128(1).to_string(),
        })),
    };
    Listing { kind, condition, sort, from, limit: count, max_bytes: usize::MAX, with_groups: false }
}

/// Every statement of a listing: PostgreSQL's page and count, SQLite's page and count.
fn statements(listing: &Listing) -> [String; 4] {
    [
        debug_query::<Pg, _>(&listing::page::<Pg, ()>(TENANT, listing, None)).to_string(),
        debug_query::<Pg, _>(&listing::count::<Pg>(TENANT, listing, None)).to_string(),
        debug_query::<Sqlite, _>(&listing::page::<Sqlite, ()>(TENANT, listing, None)).to_string(),
        debug_query::<Sqlite, _>(&listing::count::<Sqlite>(TENANT, listing, None)).to_string(),
    ]
}

fn cases() -> impl Iterator<Item = &'static str> {
    CASES.lines().filter(|line| !line.is_empty())
}

/// To accept changed statements, run with `ACCEPT_SNAPSHOTS=1` and read the difference.
#[test]
fn statements_are_as_reviewed() {
    let mut text = String::new();
    for case in cases() {
        let [postgres, _, sqlite, _] = statements(&listing(case));
        let same = "SELECT t.id, t.version, t.created_at, t.modified_at, t.document, ";
        let unsorted = "CAST(NULL AS text) AS key_text, CAST(NULL AS double precision) AS key_number ";
        let [postgres, sqlite] = [postgres, sqlite].map(|text| text.replace(same, "").replace(unsorted, ""));
        let counts = ["CAST(0 AS bigint), ", "t.member_count, "];
        let [postgres, sqlite] =
            [postgres, sqlite].map(|text| counts.iter().fold(text, |text, count| text.replace(count, "")));
        writeln!(text, "# {case}\n{postgres}\n{sqlite}\n").unwrap();
    }
    if std::env::var_os("ACCEPT_SNAPSHOTS").is_some() {
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/src/data/sql/snapshots.txt"), text).unwrap();
    } else {
        for (new, old) in text.lines().zip(SNAPSHOTS.lines()) {
            assert_eq!(new, old);
        }
        assert_eq!(text.len(), SNAPSHOTS.len());
    }
}

#[test]
fn the_tenant_is_bound_first_and_for_every_table() {
    for case in cases() {
        for statement in statements(&listing(case)) {
            let (text, binds) = statement.split_once(" -- binds: [").unwrap();
            let tenant = TENANT.to_string();
            // Names that a request sorts by are bound before.
            let first_id = binds.split_once("Some(Id(").map(|(_, rest)| rest);
            assert!(
                (text.contains(" AS t WHERE t.tenant_id = ")
                    || text.contains(" FROM feeds AS f WHERE f.tenant_id = "))
                    && first_id.is_some_and(|first| first.starts_with(&tenant)),
                "{statement}"
            );
            let tables = [
                "feeds AS f",
                "users AS t",
                "users AS s",
                "\"groups\" AS t",
                "\"groups\" AS g",
                "group_members AS m",
            ]
            .map(|table| text.matches(table).count());
            assert_eq!(tables.iter().sum::<usize>(), binds.matches(&tenant).count(), "{statement}");
            assert_eq!(tables.iter().sum::<usize>(), text.matches(".tenant_id = ").count(), "{statement}");
        }
    }
}

#[test]
fn only_usual_questions_are_kept_prepared() {
    let kept: Vec<&str> =
        cases().filter(|case| listing::page::<Pg, ()>(TENANT, &listing(case), None).is_cached()).collect();
    assert_eq!(
        kept,
        [
            "User ",
            "User behind=absent",
            "User filter=userName eq \"Ana@Contoso.com\"",
            "User filter=userName eq \"E\\u0301\"",
            "User filter=externalId eq \"7\"",
            "User filter=externalId eq \"7\"&behind=absent",
            "User filter=id eq \"0198a3f2-0000-7000-8000-000000000001\"",
            "User filter=id eq \"no-id\"",
            "User filter=emails[type eq \"work\"].value eq \"Ana@Contoso.com\"",
            "User filter=emails[value eq \"Ana@Contoso.com\" and type eq \"work\"]",
            "Group filter=displayName eq \"Sales\"",
        ]
    );
    let count = |case| listing::count::<Pg>(TENANT, &listing(case), None).is_cached();
    assert!(count("User sortBy=title") && !count("User filter=title pr"));
}

#[test]
fn nothing_a_request_says_stands_in_a_statement() {
    let listing =
        listing("User filter=urn:x'y:secretName[secretSub eq \"secret'value\"].secretRest ge \"secret\"");
    for statement in statements(&listing) {
        let (text, binds) = statement.split_once(" -- binds: [").unwrap();
        assert!(!text.contains("secret") && !text.contains("urn:x"), "{text}");
        assert!(binds.contains("secretname"), "{binds}");
    }
}

/// A page behind a known place reads no more than the first page, however deep it is; an offset skips rows.
#[test]
fn a_known_place_is_served_by_an_index() {
    let (deep, behind) = (From::Offset(5000), listing("User behind=absent").from);
    for (case, is_indexed) in [("User ", true), ("User sortBy=title", false), ("User filter=title pr", false)]
    {
        let at = |from: &From| listing::is_indexed(&Listing { from: from.clone(), ..listing(case) });
        assert_eq!([at(&From::Offset(0)), at(&behind), at(&deep)], [is_indexed, is_indexed, false], "{case}");
    }
}

/// Instants are compared in the columns of `meta` only.
#[test]
fn only_meta_holds_instants() {
    fn instants<'a>(attributes: impl IntoIterator<Item = &'a Attribute>) -> Vec<&'a str> {
        let is_instant = |attribute: &&Attribute| attribute.data_type == AttributeType::DateTime;
        attributes
            .into_iter()
            .flat_map(|attribute| std::iter::once(attribute).chain(&attribute.sub_attributes))
            .filter(is_instant)
            .map(|attribute| attribute.name.as_str())
            .collect()
    }
    for resource_type in ResourceType::all() {
        assert_eq!(instants(&resource_type.common), ["created", "lastModified"]);
        assert_eq!(instants(&resource_type.schema.attributes), [""; 0]);
        for extension in &resource_type.extensions {
            assert_eq!(instants(&extension.attributes), [""; 0]);
        }
    }
}

/// Counting alone asks for nothing of the documents.
#[test]
fn counting_reads_no_documents_without_need() {
    let [_, count, ..] = statements(&listing("User filter=userName sw \"a\""));
    assert!(
        count.starts_with("SELECT count(*) FROM users AS t WHERE") && !count.contains("document"),
        "{count}"
    );
}

#[derive(diesel::QueryableByName)]
struct Step {
    #[diesel(sql_type = diesel::sql_types::Text)]
    detail: String,
}

/// What SQLite means to do for the page and for the count of a listing.
fn sqlite_plan(connection: &mut SqliteConnection, case: &str) -> String {
    let [.., page, count] = statements(&listing(case));
    let mut steps = Vec::new();
    for statement in [page, count] {
        let (text, _) = statement.split_once(" -- binds: [").unwrap();
        steps.extend(sql_query(format!("EXPLAIN QUERY PLAN {text}")).load::<Step>(connection).unwrap());
    }
    steps.into_iter().map(|step| step.detail).collect::<Vec<_>>().join("; ")
}

#[test]
fn sqlite_answers_usual_questions_from_an_index() {
    let mut connection = SqliteConnection::establish(":memory:").unwrap();
    connection.run_pending_migrations(crate::sqlite::MIGRATIONS).unwrap();
    super::register_functions(&mut connection).unwrap();
    for (case, index) in [
        ("User ", "(tenant_id=?)"),
        ("User behind=absent", "(tenant_id=? AND id>?)"),
        ("User filter=userName eq \"Ana@Contoso.com\"", "(tenant_id=? AND user_name=?)"),
        ("User filter=userName eq \"E\\u0301\"", "(tenant_id=? AND user_name=?)"),
        ("User filter=externalId eq \"7\"", "users_external_id (tenant_id=? AND external_id=?)"),
        ("User filter=id eq \"0198a3f2-0000-7000-8000-000000000001\"", "(tenant_id=? AND id=?)"),
        (
            "User filter=emails[type eq \"work\"].value eq \"Ana@Contoso.com\"",
            "users_work_email (tenant_id=? AND work_email=?)",
        ),
        ("Group filter=displayName eq \"Sales\"", "groups_display_name (tenant_id=? AND display_name=?)"),
        ("User filter=userName sw \"An\"", "(tenant_id=? AND user_name>? AND user_name<?)"),
        ("User sortBy=userName&behind=ana", "(tenant_id=? AND user_name>?)"),
        (
            "Group filter=members eq \"0198a3f2-0000-7000-8000-000000000001\"",
            "group_members_member (tenant_id=? AND member_id=?)",
        ),
        ("User filter=groups.value eq \"0198a3f2-0000-7000-8000-000000000001\"", "(tenant_id=? AND id=?)"),
    ] {
        let plan = sqlite_plan(&mut connection, case);
        assert!(plan.contains(index), "{case}: {plan}");
        assert!(!plan.contains("SCAN t"), "{case}: {plan}");
    }
}
