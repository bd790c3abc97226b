//! The rows of users, of the progress of a tenant and of collisions. Each step is a transaction. Where two processes take
//! the same step, the slower one finds it done.

use super::{NamedUser, UserNameCollision};
use crate::{
    data::lookups::Step,
    data::model::{ResourceId, StoreError, TenantId},
    data::sql::{Bind, Common, Statement, sql},
    engine::Engine,
    schema::types::{Id, Key},
    tx::Tx,
};
use diesel::{
    QueryResult, RunQueryDsl,
    sql_types::{Nullable, Text},
};
use scim::comparison::{USER_NAME_KEY_VERSION, user_name_key};
use uuid::Uuid;

/// Users whose keys are looked at between two transactions: they are read without a lock.
const READ_AT_ONCE: i64 = 1000;
/// Users that get a key in one transaction: others wait for no more than a few milliseconds.
const CHANGED_AT_ONCE: usize = 50;

/// A user who is not stored under the key of its name.
#[derive(Clone, Debug)]
struct OldKey {
    id: ResourceId,
    /// Under what it is stored.
    kept: String,
    /// The key.
    wanted: String,
}

fn progress(tenant: TenantId) -> Common<Nullable<Key>> {
    Statement::cached(sql!(
        "SELECT f.user_names_keyed_to FROM feeds AS f WHERE f.tenant_id = ",
        Bind::key(tenant.0),
        " AND f.user_name_key_version < ",
        Bind::number(USER_NAME_KEY_VERSION.into())
    ))
}

fn next_names(tenant: TenantId, behind: Option<ResourceId>) -> Common<(Key, Text)> {
    Statement::cached(sql!(
        "SELECT u.id, u.user_name FROM users AS u WHERE u.tenant_id = ",
        Bind::key(tenant.0),
        // The least id is one as well.
        if behind.is_some() { " AND u.id > " } else { " AND u.id >= " },
        Bind::key(behind.map_or(Uuid::nil(), |id| id.0)),
        " ORDER BY u.id LIMIT ",
        Bind::number(READ_AT_ONCE)
    ))
}

/// Says how far the keys are made, if nobody else has gone on meanwhile. Behind the last user all are.
fn advance(tenant: TenantId, from: Option<ResourceId>, to: Option<ResourceId>) -> Common<()> {
    let id = |id: Option<ResourceId>| Bind::Key(id.map(|id| Id(id.0)));
    let mut sql = sql!("UPDATE feeds SET user_names_keyed_to = ", id(to));
    if to.is_none() {
        sql.push(sql!(", user_name_key_version = ", Bind::number(USER_NAME_KEY_VERSION.into())));
    }
    Statement::cached(sql!(
        sql,
        " WHERE tenant_id = ",
        Bind::key(tenant.0),
        " AND user_name_key_version < ",
        Bind::number(USER_NAME_KEY_VERSION.into()),
        " AND user_names_keyed_to IS NOT DISTINCT FROM ",
        id(from)
    ))
}

/// Moves the feed: other writers of the tenant wait, and one that has read its facts learns that they are old.
fn move_feed(tenant: TenantId) -> Common<()> {
    Statement::cached(sql!(
        "UPDATE feeds SET position = position + 1 WHERE tenant_id = ",
        Bind::key(tenant.0)
    ))
}

/// Stores a user under its key, unless that belongs to another user. A user who has another name by now has its key.
fn give_key(tenant: TenantId, user: &OldKey) -> Common<()> {
    Statement::cached(sql!(
        "UPDATE users SET user_name = ",
        Bind::text(&user.wanted),
        " WHERE tenant_id = ",
        Bind::key(tenant.0),
        " AND id = ",
        Bind::key(user.id.0),
        " AND user_name = ",
        Bind::text(&user.kept),
        " AND NOT EXISTS (SELECT 1 FROM users AS o WHERE o.tenant_id = ",
        Bind::key(tenant.0),
        " AND o.user_name = ",
        Bind::text(&user.wanted),
        ")"
    ))
}

/// Notes that a user is not stored under its key, if that is still so.
fn note_collision(tenant: TenantId, user: &OldKey) -> Common<()> {
    Statement::cached(sql!(
        "INSERT INTO user_name_collisions (tenant_id, id, kept_key, wanted_key) SELECT u.tenant_id, u.id, u.user_name, ",
        Bind::text(&user.wanted),
        " FROM users AS u WHERE u.tenant_id = ",
        Bind::key(tenant.0),
        " AND u.id = ",
        Bind::key(user.id.0),
        " AND u.user_name = ",
        Bind::text(&user.kept),
        " ON CONFLICT DO NOTHING"
    ))
}

/// Forgets a collision, unless the user is still stored under the old key.
fn forget_collision(tenant: TenantId, user: &OldKey) -> Common<()> {
    Statement::cached(sql!(
        "DELETE FROM user_name_collisions WHERE tenant_id = ",
        Bind::key(tenant.0),
        " AND id = ",
        Bind::key(user.id.0),
        " AND NOT EXISTS (SELECT 1 FROM users AS u WHERE u.tenant_id = ",
        Bind::key(tenant.0),
        " AND u.id = ",
        Bind::key(user.id.0),
        " AND u.user_name = ",
        Bind::text(&user.kept),
        ")"
    ))
}

