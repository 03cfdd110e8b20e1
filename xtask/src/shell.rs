//! Programs: whether they are there, and running them as steps that are named and timed.

use std::env;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

/// An error is one line for the person who called.
pub(crate) type Result<T = ()> = core::result::Result<T, String>;

/// The root folder of the workspace.
pub(crate) fn root() -> &'static Path {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask)
}

/// The cargo that runs us, in the root folder.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(root());
    command
}

/// Runs `command` under a headline; a failure names it.
pub(crate) fn step(headline: &str, command: &mut Command) -> Result {
    eprintln!("==> {headline}");
    let start = Instant::now();
    let status = command.stdin(Stdio::null()).status().map_err(|error| format!("failed step: {headline}: {error}"))?;
    if !status.success() {
        return Err(format!("failed step: {headline}: {status}"));
    }
    eprintln!("    {:.1} s", start.elapsed().as_secs_f64());
    Ok(())
}

/// Whether `command` runs and succeeds. What it says is not shown.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}

/// Whether `PATH` has a program of this name.
pub(crate) fn on_path(program: &str) -> bool {
    env::var_os("PATH").is_some_and(|path| env::split_paths(&path).any(|folder| folder.join(program).is_file()))
}
