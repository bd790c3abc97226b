//! Walking through many resources: by index, by cursor while others write, and in order, on both databases.

use crate::{
    scenario::encode,
    world::{Tenant, World},
};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use test_support::{Backend, Response};

fn on_both(test: impl Fn(&Tenant<'_>)) {
    for backend in Backend::ALL {
        let world = World::start(backend);
        test(&world.tenant("own"));
    }
}

fn texts(response: &Response, key: &str) -> Vec<String> {
    let list = response.json["Resources"].as_array().expect("Resources");
    list.iter().map(|resource| resource[key].as_str().unwrap_or("-").to_owned()).collect()
}

/// The pages of a walk by cursor; `between` runs after each with the ids of the page.
fn walk(tenant: &Tenant<'_>, query: &str, mut between: impl FnMut(&[String])) -> Vec<Response> {
    let mut pages = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = tenant.get(&encode(&format!("{query}&cursor={cursor}")));
        assert_eq!(page.status, 200, "{}", page.text());
        assert_eq!(page.json.get("startIndex"), None);
        between(&texts(&page, "id"));
        let next = page.json.get("nextCursor").map(|next| next.as_str().expect("nextCursor").to_owned());
        pages.push(page);
        match next {
            Some(next) => cursor = next,
            None => return pages,
        }
        assert!(pages.len() < 100, "the walk does not end");
    }
}

#[test]
fn an_index_counts_from_one_and_totals_stay() {
    on_both(|tenant| {
        let all: Vec<String> = (0..7).map(|n| tenant.create_user(&format!("u{n}"))).collect();
        for (query, first, expected) in [
            ("", 1, &all[..]),
            ("?startIndex=0&count=2", 1, &all[..2]),
            ("?startIndex=-5&count=2", 1, &all[..2]),
            ("?startIndex=6&count=5", 6, &all[5..]),
            ("?startIndex=7&count=1", 7, &all[6..]),
            ("?startIndex=8", 8, &[]),
            ("?startIndex=9000000000000000000", 9_000_000_000_000_000_000_i64, &[]),
            ("?count=0", 1, &[]),
            ("?count=-1", 1, &[]),
        ] {
            let page = tenant.get(&format!("/Users{query}"));
            assert_eq!(page.status, 200, "{query}: {}", page.text());
            assert_eq!(texts(&page, "id"), expected, "{query}");
            let envelope = [&page.json["totalResults"], &page.json["startIndex"], &page.json["itemsPerPage"]];
            assert_eq!(envelope, [&json!(7), &json!(first), &json!(expected.len())], "{query}");
        }
    });
}

#[test]
fn a_cursor_walk_sees_each_resource_once_while_others_delete() {
    on_both(|tenant| {
        let all: Vec<String> = (0..23).map(|n| tenant.create_user(&format!("u{n:02}"))).collect();
        let mut seen = Vec::new();
        // After each page, everybody on it leaves: an index would skip as many behind them.
        let pages = walk(tenant, "/Users?count=5", |page| {
            seen.extend_from_slice(page);
            page.iter().for_each(|id| assert_eq!(tenant.delete(&format!("/Users/{id}")).status, 204));
        });
        assert_eq!(seen, all);
        assert_eq!(pages.iter().map(|page| &page.json["itemsPerPage"]).collect::<Vec<_>>(), [5, 5, 5, 5, 3]);
        assert_eq!(tenant.count("/Users"), 0);
    });
}

#[test]
fn a_walk_by_index_misses_nobody_while_others_delete() {
    on_both(|tenant| {
        for query in
            ["/Users?count=4", "/Users?count=4&sortBy=userName", "/Users?count=4&filter=userName sw \"u\""]
        {
            let all: Vec<String> = (0..23).map(|n| tenant.create_user(&format!("u{n:02}"))).collect();
            let (mut seen, mut start, mut total) = (Vec::new(), 1, 1);
            // As clients walk: on at startIndex + itemsPerPage, until that exceeds totalResults.
            while start <= total {
                let page = tenant.get(&encode(&format!("{query}&startIndex={start}")));
                assert_eq!((page.status, page.json["startIndex"].as_u64()), (200, Some(start)));
                let ids = texts(&page, "id");
                start += page.json["itemsPerPage"].as_u64().expect("itemsPerPage");
                total = page.json["totalResults"].as_u64().expect("totalResults");
                // Half of the page leaves: an offset would skip as many behind it.
                ids[..ids.len() / 2]
                    .iter()
                    .for_each(|id| assert_eq!(tenant.delete(&format!("/Users/{id}")).status, 204));
                seen.extend(ids);
            }
            assert_eq!(seen, all, "{query}");
            let left = tenant.get("/Users?startIndex=5&count=100");
            assert_eq!((texts(&left, "id").len(), &left.json["totalResults"]), (8, &json!(12)));
            texts(&tenant.get("/Users"), "id")
                .iter()
                .for_each(|id| assert_eq!(tenant.delete(&format!("/Users/{id}")).status, 204));
        }
    });
}

