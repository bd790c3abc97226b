//! A disk that a test can fill: a small file system in memory, in a mount namespace of its own.

use crate::{
    postgres::{User, as_user, unprivileged_user},
    supervised::Supervised,
};
use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

/// Where it is, for programs in its namespace.
const MOUNTED: &str = "/mnt";

/// A small disk of one user; it is gone with this value or the process.
#[derive(Debug)]
pub struct SmallDisk {
    holder: Supervised,
    pid: u32,
    path: PathBuf,
    user: Option<User>,
}

impl SmallDisk {
    /// Where it is for programs that are [inside](SmallDisk::inside).
    pub const INSIDE: &str = MOUNTED;

    /// An empty disk of this size. Programs of the test can write to it. Needs no privileges, but a kernel that lets
    /// users make namespaces, as Debian's does.
    pub fn new(megabytes: u32) -> SmallDisk {
        SmallDisk::of(None, megabytes)
    }

    /// The same for a PostgreSQL server.
    pub fn for_postgres(megabytes: u32) -> SmallDisk {
        SmallDisk::of(unprivileged_user(), megabytes)
    }

    fn of(user: Option<User>, megabytes: u32) -> SmallDisk {
        let folder = tempfile::Builder::new().prefix("juno-disk-").tempdir().expect("folder").keep();
        let unshare = as_user(user, Path::new("unshare"));
        let holder = Supervised::new(&folder, "KILL", Path::new(unshare.get_program()), |command| {
            command.args(unshare.get_args()).args(["--user", "--map-root-user", "--mount", "sh", "-c"]);
            command.arg(format!(
                "mount -t tmpfs -o size={megabytes}m none {MOUNTED} && echo mounted && exec sleep infinity"
            ));
        });
        let (pid, ()) = holder.start(|line| (line == "mounted").then_some(()));
        // Others see what is mounted there by way of the process.
        SmallDisk { holder, pid, path: PathBuf::from(format!("/proc/{pid}/root{MOUNTED}")), user }
    }

    /// Where it is, for programs that follow links.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A program that runs `program` where the disk is at [`SmallDisk::INSIDE`]: SQLite resolves links, which leads out of
    /// the namespace.
    pub fn inside(&self, program: &Path) -> PathBuf {
        let script = self.holder.folder().join("inside");
        let text = format!(
            "#!/bin/sh\nexec nsenter --preserve-credentials --user --mount --wd=. --target={} -- {} \"$@\"\n",
            self.pid,
            program.display(),
        );
        fs::write(&script, text).expect("script");
        fs::set_permissions(&script, Permissions::from_mode(0o755)).expect("script");
        script
    }

    /// Leaves no byte free.
    pub fn fill(&self) {
        let mut dd = as_user(self.user, Path::new("dd"));
        dd.args(["if=/dev/zero", "bs=4k"]).arg(format!("of={}", self.filler().display()));
        let output = dd.output().expect("dd runs");
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && error.contains("No space left on device"), "{error}");
    }

    /// Gives back what [`SmallDisk::fill`] has taken.
    pub fn make_room(&self) {
        fs::remove_file(self.filler()).expect("it was filled");
    }

    fn filler(&self) -> PathBuf {
        self.path.join("filler")
    }
}
