//! Account Discovery (`entra-sim discover`): each user who is there throughout comes exactly once while other clients create
//! and delete, by index and by cursor, on both databases.

use crate::{
    entra_check::entra_sim,
    world::{Tenant, World},
};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
};
use test_support::{Backend, Http};

/// Users at the beginning.
const USERS: usize = 2_400;
/// Clients that create them.
const CLIENTS: usize = 8;

/// Passes requests on to the gateway. After each page of users, and before the client sees it, another client writes.
struct Between<'t> {
    listener: TcpListener,
    tenant: &'t Tenant<'t>,
    http: Http,
    /// The users who are there from the beginning on.
    left: Mutex<Vec<String>>,
    is_over: AtomicBool,
}

impl<'t> Between<'t> {
    fn new(tenant: &'t Tenant<'t>, left: Vec<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        Between {
            listener,
            tenant,
            http: Http::new(),
            left: Mutex::new(left),
            is_over: AtomicBool::new(false),
        }
    }

    /// The Tenant URL that leads through here.
    fn url(&self) -> String {
        format!("http://{}/scim", self.listener.local_addr().expect("an address"))
    }

    fn serve(&self) {
        while let Ok((stream, _)) = self.listener.accept()
            && !self.is_over.load(Ordering::SeqCst)
        {
            self.pass_on(stream);
        }
    }

    fn end(&self) {
        self.is_over.store(true, Ordering::SeqCst);
        // Wakes the thread that waits for a connection.
        drop(TcpStream::connect(self.listener.local_addr().expect("an address")));
    }

    /// One request for each connection; only GET is sent.
    fn pass_on(&self, mut stream: TcpStream) {
        let lines = BufReader::new(&stream).lines().map_while(Result::ok);
        let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
        let Some(below) = head.first().and_then(|line| line.split(' ').nth(1)?.strip_prefix("/scim")) else {
            return;
        };
        let headers: Vec<(&str, &str)> = head[1..].iter().filter_map(|line| line.split_once(": ")).collect();
        let kept: Vec<_> =
            headers.into_iter().filter(|(name, _)| name.eq_ignore_ascii_case("authorization")).collect();
        let answer = self.http.send("GET", &format!("{}{below}", self.tenant.url()), &kept, b"");
        if below.starts_with("/Users?") {
            self.write(&answer.json);
        }
        let head = format!(
            "HTTP/1.1 {} x\r\ncontent-type: application/scim+json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            answer.status,
            answer.body.len()
        );
        stream.write_all(&[head.as_bytes(), &answer.body].concat()).expect("the client reads");
    }

    /// Users leave from this page, from the pages before it and from those behind it; others arrive.
    fn write(&self, page: &Value) {
        let mut left = self.left.lock().expect("left");
        let page = page["Resources"].as_array().expect("Resources");
        let on_page = page.iter().filter_map(|user| user["id"].as_str()).step_by(29);
        let leaving: BTreeSet<String> =
            on_page.map(str::to_owned).chain(left.iter().step_by(131).cloned()).collect();
        for id in left.iter().filter(|id| leaving.contains(*id)) {
            assert_eq!(self.tenant.delete(&format!("/Users/{id}")).status, 204);
        }
        left.retain(|id| !leaving.contains(id));
        for n in 0..5 {
            self.tenant.create_user(&format!("new{}-{}-{n}", left.len(), leaving.len()));
        }
    }
}

/// Every third person is assigned, every third one is not, and the others are nobody's.
fn directory(file: &Path) {
    let id = |n: usize| format!("person{n}");
    let people = (0..USERS).filter(|n| n % 3 < 2);
    let users: Vec<Value> = people
        .map(|n| json!({"objectId": id(n), "userPrincipalName": format!("User{n}@x.example")}))
        .collect();
    let assignments: Vec<Value> = (0..USERS).step_by(3).map(|n| json!({"principalId": id(n)})).collect();
    let directory = json!({"users": users, "assignments": assignments});
    std::fs::write(file, directory.to_string()).expect("written");
}

fn create_all(tenant: &Tenant<'_>) -> Vec<String> {
    std::thread::scope(|scope| {
        let create = |client| {
            let all = (client..USERS).step_by(CLIENTS);
            move || all.map(|n| tenant.create_user(&format!("user{n}@x.example"))).collect::<Vec<_>>()
        };
        let clients: Vec<_> = (0..CLIENTS).map(|client| scope.spawn(create(client))).collect();
        clients.into_iter().flat_map(|client| client.join().expect("client")).collect()
    })
}

/// The report of a discovery while one client writes between the pages and another one at any time.
fn discover(tenant: &Tenant<'_>, left: Vec<String>, paging: &str, people: &Path) -> (Value, Vec<String>) {
    let between = Between::new(tenant, left);
    let report = std::thread::scope(|scope| {
        scope.spawn(|| between.serve());
        scope.spawn(|| {
            while !between.is_over.load(Ordering::SeqCst) {
                let id = tenant.create_user("guest@x.example");
                assert_eq!(tenant.delete(&format!("/Users/{id}")).status, 204);
            }
        });
        let mut command = entra_sim();
        command.args(["discover", "--verify", "--json", "--page-size", "250", "--paging", paging]);
        command.arg("--directory").arg(people).args(["--tenant-url", &between.url()]);
        let output = command.env("ENTRA_SIM_SECRET_TOKEN", tenant.token()).output();
        between.end();
        let output = output.expect("entra-sim runs");
        let printed = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{printed}\n{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_str(&printed).expect("JSON")
    });
    (report, between.left.into_inner().expect("left"))
}

fn who_is_there_throughout_comes_once(backend: Backend) {
    let (world, folder) = (World::start(backend), tempfile::tempdir().expect("a folder"));
    let (tenant, people) = (world.tenant("discovered"), folder.path().join("people.json"));
    directory(&people);
    let mut left = create_all(&tenant);
    for paging in ["index", "cursor"] {
        let before = left.len();
        let report;
        (report, left) = discover(&tenant, left, paging, &people);
        assert!(left.len() < before - 100, "{paging}: users left meanwhile");
        let accounts = report["accounts"].as_array().expect("accounts");
        let id = |account: &Value| account["id"].as_str().expect("id").to_owned();
        let once: BTreeSet<String> = accounts.iter().map(id).collect();
        assert_eq!(once.len(), accounts.len(), "{paging}: nobody twice");
        let missed: Vec<_> = left.iter().filter(|id| !once.contains(*id)).collect();
        assert!(missed.is_empty(), "{paging}: {missed:?}");
        assert_eq!(report["verification"]["missed"], json!([]), "{paging}");
        for account in accounts {
            let name = account["userName"].as_str().expect("userName");
            let number = name.strip_prefix("user").and_then(|name| name.split('@').next()?.parse().ok());
            let category = match number.map(|number: usize| number % 3) {
                Some(0) => "assigned",
                Some(1) => "unassigned",
                _ => "local",
            };
            assert_eq!(account["category"], category, "{account}");
        }
    }
}

#[test]
fn who_is_there_throughout_comes_once_on_sqlite() {
    who_is_there_throughout_comes_once(Backend::Sqlite);
}

#[test]
fn who_is_there_throughout_comes_once_on_postgres() {
    who_is_there_throughout_comes_once(Backend::Postgres);
}
