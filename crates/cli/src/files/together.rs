//! Secret files that appear together in a folder, or not at all.

use std::{
    fs,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use super::NewFile;
use crate::failure::{At, Failure, Result};

/// Files for their owner alone, none of which is under its name before all are written. What is there already is not
/// replaced.
#[derive(Debug)]
pub(crate) struct Together {
    folder: PathBuf,
    files: Vec<NewFile>,
}

impl Together {
    /// In a folder, which is made if it is missing, for its owner alone.
    pub(crate) fn within(folder: &Path) -> Result<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).at(folder)?;
        Ok(Self { folder: folder.to_owned(), files: Vec::new() })
    }

    /// One more, and under what path it will be.
    pub(crate) fn add(&mut self, name: &str, content: &[u8]) -> Result<String> {
        must_be_free(&self.folder, name)?;
        let path = self.folder.join(name);
        self.files.push(NewFile::secret(&path, content)?);
        Ok(path.display().to_string())
    }

    /// Gives them their names.
    pub(crate) fn keep(self) -> Result {
        NewFile::keep_all_new(self.files)
    }
}

/// Nothing may have that name, also no link that leads nowhere.
pub(crate) fn must_be_free(folder: &Path, name: &str) -> Result {
    let path = folder.join(name);
    if fs::symlink_metadata(&path).is_ok() {
        return Err(Failure::new(format!("{}: is there already; choose another folder", path.display())));
    }
    Ok(())
}
