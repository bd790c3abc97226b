//! Filters of the stand-in: parsed to a tree, evaluated on JSON.

use super::defect::Defect;
use serde_json::Value;

/// A filter; paths are kept as they were written.
#[derive(Clone, Debug)]
pub(crate) enum Filter {
    And(Box<Filter>, Box<Filter>),
    Or(Box<Filter>, Box<Filter>),
    Not(Box<Filter>),
    Compare { path: String, op: String, value: Value },
    Present(String),
}

/// Deepest nesting that is parsed.
const DEPTH: usize = 32;

/// Parses `text`; `None` if it is no filter.
pub(crate) fn parse(text: &str, defect: Option<Defect>) -> Option<Filter> {
    let mut parser = Parser { tokens: tokens(text, defect)?, at: 0, defect };
    let filter = parser.or(0)?;
    (parser.at == parser.tokens.len()).then_some(filter)
}

/// Splits at blanks and parentheses, but not inside quotation marks or brackets.
fn tokens(text: &str, defect: Option<Defect>) -> Option<Vec<String>> {
    let (mut tokens, mut token) = (Vec::new(), String::new());
    let (mut quoted, mut escaped, mut brackets) = (false, false, 0);
    for char in text.chars() {
        match char {
            _ if quoted => {
                token.push(char);
                quoted = escaped || char != '"';
                escaped = !escaped && char == '\\' && defect != Some(Defect::EscapesNotDecoded);
            }
            '"' => {
                token.push(char);
                quoted = true;
            }
            ' ' | '(' | ')' if brackets == 0 => {
                tokens.extend((!token.is_empty()).then(|| std::mem::take(&mut token)));
                tokens.extend((char != ' ').then(|| char.to_string()));
            }
            _ => {
                brackets += i32::from(char == '[') - i32::from(char == ']');
                token.push(char);
            }
        }
    }
    tokens.extend((!token.is_empty()).then_some(token));
    (!quoted && brackets == 0).then_some(tokens)
}

struct Parser {
    tokens: Vec<String>,
    at: usize,
    defect: Option<Defect>,
}

impl Parser {
    fn next(&mut self) -> Option<String> {
        self.at += 1;
        self.tokens.get(self.at - 1).cloned()
    }

    fn accept(&mut self, word: &str) -> bool {
        let is_next = self.tokens.get(self.at).is_some_and(|token| token.eq_ignore_ascii_case(word));
        self.at += usize::from(is_next);
        is_next
    }

    fn or(&mut self, depth: usize) -> Option<Filter> {
        let mut left = self.and(depth)?;
        while self.accept("or") {
            left = Filter::Or(Box::new(left), Box::new(self.and(depth)?));
        }
        Some(left)
    }

    fn and(&mut self, depth: usize) -> Option<Filter> {
        let mut left = self.term(depth)?;
        while self.accept("and") {
            left = Filter::And(Box::new(left), Box::new(self.term(depth)?));
        }
        Some(left)
    }

    fn term(&mut self, depth: usize) -> Option<Filter> {
        if self.accept("not") {
            return Some(Filter::Not(Box::new(self.term(depth)?)));
        }
        if self.accept("(") {
            let inner = (depth < DEPTH).then(|| self.or(depth + 1))??;
            return self.accept(")").then_some(inner);
        }
        let path = self.next()?;
        if path.ends_with(']') {
            return Some(Filter::Present(path));
        }
        let op = self.next()?.to_lowercase();
        match op.as_str() {
            "pr" => Some(Filter::Present(path)),
            "eq" | "ne" | "co" | "sw" => Some(Filter::Compare { path, op, value: self.value()? }),
            _ => None,
        }
    }

    fn value(&mut self) -> Option<Value> {
        let token = self.next()?;
        if self.defect == Some(Defect::EscapesNotDecoded) && token.starts_with('"') {
            return Some(Value::from(token.trim_matches('"')));
        }
        let bare = || (self.defect != Some(Defect::UnquotedRefused)).then(|| Value::from(token.as_str()));
        serde_json::from_str(&token).ok().or_else(|| if token.starts_with('"') { None } else { bare() })
    }
}

