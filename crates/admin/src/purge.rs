//! When what was deleted is gone for good.

use crate::Admin;
use scim::Timestamp;
use store::DeletedRow;

impl Admin {
    /// From when on a deleted user or group is purged: it can be restored until then, and perhaps for some time more.
    pub fn purged_from(&self, deleted: &DeletedRow) -> Timestamp {
        deleted.at.plus_seconds(i64::try_from(self.settings.keep_deleted.as_secs()).unwrap_or(i64::MAX))
    }
}
