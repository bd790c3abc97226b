//! Answers that are written piece by piece: resources are rendered from their rows and members read from the database
//! only as the client takes what came before, so that neither a large page nor a large group is held as text.

use crate::{
    ApiError, App, Client,
    members::MemberParts,
    memory::{REQUEST, STREAM},
};
use actix_web::{
    body::{BodyStream, BoxBody, MessageBody},
    web::{Bytes, Data},
};
use futures_util::stream;
use provisioning::{Context, Failure, off_worker};
use scim::{projection::Projection, schema::ResourceKind};
use serde_json::{Map, Value};
use std::{collections::VecDeque, sync::Arc, time::Duration};
use store::{MEMBERS_AT_ONCE, Member, ResourceId, Row, bytes::Reservation};
use tokio::time::Instant;

/// About how much text is written at a time, in bytes.
const PIECE: usize = 64 * 1024;

/// What a small list has around its resources, in bytes.
const ENVELOPE: usize = 256;

/// A part of an answer, in order.
enum Part {
    /// Text as it is.
    Text(Bytes),
    /// Resources, with commas between them.
    Rows { rows: VecDeque<Row>, shape: Arc<Shape> },
    /// The members of a group and the end of its text.
    Members(Members),
}

/// How resources of a page are shown.
struct Shape {
    kind: ResourceKind,
    projection: Projection,
    /// What is returned of each member of a group; `None` for users, and where no members are returned.
    members: Option<MemberParts>,
}

/// The members of a group that are still to be written.
///
/// They are read in slices, each of them the group at that moment. A client sees each member that stays in the group
/// once. One that is added or removed meanwhile may be there or not, and `meta.version` may be older than the members.
struct Members {
    group: ResourceId,
    parts: MemberParts,
    /// The next ones, last one first.
    slice: Vec<Member>,
    /// How many there probably are behind those that were read.
    expected: u64,
    /// Behind which member the next slice begins; `None` is the first one.
    after: Option<ResourceId>,
    /// Whether there is no slice behind this one.
    is_last: bool,
    /// Whether a member was written before.
    begun: bool,
}

/// An answer that is written part by part.
pub(crate) struct Answer {
    app: Data<App>,
    context: Context,
    base: Arc<str>,
    memory: Reservation,
    parts: VecDeque<Part>,
    /// The size of the rows that are still to be written, in bytes.
    left: usize,
    /// Whether a resource was written before.
    begun: bool,
    /// When the client was given the last piece.
    given: Instant,
    /// Whether the head of the answer is sent, so that it can no longer be refused.
    is_sent: bool,
}

impl Answer {
    /// An answer to a client, without any part yet.
    pub(crate) fn to(client: Client, app: Data<App>) -> Answer {
        Answer {
            app,
            context: client.context,
            base: client.base.into(),
            memory: client.memory,
            parts: VecDeque::new(),
            left: 0,
            begun: false,
            given: Instant::now(),
            is_sent: false,
        }
    }

    /// Adds text.
    pub(crate) fn text(mut self, text: impl Into<Bytes>) -> Answer {
        self.parts.push_back(Part::Text(text.into()));
        self
    }

    /// Adds resources.
    pub(crate) fn rows(mut self, kind: ResourceKind, rows: Vec<Row>, projection: Projection) -> Answer {
        let sizes = rows.iter().map(Row::size);
        if let Some(largest) = sizes.clone().max() {
            self.memory.note_resource(largest);
        }
        self.left += sizes.sum::<usize>();
        let members = if kind == ResourceKind::Group { MemberParts::of(&projection) } else { None };
        let shape = Arc::new(Shape { kind, projection, members });
        self.parts.push_back(Part::Rows { rows: rows.into(), shape });
        self
    }

