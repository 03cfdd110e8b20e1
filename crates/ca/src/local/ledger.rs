//! What an authority keeps: named records, in memory or each in a file of a folder.
//!
//! A file is written beside its place, synchronized, moved there, and the folder is synchronized: after a crash there is
//! the old one or the new one, whole. Several processes may use one folder; who changes something holds its lock.

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde::{Serialize, de::DeserializeOwned};
use zeroize::Zeroizing;

use crate::{Error, Result};

/// How the names of records that can be listed end.
const JSON: &str = ".json";

type Bytes = Zeroizing<Vec<u8>>;

pub(super) struct Ledger {
    place: Place,
    /// One at a time, also within the process.
    changing: Mutex<()>,
}

enum Place {
    Memory(Mutex<BTreeMap<String, Bytes>>),
    Folder(PathBuf),
}

/// While it is there, nobody else changes anything.
pub(super) struct Lock<'a> {
    _file: Option<File>,
    _mutex: MutexGuard<'a, ()>,
}

impl Ledger {
    pub(super) fn memory() -> Self {
        Self { place: Place::Memory(Mutex::default()), changing: Mutex::default() }
    }

    /// Makes the folder if it is not there.
    pub(super) fn folder(folder: &Path) -> Result<Self> {
        create_folder(folder)?;
        Self::existing(folder)
    }

    pub(super) fn existing(folder: &Path) -> Result<Self> {
        if !folder.is_dir() {
            return Err(failed(folder)(&io::Error::from(io::ErrorKind::NotFound)));
        }
        Ok(Self { place: Place::Folder(folder.to_owned()), changing: Mutex::default() })
    }

    pub(super) fn lock(&self) -> Result<Lock<'_>> {
        let mutex = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let file = match &self.place {
            Place::Memory(_) => None,
            Place::Folder(folder) => {
                let path = folder.join("lock");
                let file = private().create(true).truncate(false).open(&path).map_err(|error| failed(&path)(&error))?;
                file.lock().map_err(|error| failed(&path)(&error))?;
                Some(file)
            }
        };
        Ok(Lock { _file: file, _mutex: mutex })
    }

    pub(super) fn get(&self, name: &str) -> Result<Option<Bytes>> {
        match &self.place {
            Place::Memory(records) => Ok(records.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()),
            Place::Folder(folder) => {
                let path = folder.join(name);
                match fs::read(&path) {
                    Ok(bytes) => Ok(Some(Zeroizing::new(bytes))),
                    Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                    Err(error) => Err(failed(&path)(&error)),
                }
            }
        }
    }

    /// Durable once it returned.
    pub(super) fn put(&self, name: &str, bytes: &[u8]) -> Result<()> {
        match &self.place {
            Place::Memory(records) => {
                let bytes = Zeroizing::new(bytes.to_vec());
                records.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), bytes);
                Ok(())
            }
            Place::Folder(folder) => {
                let path = folder.join(name);
                let parent = path.parent().unwrap_or(folder);
                create_folder(parent)?;
                replace(&path, parent, bytes).map_err(|error| failed(&path)(&error))
            }
        }
    }

    pub(super) fn read<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>> {
        let Some(bytes) = self.get(name)? else { return Ok(None) };
        let read = serde_json::from_slice(&bytes);
        read.map(Some).map_err(|problem| failed(&self.path(name))(&problem))
    }

    pub(super) fn write<T: Serialize>(&self, name: &str, record: &T) -> Result<()> {
        let json = serde_json::to_vec_pretty(record).map_err(|problem| failed(&self.path(name))(&problem))?;
        self.put(name, &json)
    }

    /// The names of the records of a kind, sorted.
    pub(super) fn list(&self, kind: &str) -> Result<Vec<String>> {
        match &self.place {
            Place::Memory(records) => {
                let records = records.lock().unwrap_or_else(PoisonError::into_inner);
                let of_kind = |name: &&String| name.split_once('/').is_some_and(|(found, _)| found == kind);
                Ok(records.keys().filter(of_kind).cloned().collect())
            }
            Place::Folder(folder) => {
                let path = folder.join(kind);
                let files = match fs::read_dir(&path) {
                    Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
                    files => files.map_err(|error| failed(&path)(&error))?,
                };
                let mut names = Vec::new();
                for file in files {
                    let file = file.map_err(|error| failed(&path)(&error))?.file_name();
                    // What a crash left beside its place is none.
                    let name = file.to_str().and_then(|name| name.strip_suffix(JSON));
                    names.extend(name.map(|name| format!("{kind}/{name}{JSON}")));
                }
                names.sort_unstable();
                Ok(names)
            }
        }
    }

    /// Where a record is.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        match &self.place {
            Place::Memory(_) => PathBuf::from(name),
            Place::Folder(folder) => folder.join(name),
        }
    }
}

fn failed(path: &Path) -> impl Fn(&dyn std::fmt::Display) -> Error {
    move |problem| Error::File { path: path.to_owned(), problem: problem.to_string() }
}

fn replace(path: &Path, parent: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = path.with_extension("new");
    let mut file = private().create(true).truncate(true).open(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    File::open(parent)?.sync_all()
}

/// For files that only their owner may read.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn create_folder(folder: &Path) -> Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|error| failed(folder)(&error))?;
    // That it is there must survive a crash, too.
    match folder.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => {
            File::open(parent).and_then(|parent| parent.sync_all()).map_err(|error| failed(parent)(&error))
        }
        _ => Ok(()),
    }
}
