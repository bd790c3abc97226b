//! Measures what a change costs PostgreSQL: bytes of its write-ahead log, CPU, and which updates are
//! HOT. Run by hand: `cargo run --locked --example wal`. It starts a server of its own, without full
//! page writes, and makes one change at a time, so that each is a commit. Statements behind `--` are
//! executed first, to try a setting. With `WHOLE=1` the log keeps whole documents before an update,
//! as it did before docs/adr/0031.
#![expect(clippy::print_stdout, reason = "a measurement prints what it has measured")]

use scim::{
    Timestamp,
    event::EventKind,
    profile::Profile,
    resource::Keys,
    schema::ResourceKind::{self, Group, User},
};
use serde_json::{Map, Value, json};
use std::{env, fs, thread, time::Duration};
use store::*;
use test_support::Postgres;
use uuid::Uuid;

/// Users and groups that there are of each generation, and changes of a measurement.
const MANY: u128 = 3000;
/// Has no divisor in common with [`MANY`]: who is changed next lies on another page.
const STRIDE: u128 = 1009;
const TENANTS: u128 = 500;
/// After so long a connection that has nothing to do reports what it has counted.
const REPORTED: Duration = Duration::from_secs(11);

struct Run {
    postgres: &'static Postgres,
    url: String,
    store: Store,
}

#[tokio::main]
async fn main() {
    let run = Run::start().await;
    println!("A document has {} bytes.\n", text(&document(1, 0)).len());
    println!(
        "| change | WAL bytes | server CPU us | users: updates, HOT | groups | feeds |\n|---|---|---|---|---|---|"
    );
    let (one, group) = (tenant(0), |n| id(10 * MANY + n));
    run.print("create users", async |n| run.create_user(one, n).await).await;
    run.print("PATCH them", async |n| run.patch(n, 1).await).await;
    run.print("PATCH them again", async |n| run.patch(n, 2).await).await;
    run.query("VACUUM users, feeds");
    run.print("create more", async |n| run.create_user(one, MANY + n).await).await;
    run.print("PATCH the first", async |n| run.patch(n, 3).await).await;
    run.print("PATCH the others", async |n| run.patch(MANY + n, 1).await).await;
    run.print("create groups", async |n| run.create_group(group(n)).await).await;
    for round in 1..=3 {
        let what = format!("add a member to each, {round}");
        run.print(&what, async |n| run.add_member(group(n), round).await).await;
    }
    run.print("add members to one", async |n| run.add_member(group(0), MANY + n).await).await;
    for n in 1..TENANTS {
        run.create_tenant(tenant(n)).await;
    }
    let users = async |n| run.create_user(tenant(n % TENANTS), 2 * MANY + n).await;
    run.print("create users of many tenants", users).await;
    println!("\nHeap of users: {} KB", run.query("SELECT pg_relation_size('users') / 1024"));
}

impl Run {
    async fn start() -> Run {
        let postgres = Postgres::shared();
        let url = postgres.fresh_database();
        let store = Store::open(&Settings::of(url.clone())).expect("the store opens");
        let run = Run { postgres, url, store };
        run.create_tenant(tenant(0)).await;
        for table in ["users", "groups", "group_members", "change_log", "feeds"] {
            run.query(&format!("ALTER TABLE {table} SET (autovacuum_enabled = off)"));
        }
        // Statements to try something: other settings of a table.
        env::args().skip(1).for_each(|statement| drop(run.query(&statement)));
        run
    }

    async fn create_tenant(&self, id: TenantId) {
        let row = Tenant {
            id,
            label: id.to_string(),
            name: id.to_string(),
            profile: Profile::Entra,
            state: TenantState::Active,
            created: Timestamp(0),
        };
        let by = By {
            actor: Actor::CommandLine { user: "root".to_owned() },
            origin: "host".to_owned(),
            at: Timestamp(0),
        };
        let create = move |tx: &mut control::Tx<'_>| control::tenants::create(tx, &row);
        self.store.act(&by, TenantId(id.0), create).await.expect("the tenant is created");
    }

    fn query(&self, sql: &str) -> String {
        self.postgres.query(&self.url, sql)
    }

    /// Does something for each, and prints what one of them has cost.
    async fn print(&self, what: &str, change: impl AsyncFn(u128)) {
        self.query("CHECKPOINT");
        let start = self.query("SELECT pg_current_wal_insert_lsn()");
        let cpu = self.server_cpu();
        let (users, groups, feeds) = (self.updates("users"), self.updates("groups"), self.updates("feeds"));
        for n in 0..MANY {
            change(n * STRIDE % MANY).await;
        }
        let cpu = self.server_cpu().saturating_sub(cpu) / u64::try_from(MANY).expect("few");
        let bytes =
            self.query(&format!("SELECT round((pg_current_wal_insert_lsn() - '{start}') / {MANY}.0)"));
        thread::sleep(REPORTED);
        let hot = |table, before: Updates| {
            let after = self.updates(table);
            format!("{}, {}", after.all - before.all, after.hot - before.hot)
        };
        println!(
            "| {what} | {bytes} | {cpu} | {} | {} | {} |",
            hot("users", users),
            hot("groups", groups),
            hot("feeds", feeds)
        );
    }

