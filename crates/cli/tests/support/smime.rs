//! What the tests of `sealpost smime` share: a folder, the keys of RFC 9216, and ways to call the tool.

use std::{
    fs,
    path::PathBuf,
    process::{Command, Output},
};

use sealpost_testkit::vectors;
use tempfile::TempDir;

/// A folder beside the keys of RFC 9216.
pub(crate) struct Fixture {
    folder: TempDir,
    vectors: PathBuf,
}

impl Fixture {
    /// With this file `mail` in the folder.
    pub(crate) fn with(mail: &str) -> Option<Self> {
        let fixture = Self { folder: tempfile::tempdir().unwrap(), vectors: vectors()?.join("smime/rfc9216") };
        fixture.write("mail", mail);
        Some(fixture)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path(name), content).unwrap();
    }

    /// Runs a command of `sealpost smime`, whose words are told apart by blanks. `@x` is a file of RFC 9216, `=x` one in
    /// the folder.
    pub(crate) fn run(&self, command: &str) -> Output {
        let words = command.split(' ').map(|word| match word.split_at(1) {
            ("@", name) => self.vectors.join(name).into_os_string(),
            ("=", name) => self.path(name).into_os_string(),
            _ => word.into(),
        });
        Command::new(env!("CARGO_BIN_EXE_sealpost")).arg("smime").args(words).output().unwrap()
    }

    pub(crate) fn ok(&self, command: &str) {
        let output = self.run(command);
        assert!(output.status.success(), "{command}: {}", said(&output));
    }
}

/// What a command told people.
pub(crate) fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
