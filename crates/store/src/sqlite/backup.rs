//! Files: a database that only its owner reads, and a copy that is whole or not there.

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions},
    io::{Error as IoError, ErrorKind},
    path::Path,
};

use rusqlite::{Connection, OpenFlags, backup::Backup};

use super::named;
use crate::{Error, Result, durable};

/// Makes an empty file that only its owner reads, if there is none.
pub(super) fn make_private(path: &Path) -> Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    match options.open(path) {
        Ok(file) => {
            file.sync_all().map_err(Error::io(path, "it can't be made durable"))?;
            durable::sync(durable::folder(path))
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(Error::io(path, "it can't be made")(error)),
    }
}

/// Copies the database at `source` to `target`, which is replaced when the copy is durable.
pub(super) fn copy(source: &Path, target: &Path) -> Result<()> {
    let itself = fs::canonicalize(source).and_then(|source| Ok(source == fs::canonicalize(target)?));
    if itself.unwrap_or(false) {
        let same = IoError::from(ErrorKind::InvalidInput);
        return Err(Error::io(target, "a backup can't replace the database itself")(same));
    }
    let mut partial = OsString::from(target);
    partial.push(".partial");
    let partial = Path::new(&partial);
    match fs::remove_file(partial) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            return Err(Error::io(partial, "it can't be replaced")(error));
        }
        _ => make_private(partial)?,
    }
    let copied = fill(source, partial).and_then(|()| {
        File::open(partial).and_then(|file| file.sync_all()).map_err(Error::io(partial, "it can't be made durable"))?;
        fs::rename(partial, target).map_err(Error::io(target, "it can't be replaced"))?;
        durable::sync(durable::folder(target))
    });
    if copied.is_err() {
        drop(fs::remove_file(partial));
    }
    copied
}

fn fill(source: &Path, target: &Path) -> Result<()> {
    let from = Connection::open_with_flags(source, OpenFlags::SQLITE_OPEN_READ_WRITE)
        .and_then(|from| from.busy_timeout(super::PATIENCE).map(|()| from))
        .map_err(|error| named(source).error(error))?;
    let mut to = Connection::open_with_flags(target, OpenFlags::SQLITE_OPEN_READ_WRITE)
        .map_err(|error| named(target).error(error))?;
    let copied = Backup::new(&from, &mut to).and_then(|backup| backup.step(-1));
    copied.map(drop).map_err(|error| named(target).error(error))?;
    to.close().map_err(|(_, error)| named(target).error(error))
}
