//! The peers, each behind a few functions: GnuPG, OpenPGP.js and Proton's fork of it, PGPy, the crate `pgp`, PKCS#11
//! tokens, those of S/MIME, and our own tool, which is called as anybody would call it.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where a peer does not do its part"
)]

use std::{
    ffi::OsStr,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

mod gnupg;
mod lint;
mod rpgp;
pub mod smime;
mod token;

pub use gnupg::Gnupg;
pub use lint::{pkilint, pkilint_command};
pub use rpgp::Rpgp;
pub use token::Token;

/// Runs a program with this input; `None` if there is no such program.
pub fn call<S: AsRef<OsStr>>(program: &Path, args: impl IntoIterator<Item = S>, input: &[u8]) -> Option<Output> {
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().ok()?;
    let mut stdin = child.stdin.take()?;
    let input = input.to_vec();
    // A program that fails at once may not read its input: writing to it may fail.
    let writer = std::thread::spawn(move || stdin.write_all(&input).is_ok());
    let output = child.wait_with_output().ok()?;
    writer.join().ok()?;
    Some(output)
}

/// The output of a program that succeeded.
fn succeeded(what: &str, output: Output) -> Vec<u8> {
    assert!(output.status.success(), "{what}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Our tool: exit code, stdout and stderr.
///
/// # Panics
///
/// If it has not been built.
#[must_use]
pub fn sealpost(args: &[&str], input: &[u8]) -> Output {
    // Beside the folder of the test's own binary.
    let test = std::env::current_exe().unwrap();
    let tool = test.parent().and_then(Path::parent).unwrap().join("sealpost");
    call(&tool, args, input).unwrap_or_else(|| panic!("{}: build it first: cargo build", tool.display()))
}

/// Our tool, which must succeed: its stdout.
///
/// # Panics
///
/// If it fails.
#[must_use]
pub fn sealpost_ok(args: &[&str], input: &[u8]) -> Vec<u8> {
    succeeded("sealpost", sealpost(args, input))
}

/// A script of `interop/node`: what it writes, or why it failed; `None` if the peers are not installed.
#[must_use]
pub fn node(script: &str, args: &[&str], input: &[u8]) -> Option<Result<Vec<u8>, String>> {
    let script = folder().join("node").join(script);
    if !folder().join("node/node_modules").is_dir() {
        sealpost_testkit::missing("the peers from npm (cargo xtask test installs them)");
        return None;
    }
    let args = std::iter::once(script.as_os_str()).chain(args.iter().map(OsStr::new));
    let Some(output) = call(Path::new("node"), args, input) else {
        sealpost_testkit::missing("Node.js");
        return None;
    };
    Some(if output.status.success() { Ok(output.stdout) } else { Err(String::from_utf8_lossy(&output.stderr).into()) })
}

/// Encrypts with PGPy; `None` if it is not installed.
///
/// # Panics
///
/// If it fails.
#[must_use]
pub fn pgpy_encrypt(key: &str, plaintext: &[u8]) -> Option<Vec<u8>> {
    let (python, script) = (folder().join("python/venv/bin/python"), folder().join("python/encrypt.py"));
    let Some(output) = call(&python, [script.as_os_str(), OsStr::new(key)], plaintext) else {
        sealpost_testkit::missing("PGPy (cargo xtask test installs it)");
        return None;
    };
    Some(succeeded("PGPy", output))
}
