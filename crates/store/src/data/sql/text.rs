//! [`Sql`]: text and binds in turn.

use crate::schema::types::Id;
use std::borrow::Cow;
use uuid::Uuid;

/// A value that the driver sends beside the text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Bind {
    /// The key of a tenant, resource or credential, or NULL.
    Key(Option<Id>),
    /// A text, or NULL.
    Text(Option<String>),
    Bool(bool),
    /// A whole number, or NULL.
    BigInt(Option<i64>),
    Double(f64),
}

impl Bind {
    pub(crate) fn key(key: Uuid) -> Bind {
        Bind::Key(Some(Id(key)))
    }

    pub(crate) fn text(text: impl Into<String>) -> Bind {
        Bind::Text(Some(text.into()))
    }

    pub(crate) fn number(number: i64) -> Bind {
        Bind::BigInt(Some(number))
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Piece {
    Text(Cow<'static, str>),
    Bind(Bind),
}

/// A part of a statement, or a whole one. Built by [`sql!`].
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Sql {
    pieces: Vec<Piece>,
}

impl Sql {
    /// A text in quotes, for names of the schema that have to stand in the text itself.
    pub(crate) fn quoted(text: &str) -> Sql {
        Sql { pieces: vec![Piece::Text(Cow::Owned(format!("'{}'", text.replace('\'', "''"))))] }
    }

    /// Parts with a word between them.
    pub(crate) fn joined(parts: impl IntoIterator<Item = Sql>, word: &'static str) -> Sql {
        let mut joined = Sql::default();
        for (index, part) in parts.into_iter().enumerate() {
            if index > 0 {
                joined.push(word);
            }
            joined.push(part);
        }
        joined
    }

    pub(crate) fn push(&mut self, part: impl Part) {
        part.push_to(self);
    }

    pub(crate) fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    fn push_piece(&mut self, piece: Piece) {
        if let (Some(Piece::Text(last)), Piece::Text(text)) = (self.pieces.last_mut(), &piece) {
            last.to_mut().push_str(text);
        } else {
            self.pieces.push(piece);
        }
    }
}

/// What a statement is put together from: text of the source code, a bind, or a part put together before.
pub(crate) trait Part {
    fn push_to(self, sql: &mut Sql);
}

impl Part for &'static str {
    fn push_to(self, sql: &mut Sql) {
        if !self.is_empty() {
            sql.push_piece(Piece::Text(Cow::Borrowed(self)));
        }
    }
}

impl Part for Bind {
    fn push_to(self, sql: &mut Sql) {
        sql.push_piece(Piece::Bind(self));
    }
}

impl Part for Sql {
    fn push_to(self, sql: &mut Sql) {
        self.pieces.into_iter().for_each(|piece| sql.push_piece(piece));
    }
}

impl Part for &Sql {
    fn push_to(self, sql: &mut Sql) {
        self.clone().push_to(sql);
    }
}

/// Puts parts together: `sql!("id = ", Bind::key(id), " AND ", condition)`.
macro_rules! sql {
    ($($part:expr),+ $(,)?) => {{
        let mut sql = $crate::data::sql::Sql::default();
        $(sql.push($part);)+
        sql
    }};
}
pub(crate) use sql;
