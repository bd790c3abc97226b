//! The members of a group while a batch is decided: as they were stored, and how the batch changes them. Long lists are
//! not copied.

use super::actions::length;
use crate::data::model::ResourceId;
use std::collections::BTreeSet;

/// The members of a group that the facts know.
#[derive(Debug, Default)]
pub(super) struct Membership {
    stored: BTreeSet<ResourceId>,
    joined: BTreeSet<ResourceId>,
    left: BTreeSet<ResourceId>,
}

impl Membership {
    pub(super) fn stored(stored: BTreeSet<ResourceId>) -> Membership {
        Membership { stored, ..Membership::default() }
    }

    pub(super) fn of_new_group(joined: BTreeSet<ResourceId>) -> Membership {
        Membership { joined, ..Membership::default() }
    }

    pub(super) fn contains(&self, id: &ResourceId) -> bool {
        self.joined.contains(id) || (self.stored.contains(id) && !self.left.contains(id))
    }

    /// Adds a member; `false` if it is one already.
    pub(super) fn add(&mut self, id: ResourceId) -> bool {
        if self.stored.contains(&id) { self.left.remove(&id) } else { self.joined.insert(id) }
    }

    /// Removes a member; `false` if it is none.
    pub(super) fn remove(&mut self, id: ResourceId) -> bool {
        self.joined.remove(&id) || (self.stored.contains(&id) && self.left.insert(id))
    }

    /// The members as the batch makes them.
    pub(super) fn ids(&self) -> impl Iterator<Item = ResourceId> {
        let stay = self.stored.difference(&self.left);
        stay.chain(&self.joined).copied()
    }

    /// By how many the batch makes it larger, or smaller.
    pub(super) fn growth(&self) -> i64 {
        length(&self.joined) - length(&self.left)
    }

    /// Who really left and who really joined, against what is stored.
    pub(super) fn difference(self) -> (BTreeSet<ResourceId>, BTreeSet<ResourceId>) {
        (self.left, self.joined)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn id(n: u128) -> ResourceId {
        ResourceId(Uuid::from_u128(n))
    }

    #[test]
    fn who_leaves_and_comes_back_is_no_difference() {
        let mut members = Membership::stored(BTreeSet::from([id(1), id(2)]));
        assert!(!members.add(id(1)) && members.remove(id(1)) && !members.remove(id(1)));
        assert!(!members.contains(&id(1)) && members.add(id(1)) && members.contains(&id(1)));
        assert!(members.add(id(3)) && members.remove(id(3)) && !members.remove(id(3)));
        assert!(members.remove(id(2)) && members.add(id(4)));
        assert_eq!(members.ids().collect::<Vec<_>>(), [id(1), id(4)]);
        assert_eq!(members.difference(), (BTreeSet::from([id(2)]), BTreeSet::from([id(4)])));
    }
}
