//! Lists are followed by cursor, page by page, over the API and by the command line.

use super::{Session, add_operator, assert_problem, operator};
use crate::world::World;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use test_support::{Backend, Database, Postgres};

fn rows(page: &Value, rows: &str) -> Vec<Value> {
    page[rows].as_array().unwrap_or_else(|| panic!("no {rows} in {page}")).clone()
}

/// The rows of a list, in pages of two.
fn followed(session: &Session, path: &str, key: &str) -> Vec<Value> {
    let (mut all, mut at) = (Vec::new(), format!("{path}?count=2"));
    loop {
        let page = session.read(&at);
        let found = rows(&page, key);
        assert!((1..=2).contains(&found.len()), "{page}");
        all.extend(found);
        let Some(next) = page["next_cursor"].as_str() else { return all };
        at = format!("{path}?count=2&cursor={next}");
    }
}

#[test]
fn every_list_has_a_cursor() {
    for backend in Backend::ALL {
        let world = World::start(backend);
        let root = operator(&world, "root", "admin");
        assert_eq!(root.post("/tenants", &json!({"name": "Contoso"})).status, 201);
        for name in ["carl", "anna", "ben", "dora"] {
            add_operator(&world, name, "viewer");
        }
        for (path, key) in [
            ("/operators", "operators"),
            ("/api-tokens", "api_tokens"),
            ("/tenants/contoso/secret-tokens", "secret_tokens"),
            ("/tenants/contoso/oauth-clients", "oauth_clients"),
            ("/tenants/contoso/setup-links", "setup_links"),
        ] {
            for n in (0..5).filter(|_| key != "operators") {
                let made = root.post(path, &json!({"label": format!("label {n}")}));
                assert_eq!(made.status, 201, "{path}: {}", made.text());
            }
            let whole = root.read(path);
            assert!(whole["next_cursor"].is_null(), "{whole}");
            let all = followed(&root, path, key);
            assert_eq!((all.len(), &all), (5, &rows(&whole, key)), "{path}");
            for wrong in ["cursor=x", "count=-1", "surprise=1"] {
                assert_problem(&root.get(&format!("{path}?{wrong}")), 400, "invalid");
            }
        }
    }
}

#[test]
fn the_command_line_follows_a_list_to_its_end() {
    let (postgres, database) = (Postgres::shared(), Postgres::shared().fresh_database());
    let world = World::with_settings(Database::At(database.clone()), &[]);
    world.tenant("contoso");
    // All of one moment, more than a page has.
    let many = "INSERT INTO secret_tokens (tenant_id, id, key_id, digest, label, created_at) \
        SELECT tenant_id, gen_random_uuid(), 'k', sha256(n::text::bytea), '', created_at \
        FROM secret_tokens, generate_series(1, 450) AS n";
    postgres.query(&database, many);
    let listed = rows(&world.juno(&["token", "list", "contoso"]), "secret_tokens");
    let ids: BTreeSet<&str> = listed.iter().filter_map(|row| row["id"].as_str()).collect();
    assert_eq!((listed.len(), ids.len()), (451, 451));
}
