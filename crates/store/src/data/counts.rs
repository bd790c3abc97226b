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

/// How much there may be of each tenant. A change that makes a number exceed its limit is refused. Every other change is
/// done, also in a tenant that is above a limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quotas {
    /// Most users, active or not; `None`: no limit. The same below.
    pub users: Option<i64>,
    /// Most groups.
    pub groups: Option<i64>,
    /// Most members of all groups together.
    pub memberships: Option<i64>,
    /// Most bytes of the documents of users and groups, as JSON.
    pub bytes: Option<i64>,
}

/// The quota that a change would exceed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quota {
    /// Holds the most users that a tenant may have.
    Users(i64),
    /// Holds the most groups.
    Groups(i64),
    /// Holds the most members of groups.
    Memberships(i64),
    /// Holds the most bytes of documents.
    Bytes(i64),
}

impl Quotas {
    /// The first quota that a tenant with `counts` exceeds if it grows by `growth`.
    pub(crate) fn exceeded(&self, counts: Counts, growth: Counts) -> Option<Quota> {
        let after = counts + growth;
        let exceeded = |most: Option<i64>, growth: i64, after: i64, quota: fn(i64) -> Quota| {
            most.filter(|most| growth > 0 && after > *most).map(quota)
        };
        exceeded(self.users, growth.users, after.users, Quota::Users)
            .or_else(|| exceeded(self.groups, growth.groups, after.groups, Quota::Groups))
            .or_else(|| exceeded(self.memberships, growth.memberships, after.memberships, Quota::Memberships))
            .or_else(|| exceeded(self.bytes, growth.bytes, after.bytes, Quota::Bytes))
    }
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
