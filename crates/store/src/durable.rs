//! Files that are there wholly and durably, or not at all.

use std::{
    fs::File,
    io::{ErrorKind, Write},
    path::Path,
};

use crate::{Error, Result};

/// Whether a file may take the place of another one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// There must be none.
    New,
    /// There may be one; it is replaced.
    Any,
}

/// What became of writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Written {
    /// It is there, and durable.
    Durable,
    /// There is another one, which was left as it is.
    Taken,
}

/// Writes a file with mode 0600: a temporary file beside it, made durable, gets its name, and the folder is made durable
/// too. Until then nobody sees any of it. A crash may leave the temporary one: `.sealpost-` and some characters.
pub(crate) fn write(path: &Path, content: &[u8], place: Place) -> Result<Written> {
    let failed = |doing| Error::io(path, doing);
    let folder = folder(path);
    let mut file = tempfile::Builder::new()
        .prefix(".sealpost-")
        .tempfile_in(folder)
        .map_err(failed("no file can be made in its folder"))?;
    file.write_all(content).map_err(failed("it can't be written"))?;
    file.as_file().sync_all().map_err(failed("it can't be made durable"))?;
    let persisted = match place {
        Place::New => file.persist_noclobber(path),
        Place::Any => file.persist(path),
    };
    match persisted {
        Ok(_) => sync(folder).map(|()| Written::Durable),
        Err(error) if place == Place::New && error.error.kind() == ErrorKind::AlreadyExists => Ok(Written::Taken),
        Err(error) => Err(failed("it can't be given its name")(error.error)),
    }
}

/// Makes durable which files are in a folder.
pub(crate) fn sync(folder: &Path) -> Result<()> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(Error::io(folder, "it can't be made durable"))
}

/// The folder that a file is in.
pub(crate) fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}