/// Collisions that are over: the user has gone, or has another name, or nobody has its key.
fn settled(tenant: TenantId) -> Common<(Key, Text, Text)> {
    Statement::cached(sql!(
        "SELECT c.id, c.kept_key, c.wanted_key FROM user_name_collisions AS c LEFT JOIN users AS u ON u.tenant_id = ",
        Bind::key(tenant.0),
        " AND u.id = c.id AND u.user_name = c.kept_key LEFT JOIN users AS o ON o.tenant_id = ",
        Bind::key(tenant.0),
        " AND o.user_name = c.wanted_key WHERE c.tenant_id = ",
        Bind::key(tenant.0),
        " AND (u.id IS NULL OR o.id IS NULL) ORDER BY c.id LIMIT ",
        Bind::number(i64::try_from(CHANGED_AT_ONCE).unwrap_or(i64::MAX))
    ))
}

fn any_collision(tenant: TenantId) -> Common<Key> {
    Statement::cached(sql!(
        "SELECT c.id FROM user_name_collisions AS c WHERE c.tenant_id = ",
        Bind::key(tenant.0),
        " LIMIT 1"
    ))
}

type CollisionTypes = (Key, Text, Key, Text);
type CollisionColumns = (Id, String, Id, String);

/// `CROSS JOIN` fixes the order of the loops in SQLite: the collisions first, then an index for each.
fn collisions(tenant: TenantId, behind: ResourceId, limit: i64) -> Common<CollisionTypes> {
    Statement::cached(sql!(
        "SELECT u.id, u.document ->> 'userName', o.id, o.document ->> 'userName' FROM user_name_collisions AS c \
         CROSS JOIN users AS u CROSS JOIN users AS o WHERE c.tenant_id = ",
        Bind::key(tenant.0),
        " AND c.id > ",
        Bind::key(behind.0),
        " AND u.tenant_id = ",
        Bind::key(tenant.0),
        " AND u.id = c.id AND u.user_name = c.kept_key AND o.tenant_id = ",
        Bind::key(tenant.0),
        " AND o.user_name = c.wanted_key ORDER BY c.id LIMIT ",
        Bind::number(limit)
    ))
}

fn collision((id, user_name, equal, equal_name): CollisionColumns) -> UserNameCollision {
    let named = |id: Id, user_name| NamedUser { id: ResourceId(id.0), user_name };
    UserNameCollision { user: named(id, user_name), equal: named(equal, equal_name) }
}

/// A slice of the users of a tenant.
struct Slice {
    old: Vec<OldKey>,
    /// Its last user; `None` if no user is behind it.
    to: Option<ResourceId>,
}

impl Slice {
    /// Of users in the order of their ids. It ends where enough users have old keys.
    fn of(names: Vec<(Id, String)>) -> Slice {
        let is_last = i64::try_from(names.len()).is_ok_and(|count| count < READ_AT_ONCE);
        let mut slice = Slice { old: Vec::new(), to: None };
        for (id, kept) in names {
            if slice.old.len() == CHANGED_AT_ONCE {
                return slice;
            }
            let (id, wanted) = (ResourceId(id.0), user_name_key(&kept));
            slice.to = Some(id);
            if wanted != kept {
                slice.old.push(OldKey { id, kept, wanted });
            }
        }
        if is_last {
            slice.to = None;
        }
        slice
    }
}

/// Up to which user the keys of a tenant are made; `None` if all are, or if the tenant takes no changes.
pub(super) fn to_rekey(tx: &mut Tx<'_>, tenant: TenantId) -> QueryResult<Option<Option<ResourceId>>> {
    let rows = progress(tenant).load::<Option<Id>>(tx.db)?;
    Ok(rows.first().map(|id| id.map(|id| ResourceId(id.0))))
}

/// Makes the keys of the next users. Returns how many users have a new key.
pub(super) fn rekey(
    engine: &dyn Engine,
    tenant: TenantId,
    behind: Option<ResourceId>,
) -> Result<u64, StoreError> {
    // Read before the lock. A request that changes a user meanwhile stores it under its key.
    let names = engine.read(|tx| next_names(tenant, behind).load(tx.db))?;
    let slice = Slice::of(names);
    engine.write(|tx| {
        if !slice.old.is_empty() && move_feed(tenant).execute(tx.db)? == 0 {
            // The tenant is being erased.
            return Ok(0);
        }
        let mut users = 0;
        for user in &slice.old {
            match give_key(tenant, user).execute(tx.db)? {
                0 => drop(note_collision(tenant, user).execute(tx.db)?),
                _ => users += 1,
            }
        }
        advance(tenant, behind, slice.to).execute(tx.db)?;
        Ok(users)
    })
}

pub(super) fn has_collisions(tx: &mut Tx<'_>, tenant: TenantId) -> QueryResult<bool> {
    Ok(!any_collision(tenant).load::<Id>(tx.db)?.is_empty())
}

/// Ends some collisions that are over.
pub(super) fn settle(engine: &dyn Engine, tenant: TenantId) -> Result<Step, StoreError> {
    let rows = engine.read(|tx| settled(tenant).load::<(Id, String, String)>(tx.db))?;
    if rows.is_empty() {
        return Ok(Step::Done);
    }
    engine.write(|tx| {
        if move_feed(tenant).execute(tx.db)? == 0 {
            return Ok(Step::Done);
        }
        for (id, kept, wanted) in rows {
            let user = OldKey { id: ResourceId(id.0), kept, wanted };
            give_key(tenant, &user).execute(tx.db)?;
            forget_collision(tenant, &user).execute(tx.db)?;
        }
        Ok(Step::More)
    })
}

/// Collisions behind a user, by id.
pub(super) fn list_collisions(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    behind: ResourceId,
    limit: i64,
) -> QueryResult<Vec<UserNameCollision>> {
    let rows = collisions(tenant, behind, limit).load::<CollisionColumns>(tx.db)?;
    Ok(rows.into_iter().map(collision).collect())
}
