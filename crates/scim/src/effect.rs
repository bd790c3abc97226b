//! What became of each operation of a request: nothing is dropped in silence.

use serde::Serialize;
use std::fmt::{self, Display, Write};

/// Most effects of one kind (outcome and rule) that are listed of one request. Further ones are counted.
pub const MAX_LISTED: usize = 20;

/// How one operation ended. A refused operation refuses its whole request and is a [`crate::ScimError`] instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// Changed the resource as the standard says.
    Applied,
    /// The resource already was as asked.
    AlreadyTrue,
    /// Changed the resource after a deviation from the standard was translated; `rule` says which.
    Coerced,
    /// Changed nothing on purpose; `rule` says why.
    Ignored,
}

/// The effect of one operation (of a PATCH: one `Operations` element; of a create or replace: one attribute that was
/// coerced or ignored).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Effect {
    /// Index of the operation in its request, from 0.
    pub operation: usize,
    /// Attribute path as resolved; never a value.
    pub path: String,
    /// How it ended.
    pub outcome: Outcome,
    /// For coerced and ignored: one of [`COERCED`] or [`IGNORED`] (a metric label).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<&'static str>,
    /// How many more effects of this kind the request has. Not 0 only in the last one that is listed of its kind.
    #[serde(skip_serializing_if = "is_zero")]
    pub more: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(more: &u64) -> bool {
    *more == 0
}

/// How many effects of one kind a request has, listed or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// How they ended.
    pub outcome: Outcome,
    /// By which rule.
    pub rule: Option<&'static str>,
    /// How many.
    pub count: u64,
}

/// Counts effects by kind, in the order in which the kinds come first.
pub fn counts(effects: &[Effect]) -> Vec<Count> {
    let mut counts = Counts::default();
    counts.add(effects);
    counts.into_list()
}

/// Counts of the effects of several requests. It holds one number for each kind, however many effects are added.
#[derive(Clone, Debug, Default)]
pub struct Counts(Vec<Count>);

impl Counts {
    /// Adds the effects of a request.
    pub fn add(&mut self, effects: &[Effect]) {
        for Effect { outcome, rule, more, .. } in effects {
            match self.0.iter_mut().find(|count| (count.outcome, count.rule) == (*outcome, *rule)) {
                Some(count) => count.count += 1 + more,
                None => self.0.push(Count { outcome: *outcome, rule: *rule, count: 1 + more }),
            }
        }
    }

    /// The counts, in the order in which the kinds came first.
    pub fn into_list(self) -> Vec<Count> {
        self.0
    }
}

/// The rules by which a deviation from the standard is translated.
pub const COERCED: [&str; 15] = [
    // A boolean as the text of it.
    "booleanText",
    // A number or a boolean where a text belongs.
    "textFromScalar",
    // `[x]` or `{"value": x}` where x belongs.
    "wrappedValue",
    // One value where a list of values belongs.
    "singleValue",
    // A bare text where an object with `value` belongs.
    "plainValue",
    // The same, of a manager.
    "managerText",
    // A role as the JSON text of an app role assignment.
    "roleJson",
    // `displayName` of a role.
    "roleDisplayName",
    // More than one primary value: the first stays so.
    "primaryOnce",
    // A value path that selects nothing: the element is made.
    "createdByFilter",
    // Remove with values: these are removed, not all.
    "removeByValue",
    // The same, of members.
    "removeMembersByValue",
    // `Add` for `add`.
    "operationCase",
    // An attribute path as a key of a path-less value.
    "pathAsKey",
    // An attribute of an extension without its URN.
    "bareExtensionAttribute",
];

/// The rules by which a part of a request changes nothing.
pub const IGNORED: [&str; 7] = [
    // No schema knows the attribute.
    "unknownAttribute",
    // The service provider sets it.
    "readOnly",
    // A password is accepted and not kept.
    "passwordNotKept",
    // An element without a value, of which type and primary alone are left.
    "emptyElement",
    // An add without a value: it has nothing to add, and an add never takes anything away.
    "emptyAdd",
    // A remove whose value names nothing that the attribute can hold.
    "namesNothing",
    // `active` cleared of a disabled user, who would count as enabled without it.
    "activeKept",
];

/// Longest path that an effect shows, in characters: the names in it are the client's.
const MAX_PATH: usize = 200;

/// The effects of a request while they are collected.
#[derive(Default)]
pub(crate) struct Effects {
    list: Vec<Effect>,
    /// There are as many kinds as there are rules, so they are searched one by one.
    kinds: Vec<Kind>,
}

struct Kind {
    outcome: Outcome,
    rule: Option<&'static str>,
    listed: usize,
    /// The place of the last one that is listed.
    last: usize,
}

