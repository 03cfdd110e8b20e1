//! What the tests of the tool share: a forward, and ways to call the tool.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    process::{Command, Output, Stdio},
};

use sealpost_testkit::vectors;
use tempfile::TempDir;

pub(crate) const BOB: &str = "draft/a3_recipient_key.asc";
pub(crate) const MESSAGE: &str = "draft/a3_encrypted_message.asc";
pub(crate) const TEXT: &[u8] = b"Message for Bob";

/// A folder with a forward from the draft's Bob to Charles.
pub(crate) struct Fixture {
    folder: TempDir,
    vectors: PathBuf,
}

impl Fixture {
    pub(crate) fn new() -> Option<Self> {
        let fixture = Self { folder: tempfile::tempdir().unwrap(), vectors: vectors()? };
        ok(&[
            "forward",
            "setup",
            "--key",
            &fixture.vector(BOB),
            "--to",
            "Charles <c@example.org>",
            "--out",
            &fixture.path("c"),
        ]);
        Some(fixture)
    }

    pub(crate) fn vector(&self, name: &str) -> String {
        self.vectors.join(name).to_str().unwrap().to_owned()
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    pub(crate) fn instance(&self) -> String {
        self.path("c/instance-0.json")
    }

    pub(crate) fn key(&self) -> String {
        self.path("c/forwardee.key.asc")
    }

    pub(crate) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

pub(crate) fn run(args: &[&str], stdin: Stdio) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sealpost")).args(args).stdin(stdin).output().unwrap()
}

pub(crate) fn ok(args: &[&str]) -> Output {
    let output = run(args, Stdio::null());
    assert!(output.status.success(), "{args:?}: {}", stderr(&output));
    output
}

/// Fails with this exit code and says all of this on stderr; OUT, if there is one, stays as it was.
pub(crate) fn fails(code: i32, says: &[&str], args: &[&str]) {
    let output = run(args, Stdio::null());
    assert_eq!(output.status.code(), Some(code), "{args:?}: {}", stderr(&output));
    for text in says {
        assert!(stderr(&output).contains(text), "{args:?} does not say {text:?}: {}", stderr(&output));
    }
    assert!(!stderr(&output).contains("panicked"), "{}", stderr(&output));
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

pub(crate) fn mode(path: &str) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}
