//! The subjects' binary, and Valgrind.

use std::{
    env, io,
    path::PathBuf,
    process::{Command, Output},
    sync::OnceLock,
};

use crate::subject::Subject;

/// What Valgrind exits with if it saw an error.
pub const FOUND: i32 = 99;

/// The binary `subject`, built with the release profile: what the compiler makes of the code that is shipped.
///
/// # Errors
///
/// If it can't be built.
pub fn subject_binary() -> io::Result<PathBuf> {
    static BUILT: OnceLock<Option<PathBuf>> = OnceLock::new();
    let built = BUILT.get_or_init(|| build().inspect_err(|error| eprintln!("{error}")).ok());
    built.clone().ok_or_else(|| io::Error::other("the subjects' binary can't be built"))
}

fn build() -> io::Result<PathBuf> {
    // This runs in a test, whose binary is in the folder `debug/deps` of the target folder.
    let test = env::current_exe()?;
    let target = test.ancestors().nth(3).ok_or_else(|| io::Error::other("no target folder"))?;
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["build", "--release", "--locked", "--quiet", "-p", "sealpost-ct", "--bin", "subject"]);
    let status = command.arg("--target-dir").arg(target).current_dir(env!("CARGO_MANIFEST_DIR")).status()?;
    if status.success() { Ok(target.join("release/subject")) } else { Err(io::Error::other("cargo build failed")) }
}

/// The compiler that builds it: counts are those of one.
///
/// # Errors
///
/// If it can't be run.
pub fn compiler() -> io::Result<String> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("--version").output()?;
    let version = String::from_utf8_lossy(&output.stdout).into_owned();
    // Without the hash and the date of its source.
    Ok(version.split_whitespace().take(2).collect::<Vec<_>>().join(" "))
}

/// Whether Valgrind is there.
#[must_use]
pub fn has_valgrind() -> bool {
    Command::new("valgrind").arg("--version").output().is_ok_and(|output| output.status.success())
}

/// Runs a subject under Memcheck.
///
/// # Errors
///
/// If the binary can't be built or run.
pub fn memcheck(subject: Subject) -> io::Result<Output> {
    let mut valgrind = Command::new("valgrind");
    // Without exact comparisons Valgrind takes it for a decision that a `bool` is compared with what no `bool` is.
    valgrind.args(["--tool=memcheck", "--quiet", "--leak-check=no", "--expensive-definedness-checks=yes"]);
    valgrind.arg(format!("--error-exitcode={FOUND}"));
    valgrind.arg(subject_binary()?).args([subject.name, "memcheck"]).output()
}

/// How many instructions Callgrind counts in a subject.
///
/// # Errors
///
/// If the binary can't be built or run, or the count is not found.
pub fn callgrind(subject: Subject) -> io::Result<u64> {
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--collect-atstart=no", "--callgrind-out-file=/dev/null"]);
    let output = valgrind.arg(subject_binary()?).args([subject.name, "callgrind"]).output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    let count = said.lines().find_map(|line| line.split_once("Collected : ")?.1.trim().parse().ok());
    count.ok_or_else(|| io::Error::other(said.into_owned()))
}
