//! What the tests of `sealpost rollover` share: a folder in which the tool runs, and ways to call it.

use std::{
    fs,
    path::PathBuf,
    process::{Command, Output},
};

use serde_json::Value;
use tempfile::TempDir;

/// A folder of its own; the store is `sealpost.db` in it.
pub(crate) struct Site {
    folder: TempDir,
}

impl Site {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path(name), content).unwrap();
    }

    /// Runs a command of `sealpost rollover`, whose words are told apart by blanks; `_` stands for one in a word.
    pub(crate) fn run(&self, command: &str) -> Output {
        let words = command.split(' ').map(|word| word.replace('_', " "));
        let mut tool = Command::new(env!("CARGO_BIN_EXE_sealpost"));
        tool.arg("rollover").args(words).current_dir(self.folder.path()).output().unwrap()
    }

    /// What a command that succeeds tells people.
    pub(crate) fn ok(&self, command: &str) -> String {
        let output = self.run(command);
        assert!(output.status.success(), "{command}: {}", said(&output));
        said(&output)
    }

    /// What a command that succeeds tells machines.
    pub(crate) fn json(&self, command: &str) -> Value {
        let output = self.run(&format!("{command} --json"));
        assert!(output.status.success(), "{command}: {}", said(&output));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Fails with this code, and says all of this.
    pub(crate) fn fails(&self, code: i32, says: &[&str], command: &str) {
        let output = self.run(command);
        let text = said(&output);
        assert_eq!(output.status.code(), Some(code), "{command}: {text}");
        says.iter().for_each(|says| assert!(text.contains(says), "{command} does not say {says:?}: {text}"));
        assert!(!text.contains("panicked"), "{command}: {text}");
    }

    /// What status tells of one subject.
    pub(crate) fn status(&self, address: &str) -> Value {
        self.json(&format!("status {address}"))["subjects"][0].clone()
    }
}

/// What a command told people.
pub(crate) fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
