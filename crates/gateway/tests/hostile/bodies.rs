//! Bodies that make no sense.

use super::{assert_scim_error, assert_unharmed, send};
use crate::world::World;
use test_support::Backend;

fn user(rest: &str) -> Vec<u8> {
    format!(r#"{{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],{rest}}}"#).into_bytes()
}

#[test]
fn bodies_that_are_no_user_are_refused() {
    for backend in Backend::ALL {
        let world = World::start(backend);
        let lenient = world.tenant("lenient");
        let tenant = world.tenant_of_profile("strict", "rfc");
        let deep =
            |open: &str, close: &str, depth: usize| format!("{}{}", open.repeat(depth), close.repeat(depth));
        let mut bodies: Vec<Vec<u8>> = [
            "",
            " ",
            "null",
            "true",
            "5",
            "\"text\"",
            "[]",
            "[{}]",
            "{}",
            "{",
            "}",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{'a':1}",
            "NaN",
            "{\"userName\":NaN}",
            "// x\n{}",
            "{}{}",
            "{\"schemas\":[]}",
            "\u{feff}{}",
        ]
        .iter()
        .map(|text| text.as_bytes().to_vec())
        .collect();
        bodies.extend([
            deep("[", "]", 100_000).into_bytes(),
            "[".repeat(100_000).into_bytes(),
            "{\"a\":".repeat(100_000).into_bytes(),
            user(&format!("\"userName\":\"a\",\"x\":{}", deep("[", "]", 5000))),
            user(&format!("\"userName\":\"a\",\"name\":{}1{}", "{\"a\":".repeat(64), "}".repeat(64))),
            b"\xff\xfe{}".to_vec(),
            user("\"userName\":\"a").to_vec(),
            [b"{\"userName\":\"".as_slice(), b"\xc3\x28", b"\"}"].concat(),
            [b"{\"userName\":\"".as_slice(), b"\xed\xa0\x80", b"\"}"].concat(),
        ]);
        for fields in [
            // Twice the same key, also in another case: which one counts?
            r#""userName":"a","userName":"b""#,
            r#""userName":"a","USERNAME":"b""#,
            r#""userName":5"#,
            r#""userName":null"#,
            r#""userName":"""#,
            r#""userName":["a"]"#,
            r#""userName":{"value":"a"}"#,
            r#""userName":true"#,
            r#""userName":"a\u0000b""#,
            r#""userName":"\ud800""#,
            r#""userName":"a","active":{}"#,
            r#""userName":"a","active":"maybe""#,
            r#""userName":"a","active":2"#,
            r#""userName":"a","name":"text""#,
            r#""userName":"a","name":[1]"#,
            r#""userName":"a","emails":5"#,
            r#""userName":"a","emails":[5]"#,
            r#""userName":"a","emails":[[]]"#,
            r#""userName":"a","emails":[{"value":{}}]"#,
            r#""userName":"a","emails":[{"value":"x","primary":"perhaps"}]"#,
            r#""userName":"a","schemas":5"#,
            r#""userName":"a","title":1e999999"#,
            r#""userName":"a","title":99999999999999999999999999999999999999999999"#,
            r#""userName":"a","title":-1e-999999,"x":1e400"#,
            r#""userName":"a","x":123456789012345678901234567890.5e-20"#,
            r#""userName":"a","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":5"#,
            r#""userName":"a","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"manager":[[]]}"#,
        ] {
            bodies.push(user(fields));
        }
        for body in &bodies {
            let start = String::from_utf8_lossy(&body[..body.len().min(120)]).into_owned();
            assert_scim_error(&start, &send(&world, &tenant, "POST", "/Users", body), &[400]);
            // Entra's dialect lets some of it pass; each with a name of its own it must be one or the other.
            let response = send(&world, &lenient, "POST", "/Users", body);
            match response.status {
                201 => assert_eq!(
                    lenient.delete(&format!("/Users/{}", response.json["id"].as_str().expect("id"))).status,
                    204
                ),
                _ => assert_scim_error(&start, &response, &[400]),
            }
        }
        assert_unharmed(&world, &lenient);
        assert_unharmed(&world, &tenant);
    }
}

#[test]
fn patches_groups_searches_and_bulks_that_make_no_sense_are_refused() {
    for backend in Backend::ALL {
        let world = World::start(backend);
        let tenant = world.tenant("contoso");
        let id = tenant.create_user("victim@example.com");
        let group = tenant.create_group("Victims", &[&id]);
        let before =
            (tenant.get(&format!("/Users/{id}")).text(), tenant.get(&format!("/Groups/{group}")).text());
        let patch = |operations: &str| {
            format!(
                r#"{{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":{operations}}}"#
            )
        };
        let many = format!("[{}]", vec![r#"{"op":"explode"}"#; 2000].join(","));
        let long_path = format!(r#"[{{"op":"add","path":"{}","value":1}}]"#, "a.".repeat(50_000));
        let nested_path = format!(r#"[{{"op":"add","path":"emails[{}","value":1}}]"#, "(".repeat(50_000));
        for operations in [
            "5",
            "null",
            "{}",
            "\"x\"",
            "[5]",
            "[null]",
            "[[]]",
            "[{}]",
            r#"[{"op":5}]"#,
            r#"[{"op":"explode"}]"#,
            r#"[{"op":"remove"}]"#,
            r#"[{"op":"add"}]"#,
            r#"[{"op":"add","path":5,"value":1}]"#,
            r#"[{"op":"add","path":"","value":[]}]"#,
            r#"[{"op":"replace","path":"userName","value":{}}]"#,
            r#"[{"op":"replace","path":"userName","value":null}]"#,
            r#"[{"op":"add","path":"emails[","value":1}]"#,
            r#"[{"op":"add","path":"emails[type eq \"work\"","value":1}]"#,
            r#"[{"op":"add","path":"emails[type eq \"work\"].value.x","value":1}]"#,
            r#"[{"op":"replace","value":5}]"#,
            r#"[{"op":"replace","value":[{"a":1}]}]"#,
            r#"[{"op":"add","path":"userName","value":"a\u0000"}]"#,
            &many,
            &long_path,
            &nested_path,
        ] {
            let response =
                send(&world, &tenant, "PATCH", &format!("/Users/{id}"), patch(operations).as_bytes());
            assert_scim_error(&operations[..operations.len().min(120)], &response, &[400]);
        }
        for operations in [
            r#"[{"op":"add","path":"members","value":5}]"#,
            r#"[{"op":"add","path":"members","value":[5]}]"#,
            r#"[{"op":"add","path":"members","value":[{}]}]"#,
            r#"[{"op":"add","path":"members","value":[{"value":5}]}]"#,
            r#"[{"op":"add","path":"members","value":[{"value":"not-an-id"}]}]"#,
            r#"[{"op":"add","path":"members","value":[{"value":"00000000-0000-0000-0000-000000000000"}]}]"#,
            r#"[{"op":"add","path":"members[value eq ","value":[]}]"#,
        ] {
            let response =
                send(&world, &tenant, "PATCH", &format!("/Groups/{group}"), patch(operations).as_bytes());
            assert_scim_error(operations, &response, &[400]);
        }
        for body in
            ["5", "[]", r#"{"filter":5}"#, r#"{"filter":{}}"#, r#"{"filter":"("}"#, r#"{"count":"x"}"#]
        {
            for path in ["/Users/.search", "/Groups/.search", "/.search"] {
                assert_scim_error(body, &send(&world, &tenant, "POST", path, body.as_bytes()), &[400]);
            }
        }
        let bulk = |operations: &str| {
            format!(
                r#"{{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"Operations":{operations}}}"#
            )
        };
        for operations in ["5", "{}", "null"] {
            assert_scim_error(
                operations,
                &send(&world, &tenant, "POST", "/Bulk", bulk(operations).as_bytes()),
                &[400],
            );
        }
        for operation in [
            "5",
            "{}",
            r#"{"method":5}"#,
            r#"{"method":"POST","path":"/Users"}"#,
            r#"{"method":"GET","path":"/Users"}"#,
            r#"{"method":"DELETE","path":"/Users/%00"}"#,
        ] {
            let response = send(&world, &tenant, "POST", "/Bulk", bulk(&format!("[{operation}]")).as_bytes());
            assert_eq!(response.status, 200, "{operation}: {}", response.text());
            let status = response.json["Operations"][0]["status"].as_str().unwrap_or_default();
            assert!(status.starts_with('4'), "{operation}: {}", response.text());
        }
        let many = format!("[{}]", vec![r#"{"method":"DELETE","path":"/Users/x"}"#; 1001].join(","));
        assert_scim_error("1001", &send(&world, &tenant, "POST", "/Bulk", bulk(&many).as_bytes()), &[413]);
        let after =
            (tenant.get(&format!("/Users/{id}")).text(), tenant.get(&format!("/Groups/{group}")).text());
        assert_eq!(before, after);
        let log = world.gateway.log();
        assert!(!log.contains("panicked") && !log.contains("ERROR"), "{log}");
    }
}
