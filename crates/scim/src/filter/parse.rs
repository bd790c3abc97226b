//! Reading a filter: recursive descent with bounded length, depth and number of terms.

use super::{CompareOp, Filter, MAX_DEPTH, MAX_LENGTH, MAX_TERMS, Value, ValueTest};
use crate::{Profile, ScimError, path::AttributePath};

impl Filter {
    /// Reads a filter by the grammar of RFC 7644 section 3.4.2.2.
    ///
    /// # Errors
    /// 400 `invalidFilter`, with the position.
    pub fn parse(text: &str) -> Result<Filter, ScimError> {
        Filter::parse_for(Profile::Rfc, text)
    }

    /// Reads a filter as the clients of a profile write it.
    ///
    /// # Errors
    /// 400 `invalidFilter`, with the position.
    pub fn parse_for(profile: Profile, text: &str) -> Result<Filter, ScimError> {
        if text.len() > MAX_LENGTH && text.chars().count() > MAX_LENGTH {
            return Err(ScimError::invalid_filter(format!(
                "The filter is longer than {MAX_LENGTH} characters."
            )));
        }
        let mut parser = Parser { text, at: 0, terms: 0, reads_bare_words: profile.rules().reads_bare_words };
        let filter = parser.or(0)?;
        parser.space();
        if parser.at < text.len() {
            return Err(parser.error("the end, \"and\" or \"or\""));
        }
        Ok(filter)
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    terms: usize,
    reads_bare_words: bool,
}

impl<'a> Parser<'a> {
    fn error(&self, expected: &str) -> ScimError {
        let position = self.text[..self.at].chars().count() + 1;
        ScimError::invalid_filter(format!("At character {position} of the filter, {expected} is expected."))
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn space(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    fn eat(&mut self, symbol: char) -> bool {
        let found = self.rest().starts_with(symbol);
        if found {
            self.at += symbol.len_utf8();
        }
        found
    }

    /// The next word, up to a space, quote, parenthesis or bracket; not consumed.
    fn word(&self) -> &'a str {
        let rest = self.rest();
        let end = rest
            .find(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | '[' | ']' | '"'))
            .unwrap_or(rest.len());
        &rest[..end]
    }

    fn eat_word(&mut self, wanted: &str) -> bool {
        self.space();
        let found = self.word().eq_ignore_ascii_case(wanted);
        if found {
            self.at += wanted.len();
        }
        found
    }

    fn or(&mut self, depth: usize) -> Result<Filter, ScimError> {
        if depth > MAX_DEPTH {
            return Err(ScimError::invalid_filter(format!(
                "The filter is nested deeper than {MAX_DEPTH} levels."
            )));
        }
        let mut parts = vec![self.and(depth)?];
        while self.eat_word("or") {
            parts.push(self.and(depth)?);
        }
        Ok(one_or(parts, Filter::Or))
    }

    fn and(&mut self, depth: usize) -> Result<Filter, ScimError> {
        let mut parts = vec![self.term(depth)?];
        while self.eat_word("and") {
            parts.push(self.term(depth)?);
        }
        Ok(one_or(parts, Filter::And))
    }

    fn term(&mut self, depth: usize) -> Result<Filter, ScimError> {
        self.space();
        self.terms += 1;
        if self.terms > MAX_TERMS {
            return Err(ScimError::invalid_filter(format!(
                "The filter has more than {MAX_TERMS} comparisons."
            )));
        }
        if self.eat('(') {
            return self.group(depth);
        }
        let start = self.at;
        if self.eat_word("not") {
            self.space();
            if self.eat('(') {
                return Ok(Filter::Not(Box::new(self.group(depth)?)));
            }
            self.at = start;
        }
        let attribute = AttributePath::parse(self.word()).ok_or_else(|| self.error("an attribute name"))?;
        self.at += self.word().len();
        if self.rest().starts_with('[') && attribute.name.is_empty() {
            return Err(self.error("an attribute name in front of the brackets"));
        }
        if self.eat('[') {
            return self.value_path(attribute, depth);
        }
        Ok(match self.test()? {
            None => Filter::Present(attribute),
            Some((op, value)) => Filter::Compare(attribute, op, value),
        })
    }

