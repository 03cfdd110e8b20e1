//! Programs: run to their end, or kept running.

use std::{
    env,
    ffi::OsStr,
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// How long to wait for a server to come up, or for a mail that is on its way.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// The path to look for programs in, with the folder of what administrators run.
#[must_use]
pub fn path() -> String {
    format!("{}:/usr/local/sbin:/usr/sbin:/sbin", env::var("PATH").unwrap_or_default())
}

pub(crate) fn find(program: &str) -> Option<PathBuf> {
    path().split(':').map(|folder| Path::new(folder).join(program)).find(|file| file.is_file())
}

/// Runs a program to its end; what it printed.
///
/// # Panics
///
/// If it fails, with what it said.
pub fn run(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{command:?}: {}\n{said}{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    said
}

/// Waits until `condition` gives something, but not for ever.
///
/// # Panics
///
/// If it takes too long: with what was waited for.
pub fn eventually<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = condition() {
            return found;
        }
        assert!(start.elapsed() < PATIENCE, "waited {} seconds in vain: {what}", PATIENCE.as_secs());
        thread::sleep(Duration::from_millis(10));
    }
}

/// A program that runs until the end, and what it says.
#[derive(Debug)]
pub struct Daemon {
    name: String,
    log: PathBuf,
    child: Child,
}

impl Daemon {
    /// Starts it. What it says goes to `NAME.log` in `folder`.
    ///
    /// # Panics
    ///
    /// If it can't be started.
    pub fn start(name: &str, folder: &Path, command: &mut Command) -> Self {
        let log = folder.join(format!("{name}.log"));
        let file = File::create(&log).expect("a file for the log");
        let child = command
            .stdin(Stdio::null())
            .stdout(file.try_clone().expect("the same file"))
            .stderr(file)
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        Self { name: name.to_owned(), log, child }
    }

    /// What it said up to now.
    #[must_use]
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// Waits until `is_ready`.
    ///
    /// # Panics
    ///
    /// If that takes too long, or if the program has ended: with the end of its log.
    pub fn wait_until(&mut self, mut is_ready: impl FnMut(&str) -> bool) {
        let start = Instant::now();
        while !is_ready(&self.log()) {
            let ended = self.child.try_wait().expect("its state");
            if let Some(status) = ended {
                panic!("{} has ended ({status}):\n{}", self.name, tail(&self.log()));
            }
            assert!(start.elapsed() < PATIENCE, "{} does not come up:\n{}", self.name, tail(&self.log()));
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Ends it, whatever it does.
    ///
    /// # Panics
    ///
    /// If it can't be ended.
    pub fn kill(&mut self) {
        self.child.kill().and_then(|()| self.child.wait()).expect("it ends");
    }

    /// Asks it to read its settings anew.
    ///
    /// # Panics
    ///
    /// If it can't be asked.
    pub fn hang_up(&self) {
        self.signal("-HUP");
    }

    fn signal(&self, signal: &str) {
        run(Command::new("kill").arg(signal).arg(self.child.id().to_string()));
    }

    /// Asks it to end, and waits for that.
    ///
    /// # Panics
    ///
    /// If it can't be asked.
    pub fn stop(&mut self) {
        self.signal("-INT");
        self.child.wait().expect("it ends");
    }
}

/// The last lines of a log.
pub(crate) fn tail(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(40)..].join("\n")
}

/// The ids of a user and of its first group.
pub(crate) fn ids(user: &str) -> (u32, u32) {
    let id = |flag: &str| run(Command::new("id").args([flag, user])).trim().parse().expect("a number");
    (id("-u"), id("-g"))
}

/// A command in a folder.
pub(crate) fn command(program: impl AsRef<OsStr>, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder);
    command
}
