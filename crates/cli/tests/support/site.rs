//! A folder in which the tool runs, and ways to call it.

use std::{
    fs,
    path::PathBuf,
    process::{Command, Output},
};

use tempfile::TempDir;

/// A folder of its own.
pub(crate) struct Site {
    folder: TempDir,
    /// Which commands of the tool are called.
    family: &'static str,
}

impl Site {
    pub(crate) fn of(family: &'static str) -> Self {
        Self { folder: tempfile::tempdir().unwrap(), family }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path(name), content).unwrap();
    }

    /// The tool with a command whose words are told apart by blanks; `_` stands for one in a word.
    pub(crate) fn tool(&self, command: &str) -> Command {
        let words = command.split(' ').map(|word| word.replace('_', " "));
        let mut tool = Command::new(env!("CARGO_BIN_EXE_sealpost"));
        tool.arg(self.family).args(words).current_dir(self.folder.path());
        tool
    }

    pub(crate) fn run(&self, command: &str) -> Output {
        self.tool(command).output().unwrap()
    }

    /// Ends with this code, and says all of this.
    pub(crate) fn says(&self, code: i32, says: &[&str], command: &str) -> String {
        let output = self.run(command);
        let text = said(&output);
        assert_eq!(output.status.code(), Some(code), "{command}: {text}");
        says.iter().for_each(|says| assert!(text.contains(says), "{command} does not say {says:?}: {text}"));
        assert!(!text.contains("panicked"), "{command}: {text}");
        text
    }
}

/// What a command told people.
pub(crate) fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
