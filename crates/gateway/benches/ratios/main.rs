//! Ratios of the gateway to its database, in one run on one machine: the gateway over HTTP with real tokens, validation,
//! change log, against pgbench executing the best equivalent statements on the same tables of the same server.
//!
//! `cargo bench -p gateway --bench ratios`; words behind `--` choose: `postgres`, `sqlite`, or names of measurements.
//! `docs/PERFORMANCE.md` explains the table. Prints Markdown.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark: what fails, fails it"
)]

mod load;
mod processes;

use load::Measured;
use processes::CpuTime;
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    fmt::Write,
    fs::Permissions,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};
use test_support::{Backend, Database, Gateway, GatewayOptions, Postgres};

const CONNECTIONS: usize = 16;
const TENANTS: usize = 10;
const USERS_PER_TENANT: usize = 10_000;
const LARGE_GROUP: usize = 100_000;
const SMALL_GROUP: usize = 10;
/// Rounds of one measurement; gateway and pgbench take turns, and the median counts.
const ROUNDS: usize = 3;
const ROUND: Duration = Duration::from_secs(5);

fn main() {
    // Cargo adds flags of its own.
    let only: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let measurements = |database: &str| -> Vec<&Measurement> {
        let is_wanted = |measurement: &&Measurement| {
            only.is_empty() || only.iter().any(|word| word == measurement.name || word == database)
        };
        MEASUREMENTS.iter().filter(is_wanted).collect()
    };
    let (on_postgres, on_sqlite) = (measurements("postgres"), measurements("sqlite"));
    if !only.iter().any(|word| word == "sqlite") {
        println!("### PostgreSQL\n\n{}", with_postgres(&on_postgres));
    }
    if !only.iter().any(|word| word == "postgres") {
        println!("### SQLite\n\n{}", with_sqlite(&on_sqlite));
    }
}

/// What is measured: by which name, on which row of the table, against which script, with which goal.
struct Measurement {
    name: &'static str,
    row: &'static str,
    pgbench: Option<&'static str>,
    goal: Option<f64>,
}

const MEASUREMENTS: &[Measurement] = &[
    Measurement { name: "create", row: "create a user", pgbench: Some("create"), goal: Some(1.2) },
    Measurement { name: "read", row: "read by `userName eq`", pgbench: Some("read"), goal: Some(0.5) },
    Measurement { name: "patch", row: "PATCH two attributes", pgbench: Some("patch"), goal: Some(0.8) },
    Measurement { name: "small", row: "add or remove a member of 10", pgbench: None, goal: None },
    Measurement { name: "large", row: "add or remove a member of 100,000", pgbench: None, goal: None },
];

fn with_postgres(measurements: &[&Measurement]) -> String {
    let postgres = Postgres::start(true);
    let database = postgres.fresh_database();
    let bench = Bench::start(Database::At(database.clone()), "PostgreSQL");
    postgres.query(&database, "CREATE SEQUENCE bench_position START 1000000000");
    postgres.query(&database, "VACUUM ANALYZE");
    let scripts = Scripts::write(&bench);
    let pgbench = |script: &str| scripts.run(&postgres, &database, script);
    let mut table = Table::default();
    let mut medians = HashMap::new();
    for measurement in measurements {
        let rounds = bench.measure(measurement.name, || measurement.pgbench.map(pgbench));
        medians.insert(measurement.name, rounds.median());
        table.row(measurement, &rounds);
    }
    let mut text = table.text;
    if let Some(create) = medians.get("create") {
        let unnumbered = pgbench("create_unnumbered");
        writeln!(
            text,
            "\npgbench, create without numbering changes by tenant: {unnumbered:.0} /s; the gateway's create is {:.2} of it.",
            create / unnumbered
        )
        .unwrap();
    }
    if let (Some(small), Some(large)) = (medians.get("small"), medians.get("large")) {
        writeln!(text, "\nMember of 100,000 against member of 10: {:.2} (goal 0.85).", large / small)
            .unwrap();
    }
    writeln!(
        text,
        "\nPeak memory of the gateway: {} MB (goal 150).",
        bench.gateway.peak_memory() / 1_000_000
    )
    .unwrap();
    text
}

fn with_sqlite(measurements: &[&Measurement]) -> String {
    let bench = Bench::start(Database::Fresh(Backend::Sqlite), "SQLite");
    let mut table = Table::default();
    for measurement in measurements {
        table.row(measurement, &bench.measure(measurement.name, || None));
    }
    format!("{}\nPeak memory of the gateway: {} MB.\n", table.text, bench.gateway.peak_memory() / 1_000_000)
}

/// A gateway with its people.
struct Bench {
    gateway: Gateway,
    tenants: Vec<Tenant>,
    /// A tenant with everybody in one group, and with a group of ten.
    crowd: Tenant,
    large_group: String,
    small_group: String,
    next_name: AtomicUsize,
}

struct Tenant {
    id: String,
    url: String,
    token: String,
    /// Ids of the users `seed0@example.com` and following.
    users: Vec<String>,
}