    fn group(&mut self, depth: usize) -> Result<Filter, ScimError> {
        let inner = self.or(depth + 1)?;
        self.space();
        if self.eat(')') { Ok(inner) } else { Err(self.error("\")\"")) }
    }

    fn value_path(&mut self, attribute: AttributePath, depth: usize) -> Result<Filter, ScimError> {
        if attribute.sub_attribute.is_some() {
            return Err(self.error("no sub-attribute in front of the brackets"));
        }
        let inner = self.or(depth + 1)?;
        self.space();
        if !self.eat(']') {
            return Err(self.error("\"]\""));
        }
        let sub = if self.eat('.') {
            let sub = AttributePath::parse(self.word())
                .filter(|path| path.urn.is_none() && path.sub_attribute.is_none())
                .ok_or_else(|| self.error("a sub-attribute name"))?;
            self.at += self.word().len();
            Some(sub.name)
        } else {
            None
        };
        if sub.is_none() && !self.stands_before_operator() {
            return Ok(Filter::ValuePath(attribute, Box::new(inner), None));
        }
        let sub = sub.unwrap_or_else(|| "value".to_owned());
        let test = match self.test()? {
            None => ValueTest::Present(sub),
            Some((op, value)) => ValueTest::Compare(sub, op, value),
        };
        Ok(Filter::ValuePath(attribute, Box::new(inner), Some(test)))
    }

    fn stands_before_operator(&mut self) -> bool {
        self.space();
        let word = self.word();
        word.eq_ignore_ascii_case("pr")
            || CompareOp::WORDS.iter().any(|(_, name)| word.eq_ignore_ascii_case(name))
    }

    /// `op value`, or none for `pr`.
    fn test(&mut self) -> Result<Option<(CompareOp, Value)>, ScimError> {
        if self.eat_word("pr") {
            return Ok(None);
        }
        let word = self.word();
        let (op, name) = CompareOp::WORDS
            .into_iter()
            .find(|(_, name)| word.eq_ignore_ascii_case(name))
            .ok_or_else(|| self.error("an operator (eq, ne, co, sw, ew, gt, ge, lt, le, pr)"))?;
        self.at += name.len();
        self.space();
        Ok(Some((op, self.value()?)))
    }

    fn value(&mut self) -> Result<Value, ScimError> {
        if self.rest().starts_with('"') {
            let mut strings = serde_json::Deserializer::from_str(self.rest()).into_iter::<String>();
            return match strings.next() {
                Some(Ok(text)) if !text.contains('\0') => {
                    self.at += strings.byte_offset();
                    Ok(Value::Text(text))
                }
                _ => Err(self.error("a text in double quotes")),
            };
        }
        let word = self.word();
        if word.is_empty() || word.contains('\0') {
            return Err(self.error("a value"));
        }
        // Taken as a bare word, other quotes would become part of the value.
        if word.starts_with(['\'', '`', '\u{2018}', '\u{2019}', '\u{201c}', '\u{201d}', '\u{201e}']) {
            return Err(self.error("a text in double quotes (\"…\")"));
        }
        if !self.reads_bare_words && !is_json(word) {
            return Err(self.error("a JSON value (a text in double quotes, a number, true, false or null)"));
        }
        self.at += word.len();
        Ok(match word {
            "null" => Value::Null,
            word => Value::Word(word.to_owned()),
        })
    }
}

/// Whether a word is a JSON value.
fn is_json(word: &str) -> bool {
    matches!(word, "null" | "true" | "false") || super::number(word).is_some()
}

fn one_or(mut parts: Vec<Filter>, join: fn(Vec<Filter>) -> Filter) -> Filter {
    match parts.len() {
        1 => parts.remove(0),
        _ => join(parts),
    }
}