/// Whether the resource or element matches.
pub(crate) fn matches(filter: &Filter, place: &Value, defect: Option<Defect>) -> bool {
    match filter {
        Filter::And(left, right) => matches(left, place, defect) && matches(right, place, defect),
        Filter::Or(left, right) => matches(left, place, defect) || matches(right, place, defect),
        Filter::Not(inner) => !matches(inner, place, defect),
        Filter::Present(path) => !select(place, path, defect).is_empty(),
        Filter::Compare { path, op, value } => compare(path, op, value, place, defect),
    }
}

fn compare(path: &str, op: &str, wanted: &Value, place: &Value, defect: Option<Defect>) -> bool {
    let always_true = matches!(
        (path, defect),
        ("manager", Some(Defect::ManagerFilterAlwaysTrue))
            | ("members", Some(Defect::MemberFilterAlwaysTrue))
    );
    let exact = match path {
        "externalId" => defect != Some(Defect::ExternalIdFilterIgnoresCase),
        "id" => true,
        "userName" => defect == Some(Defect::UserNameFilterRespectsCase),
        "displayName" => defect == Some(Defect::DisplayNameFilterRespectsCase),
        _ => false,
    };
    let fold = |value: &Value| match value {
        Value::String(text) if !exact => Value::from(text.to_lowercase()),
        // Entra compares a boolean with the word "True".
        Value::Bool(truth) if wanted.is_string() && defect != Some(Defect::PrimaryWordUnmatched) => {
            Value::from(truth.to_string())
        }
        other => other.clone(),
    };
    let wanted = fold(wanted);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    always_true
        || select(place, path, defect).into_iter().map(fold_complex).any(|found| {
            let found = fold(&found);
            match op {
                "eq" if defect == Some(Defect::EqMeansContains) => text(&found).contains(&text(&wanted)),
                "eq" => found == wanted,
                "ne" => found != wanted,
                "co" => text(&found).contains(&text(&wanted)),
                _ => text(&found).starts_with(&text(&wanted)),
            }
        })
}

/// A complex value is compared by its `value`.
fn fold_complex(found: Value) -> Value {
    if found.is_object() { found["value"].clone() } else { found }
}

/// All values at `path`: `userName`, `name.givenName`, `emails[type eq "work"].value`, `members`.
fn select(place: &Value, path: &str, defect: Option<Defect>) -> Vec<Value> {
    const ENTERPRISE: &str = super::schemas::ENTERPRISE;
    if path.eq_ignore_ascii_case("manager") {
        return select(&place[ENTERPRISE], "manager.value", defect);
    }
    if let Some(rest) = path.strip_prefix(ENTERPRISE).and_then(|rest| rest.strip_prefix(':')) {
        return select(&place[ENTERPRISE], rest, defect);
    }
    let (name, rest) = path.split_at(path.find(['.', '[']).unwrap_or(path.len()));
    let same = |key: &str| match defect {
        Some(Defect::FilterNamesRespectCase) => key == name,
        _ => key.eq_ignore_ascii_case(name),
    };
    let found = place.as_object().and_then(|members| members.iter().find(|(key, _)| same(key)));
    let Some((_, found)) = found else { return Vec::new() };
    let all = found.as_array().cloned().unwrap_or_else(|| vec![found.clone()]);
    if rest.starts_with('[') && name == "members" && defect == Some(Defect::MemberValuePathUnmatched) {
        return Vec::new();
    }
    match rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((condition, sub)) => {
            let condition = parse(condition, defect);
            let fits = |element: &&Value| {
                defect == Some(Defect::ValueFilterIgnored)
                    || condition.as_ref().is_some_and(|condition| matches(condition, element, defect))
            };
            all.iter().filter(fits).flat_map(|element| sub_values(element, sub, defect)).collect()
        }
        None => all.iter().flat_map(|element| sub_values(element, rest, defect)).collect(),
    }
}

fn sub_values(element: &Value, rest: &str, defect: Option<Defect>) -> Vec<Value> {
    match rest.strip_prefix('.') {
        Some(sub) => select(element, sub, defect),
        None => vec![element.clone()],
    }
}
