//! A running `juno serve` on free ports, with a folder and a database of its own.

use crate::{Backend, Http, supervised::Supervised};
use serde_json::Value;
use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// How to run a gateway.
#[derive(Clone, Debug)]
pub struct GatewayOptions {
    /// The binary `juno`.
    pub binary: PathBuf,
    /// Its database.
    pub database: Database,
    /// Settings beside those, as environment variables.
    pub settings: Vec<(String, String)>,
}

/// Where a gateway keeps its data.
#[derive(Clone, Debug)]
pub enum Database {
    /// In a fresh database of this kind.
    Fresh(Backend),
    /// Here.
    At(String),
}

/// A gateway; it ends with this value or with the process.
#[derive(Debug)]
pub struct Gateway {
    server: Supervised,
    binary: PathBuf,
    environment: Vec<(String, String)>,
    listening: Listening,
}

#[derive(Debug)]
struct Listening {
    pid: u32,
    scim: String,
    admin: String,
}

impl Gateway {
    /// Starts a gateway and waits until it says that it listens.
    pub fn start(options: GatewayOptions) -> Gateway {
        let folder = tempfile::Builder::new().prefix("juno-gateway-").tempdir().expect("folder").keep();
        let database = match options.database {
            Database::Fresh(backend) => backend.fresh_database(&folder),
            Database::At(url) => url,
        };
        let own = [
            ("JUNO__DATABASE__URL", database.as_str()),
            // As on two cores: on many, as many tests at once would ask for more connections than a server has.
            ("JUNO__DATABASE__READERS", "4"),
            ("JUNO__SCIM__LISTEN", "127.0.0.1:0"),
            ("JUNO__ADMIN__LISTEN", "127.0.0.1:0"),
            ("JUNO__LOG__LEVEL", "info,access=warn,actix_server=warn,actix_http=off"),
        ];
        let own = own.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let environment: Vec<_> = own.into_iter().chain(options.settings).collect();
        let server = Supervised::new(&folder, "KILL", &options.binary, |command| {
            command.args(["serve", "--json"]);
            in_house(command, &folder, &environment);
        });
        let listening = listen(&server);
        Gateway { server, binary: options.binary, environment, listening }
    }

    /// Ends it as a crash does.
    pub fn kill(&self) {
        self.server.end("KILL");
    }

    /// Asks it to end and waits until it has.
    pub fn terminate(&self) {
        self.server.end("TERM");
    }

    /// Starts it again, on the same database; its addresses are new.
    pub fn restart(&mut self) {
        self.listening = listen(&self.server);
    }

    /// The address of the SCIM listener, as `http://127.0.0.1:1234`.
    pub fn scim(&self) -> &str {
        &self.listening.scim
    }

    /// The address of the operators' listener.
    pub fn admin(&self) -> &str {
        &self.listening.admin
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.listening.pid
    }

    /// Memory in use, in bytes.
    pub fn resident_memory(&self) -> u64 {
        self.memory("VmRSS:")
    }

    /// The most memory that was in use at any time, in bytes.
    pub fn peak_memory(&self) -> u64 {
        self.memory("VmHWM:")
    }

    fn memory(&self, key: &str) -> u64 {
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", self.listening.pid)).expect("process status");
        let line = status.lines().find_map(|line| line.strip_prefix(key)).expect(key);
        line.trim().trim_end_matches(" kB").parse::<u64>().expect("number") * 1024
    }

    /// Its log, of all its lives.
    pub fn log(&self) -> String {
        self.server.log()
    }

    /// The sum of a metric's values whose line has all of `labels` in it.
    pub fn metric(&self, http: &Http, name: &str, labels: &[&str]) -> f64 {
        let Some(answer) = http.try_send("GET", &format!("{}/metrics", self.admin()), &[], b"") else {
            return 0.0;
        };
        let text = answer.text();
        let lines = text
            .lines()
            .filter(|line| line.starts_with(&format!("{name}{{")) || line.starts_with(&format!("{name} ")));
        let lines = lines.filter(|line| labels.iter().all(|label| line.contains(label)));
        lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
    }

    /// Runs another command of the binary on the same database.
    pub fn command(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(&self.binary);
        command.args(arguments);
        in_house(&mut command, self.server.folder(), &self.environment);
        command.env("JUNO__SCIM__PUBLIC_URL", self.scim());
        command.output().expect("the binary runs")
    }

    /// Runs another command with `--json`, which must succeed, and reads its answer.
    pub fn juno(&self, arguments: &[&str]) -> Value {
        let output = self.command(&[arguments, &["--json"]].concat());
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "juno {arguments:?}: {stderr}");
        serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|cause| panic!("juno {arguments:?}: {cause}: {stderr}"))
    }
}

fn listen(server: &Supervised) -> Listening {
    let (pid, addresses) = server.start(|line| serde_json::from_str::<Value>(line).ok());
    let address =
        |key: &str| addresses[key].as_str().unwrap_or_else(|| panic!("no {key} in {addresses}")).to_owned();
    Listening { pid, scim: address("scim"), admin: address("admin") }
}

/// Only the settings of the test count, not those of whoever runs it.
fn in_house(command: &mut Command, folder: &Path, environment: &[(String, String)]) {
    for (key, _) in env::vars_os().filter(|(key, _)| key.to_string_lossy().starts_with("JUNO_")) {
        command.env_remove(key);
    }
    command.current_dir(folder).envs(environment.iter().map(|(key, value)| (key, value)));
}
