//! Answers that hold groups: members are written from their ids, a piece at a time, so that a group of any size is
//! never held as text.

use crate::{ApiError, App};
use actix_web::{
    body::{BodyStream, BoxBody, MessageBody},
    web::{Bytes, Data},
};
use futures_util::stream;
use provisioning::Context;
use scim::list;
use std::collections::VecDeque;
use store::ResourceId;

/// About how much text is written at a time, in bytes.
const PIECE: usize = 64 * 1024;

/// A part of an answer, in order.
pub(crate) enum Part {
    /// Text as it is.
    Text(String),
    /// The members of a group, still to be read.
    MembersOf(ResourceId),
    /// Members still to be written, last one first, and whether one was written before them.
    Members { ids: Vec<(ResourceId, &'static str)>, begun: bool },
}

/// An answer that is written part by part.
pub(crate) struct Parts {
    pub(crate) app: Data<App>,
    pub(crate) context: Context,
    pub(crate) base: String,
    pub(crate) parts: VecDeque<Part>,
}

impl Parts {
    /// The whole body, if it is one piece; else a stream. The first piece is made here, so that a fault of the store
    /// is still an error of the request.
    pub(crate) async fn into_body(mut self) -> Result<BoxBody, ApiError> {
        let first = self.piece().await?;
        if self.parts.is_empty() {
            return Ok(first.boxed());
        }
        let rest = stream::unfold(Some((Some(first), self)), |state| async {
            let (first, mut parts) = state?;
            if let Some(first) = first {
                return Some((Ok(first), Some((None, parts))));
            }
            if parts.parts.is_empty() {
                return None;
            }
            match parts.piece().await {
                Ok(piece) => Some((Ok(piece), Some((None, parts)))),
                // The head of the answer is sent: breaking the connection off is the only honest word left.
                Err(error) => {
                    error.log();
                    Some((Err(error), None))
                }
            }
        });
        Ok(BodyStream::new(Box::pin(rest)).boxed())
    }

    async fn piece(&mut self) -> Result<Bytes, ApiError> {
        if self.parts.len() == 1
            && let Some(Part::Text(all)) = self.parts.pop_front_if(|part| matches!(part, Part::Text(_)))
        {
            return Ok(Bytes::from(all));
        }
        let mut text = String::with_capacity(1024);
        while text.len() < PIECE
            && let Some(part) = self.parts.pop_front()
        {
            match part {
                Part::Text(part) => text.push_str(&part),
                Part::MembersOf(group) => {
                    let members = self.app.provisioning.members(&self.context, group).await?;
                    let users = members.users.into_iter().map(|id| (id, "User"));
                    let mut ids: Vec<_> =
                        users.chain(members.groups.into_iter().map(|id| (id, "Group"))).collect();
                    ids.reverse();
                    self.parts.push_front(Part::Members { ids, begun: false });
                }
                Part::Members { mut ids, mut begun } => {
                    while text.len() < PIECE
                        && let Some((id, kind)) = ids.pop()
                    {
                        if std::mem::replace(&mut begun, true) {
                            text.push(',');
                        }
                        list::push_member(&mut text, &id.to_string(), kind, &self.base);
                    }
                    if !ids.is_empty() {
                        self.parts.push_front(Part::Members { ids, begun });
                    }
                }
            }
        }
        Ok(Bytes::from(text))
    }
}