/// The rounds of one measurement.
struct Rounds {
    gateway: Vec<Measured>,
    pgbench: Vec<f64>,
    gateway_micros: f64,
    postgres_micros: f64,
}

impl Rounds {
    fn median(&self) -> f64 {
        median(self.gateway.iter().map(|round| round.per_second).collect())
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

impl Bench {
    fn start(database: Database, name: &str) -> Bench {
        let settings = [("JUNO__LOG__LEVEL", "warn")];
        let gateway = Gateway::start(GatewayOptions {
            binary: env!("CARGO_BIN_EXE_juno").into(),
            database,
            settings: settings.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
        });
        eprintln!("{name}: opening tenants and filling them with people");
        let tenants: Vec<Tenant> =
            (0..TENANTS).map(|n| Tenant::open(&gateway, n, USERS_PER_TENANT)).collect();
        let crowd = Tenant::open(&gateway, TENANTS, LARGE_GROUP + SMALL_GROUP + CONNECTIONS);
        let large_group = crowd.group(&gateway, "Everybody", &crowd.users[..LARGE_GROUP]);
        let small_group = crowd.group(&gateway, "Ten", &crowd.users[..SMALL_GROUP]);
        Bench { gateway, tenants, crowd, large_group, small_group, next_name: AtomicUsize::new(0) }
    }

    fn measure(&self, what: &str, pgbench: impl Fn() -> Option<f64>) -> Rounds {
        let mut rounds =
            Rounds { gateway: vec![], pgbench: vec![], gateway_micros: 0.0, postgres_micros: 0.0 };
        for round in 0..ROUNDS {
            rounds.pgbench.extend(pgbench());
            let before = CpuTime::now(self.gateway.pid());
            let measured = self.load(what, round);
            let requests = measured.per_second * ROUND.as_secs_f64();
            let spent = CpuTime::now(self.gateway.pid()) - before;
            rounds.gateway_micros += spent.gateway * 1e6 / requests / ROUNDS as f64;
            rounds.postgres_micros += spent.postgres * 1e6 / requests / ROUNDS as f64;
            eprintln!("{what}: {:.0} /s, pgbench {:?}", measured.per_second, rounds.pgbench.last());
            rounds.gateway.push(measured);
        }
        rounds
    }

    fn load(&self, what: &str, round: usize) -> Measured {
        let run = |status: u16, request: &dyn Fn(usize, usize) -> Vec<u8>| {
            load::run(self.gateway.scim(), CONNECTIONS, ROUND, status, |connection, n| {
                Some(request(connection, n))
            })
        };
        // Each connection walks through tenants and people in strides of its own.
        let place = |connection: usize, n: usize| {
            let tenant = &self.tenants[(connection + n) % TENANTS];
            (tenant, (connection * 7919 + n * 104_729) % USERS_PER_TENANT)
        };
        match what {
            "create" => run(201, &|connection, n| {
                let name = format!("new{}@example.com", self.next_name.fetch_add(1, Ordering::Relaxed));
                place(connection, n).0.post_user(&name)
            }),
            "read" => run(200, &|connection, n| {
                let (tenant, user) = place(connection, n);
                let filter = format!("/Users?filter=userName%20eq%20%22seed{user}@example.com%22");
                tenant.request("GET", &filter, "")
            }),
            "patch" => run(200, &|connection, n| {
                let (tenant, user) = place(connection, n);
                let body = patch(json!([
                    {"op": "Replace", "path": "displayName", "value": format!("Person {round} {connection} {n}")},
                    {"op": "Replace", "path": "name.givenName", "value": format!("Given {n}")}
                ]));
                tenant.request("PATCH", &format!("/Users/{}", tenant.users[user]), &body)
            }),
            _ => {
                let group = if what == "large" { &self.large_group } else { &self.small_group };
                run(204, &|connection, n| {
                    let member = &self.crowd.users[LARGE_GROUP + SMALL_GROUP + connection];
                    let op = if n % 2 == 0 { "Add" } else { "Remove" };
                    let body = patch(json!([{"op": op, "path": "members", "value": [{"value": member}]}]));
                    self.crowd.request("PATCH", &format!("/Groups/{group}"), &body)
                })
            }
        }
    }
}

impl Tenant {
    fn open(gateway: &Gateway, n: usize, users: usize) -> Tenant {
        let opened = gateway.juno(&["tenant", "create", &format!("bench{n}")]);
        let text = |key: &str| opened[key].as_str().unwrap().to_owned();
        let mut tenant =
            Tenant { id: text("id"), url: text("tenant_url"), token: text("secret_token"), users: vec![] };
        let hour = Duration::from_secs(3600);
        load::run(gateway.scim(), CONNECTIONS, hour, 201, |connection, n| {
            let n = connection + n * CONNECTIONS;
            (n < users).then(|| tenant.post_user(&format!("seed{n}@example.com")))
        });
        tenant.users = tenant.ids(gateway, users);
        tenant
    }

    /// The ids of the seeded users, page by page.
    fn ids(&self, gateway: &Gateway, users: usize) -> Vec<String> {
        let mut ids = HashMap::new();
        let mut cursor = String::new();
        loop {
            let path = format!("/Users?attributes=userName&count=1000&cursor={cursor}");
            let bodies = load::exchange(gateway.scim(), vec![self.request("GET", &path, "")], 200);
            let page: Value = serde_json::from_str(&bodies[0]).unwrap();
            for user in page["Resources"].as_array().unwrap() {
                let text = |key: &str| user[key].as_str().unwrap().to_owned();
                ids.insert(text("userName"), text("id"));
            }
            match page["nextCursor"].as_str() {
                Some(next) => cursor = next.to_owned(),
                None => break,
            }
        }
        (0..users).map(|n| ids[&format!("seed{n}@example.com")].clone()).collect()
    }

    fn group(&self, gateway: &Gateway, name: &str, members: &[String]) -> String {
        let body = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": name});
        let bodies =
            load::exchange(gateway.scim(), vec![self.request("POST", "/Groups", &body.to_string())], 201);
        let group: Value = serde_json::from_str(&bodies[0]).unwrap();
        let id = group["id"].as_str().unwrap().to_owned();
        let adds = members.chunks(1000).map(|members| {
            let members: Vec<Value> = members.iter().map(|id| json!({"value": id})).collect();
            let body = patch(json!([{"op": "Add", "path": "members", "value": members}]));
            self.request("PATCH", &format!("/Groups/{id}"), &body)
        });
        load::exchange(gateway.scim(), adds.collect(), 204);
        id
    }

    fn request(&self, method: &str, path: &str, body: &str) -> Vec<u8> {
        load::request(method, &format!("{}{path}", self.url), &self.token, body)
    }

    fn post_user(&self, name: &str) -> Vec<u8> {
        self.request("POST", "/Users", &user(name))
    }
}

fn patch(operations: Value) -> String {
    json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations})
        .to_string()
}