#[test]
fn a_cursor_walk_in_order_survives_deletes_and_newcomers() {
    on_both(|tenant| {
        for n in 0..20 {
            tenant.create_user(&format!("u{n:02}"));
        }
        let mut seen = Vec::new();
        let mut newcomers = 0;
        let pages = walk(tenant, "/Users?count=3&sortBy=userName&sortOrder=descending", |page| {
            // The last of the page, whose position the cursor holds, leaves; others arrive before and behind.
            assert_eq!(tenant.delete(&format!("/Users/{}", page[page.len() - 1])).status, 204);
            tenant.create_user(&format!("z-new{newcomers}"));
            newcomers += 1;
        });
        pages.iter().for_each(|page| seen.extend(texts(page, "userName")));
        let expected: Vec<String> = (0..20).rev().map(|n| format!("u{n:02}")).collect();
        assert_eq!(seen, expected);
    });
}

#[test]
fn a_cursor_belongs_to_its_query() {
    on_both(|tenant| {
        for n in 0..4 {
            tenant.create_user(&format!("u{n}"));
            tenant.create_group(&format!("g{n}"), &[]);
        }
        let page = tenant.get("/Users?cursor&count=2&sortBy=userName");
        let cursor = page.json["nextCursor"].as_str().expect("nextCursor").to_owned();
        assert!(
            cursor.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)),
            "{cursor}"
        );
        // The page size may change, the query may not.
        let rest = tenant.get(&format!("/Users?cursor={cursor}&count=5&sortBy=userName"));
        assert_eq!(texts(&rest, "userName"), ["u2", "u3"]);
        for query in [
            format!("/Users?cursor={cursor}"),
            format!("/Users?cursor={cursor}&sortBy=userName&sortOrder=descending"),
            format!("/Users?cursor={cursor}&sortBy=userName&filter=userName%20pr"),
            format!("/Users?cursor={}&sortBy=userName", &cursor[1..]),
        ] {
            let refused = tenant.get(&query);
            assert_eq!(
                (refused.status, &refused.json["scimType"]),
                (400, &json!("invalidCursor")),
                "{query}"
            );
        }
        let post =
            tenant.post("/Users/.search", &json!({"cursor": cursor, "sortBy": "userName", "count": 5}));
        assert_eq!(texts(&post, "userName"), ["u2", "u3"]);
    });
}

/// Users with titles in an order of their own, two of them without.
fn titled(tenant: &Tenant<'_>) {
    let titles = [Some("Delta"), None, Some("alpha"), Some("Charlie"), None, Some("Bravo"), Some("ALPHA")];
    for (n, title) in titles.into_iter().enumerate() {
        let user = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": format!("u{n}"),
            "title": title, "emails": [{"type": "home", "value": format!("h{n}@x")},
                {"type": "work", "value": format!("w{}@x", 9 - n), "primary": true}]});
        assert_eq!(tenant.post("/Users", &user).status, 201);
    }
}

#[test]
fn order_ignores_case_and_puts_the_absent_last() {
    on_both(|tenant| {
        titled(tenant);
        // RFC 7644 section 3.4.2.3: without a value last in ascending order, first in descending order.
        let ascending = ["alpha", "ALPHA", "Bravo", "Charlie", "Delta", "-", "-"];
        let sorted = tenant.get("/Users?sortBy=title");
        assert_eq!(texts(&sorted, "title"), ascending);
        assert_eq!(texts(&sorted, "userName"), ["u2", "u6", "u5", "u3", "u0", "u1", "u4"]);
        let mut descending = ascending.map(str::to_lowercase).to_vec();
        descending.reverse();
        let sorted = tenant.get("/Users?sortBy=title&sortOrder=descending");
        let lower: Vec<String> = texts(&sorted, "title").iter().map(|title| title.to_lowercase()).collect();
        assert_eq!(lower, descending);
        // Of several values the primary one counts.
        let sorted = tenant.get("/Users?sortBy=emails.value");
        assert_eq!(texts(&sorted, "userName"), ["u6", "u5", "u4", "u3", "u2", "u1", "u0"]);
        let sorted = tenant.get("/Users?sortBy=meta.created&sortOrder=descending");
        assert_eq!(sorted.status, 200);
    });
}

#[test]
fn every_way_to_walk_shows_the_same_order() {
    on_both(|tenant| {
        titled(tenant);
        for order in ["ascending", "descending"] {
            for by in ["title", "userName", "emails", "active", "meta.lastModified", "name.familyName"] {
                let query = format!("/Users?sortBy={by}&sortOrder={order}");
                let whole = texts(&tenant.get(&query), "id");
                assert_eq!(whole.iter().collect::<BTreeSet<_>>().len(), 7);
                let by_index: Vec<String> = (0..4)
                    .flat_map(|n| {
                        texts(&tenant.get(&format!("{query}&startIndex={}&count=2", n * 2 + 1)), "id")
                    })
                    .collect();
                assert_eq!(by_index, whole, "{by} {order}");
                let mut by_cursor: Vec<String> = Vec::new();
                let pages =
                    walk(tenant, &format!("{query}&count=2"), |page| by_cursor.extend_from_slice(page));
                assert_eq!(by_cursor, whole, "{by} {order}");
                let totals: Vec<&Value> = pages.iter().map(|page| &page.json["totalResults"]).collect();
                assert_eq!(totals, [7; 4]);
            }
        }
    });
}
