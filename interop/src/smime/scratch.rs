//! Files for programs that take no pipes, and what programs say when they fail.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::Output,
    sync::atomic::{AtomicU32, Ordering},
};

use tempfile::TempDir;

use super::Outcome;
use crate::call;

/// A folder of files that are there as long as it is.
#[derive(Debug)]
pub struct Scratch {
    folder: TempDir,
    count: AtomicU32,
}

impl Scratch {
    /// An empty one.
    ///
    /// # Panics
    ///
    /// If it can't be made.
    #[must_use]
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), count: AtomicU32::new(0) }
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A name that no file has.
    #[must_use]
    pub fn fresh(&self) -> PathBuf {
        self.path().join(self.count.fetch_add(1, Ordering::Relaxed).to_string())
    }

    /// A new file with these octets.
    ///
    /// # Panics
    ///
    /// If it can't be written.
    #[must_use]
    pub fn file(&self, octets: &[u8]) -> PathBuf {
        let path = self.fresh();
        fs::write(&path, octets).unwrap();
        path
    }
}

impl Default for Scratch {
    fn default() -> Self {
        Self::new()
    }
}

/// A path as an argument.
pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Runs a program that is there.
pub(crate) fn run<S: AsRef<OsStr>>(program: &str, args: impl IntoIterator<Item = S>, input: &[u8]) -> Output {
    call(Path::new(program), args, input).unwrap_or_else(|| panic!("{program} does not start"))
}

/// What it wrote, or what `words` makes of its complaint.
pub(crate) fn outcome(output: Output, words: impl Fn(&str) -> String) -> Outcome {
    if output.status.success() { Ok(output.stdout) } else { Err(said(&output, words)) }
}

/// What `words` makes of a program's complaint, in one line.
pub(crate) fn said(output: &Output, words: impl Fn(&str) -> String) -> String {
    let line = words(&String::from_utf8_lossy(&output.stderr)).split_whitespace().collect::<Vec<_>>().join(" ");
    if line.is_empty() { output.status.to_string() } else { line }
}
