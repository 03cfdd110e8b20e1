//! Outputs: what a path stands for, and how it comes to its content.

use std::{
    fs::{self, File, Metadata, Permissions},
    io::{self, BufWriter, Write},
    os::{fd::AsFd, unix::fs::PermissionsExt},
    path::{Path, PathBuf},
};

use tempfile::{NamedTempFile, TempPath};

use super::{Place, no_folder};
use crate::failure::{At, Failure, Result};

/// For the owner alone.
const OWNER: u32 = 0o600;
/// Less what the umask takes away.
const ALL: u32 = 0o666;
/// What is smaller is written together with what comes next.
const SMALL_PIECES: usize = 8 << 10;
/// No more links are followed, as in Linux.
const LINKS: usize = 40;

/// Who may read an output that is a file.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Access {
    /// Whom the umask lets; a file that is there already keeps its permissions.
    Public,
    /// The owner alone; a file that is there already keeps its permissions.
    Private,
    /// The owner alone, whoever could read an older file.
    Secret,
}

impl Access {
    /// Small pieces are written together, but those of a secret leave no copy in a buffer.
    fn buffered(self, to: &mut File) -> BufWriter<&mut File> {
        BufWriter::with_capacity(if matches!(self, Self::Secret) { 0 } else { SMALL_PIECES }, to)
    }
}

/// Writes to stdout or to what a path names. An error of writing names that place, whatever `write` makes of it.
pub(crate) fn write_to<T>(to: &Place, access: Access, write: impl FnOnce(&mut dyn Write) -> Result<T>) -> Result<T> {
    let name = to.output_name();
    let Place::File(path) = to else {
        // Not through the buffer of `io::stdout`, which cuts what it is given at the ends of lines.
        let mut stdout = io::stdout().as_fd().try_clone_to_owned().map(File::from).at(name)?;
        return watch(name, &mut access.buffered(&mut stdout), write);
    };
    match Target::of(path, access).at(name)? {
        Target::There(mut file) => watch(name, &mut access.buffered(&mut file), write),
        Target::New(mut new) => {
            let done = watch(name, &mut access.buffered(new.file.as_file_mut()), write)?;
            new.keep().at(name)?;
            Ok(done)
        }
    }
}

/// Writes a secret to stdout, or to a file that only its owner may read.
pub(crate) fn write_secret(to: &Place, content: &[u8]) -> Result {
    write_to(to, Access::Secret, |writer| writer.write_all(content).at(to.output_name()))
}

/// What an output goes to.
#[derive(Debug)]
enum Target {
    /// What is there and can't be replaced by a file: a device, a pipe, or what the tool was started with.
    There(File),
    /// A file in the place of an older one, or of none.
    New(NewFile),
}

impl Target {
    fn of(path: &Path, access: Access) -> io::Result<Self> {
        let old = match fs::metadata(path).and_then(no_folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            found => Some(found?),
        };
        let is_file = old.as_ref().is_none_or(Metadata::is_file);
        let Some(real) = replaceable(path)?.filter(|_| is_file) else {
            // Behind /dev/stdout there may be a file: it keeps what it has.
            let append = old.is_some() && is_file;
            return Ok(Self::There(File::options().write(true).append(append).open(path)?));
        };
        let new = NewFile::create(real, if matches!(access, Access::Public) { ALL } else { OWNER })?;
        if let (Some(old), Access::Public | Access::Private) = (old, access) {
            new.file.as_file().set_permissions(old.permissions())?;
        }
        Ok(Self::New(new))
    }
}

