//! Syntax: calls, `[attributes]`, `"constants"`, numbers, comparisons, and arguments that are left out.

/// A part of an expression.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    /// `[name]`
    Attribute(String),
    /// `"text"`
    Text(String),
    /// `12`, `-3`, `&HF7`
    Number(i64),
    /// A bare word such as `vbTextCompare`.
    Word(String),
    /// `Name(argument, , argument)`; an argument left out is `None`.
    Call { name: String, arguments: Vec<Option<Node>> },
    /// `left = right` and its kin.
    Compare { operator: Operator, left: Box<Node>, right: Box<Node> },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Node {
    pub(super) fn visit<'a>(&'a self, see: &mut dyn FnMut(&'a Self)) {
        see(self);
        match self {
            Self::Call { arguments, .. } => arguments.iter().flatten().for_each(|node| node.visit(see)),
            Self::Compare { left, right, .. } => {
                left.visit(see);
                right.visit(see);
            }
            Self::Attribute(_) | Self::Text(_) | Self::Number(_) | Self::Word(_) => {}
        }
    }
}

/// Deepest nesting; far beyond what a form in a portal invites, well within any stack.
const DEEPEST: usize = 64;

pub(super) fn parse(text: &str) -> Result<Node, String> {
    let mut reader = Reader { rest: text, whole: text, depth: 0 };
    let node = reader.comparison()?;
    reader.space();
    if reader.rest.is_empty() { Ok(node) } else { Err(reader.unexpected()) }
}

struct Reader<'a> {
    rest: &'a str,
    whole: &'a str,
    depth: usize,
}

impl Reader<'_> {
    fn space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn take(&mut self, token: &str) -> bool {
        self.space();
        self.rest.strip_prefix(token).is_some_and(|rest| {
            self.rest = rest;
            true
        })
    }

    fn unexpected(&self) -> String {
        let at = self.whole.len() - self.rest.len();
        match self.rest.chars().next() {
            Some(character) => format!("'{character}' is unexpected at position {}", at + 1),
            None => "it ends too early".to_owned(),
        }
    }

    fn comparison(&mut self) -> Result<Node, String> {
        let left = self.operand()?;
        let operators = [
            ("<>", Operator::NotEqual),
            ("<=", Operator::LessOrEqual),
            (">=", Operator::GreaterOrEqual),
            ("=", Operator::Equal),
            ("<", Operator::Less),
            (">", Operator::Greater),
        ];
        for (token, operator) in operators {
            if self.take(token) {
                let right = self.operand()?;
                return Ok(Node::Compare { operator, left: Box::new(left), right: Box::new(right) });
            }
        }
        Ok(left)
    }

    fn operand(&mut self) -> Result<Node, String> {
        self.space();
        match self.rest.chars().next() {
            Some('[') => self.attribute(),
            Some('"') => self.constant(),
            Some('&') => self.hexadecimal(),
            Some(first) if first == '-' || first.is_ascii_digit() => self.number(),
            Some(first) if first.is_ascii_alphabetic() => self.word_or_call(),
            _ => Err(self.unexpected()),
        }
    }

    fn attribute(&mut self) -> Result<Node, String> {
        let inner = &self.rest[1..];
        let end = inner.find(']').ok_or("a '[' is not closed")?;
        let name = inner[..end].trim();
        if name.is_empty() {
            return Err("an attribute has no name".to_owned());
        }
        self.rest = &inner[end + 1..];
        Ok(Node::Attribute(name.to_owned()))
    }

    /// `\"` and `\\` are escapes; a backslash before anything else stands for itself (regular expressions).
    fn constant(&mut self) -> Result<Node, String> {
        let mut text = String::new();
        let mut characters = self.rest[1..].char_indices().peekable();
        while let Some((at, character)) = characters.next() {
            match (character, characters.peek()) {
                ('"', _) => {
                    self.rest = &self.rest[1 + at + 1..];
                    return Ok(Node::Text(text));
                }
                ('\\', Some((_, escaped @ ('"' | '\\')))) => {
                    text.push(*escaped);
                    characters.next();
                }
                _ => text.push(character),
            }
        }
        Err("a '\"' is not closed".to_owned())
    }

    fn hexadecimal(&mut self) -> Result<Node, String> {
        let Some(digits) = self.rest.strip_prefix("&H") else { return Err(self.unexpected()) };
        let end = digits.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(digits.len());
        let number = i64::from_str_radix(&digits[..end], 16).map_err(|error| error.to_string())?;
        self.rest = &digits[end..];
        Ok(Node::Number(number))
    }

    fn number(&mut self) -> Result<Node, String> {
        let sign = usize::from(self.rest.starts_with('-'));
        let digits = self.rest[sign..].find(|c: char| !c.is_ascii_digit()).unwrap_or(self.rest.len() - sign);
        let (number, rest) = self.rest.split_at(sign + digits);
        let number = number.parse().map_err(|_| format!("'{number}' is not a whole number"))?;
        self.rest = rest;
        Ok(Node::Number(number))
    }

    fn word_or_call(&mut self) -> Result<Node, String> {
        let end = self.rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        let name = name.to_owned();
        self.rest = rest;
        if !self.take("(") {
            return Ok(Node::Word(name));
        }
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(format!("nested deeper than {DEEPEST} calls"));
        }
        let arguments = self.arguments()?;
        self.depth -= 1;
        Ok(Node::Call { name, arguments })
    }

    fn arguments(&mut self) -> Result<Vec<Option<Node>>, String> {
        if self.take(")") {
            return Ok(Vec::new());
        }
        let mut arguments = Vec::new();
        loop {
            self.space();
            let left_out = self.rest.starts_with([',', ')']);
            arguments.push(if left_out { None } else { Some(self.comparison()?) });
            if self.take(")") {
                return Ok(arguments);
            }
            if !self.take(",") {
                return Err(self.unexpected());
            }
        }
    }
}
