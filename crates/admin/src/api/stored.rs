//! JSON as it is stored, in answers.

use serde::{Serialize, Serializer};
use serde_json::Value;

/// Text of the database that is JSON; none is `null`. Its values take many times the memory of its text, so it is parsed
/// only while it is written: an answer holds the values of one text at a time.
pub(super) struct Stored(Option<String>);

impl From<Option<String>> for Stored {
    fn from(text: Option<String>) -> Stored {
        Stored(text)
    }
}

impl From<String> for Stored {
    fn from(text: String) -> Stored {
        Stored(Some(text))
    }
}

impl Serialize for Stored {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let value: Option<Value> = self.0.as_deref().and_then(|text| serde_json::from_str(text).ok());
        value.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_written_as_the_value_that_it_is() {
        let written =
            |text: Option<&str>| serde_json::to_string(&Stored::from(text.map(str::to_owned))).unwrap();
        assert_eq!(written(Some(r#"{"b": [1.0, "x"], "a": null}"#)), r#"{"b":[1.0,"x"],"a":null}"#);
        assert_eq!(written(None), "null");
        assert_eq!(written(Some("no JSON")), "null");
    }
}
