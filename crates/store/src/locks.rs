//! What an act is about is locked before it is read, so that what the audit log says was there is what the act has
//! changed. SQLite has one writer at a time, and nothing to lock; it is asked the same.

macro_rules! locks {
    ($module:ident, $connection:ty, [$($for_update:tt)*], [$($for_no_key_update:tt)*]) => {
        pub(crate) mod $module {
            use crate::{
                act::Act,
                operator::Role,
                schema::{erasures, operators, tenants, types::Id},
            };
            use diesel::{dsl::exists, prelude::*};

            /// Locks the row of the tenant or of the operator that an act is about, until the end of the transaction. It is
            /// the first lock that an act takes; acts of one tenant wait for each other. `Ok(false)`: there is no such row,
            /// or the tenant is being erased.
            pub(crate) fn lock(connection: &mut $connection, act: &Act) -> QueryResult<bool> {
                let found: Vec<Id> = match act {
                    // The stronger lock: rows that refer to the tenant wait as well.
                    Act::DeleteTenant(tenant) => tenants::table
                        .find(Id(tenant.0))
                        .select(tenants::id)
                        $($for_update)*
                        .load(connection)?,
                    // With every admin, in one order: of two that take each other's role the second waits, and sees what
                    // the first has done.
                    Act::ChangeOperator(id, change) if change.takes_an_admin() => operators::table
                        .filter(operators::role.eq(Role::Admin.as_str()).or(operators::id.eq(Id(*id))))
                        .order(operators::id)
                        .select(operators::id)
                        $($for_no_key_update)*
                        .load(connection)?,
                    Act::ChangeOperator(id, _) => operators::table
                        .find(Id(*id))
                        .select(operators::id)
                        $($for_no_key_update)*
                        .load(connection)?,
                    _ => match act.tenant() {
                        Some(tenant) => tenants::table
                            .find(Id(tenant.0))
                            .select(tenants::id)
                            $($for_no_key_update)*
                            .load(connection)?,
                        None => return Ok(true),
                    },
                };
                Ok(!found.is_empty() && !is_erasing(connection, act)?)
            }

            /// Whether the act is about a tenant that is being erased, of which nobody but who erases it does anything.
            fn is_erasing(connection: &mut $connection, act: &Act) -> QueryResult<bool> {
                match act {
                    Act::DeleteTenant(_) => Ok(false),
                    act => match act.tenant() {
                        Some(tenant) => diesel::select(exists(erasures::table.find(Id(tenant.0)))).get_result(connection),
                        None => Ok(false),
                    },
                }
            }
        }
    };
}

locks!(postgres, diesel::PgConnection, [.for_update()], [.for_no_key_update()]);
locks!(sqlite, diesel::SqliteConnection, [], []);
