//! A PostgreSQL server for tests: in a folder of its own, with a socket there and no port. What it commits is
//! flushed to the disk, as in earnest.

use std::{
    fs,
    io::{self, Read},
    os::unix::fs::chown,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

/// A server. It stops, and its folder is removed, when this is dropped, and also when the test's process ends in
/// whatever way.
#[derive(Debug)]
pub struct Server {
    programs: PathBuf,
    folder: PathBuf,
    databases: AtomicU32,
    /// Waits until its input is closed, then cleans up.
    keeper: Child,
}

/// What cleans up: it runs on when the test was killed.
const KEEPER: &str = r#"read -r _; "$1/pg_ctl" -D "$2/data" -m immediate -w stop; rm -rf -- "$2""#;

/// One server for all tests of a program. Where PostgreSQL is missing the test is to be skipped: that was said.
#[must_use]
pub fn shared() -> Option<&'static Server> {
    static SERVER: OnceLock<Option<Server>> = OnceLock::new();
    SERVER.get_or_init(Server::start).as_ref()
}

/// The folder with PostgreSQL's programs: the newest one that Debian's packages bring.
fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?;
    let folders = versions.filter_map(|version| Some(version.ok()?.path().join("bin")));
    folders.filter(|folder| folder.join("initdb").is_file()).max()
}

/// User and group that the server runs as, if we are root, as whom it refuses to run.
fn other_user() -> Option<(u32, u32)> {
    let id = |flags: &[&str]| -> Option<u32> {
        let answer = Command::new("id").args(flags).output().ok()?;
        String::from_utf8(answer.stdout).ok()?.trim().parse().ok()
    };
    if id(&["-u"])? == 0 { Some((id(&["-u", "postgres"])?, id(&["-g", "postgres"])?)) } else { None }
}

fn command(program: impl AsRef<Path>) -> Command {
    let program = program.as_ref();
    let mut command = match other_user() {
        None => Command::new(program),
        Some((user, group)) => {
            let mut command = Command::new("setpriv");
            command.args([format!("--reuid={user}"), format!("--regid={group}")]);
            command.args(["--clear-groups", "--"]).arg(program);
            command
        }
    };
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).current_dir("/");
    command
}

/// Runs a program to its end.
fn run(command: &mut Command) {
    // The server inherits what it says errors to and keeps it open: so not a pipe that is read to its end.
    let mut said = tempfile::tempfile().expect("a file for what it says");
    let status = command.stderr(said.try_clone().expect("the same file")).status().expect("it starts");
    if !status.success() {
        let mut text = String::new();
        io::Seek::rewind(&mut said).and_then(|()| said.read_to_string(&mut text)).expect("what it said");
        panic!("{command:?}: {status}: {text}");
    }
}

impl Server {
    /// Starts one. `None` where PostgreSQL is missing: then the test is to be skipped, and it was said.
    ///
    /// # Panics
    ///
    /// If it is there and does not start, or under `CI=true` if it is missing.
    #[must_use]
    pub fn start() -> Option<Self> {
        let Some(programs) = programs() else {
            crate::missing("PostgreSQL (Debian's package postgresql)");
            return None;
        };
        let folder = tempfile::Builder::new().prefix("sealpost-pg").tempdir().expect("a folder").keep();
        if let Some((user, group)) = other_user() {
            chown(&folder, Some(user), Some(group)).expect("its folder becomes the server's");
        }
        let keeper = command("/bin/sh")
            .args(["-c", KEEPER, "keeper"])
            .args([&programs, &folder])
            .stdin(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell");
        let server = Self { programs, folder, databases: AtomicU32::new(0), keeper };
        let init = ["--username=sealpost", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"];
        run(command(server.programs.join("initdb")).args(init).arg("-D").arg(server.data()));
        server.go_on();
        Some(server)
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn control(&self) -> Command {
        let mut control = command(self.programs.join("pg_ctl"));
        control.arg("-D").arg(self.data()).arg("-w");
        control
    }

    /// Stops at once, without flushing anything: as if it had crashed.
    pub fn crash(&self) {
        run(self.control().args(["-m", "immediate", "stop"]));
    }

    /// Starts again after [`crash`](Self::crash).
    pub fn go_on(&self) {
        let options = format!("-k {} -c listen_addresses= -c fsync=on -c max_connections=200", self.folder.display());
        run(self.control().args(["-o", &options]).arg("-l").arg(self.folder.join("log")).arg("start"));
    }

    /// Makes an empty database; its address.
    #[must_use]
    pub fn database(&self) -> String {
        let name = format!("test{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.sql("postgres", &format!("CREATE DATABASE {name}"));
        self.address(&name)
    }

    /// The address of the database called `name`.
    #[must_use]
    pub fn address(&self, name: &str) -> String {
        format!("postgres://sealpost@{}/{name}", self.folder.display().to_string().replace('/', "%2F"))
    }

    /// Has `psql` execute `sql` in the database called `name`.
    pub fn sql(&self, name: &str, sql: &str) {
        let psql = ["-X", "-q", "-v", "ON_ERROR_STOP=1", "-U", "sealpost", "-d", name, "-c", sql];
        run(command(self.programs.join("psql")).args(psql).arg("-h").arg(&self.folder));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        drop(self.keeper.wait());
    }
}