impl Effects {
    /// Adds an effect. Its path is printed only if it is listed, and cut at [`MAX_PATH`].
    pub(crate) fn push(
        &mut self,
        operation: usize,
        path: impl Display,
        outcome: Outcome,
        rule: Option<&'static str>,
    ) {
        if let Some(last) = self.place(outcome, rule) {
            self.list[last].more += 1;
            return;
        }
        let mut text = Cut { text: String::new(), left: MAX_PATH };
        // The only error is that of a path that is cut.
        let _ = write!(text, "{path}");
        self.list.push(Effect { operation, path: text.text, outcome, rule, more: 0 });
    }

    /// Adds those of other effects that `stays` names, as effects of `operation`. Says whether there are any.
    pub(crate) fn append(
        &mut self,
        operation: usize,
        others: Effects,
        stays: impl Fn(&Effect) -> bool,
    ) -> bool {
        let mut others = others.list.into_iter().filter(stays).peekable();
        let has_any = others.peek().is_some();
        for effect in others {
            let more = effect.more;
            match self.place(effect.outcome, effect.rule) {
                Some(last) => self.list[last].more += 1 + more,
                None => self.list.push(Effect { operation, ..effect }),
            }
        }
        has_any
    }

    /// Makes room for one more effect of a kind in the list, at its end; or else says where the last one stands.
    fn place(&mut self, outcome: Outcome, rule: Option<&'static str>) -> Option<usize> {
        let end = self.list.len();
        let Some(kind) = self.kinds.iter_mut().find(|kind| (kind.outcome, kind.rule) == (outcome, rule))
        else {
            self.kinds.push(Kind { outcome, rule, listed: 1, last: end });
            return None;
        };
        if kind.listed == MAX_LISTED {
            return Some(kind.last);
        }
        kind.listed += 1;
        kind.last = end;
        None
    }

    pub(crate) fn into_list(self) -> Vec<Effect> {
        self.list
    }
}

/// A text that takes at most `left` more characters.
struct Cut {
    text: String,
    left: usize,
}

impl Write for Cut {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let cut = text.char_indices().nth(self.left);
        let fits = cut.map_or(text, |(end, _)| &text[..end]);
        self.text.push_str(fits);
        self.left -= fits.chars().count();
        if cut.is_some() { Err(fmt::Error) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ignored(effects: &mut Effects, operation: usize) {
        effects.push(operation, operation, Outcome::Ignored, Some("unknownAttribute"));
    }

    #[test]
    fn the_first_of_a_kind_are_listed_and_all_are_counted() {
        let mut effects = Effects::default();
        for operation in 0..MAX_LISTED + 5 {
            ignored(&mut effects, operation);
            effects.push(operation, "title", Outcome::Applied, None);
        }
        let list = effects.into_list();
        let more: Vec<_> = list.iter().filter(|effect| effect.more > 0).collect();
        assert_eq!(list.len(), 2 * MAX_LISTED);
        assert!(more.iter().all(|effect| (effect.operation, effect.more) == (MAX_LISTED - 1, 5)));
        let count = MAX_LISTED as u64 + 5;
        assert_eq!(
            counts(&list),
            [
                Count { outcome: Outcome::Ignored, rule: Some("unknownAttribute"), count },
                Count { outcome: Outcome::Applied, rule: None, count },
            ]
        );
    }

    #[test]
    fn appended_effects_keep_their_number() {
        let mut effects = Effects::default();
        (0..15).for_each(|operation| ignored(&mut effects, operation));
        let mut notes = Effects::default();
        (0..100).for_each(|note| ignored(&mut notes, note));
        notes.push(0, "title", Outcome::Coerced, Some("booleanText"));
        assert!(effects.append(15, notes, |effect| effect.outcome == Outcome::Ignored));
        assert!(!effects.append(16, Effects::default(), |_| true));
        let list = effects.into_list();
        assert_eq!(list.len(), MAX_LISTED);
        assert_eq!((list[19].operation, list[19].more), (15, 95));
        assert_eq!(counts(&list)[0].count, 115);
    }

    #[test]
    fn a_path_is_cut() {
        let mut effects = Effects::default();
        effects.push(0, "é".repeat(MAX_PATH), Outcome::Applied, None);
        effects.push(0, format_args!("{}{}", "é".repeat(MAX_PATH - 1), "ab"), Outcome::Applied, None);
        let list = effects.into_list();
        assert_eq!(list[0].path, "é".repeat(MAX_PATH));
        assert_eq!(list[1].path, "é".repeat(MAX_PATH - 1) + "a");
    }
}