    /// The whole body, if it is one piece; else a stream. The first piece is made here, so that a fault of the store is
    /// still an error of the request.
    pub(crate) async fn into_body(mut self) -> Result<BoxBody, ApiError> {
        if self.left > REQUEST {
            self.memory.correct_to(self.left + STREAM);
        }
        let first = self.piece().await?;
        if self.parts.is_empty() {
            return Ok(first.boxed());
        }
        self.memory.correct_to(self.left + STREAM);
        (self.given, self.is_sent) = (Instant::now(), true);
        let rest = stream::unfold(Some((Some(first), self)), |state| async {
            let (first, mut answer) = state?;
            if let Some(first) = first {
                return Some((Ok(first), Some((None, answer))));
            }
            if answer.parts.is_empty() {
                return None;
            }
            match answer.next_piece().await {
                Ok(piece) => Some((Ok(piece), Some((None, answer)))),
                // The head of the answer is sent: breaking the connection off is the only honest word left.
                Err(error) => {
                    error.log();
                    tracing::warn!(tenant = %answer.context.tenant, "an answer was broken off");
                    Some((Err(error), None))
                }
            }
        });
        Ok(BodyStream::new(Box::pin(rest)).boxed())
    }

    /// A piece behind the first one, if the client has taken the one before in time.
    async fn next_piece(&mut self) -> Result<Bytes, ApiError> {
        if self.given.elapsed() > self.app.limits.write_timeout {
            return Err(ApiError::NotRead);
        }
        let piece = self.piece().await?;
        self.memory.shrink_to(self.left + STREAM);
        self.given = Instant::now();
        Ok(piece)
    }

    async fn piece(&mut self) -> Result<Bytes, ApiError> {
        let mut text = String::with_capacity(self.left.min(PIECE) + ENVELOPE);
        while text.len() < PIECE
            && let Some(part) = self.parts.pop_front()
        {
            match part {
                Part::Text(mut whole)
                    if text.is_empty() && (whole.len() > PIECE || self.parts.is_empty()) =>
                {
                    let piece = whole.split_to(whole.len().min(PIECE));
                    if !whole.is_empty() {
                        self.parts.push_front(Part::Text(whole));
                    }
                    return Ok(piece);
                }
                Part::Text(part) => text.push_str(&String::from_utf8_lossy(&part)),
                Part::Rows { rows, shape } => self.write_rows(&mut text, rows, shape).await?,
                Part::Members(members) => self.write_members(&mut text, members).await?,
            }
        }
        Ok(text.into())
    }

    /// Writes as many rows as a piece has room for, or one and the beginning of its members.
    async fn write_rows(
        &mut self,
        text: &mut String,
        mut rows: VecDeque<Row>,
        shape: Arc<Shape>,
    ) -> Result<(), ApiError> {
        let (mut batch, mut size, mut group) = (Vec::new(), 0, None);
        while size < PIECE.saturating_sub(text.len()).max(1)
            && group.is_none()
            && let Some(row) = rows.pop_front()
        {
            size += row.size();
            group = shape.members.map(|_| (row.id, row.member_count));
            batch.push(row);
        }
        self.left = self.left.saturating_sub(size);
        if !rows.is_empty() {
            self.parts.push_front(Part::Rows { rows, shape: Arc::clone(&shape) });
        }
        if let (Some((group, count)), Some(parts)) = (group, shape.members) {
            self.parts.push_front(Part::Members(Members::of(group, count, parts)));
        }
        let (base, begun) = (Arc::clone(&self.base), self.begun);
        self.begun |= !batch.is_empty();
        // Copying text is light work, parsing it is not.
        let cost = if shape.is_whole() { size / 16 } else { size };
        let rendered =
            off_worker(self.context.tenant, cost, move || shape.render(&batch, &base, begun)).await??;
        text.push_str(&rendered);
        Ok(())
    }