/// The name at which the file of a path can be replaced: links stay, and are followed one by one, because one like
/// /dev/stdout can end at a file that is not to be replaced. `None` among the devices and what processes have open.
fn replaceable(path: &Path) -> io::Result<Option<PathBuf>> {
    let mut path = path.to_owned();
    for _ in 0..LINKS {
        let folder = fs::canonicalize(folder(&path))?;
        // In /dev/shm are files like any other.
        if folder.starts_with("/proc") || (folder.starts_with("/dev") && !folder.starts_with("/dev/shm")) {
            return Ok(None);
        }
        match fs::read_link(&path) {
            Ok(link) => path = folder.join(link),
            Err(_) => return Ok(Some(path)),
        }
    }
    Err(io::Error::other("too many symbolic links"))
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A file that appears whole, under its name, or not at all.
#[derive(Debug)]
pub(crate) struct NewFile {
    file: NamedTempFile,
    path: PathBuf,
}

impl NewFile {
    fn create(path: PathBuf, mode: u32) -> io::Result<Self> {
        let permissions = Permissions::from_mode(mode);
        let mut builder = tempfile::Builder::new();
        let file = builder.prefix(".sealpost-").permissions(permissions).tempfile_in(folder(&path))?;
        Ok(Self { file, path })
    }

    /// A file with this content that only its owner may read.
    pub(super) fn secret(path: &Path, content: &[u8]) -> Result<Self> {
        let mut new = Self::create(path.to_owned(), OWNER).at(path)?;
        let file = new.file.as_file_mut();
        file.write_all(content).and_then(|()| file.sync_all()).at(path)?;
        Ok(new)
    }

    /// Gives the file its name, and takes that of an older one.
    fn keep(self) -> io::Result<()> {
        self.file.as_file().sync_all()?;
        self.file.persist(&self.path)?;
        Ok(())
    }

    /// Gives files their names. If something else has one of the names, none of the files stays.
    pub(super) fn keep_all_new(files: Vec<Self>) -> Result {
        let mut kept = Vec::new();
        for Self { file, path } in files {
            if let Err(error) = file.persist_noclobber(&path) {
                kept.iter().for_each(|path| drop(fs::remove_file(path)));
                return Err(error.error).at(&path);
            }
            kept.push(path);
        }
        Ok(())
    }
}

/// A public file that is complete, but has not got its name yet. It is closed: there may be thousands.
#[derive(Debug)]
pub(crate) struct Staged {
    file: TempPath,
    path: PathBuf,
}

impl Staged {
    pub(crate) fn new(path: &Path, content: &[u8]) -> Result<Self> {
        let can_not = |error: io::Error| Failure::new(format!("{}: can't write: {error}", path.display()));
        let old = fs::metadata(path).ok();
        if old.is_some_and(|old| !old.is_file() && !old.is_dir()) {
            return Err(can_not(io::Error::other("is a device or a pipe, not a file")));
        }
        match Target::of(path, Access::Public).at(path)? {
            Target::There(_) => Err(can_not(io::Error::other("is no place for files"))),
            Target::New(NewFile { mut file, path }) => {
                let to = file.as_file_mut();
                to.write_all(content).and_then(|()| to.sync_all()).map_err(can_not)?;
                Ok(Self { file: file.into_temp_path(), path })
            }
        }
    }

    /// Gives the file its name, and takes that of an older one.
    pub(crate) fn keep(self) -> Result {
        self.file.persist(&self.path).map_err(|error| error.error).at(&self.path)
    }
}

/// Has something written to a place, and tells what goes wrong there from what goes wrong elsewhere.
fn watch<T>(name: &Path, to: &mut dyn Write, write: impl FnOnce(&mut dyn Write) -> Result<T>) -> Result<T> {
    let mut to = Watched { to, error: None };
    let done = write(&mut to);
    if done.is_ok() {
        drop(to.flush());
    }
    match to.error {
        Some(error) => Err(Failure::new(format!("{}: can't write: {error}", name.display()))),
        None => done,
    }
}

/// A writer that remembers its error.
struct Watched<'a> {
    to: &'a mut dyn Write,
    error: Option<io::Error>,
}

impl Watched<'_> {
    fn remember<T>(&mut self, done: io::Result<T>) -> io::Result<T> {
        done.map_err(|error| {
            let kind = error.kind();
            // What was only interrupted is tried again.
            if kind != io::ErrorKind::Interrupted {
                self.error = Some(error);
            }
            kind.into()
        })
    }
}

impl Write for Watched<'_> {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        let done = self.to.write(octets);
        self.remember(done)
    }

    fn flush(&mut self) -> io::Result<()> {
        let done = self.to.flush();
        self.remember(done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_files_all_appear_or_none() {
        let folder = tempfile::tempdir().unwrap();
        let paths = ["a", "b", "c"].map(|name| folder.path().join(name));
        let new = || paths.iter().map(|path| NewFile::secret(path, b"new").unwrap()).collect();
        let files: Vec<_> = new();
        // Somebody was faster.
        fs::write(&paths[1], "mine").unwrap();
        let failure = NewFile::keep_all_new(files).unwrap_err().to_string();
        assert!(failure.starts_with(paths[1].to_str().unwrap()), "{failure}");
        assert_eq!(fs::read(&paths[1]).unwrap(), b"mine");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        fs::remove_file(&paths[1]).unwrap();
        NewFile::keep_all_new(new()).unwrap();
        assert!(paths.iter().all(|path| fs::read(path).unwrap() == b"new"));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
    }
}
