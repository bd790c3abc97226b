//! A private PostgreSQL server: made with initdb in a folder of its own, reached through a socket in that folder.

use crate::{SmallDisk, supervised::Supervised};
use std::{
    env, fs,
    os::unix::fs::{MetadataExt, chown},
    path::{Path, PathBuf},
    process::Command,
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

const SUPERUSER: &str = "juno";

/// A server, its data gone when this value or the process is.
#[derive(Debug)]
pub struct Postgres {
    server: Supervised,
    programs: PathBuf,
    user: Option<User>,
    databases: AtomicU32,
}

/// The unprivileged user that PostgreSQL insists on where we are root.
#[derive(Clone, Copy, Debug)]
pub(crate) struct User {
    uid: u32,
    gid: u32,
}

impl Postgres {
    /// The server that all tests of this process share. It does not sync to disk.
    pub fn shared() -> &'static Postgres {
        static SHARED: OnceLock<Postgres> = OnceLock::new();
        SHARED.get_or_init(|| Postgres::start(false))
    }

    /// A server of one's own. `durable`: with fsync, as in production; for benchmarks and crashes.
    pub fn start(durable: bool) -> Postgres {
        let programs = find_programs();
        let user = unprivileged_user();
        let folder = tempfile::Builder::new().prefix("juno-pg-").tempdir().expect("folder").keep();
        if let Some(User { uid, gid }) = user {
            chown(&folder, Some(uid), Some(gid)).expect("folder given to the user of PostgreSQL");
        }
        let data = folder.join("data");
        let mut initdb = as_user(user, &programs.join("initdb"));
        initdb.arg("-D").arg(&data).args([
            "-U",
            SUPERUSER,
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
        ]);
        run(&mut initdb);
        let postgres = as_user(user, &programs.join("postgres"));
        let server = Supervised::new(&folder, "QUIT", Path::new(postgres.get_program()), |command| {
            command.args(postgres.get_args()).arg("-D").arg(&data).arg("-k").arg(&folder);
            for setting in ["listen_addresses=", "max_connections=300", "timezone=UTC"] {
                command.args(["-c", setting]);
            }
            if durable {
                // As a server is set up that is written to all day: the log may grow between checkpoints.
                command.args([
                    "-c",
                    "shared_buffers=1GB",
                    "-c",
                    "max_wal_size=8GB",
                    "-c",
                    "min_wal_size=2GB",
                ]);
            } else {
                command.args(["-c", "fsync=off", "-c", "full_page_writes=off"]);
            }
        });
        let postgres = Postgres { server, programs, user, databases: AtomicU32::new(0) };
        postgres.restart();
        postgres
    }

    /// Starts the server again after [`Postgres::crash`] and waits until it takes connections.
    pub fn restart(&self) {
        self.server.start_silent();
        let began = Instant::now();
        let is_ready = || self.client("pg_isready").arg("-q").status().is_ok_and(|status| status.success());
        while !is_ready() {
            assert!(
                began.elapsed() < Duration::from_secs(60),
                "PostgreSQL does not start:\n{}",
                self.server.end_of_log()
            );
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Ends the server as a crash does: connections are cut, nothing is written, the next start recovers.
    pub fn crash(&self) {
        self.server.end("QUIT");
    }

    /// The URL of a fresh, empty database.
    pub fn fresh_database(&self) -> String {
        let name = format!("test{}", self.databases.fetch_add(1, Ordering::Relaxed));
        run(self.client("createdb").arg(&name));
        self.url(&name)
    }

    /// The URL of a fresh, empty database whose files lie on this disk; the server's log lies elsewhere.
    pub fn database_on(&self, disk: &SmallDisk) -> String {
        let name = format!("disk{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let sql = format!("CREATE TABLESPACE {name} LOCATION '{}'", disk.path().display());
        self.query("postgres", &sql);
        run(self.client("createdb").arg(format!("--tablespace={name}")).arg(&name));
        self.url(&name)
    }

    fn url(&self, name: &str) -> String {
        let socket = self.server.folder().to_str().expect("folder name").replace('/', "%2F");
        format!("postgres://{SUPERUSER}@{socket}/{name}")
    }

    /// Makes the server like one that has worked for days: files of its log lie ready to be written again. While a new one
    /// is made, which a fresh server does for every 16 MB, all commits wait.
    pub fn run_in(&self, database_url: &str) {
        let fill =
            "SELECT pg_logical_emit_message(false, '', ''), pg_switch_wal() FROM generate_series(1, 110)";
        self.query(database_url, fill);
        self.query(database_url, "CHECKPOINT");
    }

    /// What a query of a database answers, one row a line, columns separated by `|`.
    pub fn query(&self, database_url: &str, sql: &str) -> String {
        let name = database_url.rsplit('/').next().expect("name of the database");
        let output =
            self.client("psql").args(["-X", "-A", "-t", "-d", name, "-c", sql]).output().expect("psql runs");
        assert!(output.status.success(), "{sql}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    /// Runs scripts by pgbench, which picks among them, prepared; returns transactions a second.
    pub fn pgbench(&self, database_url: &str, clients: usize, time: Duration, scripts: &[PathBuf]) -> f64 {
        let name = database_url.rsplit('/').next().expect("name of the database");
        let mut pgbench = self.client("pgbench");
        pgbench.args(["--no-vacuum", "--protocol=prepared", "--jobs=2"]);
        pgbench.arg(format!("--client={clients}")).arg(format!("--time={}", time.as_secs()));
        pgbench.args(scripts.iter().flat_map(|script| [Path::new("-f"), script]));
        let output = pgbench.arg(name).output().expect("pgbench runs");
        let text = String::from_utf8_lossy(&output.stdout);
        let rate = text.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse().ok());
        rate.unwrap_or_else(|| panic!("{text}{}", String::from_utf8_lossy(&output.stderr)))
    }

    fn client(&self, program: &str) -> Command {
        let mut command = as_user(self.user, &self.programs.join(program));
        command.arg("-h").arg(self.server.folder()).args(["-U", SUPERUSER]);
        command
    }
}

/// A command as the unprivileged user, if there has to be one.
pub(crate) fn as_user(user: Option<User>, program: &Path) -> Command {
    let mut command = match user {
        None => Command::new(program),
        Some(User { uid, gid }) => {
            let mut command = Command::new("setpriv");
            command.args([format!("--reuid={uid}"), format!("--regid={gid}"), "--clear-groups".to_owned()]);
            command.arg("--").arg(program);
            command
        }
    };
    // The folder of the test may be closed to that user.
    command.current_dir("/");
    command
}

pub(crate) fn unprivileged_user() -> Option<User> {
    let own_uid = fs::metadata("/proc/self").expect("procfs").uid();
    if own_uid != 0 {
        return None;
    }
    let passwd = fs::read_to_string("/etc/passwd").expect("/etc/passwd");
    let entry = |name: &str| {
        let line = passwd.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut numbers = line.split(':').skip(2).map(str::parse);
        Some(User { uid: numbers.next()?.ok()?, gid: numbers.next()?.ok()? })
    };
    Some(
        entry("postgres")
            .or_else(|| entry("nobody"))
            .expect("a user to run PostgreSQL as: postgres or nobody"),
    )
}

/// The folder of initdb, postgres and their clients: on the path, else where Debian has them, newest version first.
fn find_programs() -> PathBuf {
    let on_path =
        env::var_os("PATH").map(|path| env::split_paths(&path).collect::<Vec<_>>()).unwrap_or_default();
    let mut versions: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let entry = entry.ok()?;
            Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin")))
        })
        .collect();
    versions.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
    on_path
        .into_iter()
        .chain(versions.into_iter().map(|(_, folder)| folder))
        // A link on the path may stand alone; beside what it points to are the other programs.
        .filter_map(|folder| folder.join("initdb").canonicalize().ok()?.parent().map(Path::to_owned))
        .find(|folder| {
            ["postgres", "createdb", "psql", "pg_isready"].iter().all(|name| folder.join(name).exists())
        })
        .expect("PostgreSQL (initdb, postgres, psql) is installed")
}

fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|cause| panic!("{command:?}: {cause}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
