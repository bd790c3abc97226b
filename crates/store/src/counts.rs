//! How much there is of a tenant, and how much there may be of it (docs/adr/0025).

use std::ops::{Add, AddAssign, Neg, Sub};

/// How much there is of a tenant, or by how much that changes. Counted by every change, beside the tenant's feed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Users, active or not.
    pub users: i64,
    /// Users that are active.
    pub active_users: i64,
    /// Groups.
    pub groups: i64,
    /// Members of groups; those of deleted groups do not count.
    pub memberships: i64,
    /// Bytes of the documents of users and groups, as JSON.
    pub bytes: i64,
}

impl Add for Counts {
    type Output = Counts;

    fn add(self, other: Counts) -> Counts {
        Counts {
            users: self.users + other.users,
            active_users: self.active_users + other.active_users,
            groups: self.groups + other.groups,
            memberships: self.memberships + other.memberships,
            bytes: self.bytes + other.bytes,
        }
    }
}

impl Neg for Counts {
    type Output = Counts;

    fn neg(self) -> Counts {
        Counts::default() - self
    }
}

impl Sub for Counts {
    type Output = Counts;

    fn sub(self, other: Counts) -> Counts {
        Counts {
            users: self.users - other.users,
            active_users: self.active_users - other.active_users,
            groups: self.groups - other.groups,
            memberships: self.memberships - other.memberships,
            bytes: self.bytes - other.bytes,
        }
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Counts) {
        *self = *self + other;
    }
}
