//! Each statement names the tenant whose rows it touches.

use crate::capture::{Kind, captured};
use std::collections::BTreeSet;

/// The words of a statement, without quotes and punctuation around them.
pub(crate) fn words(text: &str) -> BTreeSet<&str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').collect()
}

/// Statements of no tenant's client that look over all tenants, or find the tenant: what they contain, without quotes.
const OF_ALL_TENANTS: [(&str, &str); 10] = [
    ("AND (secret_tokens.last_used_at >= ", "a process that starts asks which tokens were used lately"),
    ("WHERE p.state <> 'filled' OR p.used_at < ", "a timer fills and ends lookup paths"),
    ("secret_tokens.digest = ", "whose token it is, is the question"),
    ("setup_links.digest = ", "whose link it is, is the question"),
    ("setup_links.session_digest = ", "whose link it is, is the question"),
    ("WHERE ((tenants.label = ", "the tenant of a token request is known by its label"),
    ("expires_at >= ", "a timer warns of credentials that end"),
    ("WHERE (rotations.ended_at IS NULL) ORDER BY", "a timer looks for rotations in progress"),
    ("DELETE FROM used_assertions WHERE (used_assertions.expires_at < ", "a timer forgets what has ended"),
    ("WHERE (deleted_resources.deleted_at < ", "a timer looks for what is to be purged"),
];

fn each_statement_names_its_tenant(kind: Kind) {
    let of_tenants: BTreeSet<String> = kind.open().tables_with("tenant_id").into_iter().collect();
    let captured = captured(kind);
    let tenant = captured.tenant.to_string();
    // The scratch tenant that is used as well.
    let scratch = "ffffffff-";
    let mut touched = BTreeSet::new();
    for (text, binds) in &captured.statements {
        let tables: BTreeSet<&str> =
            words(text).into_iter().filter(|word| of_tenants.contains(*word)).collect();
        let plain = text.replace(['`', '"'], "");
        if tables.is_empty() || OF_ALL_TENANTS.iter().any(|(part, _)| plain.contains(part)) {
            continue;
        }
        for binds in binds {
            let names = |id: &str| binds.contains(id) || text.contains(id);
            let names_tenant = names(&tenant) || names(scratch);
            assert!(words(text).contains("tenant_id") && names_tenant, "{text} -- {binds}");
        }
        touched.extend(tables.into_iter().map(str::to_owned));
    }
    assert_eq!(touched, of_tenants, "the test uses all of them");
}

#[test]
fn each_statement_of_sqlite_names_its_tenant() {
    each_statement_names_its_tenant(Kind::Sqlite);
}

#[test]
fn each_statement_of_postgres_names_its_tenant() {
    each_statement_names_its_tenant(Kind::Postgres);
}

/// Every method of a store is called, so that what is said of every statement is said of all of them.
#[test]
fn the_store_is_used_as_a_whole() {
    let read = |folder: &str| -> String {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        // A budget of bytes is no part of the database.
        let files = files.filter(|path| !path.ends_with("bytes.rs"));
        files.filter(|path| path.is_file()).map(|path| std::fs::read_to_string(path).unwrap()).collect()
    };
    let shared = [include_str!("../suite/acts.rs"), include_str!("../suite/operator_acts.rs")].concat();
    let used = read("tests/statements/everything") + include_str!("../suite/world.rs") + shared.as_str();
    let text =
        read("src") + ["src/control", "src/data/lookups", "src/data/user_names"].map(read).concat().as_str();
    let methods = text.split("pub async fn ").skip(1).map(|rest| rest.split(['(', '<']).next().unwrap());
    let unused: Vec<&str> = methods.filter(|name| !used.contains(&format!(".{name}("))).collect();
    assert!(unused.is_empty(), "{unused:?}");

    // Actions are called by what the tests share.
    for noun in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src/control")).unwrap() {
        let path = noun.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let noun = path.file_stem().unwrap().to_str().unwrap();
        for action in text.split("\npub fn ").skip(1).map(|rest| rest.split('(').next().unwrap()) {
            assert!(shared.contains(&format!("{noun}::{action}(")), "{noun}::{action}");
        }
    }
    for name in shared.split("async fn ").skip(1).map(|rest| rest.split(['(', '<']).next().unwrap()) {
        // Once where it is defined, and at least once more.
        assert!(used.matches(&format!("{name}(")).count() > 1 || name == "done", "{name}");
    }
}