    /// CPU time that the server has spent for the store's connections, in microseconds.
    fn server_cpu(&self) -> u64 {
        let pids = self.query(
            "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()",
        );
        pids.lines().map(|pid| cpu_of(pid).unwrap_or_default()).sum()
    }

    fn updates(&self, table: &str) -> Updates {
        let number = |column: &str| {
            let sql = format!("SELECT {column} FROM pg_stat_user_tables WHERE relname = '{table}'");
            self.query(&sql).parse().expect("a number")
        };
        Updates { all: number("n_tup_upd"), hot: number("n_tup_hot_upd") }
    }

    async fn commit(
        &self,
        tenant: TenantId,
        kind: ResourceKind,
        id: ResourceId,
        event: EventKind,
        action: Action,
    ) {
        let (at, actor) = (Timestamp(1_795_000_000_000), Some(Uuid::from_u128(7)));
        let effects = EFFECTS.to_owned();
        let change = Change { kind, id, at, actor, action, event, effects, member_count: 0 };
        self.store.commit(tenant, change).await.expect("committed");
    }

    async fn create_user(&self, tenant: TenantId, n: u128) {
        let action = Action::Create { document: stored(&document(n, 0)), members: Vec::new() };
        self.commit(tenant, User, id(n), EventKind::Create, action).await;
    }

    async fn patch(&self, n: u128, round: u128) {
        let (before, after) = (document(n, round - 1), document(n, round));
        let mut old = Before::of(text(&before), &before, &after);
        if env::var_os("WHOLE").is_some() {
            old = Before::whole(old.json);
        }
        let action = Action::Update {
            expected: i64::try_from(round).ok(),
            before: Some(old),
            document: Some(stored(&after)),
            members: MemberDelta::default(),
        };
        self.commit(tenant(0), User, id(n), EventKind::Patch, action).await;
    }

    async fn create_group(&self, id: ResourceId) {
        let group = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": id.to_string()});
        let Value::Object(group) = group else { return };
        let action = Action::Create { document: stored(&group), members: Vec::new() };
        self.commit(tenant(0), Group, id, EventKind::Create, action).await;
    }

    async fn add_member(&self, group: ResourceId, member: u128) {
        let members = MemberDelta { clear: false, add: vec![id(member)], remove: Vec::new() };
        let action = Action::Update { expected: None, before: None, document: None, members };
        self.commit(tenant(0), Group, group, EventKind::Patch, action).await;
    }
}

/// How many rows of a table were updated, and how many of them without a new entry in an index.
struct Updates {
    all: i64,
    hot: i64,
}

/// CPU time of a process so far, in microseconds: the first number of its schedstat is in nanoseconds.
fn cpu_of(pid: &str) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/schedstat")).ok()?;
    Some(text.split(' ').next()?.parse::<u64>().ok()? / 1000)
}

const EFFECTS: &str = r#"[{"operation":0,"path":"title","outcome":"applied"},{"operation":1,"path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department","outcome":"applied"}]"#;

fn tenant(n: u128) -> TenantId {
    TenantId(Uuid::from_u128(n + 1))
}

fn id(n: u128) -> ResourceId {
    // The beginning is the time of creation, as in version 7.
    ResourceId(Uuid::from_u128(
        (0x0198_0000_0000_7000 + n) << 64 | n.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835) >> 66,
    ))
}

/// A user as Entra sends it, with a title and a department that differ in each round.
fn document(n: u128, round: u128) -> Map<String, Value> {
    let user = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],
        "externalId": format!("1f6c0a4e-8f0e-4c1b-9d7a-{n:012x}"),
        "userName": format!("ana.maria.{n:06}@contoso.example"),
        "name": {"formatted": "Ana Maria Gonzalez", "familyName": "Gonzalez", "givenName": "Ana Maria"},
        "displayName": format!("Ana Maria Gonzalez {n:06}"),
        "title": format!("Engineer of level {round}"),
        "preferredLanguage": "en-GB",
        "active": true,
        "emails": [{"type": "work", "value": format!("ana.maria.{n:06}@contoso.example"), "primary": true}],
        "phoneNumbers": [{"type": "work", "value": "+44 20 7946 0123"}, {"type": "mobile", "value": "+44 7700 900123"}],
        "addresses": [{"type": "work", "streetAddress": "1 Example Road", "locality": "London", "postalCode": "N1 9GU", "country": "GB"}],
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {
            "employeeNumber": format!("{n:06}"),
            "department": if round.is_multiple_of(2) { "Sales" } else { "Engineering" },
        },
    });
    match user {
        Value::Object(user) => user,
        _ => Map::new(),
    }
}

fn text(document: &Map<String, Value>) -> String {
    serde_json::to_string(document).expect("JSON")
}

fn stored(document: &Map<String, Value>) -> Document {
    Document { json: text(document), keys: Keys::of(document) }
}