    /// Writes as many members as a piece has room for, and what stands behind the last one.
    async fn write_members(&mut self, text: &mut String, mut members: Members) -> Result<(), ApiError> {
        if members.slice.is_empty() && !members.is_last {
            let provisioning = &self.app.provisioning;
            let (group, after, expected) = (members.group, members.after, members.expected);
            let ask = async || {
                provisioning.members_after(&self.context, group, after, MEMBERS_AT_ONCE, expected).await
            };
            let slice = match self.is_sent {
                true => patiently(self.given + self.app.limits.write_timeout, ask).await?,
                false => ask().await?,
            };
            members.is_last = slice.len() < MEMBERS_AT_ONCE as usize;
            members.expected = expected.saturating_sub(slice.len() as u64);
            members.after = slice.last().map(|member| member.id);
            members.slice = slice;
            members.slice.reverse();
        }
        if !members.begun && (!members.slice.is_empty() || members.parts.is_whole()) {
            text.push_str(",\"members\":[");
        }
        while text.len() < PIECE
            && let Some(member) = members.slice.pop()
        {
            if std::mem::replace(&mut members.begun, true) {
                text.push(',');
            }
            members.parts.push(text, member, &self.base);
        }
        if !members.slice.is_empty() || !members.is_last {
            self.parts.push_front(Part::Members(members));
            return Ok(());
        }
        // Of an empty list nothing is returned where only parts of its elements are asked for.
        text.push_str(if members.begun || members.parts.is_whole() { "]}" } else { "}" });
        Ok(())
    }
}

/// Asks until the tenant no longer has too much in flight: an answer that is sent in part cannot be refused any more.
///
/// # Errors
/// Those of the question; `Overloaded` only from `until` on.
async fn patiently<T>(until: Instant, ask: impl AsyncFn() -> Result<T, Failure>) -> Result<T, Failure> {
    loop {
        match ask().await {
            Err(Failure::Overloaded(seconds)) if Instant::now() < until => {
                tokio::time::sleep(Duration::from_secs(seconds.clamp(1, 5).into())).await;
            }
            answer => return answer,
        }
    }
}

impl Members {
    fn of(group: ResourceId, count: u64, parts: MemberParts) -> Members {
        let slice = Vec::new();
        Members { group, parts, slice, expected: count, after: None, is_last: false, begun: false }
    }
}

impl Shape {
    /// Whether resources are shown as they are stored.
    fn is_whole(&self) -> bool {
        self.projection.keeps_document_whole() && self.projection.returns_whole("meta")
    }

    /// The text of resources, with commas before each but the first one; without its closing brace where members follow.
    fn render(&self, rows: &[Row], base: &str, mut begun: bool) -> Result<String, Failure> {
        let mut text = String::with_capacity(rows.iter().map(|row| row.size() + 1).sum());
        for row in rows {
            if std::mem::replace(&mut begun, true) {
                text.push(',');
            }
            let resource = provisioning::open_resource(self.kind, row, base);
            if self.is_whole() {
                text.push_str(&resource);
            } else {
                text.push_str(&self.project(resource)?);
            }
            if self.members.is_none() {
                text.push('}');
            }
        }
        Ok(text)
    }

    /// Cuts the text of a resource, still without its closing brace, down to what the projection returns.
    fn project(&self, mut text: String) -> Result<String, Failure> {
        text.push('}');
        let mut resource: Map<String, Value> = serde_json::from_str(&text)
            .map_err(|error| Failure::Internal(format!("rendered resource: {error}")))?;
        self.projection.apply(&mut resource);
        let mut text = Value::Object(resource).to_string();
        text.pop();
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_is_sent_in_part_waits_while_its_tenant_has_too_much_in_flight() {
        let until = Instant::now() + Duration::from_secs(60);
        let asked = Cell::new(0);
        let busy = async || {
            asked.set(asked.get() + 1);
            if asked.get() < 4 { Err(Failure::Overloaded(2)) } else { Ok("members") }
        };
        assert_eq!(patiently(until, busy).await, Ok("members"));
        assert_eq!(asked.get(), 4);
    }

    #[tokio::test(start_paused = true)]
    async fn it_does_not_wait_for_ever_and_not_for_faults() {
        let began = Instant::now();
        let until = began + Duration::from_secs(60);
        let always = async || Err::<(), _>(Failure::Overloaded(7));
        assert_eq!(patiently(until, always).await, Err(Failure::Overloaded(7)));
        assert!((60..=65).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
        let fault = async || Err::<(), _>(Failure::Internal(String::new()));
        assert_eq!(patiently(until, fault).await, Err(Failure::Internal(String::new())));
    }
}
