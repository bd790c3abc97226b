//! Expressions against Microsoft's documented examples and our readings of its prose, one row each.

use std::cell::RefCell;

use entra_sim::expressions::{Expression, Scope};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng as _;
use serde::Deserialize;
use serde_json::{Map, Value};

#[derive(Deserialize)]
struct Row {
    expression: String,
    #[serde(default)]
    attributes: Map<String, Value>,
    #[serde(flatten)]
    wanted: Wanted,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum Wanted {
    Result(Value),
    Refused(String),
    Fails(String),
}

fn evaluate(expression: &Expression, attributes: &Map<String, Value>) -> Result<Value, String> {
    let random = RefCell::new(ChaCha8Rng::seed_from_u64(1));
    let attribute = |name: &str| attributes.get(name).cloned().unwrap_or(Value::Null);
    let now = "2021-07-02T15:33:38Z".parse().expect("a moment");
    expression
        .evaluate(&Scope { attribute: &attribute, now, random: &random })
        .map_err(|error| error.to_string())
}

#[test]
fn every_row_gives_what_it_says() {
    let rows: Vec<Row> = serde_json::from_str(include_str!("fixtures/expressions.json")).expect("rows");
    assert!(rows.len() > 80, "the table was cut short");
    for row in rows {
        let parsed = Expression::parse(&row.expression);
        match (&row.wanted, parsed) {
            (Wanted::Refused(why), parsed) => {
                let error = parsed.expect_err(&row.expression).to_string();
                assert!(error.contains(why), "{}: {error}", row.expression);
            }
            (Wanted::Result(wanted), Ok(expression)) => {
                assert_eq!(evaluate(&expression, &row.attributes).as_ref(), Ok(wanted), "{}", row.expression);
            }
            (Wanted::Fails(why), Ok(expression)) => {
                let error = evaluate(&expression, &row.attributes).expect_err(&row.expression);
                assert!(error.contains(why), "{}: {error}", row.expression);
            }
            (_, Err(error)) => panic!("{error}"),
        }
    }
}

#[test]
fn random_strings_keep_their_promises() {
    let expression = Expression::parse("RandomString(10,2,2,2,1,\"?,\")").expect("valid");
    let text = evaluate(&expression, &Map::new()).expect("a string");
    let text = text.as_str().expect("a string");
    let count = |kind: fn(&char) -> bool| text.chars().filter(kind).count();
    assert_eq!(text.chars().count(), 10);
    assert!(count(char::is_ascii_digit) >= 2 && count(char::is_ascii_uppercase) >= 2, "{text}");
    assert!(count(char::is_ascii_punctuation) >= 2 && count(char::is_ascii_lowercase) >= 1, "{text}");
    assert!(!text.contains(['?', ',']), "{text}");
    let guid = Expression::parse("Guid()").expect("valid");
    let guid = evaluate(&guid, &Map::new()).expect("a guid");
    assert!(uuid::Uuid::parse_str(guid.as_str().expect("text")).is_ok());
}

#[test]
fn nonsense_never_panics() {
    let seeds =
        ["Switch([a], , \"b\", \"c\")", "Replace([a], , \"(?<x>.\", \"x\", \"é\", , )", "[[é]]", "\"\\\"\\"];
    for seed in seeds {
        for (cut, _) in seed.char_indices() {
            for text in [&seed[..cut], &seed[cut..]] {
                if let Ok(expression) = Expression::parse(text) {
                    let _ = evaluate(&expression, &Map::new());
                }
            }
        }
    }
    assert!(Expression::parse(&"Not(".repeat(5_000)).is_err());
}
