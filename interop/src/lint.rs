//! pkilint, which lints certificates and revocation lists.

use std::{ffi::OsStr, fmt::Write, path::PathBuf, process::Output};

use crate::{call, folder, succeeded};

/// What it finds wrong with each certificate, at ERROR or above: a code and a text. `kind` is one of its types of
/// certificates, or `None` to take the one that the certificate's policy says. `None` if it is not installed.
///
/// # Panics
///
/// If it fails.
#[must_use]
pub fn pkilint(certificates: &[(Option<&str>, &[u8])]) -> Option<Vec<Vec<(String, String)>>> {
    let input = serde_json::to_vec(&certificates.iter().map(|(kind, der)| (kind, hex(der))).collect::<Vec<_>>());
    let output = run("python", &[folder().join("python/lint.py").as_os_str()], &input.unwrap())?;
    Some(serde_json::from_slice(&succeeded("pkilint", output)).unwrap())
}

/// One of its commands; `None` if it is not installed.
#[must_use]
pub fn pkilint_command(command: &str, args: &[&str]) -> Option<Output> {
    let args: Vec<&OsStr> = args.iter().map(OsStr::new).collect();
    run(command, &args, &[])
}

fn run(command: &str, args: &[&OsStr], input: &[u8]) -> Option<Output> {
    let bin: PathBuf = folder().join("python/venv/bin");
    if !bin.join("lint_cabf_smime_cert").is_file() {
        sealpost_testkit::missing("pkilint (cargo xtask test installs it)");
        return None;
    }
    call(&bin.join(command), args, input)
}

fn hex(octets: &[u8]) -> String {
    octets.iter().fold(String::new(), |mut text, octet| {
        write!(text, "{octet:02x}").unwrap();
        text
    })
}
