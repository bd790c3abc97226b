//! A program that ends with the test, even if the test is killed: a small shell script stands between them.

use std::{
    ffi::OsStr,
    fs,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::{
        Mutex,
        mpsc::{self, Receiver},
    },
    thread,
    time::Duration,
};

/// How long any step may take before the test gives up: only failures wait so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// One program, started and ended at will; its folder is removed at the end.
#[derive(Debug)]
pub struct Supervised {
    shell: Child,
    /// None only while it is dropped.
    line: Option<Mutex<Line>>,
    folder: PathBuf,
    log: PathBuf,
}

#[derive(Debug)]
struct Line {
    words: ChildStdin,
    lines: Receiver<String>,
}

impl Supervised {
    /// Prepares a program, not yet started. `folder` must exist; it is removed when this value or the process is gone.
    /// `last_signal` ends the program then. The program's stderr goes to the file `log` in the folder.
    pub fn new(
        folder: &Path,
        last_signal: &str,
        program: &Path,
        prepare: impl FnOnce(&mut Command),
    ) -> Supervised {
        let log = folder.join("log");
        let mut command = Command::new("sh");
        command.arg("-c").arg(include_str!("supervise.sh")).arg("sh");
        command.args([folder.as_os_str(), log.as_os_str(), OsStr::new(last_signal), program.as_os_str()]);
        prepare(&mut command);
        let mut shell = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("sh runs");
        let words = shell.stdin.take().expect("stdin of the shell");
        let stdout = shell.stdout.take().expect("stdout of the shell");
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            let lines = BufReader::new(stdout).lines().map_while(Result::ok);
            lines.take_while(|line| sender.send(line.clone()).is_ok()).for_each(drop);
        });
        Supervised { shell, line: Some(Mutex::new(Line { words, lines })), folder: folder.to_owned(), log }
    }

    /// Starts the program and waits for the first line it writes to stdout for which `ready` gives something. Returns
    /// its process id as well.
    pub fn start<T>(&self, mut ready: impl FnMut(&str) -> Option<T>) -> (u32, T) {
        let mut pid = 0;
        let found = self.ask("start", |line| {
            match line.strip_prefix("started ") {
                Some(started) => pid = started.parse().expect("process id"),
                None => return ready(line),
            }
            None
        });
        (pid, found)
    }

    /// Starts a program that writes nothing to stdout.
    pub(crate) fn start_silent(&self) {
        self.ask("start", |line| line.strip_prefix("started ").map(drop));
    }

    /// Sends a signal and waits until the program is gone.
    pub fn end(&self, signal: &str) {
        self.ask(signal, |line| (line == "ended").then_some(()));
    }

    fn ask<T>(&self, word: &str, mut answer: impl FnMut(&str) -> Option<T>) -> T {
        let mut line = self.line.as_ref().expect("alive").lock().expect("one at a time");
        writeln!(line.words, "{word}").expect("the shell lives");
        loop {
            match line.lines.recv_timeout(PATIENCE) {
                Ok(text) => {
                    if let Some(found) = answer(&text) {
                        return found;
                    }
                }
                Err(cause) => panic!("no answer to \"{word}\" ({cause}); log:\n{}", self.end_of_log()),
            }
        }
    }

    /// What the program has written to stderr.
    pub(crate) fn log(&self) -> String {
        let log = fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(&log).into_owned()
    }

    /// The last lines of it.
    pub(crate) fn end_of_log(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(60)..].join("\n")
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Drop for Supervised {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("--- last lines of {}\n{}", self.log.display(), self.end_of_log());
        }
        // Closes stdin, upon which the shell ends the program and removes the folder.
        self.line = None;
        let _ = self.shell.wait();
    }
}