/// The body that Entra sends with the 26 attributes of the tutorial.
fn user(name: &str) -> String {
    include_str!("user.json").replace("{name}", name)
}

/// The scripts of pgbench, one for each tenant: pgbench picks among them.
struct Scripts {
    folder: tempfile::TempDir,
}

impl Scripts {
    fn write(bench: &Bench) -> Scripts {
        // pgbench may run as another user than we do.
        let folder = tempfile::Builder::new().permissions(Permissions::from_mode(0o755)).tempdir().unwrap();
        let document: Value = serde_json::from_str(&user("pgbench@example.com")).unwrap();
        for (name, text) in [
            ("create", include_str!("pgbench/create.sql")),
            ("create_unnumbered", include_str!("pgbench/create_unnumbered.sql")),
            ("read", include_str!("pgbench/read.sql")),
            ("patch", include_str!("pgbench/patch.sql")),
        ] {
            for (n, tenant) in bench.tenants.iter().enumerate() {
                let text = text
                    .replace("{tenant}", &tenant.id)
                    // A colon before a letter would be a variable of pgbench's.
                    .replace("{document}", &document.to_string().replace('\'', "''").replace(":", ": "))
                    .replace("{last}", &(USERS_PER_TENANT - 1).to_string());
                std::fs::write(Scripts::file(folder.path(), name, n), text).unwrap();
            }
        }
        Scripts { folder }
    }

    fn file(folder: &Path, name: &str, n: usize) -> PathBuf {
        folder.join(format!("{name}{n}.sql"))
    }

    /// Transactions a second.
    fn run(&self, postgres: &Postgres, database: &str, name: &str) -> f64 {
        let scripts: Vec<_> = (0..TENANTS).map(|n| Scripts::file(self.folder.path(), name, n)).collect();
        postgres.pgbench(database, CONNECTIONS, ROUND, &scripts)
    }
}

/// Markdown rows.
#[derive(Default)]
struct Table {
    text: String,
}

impl Table {
    fn row(&mut self, measurement: &Measurement, rounds: &Rounds) {
        if self.text.is_empty() {
            self.text.push_str(
                "| request | /s | pgbench /s | ratio | goal | p50 ms | p99 ms | gateway CPU us | PostgreSQL CPU us |\n\
                 |---|---|---|---|---|---|---|---|---|\n",
            );
        }
        let pgbench = (!rounds.pgbench.is_empty()).then(|| median(rounds.pgbench.clone()));
        let number = |value: Option<f64>, digits: usize| {
            value.map_or(String::new(), |value| format!("{value:.digits$}"))
        };
        let millis = |of: fn(&Measured) -> Duration| {
            median(rounds.gateway.iter().map(|round| of(round).as_secs_f64() * 1e3).collect())
        };
        writeln!(
            self.text,
            "| {} | {:.0} | {} | {} | {} | {:.2} | {:.2} | {:.0} | {:.0} |",
            measurement.row,
            rounds.median(),
            number(pgbench, 0),
            number(pgbench.map(|pgbench| rounds.median() / pgbench), 2),
            number(measurement.goal, 2),
            millis(|round| round.p50),
            millis(|round| round.p99),
            rounds.gateway_micros,
            rounds.postgres_micros,
        )
        .unwrap();
    }
}
